// What each team may do with each data class. Immutable once built; shared by all event loops.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/data_class.hpp"
#include "core/money.hpp"
#include "core/result.hpp"
#include "policies/sensitivity/finding_rules.hpp"

namespace sluice::policies {

// What `redact` does beyond masking.
struct RedactRules {
    core::Action otherwise = core::Action::Local;  // Local or Block: requests that cannot be masked (redactor.hpp)
    bool sticky = false;  // keep a conversation's values, encrypted, so that its placeholders stay the same
    friend bool operator==(const RedactRules&, const RedactRules&) = default;
};

// What is remembered of private conversations: keyed hashes of their messages with the class, never text.
struct MemoryRules {
    enum class Store : std::uint8_t { Off, Process, Redis };  // only Redis outlives the process and is shared by replicas
    Store store = Store::Process;
    std::chrono::seconds keep{24 * 3600};  // also of sticky values
    core::DataClass unreachable = core::DataClass::Restricted;  // of a request when the store cannot be asked
    friend bool operator==(const MemoryRules&, const MemoryRules&) = default;
};

// What happens to sensitive data in a cloud's answer that was not in the request.
enum class ResponseScan : std::uint8_t { Off, Flag, Mask };

struct TeamPolicy {
    // Indexed by core::DataClass. What is not surely harmless stays on this machine.
    std::array<core::Action, 4> action_of{core::Action::Cloud, core::Action::Cloud, core::Action::Local, core::Action::Local};
    core::DataClass attachments = core::DataClass::Restricted;  // of content that cannot be read: images, audio, files
    core::Tokens default_max_tokens = 1024;                     // completion limit when a request names none
    core::Tokens most_max_tokens = 8192;                        // requests above it are clamped
    RedactRules redact = {};
    MemoryRules memory = {};
    ResponseScan responses = ResponseScan::Off;
    FindingRules findings = {};  // over those of all teams
    std::string name = "default";

    core::Action action(core::DataClass data_class) const { return action_of[static_cast<std::size_t>(data_class)]; }
    // For decisions: "default: restricted -> local".
    std::string rule_name(core::DataClass data_class) const;
    friend bool operator==(const TeamPolicy&, const TeamPolicy&) = default;
};

class PolicyBook {
public:
    PolicyBook() = default;
    // InvalidRequest when a policy asks for what cannot be done; the field names the entry. A less sensitive class treated
    // more strictly than a more sensitive one is allowed; masking public data is not: there would be nothing to mask.
    static core::Result<PolicyBook> make(TeamPolicy fallback, std::map<std::string, TeamPolicy, std::less<>> teams);

    const TeamPolicy& for_team(std::string_view team) const;
    // Changes whenever a rule changes; part of every cache key.
    std::string version() const;

private:
    TeamPolicy fallback_;
    std::map<std::string, TeamPolicy, std::less<>> teams_;
};

}  // namespace sluice::policies
