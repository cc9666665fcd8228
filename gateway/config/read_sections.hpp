// The keys of each section, in the order of the example file. One function per section of Config.
#pragma once

#include "gateway/config/config.hpp"
#include "gateway/config/section.hpp"

namespace sluice::gateway {

void read_config(Section& root, Config& config);

// The services that an API key in the environment enables, in the order they are tried.
std::vector<ProviderSettings> built_in_providers(const Environment& environment);

}  // namespace sluice::gateway
