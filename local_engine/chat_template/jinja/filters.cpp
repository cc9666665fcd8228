#include "local_engine/chat_template/jinja/filters.hpp"

#include "local_engine/chat_template/jinja/predicates.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace sluice::local_engine::jinja {

const Value* Arguments::find(std::size_t position, std::string_view name) const {
    if (position < values.size()) return &values[position];
    for (const auto& [given, value] : named) {
        if (given == name) return &value;
    }
    return nullptr;
}
const Value& Arguments::require(std::size_t position, std::string_view name) const {
    const Value* value = find(position, name);
    if (value == nullptr) fail("the argument \"" + std::string(name) + "\" is missing");
    return *value;
}
const Text& Arguments::require_text(std::size_t position, std::string_view name) const {
    const Value& value = require(position, name);
    if (value.text() == nullptr) fail("the argument \"" + std::string(name) + "\" is not a string");
    return *value.text();
}
std::int64_t Arguments::integer_or(std::size_t position, std::string_view name, std::int64_t absent) const {
    const Value* value = find(position, name);
    if (value == nullptr || value->is_none()) return absent;
    if (const auto* number = value->as<std::int64_t>()) return *number;
    if (const auto* flag = value->as<bool>()) return *flag ? 1 : 0;
    fail("the argument \"" + std::string(name) + "\" is not a whole number");
}
bool Arguments::flag_or(std::size_t position, std::string_view name, bool absent) const {
    const Value* value = find(position, name);
    return value != nullptr ? value->truthy() : absent;
}

Value member_of(const Value& value, std::string_view name) {
    if (const Dict* dict = value.dict()) {
        const Value* member = dict->find(name);
        if (member != nullptr) return *member;
    }
    if (value.undefined()) fail("a value that is not defined has no \"" + std::string(name) + "\"");
    return Value();
}

Value attribute_of(const Value& value, std::string_view path) {
    Value at = value;
    while (!path.empty()) {
        const std::size_t dot = std::min(path.find('.'), path.size());
        const std::string_view name = path.substr(0, dot);
        std::int64_t index = 0;
        const bool number =
            std::from_chars(name.data(), name.data() + name.size(), index).ptr == name.data() + name.size();
        at = number && at.list() != nullptr ? item_of(at, Value(index)) : member_of(at, name);
        path.remove_prefix(std::min(dot + 1, path.size()));
    }
    return at;
}

Value item_of(const Value& value, const Value& key) {
    if (const Text* name = key.text()) {
        if (value.dict() != nullptr || value.undefined()) return member_of(value, name->bytes());
        return Value();
    }
    const auto* number = key.as<std::int64_t>();
    if (number == nullptr) return Value();
    if (const List* list = value.list()) {
        const auto size = static_cast<std::int64_t>(list->size());
        const std::int64_t at = *number < 0 ? *number + size : *number;
        return at >= 0 && at < size ? (*list)[static_cast<std::size_t>(at)] : Value();
    }
    if (const Text* text = value.text()) {
        const auto offsets = character_offsets(text->bytes());
        const auto size = static_cast<std::int64_t>(offsets.size()) - 1;
        const std::int64_t at = *number < 0 ? *number + size : *number;
        if (at < 0 || at >= size) return Value();
        const auto i = static_cast<std::size_t>(at);
        return Value(text->part(offsets[i], offsets[i + 1]));
    }
    if (value.undefined()) fail("a value that is not defined has no items");
    return Value();
}

List items_of(const Value& value, Budget& budget) {
    if (const List* list = value.list()) {
        budget.pay(list->size());
        return *list;
    }
    List items;
    if (const Dict* dict = value.dict()) {
        for (const Dict::Member& member : dict->members()) {
            budget.pay_bytes(member.name.weight());
            items.emplace_back(member.name);
        }
    } else if (const Text* text = value.text()) {
        const auto offsets = character_offsets(text->bytes());
        for (std::size_t i = 0; i + 1 < offsets.size(); ++i) {
            budget.pay(8);
            items.emplace_back(text->part(offsets[i], offsets[i + 1]));
        }
    } else if (!value.undefined()) {
        fail("a " + std::string(value.type_name()) + " has no items");
    }
    return items;
}

namespace {

using Filter = Value (*)(const Value& value, const Arguments& arguments, Budget& budget);

std::string_view attribute_name(const Arguments& arguments, std::size_t position = SIZE_MAX) {
    const Value* name = arguments.find(position, "attribute");
    return name != nullptr && name->text() != nullptr ? std::string_view(name->text()->bytes()) : std::string_view();
}

Value tojson(const Value& value, const Arguments& arguments, Budget& budget) {
    JsonStyle style;
    style.indent = static_cast<int>(std::clamp<std::int64_t>(arguments.integer_or(0, "indent", -1), -1, 16));
    style.sort_keys = arguments.flag_or(SIZE_MAX, "sort_keys", false);
    style.ascii = arguments.flag_or(SIZE_MAX, "ensure_ascii", false);
    if (const Value* pair = arguments.find(SIZE_MAX, "separators"); pair != nullptr && !pair->is_none()) {
        const List* both = pair->list();
        if (both == nullptr || both->size() != 2 || !(*both)[0].text() || !(*both)[1].text()) {
            fail("tojson: separators must be two strings");
        }
        style.item_separator = (*both)[0].text()->bytes().substr(0, 16);
        style.key_separator = (*both)[1].text()->bytes().substr(0, 16);
    }
    return Value(to_json(value, style, budget));
}

Value length(const Value& value, const Arguments&, Budget& budget) {
    if (const Text* text = value.text()) {
        budget.pay_bytes(text->size());
        return Value::integer(length_of(text->bytes()));
    }
    if (const List* list = value.list()) return Value::integer(list->size());
    if (const Dict* dict = value.dict()) return Value::integer(dict->size());
    // Also of none: templates ask a message without content for its length.
    if (value.undefined() || value.is_none()) return Value(std::int64_t{0});
    fail("a " + std::string(value.type_name()) + " has no length");
}

Value trim(const Value& value, const Arguments& arguments, Budget& budget) {
    const Value* set = arguments.find(0, "chars");
    const Text* characters = set != nullptr && set->text() != nullptr ? set->text() : nullptr;
    if (characters != nullptr && characters->size() > 64) fail("trim: too many characters");
    return Value(stripped(to_text(value, budget), characters, true, true));
}

Value join(const Value& value, const Arguments& arguments, Budget& budget) {
    const Value* separator = arguments.find(0, "d");
    return joined(value, separator != nullptr ? to_text(*separator, budget) : Text(), attribute_name(arguments, 1),
                  budget);
}

Value items(const Value& value, const Arguments&, Budget& budget) {
    if (value.undefined()) return Value::list({});
    if (value.dict() == nullptr) fail("items: not a dictionary");
    return pairs_of(*value.dict(), budget);
}

Value as_list(const Value& value, const Arguments&, Budget& budget) {
    return Value::list(items_of(value, budget));
}

Value as_string(const Value& value, const Arguments&, Budget& budget) {
    return value.text() != nullptr ? value : Value(to_text(value, budget));
}

Value unchanged(const Value& value, const Arguments&, Budget&) {
    return value;
}

Value otherwise(const Value& value, const Arguments& arguments, Budget&) {
    const bool replaces = value.undefined() || (arguments.flag_or(1, "boolean", false) && !value.truthy());
    if (!replaces) return value;
    const Value* given = arguments.find(0, "default_value");
    return given != nullptr ? *given : Value(Text());
}

template <Case Wanted>
Value cased(const Value& value, const Arguments&, Budget& budget) {
    return Value(with_case(to_text(value, budget), Wanted));
}

Value first(const Value& value, const Arguments&, Budget& budget) {
    if (value.list() != nullptr || value.text() != nullptr) return item_of(value, Value(std::int64_t{0}));
    const List all = items_of(value, budget);
    return all.empty() ? Value() : all.front();
}
Value last(const Value& value, const Arguments&, Budget& budget) {
    if (value.list() != nullptr || value.text() != nullptr) return item_of(value, Value(std::int64_t{-1}));
    const List all = items_of(value, budget);
    return all.empty() ? Value() : all.back();
}

Value reverse(const Value& value, const Arguments&, Budget& budget) {
    List all = items_of(value, budget);
    std::reverse(all.begin(), all.end());
    if (value.text() == nullptr) return Value::list(std::move(all));
    return joined(Value::list(std::move(all)), Text(), {}, budget);
}

Value replace(const Value& value, const Arguments& arguments, Budget& budget) {
    return Value(replaced(to_text(value, budget), arguments.require_text(0, "old"), arguments.require_text(1, "new"),
                          arguments.integer_or(2, "count", -1), budget));
}

Value to_integer(const Value& value, const Arguments& arguments, Budget&) {
    if (const auto* number = value.as<std::int64_t>()) return Value(*number);
    if (const auto* flag = value.as<bool>()) return Value(std::int64_t{*flag ? 1 : 0});
    const std::int64_t absent = arguments.integer_or(0, "default", 0);
    double number = NAN;
    if (const auto* given = value.as<double>()) number = *given;
    if (const Text* text = value.text()) {
        const std::string& bytes = text->bytes();
        if (std::from_chars(bytes.data(), bytes.data() + bytes.size(), number).ptr != bytes.data() + bytes.size()) {
            return Value(absent);
        }
    }
    return std::fabs(number) < 9e18 ? Value(static_cast<std::int64_t>(number)) : Value(absent);
}

Value to_float(const Value& value, const Arguments&, Budget&) {
    if (const auto* number = value.as<std::int64_t>()) return Value(static_cast<double>(*number));
    if (value.as<double>() != nullptr) return value;
    double number = 0;
    if (const Text* text = value.text()) {
        std::from_chars(text->bytes().data(), text->bytes().data() + text->size(), number);
    }
    return Value(number);
}

Value absolute(const Value& value, const Arguments&, Budget&) {
    if (const auto* number = value.as<std::int64_t>())
        return Value(*number < 0 && *number != INT64_MIN ? -*number : *number);
    if (const auto* number = value.as<double>()) return Value(std::fabs(*number));
    fail("abs: not a number");
}

Value rounded(const Value& value, const Arguments& arguments, Budget& budget) {
    const Value number = to_float(value, arguments, budget);
    const double scale =
        std::pow(10.0, static_cast<double>(std::clamp<std::int64_t>(arguments.integer_or(0, "precision", 0), -15, 15)));
    return Value(std::nearbyint(*number.as<double>() * scale) / scale);
}

Value map(const Value& value, const Arguments& arguments, Budget& budget) {
    List out;
    const Value* by_attribute = arguments.find(SIZE_MAX, "attribute");
    const Value* absent = arguments.find(SIZE_MAX, "default");
    for (const Value& item : items_of(value, budget)) {
        if (by_attribute != nullptr) {
            Value found = attribute_of(item, attribute_name(arguments));
            out.push_back(found.undefined() && absent != nullptr ? *absent : std::move(found));
            continue;
        }
        const Text& name = arguments.require_text(0, "filter");
        if (!is_filter(name.bytes()) || name.bytes() == "map") fail("map: no filter of that name");
        out.push_back(apply_filter(name.bytes(), item,
                                   {{arguments.values.begin() + 1, arguments.values.end()}, arguments.named}, budget));
    }
    return Value::list(std::move(out));
}

// select and reject, with `by_attribute` selectattr and rejectattr.
Value chosen(const Value& value, const Arguments& arguments, Budget& budget, bool by_attribute, bool keep) {
    const std::size_t test_at = by_attribute ? 1 : 0;
    List out;
    for (const Value& item : items_of(value, budget)) {
        const Value subject = by_attribute ? attribute_of(item, arguments.require_text(0, "attribute").bytes()) : item;
        bool fits = subject.truthy();
        if (arguments.values.size() > test_at) {
            const std::string& test = arguments.require_text(test_at, "test").bytes();
            if (!is_predicate(test)) fail("no test of that name");
            fits = holds(test, subject, std::span(arguments.values).subspan(test_at + 1), budget);
        }
        if (fits == keep) out.push_back(item);
    }
    return Value::list(std::move(out));
}
template <bool ByAttribute, bool Keep>
Value choose(const Value& value, const Arguments& arguments, Budget& budget) {
    return chosen(value, arguments, budget, ByAttribute, Keep);
}

// Texts are compared without regard to case unless told otherwise, as Jinja does.
Value sort_key(const Value& item, std::string_view attribute, bool exact_case) {
    Value key = attribute.empty() ? item : attribute_of(item, attribute);
    return key.text() != nullptr && !exact_case ? Value(with_case(*key.text(), Case::Lower)) : key;
}

Value sort(const Value& value, const Arguments& arguments, Budget& budget) {
    std::vector<std::pair<Value, Value>> keyed;
    for (const Value& item : items_of(value, budget)) {
        keyed.emplace_back(sort_key(item, attribute_name(arguments, 2), arguments.flag_or(1, "case_sensitive", false)),
                           item);
    }
    const bool falling = arguments.flag_or(0, "reverse", false);
    std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
        budget.pay_bytes(a.first.text() != nullptr ? a.first.text()->size() : 0);
        return falling ? compare(b.first, a.first) < 0 : compare(a.first, b.first) < 0;
    });
    List out;
    for (auto& [key, item] : keyed) out.push_back(std::move(item));
    return Value::list(std::move(out));
}

Value dictsort(const Value& value, const Arguments&, Budget& budget) {
    if (value.dict() == nullptr) fail("dictsort: not a dictionary");
    Arguments by_name;
    by_name.named.emplace_back("attribute", Value(Text("0")));
    return sort(pairs_of(*value.dict(), budget), by_name, budget);
}

Value unique(const Value& value, const Arguments& arguments, Budget& budget) {
    List keys, out;
    for (const Value& item : items_of(value, budget)) {
        Value key = sort_key(item, attribute_name(arguments, 1), arguments.flag_or(0, "case_sensitive", false));
        if (contains(Value::list(keys), key, budget)) continue;
        budget.pay(keys.size());
        keys.push_back(std::move(key));
        out.push_back(item);
    }
    return Value::list(std::move(out));
}

template <int Sign>
Value extreme(const Value& value, const Arguments& arguments, Budget& budget) {
    Value best;
    for (const Value& item : items_of(value, budget)) {
        const std::string_view attribute = attribute_name(arguments, 1);
        if (best.undefined() || compare(sort_key(item, attribute, false), sort_key(best, attribute, false)) * Sign > 0)
            best = item;
    }
    return best;
}

Value sum(const Value& value, const Arguments& arguments, Budget& budget) {
    std::int64_t whole = 0;
    double total = 0;
    bool fraction = false;
    for (const Value& item : items_of(value, budget)) {
        const std::string_view attribute = attribute_name(arguments, 0);
        const Value number = attribute.empty() ? item : attribute_of(item, attribute);
        if (const auto* integer = number.as<std::int64_t>()) {
            if (__builtin_add_overflow(whole, *integer, &whole)) fail("sum: too large");
            total += static_cast<double>(*integer);
        } else if (const auto* real = number.as<double>()) {
            fraction = true;
            total += *real;
        } else {
            fail("sum: not a number");
        }
    }
    return fraction ? Value(total) : Value(whole);
}

Value indent(const Value& value, const Arguments& arguments, Budget& budget) {
    const auto width = static_cast<std::size_t>(std::clamp<std::int64_t>(arguments.integer_or(0, "width", 4), 0, 64));
    const bool first_line = arguments.flag_or(1, "first", false);
    const bool blank = arguments.flag_or(2, "blank", false);
    const Text text = to_text(value, budget);
    const std::string margin(width, ' ');
    Text out;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.bytes().find('\n', at), text.size());
        budget.pay_bytes(end - at + width);
        const bool indented = at == 0 ? first_line : (blank || end > at);
        if (indented) out.append(margin, Origin::Template);
        out.append(text, at, std::min(end + 1, text.size()));
        at = end + 1;
    }
    return Value(std::move(out));
}

Value escape(const Value& value, const Arguments&, Budget& budget) {
    Text text = to_text(value, budget);
    for (const auto& [plain, escaped] :
         {std::pair{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"'", "&#39;"}, {"\"", "&#34;"}}) {
        text = replaced(text, Text(plain), Text(escaped), -1, budget);
    }
    return Value(std::move(text));
}

struct Named {
    std::string_view name;
    Filter filter;
};

constexpr std::array kFilters = {
    Named{"tojson", tojson},
    Named{"length", length},
    Named{"count", length},
    Named{"trim", trim},
    Named{"join", join},
    Named{"items", items},
    Named{"list", as_list},
    Named{"string", as_string},
    Named{"safe", unchanged},
    Named{"default", otherwise},
    Named{"d", otherwise},
    Named{"upper", cased<Case::Upper>},
    Named{"lower", cased<Case::Lower>},
    Named{"capitalize", cased<Case::Capital>},
    Named{"title", cased<Case::Title>},
    Named{"first", first},
    Named{"last", last},
    Named{"reverse", reverse},
    Named{"replace", replace},
    Named{"int", to_integer},
    Named{"float", to_float},
    Named{"abs", absolute},
    Named{"round", rounded},
    Named{"map", map},
    Named{"select", choose<false, true>},
    Named{"reject", choose<false, false>},
    Named{"selectattr", choose<true, true>},
    Named{"rejectattr", choose<true, false>},
    Named{"sort", sort},
    Named{"dictsort", dictsort},
    Named{"unique", unique},
    Named{"min", extreme<-1>},
    Named{"max", extreme<1>},
    Named{"sum", sum},
    Named{"indent", indent},
    Named{"escape", escape},
    Named{"e", escape},
};

const Named* find(std::string_view name) {
    const auto* found =
        std::find_if(kFilters.begin(), kFilters.end(), [&](const Named& one) { return one.name == name; });
    return found == kFilters.end() ? nullptr : found;
}

}  // namespace

bool is_filter(std::string_view name) {
    return find(name) != nullptr;
}

Value apply_filter(std::string_view name, const Value& value, const Arguments& arguments, Budget& budget) {
    budget.pay(1);
    return find(name)->filter(value, arguments, budget);
}

}  // namespace sluice::local_engine::jinja
