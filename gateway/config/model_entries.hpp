// What a configured provider offers, with prices: its own list over the catalogue. Shared by the wiring, `sluice check`
// and `sluice models list`.
#pragma once

#include "core/result.hpp"
#include "gateway/config/config.hpp"
#include "policies/catalogue.hpp"

#include <vector>

namespace sluice::gateway {

// The operator's price list, or the built-in one. The error names the file and the key in it.
core::Result<policies::Catalogue> load_catalogue(const Config& config);

// Entries named "provider/NAME", `model` being what the provider calls it. A model without a price is refused: what
// cannot be priced cannot be held. `path` is where the provider stands in the configuration: "providers[0]".
core::Result<std::vector<policies::ModelEntry>> model_entries(const ProviderSettings& provider,
                                                              const policies::Catalogue& catalogue,
                                                              const std::string& path);

// The engine's model: `name` and `context` come from the loaded file, the settings' name goes over it.
policies::ModelEntry local_entry(const EngineSettings& engine, const std::string& name, core::Tokens context);

}  // namespace sluice::gateway
