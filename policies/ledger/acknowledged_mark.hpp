// The newest sequence that was promised to somebody, kept in a mapped page: storing it is a memory write, yet it
// survives kill -9. (After a power cut it may be older than the truth; the records' own `acknowledged` covers that.)
// Two slots take turns, so a store that was cut short leaves the other one. Written by the journal's thread only.
#pragma once

#include "core/result.hpp"

#include <cstdint>
#include <filesystem>
#include <utility>

namespace sluice::policies {

class AcknowledgedMark {
public:
    // Makes the file when it is missing. Corrupt: both slots are damaged.
    static core::Result<AcknowledgedMark> open(const std::filesystem::path& path);
    AcknowledgedMark(AcknowledgedMark&& other) noexcept
        : page_(std::exchange(other.page_, nullptr)), sequence_(other.sequence_), next_slot_(other.next_slot_) {}
    AcknowledgedMark& operator=(AcknowledgedMark&&) = delete;
    ~AcknowledgedMark();

    std::uint64_t sequence() const { return sequence_; }
    void advance(std::uint64_t sequence);

private:
    explicit AcknowledgedMark(char* page) : page_(page) {}
    bool read_slots();

    char* page_;  // (4096,) shared mapping
    std::uint64_t sequence_ = 0;
    int next_slot_ = 0;
};

}  // namespace sluice::policies
