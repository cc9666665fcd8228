// models list and pull: what can be asked for, and fetching model files.
#include "gateway/cli/command.hpp"
#include "gateway/cli/http_client.hpp"
#include "gateway/cli/model_download.hpp"
#include "gateway/cli/progress.hpp"
#include "gateway/config/model_entries.hpp"
#include "gateway/config/values.hpp"
#include "gateway/serve/model_control.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

namespace sluice::gateway::cli {
namespace {

using core::Json;

core::Error wrong(std::string option, std::string detail) {
    return {.code = core::Errc::InvalidRequest, .detail = std::move(detail), .field = std::move(option)};
}

// USD per million tokens: "0.14".
std::string price_text(core::Price price) {
    return core::format_usd(core::NanoUsd{price.nano_per_million});
}

struct Offer {
    policies::ModelEntry entry;
    core::Zone zone;
    bool local_engine = false;
    std::optional<core::Json> running = std::nullopt;  // what a running gateway says of it
};

core::Result<std::vector<Offer>> offers_of(const Config& config) {
    const auto catalogue = load_catalogue(config);
    if (!catalogue) return catalogue.error();
    std::vector<Offer> offers;
    if (config.engine.enabled) {
        const std::string file = config.engine.model.empty() ? "demo" : config.engine.model.stem().string();
        offers.push_back({local_entry(config.engine, file, config.engine.context), core::Zone::Local, true});
        for (const EngineSettings& more : config.engine.more)
            offers.push_back({local_entry(more, more.model.stem().string(), more.context), core::Zone::Local, true});
    }
    for (std::size_t i = 0; i < config.providers.size(); ++i) {
        const auto entries = model_entries(config.providers[i], *catalogue, fmt::format("providers[{}]", i));
        if (!entries) return entries.error();
        for (const policies::ModelEntry& entry : *entries) offers.push_back({entry, config.providers[i].zone});
    }
    return offers;
}

// What the gateway over this data directory has in memory. Its first model is the configuration's first, by whatever name:
// that of the bundled one stands in its file, and --model may have replaced it.
void add_running(const std::filesystem::path& data, std::vector<Offer>& offers) {
    const auto state = model_state(data);
    if (!state) return;
    for (const Json& model : state->value("models", Json::array())) {
        const std::string name = model.value("name", "");
        auto offer = std::ranges::find_if(offers, [&](const Offer& one) { return one.local_engine && one.entry.name == name; });
        if (offer == offers.end() && model.value("default", false)) {
            offer = std::ranges::find_if(offers, [](const Offer& one) { return one.local_engine; });
        }
        if (offer == offers.end()) continue;
        offer->entry.name = name;
        offer->running = model;
    }
}

Json offer_json(const Offer& offer) {
    Json json{{"name", offer.entry.name},
            {"zone", core::to_string(offer.zone)},
            {"aliases", offer.entry.aliases},
            {"input_usd_per_million", price_text(offer.entry.input)},
            {"cached_input_usd_per_million", price_text(offer.entry.cached_input)},
            {"output_usd_per_million", price_text(offer.entry.output)},
            {"context", offer.entry.context},
            {"as_of", offer.entry.as_of}};
    if (!offer.running) return json;
    json["loaded"] = offer.running->value("loaded", false);
    json["default"] = offer.running->value("default", false);
    json["bytes"] = offer.running->value("bytes", Json::object());
    return json;
}

// "loaded, default"; and the memory it takes.
std::vector<std::string> running_cells(const Offer& offer) {
    if (!offer.running) return {"", ""};
    const bool loaded = offer.running->value("loaded", false);
    const std::int64_t bytes = memory_of(*offer.running);
    return {std::string(loaded ? "loaded" : "-") + (offer.running->value("default", false) ? ", default" : ""),
            bytes > 0 ? grouped(bytes / 1'000'000) : ""};
}

int list(const Arguments& arguments, Program& program) {
    const auto config = configuration(arguments, program);
    if (!config) return kWrongUsage;
    auto offers = offers_of(*config);
    if (!offers) return fail(program.console, offers.error());
    add_running(arguments.get("--data").value_or(config->data.string()), *offers);
    Json json = Json::array();
    std::vector<std::vector<std::string>> rows;
    for (const Offer& offer : *offers) {
        json.push_back(offer_json(offer));
        rows.push_back({offer.entry.name, std::string(core::to_string(offer.zone)), price_text(offer.entry.input),
                        price_text(offer.entry.output), offer.entry.context == 0 ? "" : grouped(offer.entry.context)});
        std::ranges::move(running_cells(offer), std::back_inserter(rows.back()));
    }
    if (arguments.has("--json")) {
        print_json(program.console.out, json);
        return kDone;
    }
    print_table(
        program.console.out,
        {{"MODEL"}, {"ZONE"}, {"IN USD/M", Align::Right}, {"OUT USD/M", Align::Right}, {"CONTEXT", Align::Right}, {"STATE"}, {"MB", Align::Right}}, rows,
        "no model: the engine is off and no provider is configured");
    if (config->demo_cloud) {
        program.console.out << "\nno provider has a key: sluice serve adds demo-cloud/demo-chat, a scripted cloud\n";
    }
    return kDone;
}

// The last part of the URL's path, when it can be a file name.
core::Result<std::string> file_name_of(const std::string& url_text) {
    const auto url = parse_url(url_text);
    if (!url) return url.error();
    const std::string path = url->target.substr(0, url->target.find('?'));
    const std::string name = path.substr(path.rfind('/') + 1);
    const auto good = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
               c == '_';
    };
    if (name.empty() || name.front() == '.' || name.size() > 200 || !std::ranges::all_of(name, good)) {
        return wrong("--to", "is needed: the URL does not end in a plain file name");
    }
    return name;
}

core::Result<DownloadRequest> read_request(const Arguments& arguments, Program& program) {
    DownloadRequest request{
        .url = *arguments.positional(0), .target = {}, .size = std::nullopt, .sha256 = std::nullopt};
    if (const auto size = arguments.get("--size")) {
        request.size = parse_bytes(*size);
        if (!request.size) return wrong("--size", fmt::format("\"{}\" is not a size in bytes", *size));
    }
    if (auto digest = arguments.get("--sha256")) {
        std::ranges::transform(*digest, digest->begin(),
                               [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
        if (digest->size() != 64 || digest->find_first_not_of("0123456789abcdef") != std::string::npos) {
            return wrong("--sha256", "must be 64 hexadecimal digits");
        }
        request.sha256 = std::move(digest);
    }
    if (const auto to = arguments.get("--to")) {
        request.target = *to;
        return request;
    }
    const auto name = file_name_of(request.url);
    if (!name) return name.error();
    const auto data = data_directory(arguments, program);
    if (!data) return wrong("--data", "is not known");
    std::error_code problem;
    std::filesystem::create_directories(*data / "models", problem);
    if (problem)
        return core::Error{core::Errc::Unavailable, "cannot be made: " + problem.message(),
                           (*data / "models").string()};
    request.target = *data / "models" / *name;
    return request;
}

int pull(const Arguments& arguments, Program& program) {
    const auto request = read_request(arguments, program);
    if (!request) return fail(program.console, request.error());
    ByteProgress progress(program.console);
    const auto done =
        download(*request, [&](std::uint64_t bytes, std::optional<std::uint64_t> total) { progress(bytes, total); });
    progress.end();
    if (!done) return fail(program.console, done.error());
    if (arguments.has("--json")) {
        print_json(program.console.out, {{"file", request->target.string()},
                                         {"bytes", done->bytes},
                                         {"resumed_from", done->resumed_from},
                                         {"sha256", done->sha256}});
        return kDone;
    }
    program.console.out << fmt::format("{}\n{} bytes, SHA-256 {}{}\n", request->target.string(),
                                       grouped(static_cast<std::int64_t>(done->bytes)), done->sha256,
                                       request->sha256 ? ", as expected" : "");
    return kDone;
}

}  // namespace

std::vector<Command> model_commands() {
    return {
        {{.name = "models list",
          .summary = "Lists the models of the configuration with their prices, and which of them a running gateway has in memory.",
          .options = {config_option(), data_option(), json_option()},
          .details = "default: the local model of engine.model. Memory is what was planned for weights, cache and scratch.\n"},
         list},
        {{.name = "models pull",
          .summary = "Fetches a model file; goes on where it was cut short.",
          .positionals = {{"URL", "http:// or https://"}},
          .options = {{"--to", "FILE", "default: DATA/models/ and the URL's file name"},
                      {"--size", "BYTES", "refuse another size"},
                      {"--sha256", "HEX", "refuse other content"},
                      data_option(),
                      config_option(),
                      json_option()},
          .details =
              "The file appears under its name only when it is whole and checked; an existing file is never replaced."},
         pull},
    };
}

}  // namespace sluice::gateway::cli
