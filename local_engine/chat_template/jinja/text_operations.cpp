// What filters and methods do to texts, with the knowledge of who wrote which byte kept.
#include "local_engine/chat_template/jinja/filters.hpp"

#include <algorithm>

namespace sluice::local_engine::jinja {
namespace {

constexpr std::string_view kSpaces = " \t\n\v\f\r";

bool lower(char c) {
    return c >= 'a' && c <= 'z';
}
bool upper(char c) {
    return c >= 'A' && c <= 'Z';
}
char to_lower(char c) {
    return upper(c) ? static_cast<char>(c + 32) : c;
}
char to_upper(char c) {
    return lower(c) ? static_cast<char>(c - 32) : c;
}

}  // namespace

// A set of characters is taken as one of bytes; that differs only for sets with characters beyond ASCII, where whole
// characters are compared.
Text stripped(const Text& text, const Text* characters, bool left, bool right) {
    const std::string& bytes = text.bytes();
    const std::string_view set = characters != nullptr ? std::string_view(characters->bytes()) : kSpaces;
    const std::vector<std::size_t> set_offsets = character_offsets(set);
    const auto in_set = [&](std::string_view one) {
        for (std::size_t i = 0; i + 1 < set_offsets.size(); ++i) {
            if (set.substr(set_offsets[i], set_offsets[i + 1] - set_offsets[i]) == one) return true;
        }
        return false;
    };
    const auto continues = [&](std::size_t at) { return (static_cast<unsigned char>(bytes[at]) & 0xC0U) == 0x80U; };
    std::size_t begin = 0;
    std::size_t end = bytes.size();
    while (left && begin < end) {
        std::size_t next = begin + 1;
        while (next < end && continues(next)) ++next;
        if (!in_set(std::string_view(bytes).substr(begin, next - begin))) break;
        begin = next;
    }
    while (right && end > begin) {
        std::size_t last = end - 1;
        while (last > begin && continues(last)) --last;
        if (!in_set(std::string_view(bytes).substr(last, end - last))) break;
        end = last;
    }
    return text.part(begin, end);
}

Text replaced(const Text& text, const Text& old_part, const Text& new_part, std::int64_t most, Budget& budget) {
    budget.pay_bytes(text.weight());
    Text out;
    if (old_part.empty()) fail("replace: nothing to replace");
    std::size_t done = 0;
    for (std::size_t at = text.bytes().find(old_part.bytes()); at != std::string::npos && most != 0;
         at = text.bytes().find(old_part.bytes(), done)) {
        budget.pay_bytes(new_part.weight());
        out.append(text, done, at);
        out.append(new_part);
        done = at + old_part.size();
        if (most > 0) --most;
    }
    out.append(text, done, text.size());
    return out;
}

// Letters of ASCII change; others stay as they are.
Text with_case(const Text& text, Case wanted) {
    Text out;
    std::string changed = text.bytes();
    bool start = true;
    for (std::size_t i = 0; i < changed.size(); ++i) {
        char& c = changed[i];
        const bool raise = wanted == Case::Upper || (start && wanted != Case::Lower);
        c = raise ? to_upper(c) : to_lower(c);
        start = wanted == Case::Title ? !(upper(c) || lower(c) || static_cast<unsigned char>(c) >= 0x80) : false;
    }
    std::size_t done = 0;
    for (const Text::Span& span : text.client_spans()) {
        out.append(std::string_view(changed).substr(done, span.begin - done), Origin::Template);
        out.append(std::string_view(changed).substr(span.begin, span.end - span.begin), Origin::Client);
        done = span.end;
    }
    out.append(std::string_view(changed).substr(done), Origin::Template);
    return out;
}

Value joined(const Value& items, const Text& separator, std::string_view attribute, Budget& budget) {
    Text out;
    bool first = true;
    for (const Value& item : items_of(items, budget)) {
        if (!std::exchange(first, false)) out.append(separator);
        const Text text = to_text(attribute.empty() ? item : attribute_of(item, attribute), budget);
        budget.pay_bytes(text.weight() + separator.size());
        out.append(text);
    }
    return Value(std::move(out));
}

Value pairs_of(const Dict& dict, Budget& budget) {
    List pairs;
    for (const auto& [name, value] : dict.members()) {
        budget.pay_bytes(name.weight());
        pairs.push_back(Value::list({Value(name), value}));
    }
    return Value::list(std::move(pairs));
}

}  // namespace sluice::local_engine::jinja
