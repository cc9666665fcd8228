// Golden cases: tiny models and the logits they must give. Read by the tests of the forward pass.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace sluice::local_engine::testing {

struct GoldenCase {
    std::filesystem::path model;
    std::string name;          // "a", or what the case is about
    std::string architecture;  // as in the file
    std::int64_t vocabulary = 0;
    std::vector<std::int32_t> tokens, positions, top1, greedy;
    std::vector<double> top1_gap, router_margin, greedy_gap;       // router_margin: infinite for dense models
    std::vector<float> logits;                                     // (positions, vocabulary)
    double native_nmse = 0.0, native_kl = 0.0, native_top1 = 0.0;  // of a reference run with 8-bit activations
};

// Every case of NAME.json ("qwen3-n-Q8_0").
std::vector<GoldenCase> read_golden(const std::filesystem::path& folder, const std::string& name);

std::filesystem::path bundled_goldens();                // in the repository: one model per architecture
std::optional<std::filesystem::path> shared_goldens();  // the full set: $SLUICE_SHARED or ../shared, if there
std::vector<std::string> golden_names();                // of the architectures the engine has, in the full set
std::vector<std::string> bundled_names();

// Empty when the logits are within the limits; else what is wrong.
std::string judge_exact(const GoldenCase& golden, const std::vector<float>& logits);      // float activations and cache
std::string judge_half(const GoldenCase& golden, const std::vector<float>& logits);       // 16-bit cache
std::string judge_quantised(const GoldenCase& golden, const std::vector<float>& logits);  // 8-bit activations

// Greedy tokens are equal up to the first step whose gap is below `gap`.
std::string judge_greedy(const GoldenCase& golden, const std::vector<std::int32_t>& tokens, double gap);

}  // namespace sluice::local_engine::testing
