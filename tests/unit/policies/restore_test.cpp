#include "policies/sensitivity/restore.hpp"

#include "core/json.hpp"

#include <gtest/gtest.h>

#include <random>

namespace sluice::policies {
namespace {

class RestoreTest : public ::testing::Test {
protected:
    RestoreTest() {
        for (const auto& [type, value] : std::vector<std::pair<std::string, std::string>>{
                 {"EMAIL", "anna@berg.net"},
                 {"EMAIL", "bo\"b@berg.net"},
                 {"CREDIT_CARD", "4111 1111 1111 1111"},
                 {"PERSON", "Zoë \xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xac"},
                 {"ORG_TERM", "line\nbreak \\ \"q\""}})
            EXPECT_NE(maker.place(type, value, *map), nullptr);
    }
    std::string tail(std::size_t i = 0) const { return map->at(i).tail; }
    std::string text(std::size_t i = 0) const { return map->at(i).text(); }
    std::string back(std::string_view answer) const { return restore(answer, map, RestoreIn::Text); }

    std::shared_ptr<PlaceholderMap> map = std::make_shared<PlaceholderMap>();
    PlaceholderMaker maker{core::Secret{"conversation"}};
};

TEST_F(RestoreTest, PlaceholdersAreTypedNumberedAndStablePerValue) {
    EXPECT_EQ(text(0), "[EMAIL_1_" + tail(0) + "]");
    EXPECT_EQ(text(1), "[EMAIL_2_" + tail(1) + "]");
    EXPECT_EQ(text(2), "[CREDIT_CARD_1_" + tail(2) + "]");
    EXPECT_EQ(maker.place("EMAIL", "anna@berg.net", *map)->text(), text(0));
    PlaceholderMap again;
    EXPECT_EQ(PlaceholderMaker{core::Secret{"conversation"}}.place("EMAIL", "anna@berg.net", again)->text(), text(0));
    PlaceholderMap other;
    EXPECT_NE(PlaceholderMaker{core::Secret{"another conversation"}}.place("EMAIL", "anna@berg.net", other)->tail,
              tail(0));
}

TEST_F(RestoreTest, ATailThatTheTextHoldsIsNotUsed) {
    PlaceholderMaker wary{core::Secret{"conversation"}};
    std::string upper = text();
    for (auto& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    wary.forbid_tails_of("The user wrote " + upper + " here");
    PlaceholderMap fresh;
    EXPECT_NE(wary.place("EMAIL", "anna@berg.net", fresh)->tail, tail());
}

TEST_F(RestoreTest, ATextOfNothingButTailsIsNotRedacted) {
    PlaceholderMaker flooded{core::Secret{"conversation"}};
    std::mt19937 random{1};
    std::string text;
    for (int i = 0; i < 200'000; ++i) {
        text += detail::kTailConsonants[random() % 20];
        text += detail::kTailDigits[random() % 8];
    }
    flooded.forbid_tails_of(text);
    PlaceholderMap fresh;
    EXPECT_TRUE(flooded.overfull());
    EXPECT_EQ(flooded.place("EMAIL", "anna@berg.net", fresh), nullptr);
}

TEST_F(RestoreTest, BentPlaceholdersAreRestored) {
    const std::string t = tail();
    std::string upper = t;
    for (auto& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    const std::string v = "anna@berg.net";
    const std::vector<std::pair<std::string, std::string>> cases{
        {text(), v},
        {"[email_1_" + t + "]", v},
        {"[EMAIL_1_" + upper + "]", v},
        {"[Email 1 " + t + "]", v},
        {"[ EMAIL_1_" + t + " ]", v},
        {"[EMAIL-1-" + t + "]", v},
        {"[EMAIL 1_" + t + "]", v},
        {"EMAIL_1_" + t, v},
        {"email 1 " + t + ".", v + "."},
        {"Email1 " + t, v},
        {"(EMAIL_1_" + t + ")", "(" + v + ")"},
        {"<EMAIL_1_" + t + ">", "<" + v + ">"},
        {"\"EMAIL_1_" + t + "\"", "\"" + v + "\""},
        {"'[EMAIL_1_" + t + "]'", "'" + v + "'"},
        {"`[EMAIL_1_" + t + "]`", "`" + v + "`"},
        {"**[EMAIL_1_" + t + "]**", "**" + v + "**"},
        {"_EMAIL_1_" + t + "_", "_" + v + "_"},
        {"\\[EMAIL\\_1\\_" + t + "\\]", v},
        {"\\[EMAIL\\_1\\_" + t + "]", v},
        {"[EMAIL\\_1\\_" + t + "]", v},
        {"EMAIL\\_1\\_" + t, v},
        {"[CORREO_1_" + t + "]", v},
        {"[\xd0\xbf\xd0\xbe\xd1\x87\xd1\x82\xd0\xb0_1_" + t + "]", v},
        {"[1_" + t + "]", v},
        {"\xe3\x80\x90"
         "EMAIL_1_" +
             t + "\xe3\x80\x91",
         v},
        {"\xef\xbc\xbb"
         "EMAIL_1_" +
             t + "\xef\xbc\xbd",
         v},
        {"mailto:%5BEMAIL_1_" + t + "%5D?x", "mailto:" + v + "?x"},
        {"[EMAIL_1_" + t + "](mailto:[EMAIL_1_" + t + "])", v + "(mailto:" + v + ")"},
        {"[EMAIL_1_" + t + ", EMAIL_2_" + tail(1) + "]", "[" + v + ", bo\"b@berg.net]"},
        {"[EMAIL_1_" + t + " wrote", "[" + v + " wrote"},
        {"[[EMAIL_1_" + t + "]]", "[" + v + "]"},
        {"EMAIL\xc2\xa0"
         "1\xe2\x80\x91" +
             t,
         v},
        {text(0) + text(1), v + "bo\"b@berg.net"},
        {"[credit card 1 " + tail(2) + "]", "4111 1111 1111 1111"},
        {"CreditCard_1_" + tail(2), "4111 1111 1111 1111"},
        {"EMAIL_1_" + t + "s", v + "s"},
    };
    for (const auto& [bent, expected] : cases) {
        EXPECT_EQ(back("Ask " + bent + " now"), "Ask " + expected + " now") << bent;
        EXPECT_EQ(back(bent), expected) << bent;
        // The same, cut into every two pieces and byte by byte.
        for (std::size_t cut = 0; cut <= bent.size(); ++cut) {
            Restorer restorer{map, RestoreIn::Text};
            std::string out = restorer.feed("x " + bent.substr(0, cut));
            out += restorer.feed(bent.substr(cut) + " y");
            EXPECT_EQ(out + restorer.finish(), "x " + expected + " y") << bent << " cut at " << cut;
        }
        Restorer single{map, RestoreIn::Text};
        std::string out;
        for (const char c : bent) out += single.feed({&c, 1});
        EXPECT_EQ(out + single.finish(), expected) << bent;
    }
}

TEST_F(RestoreTest, WhatIsNotOfTheMapStaysAsItIs) {
    PlaceholderMap other;
    const auto foreign =
        PlaceholderMaker{core::Secret{"another team"}}.place("EMAIL", "mallory@evil.net", other)->text();
    for (const std::string& text :
         {foreign, std::string{"[EMAIL_1_k7]"}, std::string{"[EMAIL_1_"}, std::string{"[EMAIL_1_b2c3d4f5g6]"},
          std::string{"EMAIL"}, std::string{"an email 1 bcd"}, std::string{"[link](http://x)"},
          std::string{"a[1]=b[2]"}, std::string{"\\[ \\\\ %5B %"}, std::string{"\xe3\x80\x90\xe3"},
          "xEMAIL_1_" + tail()})
        EXPECT_EQ(back(text), text);
}

TEST_F(RestoreTest, OnlyWhatMayStillBecomeAPlaceholderIsHeldBack) {
    const auto held = [&](const std::string& piece) {
        Restorer restorer{map, RestoreIn::Text};
        const auto passed = restorer.feed(piece);
        EXPECT_EQ(passed + restorer.finish(), piece);
        return piece.size() - passed.size();
    };
    EXPECT_EQ(held("Plain words of an answer"), 0U);
    EXPECT_EQ(held("See ["), 1U);
    EXPECT_EQ(held("See [EM"), 3U);
    EXPECT_EQ(held("See [EM "), 4U);  // a translated type, perhaps
    EXPECT_EQ(held("See [EM x"), 0U);
    EXPECT_EQ(held("the e"), 1U);
    EXPECT_EQ(held("the en"), 0U);
    EXPECT_EQ(held("the email"), 5U);
    EXPECT_EQ(held("the email is"), 0U);
    EXPECT_EQ(held("[EMAIL_1_" + tail().substr(0, 3)), 12U);
    EXPECT_EQ(held("[EMAIL_1_" + tail().substr(0, 3) + "!"), 0U);
    EXPECT_EQ(held("[see here"), 0U);
    EXPECT_EQ(held("[a](http://b"), 0U);
}

TEST_F(RestoreTest, AtMostTheLongestPlaceholderIsEverHeldBack) {
    for (const std::string& unit : {std::string{"["}, std::string{"[EMAIL_"}, std::string{"[x"}, std::string{"EMAIL "},
                                    std::string{"\\["}, std::string{"[\xd0\xb0"}, std::string{"CREDIT____"}}) {
        Restorer restorer{map, RestoreIn::Text};
        std::string in;
        std::string out;
        for (int i = 0; i < 500; ++i) {
            in += unit;
            out += restorer.feed(unit);
            ASSERT_LE(restorer.held(), Restorer::kLongest) << unit;
        }
        EXPECT_EQ(out + restorer.finish(), in);
    }
}

TEST_F(RestoreTest, InToolArgumentsValuesAreEscapedAndTheJsonStaysJson) {
    core::Json arguments{
        {"to", "Hi " + text(0)}, {"cc", {text(1), "x"}}, {"note", text(4)}, {text(2), 1}, {"who", text(3)}};
    const std::string json = core::dump_json(arguments);
    for (std::size_t cut = 0; cut <= json.size(); ++cut) {
        Restorer restorer{map, RestoreIn::Json};
        std::string out = restorer.feed(json.substr(0, cut));
        out += restorer.feed(json.substr(cut));
        out += restorer.finish();
        const auto parsed = core::parse_json(out);
        ASSERT_TRUE(parsed) << out;
        EXPECT_EQ((*parsed)["to"], "Hi anna@berg.net");
        EXPECT_EQ((*parsed)["cc"][0], "bo\"b@berg.net");
        EXPECT_EQ((*parsed)["note"], "line\nbreak \\ \"q\"");
        EXPECT_EQ((*parsed)["4111 1111 1111 1111"], 1);
        EXPECT_EQ((*parsed)["who"], map->at(3).value);
    }
}

TEST_F(RestoreTest, PlaceholdersSpelledWithEscapesAreFoundInToolArguments) {
    std::string spelled;  // every character as an escape
    for (const char c : text(0)) {
        std::array<char, 8> unit{};
        std::snprintf(unit.data(), unit.size(), "\\u%04X", static_cast<unsigned>(c));
        spelled += unit.data();
    }
    const std::string json =
        R"({"smile":"\ud83d\ude00 \u00e9 \"\\ \/","to":")" + spelled + R"( end","bad":"\ud83d x \ude00"})";
    for (std::size_t cut = 0; cut <= json.size(); ++cut) {
        Restorer restorer{map, RestoreIn::Json};
        std::string out = restorer.feed(json.substr(0, cut));
        out += restorer.feed(json.substr(cut));
        out += restorer.finish();
        EXPECT_EQ(out, R"({"smile":"\ud83d\ude00 \u00e9 \"\\ \/","to":"anna@berg.net end","bad":"\ud83d x \ude00"})")
            << cut;
    }
}

TEST_F(RestoreTest, AnUnquotedPlaceholderInJsonBecomesAString) {
    EXPECT_EQ(restore("{\"a\": " + text(1) + ", \"b\": [1, true]}", map, RestoreIn::Json),
              R"({"a": "bo\"b@berg.net", "b": [1, true]})");
}

// Redact then restore is the identity for a model that echoes: text around placeholders is never changed.
TEST_F(RestoreTest, TextAroundPlaceholdersIsNeverChanged) {
    std::mt19937 random{20261125};
    const std::vector<std::string> pieces{
        "[", "]",  "\\", "\\[", "EMAIL", "_1_",         " ",   "b2c3d4f5",    "é", "\xf0\x9f\x98\x80",
        "1", "\n", "\"", "{",   "e",     "Credit card", "%5B", "\xe3\x80\x90"};
    for (int round = 0; round < 3000; ++round) {
        std::string redacted;
        std::string original;
        for (std::size_t i = 0; i < 1 + random() % 12; ++i) {
            if (random() % 4 == 0) {
                const auto& placeholder = map->at(random() % map->size());
                redacted += placeholder.text();
                original += placeholder.value;
            } else {
                // A bracket right in front of a placeholder is followed by a space here: "[[X]" is another text.
                std::string piece = pieces[random() % pieces.size()];
                redacted += piece + "|";
                original += piece + "|";
            }
        }
        Restorer restorer{map, RestoreIn::Text};
        std::string out;
        for (std::size_t at = 0; at < redacted.size();) {
            const std::size_t size = 1 + random() % 7;
            out += restorer.feed(std::string_view{redacted}.substr(at, size));
            at += size;
        }
        ASSERT_EQ(out + restorer.finish(), original) << redacted;
    }
}

TEST_F(RestoreTest, AMapSurvivesEncodingAndDamageIsRefused) {
    PlaceholderMap copy;
    ASSERT_TRUE(PlaceholderMap::decode(map->encode(), copy));
    ASSERT_EQ(copy.size(), map->size());
    for (std::size_t i = 0; i < copy.size(); ++i)
        EXPECT_EQ(copy.at(i).text() + copy.at(i).value, map->at(i).text() + map->at(i).value);
    const std::string bytes = map->encode();
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
        PlaceholderMap half;
        if (PlaceholderMap::decode(bytes.substr(0, cut), half)) {
            EXPECT_LT(half.size(), map->size());
        }
    }
    PlaceholderMap none;
    for (const auto* bad : {"", "2;", "1;x", "1;99999999999:", "1;5:EMAIL1:18:b2c3d4f53:abc5:EMAIL1:28:b2c3d4f53:xyz",
                            "1;5:email1:18:b2c3d4f53:abc", "1;5:EMAIL1:08:b2c3d4f53:abc"})
        EXPECT_FALSE(PlaceholderMap::decode(bad, none)) << bad;
}

}  // namespace
}  // namespace sluice::policies
