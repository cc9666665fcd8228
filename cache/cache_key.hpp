// Names a cached answer: a keyed hash over everything the answer may depend on, so that a key found in a log or in
// Redis says nothing about the prompt, and no team, data class or policy ever sees an answer made for another.
#pragma once

#include "core/caller.hpp"
#include "core/chat.hpp"
#include "core/crypto.hpp"
#include "core/data_class.hpp"

#include <string_view>

namespace sluice::cache {

// Whether an answer under a key may be handed to a store outside of this process (Redis).
enum class MayLeaveProcess { No, Yes };

class Key {
public:
    const core::Digest& digest() const { return digest_; }
    MayLeaveProcess may_leave_process() const { return reach_; }
    friend bool operator==(const Key&, const Key&) = default;

private:
    friend class KeyMaker;
    Key(const core::Digest& digest, MayLeaveProcess reach) : digest_(digest), reach_(reach) {}

    core::Digest digest_;
    MayLeaveProcess reach_;
};

// Immutable after construction: used by all event loops at once. With the same secret, replicas make the same keys.
class KeyMaker {
public:
    explicit KeyMaker(const core::Secret& secret);

    // `reach` is what policy says of the request; confidential and restricted requests get No whatever it says.
    // Two requests with equal fields in another order have the same key; every field but `stream_options` counts,
    // and of that only include_usage, because it decides which chunks the client gets.
    Key make(const core::ChatRequest& request, const core::Caller& caller, core::DataClass data_class,
             std::string_view policy_version, MayLeaveProcess reach) const;

private:
    core::Hmac hmac_;
};

}  // namespace sluice::cache
