#include "policies/ledger/clock.hpp"

#include <chrono>
#include <cstdio>

namespace sluice::policies {

namespace {

namespace time = std::chrono;
constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::int64_t kNanosecondsPerDay = 86'400 * kNanosecondsPerSecond;

std::int64_t floor_divide(std::int64_t value, std::int64_t by) {
    return value / by - (value % by < 0 ? 1 : 0);
}

time::year_month_day date_of(std::int32_t day) {
    return time::sys_days{time::days{day}};
}

}  // namespace

WallClock system_wall_clock() {
    return [] {
        const auto now = time::system_clock::now().time_since_epoch();
        return std::int64_t{time::duration_cast<time::nanoseconds>(now).count()};
    };
}

std::int32_t day_of(std::int64_t unix_nanoseconds) {
    return static_cast<std::int32_t>(floor_divide(unix_nanoseconds, kNanosecondsPerDay));
}

std::int32_t month_of_day(std::int32_t day) {
    const auto date = date_of(day);
    return (int{date.year()} - 1970) * 12 + static_cast<int>(unsigned{date.month()}) - 1;
}

std::int32_t first_day_of_month(std::int32_t month) {
    const auto date = time::year{1970} / time::January / 1 + time::months{month};
    return static_cast<std::int32_t>(time::sys_days{date}.time_since_epoch().count());
}

std::int64_t start_of_day(std::int32_t day) {
    return day * kNanosecondsPerDay;
}

std::string format_day(std::int32_t day) {
    const auto date = date_of(day);
    char text[32];
    std::snprintf(text, sizeof text, "%04d-%02u-%02u", int{date.year()}, unsigned{date.month()}, unsigned{date.day()});
    return text;
}

std::string format_utc(std::int64_t unix_nanoseconds) {
    const std::int32_t day = day_of(unix_nanoseconds);
    const auto second = (unix_nanoseconds - start_of_day(day)) / kNanosecondsPerSecond;
    char text[32];
    std::snprintf(text, sizeof text, "T%02d:%02d:%02dZ", static_cast<int>(second / 3600),
                  static_cast<int>(second / 60 % 60), static_cast<int>(second % 60));
    return format_day(day) + text;
}

}  // namespace sluice::policies
