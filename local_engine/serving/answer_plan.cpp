#include "local_engine/serving/answer_plan.hpp"

#include "local_engine/chat_template/conversation.hpp"

#include <algorithm>

namespace sluice::local_engine {
namespace {

using core::Errc;
using core::Error;
using core::Json;
using core::Result;

Error wrong(std::string field, std::string detail) {
    return Error{Errc::InvalidRequest, std::move(detail), std::move(field)};
}

const Json* member(const Json* object, const char* name) {
    if (object == nullptr || !object->is_object()) return nullptr;
    const auto found = object->find(name);
    return found == object->end() || found->is_null() ? nullptr : &*found;
}

// Every tool is a function with a name.
Result<void> check_tools(const Json& tools) {
    for (std::size_t i = 0; i < tools.size(); ++i) {
        const std::string path = "tools[" + std::to_string(i) + "]";
        const Json* name = member(member(&tools[i], "function"), "name");
        if (name == nullptr || !name->is_string() || name->get_ref<const std::string&>().empty()) {
            return wrong(path + ".function.name", "is required: the local engine calls functions");
        }
    }
    return {};
}

bool has_function(const Json& tools, const Json& name) {
    return std::any_of(tools.begin(), tools.end(), [&](const Json& tool) { return tool["function"]["name"] == name; });
}

Result<void> read_choice(const Json& body, AnswerPlan& plan) {
    const Json* choice = member(&body, "tool_choice");
    if (choice == nullptr || *choice == "auto" || *choice == "none") return {};
    if (!plan.options.calls) return wrong("tool_choice", "asks for a call, but there are no tools");
    if (member(&body, "grammar") != nullptr) return wrong("grammar", "cannot be combined with a call that must come");
    plan.must_call = true;
    if (*choice == "required") return {};
    const Json* name = member(member(choice, "function"), "name");
    if (name == nullptr || !name->is_string()) {
        return wrong("tool_choice", "must be none, auto, required or a function by its name");
    }
    if (!has_function(plan.options.tools, *name)) return wrong("tool_choice.function.name", "is not one of the tools");
    plan.function = name->get<std::string>();
    return {};
}

Result<void> read_budget(const Json& body, AnswerPlan& plan) {
    const std::pair<const Json*, const char*> places[] = {
        {member(&body, "thinking_budget"), "thinking_budget"},
        {member(member(&body, "reasoning"), "max_tokens"), "reasoning.max_tokens"},
        {member(member(&body, "chat_template_kwargs"), "thinking_budget"), "chat_template_kwargs.thinking_budget"},
    };
    for (const auto& [value, field] : places) {
        if (value == nullptr) continue;
        if (!value->is_number_integer() || value->get<std::int64_t>() < 0) {
            return wrong(field, "must be a number of tokens");
        }
        plan.thought_budget = value->get<std::int64_t>();
        return {};
    }
    return {};
}

}  // namespace

Result<AnswerPlan> plan_answer(const core::ChatRequest& request, const AnswerFormat& format,
                               std::string_view request_id) {
    const Json& body = request.body();
    AnswerPlan plan;
    plan.options.format = format;
    plan.options.id_seed = request_id;
    plan.options.calls = offers_tools(body);
    if (plan.options.calls) {
        plan.options.tools = body.at("tools");
        if (auto checked = check_tools(plan.options.tools); !checked) return checked.error();
    }
    const Json* parallel = member(&body, "parallel_tool_calls");
    plan.options.parallel = parallel == nullptr || *parallel != false;
    if (auto read = read_choice(body, plan); !read) return read.error();
    if (auto read = read_budget(body, plan); !read) return read.error();
    return plan;
}

void AnswerPlan::continue_from(std::string_view prompt_ending) {
    options.in_thought = options.format.opened_by(prompt_ending);
}

void AnswerPlan::begin_call() {
    if (options.format.calls == CallSyntax::Harmony) return;  // these models think first: see their grammar
    prefill = options.format.call_prefill(function, options.in_thought);
    begun = options.format.call_prefill(function, false);
}

ThoughtOptions AnswerPlan::thought(const Tokenizer& tokenizer) const {
    ThoughtOptions out{options.format.thought_open, options.format.thought_close};
    out.begun = options.in_thought && prefill.empty();
    out.budget = thought_budget;
    const bool call_follows = must_call && options.format.calls == CallSyntax::Harmony;  // not the final channel
    const std::string& ending = call_follows ? options.format.thought_close : options.format.thought_end_text;
    out.ending = tokenizer.encode(ending, SpecialTokens::Parse);
    if (options.calls || !out.open.empty()) out.spelled = options.format.spelled;
    return out;
}

}  // namespace sluice::local_engine
