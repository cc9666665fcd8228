// Prompt and decode speed of models, beside the memory bandwidth measured in the same process: decoding one token reads
// every active weight once, so bandwidth over bytes per token is the speed that cannot be passed.
#include "subject.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string>
#include <thread>

namespace sluice::local_engine::bench {
namespace {

constexpr int kPromptTokens = 512;
constexpr int kDecodeSteps = 24;
constexpr int kRepeats = 3;

double seconds_of(const auto& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// GB/s of plain reading with that many threads: the best of a few passes over memory far larger than any cache.
double read_bandwidth(int threads) {
    const std::size_t words = (std::size_t{512} << 20U) / sizeof(std::uint64_t);
    const std::vector<std::uint64_t> memory(words, 1);
    std::atomic<std::uint64_t> sink{0};
    double best = 1e9;
    for (int pass = 0; pass < 4; ++pass) {
        best = std::min(best, seconds_of([&] {
                            std::vector<std::thread> readers;
                            for (int thread = 0; thread < threads; ++thread) {
                                readers.emplace_back([&, thread] {
                                    const std::size_t share = words / static_cast<std::size_t>(threads);
                                    const std::uint64_t* at = memory.data() + share * static_cast<std::size_t>(thread);
                                    std::uint64_t sums[8] = {};
                                    for (std::size_t i = 0; i + 8 <= share; i += 8) {
                                        for (std::size_t k = 0; k < 8; ++k) sums[k] += at[i + k];
                                    }
                                    sink += std::accumulate(std::begin(sums), std::end(sums), std::uint64_t{0});
                                });
                            }
                            for (std::thread& reader : readers) reader.join();
                        }));
    }
    return static_cast<double>(words * sizeof(std::uint64_t)) / best / 1e9;
}

// Sequences side by side: tokens per call for each, from a common position.
class Driver {
public:
    Driver(Subject& subject, int sequences, int pages_each)
        : subject_(subject),
          sequences_(sequences),
          pages_each_(pages_each),
          pages_(static_cast<std::size_t>(sequences * pages_each)) {
        std::iota(pages_.begin(), pages_.end(), 0);
    }

    void step(int start, int count) {
        std::vector<std::int32_t> tokens, positions, rows, last;
        for (int sequence = 0; sequence < sequences_; ++sequence) {
            for (int i = 0; i < count; ++i) {
                const int token = (sequence * 7919 + (start + i) * 104729) % static_cast<int>(subject_.plan.vocabulary);
                tokens.push_back(token);
                positions.push_back(start + i);
                rows.push_back(sequence);
            }
            last.push_back(static_cast<std::int32_t>(tokens.size()) - 1);
        }
        logits_.resize(last.size() * static_cast<std::size_t>(subject_.plan.vocabulary));
        subject_.forward->run({tokens, positions, rows, pages_, pages_each_, last}, logits_);
    }

private:
    Subject& subject_;
    int sequences_;
    int pages_each_;
    std::vector<std::int32_t> pages_;
    std::vector<float> logits_;
};

double prompt_speed(Subject& subject, int chunk) {
    Driver driver(subject, 1, kPromptTokens / kPageTokens);
    return kPromptTokens / seconds_of([&] {
               for (int start = 0; start < kPromptTokens; start += chunk) driver.step(start, chunk);
           });
}

double decode_speed(Subject& subject, int sequences) {
    Driver driver(subject, sequences, 2);
    for (int start = 0; start < 64; start += 8) driver.step(start, 8);
    return sequences * kDecodeSteps / seconds_of([&] {
               for (int i = 0; i < kDecodeSteps; ++i) driver.step(64 + i, 1);
           });
}

template <class Measure>
double best_of(const Measure& measure) {
    double best = 0.0;
    for (int i = 0; i < kRepeats; ++i) best = std::max(best, measure());
    return best;
}

int run(const std::string& what, int threads) {
    constexpr int kLargestChunk = 256;
    const auto opened = open_subject(what, threads, {kLargestChunk, 16, 64, KvType::F16});
    if (!opened) {
        std::fprintf(stderr, "%s\n", core::describe(opened.error()).c_str());
        return 1;
    }
    Subject& subject = **opened;
    const double bandwidth = read_bandwidth(threads);
    std::printf("%s (%s): %.2f GB active per token, memory reads %.1f GB/s\n", what.c_str(),
                subject.kernels->name().c_str(), subject.bytes_per_step(1) / 1e9, bandwidth);
    for (const int chunk : {128, kLargestChunk}) {
        std::printf("  prompt of %d in steps of %-4d %9.1f tokens/s\n", kPromptTokens, chunk,
                    best_of([&] { return prompt_speed(subject, chunk); }));
    }
    for (const int sequences : {1, 8}) {
        const double speed = best_of([&] { return decode_speed(subject, sequences); });
        const double read = subject.bytes_per_step(sequences) * speed / sequences / 1e9;
        std::printf("  decode, %d at a time          %9.1f tokens/s, reads %.1f GB/s = %.0f %% of memory\n", sequences,
                    speed, read, 100.0 * read / bandwidth);
    }
    return 0;
}

}  // namespace
}  // namespace sluice::local_engine::bench

int main(int argc, char** argv) {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);  // lines appear as they are measured, also in a pipe
    int threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    std::vector<std::string> subjects;
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        if (argument == "--threads" && i + 1 < argc) threads = std::max(1, std::atoi(argv[++i]));
        else subjects.push_back(argument);
    }
    if (subjects.empty()) subjects = {SLUICE_BUNDLED_MODEL, "dense06b-q8", "dense06b-q4", "moe-q4"};
    int failed = 0;
    for (const std::string& what : subjects) failed |= sluice::local_engine::bench::run(what, threads);
    return failed;
}
