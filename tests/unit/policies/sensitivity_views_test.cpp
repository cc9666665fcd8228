#include "policies/sensitivity/dictionary.hpp"
#include "policies/sensitivity/evaluate_line.hpp"
#include "policies/sensitivity/text_parts.hpp"
#include "policies/sensitivity/text_view.hpp"
#include "sensitivity_text.hpp"

namespace sluice::policies {
namespace {

core::Json parsed(std::string_view text) {
    return core::parse_json(text).value();
}

std::vector<std::string> texts_of(std::string_view json) {
    std::vector<std::string> out;
    for_each_text(parsed(json), [&](const TextPlace& place, std::string_view text) {
        if (!place.is_key()) out.push_back(place.pointer() + "=" + std::string{text});
    });
    return out;
}

TEST(TextParts, EveryStringIsVisitedWithItsPlace) {
    EXPECT_EQ(
        texts_of(
            R"({"model":"m","messages":[{"content":"a"},{"content":[{"text":"b"}]}],"x":{"~/":["c"]},"n":1,"t":true})"),
        (std::vector<std::string>{"/model=m", "/messages/0/content=a", "/messages/1/content/0/text=b", "/x/~0~1/0=c"}));
}

TEST(TextParts, MessagesAreNumberedAndKeysAreTextsToo) {
    std::vector<std::int32_t> messages;
    std::vector<std::string> keys;
    for_each_text(parsed(R"({"messages":[{"a":"x"},{"b":"y"}],"user":"z"})"),
                  [&](const TextPlace& place, std::string_view text) {
                      if (place.is_key()) keys.emplace_back(text);
                      else messages.push_back(place.message());
                  });
    EXPECT_EQ(messages, (std::vector<std::int32_t>{0, 1, -1}));
    EXPECT_EQ(keys, (std::vector<std::string>{"messages", "a", "b", "user"}));
}

TEST(TextParts, JsonInsideStringsIsDecodedToThreeLevels) {
    const auto nested = [](const core::Json& inner) { return core::Json{{"v", inner.dump()}}; };
    core::Json json{{"v", "deep"}};
    for (int i = 0; i < 5; ++i) json = nested(json);
    int visits = 0;
    for_each_text(json, [&](const TextPlace& place, std::string_view) { visits += place.is_key() ? 0 : 1; });
    EXPECT_EQ(visits, 4);  // the string itself and three decodings
    EXPECT_EQ(texts_of(R"({"arguments":"{\"to\":\"\\u0061\"}"})").back(), "/arguments/#/to=a");
}

TEST(TextParts, LongNumbersAreTextsShortOnesAreNot) {
    EXPECT_EQ(texts_of(R"({"card":4111111111111111,"n":12,"t":-5,"seed":99999999})"),
              (std::vector<std::string>{"/card=4111111111111111"}));
}

TEST(TextView, AsciiNeedsNoView) {
    EXPECT_FALSE(folded("plain text"));
    EXPECT_FALSE(folded("caf\xc3\xa9"));
}

TEST(TextView, DisguisesAreUndoneAndOffsetsLeadBack) {
    const std::string original =
        "a\xe2\x80\x8b"
        "b\xef\xbc\x94"
        "c";  // zero-width space, full-width 4
    const auto view = folded(original);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->text(), "ab4c");
    EXPECT_EQ(view->original_begin(0), 0U);
    EXPECT_EQ(view->original_begin(1), 4U);
    EXPECT_EQ(view->original_begin(2), 5U);
    EXPECT_EQ(view->original_end(3), 8U);
    EXPECT_EQ(view->original_begin(3), 8U);
    EXPECT_EQ(view->original_end(4), 9U);
}

TEST(TextView, BrokenUtf8IsKeptByteByByte) {
    const std::string original = "\xff\xe2\x80\xef\xbc\x94\xf0\x9f";
    const auto view = folded(original);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->text(),
              "\xff\xe2\x80"
              "4\xf0\x9f");
    EXPECT_EQ(view->original_end(6), original.size());
}

TEST(TextView, DisguisedCardsAreFoundAtTheirOriginalBytes) {
    std::string wide;
    for (const char c : std::string_view{"4111111111111111"})
        wide += std::string{"\xef\xbc"} + static_cast<char>('\x90' + (c - '0'));
    const auto findings = scan("no " + wide + " ok");
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].begin, 3U);
    EXPECT_EQ(findings[0].end, 3U + wide.size());
    EXPECT_EQ(types("4111\xe2\x80\x8b"
                    "1111\xe2\x80\x8b"
                    "1111\xe2\x80\x8b"
                    "1111"),
              "CREDIT_CARD");
    EXPECT_EQ(types("\xd9\xa4\xd9\xa1\xd9\xa1\xd9\xa1 1111 1111 1111"), "CREDIT_CARD");  // Arabic-Indic 4111
}

TEST(TextView, WhatBothViewsSeeIsReportedOnce) {
    EXPECT_EQ(types("caf\xc3\xa9\xe2\x80\x93 4111 1111 1111 1111, anna@berg.net"), "CREDIT_CARD EMAIL");
}

std::vector<std::string> terms_in(const Dictionary& dictionary, std::string_view text) {
    std::vector<Dictionary::Match> matches;
    dictionary.find(text, matches);
    std::vector<std::string> out;
    for (const auto& match : matches) out.emplace_back(text.substr(match.begin, match.end - match.begin));
    return out;
}

TEST(Dictionary, TermsAreFoundAsWholeWordsInAnyCase) {
    const Dictionary dictionary{{{"Project Bluefin"}, {"ACME"}, {"M\xc3\xbcller & Co"}, {"\xe6\x9c\xba\xe5\xaf\x86"}}};
    EXPECT_EQ(terms_in(dictionary, "about PROJECT  blue and project-bluefin."),
              (std::vector<std::string>{"project-bluefin"}));
    EXPECT_EQ(terms_in(dictionary, "acme Acme's acmeology, xacme"), (std::vector<std::string>{"acme", "Acme"}));
    EXPECT_EQ(terms_in(dictionary, "bei M\xc3\x9cLLER & CO heute"), (std::vector<std::string>{"M\xc3\x9cLLER & CO"}));
    EXPECT_EQ(terms_in(dictionary, "\xe8\xbf\x99\xe6\x98\xaf\xe6\x9c\xba\xe5\xaf\x86\xe9\xa1\xb9"),
              (std::vector<std::string>{"\xe6\x9c\xba\xe5\xaf\x86"}));
    EXPECT_EQ(terms_in(dictionary, "project, in the end, bluefin"), (std::vector<std::string>{}));
}

TEST(Dictionary, TheLongestTermWinsAndClassesJoin) {
    const Dictionary dictionary{{{"alpha", core::DataClass::Internal},
                                 {"alpha beta", core::DataClass::Internal},
                                 {"ALPHA-BETA", core::DataClass::Restricted}}};
    EXPECT_EQ(dictionary.size(), 2U);
    std::vector<Dictionary::Match> matches;
    dictionary.find("alpha beta alpha", matches);
    ASSERT_EQ(matches.size(), 2U);
    EXPECT_EQ(matches[0].data_class, core::DataClass::Restricted);
    EXPECT_EQ(matches[1].data_class, core::DataClass::Internal);
}

TEST(Dictionary, TermsThatCannotBeFoundAreLeftOut) {
    EXPECT_TRUE((Dictionary{{{"..."}, {""}, {std::string(300, 'x')}, {"a b c d e f g h i"}}}.empty()));
}

TEST(Dictionary, AHundredThousandTermsAreFoundLikeOne) {
    std::vector<DictionaryTerm> terms;
    for (int i = 0; i < 100'000; ++i) terms.push_back({"customer " + std::to_string(i)});
    const Dictionary dictionary{terms};
    EXPECT_EQ(dictionary.size(), 100'000U);
    EXPECT_EQ(terms_in(dictionary, "customer 99999 and customer 100000"), (std::vector<std::string>{"customer 99999"}));
}

TEST(EvaluateLine, CountsCodePointsAndNeverRepeatsText) {
    const auto out = parsed(evaluate_line(Classifier{{}}, R"({"id":7,"text":"é: anna@berg.net"})"));
    EXPECT_EQ(out["id"].get<int>(), 7);
    EXPECT_TRUE(out["sensitive"].get<bool>());
    EXPECT_EQ(out["data_class"].get<std::string>(), "confidential");
    EXPECT_EQ(out["findings"][0]["start"].get<int>(), 3);
    EXPECT_EQ(out["findings"][0]["end"].get<int>(), 16);
    EXPECT_EQ(out.dump().find("anna"), std::string::npos);
}

TEST(EvaluateLine, BadLinesGiveAnError) {
    for (const auto* line : {"", "[]", "{}", R"({"text":1})", "{\"text\":\"secret-value"}) {
        const auto out = parsed(evaluate_line(Classifier{{}}, line));
        EXPECT_TRUE(out.contains("error")) << line;
        EXPECT_EQ(out.dump().find("secret-value"), std::string::npos);
    }
}

}  // namespace
}  // namespace sluice::policies
