#include "core/chat.hpp"

#include <gtest/gtest.h>

namespace sluice::core {
namespace {

Result<ChatRequest> read(const std::string& text) {
    auto json = parse_json(text);
    if (!json) return json.error();
    return ChatRequest::from_json(std::move(*json));
}

std::string with(const std::string& members) {
    return R"({"model":"m","messages":[{"role":"user","content":"hi"}])" + (members.empty() ? "" : "," + members) + "}";
}

TEST(Chat, ReadsTheFieldsSluiceActsOnAndKeepsTheRest) {
    const auto chat = read(with(R"("stream":true,"stream_options":{"include_usage":true},"max_tokens":7,"n":2,"x_unknown":{"a":1})"));
    ASSERT_TRUE(chat);
    EXPECT_TRUE(chat->stream());
    EXPECT_TRUE(chat->include_usage());
    EXPECT_EQ(chat->max_tokens(), 7);
    EXPECT_EQ(chat->choices(), 2);
    EXPECT_EQ(chat->body()["x_unknown"]["a"], 1);
}

TEST(Chat, MaxCompletionTokensWinsOverMaxTokens) {
    EXPECT_EQ(read(with(R"("max_tokens":7,"max_completion_tokens":9)"))->max_tokens(), 9);
}

TEST(Chat, ErrorsNameTheField) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"[]", ""},
        {R"({"messages":[]})", "model"},
        {R"({"model":"","messages":[]})", "model"},
        {R"({"model":7,"messages":[]})", "model"},
        {R"({"model":"m"})", "messages"},
        {R"({"model":"m","messages":[]})", "messages"},
        {R"({"model":"m","messages":{}})", "messages"},
        {R"({"model":"m","messages":["x"]})", "messages[0]"},
        {R"({"model":"m","messages":[{"role":"user","content":"a"},{"content":"x"}]})", "messages[1].role"},
        {R"({"model":"m","messages":[{"role":"king","content":"x"}]})", "messages[0].role"},
        {R"({"model":"m","messages":[{"role":"user"}]})", "messages[0].content"},
        {R"({"model":"m","messages":[{"role":"user","content":5}]})", "messages[0].content"},
        {R"({"model":"m","messages":[{"role":"user","content":[5]}]})", "messages[0].content[0]"},
        {R"({"model":"m","messages":[{"role":"user","content":[{"type":"text"}]}]})", "messages[0].content[0].text"},
        {R"({"model":"m","messages":[{"role":"assistant","tool_calls":{}}]})", "messages[0].tool_calls"},
        {with(R"("stream":1)"), "stream"},
        {with(R"("stream_options":[])"), "stream_options"},
        {with(R"("stream_options":{"include_usage":"yes"})"), "stream_options.include_usage"},
        {with(R"("max_tokens":0)"), "max_tokens"},
        {with(R"("max_tokens":-1)"), "max_tokens"},
        {with(R"("max_tokens":18446744073709551615)"), "max_tokens"},
        {with(R"("max_tokens":1.5)"), "max_tokens"},
        {with(R"("n":1000000000)"), "n"},
        {with(R"("temperature":3)"), "temperature"},
        {with(R"("temperature":"hot")"), "temperature"},
        {with(R"("top_p":-0.1)"), "top_p"},
        {with(R"("stop":7)"), "stop"},
        {with(R"("stop":[1])"), "stop"},
        {with(R"("tools":{})"), "tools"},
        {with(R"("best_of":1000000)"), "best_of"},
        {with(R"("n":2,"best_of":3)"), "best_of"},
        {with(R"("tools":["x"])"), "tools[0]"},
        {with(R"("tools":[{}])"), "tools[0].type"},
        {with(R"("tools":[{"type":"function"}])"), "tools[0].function"},
        {with(R"("tools":[{"type":"function","function":{"name":"f"}},{"type":"function"}])"), "tools[1].function"},
        {with(R"("tools":[{"type":"function","function":{"name":7}}])"), "tools[0].function.name"},
        {with(R"("tools":[{"type":"function","function":{"name":"f","parameters":[]}}])"), "tools[0].function.parameters"},
        {with(R"("tool_choice":7)"), "tool_choice"},
        {with(R"("tool_choice":{})"), "tool_choice.type"},
        {with(R"("response_format":"json")"), "response_format"},
        {with(R"("response_format":{})"), "response_format.type"},
        {with(R"("response_format":{"type":"json_schema"})"), "response_format.json_schema"},
        {with(R"("response_format":{"type":"json_schema","json_schema":[]})"), "response_format.json_schema"},
        {with(R"("logprobs":"x")"), "logprobs"},
        {with(R"("top_logprobs":1000)"), "top_logprobs"},
        {with(R"("logit_bias":[1])"), "logit_bias"},
        {with(R"("logit_bias":{"5":"x"})"), "logit_bias"},
        {with(R"("logit_bias":{"5":101})"), "logit_bias"},
        {with(R"("parallel_tool_calls":1)"), "parallel_tool_calls"},
        {with(R"("user":5)"), "user"},
        {with(R"("metadata":"x")"), "metadata"},
        {R"({"model":"m","messages":[{"role":"assistant","tool_calls":[1]}]})", "messages[0].tool_calls[0]"},
        {R"({"model":"m","messages":[{"role":"assistant","tool_calls":[{"function":{"name":7}}]}]})",
         "messages[0].tool_calls[0].function.name"},
    };
    for (const auto& [text, field] : cases) {
        const auto chat = read(text);
        ASSERT_FALSE(chat) << text;
        EXPECT_EQ(chat.error().code, Errc::InvalidRequest) << text;
        EXPECT_EQ(chat.error().field, field) << text;
    }
}

TEST(Chat, FieldsInTheirUsualShapesPassAndNullIsAbsent) {
    const auto chat = read(with(
        R"("tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}},{"type":"web_search"}],)"
        R"("tool_choice":{"type":"function","function":{"name":"f"}},"response_format":{"type":"json_schema","json_schema":{"name":"a"}},)"
        R"("logprobs":true,"top_logprobs":3,"logit_bias":{"50256":-100,"7":0.5},"parallel_tool_calls":false,"user":"u","metadata":{"a":"b"},)"
        R"("n":2,"best_of":2,"service_tier":"auto","store":null,"stop":null)"));
    ASSERT_TRUE(chat) << describe(chat.error());
    EXPECT_TRUE(read(with(R"("tools":null,"tool_choice":"auto","response_format":null,"logprobs":null,"logit_bias":null,"user":null)")));
    EXPECT_TRUE(read(
        R"({"model":"m","messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]}]})"));
}

TEST(Chat, AttachmentsAreNoticed) {
    EXPECT_FALSE(read(R"({"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a"}]}]})")->has_attachments());
    EXPECT_TRUE(read(R"({"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:"}}]}]})")->has_attachments());
}

TEST(Chat, PromptBoundCoversEveryString) {
    const std::string text(1000, 'x');
    const auto plain = read(with(""))->prompt_tokens_bound();
    const auto longer = read(R"({"model":"m","messages":[{"role":"user","content":"hi","name":")" + text + R"("}],"tools":[{"type":"function","function":{"name":"f","description":")" + text + R"("}}]})");
    ASSERT_TRUE(longer) << describe(longer.error());
    EXPECT_GE(longer->prompt_tokens_bound(), plain + 2000);
}

TEST(Embeddings, TakeATextOrTextsAndNothingElse) {
    const auto read_embeddings = [](const std::string& text) { return ChatRequest::from_embeddings_json(*parse_json(text)); };
    const auto one = read_embeddings(R"({"model":"m","input":"hello","unknown":1})");
    ASSERT_TRUE(one);
    EXPECT_EQ(one->operation(), Operation::Embeddings);
    EXPECT_FALSE(one->stream());
    EXPECT_GE(one->prompt_tokens_bound(), 5);
    EXPECT_TRUE(one->body().contains("unknown"));
    ASSERT_TRUE(read_embeddings(R"({"model":"m","input":["a","b"],"dimensions":64,"encoding_format":"base64"})"));
    // Token ids cannot be classified: they are refused, not waved through.
    for (const auto& [text, field] : std::vector<std::pair<std::string, std::string>>{
             {R"({"model":"m"})", "input"},
             {R"({"input":"x"})", "model"},
             {R"({"model":"m","input":""})", "input"},
             {R"({"model":"m","input":[]})", "input"},
             {R"({"model":"m","input":[1,2]})", "input[0]"},
             {R"({"model":"m","input":["a",["b"]]})", "input[1]"},
             {R"({"model":"m","input":"x","dimensions":0})", "dimensions"},
             {R"({"model":"m","input":"x","encoding_format":"hex"})", "encoding_format"}}) {
        const auto refused = read_embeddings(text);
        ASSERT_FALSE(refused) << text;
        EXPECT_EQ(refused.error().field, field) << text;
    }
}

}  // namespace
}  // namespace sluice::core
