// Bytes -> one bounded YAML tree. The limits hold before anything walks the tree: aliases are refused (an alias bomb is
// a small file that is a huge tree), as are tags, a second document, deep nesting, and keys that are lists or given
// twice.
#pragma once

#include "core/result.hpp"

#include <yaml-cpp/yaml.h>

#include <string_view>

namespace sluice::gateway {

inline constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxConfigDepth = 16;
inline constexpr std::size_t kMaxConfigValues = 50'000;

struct YamlDocument {
    YAML::Node root;  // a map
};

// Errors: InvalidRequest or TooLarge; the detail has "line N, column M" and no text of the file.
// An empty file is an empty map.
core::Result<YamlDocument> parse_yaml(std::string_view bytes);

}  // namespace sluice::gateway
