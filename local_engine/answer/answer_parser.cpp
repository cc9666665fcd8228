#include "local_engine/answer/answer_parser.hpp"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <utility>

namespace sluice::local_engine {
namespace {

using Kind = AnswerEvent::Kind;

constexpr std::string_view kSpaces = " \t\r\n";

// FNV-1a, then mixed: ids need to differ, not to be secret.
std::uint64_t hash_of_text(std::string_view text) {
    std::uint64_t hash = 0xCBF29CE484222325U;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    return hash ^ hash >> 29U;
}

}  // namespace

AnswerParser::AnswerParser(AnswerOptions options) : options_(std::move(options)) {
    if (options_.in_thought) state_ = State::Thought;
    if (options_.format.calls == CallSyntax::Harmony) state_ = State::HarmonyHead;
    if (!options_.calls) return;
    switch (options_.format.calls) {
        case CallSyntax::Bare: markers_ = {"<|python_tag|>"}; break;
        case CallSyntax::Tagged: markers_ = {"<tool_call>", "</tool_call>", "<function="}; break;
        case CallSyntax::Mistral: markers_ = {"[TOOL_CALLS]"}; break;
        case CallSyntax::DeepSeek:
            markers_ = {"<｜tool▁call▁begin｜>", "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"};
            break;
        case CallSyntax::Harmony: break;
    }
}

std::vector<AnswerEvent> AnswerParser::feed(std::string_view piece) {
    buffer_ += piece;
    while (step()) {
    }
    return std::exchange(out_, {});
}

std::vector<AnswerEvent> AnswerParser::finish() {
    ended_ = true;
    do {
        while (step()) {
        }
        flush();
    } while (!buffer_.empty());
    if (calls_ == 0) emit(Kind::Text, std::exchange(spaces_, {}));
    return std::exchange(out_, {});
}

bool AnswerParser::step() {
    if (buffer_.empty()) return false;
    switch (state_) {
        case State::Start: return start();
        case State::Thought: return thought();
        case State::AfterThought: return after_thought();
        case State::Text: return text();
        case State::Tagged: return tagged();
        case State::Json: return json();
        case State::Python: return false;  // read as a whole
        case State::MistralHead: return mistral_head();
        case State::RawArguments: return raw_arguments();
        case State::DeepSeekHead: return deepseek_head();
        case State::DeepSeekArguments: return deepseek_arguments();
        case State::Xml: return xml();
        case State::XmlValue: return xml_value();
        case State::HarmonyHead: return harmony_head();
        case State::HarmonyBody: return harmony_body();
    }
    return false;
}

// What is left when nothing more comes. Empties the buffer, or leaves it to be read again as text.
void AnswerParser::flush() {
    switch (state_) {
        case State::Start:
        case State::AfterThought:
        case State::Text: emit_text(take(buffer_.size())); break;
        case State::Thought: emit(Kind::Thought, take(buffer_.size())); break;
        case State::Python: python_calls(); break;
        case State::Xml:
        case State::XmlValue:
            if (!open_ && !dropping_) emit_text(buffer_);
            if (has_arguments_) add_arguments("}");
            end_call();
            buffer_.clear();
            break;
        case State::RawArguments:
        case State::DeepSeekArguments:
            end_call();
            buffer_.clear();
            break;
        case State::HarmonyBody:
            if (body_ == Kind::Call) end_call();
            break;
        case State::HarmonyHead:
            if (!buffer_.starts_with("<|")) emit_text(buffer_);
            buffer_.clear();
            break;
        case State::Json:
            if (json_begun_) end_call();
            else no_call();
            break;
        case State::Tagged:
        case State::MistralHead:
        case State::DeepSeekHead: no_call(); break;
    }
}

bool AnswerParser::start() {
    const std::string& open = options_.format.thought_open;
    if (open.empty()) return enter(State::Text);
    const std::string_view rest = std::string_view(buffer_).substr(skip_spaces());
    if (rest.starts_with(open)) {
        take(skip_spaces() + open.size());
        return enter(State::Thought);
    }
    if (!ended_ && open.starts_with(rest)) return false;
    return enter(State::Text);
}

bool AnswerParser::thought() {
    const std::string& close = options_.format.thought_close;
    const std::size_t at = find(close);
    if (!thought_begun_ && at != 0) {  // the line ends after the opening marker
        const std::size_t spaces = std::min(buffer_.find_first_not_of('\n'), buffer_.size());
        take(spaces);
        if (buffer_.empty()) return false;
        thought_begun_ = true;
        return true;
    }
    std::size_t end = at == std::string::npos ? safe_bytes({close}) : at;
    const std::size_t last = end == 0 ? std::string::npos : buffer_.find_last_not_of(kSpaces, end - 1);
    const std::size_t leaving = last == std::string::npos ? 0 : last + 1;  // what follows may be the end's own line
    emit(Kind::Thought, std::string_view(buffer_).substr(0, leaving));
    take(leaving);
    if (at == std::string::npos) return false;
    take(at - leaving + close.size());
    return enter(State::AfterThought);
}

bool AnswerParser::after_thought() {
    take(skip_spaces());
    if (buffer_.empty()) return false;
    return enter(State::Text);
}

bool AnswerParser::text() {
    if (!options_.calls) {
        emit_text(take(buffer_.size()));
        return false;
    }
    if (options_.format.calls == CallSyntax::Bare && fresh_) {
        if (bare_begins()) return true;
        if (fresh_) return false;  // it takes more to know
    }
    std::size_t first = std::string::npos;
    std::string_view found;
    for (const std::string_view marker : markers_) {
        const std::size_t at = find(marker);
        if (at >= first) continue;
        first = at;
        found = marker;
    }
    if (first == std::string::npos) {
        emit_text(take(safe_bytes(markers_)));
        return false;
    }
    emit_text(take(first));
    return marked(found);
}

// A marker stands at the start of the buffer.
bool AnswerParser::marked(std::string_view marker) {
    if (marker == "<function=") {
        raw_.clear();
        spaces_.clear();
        return enter(State::Xml);
    }
    take(marker.size());
    if (marker == "</tool_call>" || marker.starts_with("<｜tool▁calls")) return true;
    raw_ = marker;
    certain_ = true;
    list_ = false;
    json_ = {};
    json_begun_ = false;
    if (marker == "<tool_call>") return enter(State::Tagged);
    if (marker == "[TOOL_CALLS]") return enter(State::MistralHead);
    if (marker == "<|python_tag|>") {
        fresh_ = true;
        raw_.clear();
        return true;  // the call follows as a bare one
    }
    return enter(State::DeepSeekHead);
}

// True when a call may begin here. False with fresh_ still set: not enough text.
bool AnswerParser::bare_begins() {
    const std::size_t at = buffer_.find_first_not_of(calls_ > 0 ? " \t\r\n;," : kSpaces);
    if (at == std::string::npos) {
        const std::string taken = take(buffer_.size());
        if (calls_ == 0) spaces_ += taken;
        return false;
    }
    const std::size_t next = buffer_.find_first_not_of(kSpaces, at + 1);
    const char c = buffer_[at];
    if (c == '[' && next == std::string::npos && !ended_) return false;
    const bool name = next != std::string::npos &&
                      (std::isalpha(static_cast<unsigned char>(buffer_[next])) != 0 || buffer_[next] == '_');
    if (c != '{' && !(c == '[' && next != std::string::npos && (buffer_[next] == '{' || name))) {
        fresh_ = false;
        if (calls_ > 0) {
            take(at);
            spaces_.clear();
        }
        return false;
    }
    spaces_ += take(at);
    raw_.clear();
    certain_ = false;
    list_ = false;
    json_ = {};
    json_begun_ = false;
    return enter(name && c == '[' ? State::Python : State::Json);
}

// What looked like a call is text.
bool AnswerParser::no_call() {
    fresh_ = false;
    emit_text(std::exchange(raw_, {}));
    return enter(State::Text);
}

void AnswerParser::begin_call(std::string name, std::string id) {
    dropping_ = !options_.parallel && calls_ > 0;
    spaces_.clear();
    function_ = std::move(name);
    has_arguments_ = false;
    arguments_done_ = false;
    open_ = !dropping_;
    if (dropping_) return;
    ++calls_;
    out_.push_back({Kind::Call, {}, calls_ - 1, id.empty() ? new_id() : std::move(id), function_});
}

void AnswerParser::add_arguments(std::string_view text) {
    if (text.empty() || !open_) return;
    has_arguments_ = true;
    emit(Kind::Arguments, text);
}

void AnswerParser::end_call() {
    if (!has_arguments_) add_arguments("{}");
    if (open_ || dropping_) fresh_ = true;
    open_ = dropping_ = false;
    raw_.clear();
}

void AnswerParser::emit(Kind kind, std::string_view text) {
    if (text.empty()) return;
    const std::size_t call = kind == Kind::Arguments ? calls_ - 1 : 0;
    if (!out_.empty() && out_.back().kind == kind && out_.back().call == call) {
        out_.back().text += text;
        return;
    }
    out_.push_back({kind, std::string(text), call});
}

// White space at the end waits: in front of a call it is left out.
void AnswerParser::emit_text(std::string_view text) {
    if (text.empty()) return;
    if (!options_.calls) return emit(Kind::Text, text);
    const std::size_t last = text.find_last_not_of(kSpaces);
    if (last == std::string_view::npos) {
        spaces_ += text;
        return;
    }
    std::string leaving = std::exchange(spaces_, std::string(text.substr(last + 1)));
    leaving += text.substr(0, last + 1);
    if (calls_ > 0 && fresh_) leaving.erase(0, leaving.find_first_not_of(kSpaces));
    fresh_ = false;
    emit(Kind::Text, leaving);
}

std::string AnswerParser::take(std::size_t bytes) {
    std::string taken = buffer_.substr(0, bytes);
    buffer_.erase(0, bytes);
    return taken;
}

std::size_t AnswerParser::skip_spaces() const {
    return std::min(buffer_.find_first_not_of(kSpaces), buffer_.size());
}

std::size_t AnswerParser::safe_bytes(const std::vector<std::string_view>& markers) const {
    if (ended_) return buffer_.size();
    std::size_t held = 0;
    for (const std::string_view marker : markers) {
        for (std::size_t length = std::min(marker.size() - 1, buffer_.size()); length > held; --length) {
            if (buffer_.ends_with(marker.substr(0, length))) held = length;
        }
    }
    return buffer_.size() - held;
}

bool AnswerParser::knows(std::string_view function) const {
    return std::any_of(options_.tools.begin(), options_.tools.end(), [&](const core::Json& tool) {
        const auto body = tool.is_object() ? tool.find("function") : tool.end();
        return tool.is_object() && body != tool.end() && body->is_object() && body->contains("name") &&
               body->at("name") == function;
    });
}

std::string AnswerParser::new_id() const {
    constexpr std::string_view kLetters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    std::uint64_t hash = hash_of_text(options_.id_seed + "/" + std::to_string(calls_));
    std::string id = options_.format.call_ids_short ? "" : "call_";
    for (int i = 0; i < 9; ++i, hash /= kLetters.size()) id.push_back(kLetters[hash % kLetters.size()]);
    return id;
}

}  // namespace sluice::local_engine
