#include "policies/ledger/budget.hpp"

#include "policies/ledger/clock.hpp"

#include <algorithm>
#include <string>

namespace sluice::policies {

namespace {

using core::Errc;
using core::Error;
using core::NanoUsd;
using core::Result;

std::string resets_at(bool monthly, std::int32_t day) {
    const std::int32_t next = monthly ? first_day_of_month(month_of_day(day) + 1) : day + 1;
    return format_utc(start_of_day(next));
}

}  // namespace

Budget::Totals& Budget::window(std::vector<Window>& windows, std::int32_t label) {
    for (auto at = windows.rbegin(); at != windows.rend(); ++at)
        if (at->label == label) return at->totals;
    const auto place = std::ranges::upper_bound(windows, label, {}, &Window::label);
    return windows.insert(place, Window{.label = label})->totals;
}

void Budget::restore(core::TeamId team, core::KeyId key, std::int32_t day, NanoUsd spent) {
    const std::lock_guard lock{mutex_};
    const std::int32_t month = month_of_day(day);
    for (Scope* scope : {&teams_[team.value], &keys_[key.value]}) {
        auto& daily = window(scope->days, day);
        daily.spent = daily.spent + spent;
        auto& monthly = window(scope->months, month);
        monthly.spent = monthly.spent + spent;
    }
}

struct Budget::Check {
    const char* scope;
    bool monthly;
    const std::optional<NanoUsd>& cap;
    Totals* totals;
};

Result<void> Budget::check(const Check& check, NanoUsd amount, std::int32_t day) {
    const NanoUsd would_be = check.totals->spent + check.totals->held + amount;
    if (would_be == NanoUsd::max())
        return Error{Errc::BudgetExceeded, "this request may cost more than can be counted"};
    if (!check.cap || would_be <= *check.cap) return {};
    return Error{Errc::BudgetExceeded, std::string{check.monthly ? "monthly" : "daily"} + " budget of this " +
                                           check.scope + ": cap " + format_usd(*check.cap) + " USD, spent " +
                                           format_usd(check.totals->spent) + ", open holds " +
                                           format_usd(check.totals->held) + ", this request may cost " +
                                           format_usd(amount) + "; resets " + resets_at(check.monthly, day)};
}

Result<void> Budget::reserve(const core::Caller& caller, NanoUsd amount, std::int32_t day) {
    if (amount.value < 0) return Error{Errc::Internal, "a hold cannot be negative"};
    const std::lock_guard lock{mutex_};
    if (day < first_day_)
        return Error{Errc::Unavailable, "the clock says " + format_day(day) + ", before the spend this process knows"};
    Scope& team = teams_[caller.team.value];
    Scope& key = keys_[caller.key.value];
    const std::int32_t month = month_of_day(day);
    const Check checks[] = {{"team", false, caller.team_caps.daily, &window(team.days, day)},
                            {"team", true, caller.team_caps.monthly, &window(team.months, month)},
                            {"key", false, caller.key_caps.daily, &window(key.days, day)},
                            {"key", true, caller.key_caps.monthly, &window(key.months, month)}};
    for (const Check& scope : checks)
        if (auto passed = check(scope, amount, day); !passed) return passed;
    for (const Check& scope : checks) scope.totals->held = scope.totals->held + amount;
    open_holds_ = open_holds_ + amount;
    return {};
}

void Budget::settle(core::TeamId team, core::KeyId key, std::int32_t day, NanoUsd held, NanoUsd charge) {
    const std::lock_guard lock{mutex_};
    const std::int32_t month = month_of_day(day);
    for (Scope* scope : {&teams_[team.value], &keys_[key.value]}) {
        for (Totals* totals : {&window(scope->days, day), &window(scope->months, month)}) {
            totals->held = totals->held - held;
            totals->spent = totals->spent + charge;
        }
    }
    open_holds_ = open_holds_ - held;
}

NanoUsd Budget::open_holds() const {
    const std::lock_guard lock{mutex_};
    return open_holds_;
}

Budget::Totals Budget::team_day(core::TeamId team, std::int32_t day) const {
    const std::lock_guard lock{mutex_};
    const auto found = teams_.find(team.value);
    if (found == teams_.end()) return {};
    for (const auto& window : found->second.days)
        if (window.label == day) return window.totals;
    return {};
}

}  // namespace sluice::policies
