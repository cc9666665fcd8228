#include "core/json_writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace sluice::core {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

constexpr unsigned char byte(char c) { return static_cast<unsigned char>(c); }

void append_escape(std::string& out, char c) {
    constexpr std::string_view kHex = "0123456789abcdef";
    switch (c) {
        case '"': out += "\\\""; return;
        case '\\': out += "\\\\"; return;
        case '\b': out += "\\b"; return;
        case '\f': out += "\\f"; return;
        case '\n': out += "\\n"; return;
        case '\r': out += "\\r"; return;
        case '\t': out += "\\t"; return;
        default:
            out += "\\u00";
            out += kHex[byte(c) >> 4U];
            out += kHex[byte(c) & 15U];
    }
}

struct Sequence {
    std::size_t bytes;
    bool valid;
};

// The UTF-8 sequence at the front of `text` (table 3-7 of the Unicode standard), or the longest start of one.
Sequence sequence_at(std::string_view text) {
    const unsigned char lead = byte(text.front());
    if (lead < 0xC2 || lead > 0xF4) return {1, false};
    const std::size_t bytes = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    for (std::size_t i = 1; i < bytes; ++i) {
        if (i == text.size() || byte(text[i]) < low || byte(text[i]) > high) return {i, false};
        low = 0x80;
        high = 0xBF;
    }
    return {bytes, true};
}

// Copies `text`, whole words at a time: the last word overlaps the one before. Whether all of it is plain, as nearly all text is.
bool copy_plain(char* to, std::string_view text) {
    const char* from = text.data();
    std::size_t left = text.size();
    std::uint64_t word = 0;
    if (left < sizeof word) {
        for (; left > 0; --left)
            if (!is_plain(*to++ = *from++)) return false;
        return true;
    }
    for (;;) {
        std::memcpy(&word, from, sizeof word);
        std::memcpy(to, &word, sizeof word);
        if (!all_plain(word)) return false;
        if (left == sizeof word) return true;
        const std::size_t step = std::min(sizeof word, left - sizeof word);
        from += step;
        to += step;
        left -= step;
    }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t plain = plain_end(text, at);
        out.append(text, at, plain - at);
        at = plain;
        if (at == text.size()) break;
        if (byte(text[at]) < 0x80) {
            append_escape(out, text[at++]);
            continue;
        }
        const auto [bytes, valid] = sequence_at(text.substr(at));
        out.append(valid ? text.substr(at, bytes) : kReplacement);
        at += bytes;
    }
    out += '"';
}

// The small steps are inline here: a decision takes three hundred of them.

inline void JsonWriter::put(char c) {
    *room(1) = c;
    ++next_;
}

inline void JsonWriter::separate() {
    *room(1) = ',';
    next_ += static_cast<std::ptrdiff_t>(needs_comma());
}

inline void JsonWriter::write_bytes(std::string_view bytes) {
    std::memcpy(room(bytes.size()), bytes.data(), bytes.size());
    next_ += bytes.size();
}

inline void JsonWriter::write_string(std::string_view text) {
    char* const to = room(text.size() + 2);
    if (!copy_plain(to + 1, text)) return write_escaped(text);
    to[0] = to[text.size() + 1] = '"';
    next_ = to + text.size() + 2;
}

JsonWriter::JsonWriter(std::size_t expected_bytes) {
    text_.resize(expected_bytes);
    next_ = text_.data();
    end_ = next_ + expected_bytes;
}

std::string JsonWriter::take() {
    text_.resize(static_cast<std::size_t>(next_ - text_.data()));
    next_ = end_ = nullptr;
    return std::move(text_);
}

void JsonWriter::grow(std::size_t bytes) {
    const auto size = static_cast<std::size_t>(next_ - text_.data());
    text_.resize(std::max(2 * text_.size(), size + bytes));
    next_ = text_.data() + size;
    end_ = text_.data() + text_.size();
}

void JsonWriter::write_escaped(std::string_view text) {
    text_.resize(static_cast<std::size_t>(next_ - text_.data()));
    append_json_string(text_, text);
    next_ = end_ = text_.data() + text_.size();
}

JsonWriter& JsonWriter::escaped_key(std::string_view name) {
    separate();
    write_string(name);
    put(':');
    return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
    separate();
    write_string(text);
    return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
    separate();
    write_bytes(json);
    return *this;
}

JsonWriter& JsonWriter::open(char bracket) {
    separate();
    put(bracket);
    return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
    put(bracket);
    return *this;
}

template <class Integer>
void JsonWriter::write_integer(Integer number) {
    constexpr std::size_t kDigits = 20;  // of the largest and of the smallest number
    char* const to = room(kDigits);
    next_ = std::to_chars(to, to + kDigits, number).ptr;
}

JsonWriter& JsonWriter::integer(std::int64_t number) {
    separate();
    write_integer(number);
    return *this;
}

JsonWriter& JsonWriter::natural(std::uint64_t number) {
    separate();
    write_integer(number);
    return *this;
}

JsonWriter& JsonWriter::branch(const Json& tree) {
    separate();
    write_tree(tree);
    return *this;
}

JsonWriter& JsonWriter::value(double number) { return raw(Json(number).dump()); }

void JsonWriter::write_tree(const Json& tree) {
    switch (tree.type()) {
        case Json::value_t::object: {
            put('{');
            for (const auto& [name, member] : tree.get_ref<const Json::object_t&>()) {
                if (next_[-1] != '{') put(',');
                write_string(name);
                put(':');
                write_tree(member);
            }
            return put('}');
        }
        case Json::value_t::array: {
            put('[');
            for (const Json& element : tree) {
                if (&element != &tree.front()) put(',');
                write_tree(element);
            }
            return put(']');
        }
        case Json::value_t::string: return write_string(tree.get_ref<const std::string&>());
        case Json::value_t::boolean: return write_bytes(tree.get<bool>() ? "true" : "false");
        case Json::value_t::number_integer: return write_integer(tree.get<std::int64_t>());
        case Json::value_t::number_unsigned: return write_integer(tree.get<std::uint64_t>());
        default: return write_bytes(tree.dump());  // null; floats, whose shortest text the library knows
    }
}

}  // namespace sluice::core
