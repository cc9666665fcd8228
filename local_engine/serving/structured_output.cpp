#include "local_engine/serving/structured_output.hpp"

#include "local_engine/grammar/ebnf.hpp"
#include "local_engine/grammar/json_schema.hpp"
#include "local_engine/serving/limits.hpp"

#include <algorithm>
#include <utility>

namespace sluice::local_engine {
namespace {

using core::Errc;
using core::Error;
using core::Json;
using core::Result;
using MaybeStructure = std::optional<Structure>;

constexpr const char* kFormat = "response_format";
constexpr const char* kSchema = "response_format.json_schema.schema";
constexpr const char* kOpen = "<think>";
constexpr const char* kClose = "</think>";

Error wrong(std::string field, std::string detail) {
    return {Errc::InvalidRequest, std::move(detail), std::move(field)};
}

const Json* find(const Json& body, const char* name) {
    const auto found = body.find(name);
    return found == body.end() || found->is_null() ? nullptr : &*found;
}

Result<MaybeStructure> read_schema(const Json& format) {
    const Json* holder = find(format, "json_schema");
    if (holder == nullptr || !holder->is_object()) return wrong("response_format.json_schema", "is required and must be an object");
    const Json* schema = find(*holder, "schema");
    if (schema == nullptr) return wrong(kSchema, "is required");
    std::string text = core::dump_json(*schema);
    if (text.size() > limits::kMostGrammarBytes)
        return wrong(kSchema, "is larger than " + std::to_string(limits::kMostGrammarBytes) + " bytes");
    auto source = schema_grammar(*schema);
    if (!source) {
        const Error& error = source.error();
        return wrong(error.field.empty() ? kSchema : std::string(kSchema) + "." + error.field, error.detail);
    }
    return MaybeStructure(Structure{"schema:" + std::move(text), std::move(*source)});
}

Result<MaybeStructure> read_grammar(const Json& grammar) {
    if (!grammar.is_string()) return wrong("grammar", "must be a string");
    const auto& text = grammar.get_ref<const std::string&>();
    if (text.size() > limits::kMostGrammarBytes)
        return wrong("grammar", "is larger than " + std::to_string(limits::kMostGrammarBytes) + " bytes");
    auto source = parse_ebnf(text);
    if (!source) return wrong("grammar", source.error().detail);
    return MaybeStructure(Structure{"ebnf:" + text, std::move(*source)});
}

}  // namespace

Result<MaybeStructure> read_structure(const Json& body) {
    const Json* format = find(body, kFormat);
    const Json* grammar = find(body, "grammar");
    if (format != nullptr && !format->is_object()) return wrong(kFormat, "must be an object");
    const Json* type = format != nullptr ? find(*format, "type") : nullptr;
    if (format != nullptr && type == nullptr) return wrong("response_format.type", "is required");
    const bool text_only = type == nullptr || *type == "text";
    if (grammar != nullptr && !text_only) return wrong("grammar", "cannot be combined with response_format");
    if (grammar != nullptr) return read_grammar(*grammar);
    if (text_only) return MaybeStructure();
    if (*type == "json_object") return MaybeStructure(Structure{"object", any_object_grammar()});
    if (*type == "json_schema") return read_schema(*format);
    return wrong("response_format.type", "must be text, json_object or json_schema");
}

ConstraintPlan plan_constraint(std::shared_ptr<CompiledGrammar> grammar, std::span<const TokenId> prompt,
                               const Tokenizer& tokenizer, const AnswerFormat& format) {
    const std::string ending = format.thought_close.empty() ? kClose : format.thought_close;
    const auto open = tokenizer.find(format.thought_open.empty() ? kOpen : format.thought_open);
    const auto close = tokenizer.find(ending);
    if (!open || !close) return {.grammar = std::move(grammar)};
    const auto last = std::find_if(prompt.rbegin(), prompt.rend(), [&](TokenId token) { return token == *open || token == *close; });
    // Templates that close the thought do so at the end of the prompt: then the answer itself comes next.
    const bool opened = last != prompt.rend() && *last == *open;
    const bool closed = last != prompt.rend() && *last == *close && last - prompt.rbegin() < 4;
    ConstraintPlan plan{.may_end_free = false};
    plan.triggers.push_back({ending, grammar, false});
    if (opened) return plan;
    plan.grammar = std::move(grammar);
    if (closed) plan.triggers.clear();
    else plan.opens_free = open;
    return plan;
}

}  // namespace sluice::local_engine
