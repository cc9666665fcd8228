#include "policies/ledger/sync_pace.hpp"

#include <gtest/gtest.h>

namespace sluice::policies {
namespace {

using namespace std::chrono_literals;

TEST(SyncPace, AQuickDiskIsNeverWaitedFor) {
    SyncPace pace;
    EXPECT_EQ(pace.interval(), 0ns);
    for (int i = 0; i < 1000; ++i) pace.note(1999us);
    EXPECT_EQ(pace.interval(), 0ns);
}

TEST(SyncPace, ADiskThatStopsNowAndThenIsAskedOnceAMillisecondAtMost) {
    SyncPace pace;
    pace.note(4ms);
    EXPECT_EQ(pace.interval(), 500us);
    pace.note(100ms);
    EXPECT_EQ(pace.interval(), 1ms);
}

TEST(SyncPace, ForgetsAStopByAndBy) {
    SyncPace pace;
    pace.note(4ms);
    for (int i = 0; i < 5700; ++i) pace.note(100us);
    EXPECT_EQ(pace.interval(), 0ns) << "more than half forgotten: just under 2 ms";
    SyncPace slower;
    slower.note(8ms);
    for (int i = 0; i < 5678; ++i) slower.note(100us);
    EXPECT_NEAR(static_cast<double>(slower.interval().count()), 500e3, 1e3);
}

}  // namespace
}  // namespace sluice::policies
