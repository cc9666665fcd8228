// The event loops of the process: one io_context, one thread each. Built before everything that lives on a loop
// (connection pools, the server) and destroyed after it. start() and stop() are called by the thread that built it.
#pragma once

#include "core/async.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <vector>

namespace sluice::gateway {

class EventLoops {
public:
    // 0: one per core of this machine.
    explicit EventLoops(std::size_t count = 0);
    EventLoops(const EventLoops&) = delete;
    EventLoops& operator=(const EventLoops&) = delete;
    ~EventLoops();  // stop()

    // Index = HttpRequest::loop. Each is run by one thread only, so it is the strand of all that lives on it.
    std::span<core::net::io_context* const> all() const { return pointers_; }
    std::size_t size() const { return pointers_.size(); }
    core::net::io_context& at(std::size_t loop) const { return *pointers_[loop]; }

    void start();  // starts the threads; work posted before runs then
    void stop();   // ends the loops after the handler that is running, and joins; what is pending stays unrun

private:
    using WorkGuard = core::net::executor_work_guard<core::Executor>;
    struct Loop {
        core::net::io_context context{1};
        std::optional<WorkGuard> work;
        std::thread thread;
    };
    std::vector<std::unique_ptr<Loop>> loops_;
    std::vector<core::net::io_context*> pointers_;
};

}  // namespace sluice::gateway
