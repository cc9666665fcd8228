#include "local_engine/sampling/stop_matcher.hpp"

#include <gtest/gtest.h>

#include <random>

namespace sluice::local_engine {
namespace {

// Everything that leaves when `text` arrives in pieces of the given sizes.
std::string through(StopMatcher matcher, const std::string& text, std::mt19937& random) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t size = 1 + random() % 3;
        out += matcher.feed(std::string_view(text).substr(at, size));
        at += size;
    }
    return out + matcher.finish();
}

// What finish() adds when the whole text is fed at once.
std::string rest(const std::vector<std::string>& stops, const std::string& text) {
    StopMatcher matcher(stops);
    matcher.feed(text);
    return matcher.finish();
}

TEST(StopMatcher, AStopStringAcrossPiecesIsFoundAndNeverShown) {
    StopMatcher matcher({"END"});
    EXPECT_EQ(matcher.feed("one E"), "one ");
    EXPECT_EQ(matcher.feed("N"), "");
    EXPECT_FALSE(matcher.stopped());
    EXPECT_EQ(matcher.feed("D two"), "");
    EXPECT_TRUE(matcher.stopped());
    EXPECT_EQ(matcher.feed("three"), "");
    EXPECT_EQ(matcher.finish(), "");
}

TEST(StopMatcher, TextThatOnlyBeginsLikeAStopStringLeavesInTheEnd) {
    StopMatcher matcher({"END"});
    EXPECT_EQ(matcher.feed("the EN"), "the ");
    EXPECT_EQ(matcher.feed("X"), "ENX");
    EXPECT_EQ(matcher.feed("E"), "");
    EXPECT_EQ(matcher.finish(), "E");
}

TEST(StopMatcher, WithoutStopStringsTextPassesAtOnce) {
    StopMatcher matcher({""});
    EXPECT_EQ(matcher.feed("E"), "E");
}

TEST(StopMatcher, TheStopStringThatIsCompleteFirstWins) {
    StopMatcher nested({"later", "lat"});
    EXPECT_EQ(nested.feed("x later"), "x ");
    EXPECT_TRUE(nested.stopped());
    StopMatcher overlapping({"abcd", "bc"});
    EXPECT_EQ(overlapping.feed("xabcd"), "xa");
    StopMatcher same_end({"c", "abc"});
    EXPECT_EQ(same_end.feed("xabc"), "x");
}

TEST(StopMatcher, AnySplitOfTheTextGivesWhatTheWholeGives) {
    std::mt19937 random(7);
    for (int round = 0; round < 3000; ++round) {
        const auto word = [&](std::size_t length) {
            std::string text;
            while (text.size() < length) text += static_cast<char>('a' + random() % 2);
            return text;
        };
        const std::string text = word(1 + random() % 24);
        const std::vector<std::string> stops{word(2 + random() % 5), word(3 + random() % 5)};
        EXPECT_EQ(through(StopMatcher(stops), text, random), StopMatcher(stops).feed(text) + rest(stops, text)) << text;
    }
}

}  // namespace
}  // namespace sluice::local_engine
