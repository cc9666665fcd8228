// Jinja's filters, the methods of Python's strings and dictionaries that templates call, and what both take.
#pragma once

#include "local_engine/chat_template/jinja/value.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::local_engine::jinja {

struct Arguments {
    std::vector<Value> values;
    std::vector<std::pair<std::string, Value>> named;

    // The value at `position` or called `name`; null when neither is there.
    const Value* find(std::size_t position, std::string_view name) const;
    const Value& require(std::size_t position, std::string_view name) const;  // Failure when absent
    const Text& require_text(std::size_t position, std::string_view name) const;
    std::int64_t integer_or(std::size_t position, std::string_view name, std::int64_t absent) const;
    bool flag_or(std::size_t position, std::string_view name, bool absent) const;
};

bool is_filter(std::string_view name);
// Pre: is_filter(name).
Value apply_filter(std::string_view name, const Value& value, const Arguments& arguments, Budget& budget);

// Methods of texts and dictionaries: nothing when the value has none of that name.
std::optional<Value> call_method(const Value& value, std::string_view name, const Arguments& arguments, Budget& budget);

// A member or item, Undefined when it is not there. `attribute` may be a path, "function.name".
Value member_of(const Value& value, std::string_view name);
Value attribute_of(const Value& value, std::string_view path);
Value item_of(const Value& value, const Value& key);

// The items of a list, the names of a dictionary, the characters of a text.
List items_of(const Value& value, Budget& budget);

// Shared by filters and methods.
Text stripped(const Text& text, const Text* characters, bool left, bool right);
Text replaced(const Text& text, const Text& old_part, const Text& new_part, std::int64_t most, Budget& budget);
enum class Case { Upper, Lower, Capital, Title };
Text with_case(const Text& text, Case wanted);
Value joined(const Value& items, const Text& separator, std::string_view attribute, Budget& budget);
Value pairs_of(const Dict& dict, Budget& budget);

}  // namespace sluice::local_engine::jinja
