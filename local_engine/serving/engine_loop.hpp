// The engine thread: takes requests, computes step after step for all of them together, and leaves text in mailboxes.
// It owns the scheduler and uses the device alone; nothing it does waits for a client. A second thread only watches that
// steps end. A device that has failed for good takes keys and values with it: all requests end with Unavailable, and the
// engine thread starts it again, as often as it takes; until then new requests are told when to come back.
#pragma once

#include "core/result.hpp"
#include "local_engine/answer/thought_meter.hpp"
#include "local_engine/engine.hpp"
#include "local_engine/grammar/constraint.hpp"
#include "local_engine/sampling/sampler.hpp"
#include "local_engine/sampling/stop_matcher.hpp"
#include "local_engine/scheduler/scheduler.hpp"
#include "local_engine/serving/mailbox.hpp"
#include "local_engine/serving/pooling.hpp"
#include "local_engine/serving/restart_pace.hpp"
#include "local_engine/serving/step_device.hpp"
#include "local_engine/serving/step_watch.hpp"
#include "local_engine/serving/token_reports.hpp"
#include "local_engine/speculation/prompt_lookup.hpp"
#include "local_engine/speculation/speculation_control.hpp"
#include "local_engine/tokenizer/detokenizer.hpp"
#include "local_engine/tokenizer/tokenizer.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

namespace sluice::local_engine {

// One choice of one request, or one text to embed.
struct Job {
    SequenceRequest sequence;
    SamplingOptions sampling;
    std::vector<std::string> stops;
    std::shared_ptr<Mailbox> mailbox;
    std::size_t choice = 0;
    std::optional<int> top_logprobs = std::nullopt;  // as in ChatOptions
    bool ignore_eos = false;
    ConstraintPlan constraint = {};
    ThoughtOptions thought = {};
    Pooling pooling = Pooling::LastToken;  // with Wants::Hidden
};

struct LoopConfig {
    SchedulerConfig scheduling;
    std::chrono::seconds longest_step{120};  // after which a step counts as hung
    std::chrono::milliseconds first_restart_wait{1000};
    std::chrono::milliseconds longest_restart_wait{60'000};
};

class EngineLoop {
public:
    // All three outlive the loop. The trie may be null: then no job has a constraint. Starts the threads.
    EngineLoop(StepDevice& device, const Tokenizer& tokenizer, const VocabularyTrie* trie, const LoopConfig& config);
    ~EngineLoop();  // stops after the current step; requests in progress fail
    EngineLoop(const EngineLoop&) = delete;
    EngineLoop& operator=(const EngineLoop&) = delete;

    // Any thread. Unavailable when too many requests wait, the device hangs or is being started again; later errors come
    // through the mailbox.
    core::Result<void> submit(std::vector<Job> jobs);
    void look_for_abandoned();  // a listener has gone
    EngineStatus status() const;
    // What the watching thread does once a second: everybody whose step hangs is told. For tests with a time of theirs.
    void watch(StepWatch::Clock::time_point now);

private:
    struct Running {
        Job job;
        Sampler sampler;
        StopMatcher stops;
        Detokenizer detokenizer;
        ThoughtMeter thought;
        std::int64_t max_tokens = 0;
        std::int64_t tokens = 0;
        std::optional<TokenReports> reports = std::nullopt;
        std::size_t text_bytes = 0;  // that have left
        std::optional<Constraint> constraint = std::nullopt;
        std::optional<PromptLookup> lookup = std::nullopt;
        std::optional<Pool> pool = std::nullopt;
    };
    using RunningMap = std::unordered_map<SequenceId, Running>;

    void work();
    void watch_steps();
    bool wait_for_work();
    void take_submitted();
    Running make_running(Job job) const;
    void drop_abandoned();
    void compute(const Step& step);
    void advance_all(const Step& step);
    void advance(const Step& step, const Emitter& emitter);
    // The next token of a sequence: chosen, put into words, and handed out. Nullopt: the sequence has ended.
    std::optional<TokenId> choose(Running& running, std::span<float> logits, std::int64_t position);
    void pool_all(const Step& step);
    void end(SequenceId id);
    void fail(SequenceId id, core::Error error);
    void lose_device(const std::string& why);
    bool restart_device();
    core::Error down_error() const;
    void publish_status();

    StepDevice& device_;
    const Tokenizer& tokenizer_;
    const VocabularyTrie* const trie_;
    const LoopConfig config_;
    std::vector<float> logits_;  // (most rows, vocabulary)
    std::vector<float> hidden_;  // (largest step, width) once somebody wants it

    // Engine thread only.
    std::optional<Scheduler> scheduler_;  // made anew with the device
    RunningMap running_;
    SequenceId last_id_ = 0;
    SpeculationControl speculation_;
    RestartPace pace_;
    RestartPace::Clock::time_point restart_at_{};

    StepWatch step_watch_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::condition_variable ending_;
    std::vector<Job> submitted_;
    std::vector<std::weak_ptr<Mailbox>> live_;  // of requests that have not ended, for the watch
    bool abandoned_ = false;
    bool stopping_ = false;
    EngineStatus status_;

    std::thread watcher_;
    std::thread thread_;  // last: starts when everything else is there
};

}  // namespace sluice::local_engine
