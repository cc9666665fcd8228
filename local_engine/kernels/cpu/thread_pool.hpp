// Threads that compute one loop together, again and again: a forward pass is hundreds of short parallel loops with a
// wait after each. Workers spin for the next loop for a moment, then sleep. One thread owns the pool and takes part.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace sluice::local_engine {

class ThreadPool {
public:
    explicit ThreadPool(int threads);  // the calling thread counts as one
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    int threads() const { return static_cast<int>(workers_.size()) + 1; }

    // Calls body(task, thread) for every task in [0, tasks), thread in [0, threads()); returns when all are done.
    // Tasks are handed out in order, to whoever is free. The body does not throw.
    template <class Body>
    void for_each(std::int64_t tasks, const Body& body) {
        if (tasks <= 1 || workers_.empty()) {
            for (std::int64_t task = 0; task < tasks; ++task) body(task, 0);
            return;
        }
        run(
            tasks,
            [](const void* context, std::int64_t task, int thread) {
                (*static_cast<const Body*>(context))(task, thread);
            },
            &body);
    }

private:
    using Call = void (*)(const void* context, std::int64_t task, int thread);
    void run(std::int64_t tasks, Call call, const void* context);
    void work(int thread);
    void take_tasks(int thread);

    // The loop in progress. Written by the owner while all workers wait; published by loop_.
    Call call_ = nullptr;
    const void* context_ = nullptr;
    std::int64_t tasks_ = 0;
    bool stopping_ = false;
    alignas(64) std::atomic<std::uint32_t> loop_{0};    // number of the loop: a change wakes the workers
    alignas(64) std::atomic<std::int64_t> next_{0};     // first task not handed out
    alignas(64) std::atomic<std::int32_t> working_{0};  // workers that have not finished the loop
    std::vector<std::thread> workers_;
};

}  // namespace sluice::local_engine
