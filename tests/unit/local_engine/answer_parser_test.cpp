// Answers of every family, as the model writes them: whole, and cut into pieces of every size.
#include "local_engine/answer/answer_parser.hpp"

#include "local_engine/answer/thought_meter.hpp"
#include "local_engine/serving/answer_plan.hpp"
#include "local_engine/serving/reply_writer.hpp"

#include <gtest/gtest.h>

namespace sluice::local_engine {
namespace {

using core::Json;
using Kind = AnswerEvent::Kind;

const Json kTools = Json::parse(R"([
  {"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":{
     "city":{"type":"string"},"days":{"type":"integer"},"opts":{"type":"object"}}}}},
  {"type":"function","function":{"name":"search"}}])");

AnswerFormat format(std::string_view markers) {
    return AnswerFormat::of(markers, nullptr);
}
const AnswerFormat kQwen = format("<tool_call> <think>");
const AnswerFormat kLlama = format("<|python_tag|>");
const AnswerFormat kMistral = format("[TOOL_CALLS] [THINK]");
const AnswerFormat kDeepSeek = format("<｜tool▁call▁begin｜> <think>");
const AnswerFormat kHarmony = format("<|channel|> <|message|>");

// "think{..} text{..} call{name: arguments}" of all events together.
std::string shown(const std::vector<AnswerEvent>& events) {
    std::string out;
    std::optional<Kind> open;
    const auto close = [&] { out += open ? "}" : ""; };
    for (const AnswerEvent& event : events) {
        if (event.kind == Kind::Call) {
            close();
            out += "call{" + event.name + ": ";
            open = Kind::Arguments;
            EXPECT_FALSE(event.id.empty());
            continue;
        }
        if (open != event.kind) {
            close();
            out += event.kind == Kind::Thought ? "think{" : "text{";
            open = event.kind;
        }
        out += event.text;
    }
    close();
    return out;
}

AnswerOptions options(const AnswerFormat& format, bool in_thought = false, bool calls = true) {
    AnswerOptions made;
    made.format = format;
    made.in_thought = in_thought;
    made.calls = calls;
    made.tools = kTools;
    made.id_seed = "r";
    return made;
}

std::string parsed(const AnswerOptions& options, std::string_view answer, std::size_t size) {
    AnswerParser parser(options);
    std::vector<AnswerEvent> all;
    for (std::size_t at = 0; at < answer.size(); at += size) {
        for (auto& event : parser.feed(answer.substr(at, size))) all.push_back(std::move(event));
    }
    for (auto& event : parser.finish()) all.push_back(std::move(event));
    return shown(all);
}

void expect(const AnswerOptions& options, std::string_view answer, const std::string& wanted) {
    for (const std::size_t size : {answer.size(), std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}}) {
        if (size > 0) {
            EXPECT_EQ(parsed(options, answer, size), wanted) << answer << " in pieces of " << size;
        }
    }
}

TEST(AnswerParser, ThoughtsAreSplitFromText) {
    expect(options(kQwen), "<think>\nHm.\n\n2 < 3 </th no\n</think>\n\nYes. ",
           "think{Hm.\n\n2 < 3 </th no}text{Yes. }");
    expect(options(kQwen, true), "Hm.\n</think>\nYes.", "think{Hm.}text{Yes.}");
    expect(options(kQwen), "<think>\n\n</think>\n\nYes.", "text{Yes.}");
    expect(options(kQwen), " <thin air", "text{ <thin air}");
    expect(options(kQwen), "a <think> b", "text{a <think> b}");
    expect(options(kQwen, true), "never ends \n", "think{never ends \n}");
    expect(options(kQwen, false, false), "  plain \n", "text{  plain \n}");
    expect(options(kMistral), "[THINK]a[/THINK]b", "think{a}text{b}");
}

TEST(AnswerParser, TaggedCalls) {
    expect(options(kQwen),
           "<think>\nx\n</think>\n\nLet me look.\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": "
           "\"O \\\"}\\\"\", \"d\": [1, {}]}}\n</tool_call>\n"
           "<tool_call>\n{\"arguments\": {\"q\": 1}, \"name\": \"search\"}\n</tool_call>",
           "think{x}text{Let me look.}call{get_weather: {\"city\": \"O \\\"}\\\"\", \"d\": [1, {}]}}call{search: "
           "{\"q\": 1}}");
    expect(options(kQwen), "<tool_call>{\"name\":\"search\"}</tool_call> done", "call{search: {}}text{done}");
    expect(options(kQwen), "<tool_call>{\"name\":\"search\",\"arguments\":\"{\\\"a\\\": 1}\"}</tool_call>",
           "call{search: {\"a\": 1}}");
    expect(options(kQwen), "<tool_call>oops</tool_call>", "text{<tool_call>oops}");
    expect(options(kQwen), "<tool_call>{\"nam", "text{<tool_call>{\"nam}");
    expect(options(kQwen), "<tool_call>{\"x\": 1}</tool_call>", "text{<tool_call>{\"x\": 1}}");
    expect(options(kQwen, false, false), "<tool_call>{}</tool_call>", "text{<tool_call>{}</tool_call>}");
    expect(options(kQwen), "{\"name\": \"search\"}", "text{{\"name\": \"search\"}}");
}

TEST(AnswerParser, ElementCalls) {
    expect(options(kQwen),
           "I look.\n\n<tool_call>\n<function=get_weather>\n<parameter=city>\nNew\nYork "
           "<5>\n</parameter>\n<parameter=days>\n3\n</parameter>\n"
           "<parameter=opts>\n{\"a\": "
           "[true]}\n</parameter>\n<parameter=other>\nTrue\n</parameter>\n</function>\n</tool_call>",
           "text{I look.}call{get_weather: {\"city\": \"New\\nYork <5>\", \"days\": 3, \"opts\": {\"a\":[true]}, "
           "\"other\": true}}");
    expect(options(kQwen), "<function=search>\n</function>", "call{search: {}}");
    expect(options(kQwen), "<tool_call>\n<function=get_weather>\n<parameter=days>\n3\n</parameter>\n",
           "call{get_weather: {\"days\": 3}}");
}

TEST(AnswerParser, BareCallsNameAFunctionThatWasOffered) {
    expect(options(kLlama), "{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Oslo\"}}",
           "call{get_weather: {\"city\": \"Oslo\"}}");
    expect(options(kLlama), "<|python_tag|>{\"type\": \"function\", \"name\": \"search\", \"parameters\": {}}",
           "call{search: {}}");
    expect(options(kLlama), "{\"type\": \"function\", \"function\": {\"name\": \"search\", \"arguments\": {\"a\": 1}}}",
           "call{search: {\"a\": 1}}");
    expect(options(kLlama),
           "{\"name\": \"search\", \"parameters\": {}}; {\"name\": \"search\", \"parameters\": {\"b\": 2}}",
           "call{search: {}}call{search: {\"b\": 2}}");
    expect(options(kLlama), "[{\"name\": \"search\", \"arguments\": {}}, {\"name\": \"search\"}]",
           "call{search: {}}call{search: {}}");
    expect(options(kLlama), "{\"name\": \"Bob\", \"age\": 3} is JSON", "text{{\"name\": \"Bob\", \"age\": 3} is JSON}");
    expect(options(kLlama), "{\"a\": 1}", "text{{\"a\": 1}}");
    expect(options(kLlama), "Hello {\"name\": \"search\"}", "text{Hello {\"name\": \"search\"}}");
    expect(options(kLlama), "[get_weather(city=\"Oslo\", days=2, opts={'a': [1, None]}), search()]",
           "call{get_weather: {\"city\":\"Oslo\",\"days\":2,\"opts\":{\"a\":[1,null]}}}call{search: {}}");
    expect(options(kLlama), "[see here]", "text{[see here]}");
    expect(options(kLlama), "[1, 2]", "text{[1, 2]}");
}

TEST(AnswerParser, MistralCalls) {
    expect(options(kMistral),
           "[TOOL_CALLS][{\"name\": \"search\", \"arguments\": {\"a\": 1}, \"id\": \"abcdefghi\"}, {\"name\": "
           "\"get_weather\", \"arguments\": {}}]",
           "call{search: {\"a\": 1}}call{get_weather: {}}");
    expect(options(kMistral),
           "Sure.[TOOL_CALLS]search[ARGS]{\"a\": \"}\"}[TOOL_CALLS]get_weather[CALL_ID]123456789[ARGS]{}",
           "text{Sure.}call{search: {\"a\": \"}\"}}call{get_weather: {}}");
    AnswerParser parser(options(kMistral));
    EXPECT_EQ(parser.feed("[TOOL_CALLS]search[ARGS]{}").at(0).id.size(), 9U);
    EXPECT_EQ(parser.feed("[TOOL_CALLS]search[CALL_ID]123456789[ARGS]{}").at(0).id, "123456789");
}

TEST(AnswerParser, DeepSeekCalls) {
    expect(options(kDeepSeek, true),
           "hm</think>Ok<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>search\n```json\n{\"a\": "
           "{\"b\": 1}}\n```<｜tool▁call▁end｜>\n"
           "<｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{\"city\": \"x\"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
           "think{hm}text{Ok}call{search: {\"a\": {\"b\": 1}}}call{get_weather: {\"city\": \"x\"}}");
}

TEST(AnswerParser, HarmonyChannels) {
    expect(options(kHarmony),
           "<|channel|>analysis<|message|>Think.<|end|><|start|>assistant<|channel|>commentary to=functions.search "
           "<|constrain|>json<|message|>{\"a\":1}<|call|>",
           "think{Think.}call{search: {\"a\":1}}");
    expect(options(kHarmony),
           "<|channel|>analysis<|message|>T<|end|><|start|>assistant<|channel|>final<|message|>Hi <b>.",
           "think{T}text{Hi <b>.}");
    expect(options(kHarmony),
           "<|channel|>commentary<|message|>I will look.<|end|><|start|>assistant "
           "to=functions.search<|channel|>commentary<|message|>{}",
           "text{I will look.}call{search: {}}");
    expect(options(kHarmony), "short", "text{short}");
    expect(options(kHarmony), "a plain answer without any channel at all",
           "text{a plain answer without any channel at all}");
}

TEST(AnswerParser, OneCallLeavesWhenOnlyOneMay) {
    AnswerOptions one = options(kQwen);
    one.parallel = false;
    expect(one,
           "<tool_call>{\"name\":\"search\"}</tool_call><tool_call>{\"name\":\"get_weather\",\"arguments\":{\"a\":1}}</"
           "tool_call>",
           "call{search: {}}");
}

TEST(AnswerParser, AForcedCallGoesOnFromThePrefill) {
    for (const AnswerFormat& family : {kQwen, kLlama, kMistral, kDeepSeek, kHarmony, format("[TOOL_CALLS] [ARGS]"),
                                       format("<｜tool▁call▁begin｜> ```json")}) {
        for (const std::string name : {"search", ""}) {
            for (const bool thinking : {false, true}) {
                if (thinking && !family.opened_by(family.thought_open)) continue;
                AnswerParser parser(options(family, thinking));
                const std::string prefill = family.call_prefill(name, thinking);
                std::vector<AnswerEvent> events = parser.feed(prefill);
                if (!name.empty()) {
                    for (auto& event : parser.feed("{\"a\": 1}")) events.push_back(event);
                    for (auto& event : parser.finish()) events.push_back(event);
                    EXPECT_EQ(shown(events), "call{search: {\"a\": 1}}") << prefill;
                }
            }
        }
    }
}

TEST(AnswerParser, NoAnswerMakesItFailAndNoneIsLost) {
    std::uint64_t seed = 7;
    const auto random = [&] { return (seed = seed * 6364136223846793005U + 1442695040888963407U) >> 33U; };
    const std::string parts[] = {"<tool_call>",
                                 "</tool_call>",
                                 "{",
                                 "}",
                                 "\"name\"",
                                 ":",
                                 "\"search\"",
                                 "\"arguments\"",
                                 ",",
                                 "[",
                                 "]",
                                 "<function=",
                                 "search>",
                                 "<parameter=a>",
                                 "</parameter>",
                                 "</function>",
                                 "<think>",
                                 "</think>",
                                 "[TOOL_CALLS]",
                                 "[ARGS]",
                                 "<｜tool▁call▁begin｜>",
                                 "<｜tool▁sep｜>",
                                 "<｜tool▁call▁end｜>",
                                 "function",
                                 "\n",
                                 " ",
                                 "<|channel|>",
                                 "<|message|>",
                                 "final",
                                 "analysis",
                                 "to=functions.x",
                                 "<|end|>",
                                 "<|start|>",
                                 "x",
                                 "\\",
                                 "\""};
    for (int round = 0; round < 4000; ++round) {
        const AnswerFormat& family =
            *std::array{&kQwen, &kLlama, &kMistral, &kDeepSeek, &kHarmony}[static_cast<std::size_t>(round % 5)];
        std::string answer;
        for (std::uint64_t i = random() % 20; i > 0; --i) answer += parts[random() % std::size(parts)];
        const auto how = options(family, random() % 2 == 0, random() % 4 != 0);
        EXPECT_EQ(parsed(how, answer, 1), parsed(how, answer, answer.size() + 1)) << answer;
    }
}

TEST(ThoughtMeter, CountsTokensOfThoughtsAndEndsOnesThatGoOn) {
    ThoughtMeter meter({.open = "<think>", .close = "</think>", .begun = true, .budget = 3, .ending = {7, 8}});
    for (int i = 0; i < 3; ++i) {
        EXPECT_FALSE(meter.given());
        EXPECT_TRUE(meter.note("word "));
    }
    EXPECT_EQ(meter.given(), 7);
    EXPECT_TRUE(meter.note("\n</th"));
    EXPECT_EQ(meter.given(), 8);
    EXPECT_TRUE(meter.note("ink>"));
    EXPECT_FALSE(meter.given());
    EXPECT_FALSE(meter.note("answer"));
    EXPECT_EQ(meter.tokens(), 5);
}

TEST(ReplyWriter, CallsAndThoughtsHaveOpenAisShapes) {
    const auto news = [](std::string text, std::string reason) {
        return News{{ChoiceNews{std::move(text), std::move(reason)}}};
    };
    const std::string answer =
        "<think>a</think>b<tool_call>{\"name\": \"search\", \"arguments\": {\"q\": 1}}</tool_call>";
    ReplyWriter whole("id", "m", 1, 1);
    whole.understand(options(kQwen), "");
    whole.keep(news(answer, ""));
    whole.keep(news("", "stop"));
    const Json message = Json::parse(whole.body({.prompt = 1, .completion = 9, .reasoning = 3}));
    const Json& choice = message.at("choices").at(0);
    EXPECT_EQ(choice.at("finish_reason"), "tool_calls");
    EXPECT_EQ(choice.at("message").at("reasoning_content"), "a");
    EXPECT_EQ(choice.at("message").at("content"), "b");
    EXPECT_EQ(choice.at("message").at("tool_calls").at(0).at("function"),
              Json({{"name", "search"}, {"arguments", "{\"q\": 1}"}}));
    EXPECT_EQ(message.at("usage").at("completion_tokens_details").at("reasoning_tokens"), 3);

    ReplyWriter stream("id", "m", 1, 1);
    stream.understand(options(kQwen), "");
    std::string arguments;
    std::string id;
    Json last;
    for (const char c : answer) {
        for (const std::string& chunk : stream.chunks(news(std::string(1, c), ""))) {
            const Json delta = Json::parse(chunk).at("choices").at(0).at("delta");
            if (!delta.contains("tool_calls")) continue;
            const Json& call = delta.at("tool_calls").at(0);
            EXPECT_EQ(call.at("index"), 0);
            if (call.contains("id")) id = call.at("id").get<std::string>();
            arguments += call.at("function").value("arguments", "");
        }
    }
    const auto end = stream.chunks(news("", "stop"));
    EXPECT_EQ(Json::parse(end.back()).at("choices").at(0).at("finish_reason"), "tool_calls");
    EXPECT_EQ(arguments, "{\"q\": 1}");
    EXPECT_EQ(id, choice.at("message").at("tool_calls").at(0).at("id").get<std::string>());
    EXPECT_TRUE(stream.complete());
}

TEST(AnswerPlan, NamesWhatCannotBeForced) {
    const auto field = [](const std::string& more) {
        auto body = Json::parse(R"({"model":"m","messages":[{"role":"user","content":"x"}])" + more + "}");
        const auto request = core::ChatRequest::from_json(std::move(body));
        const auto plan = plan_answer(*request, kQwen, "r");
        return plan ? std::string("none") : plan.error().field;
    };
    const std::string tools = R"(,"tools":[{"type":"function","function":{"name":"f"}}])";
    EXPECT_EQ(field(tools), "none");
    EXPECT_EQ(field(tools + R"(,"tool_choice":"required")"), "none");
    EXPECT_EQ(field(tools + R"(,"tool_choice":{"type":"function","function":{"name":"f"}})"), "none");
    EXPECT_EQ(field(tools + R"(,"tool_choice":{"type":"function","function":{"name":"g"}})"),
              "tool_choice.function.name");
    EXPECT_EQ(field(tools + R"(,"tool_choice":"maybe")"), "tool_choice");
    EXPECT_EQ(field(R"(,"tool_choice":"required")"), "tool_choice");
    EXPECT_EQ(field(tools + R"(,"tool_choice":"required","grammar":"root ::= \"a\"")"), "grammar");
    EXPECT_EQ(field(tools + R"(,"tool_choice":"auto","grammar":"root ::= \"a\"")"), "none");
    EXPECT_EQ(field(R"(,"thinking_budget":-1)"), "thinking_budget");
    EXPECT_EQ(field(R"(,"reasoning":{"max_tokens":100})"), "none");
}

}  // namespace
}  // namespace sluice::local_engine
