#include "local_engine/chat_template/jinja/predicates.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace sluice::local_engine::jinja {
namespace {

using Values = std::span<const Value>;
using Test = bool (*)(const Value& value, Values arguments, Budget& budget);

const Value& operand(Values arguments) {
    if (arguments.empty()) fail("a test lacks its operand");
    return arguments.front();
}

std::int64_t whole(const Value& value) {
    if (const auto* number = value.as<std::int64_t>()) return *number;
    if (const auto* flag = value.as<bool>()) return *flag ? 1 : 0;
    fail("a test needs a whole number");
}

bool all_letters(const Value& value, bool upper) {
    const Text* text = value.text();
    if (text == nullptr) return false;
    bool some = false;
    for (const char c : text->bytes()) {
        if ((c >= 'a' && c <= 'z' && upper) || (c >= 'A' && c <= 'Z' && !upper)) return false;
        some = some || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    }
    return some;
}

struct Named {
    std::string_view name;
    Test test;
};

bool equal_to(const Value& value, Values arguments, Budget& budget) {
    return equal(value, operand(arguments), budget);
}
bool not_equal_to(const Value& value, Values arguments, Budget& budget) {
    return !equal(value, operand(arguments), budget);
}
bool less(const Value& value, Values arguments, Budget&) {
    return compare(value, operand(arguments)) < 0;
}
bool less_equal(const Value& value, Values arguments, Budget&) {
    return compare(value, operand(arguments)) <= 0;
}
bool greater(const Value& value, Values arguments, Budget&) {
    return compare(value, operand(arguments)) > 0;
}
bool greater_equal(const Value& value, Values arguments, Budget&) {
    return compare(value, operand(arguments)) >= 0;
}
bool same(const Value& value, Values arguments, Budget& budget) {
    const Value& other = operand(arguments);
    return value.any().index() == other.any().index() && equal(value, other, budget);
}

const std::array kTests = {
    Named{"defined", [](const Value& v, Values, Budget&) { return !v.undefined(); }},
    Named{"undefined", [](const Value& v, Values, Budget&) { return v.undefined(); }},
    Named{"none", [](const Value& v, Values, Budget&) { return v.is_none(); }},
    Named{"null", [](const Value& v, Values, Budget&) { return v.is_none(); }},
    Named{"string", [](const Value& v, Values, Budget&) { return v.text() != nullptr; }},
    Named{"number", [](const Value& v, Values, Budget&) { return v.number() || v.as<bool>() != nullptr; }},
    Named{"integer", [](const Value& v, Values, Budget&) { return v.as<std::int64_t>() != nullptr; }},
    Named{"float", [](const Value& v, Values, Budget&) { return v.as<double>() != nullptr; }},
    Named{"boolean", [](const Value& v, Values, Budget&) { return v.as<bool>() != nullptr; }},
    Named{"mapping", [](const Value& v, Values, Budget&) { return v.as<SharedDict>() != nullptr; }},
    Named{"iterable", [](const Value& v, Values, Budget&) { return v.iterable() || v.undefined(); }},
    Named{"sequence", [](const Value& v, Values, Budget&) { return v.iterable() || v.undefined(); }},
    Named{"callable", [](const Value& v, Values, Budget&) { return v.callable(); }},
    Named{"true", [](const Value& v, Values, Budget&) { return v.as<bool>() != nullptr && v.truthy(); }},
    Named{"false", [](const Value& v, Values, Budget&) { return v.as<bool>() != nullptr && !v.truthy(); }},
    Named{"odd", [](const Value& v, Values, Budget&) { return whole(v) % 2 != 0; }},
    Named{"even", [](const Value& v, Values, Budget&) { return whole(v) % 2 == 0; }},
    Named{"divisibleby",
          [](const Value& v, Values arguments, Budget&) {
              const std::int64_t by = whole(operand(arguments));
              if (by == 0) fail("division by zero");
              return by == -1 || whole(v) % by == 0;
          }},
    Named{"lower", [](const Value& v, Values, Budget&) { return all_letters(v, false); }},
    Named{"upper", [](const Value& v, Values, Budget&) { return all_letters(v, true); }},
    Named{"in",
          [](const Value& v, Values arguments, Budget& budget) { return contains(operand(arguments), v, budget); }},
    Named{"sameas", same},
    Named{"equalto", equal_to},
    Named{"eq", equal_to},
    Named{"==", equal_to},
    Named{"ne", not_equal_to},
    Named{"!=", not_equal_to},
    Named{"lt", less},
    Named{"lessthan", less},
    Named{"<", less},
    Named{"le", less_equal},
    Named{"<=", less_equal},
    Named{"gt", greater},
    Named{"greaterthan", greater},
    Named{">", greater},
    Named{"ge", greater_equal},
    Named{">=", greater_equal},
};

const Named* find(std::string_view name) {
    const auto found = std::find_if(kTests.begin(), kTests.end(), [&](const Named& one) { return one.name == name; });
    return found == kTests.end() ? nullptr : &*found;
}

}  // namespace

bool is_predicate(std::string_view name) {
    return find(name) != nullptr;
}

bool holds(std::string_view name, const Value& value, std::span<const Value> arguments, Budget& budget) {
    budget.pay(1);
    const Named* test = find(name);
    if (test == nullptr) fail("no test is called \"" + std::string(name) + "\"");
    return test->test(value, arguments, budget);
}

bool contains(const Value& container, const Value& item, Budget& budget) {
    if (const Text* text = container.text()) {
        if (item.text() == nullptr) fail("only a string can lie in a string");
        budget.pay_bytes(text->size());
        return text->bytes().find(item.text()->bytes()) != std::string::npos;
    }
    if (const Dict* dict = container.dict()) {
        return item.text() != nullptr && dict->find(item.text()->bytes()) != nullptr;
    }
    if (const List* list = container.list()) {
        return std::any_of(list->begin(), list->end(), [&](const Value& one) { return equal(one, item, budget); });
    }
    if (container.undefined()) return false;
    fail("nothing can lie in a " + std::string(container.type_name()));
}

}  // namespace sluice::local_engine::jinja
