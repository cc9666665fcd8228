// JSON as clients wrote it: member order is kept, because models follow the order of a schema's properties.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace sluice::core {

using Json = nlohmann::ordered_json;

// Bounds that keep parsing linear in time and shallow in stack: checked before a tree is built.
struct JsonLimits {
    std::size_t max_depth = 64;
    std::size_t max_members = 4096;   // per object; ordered objects are searched linearly
};

// Valid UTF-8 JSON within the limits, or an error that names a byte offset and no content.
Result<Json> parse_json(std::string_view text, JsonLimits limits = {});

// Compact text. Never throws: strings that are not UTF-8 have the bad bytes replaced.
std::string dump_json(const Json& value);

}  // namespace sluice::core
