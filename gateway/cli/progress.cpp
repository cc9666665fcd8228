#include "gateway/cli/progress.hpp"

#include <fmt/format.h>

#include <ostream>

namespace sluice::gateway::cli {

void ByteProgress::operator()(std::uint64_t bytes, std::optional<std::uint64_t> total) {
    const std::uint64_t percent = total && *total > 0 ? bytes * 100 / *total : 0;
    const std::uint64_t step =
        total ? percent / (console_.interactive ? 1 : 10) : bytes >> 26U;  // unknown: every 64 MiB
    if (step == last_step_) return;
    last_step_ = step;
    const std::string text =
        total ? fmt::format("{:3} % of {} MB", percent, *total / 1'000'000) : fmt::format("{} MB", bytes / 1'000'000);
    console_.error << (console_.interactive ? "\r" : "") << text << (console_.interactive ? "" : "\n") << std::flush;
    shown_ = true;
}

void ByteProgress::end() {
    if (shown_ && console_.interactive) console_.error << '\n';
}

}  // namespace sluice::gateway::cli
