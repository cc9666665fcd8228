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
constexpr std::int64_t kPromptWeight = 10;  // per token
constexpr std::int64_t kFoundWeight = 1;
constexpr std::int64_t kAnswerWeight = 40;
constexpr std::uint64_t kAgeingSteps = 256;  // of waiting that count as one class
constexpr int kLongPrompts = 2;              // begun and unfinished at a time
constexpr std::uint64_t kLongWait = 64;      // steps after which a prompt no longer lets shorter ones pass

}  // namespace

Scheduler::Scheduler(const SchedulerConfig& config) : config_(config), pool_(config.pages) {}

std::int32_t Scheduler::largest_step(const SchedulerConfig& config) {
    return std::max(config.step_tokens, config.max_running + config.step_tokens / 4) + config.guesses;
}

std::int32_t Scheduler::most_rows(const SchedulerConfig& config) {
    return config.max_running + config.guesses;
}

core::Result<void> Scheduler::add(SequenceId id, SequenceRequest request) {
    const bool answers = request.wants == Wants::Answer;
    if (request.prompt.empty()) {  // it would never be computed, and so never end
        return core::Error{core::Errc::InvalidRequest, "gives no tokens in the vocabulary of this model", answers ? "messages" : "input"};
    }
    const std::int64_t final_length = static_cast<std::int64_t>(request.prompt.size()) + (answers ? request.max_tokens : 0);
    if (pages_for(final_length) > pool_.total()) {
        return core::Error{core::Errc::InvalidRequest,
                           "prompt and answer of " + std::to_string(final_length) + " tokens exceed the cache of " +
                               std::to_string(pool_.total() * kPageTokens) + " tokens",
                           answers ? "messages" : "input"};
    }
    if (waiting_.size() >= config_.max_waiting) {
        return core::Error{core::Errc::Unavailable,
                           "the local engine has " + std::to_string(waiting_.size()) + " requests waiting",
                           {},
                           std::chrono::seconds(5)};
    }
    welcome(request.tenant);
    const auto prompt_length = static_cast<std::int64_t>(request.prompt.size());
    waiting_.push_back(Sequence{.id = id,
                                .arrival = ++arrivals_,
                                .waits_since = steps_,
                                .tenant = std::move(request.tenant),
                                .tokens = std::move(request.prompt),
                                .guesses = {},
                                .final_length = final_length,
                                .priority = request.priority,
                                .rank = request.rank,
                                .wants = request.wants,
                                .follows = request.follows,
                                .prompt_length = prompt_length,
                                .pages = PageList(pool_)});
    return {};
}

void Scheduler::remove(SequenceId id) {
    take_out(id, true);
}

void Scheduler::discard(SequenceId id) {
    take_out(id, false);
}

void Scheduler::take_out(SequenceId id, bool keep) {
    for (Sequences* list : {&waiting_, &running_}) {
        const auto found = std::ranges::find(*list, id, &Sequence::id);
        if (found == list->end()) continue;
        if (keep) keep_pages(*found);
        const std::string tenant = std::move(found->tenant);
        list->erase(found);
        depart(tenant);
        return;
    }
}

void Scheduler::append(SequenceId id, std::span<const std::int32_t> tokens) {
    const auto found = std::ranges::find(running_, id, &Sequence::id);
    if (found == running_.end()) return;
    found->tokens.insert(found->tokens.end(), tokens.begin(), tokens.end());
    found->computed = found->length() - 1;  // guesses that were right have been computed with the token before them
    counters_[found->tenant] += kAnswerWeight * static_cast<std::int64_t>(tokens.size());
}

void Scheduler::propose(SequenceId id, std::vector<std::int32_t> guesses) {
    const auto found = std::ranges::find(running_, id, &Sequence::id);
    if (found != running_.end()) found->guesses = std::move(guesses);
}

std::int64_t Scheduler::found(SequenceId id) const {
    for (const Sequences* list : {&running_, &waiting_}) {
        const auto found = std::ranges::find(*list, id, &Sequence::id);
        if (found != list->end()) return found->found;
    }
    return -1;
}

const Step* Scheduler::next_step() {
    ++steps_;
    for (Sequence& sequence : running_) keep_pages(sequence);
    step_ = {};
    rows_.clear();
    while (admit_one()) {
    }
    make_room();
    decode_all();
    step_.decoded = step_.tokens.size();
    const auto decoded = static_cast<std::int64_t>(step_.decoded);
    // Prompts move on even when many sequences decode: a quarter of the budget is theirs.
    prefill(std::max<std::int64_t>(config_.step_tokens - decoded, config_.step_tokens / 4));
    write_page_table();
    for (Sequence& sequence : running_) sequence.guesses.clear();
    return step_.tokens.empty() ? nullptr : &step_;
}

// Pages that the last step filled get their names: what has not been computed for certain is never found.
void Scheduler::keep_pages(Sequence& sequence) {
    if (!config_.prefix_keys) return;
    const auto full = static_cast<std::size_t>(sequence.computed / kPageTokens);
    for (; sequence.shared < std::min(full, sequence.pages.pages().size()); ++sequence.shared) {
        const PageKey& key = key_of(sequence, sequence.shared);
        const auto tokens = std::span(sequence.tokens).subspan(sequence.shared * kPageTokens, kPageTokens);
        sequence.pages.share(sequence.shared, key, tokens);
    }
}

const PageKey& Scheduler::key_of(Sequence& sequence, std::size_t page) {
    while (sequence.keys.size() <= page) {
        const std::size_t next = sequence.keys.size();
        const PageKey before = next == 0 ? config_.prefix_keys->root(sequence.tenant) : sequence.keys.back();
        sequence.keys.push_back(
            PrefixKeys::next(before, std::span(sequence.tokens).subspan(next * kPageTokens, kPageTokens)));
    }
    return sequence.keys[page];
}

// Pages of its beginning that are there. At least one token is left to compute: its logits are wanted. The hidden states
// of all tokens are, for embeddings: nothing is looked up for them.
std::size_t Scheduler::look_up(Sequence& sequence, std::vector<PagePool::Found>& found) {
    found.clear();
    if (!config_.prefix_keys || sequence.wants == Wants::Hidden) return 0;
    const auto most = static_cast<std::size_t>((sequence.length() - 1) / kPageTokens);
    std::size_t unused = 0;
    for (std::size_t page = 0; page < most; ++page) {
        const auto hit = pool_.find(key_of(sequence, page), std::span(sequence.tokens).subspan(page * kPageTokens, kPageTokens));
        if (!hit) break;
        found.push_back(*hit);
        unused += hit->used ? 0 : 1;
    }
    return unused;
}

// A class is worth more than any tenant's claim, but nobody waits for ever.
int Scheduler::class_of(const Sequence& sequence) const {
    return sequence.priority + static_cast<int>((steps_ - sequence.waits_since) / kAgeingSteps);
}

// Those that need not wait for the first of their prompt; of them preempted sequences first, then the class, then the
// tenant served least, then the rank, then the oldest.
Scheduler::Sequences::iterator Scheduler::next_waiting() {
    return std::ranges::min_element(waiting_, {}, [this](const Sequence& sequence) {
        return std::tuple(waits_for_leader(sequence), !sequence.preempted, -class_of(sequence), counters_[sequence.tenant],
                          -sequence.rank, sequence.arrival);
    });
}

const Scheduler::Sequence* Scheduler::leader_of(const Sequence& sequence) const {
    if (sequence.follows == 0) return nullptr;
    for (const Sequences* list : {&running_, &waiting_}) {
        const auto found = std::ranges::find(*list, sequence.follows, &Sequence::id);
        if (found != list->end()) return &*found;
    }
    return nullptr;
}

bool Scheduler::waits_for_leader(const Sequence& sequence) const {
    const Sequence* leader = leader_of(sequence);
    return leader != nullptr && !sequence.preempted && leader->computed < leader->prompt_length;
}

// Nobody overtakes the next one because it is large: it would wait forever.
bool Scheduler::admit_one() {
    if (waiting_.empty() || running_.size() >= static_cast<std::size_t>(config_.max_running)) return false;
    const auto next = next_waiting();
    if (waits_for_leader(*next)) return false;
    std::vector<PagePool::Found> found;
    auto unused = static_cast<std::int64_t>(look_up(*next, found));
    // The first of its prompt holds all full pages of it, named or not.
    const Sequence* leader = leader_of(*next);
    const auto full = static_cast<std::size_t>((next->prompt_length - 1) / kPageTokens);
    if (leader != nullptr && found.size() < full && leader->computed >= leader->prompt_length) {
        found.clear();
        unused = 0;
        for (const std::int32_t page : leader->pages.pages().first(full)) found.push_back({page, true});
    }
    const std::int64_t expected = std::min(next->length() + kReservedAnswer, next->final_length);
    const std::int64_t missing = pages_for(expected) - static_cast<std::int64_t>(found.size());
    if (missing > pool_.available() - unused) return false;
    for (const PagePool::Found& page : found) next->pages.adopt(page.page);
    if (!next->pages.grow_to(next->length())) {
        next->pages.clear();
        return false;
    }
    next->shared = found.size();
    next->computed = static_cast<std::int64_t>(found.size()) * kPageTokens;
    next->begun = false;
    if (next->found < 0) next->found = next->computed;
    counters_[next->tenant] += next->computed * kFoundWeight;
    next->waits_since = steps_;
    const auto place = std::ranges::upper_bound(running_, next->arrival, {}, &Sequence::arrival);
    running_.insert(place, std::move(*next));
    waiting_.erase(next);
    return true;
}

// Every sequence that decodes has a place for its token; those that are worth least give way.
void Scheduler::make_room() {
    std::vector<SequenceId> order;
    for (const Sequence& sequence : running_) order.push_back(sequence.id);
    std::ranges::stable_sort(order, {}, [this](SequenceId id) {
        return -std::ranges::find(running_, id, &Sequence::id)->priority;
    });
    for (const SequenceId id : order) {
        while (true) {
            const auto found = std::ranges::find(running_, id, &Sequence::id);
            if (found == running_.end() || !found->decodes() || found->pages.grow_to(found->length())) break;
            preempt(least_worthy());
        }
    }
}

// The youngest of the lowest class says whose turn it is to give way; of that tenant's sequences the lowest rank does.
std::size_t Scheduler::least_worthy() const {
    std::size_t worst = running_.size() - 1;
    for (std::size_t i = running_.size(); i-- > 0;) {
        if (running_[i].priority < running_[worst].priority) worst = i;
    }
    const Sequence& youngest = running_[worst];
    for (std::size_t i = running_.size(); i-- > 0;) {
        const Sequence& other = running_[i];
        if (other.tenant == youngest.tenant && other.priority == youngest.priority && other.rank < running_[worst].rank) worst = i;
    }
    return worst;
}

void Scheduler::preempt(std::size_t index) {
    Sequence sequence = std::move(running_[index]);
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(index));
    sequence.pages.clear();
    sequence.computed = 0;
    sequence.shared = 0;
    sequence.preempted = true;
    sequence.waits_since = steps_;
    waiting_.push_back(std::move(sequence));
}

void Scheduler::decode_all() {
    guesses_left_ = config_.guesses;
    for (Sequence& sequence : running_) {
        if (!sequence.decodes()) continue;
        schedule(sequence, 1);
        schedule_guesses(sequence);
    }
}

// Guesses never make anybody give way, and never reach beyond the sequence's end.
void Scheduler::schedule_guesses(Sequence& sequence) {
    const std::int64_t room = sequence.final_length - sequence.length() - 1;
    auto count = std::min({static_cast<std::int64_t>(sequence.guesses.size()), guesses_left_, room});
    while (count > 0 && !sequence.pages.grow_to(sequence.length() + count)) --count;
    for (std::int64_t i = 0; i < count; ++i) {
        step_.tokens.push_back(sequence.guesses[static_cast<std::size_t>(i)]);
        step_.positions.push_back(static_cast<std::int32_t>(sequence.length() + i));
        step_.sequences.push_back(static_cast<std::int32_t>(rows_.size() - 1));
        step_.logit_rows.push_back(static_cast<std::int32_t>(step_.tokens.size()) - 1);
        ++step_.emitters.back().rows;
    }
    guesses_left_ -= std::max<std::int64_t>(count, 0);
}

void Scheduler::prefill(std::int64_t budget) {
    std::vector<Sequence*> prompts;
    int begun = 0;
    for (Sequence& sequence : running_) {
        if (sequence.computed >= sequence.length() || std::ranges::find(rows_, &sequence) != rows_.end()) continue;
        prompts.push_back(&sequence);
        begun += sequence.begun ? 1 : 0;
    }
    std::ranges::stable_sort(prompts, {}, [this](const Sequence* sequence) {
        const bool patient = steps_ - sequence->waits_since < kLongWait;
        return std::tuple(-sequence->priority, counters_[sequence->tenant], -sequence->rank, patient ? sequence->length() - sequence->computed : 0);
    });
    for (Sequence* sequence : prompts) {
        const std::int64_t left = sequence->length() - sequence->computed;
        const std::int64_t count = std::min(budget, left);
        if (count <= 0) return;
        const bool unfinished = count < left;
        if (unfinished && !sequence->begun && begun >= kLongPrompts) continue;
        if (unfinished && !sequence->begun) ++begun;
        sequence->begun = true;
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
    step_.wants_hidden = step_.wants_hidden || sequence.wants == Wants::Hidden;
    if (sequence.computed < sequence.length()) return;
    if (sequence.wants == Wants::Hidden) {
        step_.finished.push_back(sequence.id);
        return;
    }
    step_.emitters.push_back({sequence.id, sequence.length(), step_.logit_rows.size(), 1});
    step_.logit_rows.push_back(static_cast<std::int32_t>(step_.tokens.size()) - 1);
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
