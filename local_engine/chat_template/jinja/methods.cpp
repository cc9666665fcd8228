#include "local_engine/chat_template/jinja/filters.hpp"
#include "local_engine/chat_template/jinja/predicates.hpp"

#include <algorithm>

namespace sluice::local_engine::jinja {
namespace {

bool space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

Value parts_of(List parts) {
    return Value::list(std::move(parts));
}

// split() without a separator: runs of white space separate, and none at the ends.
Value words(const Text& text, std::int64_t most, Budget& budget) {
    List parts;
    const std::string& bytes = text.bytes();
    for (std::size_t at = 0; at < bytes.size();) {
        while (at < bytes.size() && space(bytes[at])) ++at;
        if (at == bytes.size()) break;
        std::size_t end = at;
        if (most >= 0 && static_cast<std::int64_t>(parts.size()) >= most) {
            end = bytes.size();
            while (space(bytes[end - 1])) --end;
            parts.emplace_back(text.part(at, end));
            break;
        }
        while (end < bytes.size() && !space(bytes[end])) ++end;
        budget.pay_bytes(end - at + 48);
        parts.emplace_back(text.part(at, end));
        at = end;
    }
    return parts_of(std::move(parts));
}

Value split(const Text& text, const Arguments& arguments, Budget& budget) {
    const std::int64_t most = arguments.integer_or(1, "maxsplit", -1);
    const Value* by = arguments.find(0, "sep");
    if (by == nullptr || by->is_none()) return words(text, most, budget);
    const Text& separator = arguments.require_text(0, "sep");
    if (separator.empty()) fail("split: empty separator");
    List parts;
    std::size_t done = 0;
    for (std::size_t at = text.bytes().find(separator.bytes());
         at != std::string::npos && (most < 0 || static_cast<std::int64_t>(parts.size()) < most);
         at = text.bytes().find(separator.bytes(), done)) {
        budget.pay_bytes(at - done + 48);
        parts.emplace_back(text.part(done, at));
        done = at + separator.size();
    }
    parts.emplace_back(text.part(done, text.size()));
    return parts_of(std::move(parts));
}

Value rsplit(const Text& text, const Arguments& arguments, Budget& budget) {
    const std::int64_t most = arguments.integer_or(1, "maxsplit", -1);
    if (most < 0) return split(text, arguments, budget);
    const Text& separator = arguments.require_text(0, "sep");
    if (separator.empty()) fail("rsplit: empty separator");
    List parts;
    std::size_t end = text.size();
    while (static_cast<std::int64_t>(parts.size()) < most && end >= separator.size()) {
        const std::size_t at = text.bytes().rfind(separator.bytes(), end - separator.size());
        if (at == std::string::npos) break;
        budget.pay_bytes(end - at + 48);
        parts.emplace_back(text.part(at + separator.size(), end));
        end = at;
    }
    parts.emplace_back(text.part(0, end));
    std::reverse(parts.begin(), parts.end());
    return parts_of(std::move(parts));
}

Value splitlines(const Text& text, Budget& budget) {
    List parts;
    const std::string& bytes = text.bytes();
    for (std::size_t at = 0; at < bytes.size();) {
        const std::size_t end = std::min(bytes.find_first_of("\r\n", at), bytes.size());
        budget.pay_bytes(end - at + 48);
        parts.emplace_back(text.part(at, end));
        at = end + (bytes.compare(end, 2, "\r\n") == 0 ? 2 : 1);
    }
    return parts_of(std::move(parts));
}

// startswith and endswith take one text or several.
bool touches(const Text& text, const Value& parts, bool start) {
    if (const List* list = parts.list()) {
        return std::any_of(list->begin(), list->end(), [&](const Value& one) { return touches(text, one, start); });
    }
    if (parts.text() == nullptr) fail("startswith and endswith need a string");
    const std::string& part = parts.text()->bytes();
    return start ? text.bytes().starts_with(part) : text.bytes().ends_with(part);
}

// In characters, as Python counts.
Value found(const Text& text, const Text& part, bool last) {
    const std::size_t at = last ? text.bytes().rfind(part.bytes()) : text.bytes().find(part.bytes());
    if (at == std::string::npos) return Value(std::int64_t{-1});
    return Value::integer(length_of(std::string_view(text.bytes()).substr(0, at)));
}

Value count_of(const Text& text, const Text& part) {
    if (part.empty()) return Value::integer(length_of(text.bytes()) + 1);
    std::size_t count = 0;
    for (std::size_t at = text.bytes().find(part.bytes()); at != std::string::npos;
         at = text.bytes().find(part.bytes(), at + part.size())) {
        ++count;
    }
    return Value::integer(count);
}

template <class Wanted>
bool all(const Text& text, Wanted wanted) {
    return !text.empty() && std::all_of(text.bytes().begin(), text.bytes().end(), wanted);
}

std::optional<Value> question(const Text& text, std::string_view name) {
    const auto letter = [](char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; };
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (name == "isdigit" || name == "isnumeric" || name == "isdecimal") return Value(all(text, digit));
    if (name == "isalpha") return Value(all(text, letter));
    if (name == "isalnum") return Value(all(text, [&](char c) { return letter(c) || digit(c); }));
    if (name == "isspace") return Value(all(text, space));
    return std::nullopt;
}

std::optional<Value> text_method(const Value& value, std::string_view name, const Arguments& arguments,
                                 Budget& budget) {
    const Text& text = *value.text();
    budget.pay_bytes(text.weight());
    if (name == "strip" || name == "lstrip" || name == "rstrip") {
        const Value* set = arguments.find(0, "chars");
        const Text* characters = set != nullptr && !set->is_none() ? &arguments.require_text(0, "chars") : nullptr;
        if (characters != nullptr && characters->size() > 64) fail("strip: too many characters");
        return Value(stripped(text, characters, name != "rstrip", name != "lstrip"));
    }
    if (name == "split") return split(text, arguments, budget);
    if (name == "rsplit") return rsplit(text, arguments, budget);
    if (name == "splitlines") return splitlines(text, budget);
    if (name == "startswith") return Value(touches(text, arguments.require(0, "prefix"), true));
    if (name == "endswith") return Value(touches(text, arguments.require(0, "suffix"), false));
    if (name == "upper") return Value(with_case(text, Case::Upper));
    if (name == "lower") return Value(with_case(text, Case::Lower));
    if (name == "capitalize") return Value(with_case(text, Case::Capital));
    if (name == "title") return Value(with_case(text, Case::Title));
    if (name == "find") return found(text, arguments.require_text(0, "sub"), false);
    if (name == "rfind") return found(text, arguments.require_text(0, "sub"), true);
    if (name == "count") return count_of(text, arguments.require_text(0, "sub"));
    if (name == "join") return joined(arguments.require(0, "iterable"), text, {}, budget);
    if (name == "replace") {
        return Value(replaced(text, arguments.require_text(0, "old"), arguments.require_text(1, "new"),
                              arguments.integer_or(2, "count", -1), budget));
    }
    if (name == "removeprefix" || name == "removesuffix") {
        const Text& part = arguments.require_text(0, "part");
        const bool start = name == "removeprefix";
        if (!touches(text, arguments.require(0, "part"), start)) return value;
        return Value(start ? text.part(part.size(), text.size()) : text.part(0, text.size() - part.size()));
    }
    return question(text, name);
}

std::optional<Value> dict_method(const Value& value, std::string_view name, const Arguments& arguments,
                                 Budget& budget) {
    const Dict& dict = *value.dict();
    if (name == "items") return pairs_of(dict, budget);
    if (name == "get") {
        const Value& key = arguments.require(0, "key");
        const Value* member = key.text() != nullptr ? dict.find(key.text()->bytes()) : nullptr;
        if (member != nullptr) return *member;
        const Value* otherwise = arguments.find(1, "default");
        return otherwise != nullptr ? *otherwise : Value::none();
    }
    if (name != "keys" && name != "values") return std::nullopt;
    List out;
    for (const Dict::Member& member : dict.members()) {
        budget.pay_bytes(member.name.weight());
        out.push_back(name == "keys" ? Value(member.name) : member.value);
    }
    return Value::list(std::move(out));
}

std::optional<Value> list_method(const Value& value, std::string_view name, const Arguments& arguments,
                                 Budget& budget) {
    if (name == "append" || name == "extend" || name == "insert" || name == "pop" || name == "remove") {
        fail("lists cannot be changed: ." + std::string(name) + "() is not supported");
    }
    if (name != "index" && name != "count") return std::nullopt;
    const Value& wanted = arguments.require(0, "value");
    std::size_t count = 0;
    for (std::size_t i = 0; i < value.list()->size(); ++i) {
        if (!equal((*value.list())[i], wanted, budget)) continue;
        if (name == "index") return Value::integer(i);
        ++count;
    }
    if (name == "index") fail("index: not in the list");
    return Value::integer(count);
}

}  // namespace

std::optional<Value> call_method(const Value& value, std::string_view name, const Arguments& arguments,
                                 Budget& budget) {
    if (value.text() != nullptr) return text_method(value, name, arguments, budget);
    if (value.dict() != nullptr) return dict_method(value, name, arguments, budget);
    if (value.list() != nullptr) return list_method(value, name, arguments, budget);
    return std::nullopt;
}

}  // namespace sluice::local_engine::jinja
