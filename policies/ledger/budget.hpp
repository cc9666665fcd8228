// Caps, spend and open holds of every team and key, in memory. One reservation checks all four scopes (team and key,
// daily and monthly) in one atomic step: spend + open holds never exceed a cap.
//
// A window is a UTC day or month by its label, not "since the last reset": when the clock goes back, yesterday's spend
// is still yesterday's; when it comes again, today's is still today's. Nothing is ever reset. Thread-safe.
#pragma once

#include "core/caller.hpp"
#include "core/result.hpp"

#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace sluice::policies {

class Budget {
public:
    // `first_day`: spend is known from this day on; reservations before it are refused.
    explicit Budget(std::int32_t first_day) : first_day_(first_day) {}

    // Spend recorded earlier. Before serving.
    void restore(core::TeamId team, core::KeyId key, std::int32_t day, core::NanoUsd spent);

    // BudgetExceeded: names the scope, its cap, spend, open holds and when it resets. On error nothing has changed.
    core::Result<void> reserve(const core::Caller& caller, core::NanoUsd amount, std::int32_t day);
    // The reservation ends; `charge` of it is spent. charge <= held.
    void settle(core::TeamId team, core::KeyId key, std::int32_t day, core::NanoUsd held, core::NanoUsd charge);

    core::NanoUsd open_holds() const;
    // What a scope has spent and holds in a window; for tests and reports.
    struct Totals {
        core::NanoUsd spent;
        core::NanoUsd held;
    };
    Totals team_day(core::TeamId team, std::int32_t day) const;

private:
    struct Window {
        std::int32_t label = 0;  // day or month
        Totals totals = {};
    };
    struct Scope {
        std::vector<Window> days;  // newest last; few
        std::vector<Window> months;
    };
    using Scopes = std::unordered_map<std::int64_t, Scope>;

    static Totals& window(std::vector<Window>& windows, std::int32_t label);
    struct Check;
    static core::Result<void> check(const Check& check, core::NanoUsd amount, std::int32_t day);

    mutable std::mutex mutex_;
    const std::int32_t first_day_;
    Scopes teams_;
    Scopes keys_;
    core::NanoUsd open_holds_;
};

}  // namespace sluice::policies
