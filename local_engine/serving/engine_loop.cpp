#include "local_engine/serving/engine_loop.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <iterator>
#include <utility>

namespace sluice::local_engine {

EngineLoop::EngineLoop(StepDevice& device, const Tokenizer& tokenizer, const VocabularyTrie* trie,
                       const LoopConfig& config)
    : device_(device),
      tokenizer_(tokenizer),
      trie_(trie),
      config_(config),
      logits_(static_cast<std::size_t>(Scheduler::most_rows(config.scheduling)) *
              static_cast<std::size_t>(device.vocabulary())),
      scheduler_(config.scheduling),
      pace_(config.first_restart_wait, config.longest_restart_wait),
      step_watch_(config.longest_step) {
    publish_status();
    watcher_ = std::thread([this] { watch_steps(); });
    thread_ = std::thread([this] { work(); });
}

EngineLoop::~EngineLoop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_one();
    ending_.notify_one();
    thread_.join();
    watcher_.join();
    const core::Error stopped{core::Errc::Unavailable, "the local engine is stopping"};
    for (auto& [id, running] : running_) running.job.mailbox->fail(stopped);
    for (Job& job : submitted_) job.mailbox->fail(stopped);
}

core::Result<void> EngineLoop::submit(std::vector<Job> jobs) {
    {
        const std::lock_guard lock(mutex_);
        if (status_.hung) {
            return core::Error{core::Errc::Unavailable, "the local engine hangs in a step", {}, std::chrono::seconds(30)};
        }
        if (!status_.down.empty()) return down_error();
        const std::size_t waiting = status_.waiting + submitted_.size();
        if (waiting + jobs.size() > config_.scheduling.max_waiting) {
            return core::Error{core::Errc::Unavailable,
                               "the local engine has " + std::to_string(waiting) + " requests waiting",
                               {},
                               std::chrono::seconds(5)};
        }
        std::erase_if(live_, [](const auto& mailbox) { return mailbox.expired(); });
        if (!jobs.empty()) live_.push_back(jobs.front().mailbox);
        std::ranges::move(jobs, std::back_inserter(submitted_));
    }
    changed_.notify_one();
    return {};
}

void EngineLoop::watch_steps() {
    std::unique_lock lock(mutex_);
    while (!ending_.wait_for(lock, std::chrono::seconds(1), [this] { return stopping_; })) {
        lock.unlock();
        watch(StepWatch::Clock::now());
        lock.lock();
    }
}

void EngineLoop::watch(StepWatch::Clock::time_point now) {
    const auto overdue = step_watch_.overdue(now);
    const std::lock_guard lock(mutex_);
    const bool first = overdue && !status_.hung;
    status_.hung = overdue.has_value();
    if (!first) return;
    // The step itself cannot be ended; but nobody has to wait for it.
    for (const auto& live : live_) {
        if (const auto mailbox = live.lock()) {
            mailbox->fail({core::Errc::Unavailable, "a step of the local engine has not ended for " +
                                                        std::to_string(overdue->count()) + " seconds"});
        }
    }
    live_.clear();
}

void EngineLoop::look_for_abandoned() {
    {
        const std::lock_guard lock(mutex_);
        abandoned_ = true;
    }
    changed_.notify_one();
}

EngineStatus EngineLoop::status() const {
    const std::lock_guard lock(mutex_);
    EngineStatus status = status_;
    status.waiting += submitted_.size();
    return status;
}

void EngineLoop::work() {
    while (wait_for_work()) {
        if (!device_.failure().empty() && !restart_device()) continue;
        take_submitted();
        drop_abandoned();
        if (const Step* step = scheduler_->next_step()) compute(*step);
        publish_status();
    }
}

// False when the loop must end.
bool EngineLoop::wait_for_work() {
    std::unique_lock lock(mutex_);
    if (!status_.down.empty()) changed_.wait_until(lock, restart_at_, [this] { return stopping_; });
    else changed_.wait(lock, [this] { return stopping_ || abandoned_ || !submitted_.empty() || !running_.empty(); });
    return !stopping_;
}

// Everything that lay on the device is gone, so nobody can go on: not those of the step alone.
void EngineLoop::lose_device(const std::string& why) {
    const auto now = RestartPace::Clock::now();
    std::vector<Job> jobs;
    core::Error error;
    {
        const std::lock_guard lock(mutex_);
        restart_at_ = now + pace_.failed(now);
        status_.down = why;
        error = down_error();
        jobs.swap(submitted_);
    }
    for (auto& [id, running] : running_) running.job.mailbox->fail(error);
    for (Job& job : jobs) job.mailbox->fail(error);
    running_.clear();
    scheduler_.emplace(config_.scheduling);
    publish_status();
}

// False: not yet, or not this time.
bool EngineLoop::restart_device() {
    core::Result<void> started;
    try {
        started = device_.restart();
    } catch (const std::exception& failure) {
        started = core::Error{core::Errc::Internal, failure.what()};
    }
    if (!started) {
        lose_device(core::describe(started.error()));
        return false;
    }
    const std::lock_guard lock(mutex_);
    status_.down.clear();
    ++status_.restarts;
    return true;
}

// Under the mutex. A start takes as long as loading does; nobody knows better than a few seconds.
core::Error EngineLoop::down_error() const {
    constexpr std::chrono::seconds kStart{5};
    const auto left = std::chrono::ceil<std::chrono::seconds>(restart_at_ - RestartPace::Clock::now());
    return {core::Errc::Unavailable, "the local engine is being started again: " + status_.down, {},
            kStart + std::max(left, std::chrono::seconds(0))};
}

void EngineLoop::take_submitted() {
    std::vector<Job> jobs;
    {
        const std::lock_guard lock(mutex_);
        jobs.swap(submitted_);
        status_.waiting += jobs.size();  // until publish_status() counts them
    }
    const Mailbox* request = nullptr;  // choices of one request come one after the other, with one prompt
    SequenceId first = 0;
    for (Job& job : jobs) {
        const SequenceId id = ++last_id_;
        const bool same = job.mailbox.get() == request && job.sequence.wants == Wants::Answer;
        if (same) job.sequence.follows = first;
        else first = id;
        request = job.mailbox.get();
        const std::shared_ptr<Mailbox> mailbox = job.mailbox;
        SequenceRequest sequence = job.sequence;
        try {
            Running running = make_running(std::move(job));
            if (auto added = scheduler_->add(id, std::move(sequence)); !added) mailbox->fail(added.error());
            else running_.try_emplace(id, std::move(running));
        } catch (const std::exception& failure) {
            mailbox->fail({core::Errc::Internal, std::string("the local engine could not begin: ") + failure.what()});
        }
    }
}

EngineLoop::Running EngineLoop::make_running(Job job) const {
    Sampler sampler(job.sampling, job.sequence.prompt);
    StopMatcher stops(job.stops);
    const bool answers = job.sequence.wants == Wants::Answer;
    const std::int64_t max_tokens = answers ? job.sequence.max_tokens : 0;
    Detokenizer detokenizer(tokenizer_, job.thought.spelled);
    ThoughtMeter thought(job.thought);
    Running running{std::move(job), std::move(sampler), std::move(stops), std::move(detokenizer), std::move(thought), max_tokens};
    Job& kept = running.job;
    if (kept.top_logprobs) running.reports.emplace(static_cast<std::size_t>(*kept.top_logprobs));
    if (!kept.constraint.empty() && trie_ != nullptr)
        running.constraint.emplace(std::move(kept.constraint), *trie_, tokenizer_);
    if (config_.scheduling.guesses > 0 && answers) running.lookup.emplace(kept.sequence.prompt);
    if (!answers) running.pool.emplace(kept.pooling, static_cast<std::size_t>(device_.width()));
    kept.sequence.prompt = {};  // the scheduler has its own
    return running;
}

void EngineLoop::drop_abandoned() {
    {
        const std::lock_guard lock(mutex_);
        if (!std::exchange(abandoned_, false)) return;
    }
    std::erase_if(running_, [this](const auto& entry) {
        const bool gone = entry.second.job.mailbox->abandoned();
        if (gone) scheduler_->remove(entry.first);
        return gone;
    });
}

void EngineLoop::compute(const Step& step) {
    for (const SequenceId id : step.members) running_.at(id).job.mailbox->start();
    const auto width = static_cast<std::size_t>(device_.vocabulary());
    const auto before = StepWatch::Clock::now();
    step_watch_.begin(before);
    try {
        if (step.wants_hidden) hidden_.resize(step.tokens.size() * static_cast<std::size_t>(device_.width()));
        device_.run(step.batch(), std::span(logits_.data(), step.logit_rows.size() * width),
                    step.wants_hidden ? std::span(hidden_) : std::span<float>());
    } catch (const std::exception& failure) {  // out of memory: those of this step end, the others go on
        step_watch_.end();
        if (const std::string why = device_.failure(); !why.empty()) return lose_device(why);
        for (const SequenceId id : step.members) {
            fail(id, {core::Errc::Internal, std::string("the local engine could not compute: ") + failure.what()});
        }
        return;
    }
    step_watch_.end();
    const std::chrono::duration<double> took = StepWatch::Clock::now() - before;
    if (step.decoded == step.tokens.size()) speculation_.note_step(step.tokens.size(), took.count());
    advance_all(step);
    pool_all(step);
    const std::lock_guard lock(mutex_);
    status_.prompt_tokens += step.tokens.size() - step.decoded;
}

void EngineLoop::advance_all(const Step& step) {
    for (const Emitter& emitter : step.emitters) {
        try {
            advance(step, emitter);
        } catch (const std::exception& failure) {  // one sequence's trouble is not the others'
            fail(emitter.id, {core::Errc::Internal, std::string("the local engine could not go on: ") + failure.what()});
        }
    }
}

// Rows behind the first belong to guesses: each counts while the guess before it is what was chosen. So the text is the
// same as without guesses, whatever is guessed.
void EngineLoop::advance(const Step& step, const Emitter& emitter) {
    const auto found = running_.find(emitter.id);
    if (found == running_.end()) return;
    Running& running = found->second;
    if (running.tokens == 0 && running.job.choice == 0) {
        const std::int64_t tokens = std::max<std::int64_t>(0, scheduler_->found(emitter.id));
        running.job.mailbox->note_found(tokens);
        const std::lock_guard lock(mutex_);
        status_.found_tokens += static_cast<std::uint64_t>(tokens);
    }
    const auto width = static_cast<std::size_t>(device_.vocabulary());
    std::vector<TokenId> chosen;
    bool ended = false;
    for (std::size_t row = 0; row < emitter.rows && !ended; ++row) {
        const std::size_t at = emitter.first_row + row;
        if (row > 0 && step.tokens[static_cast<std::size_t>(step.logit_rows[at])] != chosen.back()) break;
        const auto token = choose(running, std::span(logits_).subspan(at * width, width),
                                  emitter.position + static_cast<std::int64_t>(row));
        ended = !token;
        if (token) chosen.push_back(*token);
    }
    if (emitter.rows > 1) {
        const std::size_t right = chosen.size() + (ended ? 1 : 0) - 1;
        speculation_.note_guesses(emitter.rows - 1, right);
        const std::lock_guard lock(mutex_);
        status_.guessed_tokens += emitter.rows - 1;
        status_.right_guesses += right;
    }
    if (ended) return end(emitter.id);
    scheduler_->append(emitter.id, chosen);
    if (!running.lookup) return;
    for (const TokenId token : chosen) running.lookup->note(token);
    if (auto guesses = running.lookup->guess(speculation_.worth_guessing(scheduler_->running())); !guesses.empty())
        scheduler_->propose(emitter.id, std::move(guesses));
}

std::optional<TokenId> EngineLoop::choose(Running& running, std::span<float> logits, std::int64_t position) {
    // Rows of the output head beyond the vocabulary are padding: they have no text.
    const auto known = static_cast<std::size_t>(tokenizer_.size());
    for (std::size_t i = known; i < logits.size(); ++i) logits[i] = -INFINITY;
    const TokenMask* mask = running.constraint ? running.constraint->allowed() : nullptr;
    if (running.constraint && running.constraint->failed()) {
        running.job.mailbox->fail({core::Errc::InvalidRequest, "is too ambiguous to be followed", "grammar"});
        return std::nullopt;
    }
    std::vector<float> raw;
    if (running.reports) raw.assign(logits.begin(), logits.end());
    const auto given = running.thought.given();  // the end of a thought whose budget is used up
    // Nothing fits and nothing may end only where the vocabulary lacks bytes: the answer ends there.
    const bool stuck = !given && mask != nullptr && !mask->any();
    const TokenId token = given ? *given : stuck ? 0 : running.sampler.pick(logits, position, mask);
    if (!stuck) running.sampler.note(token);
    if (running.constraint && !stuck) running.constraint->take(token);
    ++running.tokens;

    const bool ended = stuck || (tokenizer_.is_end_of_generation(token) && !running.job.ignore_eos);
    const std::string piece = ended ? std::string() : running.detokenizer.feed(token);
    if (running.thought.note(piece)) running.job.mailbox->note_thought();
    if (running.reports && !ended) running.reports->note(LogProbabilities(raw), token, tokenizer_, piece.size());
    std::string text = running.stops.feed(piece);
    const bool stopped = ended || running.stops.stopped();
    const bool full = running.tokens >= running.max_tokens;
    if (stopped || full) {
        text += running.stops.feed(running.detokenizer.finish());
        text += running.stops.finish();
    }
    running.text_bytes += text.size();
    std::vector<TokenReport> reports;
    if (running.reports) {
        reports = stopped || full ? running.reports->finish(running.text_bytes, running.stops.stopped())
                                  : running.reports->release(running.text_bytes);
    }
    running.job.mailbox->deliver(running.job.choice, text, stopped ? "stop" : full ? "length" : "", std::move(reports));
    {
        const std::lock_guard lock(mutex_);
        ++status_.completion_tokens;
    }
    if (stopped || full) return std::nullopt;
    return token;
}

// Hidden states of the step's tokens go to whoever wants them.
void EngineLoop::pool_all(const Step& step) {
    if (!step.wants_hidden) return;
    const auto width = static_cast<std::size_t>(device_.width());
    for (std::size_t first = 0; first < step.tokens.size();) {
        std::size_t last = first;
        while (last < step.tokens.size() && step.sequences[last] == step.sequences[first]) ++last;
        const auto found = running_.find(step.members[static_cast<std::size_t>(step.sequences[first])]);
        if (found != running_.end() && found->second.pool) {
            found->second.pool->add(std::span(hidden_).subspan(first * width, (last - first) * width), step.positions[first]);
        }
        first = last;
    }
    for (const SequenceId id : step.finished) {
        const auto found = running_.find(id);
        if (found == running_.end()) continue;
        found->second.job.mailbox->deliver_vector(found->second.job.choice, found->second.pool->finish());
        end(id);
    }
}

void EngineLoop::end(SequenceId id) {
    scheduler_->remove(id);
    running_.erase(id);
}

void EngineLoop::fail(SequenceId id, core::Error error) {
    scheduler_->discard(id);
    const auto found = running_.find(id);
    if (found == running_.end()) return;
    found->second.job.mailbox->fail(std::move(error));
    running_.erase(found);
}

void EngineLoop::publish_status() {
    const std::lock_guard lock(mutex_);
    status_.waiting = scheduler_->waiting();
    status_.running = scheduler_->running();
    status_.pages_total = static_cast<std::size_t>(scheduler_->pages_total());
    status_.pages_used = static_cast<std::size_t>(scheduler_->pages_total() - scheduler_->pages_available());
}

}  // namespace sluice::local_engine
