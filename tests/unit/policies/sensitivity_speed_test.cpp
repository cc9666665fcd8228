// Short cuts that must not change an answer: vectors against the plain loop, skipped words, runs of a view.
#include "policies/sensitivity/byte_masks.hpp"
#include "policies/sensitivity/dictionary.hpp"
#include "policies/sensitivity/text_view.hpp"
#include "sensitivity_text.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>

namespace sluice::policies {
namespace {

void expect_agreement(const char* bytes) {
    const auto plain = detail::plain_masks_of(bytes);
    for (const auto& fast : {detail::masks_of(bytes), detail::best_masks()(bytes)}) {
        EXPECT_EQ(fast.word, plain.word);
        EXPECT_EQ(fast.digit, plain.digit);
        EXPECT_EQ(fast.mark, plain.mark);
        EXPECT_EQ(fast.high, plain.high);
    }
}

TEST(ByteMasks, VectorsAndThePlainLoopAgreeOnEveryByteAtEveryPlace) {
    std::array<char, 64> bytes{};
    for (unsigned c = 0; c < 256; ++c)
        for (unsigned place = 0; place < 64; ++place) {
            bytes.fill(c % 2 == 0 ? ' ' : 'x');
            bytes[place] = static_cast<char>(c);
            expect_agreement(bytes.data());
            const auto words = detail::word_masks_of(bytes.data());
            const auto plain_words = detail::plain_word_masks_of(bytes.data());
            ASSERT_EQ(words.word, plain_words.word) << c;
            ASSERT_EQ(words.other, plain_words.other) << c;
        }
}

TEST(ByteMasks, VectorsAndThePlainLoopAgreeOnRandomBytes) {
    std::mt19937 random{1};
    std::array<char, 64> bytes{};
    for (int round = 0; round < 2000; ++round) {
        for (char& c : bytes) c = static_cast<char>(random());
        expect_agreement(bytes.data());
    }
}

// Wherever a term stands in the blocks that are skipped, and whatever stands around it.
TEST(DictionarySkip, FindsATermAtEveryOffsetBehindEveryFiller) {
    const std::array<std::string, 6> terms{"Bluefin", "Project Blue-Fin", "M\xc3\xbcller GmbH", "\xe5\x8c\x97\xe4\xba\xac", "A\xe2\x80\x93" "B", "x"};
    std::vector<DictionaryTerm> all;
    for (const auto& term : terms) all.push_back({term});
    const Dictionary dictionary{all};
    for (const std::string& filler : {std::string{"w "}, std::string{"\xc3\xa9 "}, std::string{"ab\xe2\x80\x94"}, std::string{"."}, std::string{"longer words  "}, std::string{"b\xc3\xa9"}})
        for (const auto& term : terms)
            for (std::size_t size = 0; size < 140; ++size) {
                std::string text;
                while (text.size() < size) text += filler;
                text += ' ';
                const std::size_t begin = text.size();
                text += term + " and more words behind it, more than a block of sixty-four bytes holds";
                std::vector<Dictionary::Match> found;
                dictionary.find(text, found);
                const bool there = std::ranges::any_of(found, [&](const auto& match) { return match.begin == begin && match.end == begin + term.size(); });
                ASSERT_TRUE(there) << text;
                ASSERT_EQ(found.size(), 1U) << text;
            }
}

TEST(DictionarySkip, ATermWrittenWithOtherMarksIsFoundAsWell) {
    const Dictionary dictionary{{{"A\xe2\x80\x93" "B"}}};
    for (const std::string_view text : {"a b", "see A-B now", "see a\xe2\x80\x94" "b", "A\xc2\xa0" "B"}) {
        std::vector<Dictionary::Match> found;
        dictionary.find(text, found);
        EXPECT_EQ(found.size(), 1U) << text;
    }
}

// What is skipped because no hash is in it may be followed by one.
TEST(CryptHashes, AreFoundBehindAnyNumberOfSigns) {
    const std::string hash = "$6$" + made_up(12) + "$" + made_up(60);
    for (const std::size_t before : {0U, 1U, 30U, 700U, 1366U, 5000U}) {
        std::string text;
        for (std::size_t i = 0; i < before; ++i) text += "$1$";
        const auto findings = scan(text + " " + hash);
        ASSERT_EQ(findings.size(), 1U) << before;
        EXPECT_EQ(findings[0].begin, text.size() + 1);
        EXPECT_EQ(scan(text + hash).size(), 1U) << before;  // one with the signs
    }
}

// Numbers are read by the masks of 64 bytes: their end, and the text's, may lie anywhere in them.
TEST(GroupedNumbers, AreFoundWhereverTheTextEnds) {
    for (const std::string gap : {"", " ", "-", "\xc2\xa0"})
        for (std::size_t before = 0; before < 70; ++before)
            for (std::size_t behind = 0; behind < 70; behind += behind < 3 ? 1 : 11) {
                const std::string card = "4929" + gap + "1234" + gap + "5678" + gap + "9015";
                const std::string text = std::string(before, ' ') + card + std::string(behind, ' ');
                ASSERT_EQ(found("CREDIT_CARD", text), card) << before << " " << behind;
            }
}

TEST(GroupedNumbers, ALongerNumberIsNotItsBeginning) {
    for (const std::string_view text : {"49291234567890155", "4929123456789015567890", "4929 1234 5678 9015x", "49291234567890159291234567890155678901234567890123456789012345678901"})
        EXPECT_EQ(types(text), "") << text;
}

TEST(TextView, DigitsOfAnotherScriptLieWhereTheyWereRead) {
    const std::string text = "a\xef\xbc\x91\xef\xbc\x92\xef\xbc\x93 b\xef\xbc\x94";
    const auto view = folded(text);
    ASSERT_TRUE(view);
    ASSERT_EQ(view->text(), "a123 b4");
    EXPECT_EQ(view->original_begin(1), 1U);
    EXPECT_EQ(view->original_end(2), 4U);
    EXPECT_EQ(view->original_begin(3), 7U);
    EXPECT_EQ(view->original_end(4), 10U);
    EXPECT_EQ(view->original_begin(5), 11U);
    EXPECT_EQ(view->original_begin(6), 12U);
    EXPECT_EQ(view->original_end(7), 15U);
}

TEST(TextView, CharactersWrittenApartEndBeforeTheGap) {
    const std::string text = "is 4 1 1 1 1 1 1 2 and";
    const auto view = joined(text);
    ASSERT_TRUE(view);
    ASSERT_EQ(view->text(), "is 41111112 and");
    for (std::size_t i = 0; i < 8; ++i) {
        EXPECT_EQ(view->original_begin(3 + i), 3 + 2 * i);
        EXPECT_EQ(view->original_end(4 + i), 4 + 2 * i);
    }
    EXPECT_EQ(view->original_begin(11), 18U);
}

}  // namespace
}  // namespace sluice::policies
