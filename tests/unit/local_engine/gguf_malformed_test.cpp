// One damaged file per rule of the reader; each must be refused, quickly, with the key or tensor that is wrong.
#include "local_engine/gguf/reader.hpp"
#include "tests/support/gguf_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace sluice::local_engine::gguf {
namespace {

using test::GgufWriter;

struct Malformed {
    std::string name;
    std::string field;   // what the refusal must name
    std::string detail;  // and say
    std::function<std::string()> bytes;
};

std::string number(std::uint64_t value, std::size_t bytes = 8) {
    std::string text(reinterpret_cast<const char*>(&value), sizeof(value));
    return text.substr(0, bytes);
}

constexpr std::int32_t kF32 = 0;
constexpr std::int32_t kQ4K = 12;
constexpr std::int64_t kHuge = std::int64_t{1} << 62;

std::string one_tensor(std::uint32_t dims, const std::vector<std::int64_t>& ne, std::int32_t type, std::uint64_t offset,
                       std::string_view name = "w") {
    return GgufWriter{}.tensor_raw(name, dims, ne, type, offset).data(std::string(64, '\0')).build();
}
std::string one_key(std::int32_t type, std::string_view bytes, std::string_view key = "key") {
    return GgufWriter{}.set_raw(key, type, bytes).build();
}
std::string with_alignment(std::uint32_t alignment) {
    return GgufWriter{}.set("general.alignment", alignment).tensor("w", {1}, {1.0F}).build();
}
std::string with(const std::function<void(GgufWriter&)>& change) {
    GgufWriter writer;
    writer.set("a", std::uint32_t{1}).tensor("w", {1}, {1.0F});
    change(writer);
    return writer.build();
}
std::string cut(std::string bytes, std::size_t end) {
    bytes.resize(end);
    return bytes;
}

std::vector<Malformed> headers() {
    return {
        {"Empty", "magic", "not a GGUF", [] { return std::string(); }},
        {"ThreeBytes", "magic", "not a GGUF", [] { return std::string("GGU"); }},
        {"OtherMagic", "magic", "not a GGUF", [] { return with([](auto& w) { w.magic = "GGML"; }); }},
        {"NoVersion", "version", "ends", [] { return std::string("GGUF"); }},
        {"VersionZero", "version", "big-endian", [] { return with([](auto& w) { w.version = 0; }); }},
        {"VersionOne", "version", "version 1", [] { return with([](auto& w) { w.version = 1; }); }},
        {"VersionFour", "version", "version 4", [] { return with([](auto& w) { w.version = 4; }); }},
        {"BigEndian", "version", "big-endian", [] { return with([](auto& w) { w.version = 3U << 24U; }); }},
        {"NoTensorCount", "n_tensors", "ends", [] { return cut(with([](auto&) {}), 10); }},
        {"NoKeyCount", "n_kv", "ends", [] { return cut(with([](auto&) {}), 20); }},
        {"NegativeTensors", "n_tensors", "-1", [] { return with([](auto& w) { w.tensor_count = -1; }); }},
        {"NegativeKeys", "n_kv", "-1", [] { return with([](auto& w) { w.entry_count = -1; }); }},
        {"HugeTensorCount", "n_tensors", "is not", [] { return with([](auto& w) { w.tensor_count = kHuge; }); }},
        {"HugeKeyCount", "n_kv", "is not", [] { return with([](auto& w) { w.entry_count = kHuge; }); }},
        {"MoreTensorsThanBytes", "n_tensors", "do not fit",
         [] { return with([](auto& w) { w.tensor_count = 60000; }); }},
        {"MoreKeysThanBytes", "n_kv", "do not fit", [] { return with([](auto& w) { w.entry_count = 60000; }); }},
    };
}

std::vector<Malformed> keys() {
    return {
        {"EmptyKey", "key 0", "empty", [] { return one_key(4, number(1, 4), ""); }},
        {"LongKey", std::string(80, 'k') + "...", "longer",
         [] { return one_key(4, number(1, 4), std::string(300, 'k')); }},
        {"KeyLongerThanFile", "key 0", "ends",
         [] { return cut(one_key(4, "", "k"), 24) + number(1U << 30U) + "abcdefgh"; }},
        {"KeyTwice", "a", "twice", [] { return with([](auto& w) { w.set("a", true); }); }},
        {"UnknownValueType", "key", "value type 13", [] { return one_key(13, number(0)); }},
        {"NegativeValueType", "key", "value type -1", [] { return one_key(-1, number(0)); }},
        {"ValueCutShort", "key", "ends", [] { return one_key(10, number(0, 7)); }},
        {"BooleanOfTwo", "key", "neither", [] { return one_key(7, "\2"); }},
        {"StringLongerThanFile", "key", "string longer", [] { return one_key(8, number(1000) + "abc"); }},
        {"StringOfAlmostTwoTo64", "key", "string longer", [] { return one_key(8, number(~std::uint64_t{0}) + "abc"); }},
        {"ArrayOfArrays", "key", "array of arrays", [] { return one_key(9, number(9, 4) + number(1) + number(0)); }},
        {"ArrayOfUnknown", "key", "element type 77", [] { return one_key(9, number(77, 4) + number(1) + number(0)); }},
        {"HugeArray", "key", "an array of", [] { return one_key(9, number(0, 4) + number(1U << 30U) + number(0)); }},
        {"ArrayWhoseBytesOverflow", "key", "an array of",
         [] { return one_key(9, number(10, 4) + number((std::uint64_t{1} << 61U) + 1) + number(0)); }},
        {"ArrayLongerThanFile", "key", "array longer",
         [] { return one_key(9, number(4, 4) + number(100) + number(0)); }},
        {"StringsLongerThanFile", "key", "array longer",
         [] { return one_key(9, number(8, 4) + number(100) + number(0)); }},
        {"ThirdStringTooLong", "key", "string 2",
         [] { return one_key(9, number(8, 4) + number(3) + number(0) + number(0) + number(50)); }},
        {"ArrayWithoutCount", "key", "ends", [] { return one_key(9, number(8, 4) + number(0, 3)); }},
        {"SplitFile", "split.count", "2 parts",
         [] { return with([](auto& w) { w.set("split.count", std::uint16_t{2}); }); }},
        {"AlignmentZero", "general.alignment", "power of two", [] { return with_alignment(0); }},
        {"AlignmentOne", "general.alignment", "power of two", [] { return with_alignment(1); }},
        {"AlignmentOdd", "general.alignment", "power of two", [] { return with_alignment(24); }},
        {"AlignmentHuge", "general.alignment", "power of two", [] { return with_alignment(1U << 31U); }},
        {"AlignmentText", "general.alignment", "not an integer",
         [] { return with([](auto& w) { w.set("general.alignment", "32"); }); }},
    };
}

std::vector<Malformed> tensors() {
    return {
        {"NoName", "tensor 0", "empty", [] { return one_tensor(1, {4}, kF32, 0, ""); }},
        {"LongName", std::string(65, 'w'), "64 bytes",
         [] { return one_tensor(1, {4}, kF32, 0, std::string(65, 'w')); }},
        {"NoDimensions", "w", "0 dimensions", [] { return one_tensor(0, {}, kF32, 0); }},
        {"FiveDimensions", "w", "5 dimensions",
         [] {
             return one_tensor(5, {1, 1, 1, 1, 1}, kF32, 0);
         }},
        {"ManyDimensions", "w", "dimensions",
         [] {
             return one_tensor(~0U, {1, 1}, kF32, 0);
         }},
        {"ZeroExtent", "w", "dimension 1 is 0",
         [] {
             return one_tensor(2, {4, 0}, kF32, 0);
         }},
        {"NegativeExtent", "w", "dimension 0 is -4", [] { return one_tensor(1, {-4}, kF32, 0); }},
        {"TwoNegativeExtents", "w", "is -",
         [] {
             return one_tensor(2, {-4, -4}, kF32, 0);
         }},
        {"ElementsOverflow", "w", "overflows",
         [] {
             return one_tensor(3, {kHuge, 4, 4}, kF32, 0);
         }},
        {"BytesOverflow", "w", "larger than the file", [] { return one_tensor(1, {kHuge}, kF32, 0); }},
        {"LargerThanFile", "w", "larger than the file", [] { return one_tensor(1, {1000}, kF32, 0); }},
        {"RetiredType", "w", "tensor type 4", [] { return one_tensor(1, {32}, 4, 0); }},
        {"ActivationType", "w", "tensor type 9", [] { return one_tensor(1, {32}, 9, 0); }},
        {"TypeOutOfRange", "w", "tensor type 1000", [] { return one_tensor(1, {32}, 1000, 0); }},
        {"NegativeType", "w", "tensor type -5", [] { return one_tensor(1, {32}, -5, 0); }},
        {"RowNotWholeBlocks", "w", "whole blocks", [] { return one_tensor(1, {255}, kQ4K, 0); }},
        {"Misaligned", "w", "multiple of 32", [] { return one_tensor(1, {4}, kF32, 4); }},
        {"OffsetOutside", "w", "outside", [] { return one_tensor(1, {4}, kF32, 1024); }},
        {"EndOutside", "w", "outside", [] { return one_tensor(1, {16}, kF32, 32); }},
        {"OffsetPlusSizeWraps", "w", "outside", [] { return one_tensor(1, {16}, kF32, ~std::uint64_t{31}); }},
        {"TensorTwice", "w", "twice", [] { return with([](auto& w) { w.tensor("w", {1}, {2.0F}); }); }},
        {"Overlap", "v", "overlaps", [] { return with([](auto& w) { w.tensor_raw("v", 1, {1}, kF32, 0); }); }},
        {"ListCutShort", "w", "ends",
         [] {
             return cut(one_tensor(4, {1, 1, 1, 1}, kF32, 0), 24 + 8 + 1 + 4 + 20);
         }},
        {"NoDataSection", "w", "before the tensor data",
         [] { return cut(one_tensor(1, {4}, kF32, 0), 24 + 9 + 4 + 8 + 12); }},
    };
}

class GgufMalformed : public ::testing::TestWithParam<Malformed> {};

TEST_P(GgufMalformed, IsRefusedAndNamed) {
    const std::string bytes = GetParam().bytes();
    const auto start = std::chrono::steady_clock::now();
    const auto file = Reader::from_bytes(test::as_bytes(bytes));
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().field, GetParam().field);
    EXPECT_THAT(file.error().detail, ::testing::HasSubstr(GetParam().detail));
    EXPECT_TRUE(file.error().code == core::Errc::Corrupt || file.error().code == core::Errc::Unsupported);
}

const auto kName = [](const auto& malformed) { return malformed.param.name; };
INSTANTIATE_TEST_SUITE_P(Header, GgufMalformed, ::testing::ValuesIn(headers()), kName);
INSTANTIATE_TEST_SUITE_P(Key, GgufMalformed, ::testing::ValuesIn(keys()), kName);
INSTANTIATE_TEST_SUITE_P(Tensor, GgufMalformed, ::testing::ValuesIn(tensors()), kName);

TEST(GgufMalformedNames, AreShownWithoutControlCharacters) {
    const std::string bytes = one_key(13, number(0), "evil\n\x1b[2Jkey");
    EXPECT_EQ(Reader::from_bytes(test::as_bytes(bytes)).error().field, "evil??[2Jkey");
}

}  // namespace
}  // namespace sluice::local_engine::gguf
