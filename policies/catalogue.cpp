#include "policies/catalogue.hpp"

#include <algorithm>
#include <numeric>

namespace sluice::policies {

core::NanoUsd charge(const ModelEntry& entry, const core::Usage& usage) {
    const core::Tokens cached = std::min(usage.cached, usage.prompt);
    const core::Tokens reasoning = entry.reasoning ? std::min(usage.reasoning, usage.completion) : 0;
    return cost(usage.prompt - cached, entry.input) + cost(cached, entry.cached_input) +
           cost(usage.completion - reasoning, entry.output) + cost(reasoning, entry.reasoning.value_or(core::Price{}));
}

core::NanoUsd worst_case(const ModelEntry& entry, core::Tokens prompt_bound, core::Tokens max_tokens,
                         std::int64_t choices) {
    const auto dearer = [](core::Price a, core::Price b) { return a.nano_per_million < b.nano_per_million ? b : a; };
    const core::Price output = dearer(entry.output, entry.reasoning.value_or(entry.output));
    const core::Price input = dearer(entry.input, entry.cached_input);
    // +2: each of the price components of charge() rounds up by itself.
    core::Tokens completion = 0;
    if (__builtin_mul_overflow(max_tokens, choices, &completion)) return core::NanoUsd::max();
    return cost(prompt_bound, input) + cost(completion, output) + core::NanoUsd{2};
}

const ModelEntry* Catalogue::find(std::string_view name) const {
    const auto named = std::ranges::find_if(entries_, [&](const ModelEntry& entry) {
        return entry.name == name || std::ranges::find(entry.aliases, name) != entry.aliases.end();
    });
    if (named != entries_.end()) return &*named;
    const auto is_model = [&](const ModelEntry& entry) { return entry.model == name; };
    const auto found = std::ranges::find_if(entries_, is_model);
    return found != entries_.end() && std::ranges::count_if(entries_, is_model) == 1 ? &*found : nullptr;
}

namespace {

// Levenshtein distance of short names.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
        }
    }
    return row.back();
}

}  // namespace

std::vector<std::string> Catalogue::near_names(std::string_view name) const {
    name = name.substr(0, 128);
    std::vector<std::pair<std::size_t, std::string>> scored;
    for (const auto& entry : entries_) {
        std::size_t best = std::min(distance(name, entry.name), distance(name, entry.model));
        for (const auto& alias : entry.aliases) best = std::min(best, distance(name, alias));
        if (best <= std::max<std::size_t>(2, name.size() / 3)) scored.emplace_back(best, entry.name);
    }
    std::ranges::sort(scored);
    std::vector<std::string> names;
    for (std::size_t i = 0; i < scored.size() && i < 3; ++i) names.push_back(scored[i].second);
    return names;
}

}  // namespace sluice::policies
