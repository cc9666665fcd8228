#include "core/json_writer.hpp"

#include <gtest/gtest.h>

#include <random>

namespace sluice::core {
namespace {

std::string written(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

// The library's own text, which replaces bad bytes in the same way.
std::string expected(std::string_view text) { return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace); }

TEST(JsonWriter, EscapesWhatJsonAsksFor) {
    EXPECT_EQ(written("a\"b\\c\n\t\r\b\f\x01\x1f/"), R"("a\"b\\c\n\t\r\b\f\u0001\u001f/")");
    EXPECT_EQ(written(""), R"("")");
    EXPECT_EQ(written("grün 漢字 🙂 \x7f"), "\"grün 漢字 🙂 \x7f\"");
}

TEST(JsonWriter, ReplacesEveryBrokenSequenceOnce) {
    for (const std::string_view text : {"\xff", "a\xc3", "a\xc3z", "\xe2\x82", "\xe2\x82z", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x9f\x99", "\xf4\x90\x80\x80",
                                        "\xc0\xaf", "\x80\x80", "\xf0\x9f\x99\xc3\xa9", "\xf5z", "z\xf0\x90"})
        EXPECT_EQ(written(text), expected(text)) << ::testing::PrintToString(text);
}

TEST(JsonWriter, AgreesWithTheLibraryOnRandomBytes) {
    std::mt19937 random{7};
    constexpr std::string_view kInteresting = "\"\\\n\x01 az\x7f\x80\xbf\xc2\xc3\xe0\xa0\xed\x9f\xef\xf0\x90\xf4\x8f\xff";
    for (int round = 0; round < 20'000; ++round) {
        std::string text(random() % 24, '\0');
        for (char& c : text) c = random() % 3 == 0 ? static_cast<char>(random()) : kInteresting[random() % kInteresting.size()];
        ASSERT_EQ(written(text), expected(text)) << ::testing::PrintToString(text);
    }
}

TEST(JsonWriter, FindsTheOneByteThatNeedsAnEscapeWhereverItStands) {
    for (std::size_t size = 0; size < 40; ++size) {
        std::string text(size, 'p');
        for (std::size_t at = 0; at <= size; ++at) {
            if (at < size) text[at] = at % 3 == 0 ? '"' : at % 3 == 1 ? '\n' : '\xe9';
            JsonWriter out{1};
            const std::string quoted = expected(text);
            EXPECT_EQ(out.begin_object().member(text, text).end_object().take(), "{" + quoted + ":" + quoted + "}");
            if (at < size) text[at] = 'p';
        }
    }
}

TEST(JsonWriter, DumpsTreesLikeTheLibrary) {
    const auto tree = Json::parse(
        R"({"z":[],"a":{},"b":[1,-2,18446744073709551615,-9223372036854775808,0.1,1e300,1.0,true,false,null,"x",[[{"k":"v"}]]],"":""})");
    EXPECT_EQ(dump_json(tree), tree.dump());
}

TEST(JsonWriter, WritesObjectsWithoutATree) {
    JsonWriter out;
    out.begin_object().member("text", "a\"b").member("number", -7).member("big", std::uint64_t{1} << 63U).member("yes", true).member("half", 0.5);
    out.key("list").begin_array().value("x").value(std::string("y")).begin_object().end_object().value(Json{{"t", 1}}).end_array();
    out.key("raw").raw("[1]").key("empty").begin_array().end_array().member("last", std::string_view("z")).end_object();
    EXPECT_EQ(out.take(),
              R"({"text":"a\"b","number":-7,"big":9223372036854775808,"yes":true,"half":0.5,"list":["x","y",{},{"t":1}],"raw":[1],"empty":[],"last":"z"})");
}

}  // namespace
}  // namespace sluice::core
