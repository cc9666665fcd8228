#include "gateway/config/load.hpp"
#include "tests/unit/gateway/cli_support.hpp"

#include <gmock/gmock.h>

#include <fstream>

namespace sluice::gateway::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class Commands : public CliTest {};

TEST_F(Commands, EveryCommandHasHelp) {
    const Ran overview = run({"--help"});
    EXPECT_EQ(overview.code, kDone);
    int commands = 0;
    for (const auto& group :
         {serve_commands, request_commands, identity_commands, report_commands, model_commands, inspect_commands, engine_commands,
          local_model_commands, measure_commands, policy_commands}) {
        for (const Command& command : group()) {
            EXPECT_THAT(overview.out, HasSubstr("\n  " + command.spec.name + " "));
            std::vector<std::string> words;
            std::istringstream name(command.spec.name);
            for (std::string word; name >> word;) words.push_back(word);
            words.emplace_back("--help");
            const Ran help = run(words);
            EXPECT_EQ(help.code, kDone) << command.spec.name;
            EXPECT_THAT(help.out, HasSubstr("usage: sluice " + command.spec.name));
            ++commands;
        }
    }
    EXPECT_GE(commands, 20);
}

TEST_F(Commands, WrongUsageIsExitCode2) {
    EXPECT_EQ(run({}).code, kWrongUsage);
    EXPECT_EQ(run({"serv"}).code, kWrongUsage);
    EXPECT_THAT(run({"serv"}).error, HasSubstr("did you mean serve?"));
    EXPECT_THAT(run({"keys", "craete"}).error, HasSubstr("unknown command \"keys craete\"; did you mean keys create?"));
    EXPECT_EQ(run({"keys"}).code, kWrongUsage);
    EXPECT_EQ(run({"keys", "--help"}).code, kDone);
    EXPECT_EQ(run({"serve", "--lisen", "x"}).code, kWrongUsage);
    EXPECT_EQ(run({"usage", "--by", "planet"}).code, kWrongUsage);
    EXPECT_EQ(run({"version"}).code, kDone);
    EXPECT_THAT(run({"--version"}).out, StartsWith("sluice 0."));
}

TEST_F(Commands, ServeGetsTheCheckedConfiguration) {
    EXPECT_EQ(run_here({"serve", "--listen", "[::1]:0", "--durability", "relaxed", "--loops", "2"}).code, 0);
    ASSERT_TRUE(served_);
    EXPECT_EQ(served_->data, data());
    EXPECT_EQ(served_->server.listen, (HostPort{"::1", 0}));
    EXPECT_EQ(served_->server.loops, 2);
}

TEST_F(Commands, ServeRefusesToStartInTheOpenWithoutTls) {
    const Ran refused = run_here({"serve", "--listen", "0.0.0.0:8080"});
    EXPECT_EQ(refused.code, kWrongUsage);
    EXPECT_THAT(refused.error, HasSubstr("server.listen"));
    EXPECT_FALSE(served_);
    EXPECT_EQ(run_here({"serve", "--listen", "0.0.0.0:8080", "--insecure-listen"}).code, 0);
    EXPECT_TRUE(served_);
}

TEST_F(Commands, CheckListsAllProblemsAndNothingElse) {
    const auto file = directory_ / "bad.yaml";
    std::ofstream(file) << "server: {port: 1}\nproviders: [{name: x, base_url: 'https://x'}]\ncatalogue: /none\n";
    const Ran unreadable = run({"check", "--config", file.string()});
    EXPECT_EQ(unreadable.code, kWrongUsage);
    EXPECT_EQ(unreadable.error, "sluice: server.port: unknown key\n");

    std::ofstream(file) << "providers: [{name: x, base_url: 'https://x'}]\nengine: {model: /none.gguf}\n";
    const Ran inconsistent = run({"check", "--config", file.string()});
    EXPECT_EQ(inconsistent.code, kWrongUsage);
    EXPECT_THAT(inconsistent.error, AllOf(HasSubstr("engine.model: /none.gguf is not a readable file"),
                                          HasSubstr("providers[0].models: the catalogue has no models of x")));
    EXPECT_THAT(inconsistent.out, IsEmpty());

    std::ofstream(file) << "providers: [{name: deepseek, base_url: 'https://api.deepseek.com'}]\n";
    const Ran fine = run({"check", "--config", file.string()});
    EXPECT_EQ(fine.code, kDone) << fine.error;
    EXPECT_THAT(fine.out, HasSubstr("deepseek (https://api.deepseek.com, cloud)"));
    EXPECT_EQ(run({"check", "--config", (directory_ / "none.yaml").string()}).code, kWrongUsage);
}

TEST_F(Commands, TeamsAndKeysAreMadeListedAndRevoked) {
    EXPECT_EQ(run_here({"teams", "add", "legal", "--floor", "internal", "--daily", "12.5"}).code, kDone);
    EXPECT_EQ(run_here({"teams", "add", "legal"}).code, kWrongUsage);
    const core::Json teams = run_here({"teams", "list", "--json"}).json();
    ASSERT_EQ(teams.size(), 1U);
    EXPECT_EQ(teams[0].at("name"), "legal");
    EXPECT_EQ(teams[0].at("floor"), "internal");
    EXPECT_EQ(teams[0].at("daily_cap_usd"), "12.50");
    EXPECT_TRUE(teams[0].at("monthly_cap_usd").is_null());

    const Ran made = run_here({"keys", "create", "legal", "--name", "laptop", "--quiet"});
    ASSERT_EQ(made.code, kDone) << made.error;
    EXPECT_THAT(made.out, ::testing::MatchesRegex("sk-sluice-[A-Za-z0-9_-]+\n"));
    const std::string key = made.out.substr(0, made.out.size() - 1);

    const Ran listed = run_here({"keys", "list"});
    EXPECT_THAT(listed.out, AllOf(HasSubstr("laptop"), HasSubstr("legal"), Not(HasSubstr(key))));
    EXPECT_THAT(run_here({"keys", "list", "--json"}).out, Not(HasSubstr(key)));

    EXPECT_EQ(run_here({"keys", "revoke", "laptop"}).code, kDone);
    EXPECT_FALSE(run_here({"keys", "list", "--json"}).json()[0].at("revoked").is_null());
    EXPECT_EQ(run_here({"keys", "revoke", "nobody"}).code, kFailed);
    EXPECT_EQ(run_here({"keys", "create", "nobody"}).code, kFailed);
}

TEST_F(Commands, KeysAreInJsonOnlyWhenTheyAreMade) {
    ASSERT_EQ(run_here({"teams", "add", "ops"}).code, kDone);
    const core::Json made = run_here({"keys", "create", "ops", "--json"}).json();
    EXPECT_THAT(made.at("key").get<std::string>(), StartsWith("sk-sluice-"));
    EXPECT_FALSE(run_here({"keys", "list", "--json"}).json()[0].contains("key"));
}

TEST_F(Commands, BudgetsChangeOnlyWhatIsNamed) {
    ASSERT_EQ(run_here({"teams", "add", "ops", "--daily", "1", "--monthly", "20"}).code, kDone);
    ASSERT_EQ(run_here({"keys", "create", "ops", "--name", "ci"}).code, kDone);
    EXPECT_EQ(run_here({"budgets", "set", "ops", "--daily", "0.000000001"}).code, kDone);
    EXPECT_EQ(run_here({"budgets", "set", "--key", "ci", "--monthly", "3"}).code, kDone);
    const core::Json shown = run_here({"budgets", "show", "--json"}).json();
    EXPECT_EQ(shown[0].at("daily_cap_usd"), "0.000000001");
    EXPECT_EQ(shown[0].at("monthly_cap_usd"), "20.00");
    EXPECT_EQ(shown[0].at("spent_today_usd"), "0.00");
    EXPECT_EQ(run_here({"keys", "list", "--json"}).json()[0].at("monthly_cap_usd"), "3.00");
    EXPECT_EQ(run_here({"budgets", "set", "ops", "--monthly", "none"}).code, kDone);
    EXPECT_TRUE(run_here({"budgets", "show", "--team", "ops", "--json"}).json()[0].at("monthly_cap_usd").is_null());
}

TEST_F(Commands, BudgetsRefuseWhatIsNotMoney) {
    ASSERT_EQ(run_here({"teams", "add", "ops"}).code, kDone);
    for (const auto* bad : {"-1", "1e3", "1,50", "0.0000000001", "a lot", ""}) {
        const Ran refused = run_here({"budgets", "set", "ops", "--daily", bad});
        EXPECT_EQ(refused.code, kWrongUsage) << bad;
        EXPECT_THAT(refused.error, HasSubstr("--daily"));
    }
    EXPECT_EQ(run_here({"budgets", "set", "ops"}).code, kWrongUsage);
    EXPECT_EQ(run_here({"budgets", "set", "--daily", "1"}).code, kWrongUsage);
    EXPECT_EQ(run_here({"budgets", "show", "--team", "nobody"}).code, kFailed);
}

TEST_F(Commands, ReportsWithoutALedgerSaySo) {
    for (const auto& words : std::vector<std::vector<std::string>>{{"usage"}, {"audit", "list"}, {"audit", "verify"}}) {
        const Ran ran = run_here(words);
        EXPECT_EQ(ran.code, kFailed);
        EXPECT_THAT(ran.error, StartsWith("sluice: "));
    }
    EXPECT_EQ(run_here({"usage", "--from", "2026-02-30"}).code, kWrongUsage);
    EXPECT_EQ(run_here({"audit", "list", "--limit", "0"}).code, kWrongUsage);
}

TEST_F(Commands, ModelsListShowsPricesOfTheConfiguration) {
    const auto file = directory_ / "models.yaml";
    std::ofstream(file)
        << "engine: {name: house}\nproviders:\n  - name: vllm\n    base_url: http://10.0.0.5/v1\n    zone: local\n"
           "    models: [{name: a, input_price: '0.05', output_price: 0.1}]\n";
    const Ran listed = run({"models", "list", "--json", "--config", file.string()});
    ASSERT_EQ(listed.code, kDone) << listed.error;
    const core::Json models = listed.json();
    ASSERT_EQ(models.size(), 2U);
    EXPECT_EQ(models[0].at("name"), "local/house");
    EXPECT_EQ(models[1].at("name"), "vllm/a");
    EXPECT_EQ(models[1].at("zone"), "local");
    EXPECT_EQ(models[1].at("input_usd_per_million"), "0.05");
    EXPECT_EQ(models[1].at("output_usd_per_million"), "0.10");
}

TEST_F(Commands, ClassifyFindsACardAndNeverPrintsIt) {
    const Ran text = run({"classify", "my card is 4111 1111 1111 1111"});
    EXPECT_EQ(text.code, kDone);
    EXPECT_THAT(text.out, AllOf(HasSubstr("CREDIT_CARD"), Not(HasSubstr("4111"))));
    const Ran lines =
        run({"classify", "--jsonl"}, "{\"id\":1,\"text\":\"hello\"}\n{\"id\":2,\"text\":\"4111 1111 1111 1111\"}\n");
    std::istringstream out(lines.out);
    std::string line;
    ASSERT_TRUE(std::getline(out, line));
    EXPECT_EQ(core::parse_json(line)->at("sensitive"), false);
    ASSERT_TRUE(std::getline(out, line));
    EXPECT_EQ(core::parse_json(line)->at("sensitive"), true);
    EXPECT_FALSE(std::getline(out, line));
}

TEST_F(Commands, InspectRefusesWhatIsNoModel) {
    const auto file = directory_ / "no.gguf";
    std::ofstream(file) << "not a model";
    const Ran ran = run({"models", "inspect", file.string()});
    EXPECT_EQ(ran.code, kFailed);
    EXPECT_THAT(ran.error, StartsWith("sluice: "));
    EXPECT_EQ(run({"models", "logits", "--out", "/dev/null"}).code, kWrongUsage);
    const auto tokens = directory_ / "tokens.json";
    for (const char* wrong : {"", "[]", "[1, 2.5]", "[-1]", "[\"1\"]", "1, 2", "[99999999999]"}) {
        std::ofstream(tokens) << wrong;
        const Ran refused =
            run({"models", "logits", "--model", file.string(), "--tokens", tokens.string(), "--out", "/dev/null"});
        EXPECT_EQ(refused.code, kWrongUsage) << wrong;
        EXPECT_THAT(refused.error, HasSubstr("--tokens")) << wrong;
    }
}

std::string bundled_model(const std::string& name) {
    return SLUICE_SOURCE_DIR "/tests/data/engine/" + name + ".gguf";
}

TEST_F(Commands, InspectShowsTheMemoryThatLoadingWillTake) {
    const std::string model = bundled_model("qwen3-n-Q8_0");
    const Ran table = run({"models", "inspect", model});
    ASSERT_EQ(table.code, kDone) << table.error;
    for (const char* row : {"memory: weights", "memory: key/value cache", "memory: scratch", "memory: all", "LAYERS"})
        EXPECT_THAT(table.out, HasSubstr(row));
    const Ran json = run({"models", "inspect", model, "--json"});
    const auto plan = core::parse_json(json.out)->at("plan");
    const auto& memory = plan.at("memory");
    EXPECT_EQ(plan.at("runs"), true);
    EXPECT_EQ(memory.at("weights_bytes"), std::filesystem::file_size(model));
    EXPECT_EQ(memory.at("total_bytes").get<std::uint64_t>(),
              memory.at("weights_bytes").get<std::uint64_t>() + memory.at("cache_bytes").get<std::uint64_t>() +
                  memory.at("scratch_bytes").get<std::uint64_t>());
    const Ran less = run({"models", "inspect", model, "--context", "100", "--kv", "f32", "--json"});
    EXPECT_EQ(core::parse_json(less.out)->at("plan").at("memory").at("context"), 100);
    EXPECT_EQ(run({"models", "inspect", model, "--kv", "f8"}).code, kWrongUsage);
    EXPECT_EQ(run({"models", "inspect", model, "--context", "-1"}).code, kWrongUsage);
    // Numbers that contradict the tensors are no model to plan for.
    std::ifstream file(model, std::ios::binary);
    std::string bytes(std::istreambuf_iterator<char>(file), {});
    const std::string key = "qwen3.attention.head_count";
    bytes[bytes.find(key) + key.size() + 4] = 64;
    std::ofstream(directory_ / "wrong.gguf", std::ios::binary) << bytes;
    const Ran wrong = run({"models", "inspect", (directory_ / "wrong.gguf").string()});
    EXPECT_EQ(wrong.code, kDone);
    EXPECT_THAT(wrong.out, AllOf(HasSubstr("cannot be run"), HasSubstr("attn_q.weight"), Not(HasSubstr("memory: all"))));
}

TEST_F(Commands, InspectShowsNamesWithoutControlCharacters) {
    std::ifstream file(bundled_model("qwen3-n-Q8_0"), std::ios::binary);
    std::string bytes(std::istreambuf_iterator<char>(file), {});
    const std::string key = "general.name";
    // The value follows the key, its type (4 bytes) and its length (8 bytes).
    ASSERT_NE(bytes.find(key), std::string::npos);
    bytes[bytes.find(key) + key.size() + 12] = '\x1b';
    bytes[bytes.find("output_norm.weight")] = '\x1b';
    std::ofstream(directory_ / "escape.gguf", std::ios::binary) << bytes;
    const Ran table = run({"models", "inspect", (directory_ / "escape.gguf").string(), "--tensors"});
    EXPECT_EQ(table.code, kDone);
    EXPECT_THAT(table.out, AllOf(HasSubstr("?utput_norm.weight"), Not(HasSubstr("\x1b"))));
}

TEST_F(Commands, LogitsOfAModelAreFloatsAndGreedyTokensAreJson) {
    const auto tokens = directory_ / "tokens.json";
    const auto positions = directory_ / "positions.json";
    const auto out = directory_ / "logits.f32";
    std::ofstream(tokens) << "[5, 17, 200]";
    std::ofstream(positions) << "[0, 2]";
    const std::vector<std::string> start{"models",   "logits",       "--model", bundled_model("qwen3-n-Q8_0"),
                                         "--tokens", tokens.string()};
    const auto with = [&](std::vector<std::string> more) {
        more.insert(more.begin(), start.begin(), start.end());
        return run(more);
    };
    EXPECT_EQ(with({"--out", out.string(), "--kv", "f32", "--activations", "f32"}).code, kDone);
    EXPECT_EQ(std::filesystem::file_size(out), 3U * 448U * sizeof(float));
    EXPECT_EQ(with({"--positions", positions.string(), "--out", out.string(), "--backend", "reference"}).code, kDone);
    EXPECT_EQ(std::filesystem::file_size(out), 2U * 448U * sizeof(float));
    const Ran greedy = with({"--greedy", "4"});
    EXPECT_EQ(greedy.code, kDone);
    EXPECT_EQ(core::parse_json(greedy.out)->size(), 4U);
    const Ran cuda = with({"--backend", "cuda", "--out", out.string()});
    EXPECT_NE(cuda.code, kDone);
    EXPECT_THAT(cuda.error, HasSubstr("CUDA"));
}

TEST_F(Commands, TokensOfAModelGoThereAndBack) {
    const std::string model = bundled_model("qwen3-n-Q8_0");
    const Ran tokens = run({"models", "tokenize", "--model", model}, "hello, world\n");
    ASSERT_EQ(tokens.code, kDone);
    ASSERT_TRUE(core::parse_json(tokens.out)->is_array());
    EXPECT_EQ(run({"models", "detokenize", "--model", model}, tokens.out).out, "hello, world\n");
    EXPECT_EQ(run({"models", "detokenize", "--model", model}, "hello").code, kWrongUsage);
}

TEST_F(Commands, DemoCloudIsForLoopbackOnly) {
    EXPECT_EQ(run({"demo-cloud", "--listen", "0.0.0.0:9"}).code, kWrongUsage);
    EXPECT_EQ(run({"demo-cloud", "--listen", "nonsense"}).code, kWrongUsage);
}

}  // namespace
}  // namespace sluice::gateway::cli
