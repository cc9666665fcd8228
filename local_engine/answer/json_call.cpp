#include "local_engine/answer/json_call.hpp"

#include "core/json.hpp"

#include <utility>

namespace sluice::local_engine {
namespace {

bool space(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

// The text of a JSON string; the raw text when it is none.
std::string unquoted(const std::string& raw) {
    const auto parsed = core::parse_json(raw);
    return parsed && parsed->is_string() ? parsed->get<std::string>() : raw;
}

}  // namespace

bool JsonExtent::feed(char c) {
    if (string_) {
        if (escaped_) escaped_ = false;
        else if (c == '\\') escaped_ = true;
        else if (c == '"') string_ = false;
        return !string_ && depth_ == 0;
    }
    if (scalar_) {
        overran_ = space(c) || c == ',' || c == '}' || c == ']';
        return overran_;
    }
    if (space(c)) return false;
    if (c == '"') string_ = true;
    else if (c == '{' || c == '[') ++depth_;
    else if ((c == '}' || c == ']') && depth_ > 0) --depth_;
    else if (!started_) scalar_ = true;
    started_ = true;
    return !string_ && !scalar_ && depth_ == 0;
}

JsonCall::State JsonCall::feed(char c) {
    switch (at_) {
        case At::Object:
            if (space(c)) return State::Reading;
            if (c != '{') return State::Broken;
            at_ = At::Next;
            return State::Reading;
        case At::Next:
            if (space(c) || c == ',') return State::Reading;
            if (c == '}') {
                if (wrapped_ == 0) return named_ ? State::Done : State::Broken;
                --wrapped_;
                return State::Reading;
            }
            if (c != '"') return State::Broken;
            key_.clear();
            at_ = At::Key;
            return State::Reading;
        case At::Key:
            if (c != '"') key_.push_back(c);
            else at_ = At::Colon;
            return State::Reading;
        case At::Colon:
            if (space(c)) return State::Reading;
            if (c != ':') return State::Broken;
            member_ = key_ == "name" || key_ == "function"          ? Member::Name
                      : key_ == "arguments" || key_ == "parameters" ? Member::Arguments
                      : key_ == "id"                                ? Member::Id
                                                                    : Member::Other;
            extent_ = {};
            value_.clear();
            streams_ = false;
            at_ = At::Value;
            return State::Reading;
        case At::Value: return value(c);
    }
    return State::Broken;
}

JsonCall::State JsonCall::value(char c) {
    if (!extent_.started() && space(c)) return State::Reading;
    if (!extent_.started() && member_ == Member::Name && c == '{') {  // the call lies one object deeper
        ++wrapped_;
        at_ = At::Next;
        return State::Reading;
    }
    if (!extent_.started()) streams_ = member_ == Member::Arguments && c == '{';
    const bool last = extent_.feed(c);
    if (!extent_.overran()) (streams_ ? arguments_ : value_).push_back(c);
    if (!last) return State::Reading;
    finish_value();
    at_ = At::Next;
    return extent_.overran() ? feed(c) : State::Reading;
}

void JsonCall::finish_value() {
    if (member_ == Member::Name && value_.starts_with('"')) {
        name_ = unquoted(value_);
        named_ = !name_.empty();
    }
    if (member_ == Member::Id) id_ = unquoted(value_);
    if (member_ == Member::Arguments && !streams_) arguments_ += value_ == "null" ? "{}" : unquoted(value_);
}

std::string JsonCall::take_arguments() {
    return std::exchange(arguments_, {});
}

}  // namespace sluice::local_engine
