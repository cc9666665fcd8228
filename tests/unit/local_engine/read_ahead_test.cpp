#include "golden.hpp"
#include "local_engine/engine.hpp"
#include "local_engine/model/model.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <numeric>

namespace sluice::local_engine {
namespace {

const char* const kModel = "qwen3-n-Q8_0.gguf";

std::uint64_t bytes_of_tensors(const gguf::Reader& file) {
    return std::accumulate(file.tensors().begin(), file.tensors().end(), std::uint64_t{0},
                           [](std::uint64_t sum, const gguf::Tensor& tensor) { return sum + tensor.bytes; });
}

TEST(ReadAhead, EndsWithAReportOfEverything) {
    const auto file = gguf::Reader::open(testing::bundled_goldens() / kModel);
    ASSERT_TRUE(file);
    std::uint64_t read = 0, of = 0;
    EXPECT_TRUE(read_ahead(**file, [&](std::uint64_t bytes, std::uint64_t total) {
        EXPECT_GE(bytes, read);
        read = bytes;
        of = total;
        return true;
    }));
    EXPECT_EQ(read, of);
    EXPECT_EQ(of, bytes_of_tensors(**file));
    EXPECT_TRUE(read_ahead(**file, {}));
}

TEST(ReadAhead, LoadingCanBeGivenUp) {
    const auto given_up =
        Engine::load({.model = testing::bundled_goldens() / kModel, .threads = 1}, [](auto, auto) { return false; });
    ASSERT_FALSE(given_up);
    EXPECT_EQ(given_up.error().code, core::Errc::Cancelled);
}

// Behind the new end of the file every touch would end the process.
TEST(ReadAhead, AFileThatBecomesShorterIsAnError) {
    const auto copy = std::filesystem::path(::testing::TempDir()) / ("shorter-" + std::to_string(::getpid()) + ".gguf");
    std::filesystem::copy_file(testing::bundled_goldens() / kModel, copy);
    auto file = gguf::Reader::open(copy);
    ASSERT_TRUE(file);
    auto plan = read_plan(**file);
    ASSERT_TRUE(plan);
    std::filesystem::resize_file(copy, std::filesystem::file_size(copy) / 2);
    const auto model = build_model(std::move(*file), std::move(*plan), make_reference_kernels(),
                                   {.step_tokens = 1, .logit_rows = 1, .pages = 1});
    std::filesystem::remove(copy);
    ASSERT_FALSE(model);
    EXPECT_EQ(model.error().code, core::Errc::Unavailable);
    EXPECT_NE(model.error().detail.find("shorter"), std::string::npos) << model.error().detail;
}

}  // namespace
}  // namespace sluice::local_engine
