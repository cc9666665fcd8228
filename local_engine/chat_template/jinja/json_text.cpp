// The filter tojson: as Python's json.dumps, which published templates were written against.
#include "local_engine/chat_template/jinja/value.hpp"
#include "local_engine/tokenizer/unicode.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace sluice::local_engine::jinja {
namespace {

std::string hex_escape(char32_t unit) {
    std::array<char, 8> buffer{};
    std::snprintf(buffer.data(), buffer.size(), "\\u%04x", static_cast<unsigned>(unit & 0xFFFFU));
    return buffer.data();
}

std::string escape_of(char c) {
    switch (c) {
        case '"': return "\\\"";
        case '\\': return "\\\\";
        case '\n': return "\\n";
        case '\r': return "\\r";
        case '\t': return "\\t";
        case '\b': return "\\b";
        case '\f': return "\\f";
        default:
            return static_cast<unsigned char>(c) < 0x20 ? hex_escape(static_cast<unsigned char>(c)) : std::string();
    }
}

class Writer {
public:
    Writer(const JsonStyle& style, Budget& budget) : style_(style), budget_(budget) {}

    void write(const Value& value, int level) {
        budget_.pay(1);
        if (const Text* text = value.text()) return string(*text);
        if (const List* list = value.list()) return array(*list, level);
        if (const Dict* dict = value.dict()) return object(*dict, level);
        scalar(value);
    }
    Text take() { return std::move(out_); }

private:
    void raw(std::string_view bytes) { out_.append(bytes, Origin::Template); }

    void string(const Text& text) {
        budget_.pay_bytes(2 * text.size());
        raw("\"");
        const std::string& bytes = text.bytes();
        std::size_t plain = 0;  // start of what is copied as it is
        for (std::size_t i = 0; i < bytes.size();) {
            std::size_t length = 1;
            std::string escape = escape_of(bytes[i]);
            if (style_.ascii && static_cast<unsigned char>(bytes[i]) >= 0x80) {
                const Character character = first_character(std::string_view(bytes).substr(i, 4));
                length = character.length;
                escape = ascii(character.code_point);
            }
            if (!escape.empty()) {
                out_.append(text, plain, i);
                out_.append(escape, text.client_at(i) ? Origin::Client : Origin::Template);
                plain = i + length;
            }
            i += length;
        }
        out_.append(text, plain, bytes.size());
        raw("\"");
    }

    static std::string ascii(char32_t code_point) {
        if (code_point == kInvalid) return "\\ufffd";
        if (code_point < 0x10000) return hex_escape(code_point);
        const char32_t rest = code_point - 0x10000;
        return hex_escape(0xD800 + (rest >> 10U)) + hex_escape(0xDC00 + (rest & 0x3FFU));
    }

    void line(int level) {
        if (style_.indent < 0) return;
        raw("\n" + std::string(static_cast<std::size_t>(style_.indent * level), ' '));
    }
    std::string_view separator() const {
        const std::string_view all = style_.item_separator;
        return style_.indent >= 0 && all == ", " ? all.substr(0, 1) : all;
    }

    void array(const List& list, int level) {
        if (list.empty()) return raw("[]");
        raw("[");
        for (std::size_t i = 0; i < list.size(); ++i) {
            if (i > 0) raw(separator());
            line(level + 1);
            write(list[i], level + 1);
        }
        line(level);
        raw("]");
    }

    void object(const Dict& dict, int level) {
        if (level > 100) throw Failure(Failure::Kind::Limit, "tojson: nested too deeply");  // a namespace in itself
        if (dict.size() == 0) return raw("{}");
        std::vector<const Dict::Member*> members;
        for (const Dict::Member& member : dict.members()) members.push_back(&member);
        if (style_.sort_keys) {
            std::sort(members.begin(), members.end(),
                      [](const auto* a, const auto* b) { return a->name.bytes() < b->name.bytes(); });
        }
        raw("{");
        for (std::size_t i = 0; i < members.size(); ++i) {
            if (i > 0) raw(separator());
            line(level + 1);
            string(members[i]->name);
            raw(style_.key_separator);
            write(members[i]->value, level + 1);
        }
        line(level);
        raw("}");
    }

    void scalar(const Value& value) {
        if (value.is_none()) return raw("null");
        if (const auto* flag = value.as<bool>()) return raw(*flag ? "true" : "false");
        if (const auto* integer = value.as<std::int64_t>()) return raw(std::to_string(*integer));
        if (const auto* number = value.as<double>()) {
            if (std::isnan(*number)) return raw("NaN");
            if (std::isinf(*number)) return raw(*number < 0 ? "-Infinity" : "Infinity");
            return raw(number_text(*number));
        }
        fail("tojson: a " + std::string(value.type_name()) + " has no JSON");
    }

    const JsonStyle& style_;
    Budget& budget_;
    Text out_;
};

}  // namespace

Text to_json(const Value& value, const JsonStyle& style, Budget& budget) {
    Writer writer(style, budget);
    writer.write(value, 0);
    return writer.take();
}

}  // namespace sluice::local_engine::jinja
