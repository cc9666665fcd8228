// Grammars as text, the recogniser, and token masks against trying every token.
#include "local_engine/grammar/compiled_grammar.hpp"
#include "local_engine/grammar/ebnf.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace sluice::local_engine {
namespace {

Automaton automaton_of(std::string_view text) {
    auto source = parse_ebnf(text);
    EXPECT_TRUE(source) << core::describe(source.error());
    auto automaton = Automaton::compile(*source);
    EXPECT_TRUE(automaton) << core::describe(automaton.error());
    return std::move(*automaton);
}

bool matches(const Automaton& automaton, std::string_view text) {
    Recogniser recogniser(automaton);
    for (const char byte : text) {
        if (!recogniser.advance(static_cast<std::uint8_t>(byte))) return false;
    }
    return recogniser.accepting();
}

TEST(Ebnf, LiteralsClassesRepetitionsAndAlternativesMeanWhatTheySay) {
    const Automaton automaton = automaton_of(R"(root ::= "a" [0-9]+ ( "x" | 'y' )? [^a-c\n]{2,3} # a comment
        | "\u00e9\x21" .)");
    for (const char* yes : {"a1zz", "a123xzzz", "a9y..", "\u00e9!\u20ac", "a1\u20ac\u20ac"}) EXPECT_TRUE(matches(automaton, yes)) << yes;
    for (const char* no : {"", "a", "a1", "a1z", "a1aaa", "a1zzzzz", "\u00e9!", "a1\xff\xff"}) EXPECT_FALSE(matches(automaton, no)) << no;
}

TEST(Ebnf, RulesMayBeRecursiveOnEitherSideAndInTheMiddle) {
    const Automaton left = automaton_of("root ::= root \"+\" n | n\nn ::= [0-9] | \"(\" root \")\"");
    EXPECT_TRUE(matches(left, "1+2+(3+4)+5"));
    EXPECT_FALSE(matches(left, "1+2+(3+4+5"));
    const Automaton right = automaton_of("root ::= \"a\" root | \"b\"");
    EXPECT_TRUE(matches(right, std::string(5000, 'a') + "b"));
    const Automaton middle = automaton_of("root ::= \"a\" root \"b\" | \"\"");
    EXPECT_TRUE(matches(middle, "aaabbb"));
    EXPECT_FALSE(matches(middle, "aaabb"));
    EXPECT_TRUE(matches(middle, ""));
}

TEST(Ebnf, AmbiguousAndEmptyRulesAreFollowedInAllWays) {
    const Automaton automaton = automaton_of("root ::= s s s\ns ::= \"a\"* | s s\ne ::= \"\"");
    EXPECT_TRUE(matches(automaton, ""));
    EXPECT_TRUE(matches(automaton, "aaaaaaaaaaaaaaaa"));
    EXPECT_FALSE(matches(automaton, "aab"));
}

TEST(Ebnf, MistakesAreNamedWithTheirLine) {
    const std::vector<std::pair<std::string, std::string>> wrong{
        {"", "root"},
        {"a ::= \"x\"", "root"},
        {"root ::= b", "\"b\""},
        {"root ::= \"x", "no end"},
        {"root ::= [a", "no end"},
        {"root ::= [z-a]", "range"},
        {"root ::= (\"a\"", "expected )"},
        {"root ::= \"a\" )", "end of the rule"},
        {"root ::= \"a\"{5,2}", "largest"},
        {"root ::= \"a\"{99999999999}", "repetition"},
        {"root ::= \"\\q\"", "escape"},
        {"root ::= \"\\ud800\"", "escape"},
        {"root ::= \"a\"\nroot ::= \"b\"", "twice"},
        {"root := \"a\"", "expected"},
        {"root ::= \"\xff\"", "UTF-8"},
        {"\n\nroot ::= *", "line 3"}};
    for (const auto& [text, part] : wrong) {
        const auto source = parse_ebnf(text);
        ASSERT_FALSE(source) << text;
        EXPECT_EQ(source.error().code, core::Errc::InvalidRequest);
        EXPECT_NE(source.error().detail.find(part), std::string::npos) << text << " -> " << source.error().detail;
    }
}

TEST(Ebnf, HostileGrammarsAreRefusedAndStaySmall) {
    std::string nested = "root ::= ";
    for (int i = 0; i < 40; ++i) nested += "(";
    EXPECT_FALSE(parse_ebnf(nested + "\"a\"" + std::string(40, ')')));

    const auto refused = [](const std::string& text) {
        const auto source = parse_ebnf(text);
        return !source || !Automaton::compile(*source);
    };
    EXPECT_TRUE(refused("root ::= ((((\"a\"{1000}){1000}){1000}){1000}){1000}"));
    EXPECT_TRUE(refused("root ::= ((((\"\"{1000}){1000}){1000}){1000}){1000}"));
    EXPECT_TRUE(refused("root ::= [ab]* \"a\" [ab]{20}"));  // two to the twentieth deterministic states
    EXPECT_TRUE(refused("root ::= root"));
    EXPECT_TRUE(refused("root ::= \"a\" root"));
    std::string rules = "root ::= r0\n";
    for (int i = 0; i < 5000; ++i) rules += "r" + std::to_string(i) + " ::= \"a\"\n";
    EXPECT_TRUE(refused(rules));
    std::string doubling = "root ::= r0\n";  // small rules are copied, but not without end
    for (int i = 0; i < 60; ++i) doubling += "r" + std::to_string(i) + " ::= r" + std::to_string(i + 1) + " r" + std::to_string(i + 1) + "\n";
    const auto source = parse_ebnf(doubling + "r60 ::= \"a\"");
    ASSERT_TRUE(source);
    EXPECT_LT(Automaton::compile(*source)->states(), 1000U);
}

TEST(Recognisers, ATextCanBeTakenBackAndGoOnDifferently) {
    const Automaton automaton = automaton_of("root ::= \"[\" (root (\",\" root)*)? \"]\" | [0-9]+");
    std::mt19937 random(5);
    for (int round = 0; round < 300; ++round) {
        Recogniser recogniser(automaton);
        std::string text;
        for (int step = 0; step < 60; ++step) {
            if (random() % 4 == 0) {
                const std::size_t back = random() % (text.size() + 1);
                recogniser.roll_back(back);
                text.resize(text.size() - back);
            }
            const char byte = "[],0123"[random() % 7];
            Recogniser fresh(automaton);
            for (const char old : text) ASSERT_TRUE(fresh.advance(static_cast<std::uint8_t>(old)));
            ASSERT_EQ(recogniser.accepting(), fresh.accepting());
            const bool fits = recogniser.advance(static_cast<std::uint8_t>(byte));
            ASSERT_EQ(fits, fresh.advance(static_cast<std::uint8_t>(byte))) << text << byte;
            if (fits) text += byte;
            ASSERT_EQ(recogniser.length(), text.size());
        }
    }
}

TEST(Recognisers, TheCostOfAmbiguityIsBounded) {
    for (const char* text : {"root ::= root root | \"a\"", "root ::= root root root | root root | \"a\" | \"aa\" | \"\"",
                             "root ::= s s s s s s\ns ::= \"a\"* s | \"\"", "root ::= (root? root? root? \"a\")*"}) {
        const Automaton automaton = automaton_of(text);
        Recogniser recogniser(automaton);
        std::uint64_t most = 0;
        for (int i = 0; i < 2000 && !recogniser.overflowed(); ++i) {
            const std::uint64_t before = recogniser.work();
            ASSERT_TRUE(recogniser.advance('a'));
            most = std::max(most, recogniser.work() - before);
        }
        EXPECT_LT(most, 3'000'000U) << text;
    }
}

// The vocabulary of these tests: all bytes, and random words over few letters, so that many share beginnings.
std::vector<std::string> some_vocabulary(std::mt19937& random, std::string_view letters) {
    std::vector<std::string> words{""};
    for (int byte = 0; byte < 256; ++byte) words.push_back(std::string(1, static_cast<char>(byte)));
    std::set<std::string> more;
    while (more.size() < 600) {
        std::string word;
        for (std::size_t i = 2 + random() % 5; i > 0; --i) word += letters[random() % letters.size()];
        more.insert(word);
    }
    words.insert(words.end(), more.begin(), more.end());
    return words;
}

TEST(TokenMasks, GrammarsTooAmbiguousToFollowAreGivenUp) {
    std::vector<std::string> words;
    for (std::size_t length = 1; length < 400; ++length) words.push_back(std::string(length, 'a'));
    const VocabularyTrie trie(static_cast<std::int32_t>(words.size()),
                              [&](TokenId token) { return std::string_view(words[static_cast<std::size_t>(token)]); });
    auto grammar = CompiledGrammar::compile(*parse_ebnf("root ::= root root root | root root | \"a\""), trie);
    if (grammar) {
        Recogniser at((*grammar)->automaton());
        const TokenMask* mask = nullptr;
        int tokens = 0;
        do {
            mask = (*grammar)->allowed(at);
            at.advance('a');
        } while (mask != nullptr && ++tokens < 3000);
        EXPECT_EQ(mask, nullptr);
    } else {
        EXPECT_EQ(grammar.error().code, core::Errc::InvalidRequest);
    }
}

TEST(TokenMasks, AllowExactlyTheTokensThatCanGoOn) {
    const std::vector<std::string> grammars{
        "root ::= \"[\" ws (root (\",\" ws root)*)? ws \"]\" ws | n ws\nws ::= [ \\n]*\nn ::= [0-9]+ (\".\" [0-9]+)?",
        "root ::= e\ne ::= e ws \"+\" ws t | t\nt ::= t \"*\" f | f\nf ::= \"(\" e \")\" | [0-9]+\nws ::= \" \"?",
        "root ::= (\"a\" | \"ab\" | \"abc\")* \"c\"? tail\ntail ::= \"[\" tail \"]\" | \"\"",
        "root ::= s\ns ::= \"(\" s \")\" s | \"\"",
        "root ::= q (\",\" q)*\nq ::= \"a\" [^a]* \"a\"",
        "root ::= x y\nx ::= \"a\"* \n y ::= \"a\"* \"b\" root?"};
    std::mt19937 random(11);
    for (const std::string& text : grammars) {
        const std::vector<std::string> words = some_vocabulary(random, "ab()[]+*01,. \nc");
        const VocabularyTrie trie(static_cast<std::int32_t>(words.size()),
                                  [&](TokenId token) { return std::string_view(words[static_cast<std::size_t>(token)]); });
        auto grammar = CompiledGrammar::compile(*parse_ebnf(text), trie);
        ASSERT_TRUE(grammar) << text;
        for (int round = 0; round < 25; ++round) {
            Recogniser at((*grammar)->automaton());
            for (int step = 0; step < 12; ++step) {
                const TokenMask* mask = (*grammar)->allowed(at);
                ASSERT_NE(mask, nullptr);
                std::vector<TokenId> fitting;
                for (TokenId token = 1; token < trie.vocabulary(); ++token) {
                    Recogniser probe = at;
                    bool fits = true;
                    for (const char byte : words[static_cast<std::size_t>(token)]) {
                        fits = fits && probe.advance(static_cast<std::uint8_t>(byte));
                    }
                    ASSERT_EQ(mask->allows(token), fits) << text << " token " << words[static_cast<std::size_t>(token)];
                    if (fits) fitting.push_back(token);
                }
                EXPECT_FALSE(mask->allows(0));
                if (fitting.empty()) break;
                for (const char byte : words[static_cast<std::size_t>(fitting[random() % fitting.size()])]) {
                    at.advance(static_cast<std::uint8_t>(byte));
                }
            }
        }
    }
}

}  // namespace
}  // namespace sluice::local_engine
