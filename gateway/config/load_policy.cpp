#include "gateway/config/load_policy.hpp"

#include "policies/sensitivity/term_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace sluice::gateway {

std::vector<core::Error> read_dictionary_files(const Config& config, std::vector<policies::DictionaryTerm>& terms) {
    std::vector<core::Error> problems;
    for (std::size_t i = 0; i < config.dictionary_files.size(); ++i) {
        const auto& [file, data_class] = config.dictionary_files[i];
        const std::size_t left = policies::kMostDictionaryTerms - std::min(terms.size(), policies::kMostDictionaryTerms);
        auto more = policies::read_term_file(file, data_class, left);
        if (!more) {
            problems.push_back({core::Errc::InvalidRequest, more.error().detail, fmt::format("sensitivity.dictionary_files[{}].file", i)});
            continue;
        }
        if (terms.empty()) terms = std::move(*more);
        else terms.insert(terms.end(), std::make_move_iterator(more->begin()), std::make_move_iterator(more->end()));
    }
    return problems;
}

core::Result<std::shared_ptr<const policies::PolicySet>> load_policy(const Config& config) {
    policies::SensitivityConfig sensitivity = config.sensitivity;
    if (const auto problems = read_dictionary_files(config, sensitivity.dictionary); !problems.empty()) return problems.front();
    return policies::PolicySet::make(std::move(sensitivity), config.policies.fallback, config.policies.teams);
}

}  // namespace sluice::gateway
