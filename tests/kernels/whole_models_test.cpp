// The bundled model of every architecture, from its file to its logits, with weights and activations in the memory of
// the emulated CUDA device: what is missing between the operations shows here.
#include "emulated_device.hpp"
#include "local_engine/kernels/cuda/device_kernels.hpp"
#include "local_engine/model/model.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

namespace sluice::local_engine {
namespace {

std::vector<std::string> bundled_models() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(SLUICE_SOURCE_DIR "/tests/data/engine")) {
        if (entry.path().extension() == ".gguf") names.push_back(entry.path().stem().string());
    }
    std::ranges::sort(names);
    return names;
}

// Logits after a prompt of 20 tokens and after one more of each of two sequences.
std::vector<float> logits_of(const std::string& name, std::unique_ptr<Kernels> kernels) {
    auto file = gguf::Reader::open(std::filesystem::path(SLUICE_SOURCE_DIR "/tests/data/engine") / (name + ".gguf"));
    auto plan = read_plan(**file);
    const auto vocabulary = static_cast<std::size_t>(plan->vocabulary);
    auto model = build_model(std::move(*file), std::move(*plan), std::move(kernels),
                             {.step_tokens = 32, .logit_rows = 2, .pages = 2, .kv_type = KvType::F32});
    EXPECT_TRUE(model) << core::describe(model.error());
    std::vector<std::int32_t> tokens, positions, sequences;
    for (std::int32_t i = 0; i < 23; ++i) {
        tokens.push_back((i * 37 + 5) % 250);
        positions.push_back(i < 20 ? i : i - 20);
        sequences.push_back(i < 20 ? 0 : 1);
    }
    const std::vector<std::int32_t> pages{1, 0};
    const std::vector<std::int32_t> first_rows{19, 22};
    std::vector<float> all(4 * vocabulary);
    (*model)->forward->run({tokens, positions, sequences, pages, 1, first_rows}, std::span(all).first(2 * vocabulary));
    const std::vector<std::int32_t> next{7, 9}, at{20, 3}, both{0, 1};
    (*model)->forward->run({next, at, both, pages, 1, both}, std::span(all).last(2 * vocabulary));
    return all;
}

class WholeModels : public ::testing::TestWithParam<std::string> {};

TEST_P(WholeModels, GiveTheReferencesLogits) {
#if defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "fibers cannot run under the thread sanitizer";
#endif
    const auto wanted = logits_of(GetParam(), make_reference_kernels());
    const auto got = logits_of(GetParam(), std::make_unique<cuda::DeviceKernels>(testing::make_emulated_device(), Activations::F32));
    double error = 0.0;
    double norm = 0.0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const auto value = static_cast<double>(wanted[i]);
        error += (static_cast<double>(got[i]) - value) * (static_cast<double>(got[i]) - value);
        norm += value * value;
    }
    EXPECT_GT(norm, 0.0);
    EXPECT_LT(std::sqrt(error / norm), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Bundled, WholeModels, ::testing::ValuesIn(bundled_models()), [](const auto& test) {
    std::string name = test.param;
    std::ranges::replace(name, '-', '_');
    return name;
});

}  // namespace
}  // namespace sluice::local_engine
