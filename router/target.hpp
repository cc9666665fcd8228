// A model at a provider that can be asked: what the catalogue says of it and which backend reaches it.
// Backends belong to one event loop (their connection pools have no locks), so each loop has its own table of targets;
// everything else in it is the same in all of them.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "core/backend.hpp"
#include "policies/catalogue.hpp"

namespace sluice::router {

struct Target {
    policies::ModelEntry entry;  // name "deepseek/deepseek-chat", aliases, prices, context
    core::Zone zone = core::Zone::Cloud;
    std::string upstream_model;  // what the provider calls it
    // A local-zone target takes requests as they are; a cloud target takes cleared ones only.
    std::variant<core::CloudBackend*, core::LocalBackend*> backend;
};

using Targets = std::vector<Target>;

}  // namespace sluice::router
