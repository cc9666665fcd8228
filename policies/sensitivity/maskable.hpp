// Which findings may be masked and sent, where in a request a placeholder may stand, and which combinations never
// leave.
#pragma once

#include "core/json.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policies {

enum class Masking : std::uint8_t {
    Mask,     // the value itself is what is sensitive: without it the text may go
    Never,    // S4: a live credential, a key, a card's security code, a diagnosis, privileged legal text
    Unknown,  // not on either list, or a sign of a sensitive text (a marking): masking the sign would not help
};
Masking masking_of(std::string_view finding_type);

// A step of the way to a text: a member's name, an element's position as text, "#" into JSON inside a string.
using JsonPath = std::vector<std::string>;

// RFC 6901, as core::Finding::part.
JsonPath parse_pointer(std::string_view pointer);

// True where free text stands that a model or a provider does not take literally: contents, reasoning, tool arguments
// and results, descriptions, metadata values, the end user's id. Names, enums, keys and numbers are not.
bool may_hold_placeholder(const JsonPath& path);

// The pointer for records and messages: names of members that Sluice does not know may be values themselves ("*").
std::string printable_pointer(std::string_view pointer);

// True when the text names a card's security code and gives one: with a card number it never leaves (PCI DSS 3.3).
bool gives_card_security_code(std::string_view text);

}  // namespace sluice::policies
