#include "providers/sse_decoder.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::providers {
namespace {

constexpr std::size_t kMost = 1024;

// What comes out when `bytes` arrive in pieces of `step` bytes.
std::vector<std::string> decode(SseDecoder& decoder, std::string_view bytes, std::size_t step) {
    std::vector<std::string> events;
    for (std::size_t i = 0; i < bytes.size(); i += step)
        for (const auto event : decoder.feed(bytes.substr(i, step))) events.emplace_back(event);
    return events;
}

struct Case {
    const char* name;
    std::string bytes;
    std::vector<std::string> events;
    bool done = false;
};

const Case kCases[] = {
    {"Plain", "data: a\n\ndata: b\n\ndata: [DONE]\n\n", {"a", "b"}, true},
    {"CarriageReturnLineFeed", "data: a\r\n\r\ndata: b\r\n\r\n", {"a", "b"}},
    {"CarriageReturn", "data: a\r\rdata: b\r\r", {"a", "b"}},
    {"MixedEnds", "data: a\r\n\rdata: b\n\r\ndata: c\r\r\n", {"a", "b", "c"}},
    {"ByteOrderMark",
     "\xEF\xBB\xBF"
     "data: a\n\n",
     {"a"}},
    {"MarkOnlyAtTheStart",
     "data: \xEF\xBB\xBF"
     "a\n\n\xEF\xBB\xBF"
     "data: b\n\n",
     {"\xEF\xBB\xBF"
      "a"}},
    {"Comments", ": hello\n\n:\n: x\ndata: a\n: between\n\n", {"a"}},
    {"NoSpace", "data:a\n\n", {"a"}},
    {"OneSpaceOnly", "data:  a \n\n", {" a "}},
    {"JoinedLines", "data: a\ndata: b\ndata:\ndata\n\n", {"a\nb\n\n"}},
    {"EmptyData", "data\n\ndata:\n\n", {"", ""}},
    {"OtherFields", "event: x\nid: 7\nretry: 10\nnonsense\ndata: a\n\n", {"a"}},
    {"FieldNamesInFull", "database: no\ndat: no\nDATA: no\n\n", {}},
    {"UnfinishedEventIsNotDelivered", "data: a\n\ndata: b\n", {"a"}},
    {"NothingAfterDone", "data: a\n\ndata: [DONE]\n\ndata: late\n\n", {"a"}, true},
    {"DoneInPiecesOfLines", "data: [DONE]\ndata: x\n\n", {"[DONE]\nx"}},
    {"EventOfOnlyOtherFields", "event: ping\n\ndata: a\n\n", {"a"}},
};

class SseDecoderCases : public ::testing::TestWithParam<Case> {};

TEST_P(SseDecoderCases, DecodesTheSameHoweverTheBytesAreCut) {
    const Case& c = GetParam();
    for (std::size_t step = 1; step <= c.bytes.size(); ++step) {
        SseDecoder decoder(kMost);
        EXPECT_EQ(decode(decoder, c.bytes, step), c.events) << "pieces of " << step;
        EXPECT_EQ(decoder.done(), c.done) << "pieces of " << step;
        EXPECT_FALSE(decoder.failed());
    }
}

INSTANTIATE_TEST_SUITE_P(All, SseDecoderCases, ::testing::ValuesIn(kCases),
                         [](const auto& one) { return one.param.name; });

TEST(SseDecoder, ADataLineAtTheBoundPassesAndOneByteMoreFails) {
    SseDecoder fits(8);
    EXPECT_EQ(decode(fits, "data: 12345678\n\n", 3), std::vector<std::string>{"12345678"});
    SseDecoder bursts(8);
    EXPECT_TRUE(decode(bursts, "data: 123456789\n\n", 3).empty());
    EXPECT_TRUE(bursts.failed());
}

TEST(SseDecoder, JoinedLinesCountTogether) {
    SseDecoder decoder(8);
    EXPECT_TRUE(decode(decoder, "data: 12345\ndata: 12345\n\n", 64).empty());
    EXPECT_TRUE(decoder.failed());
}

TEST(SseDecoder, AnEndlessLineFailsBeforeItEnds) {
    for (const char* begin : {"data: ", ": ", "x"}) {
        SseDecoder decoder(kMost);
        std::size_t fed = 0;
        decoder.feed(begin);
        for (; !decoder.failed() && fed < 64 * kMost; fed += 100) decoder.feed(std::string(100, 'x'));
        EXPECT_TRUE(decoder.failed());
        EXPECT_LT(fed, 2 * kMost);
        EXPECT_TRUE(decoder.feed("\n\ndata: a\n\n").empty()) << "a failed decoder stays so";
    }
}

TEST(SseDecoder, WhatComesBehindDoneIsNoFailureHoweverLongItIs) {
    const std::string stream = "data: a\n\ndata: [DONE]\n\n" + std::string(100, 'x');
    for (const std::size_t step : {stream.size(), std::size_t{30}, std::size_t{1}}) {
        SseDecoder decoder(16);
        for (std::size_t at = 0; at < stream.size(); at += step) decoder.feed(std::string_view(stream).substr(at, step));
        EXPECT_TRUE(decoder.done()) << step;
        EXPECT_FALSE(decoder.failed()) << step;
    }
}

TEST(SseDecoder, EventsBeforeAFailureAreDelivered) {
    SseDecoder decoder(8);
    EXPECT_EQ(decode(decoder, "data: a\n\ndata: 123456789\n\n", 64), std::vector<std::string>{"a"});
    EXPECT_TRUE(decoder.failed());
}

TEST(SseDecoder, ViewsOfOneCallStayValidTogether) {
    SseDecoder decoder(kMost);
    decoder.feed("data: first");
    const auto events = decoder.feed("\ndata: half\n\ndata: a\n\ndata: b\ndata: c\n\ndata: d\ndata: e\n\n");
    EXPECT_EQ(std::vector<std::string>(events.begin(), events.end()),
              (std::vector<std::string>{"first\nhalf", "a", "b\nc", "d\ne"}));
}

}  // namespace
}  // namespace sluice::providers
