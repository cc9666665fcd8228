// The bench of cards, from made weights to its table, at a tiny shape on the emulated card; and that its shapes are
// those of the models they are named after.
#include "emulated_device.hpp"
#include "tests/bench/gpu/report.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace sluice::local_engine::bench {
namespace {

Options tiny_options() {
    return {.batches = {1, 3},
            .contexts = {4, 70},
            .prompts = {8, 24},
            .step_tokens = 8,
            .repeats = 1,
            .most_seconds = 100.0};
}

TEST(GpuBench, MeasuresEveryOperationAndStepOfATinyModel) {
#if defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "fibers cannot run under the thread sanitizer";
#endif
    const auto report =
        measure(testing::make_emulated_device({.memory = std::size_t{3} << 30U}), tiny_shape(), tiny_options());
    ASSERT_TRUE(report) << core::describe(report.error());
    EXPECT_EQ(report->layers, 2);
    EXPECT_EQ(report->whole_layers, 2);
    std::set<std::string> names;
    for (const Measured& one : report->operations) {
        names.insert(one.what);
        EXPECT_GT(one.microseconds, 0.0) << one.what;
        EXPECT_EQ(one.left_out, "");
        if (one.what != "logits to the host") {
            EXPECT_GT(one.kernels, 0U) << one.what;
        }
    }
    const std::set<std::string> wanted{
        "norm", "query, key, value",  "rotate, store", "attention's output", "router", "experts", "feed-forward",
        "head", "logits to the host", "attention",     "attention, window"};
    EXPECT_EQ(names, wanted);
    ASSERT_EQ(report->steps.size(), 6U);  // two batches at two contexts, two prompts
    for (const Measured& one : report->steps) {
        EXPECT_GT(one.microseconds, 0.0) << one.what;
        EXPECT_GT(one.tokens_per_second(), 0.0);
        EXPECT_EQ(one.left_out, "");
    }
    EXPECT_EQ(report->steps.back().tokens, 24);
    EXPECT_GT(report->steps[1].gigabytes, report->steps[0].gigabytes) << "more sequences read more of the cache";

    const Ceilings ceilings{.copy_gb = 4300, .bf16_tflops = 780};
    const std::string table = table_of(*report, ceilings);
    for (const std::string& name : wanted) EXPECT_NE(table.find(name), std::string::npos) << table;
    const core::Json json = to_json(*report, ceilings);
    EXPECT_EQ(json.at("steps").size(), 6U);
    EXPECT_GT(json.at("steps")[0].at("percent_of_copy").get<double>(), 0.0);
    EXPECT_FALSE(to_json(*report, {}).at("steps")[0].contains("percent_of_copy"))
        << "of a ceiling that was not measured";
}

TEST(GpuBench, SaysWhatDoesNotFitAndWhyAndMeasuresTheRest) {
#if defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "fibers cannot run under the thread sanitizer";
#endif
    Options options = tiny_options();
    options.batches = {1};
    options.contexts = {4, 60'000'000};
    options.prompts = {8};
    const auto report =
        measure(testing::make_emulated_device({.memory = (std::size_t{1} << 30U) + (std::size_t{64} << 20U)}), tiny_shape(), options);
    ASSERT_TRUE(report) << core::describe(report.error());
    ASSERT_EQ(report->steps.size(), 3U);
    EXPECT_GT(report->steps[0].microseconds, 0.0);
    EXPECT_EQ(report->steps[1].microseconds, 0.0);
    EXPECT_NE(report->steps[1].left_out.find("needs 30.7 GB of cache"), std::string::npos) << report->steps[1].left_out;
    EXPECT_NE(table_of(*report, {}).find("needs 30.7 GB"), std::string::npos);
    EXPECT_FALSE(measure(testing::make_emulated_device({.memory = 1'000'000}), tiny_shape(), options));
}

TEST(GpuBench, ADeviceThatFailsIsAnError) {
#if defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "fibers cannot run under the thread sanitizer";
#endif
    const auto faults = std::make_shared<testing::Faults>();
    faults->launches = 20;
    const auto report = measure(testing::make_emulated_device({.memory = std::size_t{3} << 30U, .faults = faults}),
                                tiny_shape(), tiny_options());
    ASSERT_FALSE(report);
    EXPECT_NE(report.error().detail.find("told to fail"), std::string::npos) << report.error().detail;
}

// As files of these models have it: billions of parameters, of one token, and gigabytes.
TEST(GpuBench, ShapesAreAsLargeAsTheModels) {
    struct Size3 {
        double parameters, active, gigabytes;
    };
    const std::map<std::string, Size3> published{{"qwen3-30b-a3b", {30.5, 3.04, 18.6}},
                                                 {"qwen3-8b", {8.2, 7.57, 5.0}},
                                                 {"gpt-oss-20b", {20.9, 3.61, 12.1}},
                                                 {"mixtral-8x22b", {140.6, 38.96, 85.0}},
                                                 {"llama4-scout", {107.8, 16.14, 65.3}}};
    ASSERT_EQ(shapes().size(), published.size());
    for (const Shape& shape : shapes()) {
        const Size size = size_of(shape);
        const Size3& wanted = published.at(shape.name);
        EXPECT_NEAR(size.parameters / 1e9 / wanted.parameters, 1.0, 0.01) << shape.name;
        EXPECT_NEAR(size.active / 1e9 / wanted.active, 1.0, 0.02) << shape.name;
        EXPECT_NEAR(size.bytes / 1e9 / wanted.gigabytes, 1.0, 0.03) << shape.name;
    }
}

}  // namespace
}  // namespace sluice::local_engine::bench
