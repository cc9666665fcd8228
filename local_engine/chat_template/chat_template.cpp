#include "local_engine/chat_template/chat_template.hpp"

#include "local_engine/chat_template/message.hpp"

#include <ctime>
#include <initializer_list>

namespace sluice::local_engine {
namespace {

using core::Errc;
using core::Error;
using core::Json;
using core::Result;

constexpr std::string_view kKey = "tokenizer.chat_template";

Error unsupported(std::string detail) {
    return Error{Errc::Unsupported, std::move(detail), std::string(kKey)};
}

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

// As Jinja's trim: white space of ASCII at both ends.
std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kSpaces = " \t\n\v\f\r";
    const std::size_t first = text.find_first_not_of(kSpaces);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpaces) + 1 - first);
}

// The system message that a template writes when a conversation has none: a literal between its markers.
std::string literal_system(std::string_view text) {
    constexpr std::string_view kStart = "<|im_start|>system\\n";  // in a Jinja string: a backslash and an n
    for (std::size_t at = text.find(kStart); at != std::string_view::npos; at = text.find(kStart, at + 1)) {
        const std::string_view rest = text.substr(at + kStart.size());
        const std::string_view literal = rest.substr(0, rest.find("<|im_end|>"));
        if (!literal.empty() && literal.size() < rest.size() &&
            literal.find_first_of("'\"{}\\") == std::string_view::npos) {
            return std::string(literal);
        }
    }
    return {};
}

// Of an earlier answer: what comes after its thoughts.
std::string_view without_thought(std::string_view text) {
    constexpr std::string_view kEnd = "</think>";
    const std::size_t end = text.rfind(kEnd);
    if (end == std::string_view::npos) return text;
    text.remove_prefix(end + kEnd.size());
    const std::size_t first = text.find_first_not_of('\n');
    return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

std::string today() {
    const std::time_t now = std::time(nullptr);
    std::tm date = {};
    ::gmtime_r(&now, &date);
    constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::string day = std::to_string(date.tm_mday);
    return (day.size() == 1 ? "0" + day : day) + " " + kMonths[date.tm_mon] + " " + std::to_string(date.tm_year + 1900);
}

bool wants_answer(const Json& body) {
    const auto flag = body.find("add_generation_prompt");
    return flag == body.end() || !flag->is_boolean() || flag->get<bool>();
}

}  // namespace

// The pieces of a prompt: marker() is text of the format, text() is the client's.
class ChatTemplate::Prompt {
public:
    void marker(std::string_view piece) { add(piece, SpecialTokens::Parse); }
    void text(std::string_view piece) { add(piece, SpecialTokens::Plain); }

    std::vector<TokenId> encode(const Tokenizer& tokenizer) const {
        std::vector<TextPiece> views;
        views.reserve(pieces_.size());
        for (const auto& [piece, mode] : pieces_) views.push_back({piece, mode});
        return tokenizer.encode(views);
    }

private:
    struct Piece {
        std::string text;
        SpecialTokens mode;
    };
    void add(std::string_view piece, SpecialTokens mode) {
        if (!piece.empty()) pieces_.push_back({std::string(piece), mode});
    }
    std::vector<Piece> pieces_;
};

Result<ChatTemplate> ChatTemplate::from(const gguf::Reader& file, const Tokenizer& tokenizer) {
    const auto text = file.string(kKey);
    if (!text) return unsupported("the file has no chat template: it is not a model for conversations");
    auto style = recognise(*text);
    if (!style) return style.error();
    ChatTemplate made(std::move(*style), tokenizer);
    if (auto checked = made.check_markers(); !checked) return checked.error();
    return made;
}

Result<ChatTemplate::Style> ChatTemplate::recognise(std::string_view text) {
    if (has(text, "<|im_start|>")) {
        Style style{.format = Format::ChatMl};
        style.default_system = literal_system(text);
        style.drops_old_thoughts = has(text, "split('</think>')");
        if (has(text, "<|im_start|>assistant\\n<think>\\n'")) style.answer_start = "<think>\n";
        style.answer_start_without_thought = style.answer_start;
        if (has(text, "enable_thinking is false") && has(text, "'<think>\\n\\n</think>\\n\\n'")) {
            style.answer_start_without_thought = "<think>\n\n</think>\n\n";
        }
        return style;
    }
    if (has(text, "<|start_header_id|>")) {
        return Style{.format = Format::Llama3, .tells_date = has(text, "Cutting Knowledge Date")};
    }
    if (has(text, "[INST]") && !has(text, "[SYSTEM_PROMPT]") && !has(text, "<<SYS>>")) {
        if (has(text, " [INST]")) {
            return Style{
                .format = Format::Mistral, .user_start = " [INST] ", .user_end = " [/INST]", .assistant_start = " "};
        }
        if (has(text, "[INST] ")) {
            return Style{
                .format = Format::Mistral, .user_start = "[INST] ", .user_end = "[/INST]", .assistant_start = " "};
        }
        return Style{.format = Format::Mistral, .user_start = "[INST]", .user_end = "[/INST]"};
    }
    return unsupported("not ChatML, Llama 3 or Mistral: no known turn marker in the template");
}

Result<void> ChatTemplate::check_markers() const {
    const auto check = [this](std::initializer_list<std::string_view> markers) -> Result<void> {
        for (const std::string_view marker : markers) {
            const auto token = tokenizer_.find(marker);
            if (token && tokenizer_.is_control(*token)) continue;
            return Error{Errc::Corrupt, "the vocabulary has no control token \"" + std::string(marker) + "\"",
                         std::string(kKey)};
        }
        return {};
    };
    switch (style_.format) {
        case Format::ChatMl: return check({"<|im_start|>", "<|im_end|>"});
        case Format::Llama3: return check({"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"});
        case Format::Mistral:
            if (tokenizer_.eos()) return {};
            return Error{Errc::Corrupt, "the vocabulary has no end-of-sequence token", "tokenizer.ggml.eos_token_id"};
    }
    return {};
}

Result<std::vector<TokenId>> ChatTemplate::render(const core::ChatRequest& request) const {
    Prompt prompt;
    Result<void> written;
    switch (style_.format) {
        case Format::ChatMl: written = chatml(request.body(), prompt); break;
        case Format::Llama3: written = llama3(request.body(), prompt); break;
        case Format::Mistral: written = mistral(request.body(), prompt); break;
    }
    if (!written) return written.error();
    std::vector<TokenId> tokens = prompt.encode(tokenizer_);
    if (tokenizer_.add_bos()) tokens.insert(tokens.begin(), *tokenizer_.bos());
    return tokens;
}

Result<void> ChatTemplate::chatml(const Json& body, Prompt& prompt) const {
    const auto messages = messages_of(body);
    if (!messages) return messages.error();
    if (!style_.default_system.empty() && messages->front().role != Role::System) {
        prompt.marker("<|im_start|>system\n");
        prompt.text(style_.default_system);
        prompt.marker("<|im_end|>\n");
    }
    for (const Message& message : *messages) {
        const bool answer = message.role == Role::Assistant;
        prompt.marker(answer ? "<|im_start|>assistant\n"
                             : (message.role == Role::User ? "<|im_start|>user\n" : "<|im_start|>system\n"));
        prompt.text(answer && style_.drops_old_thoughts ? without_thought(message.text) : message.text);
        prompt.marker("<|im_end|>\n");
    }
    if (!wants_answer(body)) return {};
    prompt.marker("<|im_start|>assistant\n");
    const bool thinks = template_flag(body, "enable_thinking", true);
    prompt.marker(thinks ? style_.answer_start : style_.answer_start_without_thought);
    return {};
}

Result<void> ChatTemplate::llama3(const Json& body, Prompt& prompt) const {
    const auto messages = messages_of(body);
    if (!messages) return messages.error();
    const auto turn = [&](std::string_view role, std::string_view text) {
        prompt.marker("<|start_header_id|>");
        prompt.marker(role);
        prompt.marker("<|end_header_id|>\n\n");
        prompt.text(trimmed(text));
        prompt.marker("<|eot_id|>");
    };
    std::size_t next = 0;
    if (style_.tells_date) {
        const std::string date = template_text(body, "date_string");
        prompt.marker(
            "<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: ");
        prompt.text(date.empty() ? today() : date);
        prompt.marker("\n\n");
        if (messages->front().role == Role::System) prompt.text(trimmed((*messages)[next++].text));
        prompt.marker("<|eot_id|>");
    }
    for (; next < messages->size(); ++next) {
        const Message& message = (*messages)[next];
        turn(message.role == Role::User ? "user" : (message.role == Role::Assistant ? "assistant" : "system"),
             message.text);
    }
    if (wants_answer(body)) prompt.marker("<|start_header_id|>assistant<|end_header_id|>\n\n");
    return {};
}

// System messages have no turn of their own: they open the user's turn that follows. Vocabularies that put a space
// before ordinary text already write the one in front of the marker.
Result<void> ChatTemplate::mistral(const Json& body, Prompt& prompt) const {
    const auto messages = messages_of(body);
    if (!messages) return messages.error();
    std::string_view start = style_.user_start;
    if (tokenizer_.strips_first_space() && start.starts_with(' ')) start.remove_prefix(1);
    const Error lonely{Errc::InvalidRequest, "a system message must be followed by one of the user", "messages"};
    bool open = false;
    for (const Message& message : *messages) {
        if (message.role == Role::Assistant) {
            if (open) return lonely;
            prompt.marker(style_.assistant_start);
            prompt.text(message.text);
            prompt.marker(tokenizer_.spelling(*tokenizer_.eos()));
            continue;
        }
        if (!open) prompt.marker(start);
        prompt.text(message.text);
        open = message.role == Role::System;
        prompt.marker(open ? "\n\n" : style_.user_end);
    }
    if (open) return lonely;
    return {};
}

std::string_view ChatTemplate::format() const {
    switch (style_.format) {
        case Format::ChatMl: return "chatml";
        case Format::Llama3: return "llama3";
        case Format::Mistral: return "mistral";
    }
    return {};
}

}  // namespace sluice::local_engine
