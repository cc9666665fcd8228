// A detected entity: its kind and place, never its text.
#pragma once

#include <cstdint>
#include <string>

#include "core/data_class.hpp"

namespace sluice::core {

struct Finding {
    std::string type;          // "CREDIT_CARD", "IBAN", "US_SSN", "EMAIL", "PRIVATE_KEY", "ORG_TERM", ...
    std::int32_t message = -1;  // index into messages, -1 when the part is elsewhere in the request
    std::string part;          // JSON pointer of the text part: "/messages/2/content"
    std::uint32_t begin = 0;   // byte offsets in the original text of that part, half open
    std::uint32_t end = 0;
    double score = 0;          // 0..1
    std::string detector;      // "luhn", "mod97", "prefix", "dictionary", ...
    DataClass data_class = DataClass::Internal;  // what this finding alone makes of a request
};

}  // namespace sluice::core
