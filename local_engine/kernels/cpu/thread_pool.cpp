#include "local_engine/kernels/cpu/thread_pool.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sluice::local_engine {
namespace {

// A parallel loop follows the last one within microseconds while a step runs; a sleeping worker takes 50 to wake.
constexpr int kSpins = 4000;

void pause() {
#if defined(__x86_64__)
    _mm_pause();
#endif
}

template <class Value>
void wait_while(std::atomic<Value>& value, Value same) {
    for (int i = 0; i < kSpins; ++i) {
        if (value.load(std::memory_order_acquire) != same) return;
        pause();
    }
    value.wait(same, std::memory_order_acquire);
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
    for (int thread = 1; thread < threads; ++thread) workers_.emplace_back([this, thread] { work(thread); });
}

ThreadPool::~ThreadPool() {
    stopping_ = true;
    loop_.fetch_add(1, std::memory_order_release);
    loop_.notify_all();
    for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(std::int64_t tasks, Call call, const void* context) {
    call_ = call;
    context_ = context;
    tasks_ = tasks;
    next_.store(0, std::memory_order_relaxed);
    working_.store(static_cast<std::int32_t>(workers_.size()), std::memory_order_relaxed);
    loop_.fetch_add(1, std::memory_order_release);
    loop_.notify_all();
    take_tasks(0);
    for (std::int32_t left = working_.load(std::memory_order_acquire); left > 0;
         left = working_.load(std::memory_order_acquire)) {
        wait_while(working_, left);
    }
}

void ThreadPool::work(int thread) {
    for (std::uint32_t seen = 0;; ++seen) {
        wait_while(loop_, seen);
        if (stopping_) return;
        take_tasks(thread);
        if (working_.fetch_sub(1, std::memory_order_acq_rel) == 1) working_.notify_one();
    }
}

void ThreadPool::take_tasks(int thread) {
    for (std::int64_t task = next_.fetch_add(1, std::memory_order_relaxed); task < tasks_;
         task = next_.fetch_add(1, std::memory_order_relaxed)) {
        call_(context_, task, thread);
    }
}

}  // namespace sluice::local_engine
