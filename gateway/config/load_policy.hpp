// Config -> what is in force: dictionaries are read from their files, patterns compiled, rules checked. Used at the start,
// at every reload, and by the commands that judge texts.
#pragma once

#include "core/result.hpp"
#include "gateway/config/config.hpp"
#include "policies/policy_set.hpp"

#include <memory>
#include <vector>

namespace sluice::gateway {

// Appends to `terms`; problems name the key ("sensitivity.dictionary_files[0].file"), the line and the reason.
std::vector<core::Error> read_dictionary_files(const Config& config, std::vector<policies::DictionaryTerm>& terms);

// Blocks for as long as files and a million terms take: not for event loops.
core::Result<std::shared_ptr<const policies::PolicySet>> load_policy(const Config& config);

}  // namespace sluice::gateway
