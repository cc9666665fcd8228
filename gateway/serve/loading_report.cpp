#include "gateway/serve/loading_report.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

namespace sluice::gateway {

LoadingReport::LoadingReport(std::string name) : name_(std::move(name)), terminal_(isatty(STDERR_FILENO) == 1) {}

LoadingReport::~LoadingReport() {
    if (terminal_ && percent_ != UINT64_MAX) std::fputc('\n', stderr);
}

bool LoadingReport::tell(std::uint64_t bytes, std::uint64_t total) {
    const std::uint64_t percent = total > 0 ? bytes * 100 / total : 100;
    if (percent == percent_ || (percent == 100 && percent_ == UINT64_MAX)) return false;
    if (terminal_) {
        constexpr std::size_t kWidth = 30;
        const std::string bar(percent * kWidth / 100, '=');
        const std::string line =
            fmt::format("\rloading {} [{:<{}}] {:3} % of {} MB", name_, bar, kWidth, percent, total / 1'000'000);
        spdlog::default_logger_raw()->flush();
        std::fwrite(line.data(), 1, line.size(), stderr);
        std::fflush(stderr);
    } else if (percent / 10 != tenth_) {
        spdlog::info("local model {}: {} % of {} MB read", name_, percent, total / 1'000'000);
        spdlog::default_logger_raw()->flush();
    }
    percent_ = percent;
    tenth_ = percent / 10;
    return true;
}

}  // namespace sluice::gateway
