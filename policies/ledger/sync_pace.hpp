// How far apart a journal's syncs begin. A disk that syncs at its ease is never waited for; one that now and then takes long
// (rented ones stop serving for up to 100 ms once a quota of operations is used up) is asked less often, and each sync then
// carries more records: PostgreSQL's commit_delay, found by itself.
#pragma once

#include <algorithm>
#include <chrono>

namespace sluice::policies {

class SyncPace {
public:
    using Duration = std::chrono::nanoseconds;
    static constexpr Duration kMost = std::chrono::milliseconds{1};

    // What a sync took. The slowest of late counts, half forgotten after 5,678 syncs (8,192 ln 2).
    void note(Duration took) { slowest_ = std::max(took, slowest_ - slowest_ / 8192); }
    // From the beginning of one sync to that of the next, at least.
    Duration interval() const { return slowest_ < kSlow ? Duration{0} : std::min(kMost, slowest_ / 8); }

private:
    static constexpr Duration kSlow = std::chrono::milliseconds{2};
    Duration slowest_{0};
};

}  // namespace sluice::policies
