#include "local_engine/gguf/reader.hpp"
#include "tests/support/gguf_writer.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

namespace sluice::local_engine::gguf {
namespace {

using test::as_bytes;
using test::GgufWriter;

std::string sample() {
    GgufWriter writer;
    writer.set("general.architecture", "llama").set("llama.block_count", std::uint32_t{2});
    writer.set("rope.base", 10000.0F).set("flag", true).set("big", ~std::uint64_t{0}).set("negative", std::int8_t{-3});
    writer.set_array<std::string>("tokens", {"a", "", "ccc"}).set_array<std::int32_t>("types", {1, -2, 3});
    writer.set_array<float>("scores", {0.5F, -1.0F});
    writer.tensor("matrix", {4, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
    writer.tensor("blocks", TensorType::Q8_0, {32}, std::string(34, '\1'));
    return writer.build();
}

class TemporaryFile {
public:
    explicit TemporaryFile(std::string_view bytes)
        : path_(std::filesystem::temp_directory_path() / ("sluice_gguf_" + std::to_string(::getpid()) + ".gguf")) {
        std::ofstream(path_, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() { std::filesystem::remove(path_); }
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

void expect_sample(const Reader& file) {
    EXPECT_EQ(file.string("general.architecture"), "llama");
    EXPECT_EQ(file.integer("llama.block_count"), 2);
    EXPECT_EQ(file.integer("negative"), -3);
    EXPECT_EQ(file.number("rope.base"), 10000.0);
    EXPECT_EQ(file.number("llama.block_count"), 2.0);
    EXPECT_EQ(file.boolean("flag"), true);
    EXPECT_FALSE(file.integer("big"));  // no 64-bit signed value
    EXPECT_TRUE(file.has("big"));

    std::vector<std::string> tokens;
    ASSERT_NE(file.array("tokens"), nullptr);
    file.array("tokens")->for_each_string([&](std::string_view text) { tokens.emplace_back(text); });
    EXPECT_EQ(tokens, (std::vector<std::string>{"a", "", "ccc"}));
    EXPECT_EQ(file.array("types")->integer(1), -2);
    EXPECT_EQ(file.array("scores")->number(0), 0.5);
    EXPECT_FALSE(file.array("scores")->of_integers());

    const Tensor* matrix = file.find("matrix");
    ASSERT_NE(matrix, nullptr);
    EXPECT_EQ(matrix->n_dims, 2);
    EXPECT_EQ(matrix->ne, (std::array<std::int64_t, 4>{4, 2, 1, 1}));
    EXPECT_EQ(matrix->bytes, 32U);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(matrix->data) % 32, 0U);
    float last = 0;
    std::memcpy(&last, matrix->data + 28, sizeof(last));
    EXPECT_EQ(last, 8.0F);
    EXPECT_EQ(file.find("blocks")->bytes, 34U);
    EXPECT_EQ(file.find("absent"), nullptr);
    EXPECT_EQ(file.tensors().size(), 2U);
    EXPECT_EQ(file.tensors()[0].name, "matrix");
    for (const Tensor& tensor : file.tensors()) EXPECT_TRUE(file.populate({tensor.data, tensor.bytes}));
}

TEST(GgufReader, ReadsWhatWasWrittenFromMemoryAndFromDisk) {
    const std::string bytes = sample();
    const auto memory = Reader::from_bytes(as_bytes(bytes));
    ASSERT_TRUE(memory) << core::describe(memory.error());
    expect_sample(**memory);

    const TemporaryFile file(bytes);
    const auto mapped = Reader::open(file.path());
    ASSERT_TRUE(mapped) << core::describe(mapped.error());
    EXPECT_EQ((*mapped)->file_bytes(), bytes.size());
    expect_sample(**mapped);
}

TEST(GgufReader, RequiredKeysNameThemselvesInErrors) {
    const auto file = Reader::from_bytes(as_bytes(sample()));
    ASSERT_TRUE(file);
    const Reader& reader = **file;
    EXPECT_EQ(reader.require_integer("absent").error().field, "absent");
    EXPECT_EQ(reader.require_integer("general.architecture").error().detail, "not an integer");
    EXPECT_EQ(reader.require_integer("llama.block_count", 3, 9).error().detail, "2 is not from 3 to 9");
    EXPECT_EQ(reader.require_integer("big").error().code, core::Errc::Corrupt);
    EXPECT_EQ(reader.require_string("flag").error().field, "flag");
    EXPECT_EQ(reader.require_strings("types").error().field, "types");
    EXPECT_EQ(reader.require_number("flag").error().field, "flag");
    EXPECT_EQ(*reader.integer_or("absent", 7), 7);
    EXPECT_FALSE(reader.integer_or("flag", 7));
    EXPECT_EQ(*reader.number_or("absent", 0.5), 0.5);
    EXPECT_TRUE(*reader.boolean_or("flag", false));
    EXPECT_FALSE(reader.boolean_or("negative", false));
}

TEST(GgufReader, FilesThatCannotBeModelsAreRefusedByName) {
    EXPECT_EQ(Reader::open("/nonexistent/model.gguf").error().code, core::Errc::NotFound);
    EXPECT_EQ(Reader::open("/dev/null").error().detail, "not a regular file");
    EXPECT_EQ(Reader::open("/").error().code, core::Errc::Corrupt);
    const TemporaryFile empty("");
    EXPECT_EQ(Reader::open(empty.path()).error().detail, "the file is empty");
    EXPECT_FALSE(Reader::from_bytes({}));
}

TEST(GgufReader, EveryTruncationIsRefusedOrHarmless) {
    const std::string whole = sample();
    for (std::size_t length = 0; length < whole.size(); ++length) {
        EXPECT_FALSE(Reader::from_bytes(as_bytes(whole).first(length))) << length;
    }
}

TEST(GgufReader, RandomDamageNeverLeavesTheFile) {
    const std::string whole = sample();
    std::mt19937 dice(7);
    unsigned checksum = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::string damaged = whole;
        for (unsigned hits = 1 + dice() % 4; hits > 0; --hits) {
            const std::size_t at = dice() % damaged.size();
            damaged[at] = static_cast<char>(dice() % 3 == 0 ? 0xFF : dice());
        }
        const auto file = Reader::from_bytes(as_bytes(damaged));
        if (!file) {
            EXPECT_FALSE(file.error().field.empty());
            continue;
        }
        for (const Tensor& tensor : (*file)->tensors()) {  // read all bytes: a sanitizer sees a wrong bound
            for (std::size_t i = 0; i < tensor.bytes; ++i) checksum += std::to_integer<unsigned>(tensor.data[i]);
        }
        if (const Array* tokens = (*file)->array("tokens")) {
            tokens->for_each_string([&](std::string_view text) { checksum += static_cast<unsigned>(text.size()); });
        }
    }
    RecordProperty("checksum", std::to_string(checksum));
}

}  // namespace
}  // namespace sluice::local_engine::gguf
