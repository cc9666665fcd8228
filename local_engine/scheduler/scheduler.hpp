// Decides what each step computes, and for whom. A pure state machine: no model, no threads, no clock, so that
// tests/unit can drive it with random requests, cancels and full pools.
//
// A step is one token of every running sequence that decodes (and guesses of what follows it, see propose()), and as much
// of the waiting prompts as the token budget leaves, the shortest rest first within a tenant. Sequences join and leave
// between steps. When the pool is empty the youngest running sequence of the lowest class gives its pages back and starts
// over later (it keeps its tokens, so its text does not change, and mostly finds its pages again).
//
// Between tenants the one that has been served least goes first: virtual token counters (Sheng et al. 2024), prompt tokens
// weigh 1, found ones 0.1, answer tokens 4. Classes stand above that; a sequence that waits long rises. A rank only says
// which of a tenant's own requests go first: no tenant gains by it against another.
//
// Sequences of one prompt (n > 1) share its full pages: the others wait until the first has computed them.
//
// Full pages of prompts and answers are kept under names that only the same tenant can form (kv/prefix_keys.hpp); a prompt
// with the same beginning starts behind them. Engine thread only.
#pragma once

#include "core/result.hpp"
#include "local_engine/kernels/batch.hpp"
#include "local_engine/kv/pages.hpp"
#include "local_engine/kv/prefix_keys.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace sluice::local_engine {

using SequenceId = std::uint64_t;

enum class Wants : std::uint8_t {
    Answer,  // tokens after the prompt
    Hidden,  // the prompt's hidden states only: embeddings
};

struct SequenceRequest {
    std::vector<std::int32_t> prompt;  // add() refuses an empty one
    std::int64_t max_tokens = 1;       // of the answer, at least 1; ignored with Hidden
    std::string tenant = {};
    int priority = 0;  // class: higher goes first
    Wants wants = Wants::Answer;
    int rank = 0;            // within the tenant's own requests of a class: higher goes first
    SequenceId follows = 0;  // a sequence with the same prompt: its pages are shared once it has been computed; 0: none
};

struct SchedulerConfig {
    std::int32_t pages = 0;
    std::int32_t step_tokens = 128;
    std::int32_t max_running = 32;
    std::size_t max_waiting = 64;
    std::int32_t guesses = 0;                                  // tokens of one step guessed for all sequences together
    std::shared_ptr<const PrefixKeys> prefix_keys = nullptr;  // null: no prefix cache
};

// One step. Vectors as in Batch; `emitters` belong to the logit rows.
struct Emitter {
    SequenceId id = 0;
    std::int64_t position = 0;   // of the token to be chosen from the first of its rows
    std::size_t first_row = 0;   // of the step's logit rows
    std::size_t rows = 1;        // more than one: rows after guesses, each at the next position
};
struct Step {
    std::vector<std::int32_t> tokens, positions, sequences, pages, logit_rows;
    std::int32_t pages_per_sequence = 0;
    std::vector<Emitter> emitters;
    std::vector<SequenceId> members;   // whose tokens these are, by row of the page table
    std::vector<SequenceId> finished;  // members with Wants::Hidden whose prompt ends in this step
    std::size_t decoded = 0;           // tokens of sequences that decode, guesses included; the others are of prompts
    bool wants_hidden = false;         // a member wants hidden states

    Batch batch() const { return {tokens, positions, sequences, pages, pages_per_sequence, logit_rows}; }
};

class Scheduler {
public:
    explicit Scheduler(const SchedulerConfig& config);
    static std::int32_t largest_step(const SchedulerConfig& config);  // tokens of a step at most
    static std::int32_t most_rows(const SchedulerConfig& config);     // logit rows of a step at most

    // InvalidRequest: it could never fit into the pool. Unavailable: the queue is full.
    core::Result<void> add(SequenceId id, SequenceRequest request);
    // The sequence is over, for whatever reason; its pages are free for the next step. Unknown ids are ignored.
    void remove(SequenceId id);
    // The same after a step that went wrong: what it computed for the sequence is not kept.
    void discard(SequenceId id);

    // The next step; null when nothing can be computed. Valid until the next call. Assumes that the step is computed.
    const Step* next_step();
    // The token chosen for an emitter of the last step; with guesses, the tokens from its rows: the first, and one more
    // for each guess that was right. Must be called, or remove(), for each emitter.
    void append(SequenceId id, std::span<const std::int32_t> tokens);
    void append(SequenceId id, std::int32_t token) { append(id, std::span(&token, 1)); }
    // Guesses of the tokens that come next, used in the next step if there is room; forgotten after it.
    void propose(SequenceId id, std::vector<std::int32_t> guesses);

    // Prompt tokens that were found rather than computed when the sequence began; -1 while it waits.
    std::int64_t found(SequenceId id) const;
    std::size_t waiting() const { return waiting_.size(); }
    std::size_t running() const { return running_.size(); }
    std::int64_t pages_available() const { return pool_.available(); }
    std::int64_t pages_total() const { return pool_.total(); }
    std::int64_t pages_kept() const { return pool_.kept(); }

private:
    struct Sequence {
        SequenceId id = 0;
        std::uint64_t arrival = 0;
        std::uint64_t waits_since = 0;  // step
        std::string tenant;
        std::vector<std::int32_t> tokens;   // prompt and answer
        std::vector<std::int32_t> guesses;  // what may follow
        std::int64_t final_length = 0;      // at most
        std::int64_t computed = 0;          // tokens whose keys and values are in the cache
        std::int64_t found = -1;
        int priority = 0;
        int rank = 0;
        Wants wants = Wants::Answer;
        SequenceId follows = 0;
        std::int64_t prompt_length = 0;
        bool preempted = false;  // was running before: goes first
        bool begun = false;      // some of its prompt has been computed since it was let in
        PageList pages;
        std::vector<PageKey> keys = {};  // of its first full pages, as far as they were needed
        std::size_t shared = 0;          // pages that have been given their names

        std::int64_t length() const { return static_cast<std::int64_t>(tokens.size()); }
        bool decodes() const { return wants == Wants::Answer && computed + 1 == length(); }
    };
    using Sequences = std::vector<Sequence>;

    void keep_pages(Sequence& sequence);
    const PageKey& key_of(Sequence& sequence, std::size_t page);
    std::size_t look_up(Sequence& sequence, std::vector<PagePool::Found>& found);
    bool admit_one();
    int class_of(const Sequence& sequence) const;
    Sequences::iterator next_waiting();
    const Sequence* leader_of(const Sequence& sequence) const;
    bool waits_for_leader(const Sequence& sequence) const;
    void preempt(std::size_t index);
    std::size_t least_worthy() const;
    void make_room();
    void decode_all();
    void prefill(std::int64_t budget);
    void schedule(Sequence& sequence, std::int64_t count);
    void schedule_guesses(Sequence& sequence);
    void write_page_table();
    void take_out(SequenceId id, bool keep);
    void welcome(const std::string& tenant);
    void depart(const std::string& tenant);
    bool present(const std::string& tenant) const;

    SchedulerConfig config_;
    PagePool pool_;
    Sequences waiting_;
    Sequences running_;  // in order of arrival
    std::uint64_t arrivals_ = 0;
    std::uint64_t steps_ = 0;
    std::unordered_map<std::string, std::int64_t> counters_;  // what each tenant has been served, in tenths of tokens
    std::int64_t floor_ = 0;                                  // where tenants that come start at least
    std::int64_t guesses_left_ = 0;                           // of the step being built
    Step step_;
    std::vector<const Sequence*> rows_;  // sequences of the step being built, by row of its page table
};

}  // namespace sluice::local_engine
