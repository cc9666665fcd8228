// The engine over the emulated card: the same answers as on the CPU, and what happens when the card fails at any
// launch, fails again while it is started again, and comes back.
#include "emulated_device.hpp"
#include "local_engine/engine.hpp"
#include "local_engine/kernels/cuda/device_kernels.hpp"
#include "local_engine/model_set.hpp"

#include <boost/asio.hpp>
#include <gtest/gtest.h>

#include <thread>

namespace sluice::local_engine {
namespace {

using core::Errc;
using core::Error;
using core::Json;
using testing::Faults;

class LastReply final : public core::ReplySink {
public:
    core::awaitable<core::Result<void>> events(std::span<const std::string_view> views) override {
        chunks += views.size();
        if (on_events) on_events();
        co_return core::Result<void>{};
    }
    core::awaitable<core::Result<void>> body(std::string json) override {
        whole = core::parse_json(json).value();
        co_return core::Result<void>{};
    }
    core::awaitable<core::Result<void>> heartbeat() override { co_return core::Result<void>{}; }
    bool client_gone() const override { return false; }

    std::size_t chunks = 0;
    Json whole;
    std::function<void()> on_events;
};

struct Call {
    Json more = Json::object();
    core::Tokens max_tokens = 4;
    LastReply reply = {};
    core::ServeOutcome outcome = {};
};

class EngineOnCard : public ::testing::Test {
protected:
    void SetUp() override {
#if defined(__SANITIZE_THREAD__)
        GTEST_SKIP() << "fibers cannot run under the thread sanitizer";
#endif
    }

    EngineConfig config(EngineBackend backend) {
        EngineConfig config{
            .model = SLUICE_SOURCE_DIR "/tests/data/engine/qwen3-n-Q8_0.gguf", .backend = backend, .threads = 1};
        config.context_limit = 128;
        config.kv_bytes = 1U << 20U;
        config.first_restart_wait = std::chrono::milliseconds(1);
        config.longest_restart_wait = std::chrono::milliseconds(20);
        config.open_card = [faults = faults_,
                            memory = memory_](Activations activations) -> core::Result<std::unique_ptr<Kernels>> {
            ++faults->opened;
            if (faults->opens > 0) {
                --faults->opens;
                return Error{Errc::Unavailable, "no card answers", "backend"};
            }
            return std::make_unique<cuda::DeviceKernels>(
                testing::make_emulated_device({.memory = memory, .faults = faults}), activations);
        };
        return config;
    }
    static std::unique_ptr<Engine> loaded(const EngineConfig& config) {
        auto engine = Engine::load(config);
        EXPECT_TRUE(engine) << core::describe(engine.error());
        return engine ? std::move(*engine) : nullptr;
    }

    static core::awaitable<void> session(core::LocalBackend& engine, Call& call) {
        Json body{
            {"model", "tiny"}, {"messages", Json::array({{{"role", "user"}, {"content", "Hello"}}})}, {"seed", 1}};
        body.update(call.more);
        const auto request = core::ChatRequest::from_json(std::move(body)).value();
        const core::ServeOptions options{.model = "tiny",
                                         .max_tokens = call.max_tokens,
                                         .deadline = core::Deadline::after(std::chrono::seconds(60)),
                                         .request_id = "r1",
                                         .tenant = "t"};
        call.outcome = co_await engine.serve(request, options, call.reply);
    }
    static void serve(core::LocalBackend& engine, std::initializer_list<Call*> calls) {
        core::net::io_context loop;
        for (Call* call : calls) core::net::co_spawn(loop, session(engine, *call), core::net::detached);
        loop.run();
    }
    static std::string text_of(core::LocalBackend& engine) {
        Call call;
        serve(engine, {&call});
        EXPECT_TRUE(call.outcome.result) << core::describe(call.outcome.result.error());
        return call.outcome.result ? call.reply.whole.at("choices")[0].at("message").dump() : "";
    }
    static void wait_until(const std::function<bool()>& done) {
        for (int i = 0; i < 20'000 && !done(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        ASSERT_TRUE(done());
    }
    static bool up(const Engine& engine, std::uint64_t restarts) {
        const EngineStatus status = engine.status();
        return status.down.empty() && status.restarts == restarts;
    }

    std::shared_ptr<Faults> faults_ = std::make_shared<Faults>();
    std::size_t memory_ = std::size_t{1} << 30U;
};

TEST_F(EngineOnCard, AnswersAsTheCpuDoes) {
    const auto engine = loaded(config(EngineBackend::Cuda));
    ASSERT_TRUE(engine);
    EXPECT_TRUE(engine->info().on_card);
    EXPECT_EQ(engine->info().kernels, "emulated CUDA");
    EXPECT_EQ(text_of(*engine), text_of(*loaded(config(EngineBackend::Cpu))));
    EXPECT_EQ(engine->status().restarts, 0U);
}

// Runs where a card is: tests/bench/gpu/run.sh has it in its list.
TEST_F(EngineOnCard, ARealCardAnswersAsTheCpuDoes) {
    auto real = config(EngineBackend::Cuda);
    real.open_card = {};
    real.activations = Activations::F32;
    const auto engine = Engine::load(real);
    if (!engine) GTEST_SKIP() << "no card: " << core::describe(engine.error());
    real.backend = EngineBackend::Cpu;
    EXPECT_EQ(text_of(**engine), text_of(*loaded(real)));
}

TEST_F(EngineOnCard, AFailureEndsTheRequestsOfTheMomentAndTheEngineStartsAgain) {
    const auto engine = loaded(config(EngineBackend::Cuda));
    ASSERT_TRUE(engine);
    const std::string wanted = text_of(*engine);
    std::uint64_t restarts = 0;
    for (const std::int64_t launch : {0, 7, 90}) {
        faults_->launches = launch;
        Call one;
        Call other;
        serve(*engine, {&one, &other});
        bool told = false;
        for (const Call* call : {&one, &other}) {
            if (call->outcome.result) continue;
            told = true;
            const Error& error = call->outcome.result.error();
            EXPECT_EQ(error.code, Errc::Unavailable) << core::describe(error);
            EXPECT_TRUE(error.retry_after);
            EXPECT_NE(error.detail.find("told to fail"), std::string::npos) << error.detail;
            if (call->outcome.usage.completion == 0) {
                EXPECT_TRUE(call->outcome.retry_may_help);
            }
        }
        EXPECT_TRUE(told) << "at launch " << launch;
        wait_until([&] { return up(*engine, restarts + 1); });
        ++restarts;
        EXPECT_EQ(text_of(*engine), wanted) << "after the failure at launch " << launch;
        wait_until([&] { return engine->status().pages_used == 0; });  // told before counted
    }
    EXPECT_EQ(faults_->opened, 4);
}

TEST_F(EngineOnCard, WhatIsKeptOfPromptsDoesNotOutliveTheCard) {
    auto with_pages = config(EngineBackend::Cuda);
    const auto engine = loaded(with_pages);
    ASSERT_TRUE(engine);
    std::string long_text;
    for (int i = 0; i < 50; ++i) long_text += "a";
    const Json more{{"messages", Json::array({{{"role", "user"}, {"content", long_text}}})}};
    Call first{more, 1};
    Call again{more, 1};
    serve(*engine, {&first});
    serve(*engine, {&again});
    ASSERT_TRUE(again.outcome.result);
    ASSERT_GT(again.outcome.usage.cached, 0) << "the test needs a prompt of more than a page";
    faults_->launches = 3;
    Call failed{more, 1};
    serve(*engine, {&failed});
    EXPECT_FALSE(failed.outcome.result);
    wait_until([&] { return up(*engine, 1); });
    Call after{more, 1};
    serve(*engine, {&after});
    ASSERT_TRUE(after.outcome.result);
    EXPECT_EQ(after.outcome.usage.cached, 0);
    EXPECT_EQ(after.reply.whole.at("choices"), first.reply.whole.at("choices"));
}

TEST_F(EngineOnCard, WhileItCannotBeStartedRequestsAreToldWhenToComeBack) {
    auto slow = config(EngineBackend::Cuda);
    slow.first_restart_wait = std::chrono::hours(1);
    slow.longest_restart_wait = std::chrono::hours(1);
    const auto engine = loaded(slow);
    ASSERT_TRUE(engine);
    faults_->launches = 5;
    faults_->opens = 1;
    Call call;
    serve(*engine, {&call});
    EXPECT_FALSE(call.outcome.result);
    wait_until([&] { return engine->status().down.find("no card answers") != std::string::npos; });
    const auto before = std::chrono::steady_clock::now();
    Call refused;
    serve(*engine, {&refused});
    ASSERT_FALSE(refused.outcome.result);
    const Error& error = refused.outcome.result.error();
    EXPECT_EQ(error.code, Errc::Unavailable);
    ASSERT_TRUE(error.retry_after);
    EXPECT_GT(*error.retry_after, std::chrono::minutes(50));
    EXPECT_TRUE(refused.outcome.retry_may_help);
    EXPECT_FALSE(refused.outcome.reached);
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(30)) << "nobody waits for the card";
}  // and the engine ends at once, whatever it waits for

TEST_F(EngineOnCard, ItFailsAgainWhileItIsStartedAndComesBackInTheEnd) {
    const auto engine = loaded(config(EngineBackend::Cuda));
    ASSERT_TRUE(engine);
    const std::string wanted = text_of(*engine);
    faults_->launches = 5;
    faults_->opens = 3;
    Call call;
    serve(*engine, {&call});
    EXPECT_FALSE(call.outcome.result);
    wait_until([&] { return up(*engine, 1); });
    EXPECT_EQ(faults_->opened, 1 + 3 + 1);
    EXPECT_EQ(text_of(*engine), wanted);
}

TEST_F(EngineOnCard, AStreamThatHasBegunEndsWithTheError) {
    const auto engine = loaded(config(EngineBackend::Cuda));
    ASSERT_TRUE(engine);
    Call call{{{"stream", true}, {"ignore_eos", true}}, 60};
    call.reply.on_events = [&] { faults_->launches = 0; };
    serve(*engine, {&call});
    ASSERT_FALSE(call.outcome.result);
    EXPECT_EQ(call.outcome.result.error().code, Errc::Unavailable);
    EXPECT_GT(call.reply.chunks, 0U);
    EXPECT_FALSE(call.outcome.retry_may_help) << "half an answer cannot be begun again";
    wait_until([&] { return up(*engine, 1); });
}

TEST_F(EngineOnCard, WithoutACardItSaysSoAndAutoTakesTheCpuAndSaysWhy) {
    faults_->opens = 1;
    const auto refused = Engine::load(config(EngineBackend::Cuda));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().field, "backend");
    EXPECT_EQ(refused.error().code, Errc::Unavailable);
    faults_->opens = 1;
    auto engine = loaded(config(EngineBackend::Auto));
    ASSERT_TRUE(engine);
    EXPECT_FALSE(engine->info().on_card);
    EXPECT_EQ(engine->info().chosen_because, "auto: no card answers, so the CPU computes");
    engine = loaded(config(EngineBackend::Auto));
    ASSERT_TRUE(engine);
    EXPECT_TRUE(engine->info().on_card);
    EXPECT_NE(engine->info().chosen_because.find("emulated CUDA answers"), std::string::npos)
        << engine->info().chosen_because;
    memory_ = 100'000;
    engine = loaded(config(EngineBackend::Auto));
    ASSERT_TRUE(engine);
    EXPECT_FALSE(engine->info().on_card);
    EXPECT_NE(engine->info().chosen_because.find("has 0 MB free"), std::string::npos) << engine->info().chosen_because;
    const auto full = Engine::load(config(EngineBackend::Cuda));
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().code, Errc::Unavailable);
}

TEST_F(EngineOnCard, AModelOnTheCardTakesNothingOfTheHostsBudget) {
    ModelSet models(1'000);  // bytes
    models.declare("host", config(EngineBackend::Cpu));
    models.declare("card", config(EngineBackend::Cuda));
    EXPECT_FALSE(models.load("host"));
    const auto loaded = models.load("card");
    ASSERT_TRUE(loaded) << core::describe(loaded.error());
    EXPECT_TRUE(loaded->on_card);
}

}  // namespace
}  // namespace sluice::local_engine
