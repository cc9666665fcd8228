#include "policies/ledger/acknowledged_mark.hpp"

#include "policies/ledger/bytes.hpp"
#include "policies/ledger/crc32c.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <string>
#include <system_error>

namespace sluice::policies {

namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kSlotBytes = 16;  // u64 sequence, u32 checksum of it, u32 magic
constexpr std::uint32_t kMagic = 0x4b4e4153;

using Slot = std::array<char, kSlotBytes>;

Slot make_slot(std::uint64_t sequence) {
    Slot slot{};
    store(slot.data(), sequence);
    store(slot.data() + 8, crc32c({slot.data(), 8}));
    store(slot.data() + 12, kMagic);
    return slot;
}

core::Error failed(const std::filesystem::path& path) {
    return core::Error{core::Errc::Unavailable,
                       path.string() + ": " + std::error_code{errno, std::generic_category()}.message()};
}

bool fill_new_file(int file) {
    std::string page(kPageBytes, '\0');
    const Slot slot = make_slot(0);
    page.replace(0, kSlotBytes, slot.data(), kSlotBytes);
    page.replace(kSlotBytes, kSlotBytes, slot.data(), kSlotBytes);
    return ::pwrite(file, page.data(), page.size(), 0) == static_cast<ssize_t>(page.size()) && ::fsync(file) == 0;
}

}  // namespace

core::Result<AcknowledgedMark> AcknowledgedMark::open(const std::filesystem::path& path) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return failed(path);
    struct stat about {};
    void* page = MAP_FAILED;
    const bool sized = ::fstat(file, &about) == 0 && (about.st_size > 0 || fill_new_file(file));
    const bool whole = about.st_size == 0 || about.st_size == static_cast<off_t>(kPageBytes);
    if (sized && whole) page = ::mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    const auto reason = failed(path);
    ::close(file);
    if (!whole) return core::Error{core::Errc::Corrupt, path.string() + " has the wrong size"};
    if (page == MAP_FAILED) return reason;
    AcknowledgedMark mark{static_cast<char*>(page)};
    if (!mark.read_slots()) return core::Error{core::Errc::Corrupt, path.string() + " is damaged"};
    return mark;
}

AcknowledgedMark::~AcknowledgedMark() {
    if (page_ != nullptr) ::munmap(page_, kPageBytes);
}

bool AcknowledgedMark::read_slots() {
    bool found = false;
    for (int index = 0; index < 2; ++index) {
        const char* bytes = page_ + kSlotBytes * static_cast<std::size_t>(index);
        const auto sequence = load<std::uint64_t>(bytes);
        const Slot expected = make_slot(sequence);
        if (std::memcmp(bytes, expected.data(), kSlotBytes) != 0) continue;
        if (!found || sequence >= sequence_) {
            sequence_ = sequence;
            next_slot_ = 1 - index;
        }
        found = true;
    }
    return found;
}

void AcknowledgedMark::advance(std::uint64_t sequence) {
    const Slot slot = make_slot(sequence);
    std::memcpy(page_ + kSlotBytes * static_cast<std::size_t>(next_slot_), slot.data(), kSlotBytes);
    std::atomic_signal_fence(std::memory_order_release);  // the stores happen before the promise is given
    next_slot_ = 1 - next_slot_;
    sequence_ = sequence;
}

}  // namespace sluice::policies
