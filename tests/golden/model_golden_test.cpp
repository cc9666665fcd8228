// The forward pass against golden logits: reference and every instruction set of the CPU backend.
#include "local_engine/diagnostics.hpp"
#include "tests/unit/local_engine/golden.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

namespace sluice::local_engine {
namespace {

using testing::GoldenCase;

constexpr DiagnosticOptions kReference{.backend = Backend::Reference, .kv_type = KvType::F32};

std::vector<DiagnosticOptions> exact_backends() {
    std::vector<DiagnosticOptions> all{kReference};
    for (const char* set : {"scalar", "avx2", "avx512-vnni"}) {
        all.push_back({.kv_type = KvType::F32, .activations = Activations::F32, .instruction_set = set, .threads = 2});
    }
    return all;
}

std::vector<DiagnosticOptions> quantised_backends() {
    std::vector<DiagnosticOptions> all;
    for (const char* set : {"scalar", "avx2", "avx512-vnni"}) all.push_back({.instruction_set = set, .threads = 2});
    return all;
}

std::string label(const DiagnosticOptions& options) {
    return options.backend == Backend::Reference ? "reference" : options.instruction_set;
}

// Long prompts are for the fast backend: the others would take minutes.
bool affordable(const GoldenCase& golden, const DiagnosticOptions& options, std::size_t most_tokens = 64) {
    const bool fast = options.backend == Backend::Cpu && options.instruction_set != "scalar";
    return golden.tokens.size() <= most_tokens || fast;
}

// Runs `check` on every case and every backend this machine has.
template <class Check>
void for_each_backend(const std::vector<GoldenCase>& cases, const std::vector<DiagnosticOptions>& backends,
                      Check check) {
    for (const GoldenCase& golden : cases) {
        for (const DiagnosticOptions& options : backends) {
            SCOPED_TRACE(golden.model.filename().string() + ", " + label(options));
            const auto probe = logits(golden.model, std::span(golden.tokens).first(1), {}, options);
            if (!probe && probe.error().field == "instruction_set") continue;
            if (!affordable(golden, options)) continue;
            check(golden, options);
        }
    }
}

void check_logits(const GoldenCase& golden, const DiagnosticOptions& options,
                  std::string (*judge)(const GoldenCase&, const std::vector<float>&)) {
    const auto got = logits(golden.model, golden.tokens, golden.positions, options);
    ASSERT_TRUE(got) << core::describe(got.error());
    EXPECT_EQ(judge(golden, *got), "");
}

void check_greedy(const GoldenCase& golden, const DiagnosticOptions& options, double gap) {
    const auto tokens = greedy(golden.model, golden.tokens, 32, options);
    ASSERT_TRUE(tokens) << core::describe(tokens.error());
    EXPECT_EQ(testing::judge_greedy(golden, *tokens, gap), "");
}

// The parameter: a model of the full set, or of the ones in the repository.
struct Place {
    std::string name;
    bool bundled;
};

// Part of what ctest calls the test: without it these would be bytes of memory, others in each build.
void PrintTo(const Place& place, std::ostream* out) {
    *out << (place.bundled ? "bundled " : "shared ") << place.name;
}

class GoldenModels : public ::testing::TestWithParam<Place> {
protected:
    void SetUp() override {
        const auto folder = GetParam().bundled ? std::optional(testing::bundled_goldens()) : testing::shared_goldens();
        if (!folder) GTEST_SKIP() << "the full set of golden models is not on this machine (SLUICE_SHARED)";
        cases_ = testing::read_golden(*folder, GetParam().name);
        ASSERT_FALSE(cases_.empty());
    }
    std::vector<GoldenCase> cases_;
};

TEST_P(GoldenModels, FloatPathsGiveTheGoldenLogits) {
    for_each_backend(cases_, exact_backends(), [](const auto& golden, const auto& options) {
        check_logits(golden, options, testing::judge_exact);
    });
}

TEST_P(GoldenModels, FloatPathsContinueWithTheGoldenTokens) {
    for_each_backend(cases_, exact_backends(),
                     [](const auto& golden, const auto& options) { check_greedy(golden, options, 0.0); });
}

TEST_P(GoldenModels, ThePromptDecodedTokenByTokenGivesTheSameLogits) {
    for_each_backend(cases_, exact_backends(), [](const auto& golden, DiagnosticOptions options) {
        if (golden.tokens.size() > 1000) return;
        for (const std::int32_t chunk : {1, 7}) {
            if (chunk == 1 && !affordable(golden, options, 1)) continue;
            options.step_tokens = chunk;
            check_logits(golden, options, testing::judge_exact);
        }
    });
}

TEST_P(GoldenModels, HalfPrecisionCacheStaysClose) {
    for_each_backend(cases_, exact_backends(), [](const auto& golden, DiagnosticOptions options) {
        if (golden.tokens.size() > 1000) return;
        options.kv_type = KvType::F16;
        check_logits(golden, options, testing::judge_half);
    });
}

TEST_P(GoldenModels, EightBitActivationsStayCloseAndContinueAlike) {
    for_each_backend(cases_, quantised_backends(), [](const auto& golden, DiagnosticOptions options) {
        for (const std::int32_t chunk : {1, 128}) {
            if (chunk == 1 && golden.tokens.size() > 1000) continue;
            options.step_tokens = chunk;
            check_logits(golden, options, testing::judge_quantised);
        }
        check_greedy(golden, options, 0.75);
    });
}

TEST_P(GoldenModels, SequencesDecodedTogetherGiveWhatEachGivesAlone) {
    for_each_backend(cases_, exact_backends(), [](const auto& golden, DiagnosticOptions options) {
        if (options.backend == Backend::Reference || golden.name != "a") return;
        options.step_tokens = 16;  // prompts in chunks, between the tokens of those that already decode
        std::vector<std::vector<std::int32_t>> prompts;
        for (const std::size_t length : {40U, 3U, 17U, 40U, 1U}) {
            prompts.emplace_back(golden.tokens.begin(), golden.tokens.begin() + static_cast<std::ptrdiff_t>(length));
        }
        const auto together = greedy_together(golden.model, prompts, 12, options);
        ASSERT_TRUE(together) << core::describe(together.error());
        for (std::size_t i = 0; i < prompts.size(); ++i) {
            EXPECT_EQ((*together)[i], greedy(golden.model, prompts[i], 12, options).value());
        }
    });
}

std::vector<Place> places() {
    std::vector<Place> all;
    for (const auto& name : testing::bundled_names()) all.push_back({name, true});
    for (const auto& name : testing::golden_names()) {
        if (std::ranges::find(all, name, &Place::name) == all.end()) all.push_back({name, false});
    }
    return all;
}

std::string test_name(const ::testing::TestParamInfo<Place>& info) {
    std::string name = (info.param.bundled ? "Bundled_" : "Shared_") + info.param.name;
    std::ranges::replace(name, '-', '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(Models, GoldenModels, ::testing::ValuesIn(places()), test_name);

}  // namespace
}  // namespace sluice::local_engine
