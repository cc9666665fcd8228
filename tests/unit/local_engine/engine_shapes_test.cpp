// The engine from request to reply: calls that must come and answers in a shape.
#include "engine_fixture.hpp"

#include <algorithm>

namespace sluice::local_engine {
namespace {

TEST_F(EngineTest, AForcedCallComesBackAsACallPlainAndStreamed) {
    const Json tools = Json::array({{{"type", "function"}, {"function", {{"name", "look_up"}}}}});
    const Json forced{
        {"tools", tools}, {"tool_choice", {{"type", "function"}, {"function", {{"name", "look_up"}}}}}, {"seed", 3}};
    Call plain{chat(forced)};
    serve(plain);
    ASSERT_TRUE(plain.outcome.result) << core::describe(plain.outcome.result.error());
    const Json& choice = plain.reply.whole.at("choices")[0];
    const Json& call = choice.at("message").at("tool_calls").at(0);
    EXPECT_EQ(call.at("type"), "function");
    EXPECT_EQ(call.at("function").at("name"), "look_up");
    EXPECT_TRUE(choice.at("finish_reason") == "tool_calls" || choice.at("finish_reason") == "length");
    Json more = forced;
    more["stream"] = true;
    Call stream{chat(more)};
    serve(stream);
    ASSERT_TRUE(stream.outcome.result);
    std::string arguments;
    for (const Json& chunk : stream.reply.chunks) {
        const Json& delta = chunk.at("choices")[0].at("delta");
        if (delta.contains("tool_calls")) {
            arguments += delta.at("tool_calls")[0].at("function").value("arguments", "");
        }
    }
    EXPECT_EQ(arguments, call.at("function").at("arguments").get<std::string>());
    EXPECT_EQ(stream.outcome.usage.prompt, plain.outcome.usage.prompt);  // more of it may be found in the team's cache
    EXPECT_EQ(stream.outcome.usage.completion, plain.outcome.usage.completion);
}

// The tiny models talk nonsense: what makes these calls is the grammar.
TEST_F(EngineTest, RequiredCallsHaveOfferedNamesAndArgumentsByTheirSchemas) {
    const Json city{{"type", "object"},
                    {"properties", {{"city", {{"enum", {"Oslo", "Rome"}}}}}},
                    {"required", {"city"}},
                    {"additionalProperties", false}};
    Json tools = Json::array();
    tools.push_back({{"type", "function"}, {"function", {{"name", "weather"}, {"parameters", city}}}});
    tools.push_back({{"type", "function"}, {"function", {{"name", "now"}}}});
    for (const char* model : {"qwen3moe-n-Q8_0", "llama3-n-Q8_0", "mixtral-n-Q8_0", "deepseek2-n-Q8_0", "llama4-n-Q8_0",
                              "gptoss-n-MXFP4"}) {
        load(tiny(model));
        for (const int seed : {1, 2, 3}) {
            Call call{chat({{"tools", tools},
                            {"tool_choice", "required"},
                            {"parallel_tool_calls", false},
                            {"seed", seed},
                            {"thinking_budget", 5}}),
                      400};
            serve(call);
            ASSERT_TRUE(call.outcome.result) << core::describe(call.outcome.result.error());
            const Json& choice = call.reply.whole.at("choices")[0];
            EXPECT_EQ(choice.at("finish_reason"), "tool_calls") << model << choice;
            ASSERT_EQ(choice.at("message").at("tool_calls").size(), 1U) << model << choice;
            const Json& function = choice.at("message").at("tool_calls")[0].at("function");
            const auto arguments = core::parse_json(function.at("arguments").get<std::string>());
            ASSERT_TRUE(arguments) << model << choice;
            const bool weather = function.at("name") == "weather";
            EXPECT_TRUE(weather || (function.at("name") == "now" && arguments->empty())) << model << choice;
            EXPECT_TRUE(!weather || arguments->at("city") == "Oslo" || arguments->at("city") == "Rome")
                << model << choice;
        }
    }
}

TEST_F(EngineTest, AnswersHaveTheShapeThatWasAskedFor) {
    const Json schema =
        core::parse_json(
            R"({"type":"object","properties":{"ok":{"type":"boolean"},"n":{"type":"integer","minimum":1,"maximum":99}},"required":["ok","n"]})")
            .value();
    for (int seed = 0; seed < 8; ++seed) {
        Call call{
            chat({{"response_format", {{"type", "json_schema"}, {"json_schema", {{"name", "x"}, {"schema", schema}}}}},
                  {"seed", seed},
                  {"temperature", 1.5}}),
            300};
        serve(call);
        ASSERT_TRUE(call.outcome.result) << core::describe(call.outcome.result.error());
        EXPECT_EQ(call.outcome.finish_reason, "stop");
        const auto text = call.reply.whole.at("choices")[0].at("message").at("content").get<std::string>();
        const auto value = core::parse_json(text);
        ASSERT_TRUE(value) << text;
        EXPECT_TRUE(value->at("ok").is_boolean());
        EXPECT_GE(value->at("n"), 1);
        EXPECT_LE(value->at("n"), 99);
    }
    Call grammar{chat({{"grammar", "root ::= (\"yes\" | \"no\") \"!\"{2}"}, {"seed", 3}})};
    serve(grammar);
    ASSERT_TRUE(grammar.outcome.result);
    const auto said = grammar.reply.whole.at("choices")[0].at("message").at("content");
    EXPECT_TRUE(said == "yes!!" || said == "no!!") << said;
}

TEST_F(EngineTest, GrammarsThatCannotBeFollowedAreRefusedWithTheirField) {
    const auto refused = [&](const Json& more) {
        Call call{chat(more)};
        serve(call);
        EXPECT_FALSE(call.outcome.result);
        EXPECT_FALSE(call.outcome.reached);
        return call.outcome.result ? std::string() : call.outcome.result.error().field;
    };
    EXPECT_EQ(refused({{"grammar", "root ::= ("}}), "grammar");
    EXPECT_EQ(refused({{"grammar", "root ::= root"}}), "grammar");
    EXPECT_EQ(refused({{"grammar", 5}}), "grammar");
    EXPECT_EQ(refused({{"grammar", "root ::= \"a\""}, {"response_format", {{"type", "json_object"}}}}), "grammar");
    EXPECT_EQ(refused({{"response_format", {{"type", "yaml"}}}}), "response_format.type");
    EXPECT_EQ(
        refused({{"response_format", {{"type", "json_schema"}, {"json_schema", {{"schema", {{"multipleOf", 2}}}}}}}}),
        "response_format.json_schema.schema.multipleOf");
    EXPECT_EQ(refused({{"grammar", std::string(70000, '#')}}), "grammar");
}

}  // namespace
}  // namespace sluice::local_engine
