// Jinja's tests: what may stand after "is", and after the name of an attribute in selectattr.
#pragma once

#include "local_engine/chat_template/jinja/value.hpp"

#include <span>
#include <string_view>

namespace sluice::local_engine::jinja {

bool is_predicate(std::string_view name);

// Failure when `name` needs an operand that is not there. Pre: is_predicate(name).
bool holds(std::string_view name, const Value& value, std::span<const Value> arguments, Budget& budget);

// `item` lies in a list, is a member name of a dictionary or a part of a text.
bool contains(const Value& container, const Value& item, Budget& budget);

}  // namespace sluice::local_engine::jinja
