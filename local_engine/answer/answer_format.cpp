#include "local_engine/answer/answer_format.hpp"

#include <algorithm>
#include <array>

namespace sluice::local_engine {
namespace {

constexpr std::array<std::string_view, 19> kMarkers{"<think>",
                                                    "</think>",
                                                    "[THINK]",
                                                    "[/THINK]",
                                                    "<tool_call>",
                                                    "</tool_call>",
                                                    "[TOOL_CALLS]",
                                                    "[ARGS]",
                                                    "[CALL_ID]",
                                                    "<|python_tag|>",
                                                    "<｜tool▁calls▁begin｜>",
                                                    "<｜tool▁calls▁end｜>",
                                                    "<｜tool▁call▁begin｜>",
                                                    "<｜tool▁call▁end｜>",
                                                    "<｜tool▁sep｜>",
                                                    "<|channel|>",
                                                    "<|message|>",
                                                    "<|constrain|>",
                                                    "<|start|>"};

}  // namespace

AnswerFormat AnswerFormat::of(std::string_view source, const Tokenizer* tokenizer) {
    const auto has = [&](std::string_view part) { return source.find(part) != std::string_view::npos; };
    AnswerFormat format;
    if (has("<|channel|>") && has("<|message|>")) format.calls = CallSyntax::Harmony;
    else if (has("[TOOL_CALLS]")) format.calls = CallSyntax::Mistral;
    else if (has("<｜tool▁call▁begin｜>")) format.calls = CallSyntax::DeepSeek;
    else if (has("<tool_call>")) format.calls = CallSyntax::Tagged;
    format.named_json_in_fence = has("```json");
    format.mistral_arguments = has("[ARGS]");
    format.call_ids_short = format.calls == CallSyntax::Mistral;
    if (format.calls == CallSyntax::Harmony) {
        format.thought_open = "<|channel|>analysis";
        format.thought_close = "<|end|>";
        format.thought_end_text = "<|end|><|start|>assistant<|channel|>final<|message|>";
    } else if (has("[THINK]")) {
        format.thought_open = "[THINK]";
        format.thought_close = format.thought_end_text = "[/THINK]";
    } else if (has("<think>") || has("</think>")) {
        format.thought_open = "<think>";
        format.thought_close = "</think>";
        format.thought_end_text = "\n</think>\n\n";
    }
    if (tokenizer == nullptr) return format;
    const auto spell = [&](std::string_view marker) {
        const auto token = tokenizer->find(marker);
        if (token && tokenizer->is_control(*token) && !tokenizer->is_end_of_generation(*token)) {
            format.spelled.push_back(*token);
        }
    };
    for (const std::string_view marker : kMarkers) spell(marker);
    if (format.calls == CallSyntax::Harmony) spell("<|end|>");
    std::sort(format.spelled.begin(), format.spelled.end());
    return format;
}

bool AnswerFormat::opened_by(std::string_view ending) const {
    if (thought_open.empty() || calls == CallSyntax::Harmony) return false;
    const std::size_t open = ending.rfind(thought_open);
    if (open == std::string_view::npos) return false;
    const std::string_view rest = ending.substr(open + thought_open.size());
    return rest.find_first_not_of(" \n") == std::string_view::npos;
}

std::string AnswerFormat::call_prefill(std::string_view function, bool in_thought) const {
    const std::string name(function);
    std::string text = in_thought ? thought_end_text : std::string();
    switch (calls) {
        case CallSyntax::Bare: return text + "{\"name\": \"" + (name.empty() ? "" : name + "\", \"parameters\": ");
        case CallSyntax::Tagged:
            return text + "<tool_call>\n" + (name.empty() ? "" : "{\"name\": \"" + name + "\", \"arguments\": ");
        case CallSyntax::Mistral:
            if (mistral_arguments) return text + "[TOOL_CALLS]" + (name.empty() ? "" : name + "[ARGS]");
            return text + "[TOOL_CALLS][{\"name\": \"" + (name.empty() ? "" : name + "\", \"arguments\": ");
        case CallSyntax::DeepSeek:
            text += "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>";
            if (named_json_in_fence) {
                return text + "function<｜tool▁sep｜>" + (name.empty() ? "" : name + "\n```json\n");
            }
            return text + (name.empty() ? "" : name + "<｜tool▁sep｜>");
        case CallSyntax::Harmony:
            return text + "<|channel|>commentary to=functions." +
                   (name.empty() ? "" : name + " <|constrain|>json<|message|>");
    }
    return text;
}

}  // namespace sluice::local_engine
