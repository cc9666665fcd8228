#include "providers/answer_scanner.hpp"

#include "core/json.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::providers {
namespace {

AnswerFacts facts_of(std::string_view json) {
    AnswerFacts facts;
    EXPECT_TRUE(scan_answer(json, facts)) << json;
    return facts;
}

TEST(AnswerScanner, FindsWhatSluiceActsOn) {
    const auto facts =
        facts_of(R"({"id":"x","usage":{"prompt_tokens":1},"choices":[{"index":0,"delta":{"content":"h\u00e9llo\n"},)"
                 R"("finish_reason":"stop","logprobs":{"content":[{"token":"long text here"}]}}]})");
    EXPECT_EQ(facts.usage, R"({"prompt_tokens":1})");
    EXPECT_TRUE(facts.error.empty());
    EXPECT_TRUE(facts.has_choices);
    EXPECT_FALSE(facts.no_choices);
    EXPECT_EQ(facts.finish_reason, "stop");
    EXPECT_EQ(facts.text_bytes, 8U);  // h, three for the escape at most, l, l, o, line feed
}

TEST(AnswerScanner, CountsReasoningToolNamesAndArgumentsAndNotLabels) {
    const auto facts = facts_of(
        R"({"choices":[{"message":{"role":"assistant","content":null,"reasoning_content":"12345",)"
        R"("tool_calls":[{"id":"call_1","type":"function","function":{"name":"abc","arguments":"{\"x\":1}"}}]}}]})");
    EXPECT_EQ(facts.text_bytes, 5U + 3U + 7U);
}

TEST(AnswerScanner, NullUsageAndErrorAreAbsent) {
    const auto facts = facts_of(R"({"choices":[],"usage":null,"error":null})");
    EXPECT_TRUE(facts.usage.empty());
    EXPECT_TRUE(facts.error.empty());
    EXPECT_TRUE(facts.no_choices);
    EXPECT_FALSE(facts_of(R"({"choices":null})").has_choices);
    EXPECT_TRUE(facts_of(R"({"choices":{"usage":{}}})").usage.empty()) << "only the top level counts";
}

TEST(AnswerScanner, AgreesWithTheJsonParserOnWhatIsValid) {
    const std::string deep_good = R"({"a":)" + std::string(63, '[') + std::string(63, ']') + "}";
    const std::string deep_bad = R"({"a":)" + std::string(64, '[') + std::string(64, ']') + "}";
    const std::string cases[] = {"{}",
                                 " { } ",
                                 R"({"a":1})",
                                 R"({"a":-0.5e+10})",
                                 R"({"a":01})",
                                 R"({"a":+1})",
                                 R"({"a":1.})",
                                 R"({"a":.5})",
                                 R"({"a":1e})",
                                 R"({"a":-})",
                                 R"({"a":NaN})",
                                 R"({"a":true,"b":false,"c":null})",
                                 R"({"a":tru})",
                                 R"({"a":"\ud83d\ude00"})",
                                 R"({"a":"\x"})",
                                 R"({"a":"\u12g4"})",
                                 R"({"a":"\u12)",
                                 "{\"a\":\"\x01\"}",
                                 "{\"a\":\"\xc3\xa9\"}",
                                 "{\"a\":\"\xc3\"}",
                                 "{\"a\":\"\xed\xa0\x80\"}",
                                 "{\"a\":\"\xf4\x90\x80\x80\"}",
                                 "{\"a\":\"\xc0\xaf\"}",
                                 "{\"a\":\"\xf0\x9f\x98\x80\"}",
                                 R"({"a":1,})",
                                 R"({,"a":1})",
                                 R"({"a"1})",
                                 R"({"a":})",
                                 R"({a:1})",
                                 R"({"a":[1,2,]})",
                                 R"({"a":[1 2]})",
                                 "{\"a\":[]}",
                                 "{",
                                 "}",
                                 "{}{}",
                                 "{} x",
                                 R"({"a":"unfinished)",
                                 R"({"a":{"b":[{}]}})",
                                 "\xEF\xBB\xBF{}x",
                                 "",
                                 " ",
                                 deep_good,
                                 deep_bad};
    for (const auto& text : cases) {
        AnswerFacts facts;
        const auto parsed = core::parse_json(text);
        EXPECT_EQ(scan_answer(text, facts), parsed && parsed->is_object()) << text;
    }
}

TEST(AnswerScanner, OtherThanObjectsAreNotAnswers) {
    for (const char* text : {"[]", "1", "\"x\"", "null", "true"}) {
        AnswerFacts facts;
        EXPECT_FALSE(scan_answer(text, facts)) << text;
    }
}

}  // namespace
}  // namespace sluice::providers
