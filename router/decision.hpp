// The record of one request: what was found, which rule applied, what was tried, what it cost. It holds types, offsets,
// names and numbers, never text of the prompt or the answer.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/caller.hpp"
#include "core/finding.hpp"
#include "core/usage.hpp"
#include "policies/team_policy.hpp"
#include "router/client_reply.hpp"

namespace sluice::router {

enum class Outcome { Served, CacheHit, Blocked, OverBudget, Refused, Failed, Cancelled };

std::string_view to_string(Outcome outcome);
std::string_view to_string(CacheStatus status);
// The code clients and records see: "budget_exceeded", "upstream_failed", ...
std::string_view to_string(core::Errc code);

struct AttemptRecord {
    std::string target;
    std::string result;  // "ok" or an error code
    int upstream_status = 0;
    std::int64_t microseconds = 0;
    core::NanoUsd charge;
};

struct Decision {
    std::string id;
    std::string request_id;
    std::int64_t unix_nanoseconds = 0;
    core::TeamId team;
    std::string team_name;
    core::KeyId key;
    std::string key_name;
    std::string model;  // as asked for
    bool stream = false;

    core::DataClass data_class = core::DataClass::Restricted;
    std::string reason;  // what made it that class
    std::optional<core::DataClass> declared;
    std::vector<core::Finding> findings;

    std::optional<core::DataClass> conversation;  // what earlier turns were, when that is more than public
    std::map<std::string, int> masked;            // places masked before the cloud saw the request, by type
    std::size_t restored = 0;                     // placeholders put back into the answer
    std::vector<core::Finding> response_findings;  // sensitive data that came with the answer; part "/choices"
    policies::ResponseScan response_scan = policies::ResponseScan::Off;

    core::Action action = core::Action::Block;
    std::string rule;
    std::string policy_version;  // of the rules it was made with
    std::string note;
    std::vector<std::string> plan;                                // target names in order
    std::vector<std::pair<std::string, std::string>> exclusions;  // target name, reason
    std::vector<AttemptRecord> attempts;

    Outcome outcome = Outcome::Failed;
    std::string error;  // error code, empty when served
    CacheStatus cache = CacheStatus::Off;
    std::string target;  // that served, empty when none
    core::Zone zone = core::Zone::Local;
    core::NanoUsd hold;
    core::NanoUsd cost;
    core::Usage usage;
    std::int64_t classify_microseconds = 0;
    std::int64_t total_microseconds = 0;
};

// The stored form; also what GET /v1/decisions/{id} answers.
std::string to_json(const Decision& decision);

}  // namespace sluice::router
