#include "core/json.hpp"

#include <gtest/gtest.h>

#include "core/usage.hpp"

namespace sluice::core {
namespace {

TEST(Json, KeepsMemberOrder) {
    const auto json = parse_json(R"({"z":1,"a":{"y":2,"b":3}})");
    ASSERT_TRUE(json);
    EXPECT_EQ(dump_json(*json), R"({"z":1,"a":{"y":2,"b":3}})");
}

TEST(Json, RefusesDepthBeforeTheParserRuns) {
    EXPECT_TRUE(parse_json(std::string(64, '[') + std::string(64, ']')));
    const auto deep = parse_json(std::string(100'000, '['));
    ASSERT_FALSE(deep);
    EXPECT_NE(deep.error().detail.find("deeper than 64"), std::string::npos);
}

TEST(Json, RefusesObjectsWithTooManyMembers) {
    std::string text = "{";
    for (int i = 0; i < 5000; ++i) text += "\"" + std::to_string(i) + "\":0,";
    text += "\"last\":0}";
    const auto json = parse_json(text);
    ASSERT_FALSE(json);
    EXPECT_NE(json.error().detail.find("4096 members"), std::string::npos);
}

TEST(Json, BracesInsideStringsDoNotCount) {
    EXPECT_TRUE(parse_json("\"" + std::string(1000, '[') + "\\\"" + std::string(1000, '{') + "\""));
}

// Two parsers stand behind parse_json: they must not differ in what they accept or in what it means.
TEST(Json, MeansWhatTheLibraryMeans) {
    for (const std::string_view text :
         {"0", "-0", "-0.0", "1.0", "1e5", "1E400", "-1e-400", "123456789012345678", "9223372036854775807", "9223372036854775808", "18446744073709551615",
          "18446744073709551616", "-9223372036854775808", "-9223372036854775809", "0.1", "3.141592653589793238462643383279", "2.2250738585072014e-308",
          "01", "1.", ".5", "+1", "-", "1e", "NaN", "Infinity", "tru", "true", "null", "nul", "\"\"", "\"a", "\"\\u00e9\\ud83d\\ude42\"", "\"\\ud83d\"",
          "\"\\ude42\"", "\"\\ud83d\\u0041\"", "\"\\u12g4\"", "\"\\x\"", "\"\x01\"", "\"\x7f\"", "\"\xff\"", "\"\xc3\xa9\"", "\"\xc3\"", "\"\xed\xa0\x80\"",
          "\"\\u0000\"", "[]", "[1,]", "[,1]", "[1 2]", "{}", "{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":{\"x\":1},\"a\":{\"y\":2}}", "{\"a\" 1}", "{a:1}", "{\"a\":1,}",
          "{} {}", "[1]x", "", " ", "\xef\xbb\xbf[]", " \t\r\n[ 1 , 2 ] \n", "\f[]", "[1]\x00", "/*c*/[]", "'a'"}) {
        const auto ours = parse_json(text);
        const auto library = Json::parse(text, nullptr, false);
        ASSERT_EQ(bool(ours), !library.is_discarded()) << text;
        if (ours) {
            EXPECT_EQ(ours->dump(), library.dump()) << text;
            EXPECT_EQ(*ours, library) << text;
            EXPECT_EQ(ours->is_number_float(), library.is_number_float()) << text;
        }
    }
}

TEST(Json, ErrorsGiveAPositionAndNoContent) {
    const auto json = parse_json(R"({"secret": canary-4711})");
    ASSERT_FALSE(json);
    EXPECT_EQ(json.error().detail.find("canary"), std::string::npos);
    EXPECT_NE(json.error().detail.find("byte"), std::string::npos);
}

TEST(Json, ANulEndsNoText) {
    using namespace std::string_view_literals;
    for (const auto text : {"{\"a\":1}\0"sv, "{\"a\":1}\0{\"b\":2}"sv, "[1,\0 2]"sv, "\"a\0b\""sv, "\0"sv}) {
        const auto json = parse_json(text);
        ASSERT_FALSE(json) << testing::PrintToString(text);
        EXPECT_NE(json.error().detail.find("not valid JSON at byte "), std::string::npos) << json.error().detail;
    }
}

TEST(Json, RefusesBadUtf8LoneSurrogatesAndHugeNumbers) {
    EXPECT_FALSE(parse_json("\"\xff\""));
    EXPECT_FALSE(parse_json(R"("\ud800")"));
    EXPECT_FALSE(parse_json("1e999"));
    EXPECT_FALSE(parse_json("[1] trailing"));
    EXPECT_FALSE(parse_json(""));
}

TEST(Usage, FalseUsageIsRefused) {
    const auto parse = [](std::string_view text) { return parse_usage(text); };
    EXPECT_EQ(parse(R"({"prompt_tokens":3,"completion_tokens":5})")->completion, 5);
    EXPECT_EQ(parse(R"({"prompt_tokens":3,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":2}})")->cached, 2);
    EXPECT_EQ(parse(R"({"prompt_tokens":3,"prompt_cache_hit_tokens":1})")->cached, 1);
    EXPECT_EQ(parse(R"({"completion_tokens":9,"prompt_tokens":3,"completion_tokens":null})")->completion, 0);
    EXPECT_EQ(parse(R"({"prompt_tokens":1,"prompt_tokens":1099511627776,"prompt_tokens_details":7})")->prompt, 1'099'511'627'776);
    EXPECT_EQ(parse(R"({"prompt_tokens":9,"completion_tokens":9,"completion_tokens_details":{"x":[],"reasoning_tokens":4}})")->reasoning, 4);
    for (const auto* bad :
         {R"({"prompt_tokens":-1,"completion_tokens":5})", R"({"prompt_tokens":4611686018427387904,"completion_tokens":5})",
          R"({"prompt_tokens":18446744073709551615})", R"({"prompt_tokens":null,"completion_tokens":5})", R"({"prompt_tokens":1.5})",
          R"({"prompt_tokens":"7"})", R"({})", R"([])", "null", "", "{", R"({"prompt_tokens":1}})", R"({"prompt_tokens":1,"prompt_tokens":null})",
          R"({"prompt_tokens":18446744073709551616})", R"({"prompt_tokens":1,"completion_tokens":"1"})",
          R"({"prompt_tokens":1,"prompt_tokens_details":{"cached_tokens":-1}})", R"({"prompt_tokens":1,"prompt_tokens_details":{"cached_tokens":2}})",
          R"({"prompt_tokens":1,"completion_tokens":1,"completion_tokens_details":{"reasoning_tokens":2}})"})
        EXPECT_FALSE(parse(bad)) << bad;
}

}  // namespace
}  // namespace sluice::core
