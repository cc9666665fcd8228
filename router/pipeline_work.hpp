// Private to pipeline*.cpp: what the steps of one request share.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "router/pipeline.hpp"

namespace sluice::router {

struct Pipeline::Work {
    std::shared_ptr<const policies::PolicySet> rules;
    const policies::TeamPolicy& policy;  // of the rules
    Decision decision;
    Incoming incoming;
    std::optional<Recalled> recalled = std::nullopt;
    std::optional<core::Classified> classified = std::nullopt;
    std::optional<policies::Redacted> redacted = std::nullopt;  // what the cloud is sent instead, when policy redacts
    std::string unmaskable = {};                                // why there is no such thing
    AnswerText answer = {};
    Plan plan = {};
    std::optional<cache::Key> cache_key = std::nullopt;
    core::NanoUsd held = {};     // what the hold covers
    core::NanoUsd charged = {};  // by attempts so far
    core::Usage usage = {};      // sum over attempts
    std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();

    const core::ChatRequest& request() const { return *incoming.request; }
    const policies::Redacted* masked() const { return redacted ? &*redacted : nullptr; }
    policies::ClassifyContext context() const {
        return {.floor = incoming.caller->floor,
                .declared = incoming.declared,
                .attachments = policy.attachments,
                .conversation = recalled ? recalled->data_class() : core::DataClass::Public,
                .rules = &policy.findings};
    }
};

// What the client may know of the decision so far.
inline ReplyHead head_of(const Decision& decision) {
    return {.decision = decision.id, .target = decision.target, .zone = decision.zone, .data_class = decision.data_class, .cache = decision.cache};
}

inline std::int64_t microseconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace sluice::router
