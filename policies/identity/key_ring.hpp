// Which key is whose, in memory: one immutable snapshot, replaced when identity.db changes.
#pragma once

#include "core/caller.hpp"
#include "core/result.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string_view>

namespace sluice::policies {

class KeyRing {
public:
    // Reads every valid key. `every`: how often a thread of its own looks for changes; zero: nobody but
    // refresh_if_changed().
    static core::Result<std::unique_ptr<KeyRing>> open(const std::filesystem::path& directory,
                                                       std::chrono::milliseconds every = std::chrono::milliseconds{
                                                           250});
    KeyRing(const KeyRing&) = delete;
    KeyRing& operator=(const KeyRing&) = delete;
    ~KeyRing();

    // Null when unknown, revoked or malformed; the same work in all cases: one HMAC over the whole token, one lookup by
    // the full digest, one comparison in constant time. Thread-safe, does no I/O.
    std::shared_ptr<const core::Caller> authenticate(std::string_view token) const;

    // Reads identity.db again if another connection has changed it. True: a new snapshot serves. An error keeps the
    // last good snapshot. Thread-safe.
    core::Result<bool> refresh_if_changed();

    std::size_t size() const;  // valid keys

private:
    struct State;
    explicit KeyRing(std::unique_ptr<State> state);
    void watch(std::chrono::milliseconds every);
    std::unique_ptr<State> state_;
};

}  // namespace sluice::policies
