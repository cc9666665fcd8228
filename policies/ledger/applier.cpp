#include "policies/ledger/applier.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace sluice::policies {

namespace {

using core::Errc;
using core::Error;
using core::Result;

constexpr std::uint64_t kRecordsPerTransaction = 4096;
constexpr std::uint64_t kRecordsBetweenRests = BookRows::kAtOnce;  // a fifth of a millisecond's work or so
constexpr std::chrono::microseconds kRest{400};
constexpr std::uint64_t kBehind = 16'384;  // records: from here on following matters more than rests
constexpr int kNice = 5;  // behind the event loops, yet with a share that lets it follow them

std::vector<std::filesystem::path> paths_of(const std::vector<Segment>& segments) {
    std::vector<std::filesystem::path> paths;
    paths.reserve(segments.size());
    for (const auto& segment : segments) paths.push_back(segment.path);
    return paths;
}

}  // namespace

Result<void> JournalApplication::apply_some(const std::vector<std::filesystem::path>& segments, std::uint64_t last, Pace pace) {
    if (last <= books_.applied()) return {};
    last = std::min(last, books_.applied() + kRecordsPerTransaction);
    if (auto begun = books_.begin(); !begun) return begun;
    for (std::uint64_t sequence = books_.applied() + 1; sequence <= last; ++sequence) {
        const auto record = next(segments, sequence);
        if (!record) return record.error();
        if (auto added = books_.add(*record); !added) return added;
        if (pace == Pace::Gentle && sequence % kRecordsBetweenRests == 0) std::this_thread::sleep_for(kRest);
    }
    return books_.commit();
}

Result<Record> JournalApplication::next(const std::vector<std::filesystem::path>& segments, std::uint64_t sequence) {
    if (reader_) {
        const auto record = reader_->next(sequence);
        if (!record) return record.error();
        if (*record) return **record;
    }
    // It is in a later segment: the last one that begins at or before it.
    const std::filesystem::path* best = nullptr;
    std::optional<SegmentReader> reader;
    for (const auto& path : segments) {
        auto opened = SegmentReader::open(path);
        if (!opened) return opened.error();
        if (opened->first_sequence() > sequence) break;
        best = &path;
        reader.emplace(std::move(*opened));
    }
    if (best == nullptr || (reader_ && reader_->path() == *best))
        return Error{Errc::Corrupt, "journal record " + std::to_string(sequence) + " is missing or damaged" +
                                        (reader_ ? ": segment " + reader_->path().string() + ", offset " +
                                                       std::to_string(reader_->offset())
                                                 : "")};
    reader_ = std::move(reader);
    for (std::uint64_t earlier = reader_->first_sequence(); earlier < sequence; ++earlier) {
        const auto skipped = reader_->next(earlier);
        if (!skipped) return skipped.error();
        if (!*skipped) break;
    }
    const auto record = reader_->next(sequence);
    if (!record) return record.error();
    if (*record) return **record;
    return Error{Errc::Corrupt, "journal segment " + reader_->path().string() + ", offset " +
                                    std::to_string(reader_->offset()) + ": record " + std::to_string(sequence) +
                                    " is missing or damaged"};
}

Applier::Applier(Parts parts, std::chrono::milliseconds interval)
    : parts_(std::move(parts)), interval_(interval), application_(parts_.books), applied_(parts_.books.applied()) {
    thread_ = std::thread{[this] { run(); }};
}

Applier::~Applier() {
    static_cast<void>(finish());
}

Result<void> Applier::finish() {
    {
        const std::lock_guard lock{mutex_};
        stop_ = true;
    }
    stop_changed_.notify_one();
    if (thread_.joinable()) {
        thread_.join();
        if (!failure_) {
            if (auto applied = apply_durable(Books::Pace::Full); !applied) failure_ = applied.error();
        }
    }
    if (failure_) return *failure_;
    return {};
}

void Applier::run() {
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice);
    for (;;) {
        parts_.journal.segments().prepare_spare();
        {
            std::unique_lock lock{mutex_};
            if (stop_changed_.wait_for(lock, interval_, [this] { return stop_; })) return;
        }
        if (auto applied = apply_durable(Books::Pace::Gentle); !applied) {
            failure_ = applied.error();
            parts_.journal.fail(applied.error());
            return;
        }
    }
}

Result<void> Applier::apply_durable(Books::Pace wanted) {
    for (auto last = parts_.journal.durable_sequence(); parts_.books.applied() < last;) {
        const auto segments = paths_of(parts_.journal.segments().segments());
        const bool behind = last - parts_.books.applied() > kBehind;
        const auto pace = behind ? Books::Pace::Full : wanted;
        if (auto applied = application_.apply_some(segments, last, pace); !applied) return applied;
        applied_.store(parts_.books.applied(), std::memory_order_release);
        parts_.applied(parts_.books.applied());
        if (auto retired = retire_applied(pace); !retired) return retired;
    }
    return {};
}

// A segment may go once what it holds is in the books on disk, not just in the books.
Result<void> Applier::retire_applied(Books::Pace pace) {
    auto& segments = parts_.journal.segments();
    if (!segments.may_retire(parts_.books.applied())) return {};
    const auto durable = parts_.books.make_durable(pace);
    if (!durable) return durable.error();
    if (*durable) segments.retire(parts_.books.applied());
    return {};
}

}  // namespace sluice::policies
