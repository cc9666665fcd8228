// Calls that must come: whatever a model likes to say, within the mask it says calls of what was offered. The models
// here are dice.
#include "local_engine/serving/forced_calls.hpp"

#include "core/json.hpp"
#include "local_engine/answer/answer_parser.hpp"
#include "local_engine/grammar/json_schema.hpp"
#include "local_engine/tokenizer/detokenizer.hpp"
#include "tests/support/small_vocabulary.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <random>
#include <set>

namespace sluice::local_engine {
namespace {

using core::Json;

constexpr const char* kTools = R"([
  {"type":"function","function":{"name":"weather","strict":true,"parameters":{"type":"object","properties":{
      "city":{"enum":["Oslo","Rome"]},"days":{"type":"integer","minimum":1,"maximum":9}},
      "required":["city"],"additionalProperties":false}}},
  {"type":"function","function":{"name":"now"}},
  {"type":"function","function":{"name":"take_note","parameters":{"properties":{"text":{"type":"string","maxLength":6}},"required":["text"]}}}])";

// One family of models: markers, and what its chat template mentions.
struct Family {
    std::string name;
    std::string source;
    std::vector<std::string> control, written;  // markers that are control tokens, and that are text
};

std::vector<Family> families() {
    const std::vector<std::string> deepseek{"<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", "<｜tool▁call▁begin｜>",
                                            "<｜tool▁call▁end｜>", "<｜tool▁sep｜>"};
    return {
        {"Hermes", "<tool_call>", {}, {"<tool_call>", "</tool_call>"}},
        {"HermesOfControlTokens", "<tool_call>", {"<tool_call>", "</tool_call>"}, {}},
        {"QwenThinking", "<tool_call> <think>", {}, {"<think>", "</think>", "<tool_call>", "</tool_call>"}},
        {"Llama", "", {}, {}},
        {"MistralList", "[TOOL_CALLS]", {"[TOOL_CALLS]"}, {}},
        {"MistralArguments", "[TOOL_CALLS] [ARGS]", {"[TOOL_CALLS]", "[ARGS]"}, {}},
        {"Magistral", "[TOOL_CALLS] [ARGS] [THINK]", {"[TOOL_CALLS]", "[ARGS]", "[THINK]", "[/THINK]"}, {}},
        {"DeepSeek", "<｜tool▁call▁begin｜>", deepseek, {}},
        {"DeepSeekInFences", "<｜tool▁call▁begin｜> ```json", deepseek, {}},
        {"Harmony",
         "<|channel|> <|message|>",
         {"<|channel|>", "<|message|>", "<|start|>", "<|end|>", "<|constrain|>", "<|return|>", "<|call|>"},
         {}},
    };
}

std::ostream& operator<<(std::ostream& out, const Family& family) {
    return out << family.name;
}

struct Call {
    std::string name, arguments;
};

class ForcedCalls : public ::testing::TestWithParam<Family> {
protected:
    void SetUp() override {
        auto vocabulary = test::SmallVocabulary::byte_level();
        const auto end = vocabulary.add("<|im_end|>", 3);
        for (const std::string& marker : GetParam().control) vocabulary.add(marker, 3);
        for (const std::string& marker : GetParam().written) vocabulary.add(marker, 4);
        const std::string bytes = vocabulary.writer("gpt2", "qwen2")
                                      .set("tokenizer.ggml.eos_token_id", static_cast<std::uint32_t>(end))
                                      .build();
        tokenizer_ = *Tokenizer::from(**gguf::Reader::from_bytes(test::as_bytes(bytes)));
        format_ = AnswerFormat::of(GetParam().source, &*tokenizer_);
        trie_ = std::make_unique<VocabularyTrie>(VocabularyTrie::of(*tokenizer_, format_.spelled));
    }

    AnswerPlan plan(const Json& choice, bool parallel = true, const std::string& tools = kTools) const {
        const Json body{{"model", "m"},
                        {"messages", Json::array({{{"role", "user"}, {"content", "x"}}})},
                        {"tools", Json::parse(tools)},
                        {"tool_choice", choice},
                        {"parallel_tool_calls", parallel}};
        return plan_answer(core::ChatRequest::from_json(body).value(), format_, "r").value();
    }
    static Json named(const std::string& name) { return {{"type", "function"}, {"function", {{"name", name}}}}; }

    std::shared_ptr<CompiledGrammar> compiled(const AnswerPlan& plan) const {
        const auto calls = forced_calls(plan, *tokenizer_);
        EXPECT_TRUE(calls) << core::describe(calls.error());
        auto grammar = CompiledGrammar::compile(calls->source, *trie_);
        EXPECT_TRUE(grammar) << core::describe(grammar.error());
        return *grammar;
    }
    ConstraintPlan constraint(const AnswerPlan& plan, const std::vector<TokenId>& prompt = {}) const {
        return plan_constraint(compiled(plan), prompt, *tokenizer_, format_);
    }
    std::vector<TokenId> allowed(Constraint& constraint) const {
        std::vector<TokenId> out;
        const TokenMask* mask = constraint.allowed();
        for (TokenId token = 0; token < tokenizer_->size(); ++token) {
            if (mask == nullptr || mask->allows(token)) out.push_back(token);
        }
        return out;
    }

    // Any tokens the constraint allows, until an end is among them and drawn. Ends of strings and objects are drawn
    // more often, so that dice come to an end.
    std::string roll(Constraint& constraint, unsigned seed) const {
        std::mt19937 random(seed);
        Detokenizer text(*tokenizer_, format_.spelled);
        std::string out;
        for (int step = 0; step < 4000; ++step) {
            auto tokens = allowed(constraint);
            EXPECT_FALSE(tokens.empty()) << out;
            if (tokens.empty() || constraint.failed()) return out;
            const auto ends =
                std::ranges::find_if(tokens, [&](TokenId token) { return tokenizer_->is_end_of_generation(token); });
            if (ends != tokens.end() && random() % 4 == 0) return out;
            std::erase_if(tokens, [&](TokenId token) { return tokenizer_->is_end_of_generation(token); });
            if (tokens.empty()) return out;
            TokenId token = tokens[random() % tokens.size()];
            for (const TokenId other : tokens) {
                const std::string_view shown = tokenizer_->spelling(other);
                const bool closes = shown == "\"" || shown == "}" || shown == "]" || shown == "</think>" ||
                                    shown == "[/THINK]" || shown == "<|end|>";
                if (closes && random() % 3 == 0) token = other;
            }
            EXPECT_TRUE(constraint.take(token));
            out += text.feed(token);
        }
        ADD_FAILURE() << "no end: " << out.substr(0, 300);
        return out;
    }

    std::vector<Call> read(const AnswerPlan& plan, const std::string& text) const {
        AnswerParser parser(plan.options);
        auto events = parser.feed(text);
        for (auto& event : parser.finish()) events.push_back(std::move(event));
        std::vector<Call> calls;
        for (const AnswerEvent& event : events) {
            if (event.kind == AnswerEvent::Kind::Call) calls.push_back({event.name, ""});
            if (event.kind == AnswerEvent::Kind::Arguments) calls.at(event.call).arguments += event.text;
            EXPECT_NE(event.kind, AnswerEvent::Kind::Text) << event.text << " of " << text;
        }
        return calls;
    }

    static void expect_fits(const Call& call) {
        const auto parsed = core::parse_json(call.arguments);
        ASSERT_TRUE(parsed && parsed->is_object()) << call.name << " " << call.arguments;
        if (call.name == "weather") {
            EXPECT_TRUE(parsed->at("city") == "Oslo" || parsed->at("city") == "Rome") << call.arguments;
            const Json days = parsed->value("days", Json(1));
            EXPECT_TRUE(days.is_number_integer() && days >= 1 && days <= 9) << call.arguments;
            EXPECT_EQ(parsed->size(), 1U + parsed->count("days"));
        } else if (call.name == "take_note") {
            EXPECT_TRUE(parsed->at("text").is_string());
        } else {
            EXPECT_EQ(call.name, "now");
            EXPECT_TRUE(parsed->empty());
        }
    }

    std::optional<Tokenizer> tokenizer_;
    AnswerFormat format_;
    std::unique_ptr<VocabularyTrie> trie_;
};

TEST_P(ForcedCalls, WhateverIsAllowedIsACallOfWhatWasOfferedByItsSchema) {
    const AnswerPlan required = plan("required");
    const auto constraints = constraint(required);
    std::set<std::string> names;
    std::size_t most = 0;
    for (unsigned seed = 0; seed < 120; ++seed) {
        Constraint follow(constraints, *trie_, *tokenizer_);
        const std::string text = roll(follow, seed);
        const auto calls = read(required, text);
        ASSERT_FALSE(calls.empty()) << text;
        most = std::max(most, calls.size());
        for (const Call& call : calls) {
            names.insert(call.name);
            expect_fits(call);
        }
    }
    EXPECT_EQ(names, (std::set<std::string>{"weather", "now", "take_note"}));
    EXPECT_EQ(most > 1, format_.calls != CallSyntax::Harmony);
}

TEST_P(ForcedCalls, ANamedFunctionIsTheOnlyOneAndOneCallIsOneCall) {
    const AnswerPlan one = plan(named("weather"), false);
    const auto constraints = constraint(one);
    for (unsigned seed = 0; seed < 60; ++seed) {
        Constraint follow(constraints, *trie_, *tokenizer_);
        const auto calls = read(one, roll(follow, seed));
        ASSERT_EQ(calls.size(), 1U);
        EXPECT_EQ(calls[0].name, "weather");
        expect_fits(calls[0]);
    }
}

TEST_P(ForcedCalls, NothingMayEndBeforeTheCallHas) {
    Constraint follow(constraint(plan(named("now"))), *trie_, *tokenizer_);
    std::mt19937 random(1);
    for (std::string text; text.find("now") == std::string::npos;) {
        const auto tokens = allowed(follow);
        ASSERT_FALSE(tokens.empty());
        for (const TokenId token : tokens) ASSERT_FALSE(tokenizer_->is_end_of_generation(token)) << text;
        // The shortest way: thoughts are left at once.
        const auto closes = std::ranges::find_if(tokens, [&](TokenId token) {
            return tokenizer_->spelling(token) == "</think>" || tokenizer_->spelling(token) == "[/THINK]" ||
                   tokenizer_->spelling(token) == "<|end|>";
        });
        const TokenId token = closes != tokens.end() ? *closes : tokens[random() % tokens.size()];
        ASSERT_TRUE(follow.take(token));
        text += tokenizer_->spelling(token);
    }
}

// What a prompt may already hold of the call is a beginning of the grammar.
TEST_P(ForcedCalls, ThePrefillIsABeginningOfTheGrammarsText) {
    for (const Json& choice : {Json("required"), named("take_note")}) {
        AnswerPlan forced = plan(choice);
        forced.begin_call();
        EXPECT_EQ(forced.prefill.empty(), format_.calls == CallSyntax::Harmony);
        Constraint follow({.grammar = compiled(forced), .begun = with_markers(forced.begun, format_, *tokenizer_)},
                          *trie_, *tokenizer_);
        ASSERT_NE(follow.allowed(), nullptr) << forced.begun;
        EXPECT_FALSE(follow.failed()) << forced.begun;
        const auto calls = read(forced, forced.begun + roll(follow, 3));
        ASSERT_FALSE(calls.empty());
        if (choice != "required") {
            EXPECT_EQ(calls[0].name, "take_note");
        }
        for (const Call& call : calls) expect_fits(call);
    }
}

TEST_P(ForcedCalls, AThoughtThatThePromptHasOpenedGoesOnFreelyAndTheCallFollows) {
    const auto open = tokenizer_->find(format_.thought_open);
    if (format_.thought_open.empty() || !open) GTEST_SKIP() << "no thoughts here, or none of one token";
    AnswerPlan forced = plan("required");
    forced.options.in_thought = true;
    const auto constraints = constraint(forced, {*open});
    EXPECT_EQ(constraints.grammar, nullptr);
    for (unsigned seed = 0; seed < 40; ++seed) {
        Constraint follow(constraints, *trie_, *tokenizer_);
        EXPECT_EQ(allowed(follow).size() + trie_->ends().size(), static_cast<std::size_t>(tokenizer_->size()));
        for (const char c : std::string("so?")) follow.take(*tokenizer_->find(std::string(1, c)));
        EXPECT_TRUE(follow.take(*tokenizer_->find(format_.thought_close)));
        AnswerPlan after = forced;
        after.options.in_thought = false;
        const auto calls = read(after, roll(follow, seed));
        ASSERT_FALSE(calls.empty());
        for (const Call& call : calls) expect_fits(call);
    }
}

TEST_P(ForcedCalls, MarkersAreForThoseGrammarsThatAskForThem) {
    if (format_.spelled.empty()) GTEST_SKIP() << "no control tokens here";
    Constraint follow({.grammar = *CompiledGrammar::compile(any_object_grammar(), *trie_)}, *trie_, *tokenizer_);
    for (const char c : std::string("{\"a")) ASSERT_TRUE(follow.take(*tokenizer_->find(std::string(1, c))));
    for (const TokenId marker : format_.spelled) {
        EXPECT_FALSE(follow.allowed()->allows(marker)) << tokenizer_->spelling(marker);
        EXPECT_FALSE(follow.take(marker));
    }
}

const auto kName = [](const auto& family) { return family.param.name; };
INSTANTIATE_TEST_SUITE_P(Of, ForcedCalls, ::testing::ValuesIn(families()), kName);

class ForcedCallsErrors : public ForcedCalls {
protected:
    std::string field(const std::string& tools) const {
        const auto calls = forced_calls(plan("required", true, tools), *tokenizer_);
        return calls ? "fine" : calls.error().field;
    }
};

TEST_P(ForcedCallsErrors, NameTheFunctionAndThePlaceInItsSchema) {
    const auto function = [](const std::string& rest) { return R"([{"type":"function","function":{)" + rest + "}}]"; };
    EXPECT_EQ(field(function(R"("name":"f")")), "fine");
    EXPECT_EQ(field(function(R"("name":"f\"")")), "tools[0].function.name");
    EXPECT_EQ(field(function(R"("name":"a b")")), "tools[0].function.name");
    EXPECT_EQ(field(function(R"("name":"f","parameters":{"type":"string"})")), "tools[0].function.parameters.type");
    EXPECT_EQ(field(function(R"("name":"f","parameters":{})")), "fine");
    EXPECT_EQ(field(function(R"("name":"f","parameters":{"$ref":"#/$defs/a","$defs":{"a":{"type":"object"}}})")),
              "fine");
    const std::string odd =
        R"("name":"f","parameters":{"type":"object","properties":{"n":{"type":"number","multipleOf":3}}})";
    EXPECT_EQ(field(function(odd)), "fine");  // any object
    EXPECT_EQ(field(function(odd + R"(,"strict":true)")), "tools[0].function.parameters.properties.n.multipleOf");
    Json many = Json::array();
    for (int i = 0; i < 256; ++i)
        many.push_back({{"type", "function"}, {"function", {{"name", "f" + std::to_string(i)}}}});
    EXPECT_EQ(field(many.dump()), "fine");
    EXPECT_EQ(field(function(R"("name":"f","description":")" + std::string(70'000, 'x') + "\"")), "tools");
}

TEST_P(ForcedCallsErrors, AThoughtWithoutBudgetEndsWhereTheCallBegins) {
    const AnswerPlan forced = plan("required");
    const auto ending = forced.thought(*tokenizer_).ending;
    std::string text;
    for (const TokenId token : ending) text += tokenizer_->spelling(token);
    EXPECT_EQ(text, format_.calls == CallSyntax::Harmony ? "<|end|>" : "");
}

INSTANTIATE_TEST_SUITE_P(Of, ForcedCallsErrors, ::testing::Values(families().front(), families().back()), kName);

}  // namespace
}  // namespace sluice::local_engine
