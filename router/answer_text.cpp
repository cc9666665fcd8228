#include "router/answer_text.hpp"

#include "router/answer_rewriter.hpp"

namespace sluice::router {

namespace {

using core::Json;

std::int64_t index_of(const Json& element, std::size_t position) {
    const auto index = element.find("index");
    return index != element.end() && index->is_number_integer() ? index->get<std::int64_t>()
                                                                : static_cast<std::int64_t>(position);
}

void join_line(std::string& out, const std::string& more) {
    if (more.empty()) return;
    if (!out.empty()) out += '\n';
    out += more;
}

}  // namespace

void AnswerText::add(const Json& holder, const char* name, std::string& text) {
    const auto found = holder.find(name);
    if (found == holder.end()) return;
    const auto append = [&](const std::string& more) {
        if (bytes_ + more.size() > kMostBytes) {
            overflowed_ = true;
            return;
        }
        bytes_ += more.size();
        text += more;
    };
    if (found->is_string()) append(found->get_ref<const std::string&>());
    if (!found->is_array()) return;
    for (const auto& part : *found)
        if (part.is_object())
            if (const auto inner = part.find("text"); inner != part.end() && inner->is_string())
                append(inner->get_ref<const std::string&>());
}

void AnswerText::read(const Json& answer, const char* member) {
    const auto choices = answer.find("choices");
    if (choices == answer.end() || !choices->is_array()) return;
    for (std::size_t i = 0; i < choices->size() && choices_.size() <= 64; ++i) {
        const Json& one = (*choices)[i];
        if (!one.is_object()) continue;
        const auto said = one.find(member);
        if (said == one.end() || !said->is_object()) continue;
        Choice& choice = choices_[index_of(one, i)];
        add(*said, "content", choice.content);
        add(*said, "refusal", choice.refusal);
        add(*said, "reasoning_content", choice.reasoning);
        add(*said, "reasoning", choice.reasoning);
        const auto calls = said->find("tool_calls");
        if (calls == said->end() || !calls->is_array()) continue;
        for (std::size_t j = 0; j < calls->size() && choice.arguments.size() <= 256; ++j) {
            const Json& call = (*calls)[j];
            if (!call.is_object()) continue;
            const auto function = call.find("function");
            if (function != call.end() && function->is_object())
                add(*function, "arguments", choice.arguments[index_of(call, j)]);
        }
    }
}

void AnswerText::chunk(std::string_view json) {
    if (const auto parsed = parse_answer(json); parsed && parsed->is_object()) read(*parsed, "delta");
}

void AnswerText::body(std::string_view json) {
    if (const auto parsed = parse_answer(json); parsed && parsed->is_object()) read(*parsed, "message");
}

std::vector<std::string> AnswerText::texts() const {
    std::vector<std::string> out;
    for (const auto& [_, choice] : choices_) {
        std::string said = choice.content;
        join_line(said, choice.refusal);
        for (const auto& [index, arguments] : choice.arguments) join_line(said, arguments);
        if (!said.empty()) out.push_back(std::move(said));
        if (!choice.reasoning.empty()) out.push_back(choice.reasoning);
    }
    return out;
}

}  // namespace sluice::router
