// models inspect: what is in a GGUF file, and the memory that loading it will take.
#include "gateway/cli/command.hpp"
#include "gateway/config/values.hpp"
#include "local_engine/gguf/printable.hpp"
#include "local_engine/gguf/reader.hpp"
#include "local_engine/memory_plan.hpp"

#include <fmt/format.h>

#include <map>
#include <ostream>

namespace sluice::gateway::cli {
namespace {

using core::Json;
using local_engine::gguf::Reader;

core::Error wrong(std::string option, std::string detail) {
    return {.code = core::Errc::InvalidRequest, .detail = std::move(detail), .field = std::move(option)};
}

std::string shape_of(const local_engine::gguf::Tensor& tensor) {
    std::string shape;
    for (int i = 0; i < tensor.n_dims; ++i)
        shape += (i > 0 ? " x " : "") + std::to_string(tensor.ne[static_cast<std::size_t>(i)]);
    return shape;
}

std::string type_name(local_engine::TensorType type) {
    const auto* known = local_engine::traits(type);
    return known != nullptr ? std::string(known->name) : "type " + std::to_string(static_cast<int>(type));
}

struct Summary {
    std::string name;
    std::string architecture;
    std::int64_t context = 0;
    std::int64_t parameters = 0;
    std::map<std::string, std::int64_t> tensors_by_type;
};

Summary summary_of(const Reader& file) {
    Summary summary;
    summary.name = std::string(file.string("general.name").value_or(""));
    summary.architecture = std::string(file.string("general.architecture").value_or(""));
    summary.context = file.integer(summary.architecture + ".context_length").value_or(0);
    for (const auto& tensor : file.tensors()) {
        // Sizes were checked against the file: the product fits.
        summary.parameters += tensor.ne[0] * tensor.ne[1] * tensor.ne[2] * tensor.ne[3];
        ++summary.tensors_by_type[type_name(tensor.type)];
    }
    return summary;
}

std::size_t cache_bytes_per_token(const local_engine::ModelPlan& plan) {
    return local_engine::Forward::page_bytes(plan, local_engine::KvType::F16) / local_engine::kPageTokens;
}

// One row for each run of layers that are alike.
std::vector<std::vector<std::string>> layer_rows(const local_engine::ModelPlan& plan) {
    std::vector<std::vector<std::string>> rows;
    std::size_t first = 0;
    for (std::size_t i = 0; i < plan.layers.size(); ++i) {
        std::string attention = local_engine::describe_attention(plan.layers[i]);
        std::string feed_forward = local_engine::describe_feed_forward(plan.layers[i]);
        const bool same = !rows.empty() && rows.back()[1] == attention && rows.back()[2] == feed_forward;
        if (!same) {
            first = i;
            rows.push_back({"", std::move(attention), std::move(feed_forward)});
        }
        rows.back()[0] = first == i ? std::to_string(i) : std::to_string(first) + "-" + std::to_string(i);
    }
    return rows;
}

using Plan = core::Result<local_engine::ModelPlan>;
using Memory = core::Result<local_engine::EngineMemory>;

// As a configuration would say it that gives nothing but these.
core::Result<local_engine::EngineConfig> engine_config(const std::string& path, const Arguments& arguments) {
    local_engine::EngineConfig config{.model = path};
    const std::string kv = arguments.get_or("--kv", "f16");
    if (kv != "f16" && kv != "f32") return wrong("--kv", fmt::format("\"{}\" is not one of: f16, f32", kv));
    if (kv == "f32") config.kv_type = local_engine::KvType::F32;
    const auto context = parse_integer(arguments.get_or("--context", "0"));
    if (!context || *context < 0) return wrong("--context", "must be a number of tokens");
    config.context_limit = *context;
    return config;
}

Json memory_json(const local_engine::EngineMemory& memory) {
    return {{"weights_bytes", memory.weights}, {"cache_bytes", memory.cache},   {"cache_tokens", memory.cache_tokens},
            {"scratch_bytes", memory.scratch}, {"total_bytes", memory.total()}, {"context", memory.context}};
}

std::string bytes(std::uint64_t count) {
    return grouped(static_cast<std::int64_t>(count)) + " bytes";
}

void add_memory(std::vector<std::vector<std::string>>& rows, const local_engine::EngineMemory& memory) {
    rows.push_back({"memory: weights", bytes(memory.weights)});
    rows.push_back({"memory: key/value cache", bytes(memory.cache) + " for " + grouped(memory.cache_tokens) + " tokens"});
    rows.push_back({"memory: scratch", bytes(memory.scratch)});
    rows.push_back({"memory: all", bytes(memory.total())});
    const std::uint64_t free = local_engine::available_memory();
    if (free > 0) rows.push_back({"memory free here", bytes(free) + (memory.total() > free ? ": does not fit" : "")});
}

Json plan_json(const Plan& plan, const Memory& memory) {
    if (!plan) return {{"runs", false}, {"reason", core::describe(plan.error())}};
    if (!memory) return {{"runs", false}, {"reason", core::describe(memory.error())}};
    Json layers = Json::array();
    for (const auto& layer : plan->layers) {
        layers.push_back({{"attention", local_engine::describe_attention(layer)},
                          {"feed_forward", local_engine::describe_feed_forward(layer)}});
    }
    return {{"runs", true},
            {"cache_bytes_per_token", cache_bytes_per_token(*plan)},
            {"memory", memory_json(*memory)},
            {"layers", std::move(layers)}};
}

Json inspect_json(const Reader& file, const Summary& summary, Json plan, bool with_tensors) {
    Json json{{"name", summary.name},
              {"architecture", summary.architecture},
              {"context_length", summary.context},
              {"parameters", summary.parameters},
              {"file_bytes", file.file_bytes()},
              {"tensors_by_type", summary.tensors_by_type},
              {"plan", std::move(plan)}};
    if (!with_tensors) return json;
    json["tensors"] = Json::array();
    for (const auto& tensor : file.tensors()) {
        Json shape = Json::array();
        for (int i = 0; i < tensor.n_dims; ++i) shape.push_back(tensor.ne[static_cast<std::size_t>(i)]);
        json["tensors"].push_back({{"name", tensor.name},
                                   {"type", type_name(tensor.type)},
                                   {"shape", std::move(shape)},
                                   {"bytes", tensor.bytes}});
    }
    return json;
}

int inspect(const Arguments& arguments, Program& program) {
    auto path = arguments.get("--model");
    if (!path) path = arguments.positional(0);
    if (!path) return fail(program.console, wrong("--model", "is needed: the model file"));
    const auto config = engine_config(*path, arguments);
    if (!config) return fail(program.console, config.error());
    const auto file = Reader::open(*path);
    if (!file) return fail(program.console, file.error());
    const Summary summary = summary_of(**file);
    const auto plan = local_engine::read_plan(**file);
    const auto memory = local_engine::plan_memory(*config);
    std::ostream& out = program.console.out;
    if (arguments.has("--json")) {
        print_json(out, inspect_json(**file, summary, plan_json(plan, memory), arguments.has("--tensors")));
        return kDone;
    }
    std::vector<std::vector<std::string>> rows{
        {"name", local_engine::gguf::printable(summary.name)},
        {"architecture", local_engine::gguf::printable(summary.architecture)},
        {"context", grouped(summary.context)},
        {"parameters", grouped(summary.parameters)},
        {"file", bytes((*file)->file_bytes())}};
    for (const auto& [type, count] : summary.tensors_by_type)
        rows.push_back({"tensors in " + type, std::to_string(count)});
    if (plan) rows.push_back({"key/value cache", bytes(cache_bytes_per_token(*plan)) + " per token (f16)"});
    if (memory) add_memory(rows, *memory);
    else rows.push_back({"cannot be run", core::describe(memory.error())});
    print_table(out, {{"WHAT"}, {"VALUE"}}, rows, "");
    if (plan) {
        out << '\n';
        print_table(out, {{"LAYERS"}, {"ATTENTION"}, {"FEED-FORWARD"}}, layer_rows(*plan), "");
    }
    if (!arguments.has("--tensors")) return kDone;
    std::vector<std::vector<std::string>> tensors;
    for (const auto& tensor : (*file)->tensors()) {
        tensors.push_back(
            {local_engine::gguf::printable(tensor.name), type_name(tensor.type), shape_of(tensor), grouped(static_cast<std::int64_t>(tensor.bytes))});
    }
    out << '\n';
    print_table(out, {{"TENSOR"}, {"TYPE"}, {"SHAPE"}, {"BYTES", Align::Right}}, tensors, "no tensors");
    return kDone;
}

}  // namespace

std::vector<Command> inspect_commands() {
    return {{{.name = "models inspect",
              .summary = "Says what is in a GGUF file, after checking all of its structure, and what memory it takes.",
              .positionals = {{"FILE.gguf", "the model file", false}},
              .options = {{"--model", "FILE.gguf", "the model file"},
                          {"--tensors", "", "list every tensor"},
                          {"--context", "N", "tokens of one request, for the memory plan; default: the model's"},
                          {"--kv", "f16|f32", "key/value cache, for the memory plan; default: f16"},
                          json_option()}},
             inspect}};
}

}  // namespace sluice::gateway::cli
