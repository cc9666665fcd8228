// What is found in a text is found again after any disguise the readings claim to undo, at bytes of the original.
#include "policies/sensitivity/conversation.hpp"
#include "policies/sensitivity/readings.hpp"
#include "policies/sensitivity/text_view.hpp"
#include "policies/sensitivity/unicode.hpp"
#include "sensitivity_text.hpp"

#include <algorithm>
#include <functional>

namespace sluice::policies {
namespace {

std::vector<std::string> values() {
    return {"4539 1488 0343 6467", "5425233430109903", "536-22-1847", "GB33BUKB20201555555555", "ida.lund@nordby.net", "+4915123456789",
            "ghp_" + made_up(36)};
}

std::string characters(std::string_view text, const std::function<std::string(char)>& each) {
    std::string out;
    for (const char c : text) out += each(c);
    return out;
}

std::string utf8(char32_t code) {
    std::string out;
    append_character(out, code);
    return out;
}

std::string base64(std::string_view text) {
    constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += 3) {
        unsigned bits = 0;
        for (std::size_t k = 0; k < 3; ++k) bits = bits << 8U | (i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0U);
        for (std::size_t k = 0; k < 4; ++k) out += kAlphabet[bits >> (18 - 6 * k) & 63U];
    }
    const std::size_t padding = (3 - text.size() % 3) % 3;
    return out.substr(0, out.size() - padding) + std::string(padding, '=');
}

std::string hex(char c) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    return {kDigits[byte >> 4U], kDigits[byte & 15U]};
}

struct Disguise {
    const char* name;
    std::function<std::string(std::string_view)> put_on;
};

std::vector<Disguise> disguises() {
    const auto by = [](std::function<std::string(char)> each) { return [each](std::string_view text) { return characters(text, each); }; };
    return {
        {"zero width", by([](char c) { return c + std::string{"\xe2\x80\x8b"}; })},
        {"soft hyphens", by([](char c) { return c + std::string{"\xc2\xad"}; })},
        {"full width", by([](char c) { return c > ' ' ? utf8(static_cast<char32_t>(c) - '!' + 0xff01) : std::string(1, c); })},
        {"mathematical digits", by([](char c) { return c >= '0' && c <= '9' ? utf8(static_cast<char32_t>(c) - '0' + 0x1d7ce) : std::string(1, c); })},
        {"Devanagari digits", by([](char c) { return c >= '0' && c <= '9' ? utf8(static_cast<char32_t>(c) - '0' + 0x966) : std::string(1, c); })},
        {"percent", by([](char c) { return "%" + hex(c); })},
        {"entities", by([](char c) { return "&#" + std::to_string(static_cast<int>(c)) + ";"; })},
        {"hexadecimal entities", by([](char c) { return "&#x" + hex(c) + ";"; })},
        {"JSON escapes", by([](char c) { return "\\u00" + hex(c); })},
        {"hexadecimal", by([](char c) { return hex(c); })},
        {"base64", [](std::string_view text) { return base64("value: " + std::string{text}); }},
        {"base64 twice", [](std::string_view text) { return base64(base64("value: " + std::string{text})); }},
        {"emphasis", [](std::string_view text) { return std::string{text.substr(0, 7)} + "**" + std::string{text.substr(7)}; }},
        {"tags", [](std::string_view text) { return std::string{text.substr(0, 7)} + "</b><b>" + std::string{text.substr(7)}; }},
    };
}

bool on_borders(std::string_view text, const core::Finding& finding) {
    const auto border = [&](std::size_t at) { return at >= text.size() || (static_cast<unsigned char>(text[at]) & 0xc0U) != 0x80U; };
    return finding.begin < finding.end && finding.end <= text.size() && border(finding.begin) && border(finding.end);
}

TEST(Evasion, WhatIsFoundPlainIsFoundInEveryDisguise) {
    const Classifier classifier{{}};
    for (const auto& value : values()) {
        const auto plain = classifier.scan("please keep " + value + " for me");
        ASSERT_FALSE(plain.empty()) << value;
        for (const auto& disguise : disguises()) {
            const std::string text = "please keep " + disguise.put_on(value) + " for me";
            const auto hidden = classifier.scan(text);
            const auto same = [&](const core::Finding& finding) { return finding.type == plain.front().type; };
            EXPECT_TRUE(std::ranges::any_of(hidden, same)) << disguise.name << ' ' << value << ' ' << text;
            for (const auto& finding : hidden) {
                EXPECT_TRUE(on_borders(text, finding)) << disguise.name << ' ' << value;
                EXPECT_GE(finding.begin, 12U - 1U) << disguise.name;
            }
        }
    }
}

TEST(Evasion, LookalikesApartAndSpelledValuesAreFound) {
    EXPECT_EQ(types("id\xd0\xb0.lund@n\xd0\xberdby.net"), "EMAIL");  // Cyrillic a and o
    EXPECT_EQ(types("4 5 3 9 1 4 8 8 0 3 4 3 6 4 6 7"), "CREDIT_CARD");
    EXPECT_EQ(types("5.3.6.2.2.1.8.4.7"), "US_SSN");
    EXPECT_EQ(types("four five three nine one four eight eight zero three four three six four six seven"), "CREDIT_CARD");
}

TEST(Evasion, RussianAndGreekProseIsLeftAlone) {
    EXPECT_FALSE(folded("Кто написал Войну и мир?"));
    EXPECT_EQ(types("Ποιος ήταν ο Αριστοτέλης; Кто написал Войну и мир?"), "");
}

std::vector<SplitFinding> splits(const std::vector<std::string_view>& turns) {
    return split_findings(turns, Terms::None, [](std::string_view text, Joined, std::vector<Hit>& hits) { scan_text(text, {}, hits); });
}

TEST(Evasion, ValuesSplitOverTurnsAreFoundInBothTurns) {
    const auto found = splits({"my card starts with 4539 1488", "and goes on 0343 6467, ok?"});
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].hit.type, "CREDIT_CARD");
    ASSERT_EQ(found[0].parts.size(), 2U);
    EXPECT_EQ(found[0].parts[0].turn, 0U);
    EXPECT_EQ(found[0].parts[1].turn, 1U);
    EXPECT_EQ(found[0].parts[1].begin, 12U);
    EXPECT_EQ(found[0].parts[1].end, 21U);
    EXPECT_TRUE(splits({"I have 12 apples", "and 15 pears"}).empty());
    EXPECT_EQ(types("user: card 45391488\nassistant: yes?\nuser: then 03436467"), "CREDIT_CARD CREDIT_CARD");
}

// Every value, cut anywhere, with and without words in front of the rest.
TEST(Evasion, AValueCutAnywhereIsFound) {
    for (const auto& value : values())
        for (const char* lead : {"", "and the rest is ", "continue with "})
            for (std::size_t cut = 1; cut < value.size(); ++cut) {
                const std::string first = "please keep " + value.substr(0, cut);
                const std::string second = lead + value.substr(cut) + " for me";
                // One half may show it already; then nobody has to put it together.
                if (!types(first).empty() || !types(second).empty()) continue;
                EXPECT_FALSE(splits({first, second}).empty()) << first << " | " << second;
            }
}

TEST(Evasion, AValueInThreePiecesIsFoundInAllOfThem) {
    const auto found = splits({"my card: 5425 23", "34 3010", "9903"});
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].hit.type, "CREDIT_CARD");
    EXPECT_EQ(found[0].parts.size(), 3U);
}

TEST(Evasion, WordsAtTheBorderOfTurnsAreNoValue) {
    EXPECT_TRUE(splits({"Write to", "ida@nordby.net please"}).empty());
    EXPECT_TRUE(splits({"What is 17 times 3?", "And 120 by 4?", "42", "7"}).empty());
    EXPECT_TRUE(splits({"Please explain parser_v2.cpp line 120", "now test_file.py, line 3"}).empty());
    EXPECT_TRUE(splits({"", "", "x"}).empty());
}

TEST(Evasion, TermsSplitOverTurnsAndPartsAreFound) {
    const Classifier classifier{{.dictionary = {{"Project Bluefin"}}}};
    const auto count = [&](core::Json messages) {
        auto body = core::Json{{"model", "m"}, {"messages", std::move(messages)}};
        return classifier.classify(std::make_shared<const core::ChatRequest>(core::ChatRequest::from_json(std::move(body)).value()), {}).findings().size();
    };
    const auto user = [](core::Json content) { return core::Json{{"role", "user"}, {"content", std::move(content)}}; };
    const core::Json noted{{"role", "assistant"}, {"content", "Noted."}};
    EXPECT_EQ(count({user("tell me of Project Blu"), noted, user("efin is the rest")}), 2U);
    EXPECT_EQ(count({user("tell me of Project"), noted, user("Bluefin")}), 2U);
    EXPECT_EQ(count({user("tell me of Proj"), noted, user("and then ect Bluefin, right?")}), 2U);
    EXPECT_EQ(count({user({{{"type", "text"}, {"text", "card 4539 1488"}}, {{"type", "text"}, {"text", "0343 6467"}}})}), 2U);
    EXPECT_EQ(count({user("tell me of Project"), noted, user("managers")}), 0U);
}

TEST(Readings, PlainTextIsReadOnce) {
    int readings = 0;
    for_each_reading("Nobody could say which of the two proposals would win.", {}, {}, [&](auto, auto&, const auto&) { ++readings; });
    EXPECT_EQ(readings, 1);
}

TEST(Readings, NestingIsBoundedAndSaysSo) {
    std::string text = "card 4539 1488 0343 6467";
    for (int i = 0; i < 6; ++i) text = base64("again " + text);
    std::size_t bytes = 0;
    const Bound bound = for_each_reading(text, {}, {}, [&](std::string_view reading, auto&, const auto&) { bytes += reading.size(); });
    EXPECT_EQ(bound, "encoding depth");
    EXPECT_LE(bytes, text.size() * 8);
    auto body = core::Json{{"model", "m"}, {"messages", {{{"role", "user"}, {"content", text}}}}};
    const auto judged =
        Classifier{{}}.classify(std::make_shared<const core::ChatRequest>(core::ChatRequest::from_json(std::move(body)).value()), {});
    EXPECT_EQ(judged.data_class(), core::DataClass::Restricted);
    EXPECT_EQ(judged.reason(), "bound:encoding depth");
}

TEST(Readings, BrokenAndHugeTextsAreReadToTheirEnd) {
    for (const std::string& text : {std::string(1U << 20U, 'a'), std::string(1U << 18U, '\xff'), std::string(1U << 18U, '%'),
                                    std::string("\xed\xa0\x80 lone surrogate 4539 1488 0343 6467"), std::string(1U << 16U, '<')})
        EXPECT_NO_THROW((void)Classifier{{}}.scan(text));
    EXPECT_EQ(types("\xed\xa0\x80 lone surrogate 4539 1488 0343 6467"), "CREDIT_CARD");
}

}  // namespace
}  // namespace sluice::policies
