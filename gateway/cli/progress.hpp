// How far something long has come, on the error stream: rewrites one line on a terminal; elsewhere a line at every
// tenth.
#pragma once

#include "gateway/cli/console.hpp"

#include <cstdint>
#include <optional>

namespace sluice::gateway::cli {

class ByteProgress {
public:
    explicit ByteProgress(Console& console) : console_(console) {}

    void operator()(std::uint64_t bytes, std::optional<std::uint64_t> total);
    void end();  // of the line on a terminal

private:
    Console& console_;
    std::uint64_t last_step_ = UINT64_MAX;
    bool shown_ = false;
};

}  // namespace sluice::gateway::cli
