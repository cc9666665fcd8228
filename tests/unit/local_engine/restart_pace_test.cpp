#include "local_engine/serving/restart_pace.hpp"

#include <gtest/gtest.h>

namespace sluice::local_engine {
namespace {

using std::chrono::seconds;

TEST(RestartPace, TheFirstStartIsAtOnceAndLaterOnesWaitLongerUpToALimit) {
    RestartPace pace(seconds(1), seconds(60));
    RestartPace::Clock::time_point now{};
    EXPECT_EQ(pace.failed(now), seconds(0));
    for (const int wanted : {1, 2, 4, 8, 16, 32, 60, 60}) EXPECT_EQ(pace.failed(now += seconds(1)), seconds(wanted));
}

TEST(RestartPace, AFailureLongAfterTheLastIsTheFirstAgain) {
    RestartPace pace(seconds(1), seconds(60));
    RestartPace::Clock::time_point now{};
    pace.failed(now);
    EXPECT_EQ(pace.failed(now += seconds(119)), seconds(1));
    EXPECT_EQ(pace.failed(now += seconds(120)), seconds(0));
}

}  // namespace
}  // namespace sluice::local_engine
