#include "local_engine/model/read_ahead.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace sluice::local_engine {
namespace {

constexpr std::size_t kPiece = std::size_t{8} << 20U;  // a slow disk's tenth of a second: giving up waits for one
constexpr std::chrono::milliseconds kLook{100};

class ReadAhead {
public:
    explicit ReadAhead(const gguf::Reader& file) : file_(file) {
        for (const gguf::Tensor& tensor : file.tensors()) {
            for (std::size_t at = 0; at < tensor.bytes; at += kPiece) {
                pieces_.emplace_back(tensor.data + at, std::min(kPiece, tensor.bytes - at));
                total_ += pieces_.back().size();
            }
        }
    }

    core::Result<void> run(const LoadProgress& progress) {
        running_ =
            std::clamp(std::thread::hardware_concurrency(), 1U, 8U);  // one reader alone leaves most disks waiting
        std::vector<std::jthread> readers;
        for (unsigned i = running_; i > 0; --i) readers.emplace_back([this] { read(); });
        std::unique_lock lock(mutex_);
        while (!ended_.wait_for(lock, kLook, [this] { return running_ == 0; })) tell(progress, lock);
        if (!error_) tell(progress, lock);
        if (error_) return *error_;
        return {};
    }

private:
    void read() {
        std::unique_lock lock(mutex_);
        while (next_ < pieces_.size() && !error_) {
            const auto piece = pieces_[next_++];
            lock.unlock();
            const auto populated = file_.populate(piece);
            lock.lock();
            if (populated) {
                bytes_ += piece.size();
            } else if (!error_) {
                error_ = populated.error();
            }
        }
        if (--running_ == 0) ended_.notify_one();
    }

    // Without the lock: what it calls writes to terminals and files.
    void tell(const LoadProgress& progress, std::unique_lock<std::mutex>& lock) {
        if (!progress) return;
        const std::uint64_t bytes = bytes_;
        lock.unlock();
        const bool go_on = progress(bytes, total_);
        lock.lock();
        if (!go_on && !error_) error_ = core::Error{core::Errc::Cancelled, "loading was given up"};
    }

    const gguf::Reader& file_;
    std::vector<std::span<const std::byte>> pieces_;
    std::uint64_t total_ = 0;
    std::mutex mutex_;
    std::condition_variable ended_;
    std::size_t next_ = 0;
    std::uint64_t bytes_ = 0;
    unsigned running_ = 0;
    std::optional<core::Error> error_;
};

}  // namespace

core::Result<void> read_ahead(const gguf::Reader& file, const LoadProgress& progress) {
    return ReadAhead(file).run(progress);
}

}  // namespace sluice::local_engine
