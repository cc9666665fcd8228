#include "local_engine/serving/engine_loop.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <iterator>
#include <utility>

namespace sluice::local_engine {

EngineLoop::EngineLoop(Model& model, const Tokenizer& tokenizer, const SchedulerConfig& config)
    : model_(model),
      tokenizer_(tokenizer),
      config_(config),
      logits_(static_cast<std::size_t>(config.max_running) * static_cast<std::size_t>(model.plan.vocabulary)),
      scheduler_(config) {
    publish_status();
    thread_ = std::thread([this] { work(); });
}

EngineLoop::~EngineLoop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
    const core::Error stopped{core::Errc::Unavailable, "the local engine is stopping"};
    for (auto& [id, running] : running_) running.job.mailbox->fail(stopped);
    for (Job& job : submitted_) job.mailbox->fail(stopped);
}

core::Result<void> EngineLoop::submit(std::vector<Job> jobs) {
    {
        const std::lock_guard lock(mutex_);
        const std::size_t waiting = status_.waiting + submitted_.size();
        if (waiting + jobs.size() > config_.max_waiting) {
            return core::Error{core::Errc::Unavailable,
                               "the local engine has " + std::to_string(waiting) + " requests waiting",
                               {},
                               std::chrono::seconds(5)};
        }
        std::ranges::move(jobs, std::back_inserter(submitted_));
    }
    changed_.notify_one();
    return {};
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
        take_submitted();
        drop_abandoned();
        if (const Step* step = scheduler_.next_step()) compute(*step);
        publish_status();
    }
}

// False when the loop must end.
bool EngineLoop::wait_for_work() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopping_ || abandoned_ || !submitted_.empty() || !running_.empty(); });
    return !stopping_;
}

void EngineLoop::take_submitted() {
    std::vector<Job> jobs;
    {
        const std::lock_guard lock(mutex_);
        jobs.swap(submitted_);
        status_.waiting += jobs.size();  // until publish_status() counts them
    }
    for (Job& job : jobs) {
        const SequenceId id = ++last_id_;
        const std::int64_t max_tokens = job.sequence.max_tokens;
        Sampler sampler(job.sampling, job.sequence.prompt);
        if (auto added = scheduler_.add(id, std::move(job.sequence)); !added) {
            job.mailbox->fail(added.error());
            continue;
        }
        StopMatcher stops(job.stops);
        Detokenizer detokenizer(tokenizer_, job.thought.spelled);
        ThoughtMeter thought(job.thought);
        running_.try_emplace(id, Running{std::move(job), std::move(sampler), std::move(stops), std::move(detokenizer),
                                         std::move(thought), max_tokens});
    }
}

void EngineLoop::drop_abandoned() {
    {
        const std::lock_guard lock(mutex_);
        if (!std::exchange(abandoned_, false)) return;
    }
    std::erase_if(running_, [this](const auto& entry) {
        const bool gone = entry.second.job.mailbox->abandoned();
        if (gone) scheduler_.remove(entry.first);
        return gone;
    });
}

void EngineLoop::compute(const Step& step) {
    for (const SequenceId id : step.members) running_.at(id).job.mailbox->start();
    const auto width = static_cast<std::size_t>(model_.plan.vocabulary);
    const std::span<float> logits(logits_.data(), step.emitters.size() * width);
    try {
        model_.forward->run(step.batch(), logits);
        for (std::size_t i = 0; i < step.emitters.size(); ++i)
            advance(step.emitters[i], logits.subspan(i * width, width));
    } catch (const std::exception& failure) {  // out of memory: those of this step end, the others go on
        fail_step(step, failure.what());
    }
    const std::lock_guard lock(mutex_);
    status_.completion_tokens += step.emitters.size();
    status_.prompt_tokens += step.tokens.size() - step.decoded;
}

// The next token of a sequence: chosen, put into words, and handed out, or the sequence's end.
void EngineLoop::advance(const Emitter& emitter, std::span<float> logits) {
    const auto found = running_.find(emitter.id);
    if (found == running_.end()) return;
    Running& running = found->second;
    // Rows of the output head beyond the vocabulary are padding: they have no text.
    const auto known = static_cast<std::size_t>(tokenizer_.size());
    for (std::size_t i = known; i < logits.size(); ++i) logits[i] = -INFINITY;
    const auto given = running.thought.given();  // the end of a thought whose budget is used up
    const TokenId token = given ? *given : running.sampler.pick(logits, emitter.position);
    running.sampler.note(token);
    ++running.tokens;

    const bool ended = tokenizer_.is_end_of_generation(token);
    const std::string added = ended ? std::string() : running.detokenizer.feed(token);
    if (running.thought.note(added)) running.job.mailbox->note_thought();
    std::string text = running.stops.feed(added);
    const bool stopped = ended || running.stops.stopped();
    const bool full = running.tokens >= running.max_tokens;
    if (stopped || full) {
        text += running.stops.feed(running.detokenizer.finish());
        text += running.stops.finish();
    }
    running.job.mailbox->deliver(running.job.choice, text, stopped ? "stop" : full ? "length" : "");
    if (!stopped && !full) return scheduler_.append(emitter.id, token);
    scheduler_.remove(emitter.id);
    running_.erase(found);
}

void EngineLoop::fail_step(const Step& step, const std::string& detail) {
    for (const SequenceId id : step.members) {
        scheduler_.remove(id);
        const auto found = running_.find(id);
        if (found == running_.end()) continue;
        found->second.job.mailbox->fail({core::Errc::Internal, "the local engine could not compute: " + detail});
        running_.erase(found);
    }
}

void EngineLoop::publish_status() {
    const std::lock_guard lock(mutex_);
    status_.waiting = scheduler_.waiting();
    status_.running = scheduler_.running();
    status_.pages_total = static_cast<std::size_t>(scheduler_.pages_total());
    status_.pages_used = static_cast<std::size_t>(scheduler_.pages_total() - scheduler_.pages_available());
}

}  // namespace sluice::local_engine
