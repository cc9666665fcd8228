#include "gateway/config/model_entries.hpp"

#include "gateway/config/yaml_document.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

namespace sluice::gateway {
namespace {

core::Error problem(std::string field, std::string detail) {
    return {.code = core::Errc::InvalidRequest, .detail = std::move(detail), .field = std::move(field)};
}

const policies::ModelEntry* find_known(const policies::Catalogue& catalogue, const std::string& provider,
                                       const std::string& upstream) {
    const policies::ModelEntry* entry = catalogue.find(provider + "/" + upstream);
    return entry != nullptr ? entry : catalogue.find(upstream);
}

core::Result<policies::ModelEntry> entry_of(const ProviderSettings& provider, const ProviderModel& model,
                                            const policies::Catalogue& catalogue, const std::string& path) {
    const policies::ModelEntry* known = find_known(catalogue, provider.name, model.upstream);
    if (known == nullptr && !(model.input_price && model.output_price)) {
        return problem(
            path, fmt::format("the catalogue has no price for {}: give input_price and output_price", model.upstream));
    }
    policies::ModelEntry entry = known != nullptr ? *known : policies::ModelEntry{};
    if (known == nullptr || known->provider != provider.name || model.name != model.upstream) entry.aliases.clear();
    entry.provider = provider.name;
    entry.model = model.upstream;
    entry.name = provider.name + "/" + model.name;
    if (model.name != model.upstream) entry.aliases.push_back(model.name);
    if (model.input_price) {
        entry.input = *model.input_price;
        entry.cached_input = *model.input_price;  // until the operator says that cached input is cheaper
    }
    if (model.output_price) {
        entry.output = *model.output_price;
        entry.reasoning.reset();
    }
    if (model.cached_input_price) entry.cached_input = *model.cached_input_price;
    if (model.context > 0) entry.context = model.context;
    if (known == nullptr) entry.source = "configuration";
    return entry;
}

}  // namespace

core::Result<policies::Catalogue> load_catalogue(const Config& config) {
    if (config.catalogue.empty()) return policies::Catalogue::from_yaml(policies::Catalogue::embedded());
    std::ifstream file(config.catalogue, std::ios::binary);
    std::string text(kMaxConfigBytes + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (file.bad() || text.empty())
        return problem("catalogue", config.catalogue.string() + " cannot be read or is empty");
    if (text.size() > kMaxConfigBytes) return problem("catalogue", config.catalogue.string() + " is too large");
    auto catalogue = policies::Catalogue::from_yaml(text);
    if (!catalogue) return problem("catalogue", config.catalogue.string() + ": " + core::describe(catalogue.error()));
    return catalogue;
}

core::Result<std::vector<policies::ModelEntry>> model_entries(const ProviderSettings& provider,
                                                              const policies::Catalogue& catalogue,
                                                              const std::string& path) {
    std::vector<policies::ModelEntry> entries;
    if (provider.models.empty()) {
        for (const policies::ModelEntry& entry : catalogue.entries()) {
            if (entry.provider == provider.name) entries.push_back(entry);
        }
        if (entries.empty()) {
            return problem(
                path + ".models",
                fmt::format("the catalogue has no models of {}: list them with their prices", provider.name));
        }
    }
    for (std::size_t i = 0; i < provider.models.size(); ++i) {
        auto entry = entry_of(provider, provider.models[i], catalogue, fmt::format("{}.models[{}]", path, i));
        if (!entry) return entry.error();
        entries.push_back(std::move(*entry));
    }
    return entries;
}

namespace {

// "Sluice demo" of a file's metadata becomes "sluice-demo": clients put it into JSON, headers and command lines.
std::string as_model_name(const std::string& name) {
    std::string out;
    for (const char c : name) {
        const bool upper = c >= 'A' && c <= 'Z';
        const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_';
        if (upper) out += static_cast<char>(c - 'A' + 'a');
        else if (plain) out += c;
        else if (!out.empty() && out.back() != '-') out += '-';
    }
    while (!out.empty() && out.back() == '-') out.pop_back();
    return out.empty() ? "model" : out.substr(0, 128);
}

}  // namespace

policies::ModelEntry local_entry(const EngineSettings& engine, const std::string& name, core::Tokens context) {
    policies::ModelEntry entry;
    entry.provider = "local";
    entry.model = engine.name.empty() ? as_model_name(name) : engine.name;
    entry.name = "local/" + entry.model;
    entry.input = engine.input_price;
    entry.cached_input = engine.input_price;
    entry.output = engine.output_price;
    entry.context = context;
    entry.source = "configuration";
    return entry;
}

}  // namespace sluice::gateway
