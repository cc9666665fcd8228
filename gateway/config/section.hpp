// One YAML map being read: each key is asked for by name and type, so what was not asked for is unknown and refused.
// Problems go to the shared context with the full path of the key. Messages quote a value as the file writes it, never
// what the environment put into it, and never a secret.
#pragma once

#include "core/money.hpp"
#include "core/secret.hpp"
#include "gateway/config/values.hpp"

#include <yaml-cpp/yaml.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace sluice::gateway {

struct ReadContext {
    const Environment& environment;
    std::vector<core::Error> problems = {};
    std::set<std::string> known_keys = {};  // "providers[].base_url": what the reader asked for, for the schema's test

    void problem(std::string path, std::string detail);
};

class Section {
public:
    // `pattern` is the path with positions and free names left out, for known_keys.
    Section(ReadContext& context, YAML::Node node, std::string path, std::string pattern);

    // Absent keys leave `out` as it is.
    void text(std::string_view key, std::string& out);
    void path(std::string_view key, std::filesystem::path& out);
    void secret(std::string_view key, core::Secret& out);
    void flag(std::string_view key, bool& out);
    void price(std::string_view key, core::Price& out);
    void price(std::string_view key, std::optional<core::Price>& out);
    void listen_address(std::string_view key, HostPort& out);
    void texts(std::string_view key, std::vector<std::string>& out);

    template <class Integer>
    void integer(std::string_view key, Integer& out, std::int64_t lowest, std::int64_t highest) {
        if (const auto value = bounded(key, lowest, highest)) out = static_cast<Integer>(*value);
    }
    void number(std::string_view key, double& out, double lowest, double highest);
    void bytes(std::string_view key, std::size_t& out, std::size_t lowest, std::size_t highest);
    template <class Duration>
    void duration(std::string_view key, Duration& out, Duration lowest, Duration highest) {
        if (const auto value = span(key, lowest, highest, Duration{1}))
            out = std::chrono::duration_cast<Duration>(*value);
    }

    // One of a few words. `parse` returns an optional; `words` is for the message: "strict or relaxed".
    template <class Value, class Parse>
    void choice(std::string_view key, Value& out, std::string_view words, const Parse& parse) {
        const auto value = expanded(key);
        if (!value) return;
        if (const auto parsed = parse(*value)) {
            out = *parsed;
        } else {
            not_a(key, words);
        }
    }

    // Reads a nested map; an absent one is read as an empty one, so that its keys are known. Returns whether it is
    // there.
    bool section(std::string_view key, const std::function<void(Section&)>& read);
    // A list of maps.
    void list(std::string_view key, const std::function<void(Section&)>& read);
    // A map from free names to maps.
    void named(std::string_view key, const std::function<void(const std::string& name, Section&)>& read);
    // A map from free names to plain values: name and the value expanded; a returned text is the problem with it.
    void values(
        std::string_view key,
        const std::function<std::optional<std::string>(const std::string& name, const std::string& value)>& read);

    bool has(std::string_view key) const;
    void problem(std::string_view key, std::string detail);
    // "line 12: " of the key's value, or of the map when the key is absent; empty when YAML does not know.
    std::string line_of(std::string_view key) const;
    void not_a(std::string_view key, std::string_view what);  // key: "as written" is not WHAT
    // Refuses what was not asked for. Called once, by whoever made the section.
    void finish();

private:
    std::string path_of(std::string_view key) const;
    YAML::Node child(std::string_view key);                     // marks the key as known
    std::optional<std::string> expanded(std::string_view key);  // the scalar with its variables replaced
    std::optional<std::int64_t> bounded(std::string_view key, std::int64_t lowest, std::int64_t highest);
    std::optional<std::chrono::milliseconds> span(std::string_view key, std::chrono::milliseconds lowest,
                                                  std::chrono::milliseconds highest, std::chrono::milliseconds unit);
    bool is_map(const YAML::Node& node, const std::string& path);

    ReadContext& context_;
    YAML::Node node_;
    std::string path_;
    std::string pattern_;
    std::set<std::string, std::less<>> asked_;
};

}  // namespace sluice::gateway
