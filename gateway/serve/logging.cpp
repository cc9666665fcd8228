#include "gateway/serve/logging.hpp"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <mutex>
#include <string>
#include <utility>

namespace sluice::gateway {

namespace {

// spdlog's own standard-error sink makes a system call per line; a busy gateway writes one line per request.
class BufferedSink final : public spdlog::sinks::base_sink<std::mutex> {
public:
    ~BufferedSink() override { flush_buffer(); }

private:
    static constexpr std::size_t kFull = 32U << 10U;

    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        buffer_.append(line.data(), line.size());
        if (buffer_.size() >= kFull) flush_buffer();
    }
    void flush_() override { flush_buffer(); }
    void flush_buffer() {
        std::fwrite(buffer_.data(), 1, buffer_.size(), stderr);
        std::fflush(stderr);
        buffer_.clear();
    }

    std::string buffer_;
};

}  // namespace

void start_logging(const std::string& level) {
    auto logger = std::make_shared<spdlog::logger>("sluice", std::make_shared<BufferedSink>());
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    logger->set_level(spdlog::level::from_str(level));
    logger->flush_on(spdlog::level::warn);
    spdlog::set_default_logger(std::move(logger));
    spdlog::flush_every(std::chrono::seconds{1});
}

}  // namespace sluice::gateway
