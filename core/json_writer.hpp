// Writes JSON text straight into a string: what is written on every request need not become a tree first.
//
//   JsonWriter out;
//   out.begin_object().member("id", id).member("usage_tokens", 7).end_object();
//   std::string text = out.take();
//
// The caller keeps begin and end in balance and writes a key before each value inside an object.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "core/json.hpp"

namespace sluice::core {

// Appends `text` as a JSON string, quotes included. Bytes that are not UTF-8 become U+FFFD, one per maximal broken sequence.
void append_json_string(std::string& out, std::string_view text);
// Appends compact text of a value, the same bytes as Json::dump with replacement of bad bytes.
void append_json(std::string& out, const Json& value);

class JsonWriter {
public:
    explicit JsonWriter(std::size_t expected_bytes = 256) { text_.reserve(expected_bytes); }

    JsonWriter& begin_object() { return open('{'); }
    JsonWriter& end_object() { return close('}'); }
    JsonWriter& begin_array() { return open('['); }
    JsonWriter& end_array() { return close(']'); }
    JsonWriter& key(std::string_view name) {
        value(name);
        text_ += ':';
        return *this;
    }
    JsonWriter& value(std::string_view text) {
        separate();
        append_json_string(text_, text);
        return *this;
    }
    JsonWriter& value(const char* text) { return value(std::string_view(text)); }
    JsonWriter& value(std::same_as<bool> auto truth) { return raw(truth ? "true" : "false"); }
    JsonWriter& value(std::integral auto number)
        requires(!std::same_as<decltype(number), bool>)
    {
        return raw(std::to_string(number));
    }
    JsonWriter& value(double number);
    JsonWriter& value(const std::same_as<Json> auto& tree) {
        separate();
        append_json(text_, tree);
        return *this;
    }
    // JSON text made elsewhere.
    JsonWriter& raw(std::string_view json) {
        separate();
        text_ += json;
        return *this;
    }
    template <class Value>
    JsonWriter& member(std::string_view name, const Value& content) {
        return key(name).value(content);
    }

    std::string take() { return std::move(text_); }

private:
    JsonWriter& open(char bracket) {
        separate();
        text_ += bracket;
        return *this;
    }
    JsonWriter& close(char bracket) {
        text_ += bracket;
        return *this;
    }
    // A comma stands before everything but the first element and a member's value.
    void separate() {
        if (text_.empty()) return;
        const char last = text_.back();
        if (last != '{' && last != '[' && last != ':') text_ += ',';
    }

    std::string text_;
};

}  // namespace sluice::core
