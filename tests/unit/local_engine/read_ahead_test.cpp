#include "golden.hpp"
#include "local_engine/engine.hpp"
#include "local_engine/model/model.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
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

// Linux 5.14 and later say which pages cannot be read; before, a touch tells, and ends the process.
bool kernel_populates() {
    constexpr int kPopulateRead = 22;  // MADV_POPULATE_READ: Debian 12's headers have it, older ones do not
    void* const page = ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const bool does = ::madvise(page, 4096, kPopulateRead) == 0;
    ::munmap(page, 4096);
    return does;
}

// Behind the new end of the file every touch would end the process.
TEST(ReadAhead, AFileThatBecomesShorterIsAnError) {
    if (!kernel_populates()) GTEST_SKIP() << "this kernel has no MADV_POPULATE_READ";
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
