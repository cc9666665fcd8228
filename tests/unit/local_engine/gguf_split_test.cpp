// Models that come in several files.
#include "local_engine/gguf/reader.hpp"
#include "tests/support/gguf_writer.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

namespace sluice::local_engine::gguf {
namespace {

class GgufSplit : public ::testing::Test {
protected:
    GgufSplit() : folder_(std::filesystem::temp_directory_path() / ("split" + std::to_string(::getpid()))) {
        std::filesystem::create_directories(folder_);
    }
    ~GgufSplit() override { std::filesystem::remove_all(folder_); }
    GgufSplit(const GgufSplit&) = delete;
    GgufSplit& operator=(const GgufSplit&) = delete;

    std::filesystem::path file(const std::string& name) const { return folder_ / name; }

    // One part with one tensor; the first has metadata.
    void write(const std::string& name, std::uint16_t number, const std::string& tensor, float value,
               std::uint16_t count = 2, std::int32_t tensors = 2) const {
        test::GgufWriter writer;
        writer.set("split.no", number).set("split.count", count).set("split.tensors.count", tensors);
        if (number == 0) writer.set("general.name", "parted");
        writer.tensor(tensor, {2}, {value, value});
        std::ofstream(file(name), std::ios::binary) << writer.build();
    }

    std::string complaint() const {
        const auto opened = Reader::open(file("m-00001-of-00002.gguf"));
        return opened ? "fine" : opened.error().field;
    }

    std::filesystem::path folder_;
};

TEST_F(GgufSplit, PartsAreReadAsOneModel) {
    write("m-00001-of-00002.gguf", 0, "a", 1.0F);
    write("m-00002-of-00002.gguf", 1, "b", 2.0F);
    const auto opened = Reader::open(file("m-00001-of-00002.gguf"));
    ASSERT_TRUE(opened) << core::describe(opened.error());
    const Reader& reader = **opened;
    EXPECT_EQ(reader.string("general.name"), "parted");
    ASSERT_EQ(reader.tensors().size(), 2U);
    for (const auto& [name, value] : {std::pair{"a", 1.0F}, std::pair{"b", 2.0F}}) {
        const Tensor* tensor = reader.find(name);
        ASSERT_NE(tensor, nullptr);
        float read = 0.0F;
        std::memcpy(&read, tensor->data, sizeof(read));
        EXPECT_EQ(read, value);
        EXPECT_TRUE(reader.populate({tensor->data, tensor->bytes}));
    }
    EXPECT_EQ(reader.file_bytes(), std::filesystem::file_size(file("m-00001-of-00002.gguf")) +
                                       std::filesystem::file_size(file("m-00002-of-00002.gguf")));
}

TEST_F(GgufSplit, WrongPartsAreNamed) {
    write("m-00001-of-00002.gguf", 0, "a", 1.0F);
    EXPECT_EQ(complaint(), "m-00002-of-00002.gguf");  // not there
    write("m-00002-of-00002.gguf", 1, "a", 2.0F);
    EXPECT_EQ(complaint(), "a");
    write("m-00002-of-00002.gguf", 0, "b", 2.0F);
    EXPECT_EQ(complaint(), "split.no");
    write("m-00002-of-00002.gguf", 1, "b", 2.0F, 3);
    EXPECT_EQ(complaint(), "split.no");
    write("m-00002-of-00002.gguf", 1, "b", 2.0F);
    write("m-00001-of-00002.gguf", 0, "a", 1.0F, 2, 5);
    EXPECT_EQ(complaint(), "split.tensors.count");
    write("m-00001-of-00002.gguf", 0, "a", 1.0F, 2000);
    EXPECT_EQ(complaint(), "split.count");
    write("m-00001-of-00002.gguf", 0, "a", 1.0F);
    EXPECT_EQ(Reader::open(file("m-00002-of-00002.gguf")).error().field, "split.no");  // not the first
    write("other.gguf", 0, "a", 1.0F);
    EXPECT_EQ(Reader::open(file("other.gguf")).error().field, "split.no");
}

}  // namespace
}  // namespace sluice::local_engine::gguf
