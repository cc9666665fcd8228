#include "core/data_class.hpp"

#include <array>
#include <cstddef>

namespace sluice::core {
namespace {

constexpr std::array<std::string_view, 4> kDataClasses{"public", "internal", "confidential", "restricted"};
constexpr std::array<std::string_view, 2> kZones{"local", "cloud"};
constexpr std::array<std::string_view, 4> kActions{"cloud", "redact", "local", "block"};

template <class Enum, std::size_t N>
std::optional<Enum> parse(const std::array<std::string_view, N>& names, std::string_view text) {
    for (std::size_t i = 0; i < N; ++i)
        if (names[i] == text) return static_cast<Enum>(i);
    return std::nullopt;
}

}  // namespace

std::string_view to_string(DataClass value) { return kDataClasses.at(static_cast<std::size_t>(value)); }
std::string_view to_string(Zone value) { return kZones.at(static_cast<std::size_t>(value)); }
std::string_view to_string(Action value) { return kActions.at(static_cast<std::size_t>(value)); }
std::optional<DataClass> parse_data_class(std::string_view text) { return parse<DataClass>(kDataClasses, text); }
std::optional<Zone> parse_zone(std::string_view text) { return parse<Zone>(kZones, text); }
std::optional<Action> parse_action(std::string_view text) { return parse<Action>(kActions, text); }

}  // namespace sluice::core
