#include "emulator.hpp"

#include "fiber.hpp"

#include <algorithm>
#include <deque>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace sluice::local_engine::cuda::emulator {

thread_local Position position;

namespace {

constexpr std::size_t kGuardBytes = 64;
constexpr std::byte kPoison{0xFF};  // floats of it are NaN, indices far out of range

struct WarpState {
    std::uint64_t values[2][kWarp] = {};
    int phase = 0;  // two sets of values: a lane may give its next while others still read the last
    std::int32_t arrived = 0;
};

}  // namespace

struct Block {
    explicit Block(std::uint64_t seed) : random(seed) {}

    void run(const std::function<void()>& what, std::int32_t count, std::size_t bytes);
    void run_one(std::int32_t thread);
    void add_fiber();
    void pause();  // of the running fiber, until somebody makes it ready
    void ready_all();
    void check_shared() const;

    std::mt19937_64 random;
    std::deque<Fiber> fibers;  // kept from block to block
    std::vector<std::int32_t> ready;
    std::vector<WarpState> warps;
    std::int32_t threads = 0, finished = 0, at_barrier = 0;
    std::vector<std::byte> shared;
    std::size_t shared_bytes = 0;
    const std::function<void()>* body = nullptr;
    std::string misuse;
    std::uint64_t switches = 0;
};

thread_local Block* running = nullptr;

void Block::add_fiber() {
    fibers.emplace_back([this] {
        while (true) {
            (*body)();
            ++finished;
            pause();
        }
    });
}

void Block::pause() { fibers[static_cast<std::size_t>(position.thread)].pause(); }

void Block::run_one(std::int32_t thread) {
    position.thread = thread;
    ++switches;
    fibers[static_cast<std::size_t>(thread)].resume();
}

void Block::ready_all() {
    ready.resize(static_cast<std::size_t>(threads));
    for (std::int32_t i = 0; i < threads; ++i) ready[static_cast<std::size_t>(i)] = i;
}

void Block::check_shared() const {
    const auto guard = shared.begin() + static_cast<std::ptrdiff_t>(shared_bytes);
    if (std::any_of(guard, shared.end(), [](std::byte byte) { return byte != kPoison; })) {
        throw std::logic_error("a kernel writes beyond the shared memory it asked for");
    }
}

void Block::run(const std::function<void()>& what, std::int32_t count, std::size_t bytes) {
    body = &what;
    threads = count;
    finished = at_barrier = 0;
    misuse.clear();
    warps.assign(static_cast<std::size_t>(count / kWarp), {});
    shared_bytes = bytes;
    shared.assign(bytes + kGuardBytes, kPoison);
    while (fibers.size() < static_cast<std::size_t>(count)) add_fiber();
    ready_all();
    while (!ready.empty()) {
        const std::size_t pick = random() % ready.size();
        const std::int32_t thread = ready[pick];
        ready[pick] = ready.back();
        ready.pop_back();
        run_one(thread);
        if (!misuse.empty()) break;
    }
    if (misuse.empty() && finished < threads) {
        misuse = std::to_string(threads - finished) + " of " + std::to_string(threads) +
                 " threads wait for others that never come";
    }
    if (!misuse.empty()) {
        fibers.clear();  // their stacks unwind
        throw std::logic_error(misuse);
    }
    check_shared();
}

Emulator::Emulator(std::uint64_t seed) : block_(std::make_unique<Block>(seed)) {}
Emulator::~Emulator() = default;

std::uint64_t Emulator::switches() const {
    return block_->switches;
}

void Emulator::run(const Grid& grid, std::int32_t threads, std::size_t shared_bytes, const std::function<void()>& body) {
    if (threads <= 0 || threads > 1024 || threads % kWarp != 0) throw std::logic_error("not a number of threads");
    if (grid.y > 65535 || grid.z > 65535) throw std::logic_error("a grid larger than cards allow");
    if (shared_bytes > kSharedLimit) throw std::logic_error("more shared memory than every card has");
    running = block_.get();
    for (std::int64_t z = 0; z < grid.z; ++z) {
        for (std::int64_t y = 0; y < grid.y; ++y) {
            for (std::int64_t x = 0; x < grid.x; ++x) {
                position = {.thread = 0,
                            .threads = threads,
                            .block = {static_cast<std::int32_t>(x), static_cast<std::int32_t>(y), static_cast<std::int32_t>(z)},
                            .grid = {static_cast<std::int32_t>(grid.x), static_cast<std::int32_t>(grid.y),
                                     static_cast<std::int32_t>(grid.z)}};
                block_->run(body, threads, shared_bytes);
            }
        }
    }
    running = nullptr;
}

// The calls of kernels. Everything a fiber does between two pauses happens while no other runs.

void wait_for_block() {
    Block& block = *running;
    if (++block.at_barrier < block.threads) return block.pause();
    block.at_barrier = 0;
    block.ready_all();
    block.pause();
}

std::uint64_t exchange(std::uint64_t value, std::int32_t lane) {
    Block& block = *running;
    const std::int32_t thread = position.thread;
    WarpState& warp = block.warps[static_cast<std::size_t>(thread / kWarp)];
    const int phase = warp.phase;
    warp.values[phase][thread % kWarp] = value;
    if (++warp.arrived < kWarp) {
        block.pause();
    } else {
        warp.arrived = 0;
        warp.phase = 1 - phase;
        for (std::int32_t i = 0; i < kWarp; ++i) {
            const std::int32_t other = thread - thread % kWarp + i;
            if (other != thread) block.ready.push_back(other);
        }
    }
    return warp.values[phase][lane];
}

std::byte* shared_memory(std::size_t bytes) {
    if (bytes > running->shared_bytes) {
        running->misuse = "a kernel uses more shared memory than its launch asked for";
        running->pause();
    }
    return running->shared.data();
}

void require_alignment(const void* address, std::size_t bytes) {
    if (reinterpret_cast<std::uintptr_t>(address) % bytes == 0) return;
    running->misuse = "a load of " + std::to_string(bytes) + " bytes that is not aligned";
    running->pause();
}

}  // namespace sluice::local_engine::cuda::emulator
