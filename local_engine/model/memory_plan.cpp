#include "local_engine/model/memory_plan.hpp"

#include <fstream>

namespace sluice::local_engine {
namespace {

std::string megabytes(std::uint64_t bytes) {
    return std::to_string((bytes + (std::uint64_t{1} << 20U) - 1) >> 20U) + " MiB";
}

}  // namespace

MemoryPlan plan_memory(const gguf::Reader& file, const ModelPlan& plan, const ForwardLimits& limits) {
    return {.weights = file.file_bytes(),
            .cache = Forward::page_bytes(plan, limits.kv_type) * static_cast<std::uint64_t>(limits.pages),
            .scratch = Forward::scratch_bytes(plan, limits)};
}

core::Result<void> check_memory(const MemoryPlan& plan, std::uint64_t available) {
    if (available == 0 || plan.total() <= available) return {};
    return core::Error{core::Errc::Unavailable, "the model needs " + megabytes(plan.total()) + " (weights " +
                                                    megabytes(plan.weights) + ", key/value cache " +
                                                    megabytes(plan.cache) + ", activations " + megabytes(plan.scratch) +
                                                    "), but only " + megabytes(available) + " are free"};
}

std::uint64_t available_memory() {
    std::ifstream file("/proc/meminfo");
    std::string key;
    std::uint64_t kilobytes = 0;
    std::string unit;
    while (file >> key >> kilobytes) {
        if (key == "MemAvailable:") return kilobytes * 1024;
        std::getline(file, unit);
    }
    return 0;
}

std::string describe_attention(const LayerPlan& layer) {
    std::string text = std::to_string(layer.heads) + " heads, ";
    if (layer.latent) {
        text += "latent row of " + std::to_string(layer.latent->latent) + " + " + std::to_string(layer.latent->rope);
        if (layer.latent->query_rank > 0) text += ", queries through " + std::to_string(layer.latent->query_rank);
    } else {
        text += std::to_string(layer.kv_heads) + " kv, size " + std::to_string(layer.head_size);
    }
    if (layer.mask.kind == Mask::Kind::Window) text += ", window " + std::to_string(layer.mask.size);
    if (layer.mask.kind == Mask::Kind::Chunk) text += ", chunks of " + std::to_string(layer.mask.size);
    if (layer.rope < 0) text += ", no rotation";
    if (layer.qk_norm != LayerPlan::QkNorm::None) text += ", norm of queries and keys";
    if (layer.sinks) text += ", sinks";
    return text;
}

std::string describe_feed_forward(const LayerPlan& layer) {
    if (!layer.moe) return "dense " + std::to_string(layer.ffn);
    const MoePlan& moe = *layer.moe;
    std::string text = std::to_string(moe.experts) + " experts of " + std::to_string(moe.ffn) + ", " +
                       std::to_string(moe.used) + " used";
    if (moe.groups > 1)
        text += ", best " + std::to_string(moe.groups_used) + " of " + std::to_string(moe.groups) + " groups";
    if (moe.shared_ffn > 0) text += ", shared " + std::to_string(moe.shared_ffn);
    return text;
}

}  // namespace sluice::local_engine
