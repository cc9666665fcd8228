// Who is asking, as identified from the key. Immutable; shared by all requests of a key.
#pragma once

#include <optional>
#include <string>

#include "core/data_class.hpp"
#include "core/money.hpp"

namespace sluice::core {

struct TeamId {
    std::int64_t value = 0;
    friend auto operator<=>(const TeamId&, const TeamId&) = default;
};
struct KeyId {
    std::int64_t value = 0;
    friend auto operator<=>(const KeyId&, const KeyId&) = default;
};

struct Caps {
    std::optional<NanoUsd> daily;    // nullopt: no cap
    std::optional<NanoUsd> monthly;
    friend bool operator==(const Caps&, const Caps&) = default;
};

struct Caller {
    TeamId team;
    std::string team_name;
    KeyId key;
    std::string key_name;
    DataClass floor = DataClass::Public;  // no request of this team counts as less sensitive
    Caps team_caps;
    Caps key_caps;
};

}  // namespace sluice::core
