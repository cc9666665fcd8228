#include "gateway/config/load.hpp"
#include "gateway/config/model_entries.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <map>

namespace sluice::gateway {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Environment variables(std::map<std::string, std::string> values) {
    return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
        const auto found = values.find(name);
        return found == values.end() ? std::nullopt : std::optional(found->second);
    };
}

LoadedConfig parse(std::string_view yaml, std::map<std::string, std::string> environment = {}) {
    return parse_config(yaml, variables(std::move(environment)));
}

// Each problem as the operator reads it.
std::vector<std::string> problems(std::string_view yaml, std::map<std::string, std::string> environment = {}) {
    std::vector<std::string> lines;
    for (const core::Error& error : parse(yaml, std::move(environment)).problems)
        lines.push_back(core::describe(error));
    return lines;
}

TEST(Config, EmptyFileIsTheDefaults) {
    const LoadedConfig loaded = parse("", {{"HOME", "/home/ada"}});
    ASSERT_THAT(loaded.problems, IsEmpty());
    EXPECT_EQ(loaded.config.server.listen, (HostPort{"127.0.0.1", 8080}));
    EXPECT_EQ(loaded.config.data, "/home/ada/.local/share/sluice");
    EXPECT_EQ(loaded.config.ledger.durability, Durability::Strict);
    EXPECT_TRUE(loaded.config.demo_cloud);
    EXPECT_THAT(loaded.config.providers, IsEmpty());
    EXPECT_THAT(check_consistency(loaded.config), IsEmpty());
}

TEST(Config, DataDirectoryFollowsXdg) {
    EXPECT_EQ(parse("", {{"HOME", "/h"}, {"XDG_DATA_HOME", "/x"}}).config.data, "/x/sluice");
    EXPECT_EQ(parse("", {{"HOME", "/h"}, {"XDG_DATA_HOME", "relative"}}).config.data, "/h/.local/share/sluice");
    EXPECT_EQ(parse("").config.data, "sluice-data");
    EXPECT_EQ(parse("data: ~/books", {{"HOME", "/h"}}).config.data, "/h/books");
}

TEST(Config, KeysInTheEnvironmentEnableTheirProviders) {
    const LoadedConfig loaded =
        parse("", {{"OPENAI_API_KEY", "sk-1"}, {"DEEPSEEK_API_KEY", "sk-2"}, {"MISTRAL_API_KEY", ""}});
    ASSERT_EQ(loaded.config.providers.size(), 2U);
    EXPECT_EQ(loaded.config.providers[0].name, "deepseek");
    EXPECT_EQ(loaded.config.providers[0].base_url, "https://api.deepseek.com");
    EXPECT_EQ(loaded.config.providers[0].api_key.expose(), "sk-2");
    EXPECT_EQ(loaded.config.providers[1].name, "openai");
    EXPECT_FALSE(loaded.config.demo_cloud);
}

TEST(Config, EveryBuiltInProviderIsPricedByTheCatalogue) {
    const LoadedConfig loaded = parse("", {{"OPENAI_API_KEY", "k"},
                                           {"DEEPSEEK_API_KEY", "k"},
                                           {"MISTRAL_API_KEY", "k"},
                                           {"ANTHROPIC_API_KEY", "k"},
                                           {"GEMINI_API_KEY", "k"},
                                           {"DASHSCOPE_API_KEY", "k"}});
    const auto catalogue = load_catalogue(loaded.config);
    ASSERT_TRUE(catalogue);
    ASSERT_EQ(loaded.config.providers.size(), 6U);
    for (const ProviderSettings& provider : loaded.config.providers) {
        const auto entries = model_entries(provider, *catalogue, "providers[0]");
        ASSERT_TRUE(entries) << core::describe(entries.error());
        EXPECT_FALSE(entries->empty()) << provider.name;
    }
}

TEST(Config, ProvidersOfTheFileReplaceThoseOfTheEnvironment) {
    const LoadedConfig loaded = parse("providers: []", {{"OPENAI_API_KEY", "sk-1"}});
    EXPECT_THAT(loaded.config.providers, IsEmpty());
    EXPECT_FALSE(loaded.config.demo_cloud);
}

TEST(Config, AllProblemsAreListedWithTheirPaths) {
    EXPECT_THAT(
        problems(R"(
server: {listen: x, loops: many, timeouts: {idle: 1 week}}
ledger: {durability: sometimes}
cache: {backend: redis, max_bytes: 12}
policies: {teams: {legal: {actions: {public: redact}}}}
logging: {level: loud}
)"),
        ElementsAre("server.listen: \"x\" is not HOST:PORT with a numeric address, such as 127.0.0.1:8080",
                    "server.loops: \"many\" is not a whole number between 0 and 1024",
                    "server.timeouts.idle: \"1 week\" is not a duration such as 30s",
                    "ledger.durability: \"sometimes\" is not strict or relaxed",
                    HasSubstr("cache.max_bytes: \"12\" is not between"), "cache.redis_url: backend redis needs it",
                    "policies.teams.legal.actions.public: \"redact\" is not cloud, local or block",
                    "logging.level: \"loud\" is not trace, debug, info, warn, error or off"));
}

TEST(Config, UnknownKeysAreRefusedWithTheNearestOne) {
    EXPECT_THAT(
        problems(
            "sever: {}\nserver: {timeouts: {idel: 3s}}\nproviders: [{name: a, base_url: 'https://a', zune: cloud}]\n"),
        ElementsAre("server.timeouts.idel: unknown key; did you mean idle?",
                    "providers[0].zune: unknown key; did you mean zone?", "sever: unknown key; did you mean server?"));
}

TEST(Config, ValuesOfAnotherShapeAreRefused) {
    EXPECT_THAT(problems("server: 7"), ElementsAre("server: must be a map of keys and values"));
    EXPECT_THAT(problems("server: {listen: [a]}"),
                ElementsAre("server.listen: must be one value, not a list or a map"));
    EXPECT_THAT(problems("server: {listen: }"), ElementsAre("server.listen: has no value"));
    EXPECT_THAT(problems("providers: {a: b}"), ElementsAre("providers: must be a list"));
    EXPECT_THAT(problems("providers: [a]"), ElementsAre("providers[0]: must be a map of keys and values"));
    EXPECT_THAT(problems("[1, 2]"), ElementsAre("must be a map of keys and values"));
}

TEST(Config, SecretsAndExpandedValuesNeverAppearInAMessage) {
    const std::map<std::string, std::string> environment{{"SECRET", "hunter2-canary"}};
    for (const auto* yaml :
         {"server: {listen: '${SECRET}'}", "cache: {redis_url: 'http://hunter2-canary@x'}",
          "cache: {redis_url: '${SECRET}'}", "providers: [{name: a, base_url: 'https://u:hunter2-canary@h'}]",
          "providers: [{name: a, base_url: '${SECRET}', api_key: '${SECRET}'}]", "logging: {level: '${SECRET}'}"}) {
        const auto lines = problems(yaml, environment);
        ASSERT_FALSE(lines.empty()) << yaml;
        for (const std::string& line : lines) EXPECT_EQ(line.find("hunter2"), std::string::npos) << line;
    }
}

TEST(Config, AMissingVariableIsNamed) {
    EXPECT_THAT(problems("providers: [{name: a, base_url: 'https://a', api_key: '${NO_SUCH_KEY}'}]"),
                ElementsAre("providers[0].api_key: the environment has no NO_SUCH_KEY"));
}

TEST(Config, EachLocalModelNamesWhatComputesIt) {
    const LoadedConfig loaded = parse("engine: {backend: auto, more: [{model: /a.gguf, backend: cuda}, {model: /b.gguf}]}");
    EXPECT_THAT(loaded.problems, IsEmpty());
    EXPECT_EQ(loaded.config.engine.backend, local_engine::EngineBackend::Auto);
    EXPECT_EQ(loaded.config.engine.more[0].backend, local_engine::EngineBackend::Cuda);
    EXPECT_EQ(loaded.config.engine.more[1].backend, local_engine::EngineBackend::Cpu);
    EXPECT_THAT(problems("engine: {backend: gpu}"), ElementsAre(HasSubstr("engine.backend: \"gpu\" is not cpu, cuda or auto")));
}

TEST(Config, AVariableCannotChangeTheStructure) {
    const LoadedConfig loaded = parse("engine: {model: '${M}'}", {{"M", "a}\nserver: {allow_plain: true}"}});
    EXPECT_THAT(loaded.problems, IsEmpty());
    EXPECT_FALSE(loaded.config.server.allow_plain);
}

TEST(Config, CloudProvidersNeedTlsOrLoopback) {
    EXPECT_THAT(problems("providers: [{name: a, base_url: 'http://10.0.0.5:8000/v1'}]"),
                ElementsAre(HasSubstr("providers[0].base_url: a cloud provider must be https://")));
    EXPECT_THAT(problems("providers: [{name: a, base_url: 'http://10.0.0.5:8000/v1', zone: local}]"), IsEmpty());
    EXPECT_THAT(problems("providers: [{name: a, base_url: 'http://127.0.0.1:8000/v1'}]"), IsEmpty());
    EXPECT_THAT(problems("providers: [{name: a, base_url: 'http://[::1]:8000/v1'}]"), IsEmpty());
}

TEST(Config, ProviderNamesAreUniqueAndNotTheEngines) {
    EXPECT_THAT(problems("providers: [{name: local, base_url: 'https://a'}, {name: b/c, base_url: 'https://a'},"
                         " {name: d, base_url: 'https://a'}, {name: d, base_url: 'https://b'}]"),
                ElementsAre("providers[0].name: local is the engine in this process",
                            "providers[1].name: a provider needs a name of letters, digits, '.', '-' and '_'",
                            "providers[3].name: d is taken by an earlier provider"));
}

TEST(Config, TeamsInheritTheDefaultPolicy) {
    const LoadedConfig loaded = parse(R"(
policies:
  teams: {legal: {actions: {restricted: block}}, ops: {max_tokens: 16}}
  default: {actions: {internal: local}, default_max_tokens: 64, max_tokens: 128}
)");
    EXPECT_THAT(loaded.problems, IsEmpty());
    const auto& legal = loaded.config.policies.teams.at("legal");
    EXPECT_EQ(legal.name, "legal");
    EXPECT_THAT(legal.action_of,
                ElementsAre(core::Action::Cloud, core::Action::Local, core::Action::Local, core::Action::Block));
    EXPECT_EQ(legal.most_max_tokens, 128);
    EXPECT_EQ(legal.default_max_tokens, 64);
    EXPECT_EQ(loaded.config.policies.teams.at("ops").default_max_tokens, 16);  // never more than the limit
    EXPECT_THAT(problems("policies: {default: {default_max_tokens: 64, max_tokens: 16}}"),
                ElementsAre("policies.default.default_max_tokens: 64 is more than max_tokens, 16"));
}

TEST(Config, YamlIsBounded) {
    EXPECT_THAT(problems("a: &x 1\nb: *x"), ElementsAre("line 1, column 4: anchors are not allowed"));
    EXPECT_THAT(problems("a: !!binary aGk="), ElementsAre(HasSubstr("tags are not allowed")));
    EXPECT_THAT(problems("server: {}\nserver: {}"),
                ElementsAre("line 2, column 1: this key is given twice in its map"));
    EXPECT_THAT(problems("a: 1\n---\nb: 2"), ElementsAre("holds more than one document"));
    EXPECT_THAT(problems("? [a]\n: 1"), ElementsAre(HasSubstr("a key must be a plain text")));
    EXPECT_THAT(problems("~: 1"), ElementsAre(HasSubstr("a key must be a plain text")));
    EXPECT_THAT(problems("a: " + std::string(100, '[') + std::string(100, ']')),
                ElementsAre(HasSubstr("nested too deeply")));
    EXPECT_EQ(problems(std::string(100'000, '[')).size(), 1U);
    EXPECT_THAT(problems("a: " + std::string(2 << 20, 'x')), ElementsAre(HasSubstr("larger than")));
    EXPECT_THAT(problems(std::string_view("a: \0", 4)), ElementsAre("holds a NUL byte"));
    EXPECT_THAT(problems("a: [1, 2\nb: }"), ElementsAre(HasSubstr("not YAML")));
    std::string many = "server: {allowed_hosts: [";
    for (int i = 0; i < 60'000; ++i) many += "a,";
    EXPECT_THAT(problems(many + "a]}"), ElementsAre(HasSubstr("too many values")));
}

TEST(Config, DocumentProblemsNameTheFile) {
    const auto file = std::filesystem::path(::testing::TempDir()) / "sluice-bad.yaml";
    std::ofstream(file) << "a: [";
    const LoadedConfig loaded = load_config(file, variables({}));
    ASSERT_EQ(loaded.problems.size(), 1U);
    EXPECT_EQ(loaded.problems[0].field, file.string());
    EXPECT_FALSE(load_config("/no/such/file.yaml", variables({})).ok());
    EXPECT_FALSE(load_config(::testing::TempDir(), variables({})).ok());
}

TEST(Config, OnlyLoopbackIsServedWithoutTls) {
    Config config = parse("").config;
    config.server.listen = {"0.0.0.0", 8080};
    ASSERT_EQ(check_consistency(config).size(), 1U);
    EXPECT_EQ(check_consistency(config)[0].field, "server.listen");
    EXPECT_THAT(
        apply({.listen = std::nullopt, .data = {}, .model = {}, .durability = {}, .loops = {}, .insecure_listen = true},
              config),
        IsEmpty());
    EXPECT_THAT(check_consistency(config), IsEmpty());
    config.server.tls_certificate = "/no/such/chain.pem";
    EXPECT_EQ(check_consistency(config).size(), 2U);  // not readable, and its key is missing
}

TEST(Config, TheCommandLineGoesOverTheFile) {
    Config config = parse("server: {listen: '127.0.0.1:1'}\nengine: {enabled: false}").config;
    EXPECT_THAT(apply({.listen = "[::1]:9000", .data = "/d", .model = "/m.gguf", .durability = "relaxed", .loops = "3"},
                      config),
                IsEmpty());
    EXPECT_EQ(config.server.listen, (HostPort{"::1", 9000}));
    EXPECT_EQ(config.data, "/d");
    EXPECT_EQ(config.engine.model, "/m.gguf");
    EXPECT_TRUE(config.engine.enabled);
    EXPECT_EQ(config.ledger.durability, Durability::Relaxed);
    EXPECT_EQ(config.server.loops, 3);
    EXPECT_EQ(apply({.listen = "x", .data = "", .model = {}, .durability = "y", .loops = "-1"}, config).size(), 4U);
}

TEST(Config, WhatCannotBePricedIsRefused) {
    const auto catalogue = policies::Catalogue::from_yaml(policies::Catalogue::embedded());
    ASSERT_TRUE(catalogue);
    ProviderSettings provider{.name = "vllm", .base_url = "http://127.0.0.1:1/v1"};
    EXPECT_EQ(model_entries(provider, *catalogue, "providers[2]").error().field, "providers[2].models");
    provider.models = {{.name = "house", .upstream = "org/house-7b", .input_price = core::Price{1}}};
    EXPECT_EQ(model_entries(provider, *catalogue, "providers[2]").error().field, "providers[2].models[0]");
    provider.models[0].output_price = core::Price{2};
    const auto entries = model_entries(provider, *catalogue, "providers[2]");
    ASSERT_TRUE(entries);
    EXPECT_EQ(entries->at(0).name, "vllm/house");
    EXPECT_EQ(entries->at(0).model, "org/house-7b");
    EXPECT_EQ(entries->at(0).cached_input, core::Price{1});
    EXPECT_THAT(entries->at(0).aliases, ElementsAre("house"));
}

}  // namespace
}  // namespace sluice::gateway
