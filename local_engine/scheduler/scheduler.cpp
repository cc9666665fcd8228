#include "local_engine/scheduler/scheduler.hpp"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

namespace sluice::local_engine {
namespace {

// A sequence is let in when its prompt and this much of its answer fit: less means more preemptions, more means idle
// pages.
constexpr std::int64_t kReservedAnswer = 256;
constexpr std::int64_t kPromptWeight = 1;
constexpr std::int64_t kAnswerWeight = 4;

}  // namespace

Scheduler::Scheduler(const SchedulerConfig& config) : config_(config), pool_(config.pages) {}

core::Result<void> Scheduler::add(SequenceId id, SequenceRequest request) {
    const std::int64_t final_length = static_cast<std::int64_t>(request.prompt.size()) + request.max_tokens;
    if (pages_for(final_length) > pool_.total()) {
        return core::Error{core::Errc::InvalidRequest,
                           "prompt and answer of " + std::to_string(final_length) + " tokens exceed the cache of " +
                               std::to_string(pool_.total() * kPageTokens) + " tokens",
                           "messages"};
    }
    if (waiting_.size() >= config_.max_waiting) {
        return core::Error{core::Errc::Unavailable,
                           "the local engine has " + std::to_string(waiting_.size()) + " requests waiting",
                           {},
                           std::chrono::seconds(5)};
    }
    welcome(request.tenant);
    waiting_.push_back(Sequence{.id = id,
                                .arrival = ++arrivals_,
                                .tenant = std::move(request.tenant),
                                .tokens = std::move(request.prompt),
                                .final_length = final_length,
                                .pages = PageList(pool_)});
    return {};
}

void Scheduler::remove(SequenceId id) {
    for (Sequences* list : {&waiting_, &running_}) {
        const auto found = std::ranges::find(*list, id, &Sequence::id);
        if (found == list->end()) continue;
        const std::string tenant = std::move(found->tenant);
        list->erase(found);
        depart(tenant);
        return;
    }
}

void Scheduler::append(SequenceId id, std::int32_t token) {
    const auto found = std::ranges::find(running_, id, &Sequence::id);
    if (found == running_.end()) return;
    found->tokens.push_back(token);
    counters_[found->tenant] += kAnswerWeight;
}

const Step* Scheduler::next_step() {
    step_ = {};
    rows_.clear();
    while (admit_one()) {
    }
    decode_all();
    step_.decoded = step_.tokens.size();
    const auto decoded = static_cast<std::int64_t>(step_.decoded);
    // Prompts move on even when many sequences decode: a quarter of the budget is theirs.
    prefill(std::max<std::int64_t>(config_.step_tokens - decoded, config_.step_tokens / 4));
    write_page_table();
    return step_.tokens.empty() ? nullptr : &step_;
}

std::int32_t Scheduler::largest_step(const SchedulerConfig& config) {
    return std::max(config.step_tokens, config.max_running + config.step_tokens / 4);
}

// Preempted sequences first, then the tenant served least, then the oldest.
Scheduler::Sequences::iterator Scheduler::next_waiting() {
    return std::ranges::min_element(waiting_, {}, [this](const Sequence& sequence) {
        return std::tuple(!sequence.preempted, counters_[sequence.tenant], sequence.arrival);
    });
}

// Nobody overtakes the next one because it is large: it would wait forever.
bool Scheduler::admit_one() {
    if (waiting_.empty() || running_.size() >= static_cast<std::size_t>(config_.max_running)) return false;
    const auto next = next_waiting();
    const std::int64_t expected = std::min(next->length() + kReservedAnswer, next->final_length);
    if (pages_for(expected) > pool_.available() || !next->pages.grow_to(next->length())) return false;
    const auto place = std::ranges::upper_bound(running_, next->arrival, {}, &Sequence::arrival);
    running_.insert(place, std::move(*next));
    waiting_.erase(next);
    return true;
}

// Oldest first, so that whoever has to make room has not been scheduled yet in this step.
void Scheduler::decode_all() {
    for (std::size_t i = 0; i < running_.size(); ++i) {
        while (running_[i].decodes() && !running_[i].pages.grow_to(running_[i].length())) {
            preempt_youngest();
            if (i == running_.size()) return;  // it was the youngest itself
        }
        if (running_[i].decodes()) schedule(running_[i], 1);
    }
}

void Scheduler::preempt_youngest() {
    Sequence sequence = std::move(running_.back());
    running_.pop_back();
    sequence.pages.clear();
    sequence.computed = 0;
    sequence.preempted = true;
    waiting_.push_back(std::move(sequence));
}

void Scheduler::prefill(std::int64_t budget) {
    std::vector<Sequence*> prompts;
    for (Sequence& sequence : running_) {
        if (sequence.computed < sequence.length() && std::ranges::find(rows_, &sequence) == rows_.end()) {
            prompts.push_back(&sequence);
        }
    }
    std::ranges::stable_sort(prompts, {}, [this](const Sequence* sequence) { return counters_[sequence->tenant]; });
    for (Sequence* sequence : prompts) {
        const std::int64_t count = std::min(budget, sequence->length() - sequence->computed);
        if (count <= 0) return;
        schedule(*sequence, count);
        counters_[sequence->tenant] += count * kPromptWeight;
        budget -= count;
    }
}

// The next `count` tokens of the sequence join the step; the last token of all of them will emit.
void Scheduler::schedule(Sequence& sequence, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i, ++sequence.computed) {
        step_.tokens.push_back(sequence.tokens[static_cast<std::size_t>(sequence.computed)]);
        step_.positions.push_back(static_cast<std::int32_t>(sequence.computed));
        step_.sequences.push_back(static_cast<std::int32_t>(rows_.size()));
    }
    rows_.push_back(&sequence);
    step_.members.push_back(sequence.id);
    if (sequence.computed < sequence.length()) return;
    step_.logit_rows.push_back(static_cast<std::int32_t>(step_.tokens.size()) - 1);
    step_.emitters.push_back({sequence.id, sequence.length()});
}

void Scheduler::write_page_table() {
    std::size_t columns = 0;
    for (const Sequence* sequence : rows_) columns = std::max(columns, sequence->pages.pages().size());
    step_.pages_per_sequence = static_cast<std::int32_t>(columns);
    step_.pages.assign(rows_.size() * columns, 0);
    for (std::size_t row = 0; row < rows_.size(); ++row) {
        std::ranges::copy(rows_[row]->pages.pages(), step_.pages.begin() + static_cast<std::ptrdiff_t>(row * columns));
    }
}

// A tenant that comes (back) starts level with the least served one present, not with the credit of its absence.
void Scheduler::welcome(const std::string& tenant) {
    if (present(tenant)) return;
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (const Sequences* list : {&waiting_, &running_}) {
        for (const Sequence& sequence : *list) least = std::min(least, counters_[sequence.tenant]);
    }
    if (least != std::numeric_limits<std::int64_t>::max()) floor_ = std::max(floor_, least);
    std::erase_if(counters_, [&](const auto& entry) { return entry.second <= floor_ && !present(entry.first); });
    std::int64_t& counter = counters_[tenant];
    counter = std::max(counter, floor_);
}

void Scheduler::depart(const std::string& tenant) {
    if (waiting_.empty() && running_.empty()) floor_ = std::max(floor_, counters_[tenant]);
}

bool Scheduler::present(const std::string& tenant) const {
    return std::ranges::find(waiting_, tenant, &Sequence::tenant) != waiting_.end() ||
           std::ranges::find(running_, tenant, &Sequence::tenant) != running_.end();
}

}  // namespace sluice::local_engine
