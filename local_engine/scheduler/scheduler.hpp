// Decides what each step computes, and for whom. A pure state machine: no model, no threads, no clock, so that
// tests/unit can drive it with random requests, cancels and full pools.
//
// A step is one token of every running sequence that decodes, and as much of the waiting prompts as the token budget
// leaves. Sequences join and leave between steps. When the pool is empty the youngest running sequence gives its pages
// back and starts over later (it keeps its tokens, so its text does not change). Between tenants the one that has been
// served least goes first: virtual token counters (Sheng et al. 2024), prompt tokens weigh 1, answer tokens 4.
// Engine thread only.
#pragma once

#include "core/result.hpp"
#include "local_engine/kernels/batch.hpp"
#include "local_engine/kv/pages.hpp"

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace sluice::local_engine {

using SequenceId = std::uint64_t;

struct SequenceRequest {
    std::vector<std::int32_t> prompt;  // not empty
    std::int64_t max_tokens = 1;       // of the answer, at least 1
    std::string tenant = {};
};

struct SchedulerConfig {
    std::int32_t pages = 0;
    std::int32_t step_tokens = 128;
    std::int32_t max_running = 32;
    std::size_t max_waiting = 64;
};

// One step. Vectors as in Batch; `emitters` belongs to the logit rows.
struct Emitter {
    SequenceId id = 0;
    std::int64_t position = 0;  // of the token to be chosen
};
struct Step {
    std::vector<std::int32_t> tokens, positions, sequences, pages, logit_rows;
    std::int32_t pages_per_sequence = 0;
    std::vector<Emitter> emitters;
    std::vector<SequenceId> members;  // whose tokens these are, by row of the page table
    std::size_t decoded = 0;          // tokens of sequences that decode; the others are of prompts

    Batch batch() const { return {tokens, positions, sequences, pages, pages_per_sequence, logit_rows}; }
};

class Scheduler {
public:
    explicit Scheduler(const SchedulerConfig& config);
    // Tokens of a step at most.
    static std::int32_t largest_step(const SchedulerConfig& config);

    // InvalidRequest: it could never fit into the pool. Unavailable: the queue is full.
    core::Result<void> add(SequenceId id, SequenceRequest request);
    // The sequence is over, for whatever reason; its pages are free for the next step. Unknown ids are ignored.
    void remove(SequenceId id);

    // The next step; null when nothing can be computed. Valid until the next call. Assumes that the step is computed.
    const Step* next_step();
    // The token chosen for an emitter of the last step. Must be called, or remove(), for each of them.
    void append(SequenceId id, std::int32_t token);

    std::size_t waiting() const { return waiting_.size(); }
    std::size_t running() const { return running_.size(); }
    std::int64_t pages_available() const { return pool_.available(); }
    std::int64_t pages_total() const { return pool_.total(); }

private:
    struct Sequence {
        SequenceId id = 0;
        std::uint64_t arrival = 0;
        std::string tenant;
        std::vector<std::int32_t> tokens;  // prompt and answer
        std::int64_t final_length = 0;     // at most
        std::int64_t computed = 0;         // tokens whose keys and values are in the cache
        bool preempted = false;            // was running before: goes first
        PageList pages;

        std::int64_t length() const { return static_cast<std::int64_t>(tokens.size()); }
        bool decodes() const { return computed + 1 == length(); }
    };
    using Sequences = std::vector<Sequence>;

    bool admit_one();
    Sequences::iterator next_waiting();
    void preempt_youngest();
    void decode_all();
    void prefill(std::int64_t budget);
    void schedule(Sequence& sequence, std::int64_t count);
    void write_page_table();
    void welcome(const std::string& tenant);
    void depart(const std::string& tenant);
    bool present(const std::string& tenant) const;

    SchedulerConfig config_;
    PagePool pool_;
    Sequences waiting_;
    Sequences running_;  // in order of arrival: the last is the youngest
    std::uint64_t arrivals_ = 0;
    std::unordered_map<std::string, std::int64_t> counters_;  // what each tenant has been served
    std::int64_t floor_ = 0;                                  // where tenants that come start at least
    Step step_;
    std::vector<const Sequence*> rows_;  // sequences of the step being built, by row of its page table
};

}  // namespace sluice::local_engine
