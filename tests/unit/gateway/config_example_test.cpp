// deploy/sluice.example.yaml, deploy/sluice.schema.json and the reader know the same keys.
#include "core/json.hpp"
#include "gateway/config/load.hpp"
#include "gateway/config/model_entries.hpp"
#include "gateway/config/read_sections.hpp"
#include "gateway/config/yaml_document.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>
#include <set>

namespace sluice::gateway {
namespace {

using Keys = std::set<std::string>;

std::string read_file(const std::string& name) {
    std::ifstream file(std::string(SLUICE_SOURCE_DIR) + "/deploy/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
}

const Environment kEnvironment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "REDIS_URL") return "redis://cache.example.com:6379";
    return "value-of-" + name;
};

// A team's policy has the keys of the default one, and shows only some of them.
Keys without_team_policies(const Keys& keys) {
    Keys all;
    for (const std::string& key : keys) {
        const std::string team = "policies.teams.*";
        if (key == team) continue;
        all.insert(key.starts_with(team) ? "policies.default" + key.substr(team.size()) : key);
    }
    return all;
}

std::string joined(const std::string& path, const std::string& key) {
    return path.empty() ? key : path + "." + key;
}

// Maps whose names are free: their entries are called "*".
bool has_free_names(const std::string& path) {
    return path == "policies.teams" || path == "sensitivity.classes" || path == "providers[].headers" ||
           path.ends_with("findings.thresholds");
}

void collect(const YAML::Node& node, const std::string& path, Keys& keys) {
    if (!path.empty() && !path.ends_with("[]")) keys.insert(path);
    if (node.IsMap()) {
        for (const auto& entry : node) {
            collect(entry.second, joined(path, has_free_names(path) ? "*" : entry.first.Scalar()), keys);
        }
    } else if (node.IsSequence()) {
        for (const auto& item : node) collect(item, path + "[]", keys);
    }
}

void collect(const core::Json& root, const core::Json& schema, const std::string& path, Keys& keys) {
    if (!path.empty() && !path.ends_with("[]")) keys.insert(path);
    if (schema.contains("$ref")) {
        const std::string target = schema.at("$ref").get<std::string>().substr(1);
        collect(root, root.at(core::Json::json_pointer(target)), path, keys);
    }
    if (schema.contains("properties")) {
        for (const auto& [name, property] : schema.at("properties").items())
            collect(root, property, joined(path, name), keys);
    }
    if (schema.contains("additionalProperties") && schema.at("additionalProperties").is_object()) {
        collect(root, schema.at("additionalProperties"), joined(path, "*"), keys);
    }
    if (schema.contains("items")) collect(root, schema.at("items"), path + "[]", keys);
}

Keys keys_of_example() {
    Keys keys;
    collect(parse_yaml(read_file("sluice.example.yaml"))->root, "", keys);
    return keys;
}

TEST(ExampleConfig, IsAccepted) {
    const LoadedConfig loaded = parse_config(read_file("sluice.example.yaml"), kEnvironment);
    for (const core::Error& problem : loaded.problems) ADD_FAILURE() << core::describe(problem);
    const auto catalogue = policies::Catalogue::from_yaml(policies::Catalogue::embedded());
    ASSERT_TRUE(catalogue);
    for (const ProviderSettings& provider : loaded.config.providers) {
        EXPECT_TRUE(model_entries(provider, *catalogue, "providers")) << provider.name;
    }
}

TEST(ExampleConfig, ShowsEverySettingThereIs) {
    const auto document = parse_yaml(read_file("sluice.example.yaml"));
    ASSERT_TRUE(document);
    ReadContext context{kEnvironment};
    Section root(context, document->root, "", "");
    Config config;
    read_config(root, config);
    EXPECT_EQ(without_team_policies(keys_of_example()), without_team_policies(context.known_keys));
}

TEST(ExampleConfig, HasTheSameKeysAsTheSchema) {
    const auto schema = core::parse_json(read_file("sluice.schema.json"));
    ASSERT_TRUE(schema) << core::describe(schema.error());
    Keys keys;
    collect(*schema, *schema, "", keys);
    EXPECT_EQ(without_team_policies(keys), without_team_policies(keys_of_example()));
}

TEST(ExampleConfig, SchemaRefusesUnknownKeysEverywhereItNamesSome) {
    const auto schema = core::parse_json(read_file("sluice.schema.json"));
    ASSERT_TRUE(schema);
    std::vector<const core::Json*> open{&*schema};
    int objects = 0;
    while (!open.empty()) {
        const core::Json& node = *open.back();
        open.pop_back();
        if (node.is_object() && node.value("type", core::Json()) == "object" && node.contains("properties")) {
            EXPECT_EQ(node.value("additionalProperties", core::Json()), core::Json(false)) << node.dump().substr(0, 80);
            ++objects;
        }
        if (node.is_structured()) {
            for (const auto& child : node) open.push_back(&child);
        }
    }
    EXPECT_GT(objects, 10);
}

TEST(ExampleConfig, DefaultsWrittenThereAreTheDefaults) {
    const Config shown = parse_config(read_file("sluice.example.yaml"), kEnvironment).config;
    const Config none = parse_config("", kEnvironment).config;
    EXPECT_EQ(shown.server.listen, none.server.listen);
    EXPECT_EQ(shown.server.limits.max_body_bytes, none.server.limits.max_body_bytes);
    EXPECT_EQ(shown.server.limits.max_header_bytes, none.server.limits.max_header_bytes);
    EXPECT_EQ(shown.server.limits.max_connections, none.server.limits.max_connections);
    EXPECT_EQ(shown.server.timeouts.handshake, none.server.timeouts.handshake);
    EXPECT_EQ(shown.server.timeouts.header, none.server.timeouts.header);
    EXPECT_EQ(shown.server.timeouts.body_gap, none.server.timeouts.body_gap);
    EXPECT_EQ(shown.server.timeouts.idle, none.server.timeouts.idle);
    EXPECT_EQ(shown.server.timeouts.write, none.server.timeouts.write);
    EXPECT_EQ(shown.server.timeouts.request, none.server.timeouts.request);
    EXPECT_EQ(shown.server.timeouts.drain, none.server.timeouts.drain);
    EXPECT_EQ(shown.ledger.durability, none.ledger.durability);
    EXPECT_EQ(shown.cache.backend, none.cache.backend);
    EXPECT_EQ(shown.cache.max_bytes, none.cache.max_bytes);
    EXPECT_EQ(shown.cache.ttl, none.cache.ttl);
    EXPECT_EQ(shown.cache.policy.keep, none.cache.policy.keep);
    EXPECT_EQ(shown.cache.redis_timeout, none.cache.redis_timeout);
    EXPECT_EQ(shown.engine.enabled, none.engine.enabled);
    EXPECT_EQ(shown.engine.max_running, none.engine.max_running);
    EXPECT_EQ(shown.engine.max_waiting, none.engine.max_waiting);
    EXPECT_EQ(shown.engine.input_price, none.engine.input_price);
    EXPECT_EQ(shown.engine.output_price, none.engine.output_price);
    EXPECT_EQ(shown.routing.most_attempts, none.routing.most_attempts);
    EXPECT_EQ(shown.routing.first_backoff, none.routing.first_backoff);
    EXPECT_EQ(shown.routing.longest_retry_after, none.routing.longest_retry_after);
    EXPECT_EQ(shown.policies.fallback, none.policies.fallback);
    EXPECT_EQ(shown.sensitivity.cut, none.sensitivity.cut);
    EXPECT_EQ(shown.sensitivity.most_findings, none.sensitivity.most_findings);
    EXPECT_EQ(shown.logging.level, none.logging.level);
    const ProviderSettings provider;
    const ProviderSettings& vllm = shown.providers.at(1);
    EXPECT_EQ(vllm.max_connections, provider.max_connections);
    EXPECT_EQ(vllm.token_limit, provider.token_limit);
    EXPECT_EQ(vllm.timeouts.connect, provider.timeouts.connect);
    EXPECT_EQ(vllm.timeouts.handshake, provider.timeouts.handshake);
    EXPECT_EQ(vllm.timeouts.first_byte, provider.timeouts.first_byte);
    EXPECT_EQ(vllm.timeouts.idle, provider.timeouts.idle);
    EXPECT_EQ(vllm.timeouts.keep_alive, provider.timeouts.keep_alive);
}

}  // namespace
}  // namespace sluice::gateway
