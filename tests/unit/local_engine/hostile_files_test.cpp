#include "hostile_files.hpp"

#include "local_engine/engine.hpp"
#include "local_engine/memory_plan.hpp"

#include <boost/asio.hpp>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>

namespace sluice::local_engine {
namespace {

using testing::HostileFile;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

class NoReply final : public core::ReplySink {
public:
    core::awaitable<core::Result<void>> events(std::span<const std::string_view>) override {
        co_return core::Result<void>{};
    }
    core::awaitable<core::Result<void>> body(std::string) override { co_return core::Result<void>{}; }
    core::awaitable<core::Result<void>> heartbeat() override { co_return core::Result<void>{}; }
    bool client_gone() const override { return false; }
};

core::awaitable<void> ask(Engine& engine, const core::ChatRequest& request, core::ServeOutcome& outcome) {
    NoReply reply;
    const core::ServeOptions options{.model = "m",
                                     .max_tokens = 3,
                                     .deadline = core::Deadline::after(std::chrono::seconds(20)),
                                     .request_id = "r",
                                     .tenant = "t"};
    outcome = co_await engine.serve(request, options, reply);
}

core::ServeOutcome answer_of(Engine& engine, core::Json more) {
    core::Json body{{"model", "m"},
                    {"messages", core::Json::array({{{"role", "user"}, {"content", "Hello, who is there?"}}})}};
    body.update(more);
    const auto request = core::ChatRequest::from_json(std::move(body)).value();
    core::ServeOutcome outcome;
    core::net::io_context loop;
    core::net::co_spawn(loop, ask(engine, request, outcome), core::net::detached);
    loop.run();
    return outcome;
}

long peak_kilobytes() {
    struct rusage usage = {};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

class HostileFiles : public ::testing::TestWithParam<HostileFile> {
protected:
    void SetUp() override {
        path_ = std::filesystem::path(::testing::TempDir()) / ("hostile-" + std::to_string(::getpid()) + ".gguf");
        test::TinyModel model = test::TinyModel::of(GetParam().kind);
        if (GetParam().change) GetParam().change(model);
        std::ofstream(path_, std::ios::binary) << model.build();
    }
    void TearDown() override { std::filesystem::remove(path_); }

    EngineConfig config(Activations activations) const {
        return {.model = path_,
                .threads = 1,
                .activations = activations,
                .kv_bytes = std::size_t{4} << 20U,
                .step_tokens = 16,
                .max_running = 2};
    }
    std::filesystem::path path_;
};

// A refusal says where the fault is; what is not refused answers, or says why it cannot, in time and within memory. The
// plan that is printed before loading sees the same.
TEST_P(HostileFiles, AreRefusedByNameOrDoNoHarm) {
    const auto start = std::chrono::steady_clock::now();
    const long before = peak_kilobytes();
    for (const Activations activations : {Activations::Q8, Activations::F32}) {
        auto engine = Engine::load(config(activations));
        if (!engine) {
            EXPECT_EQ(engine.error().field, GetParam().field) << engine.error().detail;
            EXPECT_FALSE(engine.error().detail.empty());
            for (const char c : engine.error().detail) EXPECT_TRUE(c >= ' ' && c <= '~') << engine.error().detail;
            continue;
        }
        EXPECT_EQ(GetParam().field, "") << "it was loaded";
        for (const char c : (*engine)->info().name) EXPECT_TRUE(c >= ' ' && c <= '~');
        const core::Json object = core::Json::object({{"seed", 1}, {"response_format", {{"type", "json_object"}}}});
        for (const core::Json& more : {core::Json::object({{"temperature", 0}}), object}) {
            const auto outcome = answer_of(**engine, more);
            if (outcome.result) {
                EXPECT_GT(outcome.usage.completion, 0);
            } else {
                EXPECT_NE(outcome.result.error().code, core::Errc::Timeout) << outcome.result.error().detail;
            }
        }
    }
    const auto plan = plan_memory(config(Activations::Q8));
    if (plan) {
        EXPECT_LT(plan->total(), std::uint64_t{1} << 30U);
    } else {
        EXPECT_EQ(plan.error().field, GetParam().field);
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(kSanitized ? 60 : 10));
    if (!kSanitized) {
        EXPECT_LT(peak_kilobytes() - before, static_cast<long>(std::filesystem::file_size(path_) / 1024) + 64 * 1024);
    }
}

std::vector<HostileFile> sound_files() {
    std::vector<HostileFile> all;
    for (const std::string& kind : test::TinyModel::kinds())
        all.push_back({"Sound" + std::to_string(all.size()), kind, nullptr});
    return all;
}

const auto kName = [](const auto& file) { return file.param.name; };
INSTANTIATE_TEST_SUITE_P(None, HostileFiles, ::testing::ValuesIn(sound_files()), kName);
INSTANTIATE_TEST_SUITE_P(Header, HostileFiles, ::testing::ValuesIn(testing::hostile_headers()), kName);
INSTANTIATE_TEST_SUITE_P(Numbers, HostileFiles, ::testing::ValuesIn(testing::hostile_numbers()), kName);
INSTANTIATE_TEST_SUITE_P(Tensors, HostileFiles, ::testing::ValuesIn(testing::hostile_tensors()), kName);
INSTANTIATE_TEST_SUITE_P(Weights, HostileFiles, ::testing::ValuesIn(testing::hostile_weights()), kName);
INSTANTIATE_TEST_SUITE_P(Vocabularies, HostileFiles, ::testing::ValuesIn(testing::hostile_vocabularies()), kName);
INSTANTIATE_TEST_SUITE_P(Texts, HostileFiles, ::testing::ValuesIn(testing::hostile_texts()), kName);

TEST(HostileFilesCount, IsWhatTheRequirementAsksFor) {
    const std::size_t count = testing::hostile_headers().size() + testing::hostile_numbers().size() +
                              testing::hostile_tensors().size() + testing::hostile_weights().size() +
                              testing::hostile_vocabularies().size() + testing::hostile_texts().size();
    EXPECT_GE(count, 200U);
}

}  // namespace
}  // namespace sluice::local_engine
