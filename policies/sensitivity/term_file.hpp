// A dictionary kept in a file of its own: one term a line, UTF-8. Empty lines and lines that begin with '#' are left out.
// The file is bounded before anything is allocated for its terms.
#pragma once

#include "core/result.hpp"
#include "policies/sensitivity/dictionary.hpp"

#include <filesystem>
#include <string_view>
#include <vector>

namespace sluice::policies {

inline constexpr std::size_t kMostDictionaryTerms = 1'000'000;  // of all files and the configuration together
inline constexpr std::size_t kMostTermFileBytes = std::size_t{128} << 20U;

// InvalidRequest: the detail names the line and the reason, never the term. TooLarge: more than `most` terms.
core::Result<std::vector<DictionaryTerm>> read_terms(std::string_view bytes, core::DataClass data_class, std::size_t most);
// The same of a regular file; NotFound when it cannot be read.
core::Result<std::vector<DictionaryTerm>> read_term_file(const std::filesystem::path& file, core::DataClass data_class, std::size_t most);

}  // namespace sluice::policies
