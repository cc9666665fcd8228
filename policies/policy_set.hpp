// Everything that decides about a request and may change while the gateway runs: one immutable value, made as a whole or
// not at all. A request takes one at its beginning and keeps it to its end; a reload hands out the next one.
#pragma once

#include "core/result.hpp"
#include "policies/sensitivity/classifier.hpp"
#include "policies/team_policy.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace sluice::policies {

class PolicySet {
public:
    // InvalidRequest: what PolicyBook::make() or OwnPatterns::check() refuses; the field is the key's path.
    // Costs what the dictionary costs: about a second for a million terms.
    static core::Result<std::shared_ptr<const PolicySet>> make(SensitivityConfig sensitivity, TeamPolicy fallback,
                                                               std::map<std::string, TeamPolicy, std::less<>> teams);
    PolicySet(Classifier classifier, PolicyBook book, std::string version)
        : classifier_(std::move(classifier)), book_(std::move(book)), version_(std::move(version)) {}

    const Classifier& classifier() const { return classifier_; }
    const TeamPolicy& for_team(std::string_view team) const { return book_.for_team(team); }
    // 16 hexadecimal digits over every rule, pattern and term: recorded with each decision, part of every cache key.
    const std::string& version() const { return version_; }

private:
    Classifier classifier_;
    PolicyBook book_;
    std::string version_;
};

// What is in force. Any thread.
class PolicyInForce {
public:
    explicit PolicyInForce(std::shared_ptr<const PolicySet> first) : current_(std::move(first)) {}

    std::shared_ptr<const PolicySet> get() const {
        const std::lock_guard lock{mutex_};
        return current_;
    }
    // Returns the one before. Whoever calls this keeps it until no request does (use_count() == 1): giving the memory of a
    // million terms back takes milliseconds, which no event loop has.
    [[nodiscard]] std::shared_ptr<const PolicySet> replace(std::shared_ptr<const PolicySet> next) {
        const std::lock_guard lock{mutex_};
        current_.swap(next);
        return next;
    }

private:
    mutable std::mutex mutex_;
    std::shared_ptr<const PolicySet> current_;
};

}  // namespace sluice::policies
