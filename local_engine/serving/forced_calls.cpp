#include "local_engine/serving/forced_calls.hpp"

#include "local_engine/grammar/json_parts.hpp"
#include "local_engine/grammar/json_schema.hpp"
#include "local_engine/serving/limits.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace sluice::local_engine {
namespace {

using core::Errc;
using core::Error;
using core::Json;
using core::Result;

Error wrong(std::string field, std::string detail) {
    return Error{Errc::InvalidRequest, std::move(detail), std::move(field)};
}

const Json* member(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

// What stands in JSON, in markers and in a prompt without being escaped.
bool plain(std::string_view name) {
    return name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") ==
           std::string_view::npos;
}

// Parameters that do not say they are an object are one all the same.
Result<Json> schema_of(const Json& parameters, const std::string& path) {
    if (!parameters.is_object()) return wrong(path, "must be an object");
    Json schema = parameters;
    for (const char* elsewhere : {"$ref", "anyOf", "oneOf", "allOf"}) {
        if (schema.contains(elsewhere)) return schema;
    }
    if (!schema.contains("type")) schema["type"] = "object";
    if (schema["type"] != "object") return wrong(path + ".type", "must be object");
    return schema;
}

class CallGrammar {
public:
    CallGrammar(const AnswerPlan& plan, const Tokenizer& tokenizer) : plan_(plan), tokenizer_(tokenizer) {}

    Result<GrammarSource> build() {
        grammar_.root = grammar_.add_rule();
        for (std::size_t i = 0; i < plan_.options.tools.size(); ++i) {
            const Json& function = plan_.options.tools[i].at("function");
            const auto& name = function.at("name").get_ref<const std::string&>();
            if (!plan_.function.empty() && name != plan_.function) continue;
            const std::string path = "tools[" + std::to_string(i) + "].function";
            if (!plain(name)) return wrong(path + ".name", "must be letters, digits, _, - and . to be forced");
            const auto arguments = arguments_of(function, path);
            if (!arguments) return arguments.error();
            functions_.push_back({name, *arguments});
        }
        grammar_.define(grammar_.root, answer());
        if (grammar_.too_large()) return wrong("tools", "are too many, or too large, to be forced");
        return std::move(grammar_);
    }

private:
    struct Function {
        std::string name;
        ExpressionId arguments = 0;
    };

    ExpressionId text(std::string_view text) {
        return grammar_.bytes(with_markers(text, plan_.options.format, tokenizer_));
    }
    ExpressionId rule(ExpressionId body) {
        const RuleId made = grammar_.add_rule();
        grammar_.define(made, body);
        return grammar_.call(made);
    }

    Result<ExpressionId> arguments_of(const Json& function, const std::string& path) {
        const Json* parameters = member(function, "parameters");
        if (parameters == nullptr) return grammar_.bytes("{}");
        const std::string place = path + ".parameters";
        const auto schema = schema_of(*parameters, place);
        if (!schema) return schema.error();
        // First by itself: what fails would leave its pieces in the grammar.
        if (const auto alone = schema_grammar(*schema); !alone) {
            const Error& error = alone.error();
            const Json* strict = member(function, "strict");
            if (strict == nullptr || *strict != true) return parts_.object();
            return wrong(error.field.empty() ? place : place + "." + error.field, error.detail);
        }
        const auto body = add_schema(*schema, grammar_, parts_);
        if (!body) return wrong("tools", "are too many, or too large, to be forced");
        return rule(*body);
    }

    // One call of any of the functions, its arguments between what `before` and `after` make of the name.
    template <class Before>
    ExpressionId any_call(const Before& before, std::string_view after) {
        std::vector<ExpressionId> ways;
        for (const Function& function : functions_)
            ways.push_back(grammar_.sequence({text(before(function.name)), function.arguments, text(after)}));
        return rule(grammar_.choice(std::move(ways)));
    }
    ExpressionId object_call(const std::string& before, const std::string& arguments, std::string_view after) {
        return any_call(
            [&](const std::string& name) { return before + "{\"name\": \"" + name + "\", \"" + arguments + "\": "; },
            after);
    }
    ExpressionId several(ExpressionId call, ExpressionId between) {
        if (!plan_.options.parallel) return call;
        return grammar_.sequence({call, grammar_.repeat(grammar_.sequence({between, call}), 0, -1)});
    }

    ExpressionId answer() {
        const AnswerFormat& format = plan_.options.format;
        if (format.calls == CallSyntax::Harmony) return harmony();
        if (format.thought_open.empty()) return calls();
        // Models put empty lines between a thought and what follows.
        return grammar_.sequence({grammar_.choice({text(""), text("\n"), text("\n\n")}), calls()});
    }

    ExpressionId calls() {
        const AnswerFormat& format = plan_.options.format;
        switch (format.calls) {
            case CallSyntax::Tagged:
                return several(object_call("<tool_call>\n", "arguments", "}\n</tool_call>"), text("\n"));
            case CallSyntax::Mistral:
                if (format.mistral_arguments)
                    return several(
                        any_call([](const std::string& name) { return "[TOOL_CALLS]" + name + "[ARGS]"; }, ""),
                        text(""));
                return grammar_.sequence(
                    {text("[TOOL_CALLS]["), several(object_call("", "arguments", "}"), text(", ")), text("]")});
            case CallSyntax::DeepSeek: return deepseek();
            default: return several(object_call("", "parameters", "}"), text("; "));
        }
    }

    ExpressionId deepseek() {
        const bool fence = plan_.options.format.named_json_in_fence;
        const auto before = [&](const std::string& name) {
            return "<｜tool▁call▁begin｜>" +
                   (fence ? "function<｜tool▁sep｜>" + name + "\n```json\n" : name + "<｜tool▁sep｜>");
        };
        const ExpressionId call = any_call(before, fence ? "\n```<｜tool▁call▁end｜>" : "<｜tool▁call▁end｜>");
        return grammar_.sequence({text("<｜tool▁calls▁begin｜>"),
                                  several(call, grammar_.choice({text(""), text("\n")})),
                                  text("<｜tool▁calls▁end｜>")});
    }

    // A thought if the model likes (without its message when it has no budget), then one call: the end of the answer.
    ExpressionId harmony() {
        const ExpressionId anything = grammar_.repeat(grammar_.set({{0, 0x10FFFF}}), 0, -1);
        const ExpressionId thought = grammar_.sequence(
            {text("<|channel|>analysis"), grammar_.optional(grammar_.sequence({text("<|message|>"), anything})),
             text("<|end|><|start|>assistant")});
        const ExpressionId call = any_call(
            [](const std::string& name) {
                return "<|channel|>commentary to=functions." + name + " <|constrain|>json<|message|>";
            },
            "");
        return grammar_.sequence({grammar_.optional(thought), call});
    }

    const AnswerPlan& plan_;
    const Tokenizer& tokenizer_;
    GrammarSource grammar_;
    JsonParts parts_{grammar_};
    std::vector<Function> functions_;
};

}  // namespace

std::string with_markers(std::string_view text, const AnswerFormat& format, const Tokenizer& tokenizer) {
    std::string out;
    while (!text.empty()) {
        const auto here = std::find_if(format.spelled.begin(), format.spelled.end(),
                                       [&](TokenId token) { return text.starts_with(tokenizer.spelling(token)); });
        const std::size_t length = here == format.spelled.end() ? 1 : tokenizer.spelling(*here).size();
        if (here != format.spelled.end()) out += VocabularyTrie::kMarker;
        out += text.substr(0, length);
        text.remove_prefix(length);
    }
    return out;
}

Result<Structure> forced_calls(const AnswerPlan& plan, const Tokenizer& tokenizer) {
    std::string text =
        "calls:" + plan.function + (plan.options.parallel ? ":many:" : ":one:") + core::dump_json(plan.options.tools);
    if (text.size() > limits::kMostGrammarBytes)
        return wrong("tools",
                     "are larger than " + std::to_string(limits::kMostGrammarBytes) + " bytes, too large to be forced");
    auto source = CallGrammar(plan, tokenizer).build();
    if (!source) return source.error();
    return Structure{std::move(text), std::move(*source)};
}

}  // namespace sluice::local_engine
