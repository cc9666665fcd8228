// Writes JSON text straight into a string: what is written on every request need not become a tree first.
//
//   JsonWriter out;
//   out.begin_object().member("id", id).member("usage_tokens", 7).end_object();
//   std::string text = out.take();
//
// The caller keeps begin and end in balance and writes a key before each value inside an object.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/json.hpp"
#include "core/plain_bytes.hpp"

namespace sluice::core {

// Appends `text` as a JSON string, quotes included. Bytes that are not UTF-8 become U+FFFD, one per maximal broken sequence.
void append_json_string(std::string& out, std::string_view text);

// The name of a member. A literal is found to need no escapes while compiling; any other text is looked at when it is written.
class JsonName {
public:
    template <std::size_t N>
    consteval JsonName(const char (&literal)[N]) : text_(literal, N - 1), plain_(true) {
        for (const char c : text_)
            if (!is_plain(c)) throw "needs escapes";
    }
    constexpr JsonName(std::string_view text) : text_(text) {}
    JsonName(const std::string& text) : text_(text) {}

    std::string_view text() const { return text_; }
    bool plain() const { return plain_; }

private:
    std::string_view text_;
    bool plain_ = false;
};

class JsonWriter {
public:
    explicit JsonWriter(std::size_t expected_bytes = 256);

    JsonWriter& begin_object() { return open('{'); }
    JsonWriter& end_object() { return close('}'); }
    JsonWriter& begin_array() { return open('['); }
    JsonWriter& end_array() { return close(']'); }
    // Inline for the names known while compiling, which are copied as constants then.
    JsonWriter& key(JsonName name) {
        if (!name.plain()) return escaped_key(name.text());
        const std::string_view text = name.text();
        char* to = room(text.size() + 4);
        *to = ',';
        to += static_cast<std::ptrdiff_t>(needs_comma());
        *to++ = '"';
        std::memcpy(to, text.data(), text.size());
        to += text.size();
        *to++ = '"';
        *to++ = ':';
        next_ = to;
        return *this;
    }
    JsonWriter& value(std::string_view text);
    JsonWriter& value(const char* text) { return value(std::string_view(text)); }
    JsonWriter& value(std::same_as<bool> auto truth) { return raw(truth ? "true" : "false"); }
    JsonWriter& value(std::integral auto number)
        requires(!std::same_as<decltype(number), bool>)
    {
        if constexpr (std::is_signed_v<decltype(number)>) return integer(std::int64_t{number});
        else return natural(std::uint64_t{number});
    }
    JsonWriter& value(double number);
    // Compact text of a tree, the same bytes as Json::dump with replacement of bad bytes.
    JsonWriter& value(const std::same_as<Json> auto& tree) { return branch(tree); }
    // JSON text made elsewhere.
    JsonWriter& raw(std::string_view json);
    template <class Value>
    JsonWriter& member(JsonName name, const Value& content) {
        return key(name).value(content);
    }

    // The text; the writer is spent.
    std::string take();

private:
    JsonWriter& open(char bracket);
    JsonWriter& close(char bracket);
    JsonWriter& escaped_key(std::string_view name);
    JsonWriter& integer(std::int64_t number);
    JsonWriter& natural(std::uint64_t number);
    JsonWriter& branch(const Json& tree);
    template <class Integer>
    void write_integer(Integer number);
    void write_string(std::string_view text);
    void write_escaped(std::string_view text);
    void write_tree(const Json& tree);
    void write_bytes(std::string_view bytes);
    void put(char c);
    // A comma stands before everything but the first element and a member's value.
    void separate();
    bool needs_comma() const {
        if (next_ == text_.data()) return false;
        const char last = next_[-1];
        return last != '{' && last != '[' && last != ':';
    }
    // Where the next `bytes` bytes go; valid until the next call.
    char* room(std::size_t bytes) {
        if (static_cast<std::size_t>(end_ - next_) < bytes) [[unlikely]] grow(bytes);
        return next_;
    }
    void grow(std::size_t bytes);

    std::string text_;     // its first bytes, up to next_, are written
    char* next_ = nullptr;
    char* end_ = nullptr;  // of the room in text_
};

}  // namespace sluice::core
