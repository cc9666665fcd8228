// The engine thread: takes requests, computes step after step for all of them together, and leaves text in mailboxes.
// It owns the scheduler and uses the model alone; nothing it does waits for a client.
#pragma once

#include "core/result.hpp"
#include "local_engine/answer/thought_meter.hpp"
#include "local_engine/engine.hpp"
#include "local_engine/model/model.hpp"
#include "local_engine/sampling/sampler.hpp"
#include "local_engine/sampling/stop_matcher.hpp"
#include "local_engine/scheduler/scheduler.hpp"
#include "local_engine/serving/mailbox.hpp"
#include "local_engine/tokenizer/detokenizer.hpp"
#include "local_engine/tokenizer/tokenizer.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace sluice::local_engine {

// One choice of one request.
struct Job {
    SequenceRequest sequence;
    SamplingOptions sampling;
    std::vector<std::string> stops;
    std::shared_ptr<Mailbox> mailbox;
    std::size_t choice = 0;
    ThoughtOptions thought = {};
};

class EngineLoop {
public:
    // Both outlive the loop. Starts the thread.
    EngineLoop(Model& model, const Tokenizer& tokenizer, const SchedulerConfig& config);
    ~EngineLoop();  // stops after the current step; requests in progress fail
    EngineLoop(const EngineLoop&) = delete;
    EngineLoop& operator=(const EngineLoop&) = delete;

    // Any thread. Unavailable when too many requests wait; later errors come through the mailbox.
    core::Result<void> submit(std::vector<Job> jobs);
    void look_for_abandoned();  // a listener has gone
    EngineStatus status() const;

private:
    struct Running {
        Job job;
        Sampler sampler;
        StopMatcher stops;
        Detokenizer detokenizer;
        ThoughtMeter thought;
        std::int64_t max_tokens = 0;
        std::int64_t tokens = 0;
    };

    void work();
    bool wait_for_work();
    void take_submitted();
    void drop_abandoned();
    void compute(const Step& step);
    void advance(const Emitter& emitter, std::span<float> logits);
    void fail_step(const Step& step, const std::string& detail);
    void publish_status();

    Model& model_;
    const Tokenizer& tokenizer_;
    const SchedulerConfig config_;
    std::vector<float> logits_;  // (max_running, vocabulary)

    // Engine thread only.
    Scheduler scheduler_;
    std::unordered_map<SequenceId, Running> running_;
    SequenceId last_id_ = 0;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Job> submitted_;
    bool abandoned_ = false;
    bool stopping_ = false;
    EngineStatus status_;

    std::thread thread_;  // last: starts when everything else is there
};

}  // namespace sluice::local_engine
