// Counters for GET /metrics in Prometheus text. Labels are target, outcome and zone: never teams' texts, never prompts.
// Written from every event loop without locks; a reader sees values at most a moment old.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "router/decision.hpp"

namespace sluice::gateway {

// A histogram of seconds with fixed bounds, in microseconds inside.
class Histogram {
public:
    static constexpr std::array<std::int64_t, 14> kBounds{100,     250,     500,       1'000,     2'500,     5'000,      10'000,
                                                          25'000,  100'000, 250'000,   1'000'000, 5'000'000, 30'000'000, 120'000'000};
    void observe(std::int64_t microseconds);
    void write(std::string& out, const std::string& name, const std::string& labels) const;

private:
    std::array<std::atomic<std::uint64_t>, kBounds.size() + 1> buckets_{};
    std::atomic<std::uint64_t> sum_{0};
};

class Metrics {
public:
    explicit Metrics(const std::vector<std::string>& target_names);

    void observe(const router::Decision& decision);
    // Gauges of the moment are handed in by whoever owns them: "sluice_engine_running 3\n".
    std::string render(const std::string& gauges) const;

private:
    static constexpr std::size_t kOutcomes = 7;
    struct PerTarget {
        std::string name;
        std::array<std::atomic<std::uint64_t>, kOutcomes> requests{};
        std::atomic<std::uint64_t> prompt_tokens{0};
        std::atomic<std::uint64_t> completion_tokens{0};
        std::atomic<std::uint64_t> cost_nano_usd{0};
        std::atomic<std::uint64_t> failed_attempts{0};
        Histogram duration;
    };
    PerTarget& of(const std::string& target);

    std::vector<std::unique_ptr<PerTarget>> targets_;  // the last one stands for "none"
    std::array<std::array<std::atomic<std::uint64_t>, 2>, 4> classes_{};  // [data class][zone]
    std::array<std::atomic<std::uint64_t>, 3> cache_{};                   // off, miss, hit
    std::array<std::atomic<std::uint64_t>, 4> actions_{};                 // by core::Action
    std::atomic<std::uint64_t> masked_{0};
    std::atomic<std::uint64_t> restored_{0};
    std::atomic<std::uint64_t> response_findings_{0};
    std::atomic<std::uint64_t> remembered_{0};
    Histogram classify_;
};

}  // namespace sluice::gateway
