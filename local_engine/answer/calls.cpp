// The call syntaxes of the families, one after the other. Each state reads from the start of the buffer.
#include "local_engine/answer/answer_parser.hpp"
#include "local_engine/answer/python_calls.hpp"

#include <algorithm>
#include <utility>

namespace sluice::local_engine {
namespace {

using Kind = AnswerEvent::Kind;

constexpr std::string_view kSpaces = " \t\r\n";
constexpr std::size_t kMostHead = 512;  // bytes of a name with what surrounds it

std::string trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(kSpaces);
    if (first == std::string_view::npos) return {};
    return std::string(text.substr(first, text.find_last_not_of(kSpaces) + 1 - first));
}

}  // namespace

// After <tool_call>: JSON or elements.
bool AnswerParser::tagged() {
    const std::size_t at = skip_spaces();
    if (at == buffer_.size()) return false;
    if (buffer_[at] == '{' || buffer_[at] == '[') return enter(State::Json);
    const std::string_view rest = std::string_view(buffer_).substr(at);
    constexpr std::string_view kFunction = "<function=";
    if (!ended_ && kFunction.starts_with(rest)) return false;
    if (!rest.starts_with(kFunction)) return no_call();
    take(at);
    raw_.clear();
    spaces_.clear();
    return enter(State::Xml);
}

// One object, or a list of them. Without a marker in front it is a call only if it names a function that was offered.
bool AnswerParser::json() {
    for (std::size_t i = 0; i < buffer_.size(); ++i) {
        const char c = buffer_[i];
        if (!json_begun_) raw_.push_back(c);
        const bool between = list_ && (c == ',' || c == ']');
        if (c == '[' && !list_ && json_.name().empty() && trimmed(raw_).ends_with('[') && !json_begun_ &&
            json_.fresh()) {
            list_ = true;
            continue;
        }
        if (between && json_.fresh()) {
            if (c == ',') continue;
            take(i + 1);
            raw_.clear();
            return enter(State::Text);
        }
        const JsonCall::State state = json_.feed(c);
        if (state == JsonCall::State::Broken && !json_begun_) {
            take(i + 1);
            return no_call();
        }
        if (!json_begun_ && json_.named()) {
            if (!certain_ && !knows(json_.name())) {
                take(i + 1);
                return no_call();
            }
            begin_call(json_.name(), options_.format.call_ids_short ? json_.id() : "");
            json_begun_ = true;
        }
        if (json_begun_) add_arguments(json_.take_arguments());
        if (state == JsonCall::State::Reading) continue;
        end_call();
        json_ = {};
        json_begun_ = false;
        if (list_ && state == JsonCall::State::Done) continue;
        take(i + 1);
        return enter(State::Text);
    }
    buffer_.clear();
    return false;
}

// After [TOOL_CALLS]: JSON, or NAME[ARGS]{...}, or NAME[CALL_ID]ID[ARGS]{...}.
bool AnswerParser::mistral_head() {
    const std::size_t at = skip_spaces();
    if (at == buffer_.size()) return false;
    if (buffer_[at] == '{' || buffer_[at] == '[') return enter(State::Json);
    const std::size_t end = std::min(find("[ARGS]"), buffer_.find('{'));
    if (end > kMostHead) return buffer_.size() > kMostHead + 6 ? no_call() : false;
    const std::string head = take(end);
    if (buffer_.starts_with("[ARGS]")) take(6);
    const std::size_t id = head.find("[CALL_ID]");
    begin_call(trimmed(head.substr(0, id)), id == std::string::npos ? "" : trimmed(head.substr(id + 9)));
    extent_ = {};
    return enter(State::RawArguments);
}

// A JSON value in the model's own spelling; what follows it is text again.
bool AnswerParser::raw_arguments() {
    std::size_t i = 0;
    bool last = false;
    while (i < buffer_.size() && !last) last = extent_.feed(buffer_[i++]);
    const std::size_t own = last && extent_.overran() ? i - 1 : i;
    const std::size_t start = has_arguments_ ? 0 : std::min(skip_spaces(), own);
    add_arguments(std::string_view(buffer_).substr(start, own - start));
    take(own);
    if (!last) return false;
    end_call();
    return enter(State::Text);
}

// After <｜tool▁call▁begin｜>: "function<sep>NAME\n```json\n" or "NAME<sep>".
bool AnswerParser::deepseek_head() {
    constexpr std::string_view kSeparator = "<｜tool▁sep｜>";
    const std::size_t at = find(kSeparator);
    if (at > kMostHead) return buffer_.size() > kMostHead + kSeparator.size() ? no_call() : false;
    std::string name = trimmed(std::string_view(buffer_).substr(0, at));
    std::size_t done = at + kSeparator.size();
    if (name == "function") {
        const std::size_t line = buffer_.find('\n', done);
        if (line > done + kMostHead) return buffer_.size() > done + kMostHead ? no_call() : false;
        name = trimmed(std::string_view(buffer_).substr(done, line - done));
        done = line + 1;
    }
    const std::size_t json = buffer_.find('{', done);
    if (json > done + kMostHead) return buffer_.size() > done + kMostHead ? no_call() : false;
    take(json);
    begin_call(std::move(name));
    extent_ = {};
    return enter(State::DeepSeekArguments);
}

bool AnswerParser::deepseek_arguments() {
    constexpr std::string_view kEnd = "<｜tool▁call▁end｜>";
    if (!arguments_done_) {
        std::size_t i = 0;
        bool last = false;
        while (i < buffer_.size() && !last) last = extent_.feed(buffer_[i++]);
        add_arguments(std::string_view(buffer_).substr(0, i));
        take(i);
        if (!last) return false;
        arguments_done_ = true;
        return true;
    }
    const std::size_t at = find(kEnd);  // the fence in front of it is not text
    if (at == std::string::npos) {
        take(safe_bytes({kEnd}));
        return false;
    }
    take(at + kEnd.size());
    end_call();
    return enter(State::Text);
}

// <function=NAME> <parameter=KEY> VALUE </parameter> ... </function>
bool AnswerParser::xml() {
    take(skip_spaces());
    const std::size_t close = find(">");
    if (close > kMostHead) {
        if (buffer_.size() <= kMostHead + 1) return false;
        take(1);
        return true;
    }
    const std::string element = take(close + 1);
    if (element.starts_with("<function=")) {
        begin_call(trimmed(std::string_view(element).substr(10, element.size() - 11)));
    } else if (element.starts_with("<parameter=")) {
        parameter_ = trimmed(std::string_view(element).substr(11, element.size() - 12));
        searched_ = 0;
        return enter(State::XmlValue);
    } else if (element == "</function>") {
        if (has_arguments_) add_arguments("}");
        end_call();
        return enter(State::Text);
    }
    return true;  // anything else there means nothing
}

bool AnswerParser::xml_value() {
    constexpr std::string_view kEnd = "</parameter>";
    const std::size_t at = buffer_.find(kEnd, searched_);
    if (at == std::string::npos) {
        searched_ = buffer_.size() - std::min(buffer_.size(), kEnd.size());
        return false;
    }
    std::string value = take(at);
    take(kEnd.size());
    if (value.starts_with('\n')) value.erase(0, 1);
    if (value.ends_with('\n')) value.pop_back();
    add_arguments((has_arguments_ ? ", " : "{") + core::dump_json(core::Json(parameter_)) + ": " +
                  argument_json(value));
    return enter(State::Xml);
}

// By the type in the function's schema: a string as it is; anything else as JSON if it is that.
std::string AnswerParser::argument_json(const std::string& value) const {
    using core::Json;
    bool text = false;
    for (const Json& tool : options_.tools) {
        if (!tool.is_object() || tool.value(Json::json_pointer("/function/name"), Json()) != function_) continue;
        const auto properties = tool.value(Json::json_pointer("/function/parameters/properties"), Json());
        if (!properties.is_object() || !properties.contains(parameter_)) continue;
        const Json& schema = properties.at(parameter_);
        text = schema.is_object() && schema.contains("type") && schema.at("type") == "string";
    }
    if (text) return core::dump_json(Json(value));
    const std::string bare = trimmed(value);
    if (bare == "True" || bare == "False") return bare == "True" ? "true" : "false";
    if (bare == "None") return "null";
    const auto parsed = core::parse_json(bare);
    return core::dump_json(parsed ? *parsed : Json(value));
}

// Up to <|message|>: the channel and, for calls, "to=functions.NAME".
bool AnswerParser::harmony_head() {
    constexpr std::string_view kMessage = "<|message|>";
    const std::size_t at = find(kMessage);
    constexpr std::size_t kLead = 32;  // how much shows whether there is a head at all
    const std::string_view lead = std::string_view(buffer_).substr(0, kLead);
    const bool head_begins =
        lead.starts_with("<|") || lead.starts_with("assistant") || lead.find("to=") != std::string_view::npos;
    const std::size_t most = head_begins ? kMostHead : kLead;
    if (at > most) {
        if (buffer_.size() <= most + kMessage.size()) return false;
        body_ = Kind::Text;
        return enter(State::HarmonyBody);
    }
    const std::string head = take(at);
    take(kMessage.size());
    const std::size_t to = head.find("to=");
    const bool final = head.find("<|channel|>final") != std::string::npos;
    body_ = head.find("<|channel|>analysis") != std::string::npos ? Kind::Thought : Kind::Text;
    if (to != std::string::npos && options_.calls && !final) {
        std::string name = head.substr(to + 3, head.find_first_of(" <", to) - to - 3);
        if (name.starts_with("functions.")) name.erase(0, 10);
        body_ = Kind::Call;
        begin_call(std::move(name));
    }
    return enter(State::HarmonyBody);
}

bool AnswerParser::harmony_body() {
    const std::vector<std::string_view> ends{"<|end|>", "<|call|>", "<|return|>", "<|start|>", "<|channel|>"};
    std::size_t first = std::string::npos;
    std::string_view found;
    for (const std::string_view end : ends) {
        if (const std::size_t at = find(end); at < first) {
            first = at;
            found = end;
        }
    }
    const std::string piece = take(first == std::string::npos ? safe_bytes(ends) : first);
    if (body_ == Kind::Call) add_arguments(piece);
    else emit(body_, piece);
    if (first == std::string::npos) return false;
    if (body_ == Kind::Call) end_call();
    if (found != "<|channel|>") take(found.size());
    return enter(State::HarmonyHead);
}

void AnswerParser::python_calls() {
    const auto calls = parse_python_calls(buffer_);
    const bool known = !calls.empty() && std::all_of(calls.begin(), calls.end(),
                                                     [&](const PythonCall& call) { return knows(call.name); });
    if (!known) {
        emit_text(std::exchange(buffer_, {}));
        return;
    }
    buffer_.clear();
    for (const PythonCall& call : calls) {
        begin_call(call.name);
        add_arguments(call.arguments);
        end_call();
    }
}

}  // namespace sluice::local_engine
