#include "router/answer_rewriter.hpp"

#include "router/answer_text.hpp"
#include "router/restoring_filter.hpp"
#include "router/scanning_filter.hpp"

#include <gtest/gtest.h>

#include <random>

namespace sluice::router {
namespace {

using core::Json;

class AnswerRewriterTest : public ::testing::Test {
protected:
    AnswerRewriterTest() {
        const policies::PlaceholderMaker maker{core::Secret{"c"}};
        maker.place("EMAIL", "anna\"@berg.net", *map);
        maker.place("PERSON", "Zoë", *map);
        mail = map->at(0).text();
        person = map->at(1).text();
    }
    static std::string chunk(Json delta, Json finish = nullptr, int index = 0) {
        return core::dump_json(Json{
            {"id", "x"},
            {"object", "chat.completion.chunk"},
            {"model", "m"},
            {"choices", Json::array({Json{
                            {"index", index}, {"delta", std::move(delta)}, {"finish_reason", std::move(finish)}}})}});
    }
    static Json call(int index, const std::string& arguments) {
        return Json{{"tool_calls", Json::array({Json{{"index", index}, {"function", {{"arguments", arguments}}}}})}};
    }
    AnswerRewriter restorer() { return AnswerRewriter{restoring(map, restored)}; }
    // What a client puts together from the stream.
    static AnswerText read(const std::vector<std::string>& chunks) {
        AnswerText text;
        for (const auto& one : chunks) text.chunk(one);
        return text;
    }

    std::shared_ptr<policies::PlaceholderMap> map = std::make_shared<policies::PlaceholderMap>();
    std::string mail;
    std::string person;
    std::size_t restored = 0;
};

TEST_F(AnswerRewriterTest, APlainAnswerIsRestoredEverywhereATextStands) {
    const Json body{
        {"id", mail},
        {"choices",
         Json::array(
             {Json{{"index", 0},
                   {"message",
                    {{"role", "assistant"},
                     {"content", "Dear " + person + ", " + mail},
                     {"reasoning_content", "mail is " + mail},
                     {"tool_calls",
                      Json::array({Json{
                          {"id", mail},
                          {"type", "function"},
                          {"function", {{"name", "send"}, {"arguments", core::dump_json(Json{{"to", mail}})}}}}})}}},
                   {"finish_reason", "stop"}}})},
        {"usage", {{"prompt_tokens", 1}}}};
    auto rewriter = restorer();
    const auto out = core::parse_json(rewriter.body(core::dump_json(body))).value();
    const auto& message = out["choices"][0]["message"];
    EXPECT_EQ(message["content"], "Dear Zoë, anna\"@berg.net");
    EXPECT_EQ(message["reasoning_content"], "mail is anna\"@berg.net");
    EXPECT_EQ(core::parse_json(message["tool_calls"][0]["function"]["arguments"].get<std::string>()).value()["to"],
              "anna\"@berg.net");
    EXPECT_EQ(out["id"], mail);
    EXPECT_EQ(message["tool_calls"][0]["id"], mail);
    EXPECT_EQ(restored, 4U);
}

TEST_F(AnswerRewriterTest, WhatDoesNotChangeStaysByteForByte) {
    auto rewriter = restorer();
    const std::string odd = R"({ "choices" : [ {"delta":{"content":"caf\u00e9 [x] 1.0e2"},"index":0} ], "x": 1.50 })";
    EXPECT_EQ(rewriter.chunk(odd), odd);
    const std::string body = R"({"choices":[{"message":{"content":"a\/b"}}],"n":1E3})";
    EXPECT_EQ(rewriter.body(body), body);
    EXPECT_FALSE(rewriter.rest());
}

// Any stream of any texts, cut anywhere, gives what the whole texts give.
TEST_F(AnswerRewriterTest, StreamsCutAnywhereAreRestoredTextByText) {
    std::mt19937 random{7};
    const std::string arguments0 = core::dump_json(Json{{"to", mail}, {"note", "for " + person}});
    const std::string arguments1 = core::dump_json(Json{{"list", Json::array({person, mail})}});
    const std::string content = "Hello " + person + ", I write to " + mail + " and " + mail + ". é [" + person;
    const std::string reasoning = "The user, " + person + ", has " + mail;
    for (int round = 0; round < 300; ++round) {
        struct Source {
            int choice;
            int call;  // -1 content, -2 reasoning
            std::string text;
            std::size_t at = 0;
        };
        std::vector<Source> sources{
            {0, -1, content}, {0, -2, reasoning}, {0, 0, arguments0}, {0, 1, arguments1}, {1, -1, content}};
        auto rewriter = restorer();
        std::vector<std::string> out;
        while (true) {
            std::vector<Source*> open;
            for (auto& source : sources)
                if (source.at < source.text.size()) open.push_back(&source);
            if (open.empty()) break;
            Source& source = *open[random() % open.size()];
            std::size_t size = 1 + random() % 9;
            while (source.at + size < source.text.size() &&
                   (static_cast<unsigned char>(source.text[source.at + size]) & 0xc0U) == 0x80U)
                ++size;
            const std::string piece = source.text.substr(source.at, size);
            source.at += size;
            Json delta = source.call >= 0    ? call(source.call, piece)
                         : source.call == -1 ? Json{{"content", piece}}
                                             : Json{{"reasoning_content", piece}};
            out.push_back(rewriter.chunk(chunk(std::move(delta), nullptr, source.choice)));
        }
        const bool with_reason = round % 2 == 0;
        if (with_reason) {
            out.push_back(rewriter.chunk(chunk(Json::object(), "stop", 0)));
            out.push_back(rewriter.chunk(chunk(Json::object(), "stop", 1)));
        }
        if (const auto rest = rewriter.rest()) {
            EXPECT_FALSE(with_reason);
            out.push_back(*rest);
        }
        const auto texts = read(out).texts();
        const std::string said = "Hello Zoë, I write to anna\"@berg.net and anna\"@berg.net. é [Zoë";
        ASSERT_EQ(texts.size(), 3U);
        ASSERT_EQ(texts[0], said + "\n" + core::dump_json(Json{{"to", "anna\"@berg.net"}, {"note", "for Zoë"}}) + "\n" +
                                core::dump_json(Json{{"list", {"Zoë", "anna\"@berg.net"}}}));
        ASSERT_EQ(texts[1], "The user, Zoë, has anna\"@berg.net");
        ASSERT_EQ(texts[2], said);
    }
}

TEST_F(AnswerRewriterTest, WhatIsHeldBackLeavesWithTheEndOfItsChoice) {
    auto rewriter = restorer();
    rewriter.chunk(chunk(Json{{"content", "see [EM"}}));
    const auto last = core::parse_json(rewriter.chunk(chunk(Json{{"content", "A"}}, "length"))).value();
    EXPECT_EQ(last["choices"][0]["delta"]["content"], "[EMA");
    EXPECT_EQ(last["choices"][0]["finish_reason"], "length");
    rewriter.chunk(chunk(call(2, "{\"a\":\"[EM"), nullptr, 1));
    const auto rest = core::parse_json(rewriter.rest().value()).value();
    EXPECT_EQ(rest["id"], "x");
    EXPECT_EQ(rest["choices"][0]["index"], 1);
    EXPECT_EQ(rest["choices"][0]["delta"]["tool_calls"][0]["index"], 2);
    EXPECT_EQ(rest["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"], "[EM");
}

TEST_F(AnswerRewriterTest, HalfASurrogatePairDoesNotStopRestoring) {
    auto rewriter = restorer();
    const std::string first = R"({"choices":[{"index":0,"delta":{"content":")" + mail.substr(0, 5) + R"("}}]})";
    const std::string second = R"({"choices":[{"index":0,"delta":{"content":")" + mail.substr(5) + R"( \ud83d"}}]})";
    AnswerText text;
    text.chunk(rewriter.chunk(first));
    text.chunk(rewriter.chunk(second));
    EXPECT_EQ(text.texts().at(0), "anna\"@berg.net \xef\xbf\xbd");
}

TEST_F(AnswerRewriterTest, UnlikelyAnswersPassUnharmed) {
    for (
        const std::string& json :
        {std::string{"{}"}, std::string{"[]"}, std::string{"not json"}, std::string{R"({"choices":5})"},
         std::string{R"({"choices":[1,null,{"delta":7},{"delta":{"content":null}}]})"},
         std::string{
             R"({"choices":[{"index":-3,"delta":{"tool_calls":[{"index":99999999999,"function":{"arguments":"x"}}]}}]})"}}) {
        auto rewriter = restorer();
        EXPECT_EQ(rewriter.chunk(json), json);
        EXPECT_EQ(rewriter.body(json), json);
        rewriter.rest();
    }
}

class ScanningTest : public ::testing::Test {
protected:
    AnswerRewriter scanner(policies::ResponseScan mode) {
        policy.responses = mode;
        return AnswerRewriter{scanning(classifier, policy, findings)};
    }
    static std::string content(const std::string& text) {
        return core::dump_json(Json{{"choices", Json::array({Json{{"index", 0}, {"delta", {{"content", text}}}}})}});
    }
    static std::string message(const std::string& text) {
        return core::dump_json(Json{{"choices", Json::array({Json{{"index", 0}, {"message", {{"content", text}}}}})}});
    }
    policies::Classifier classifier{policies::SensitivityConfig{}};
    policies::TeamPolicy policy;
    std::vector<core::Finding> findings;
};

TEST_F(ScanningTest, FlaggingRecordsAndChangesNothing) {
    auto rewriter = scanner(policies::ResponseScan::Flag);
    const std::string body = message("pay with 4111 1111 1111 1111 today");
    EXPECT_EQ(rewriter.body(body), body);
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].type, "CREDIT_CARD");
    auto stream = scanner(policies::ResponseScan::Flag);
    for (const auto* piece : {"pay with 4111 11", "11 1111 1111", " today"})
        EXPECT_EQ(stream.chunk(content(piece)), content(piece));
    EXPECT_EQ(findings.size(), 1U);
    EXPECT_FALSE(stream.rest());
    EXPECT_EQ(findings.size(), 2U);
}

TEST_F(ScanningTest, MaskingLetsNothingThroughWhateverTheCuts) {
    const std::string text = "First line.\nPay with 4111 1111 1111 1111 or\nmail anna@berg.net now\n";
    EXPECT_NE(
        scanner(policies::ResponseScan::Mask).body(message(text)).find("Pay with [CREDIT_CARD] or\\nmail [EMAIL] now"),
        std::string::npos);
    for (std::size_t size = 1; size < 12; ++size) {
        auto rewriter = scanner(policies::ResponseScan::Mask);
        AnswerText out;
        for (std::size_t at = 0; at < text.size(); at += size)
            out.chunk(rewriter.chunk(content(text.substr(at, size))));
        if (const auto rest = rewriter.rest()) out.chunk(*rest);
        EXPECT_EQ(out.texts().at(0), "First line.\nPay with [CREDIT_CARD] or\nmail [EMAIL] now\n") << size;
    }
}

TEST_F(ScanningTest, LongLinesAreMaskedAcrossTheWindow) {
    std::string text;
    while (text.size() < 20'000) text += "words and more words ";
    for (const std::size_t at : {std::size_t{3584}, std::size_t{4096}, std::size_t{4600}}) {
        std::string with = text;
        with.insert(with.rfind(' ', at), " 4111 1111 1111 1111");
        auto rewriter = scanner(policies::ResponseScan::Mask);
        AnswerText out;
        for (std::size_t i = 0; i < with.size(); i += 50) out.chunk(rewriter.chunk(content(with.substr(i, 50))));
        if (const auto rest = rewriter.rest()) out.chunk(*rest);
        EXPECT_EQ(out.texts().at(0).find("4111"), std::string::npos) << at;
        EXPECT_NE(out.texts().at(0).find("[CREDIT_CARD]"), std::string::npos) << at;
    }
}

TEST_F(ScanningTest, ArgumentsStayJson) {
    auto rewriter = scanner(policies::ResponseScan::Mask);
    const Json arguments{{"to", "anna@berg.net"}, {"card", 4111111111111111U}, {"n", 3}};
    const std::string body = core::dump_json(Json{
        {"choices",
         Json::array({Json{
             {"message",
              {{"tool_calls", Json::array({Json{{"function", {{"arguments", core::dump_json(arguments)}}}}})}}}}})}});
    const auto out = core::parse_json(rewriter.body(body)).value();
    const auto sent =
        core::parse_json(out["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"].get<std::string>())
            .value();
    EXPECT_EQ(sent["to"], "[EMAIL]");
    EXPECT_EQ(sent["card"], "[CREDIT_CARD]");
    EXPECT_EQ(sent["n"], 3);
}

}  // namespace
}  // namespace sluice::router
