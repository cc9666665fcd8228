#include "gateway/http/event_loops.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace sluice::gateway {

EventLoops::EventLoops(std::size_t count) {
    if (count == 0) count = std::max(1U, std::thread::hardware_concurrency());
    for (std::size_t i = 0; i < count; ++i) {
        auto& loop = loops_.emplace_back(std::make_unique<Loop>());
        loop->work.emplace(loop->context.get_executor());
        pointers_.push_back(&loop->context);
    }
}

EventLoops::~EventLoops() {
    stop();
}

void EventLoops::start() {
    for (const auto& loop : loops_) {
        loop->thread = std::thread([context = &loop->context] {
            while (true) {
                try {
                    context->run();
                    return;
                } catch (const std::exception&
                             error) {  // a completion handler threw: one connection's trouble, not the loop's
                    spdlog::error("http: event loop caught an exception: {}", error.what());
                }
            }
        });
    }
}

void EventLoops::stop() {
    for (const auto& loop : loops_) {
        loop->work.reset();
        loop->context.stop();
    }
    for (const auto& loop : loops_) {
        if (loop->thread.joinable()) loop->thread.join();
    }
}

}  // namespace sluice::gateway
