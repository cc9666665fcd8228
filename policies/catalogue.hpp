// What models cost and can do: a YAML list, built into the program (policies/catalogue.yaml) and replaceable by the operator.
// Every entry says where its numbers come from (`source`) and when they were true (`as_of`). Immutable, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/money.hpp"
#include "core/result.hpp"
#include "core/usage.hpp"

namespace sluice::policies {

struct ModelEntry {
    std::string provider;  // "deepseek"
    std::string model;     // what the provider calls it: "deepseek-chat"
    std::string name;      // "deepseek/deepseek-chat"
    std::vector<std::string> aliases;
    core::Price input;
    core::Price cached_input;  // input tokens the provider served from its cache
    core::Price output;
    std::optional<core::Price> reasoning;  // when billed unlike other output
    core::Tokens context = 0;              // 0: not known
    core::Tokens max_output = 0;           // 0: not known
    bool tools = true;
    bool images = false;
    bool json_schema = false;
    std::string licence;
    std::string source;
    std::string as_of;
};

// What a call cost: cached tokens at the cached price, reasoning tokens at their own price when they have one.
core::NanoUsd charge(const ModelEntry& entry, const core::Usage& usage);

// The most a call can cost: every prompt token uncached, every choice as long as allowed, at the dearer output price.
core::NanoUsd worst_case(const ModelEntry& entry, core::Tokens prompt_bound, core::Tokens max_tokens, std::int64_t choices);

class Catalogue {
public:
    // The text is checked completely: unknown keys, wrong types and doubled names are refused with the path of the key
    // ("models[3].price.input").
    static core::Result<Catalogue> from_yaml(std::string_view text);
    // The list built into the program.
    static std::string_view embedded();

    // By "provider/model", by alias, or by the provider's own name when only one provider has it. Null when unknown.
    const ModelEntry* find(std::string_view name) const;
    const std::vector<ModelEntry>& entries() const { return entries_; }
    // Up to three names that look like `name`, nearest first.
    std::vector<std::string> near_names(std::string_view name) const;

private:
    std::vector<ModelEntry> entries_;
};

}  // namespace sluice::policies
