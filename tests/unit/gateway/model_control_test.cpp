// `sluice models load` and the gateway it speaks to, over a directory.
#include "gateway/serve/local_models.hpp"
#include "gateway/serve/model_control.hpp"
#include "tests/unit/gateway/cli_support.hpp"

#include <gmock/gmock.h>

#include <condition_variable>
#include <fstream>
#include <thread>

namespace sluice::gateway::cli {
namespace {

using ::testing::HasSubstr;

class ModelControl : public CliTest {
protected:
    static std::filesystem::path tiny(const std::string& name) {
        return std::filesystem::path(SLUICE_SOURCE_DIR) / "tests/data/engine" / (name + ".gguf");
    }
    Config two_models() const {
        Config config;
        config.data = data();
        std::filesystem::create_directories(data());
        config.engine.model = tiny("qwen3-n-Q8_0");
        config.engine.name = "first";
        config.engine.threads = 1;
        EngineSettings& second = config.engine.more.emplace_back();
        second.model = tiny("llama3-n-Q8_0");
        second.name = "second";
        second.threads = 1;
        second.load = false;
        return config;
    }
};

TEST_F(ModelControl, ModelsOfARunningGatewayAreLoadedAndUnloaded) {
    const auto models = LocalModels::start(two_models());
    ASSERT_TRUE(models) << core::describe(models.error());
    ASSERT_EQ((*models)->targets().size(), 2U);
    EXPECT_EQ((*models)->targets()[0].entry.name, "local/first");
    EXPECT_EQ((*models)->targets()[1].entry.name, "local/second");
    EXPECT_GT((*models)->targets()[1].entry.context, 0);  // known before it is loaded
    const std::size_t pages = (*models)->status().pages_total;

    const Ran loaded = run_here({"models", "load", "local/second", "--json"});
    ASSERT_EQ(loaded.code, kDone) << loaded.error;
    ASSERT_EQ(loaded.json().size(), 2U);
    for (const core::Json& model : loaded.json()) EXPECT_EQ(model.at("loaded"), true);
    EXPECT_GT((*models)->status().pages_total, pages);
    const Ran unloaded = run_here({"models", "unload", "first"});
    EXPECT_EQ(unloaded.code, kDone);
    EXPECT_THAT(unloaded.out, HasSubstr("local/first"));
    const Ran unknown = run_here({"models", "load", "third"});
    EXPECT_EQ(unknown.code, kFailed);
    EXPECT_THAT(unknown.error, HasSubstr("no local model"));
}

TEST_F(ModelControl, AStartIsGivenUpWhileAModelIsRead) {
    const auto models = LocalModels::start(two_models(), [] { return true; });
    ASSERT_FALSE(models);
    EXPECT_EQ(models.error().code, core::Errc::Cancelled);
}

// The gateway's side is played here: real files of this size are read before anybody looks.
TEST_F(ModelControl, LoadingIsReportedToWhoAsked) {
    std::filesystem::create_directories(data());
    const core::Json none = core::Json::array();
    write_model_state(data(), none, "", "");
    std::mutex mutex;
    std::condition_variable changed;
    bool reported = false;
    std::thread gateway([&] {
        while (!read_model_request(data())) std::this_thread::yield();
        write_model_state(data(), none, "", "", LoadingModel{"second", 30, 100});
        std::unique_lock lock(mutex);
        changed.wait_for(lock, std::chrono::seconds(20), [&] { return reported; });
        write_model_state(data(), none, read_model_request(data())->id, "");
    });
    std::vector<std::pair<std::uint64_t, std::uint64_t>> heard;
    const auto state = ask_for_model(data(), {"id", true, "second"}, std::chrono::seconds(20), [&](std::uint64_t bytes, std::uint64_t total) {
        heard.emplace_back(bytes, total);
        const std::lock_guard lock(mutex);
        reported = true;
        changed.notify_one();
    });
    gateway.join();
    remove_model_state(data());
    EXPECT_TRUE(state);
    ASSERT_FALSE(heard.empty());
    EXPECT_EQ(heard[0], std::pair(std::uint64_t{30}, std::uint64_t{100}));
}

TEST_F(ModelControl, ACardThatIsNotThereEndsTheStartWithTheKeyAndWhatToDo) {
    Config config = two_models();
    config.engine.more[0].backend = local_engine::EngineBackend::Cuda;
    config.engine.more[0].load = true;
    const auto models = LocalModels::start(config);
    if (models) GTEST_SKIP() << "this machine has a card";
    const std::string told = core::describe(models.error());
    EXPECT_THAT(told, ::testing::StartsWith("engine.more[0].backend: "));
    EXPECT_THAT(told, HasSubstr("set engine.more[0].backend to cpu, or to auto"));
}

TEST_F(ModelControl, WithBackendAutoItStartsWithOrWithoutACard) {
    Config config = two_models();
    config.engine.backend = local_engine::EngineBackend::Auto;
    const auto models = LocalModels::start(config);
    ASSERT_TRUE(models) << core::describe(models.error());
    EXPECT_EQ((*models)->not_ready(), "");
}

local_engine::ModelState state_of(std::string down, std::uint64_t restarts) {
    return {.name = "house", .loaded = true, .status = {.down = std::move(down), .restarts = restarts}};
}

TEST(LocalModelsReadiness, AModelThatHasLostItsCardIsNamed) {
    const std::vector<local_engine::ModelState> models{{.name = "other", .loaded = true}, state_of("the card fell off", 0)};
    EXPECT_EQ(not_ready(models), "local model house is being started again: the card fell off");
    EXPECT_EQ(not_ready(std::span(models).first(1)), "");
}

TEST(LocalModelsReadiness, TheLogTellsOfEachFailureOnceAndOfEachReturn) {
    RestartLog log;
    const auto look = [&log](std::string down, std::uint64_t restarts) { return log.look(std::vector{state_of(std::move(down), restarts)}); };
    using ::testing::ElementsAre;
    using ::testing::IsEmpty;
    EXPECT_THAT(look("", 0), IsEmpty());
    EXPECT_THAT(look("a fault", 0), ElementsAre("local model house has lost its device: a fault"));
    EXPECT_THAT(look("a fault", 0), IsEmpty());
    EXPECT_THAT(look("no card answers", 0), ElementsAre("local model house has lost its device: no card answers"));
    EXPECT_THAT(look("", 1), ElementsAre("local model house serves again, restart 1"));
    EXPECT_THAT(look("", 3), ElementsAre("local model house serves again, restart 3"));  // failed and back between two looks
    EXPECT_THAT(look("a fault", 0), ElementsAre("local model house has lost its device: a fault"));  // another engine of that name
}

TEST_F(ModelControl, WithoutAGatewayItSaysSo) {
    const Ran alone = run_here({"models", "load", "x"});
    EXPECT_EQ(alone.code, kFailed);
    EXPECT_THAT(alone.error, HasSubstr("no gateway"));
    {
        const auto models = LocalModels::start(two_models());
        ASSERT_TRUE(models);
        EXPECT_TRUE(model_state(data()));
    }
    EXPECT_FALSE(model_state(data()));  // it has cleaned up behind itself
}

TEST_F(ModelControl, GarbageInTheDirectoryIsNoRequest) {
    std::filesystem::create_directories(data());
    for (const char* text : {"", "{", "[]", "{\"id\":1}", "{\"id\":\"a\",\"action\":\"eat\",\"name\":\"x\"}", "{\"id\":\"a\",\"action\":\"load\"}"}) {
        std::ofstream(data() / "models.request.json") << text;
        EXPECT_FALSE(read_model_request(data())) << text;
    }
    std::ofstream(data() / "models.request.json") << R"({"id":"a","action":"load","name":"x"})";
    EXPECT_TRUE(read_model_request(data()));
}

TEST_F(ModelControl, ModelsThatDoNotFitOrShareANameStopTheStart) {
    Config config = two_models();
    config.engine.memory_bytes = 1000;
    const auto small = LocalModels::start(config);
    ASSERT_FALSE(small);
    EXPECT_THAT(core::describe(small.error()), HasSubstr("does not fit"));
    config.engine.memory_bytes = 0;
    config.engine.more[0].name = "first";
    const auto twice = LocalModels::start(config);
    ASSERT_FALSE(twice);
    EXPECT_THAT(core::describe(twice.error()), HasSubstr("two local models"));
}

TEST_F(ModelControl, BenchAndEvalPrintWhatTheyMeasured) {
    const Ran bench = run({"bench", tiny("qwen3-n-Q8_0").string(), "--batch", "1,2", "--context", "64", "--prompt", "64", "--decode", "2", "--repeat", "1", "--threads", "1", "--json"});
    ASSERT_EQ(bench.code, kDone) << bench.error;
    const core::Json measured = bench.json();
    ASSERT_EQ(measured.at("results").size(), 3U);
    for (const core::Json& row : measured.at("results")) EXPECT_GT(row.at("tokens_per_second"), 0.0);
    EXPECT_EQ(run({"bench", tiny("qwen3-n-Q8_0").string(), "--batch", "0"}).code, kWrongUsage);

    const auto text = directory_ / "text.txt";
    std::ofstream(text) << std::string(900, 'a') << " and something else";
    const auto choices = directory_ / "choices.jsonl";
    std::ofstream(choices) << R"({"question":"one","choices":[" two"," three"],"answer":1})" << "\n\n"
                           << R"({"question":"four","choices":[" five"," six"," seven"],"answer":0})" << "\n";
    const Ran eval = run({"eval", tiny("qwen3-n-Q8_0").string(), tiny("llama3-n-Q8_0").string(), "--text", text.string(), "--choices", choices.string(), "--context", "64", "--threads", "1", "--json"});
    ASSERT_EQ(eval.code, kDone) << eval.error;
    ASSERT_EQ(eval.json().size(), 2U);
    EXPECT_GT(eval.json()[0].at("perplexity"), 1.0);
    EXPECT_EQ(eval.json()[1].at("questions"), 2);
    std::ofstream(choices) << R"({"question":"one","choices":[" two"],"answer":1})";
    const Ran bad = run({"eval", tiny("qwen3-n-Q8_0").string(), "--choices", choices.string()});
    EXPECT_EQ(bad.code, kWrongUsage);
    EXPECT_THAT(bad.error, HasSubstr("line 1"));
    EXPECT_EQ(run({"eval", tiny("qwen3-n-Q8_0").string()}).code, kWrongUsage);
}

}  // namespace
}  // namespace sluice::gateway::cli
