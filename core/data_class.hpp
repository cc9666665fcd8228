// How sensitive a request is, where it may be served, and what a policy does with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::core {

enum class DataClass : std::uint8_t { Public, Internal, Confidential, Restricted };
enum class Zone : std::uint8_t { Local, Cloud };           // Local: this process, or an upstream the operator marked so
enum class Action : std::uint8_t { Cloud, Redact, Local, Block };

// Joining takes the more sensitive one.
constexpr DataClass join(DataClass a, DataClass b) { return a < b ? b : a; }

std::string_view to_string(DataClass value);  // "public", "internal", "confidential", "restricted"
std::string_view to_string(Zone value);       // "local", "cloud"
std::string_view to_string(Action value);     // "cloud", "redact", "local", "block"
std::optional<DataClass> parse_data_class(std::string_view text);
std::optional<Zone> parse_zone(std::string_view text);
std::optional<Action> parse_action(std::string_view text);

}  // namespace sluice::core
