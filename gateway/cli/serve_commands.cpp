// serve, check and demo-cloud: what runs, and what says whether it would.
#include "gateway/cli/command.hpp"
#include "gateway/config/load.hpp"
#include "gateway/config/load_policy.hpp"
#include "gateway/config/model_entries.hpp"
#include "gateway/demo_cloud/demo_cloud.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <ostream>

namespace sluice::gateway::cli {
namespace {

// Everything that can be known to be wrong before a part is started.
std::vector<core::Error> all_problems(const Config& config) {
    std::vector<core::Error> problems = check_consistency(config);
    std::vector<policies::DictionaryTerm> terms = config.sensitivity.dictionary;
    for (core::Error& problem : read_dictionary_files(config, terms)) problems.push_back(std::move(problem));
    const auto catalogue = load_catalogue(config);
    if (!catalogue) {
        problems.push_back(catalogue.error());
        return problems;
    }
    for (std::size_t i = 0; i < config.providers.size(); ++i) {
        const auto entries = model_entries(config.providers[i], *catalogue, fmt::format("providers[{}]", i));
        if (!entries) problems.push_back(entries.error());
    }
    return problems;
}

std::optional<Config> checked_configuration(const Arguments& arguments, Program& program) {
    auto config = configuration(arguments, program);
    if (!config) return std::nullopt;
    std::vector<core::Error> problems = apply({.listen = arguments.get("--listen"),
                                               .data = arguments.get("--data"),
                                               .model = arguments.get("--model"),
                                               .durability = arguments.get("--durability"),
                                               .loops = arguments.get("--loops"),
                                               .insecure_listen = arguments.has("--insecure-listen")},
                                              *config);
    if (problems.empty()) problems = all_problems(*config);
    for (const core::Error& problem : problems) fail(program.console, problem);
    if (!problems.empty()) return std::nullopt;
    return config;
}

int serve(const Arguments& arguments, Program& program) {
    const auto config = checked_configuration(arguments, program);
    return config ? program.serve(*config) : kWrongUsage;
}

std::string engine_line(const EngineSettings& engine) {
    if (!engine.enabled) return "off";
    return engine.model.empty() ? "the bundled demo model" : engine.model.string();
}

// What the organization added; and, aloud, where credentials may be overlooked.
std::string rules_line(const Config& config) {
    const auto& own = config.sensitivity;
    const auto& teams = config.policies.teams;
    const bool aloud = own.rules.including_s4 || own.allow.including_s4 || config.policies.fallback.findings.including_s4 ||
                       std::ranges::any_of(teams, [](const auto& team) { return team.second.findings.including_s4; });
    if (own.patterns.empty() && own.dictionary.empty() && config.dictionary_files.empty() && !aloud) return {};
    return fmt::format("{} patterns, {} dictionary terms here, {} dictionary files{}", own.patterns.size(), own.dictionary.size(),
                       config.dictionary_files.size(), aloud ? "; including_s4: some credentials and diagnoses are overlooked" : "");
}

int check(const Arguments& arguments, Program& program) {
    const auto config = checked_configuration(arguments, program);
    if (!config) return kWrongUsage;
    std::ostream& out = program.console.out;
    out << "the configuration is fine\n";
    out << "  listens on  " << (config->server.tls_certificate.empty() ? "http://" : "https://")
        << to_string(config->server.listen) << '\n';
    out << "  data        " << config->data.string() << '\n';
    out << "  engine      " << engine_line(config->engine) << '\n';
    for (const ProviderSettings& provider : config->providers) {
        out << fmt::format("  provider    {} ({}, {})\n", provider.name, provider.base_url,
                           core::to_string(provider.zone));
    }
    if (const auto line = rules_line(*config); !line.empty()) out << "  own rules   " << line << '\n';
    if (config->demo_cloud) out << "  provider    demo-cloud (in this process: no provider has a key)\n";
    return kDone;
}

int demo_cloud(const Arguments& arguments, Program& program) {
    const auto address = parse_listen_address(arguments.get_or("--listen", "127.0.0.1:9900"));
    if (!address || !is_loopback(*address)) {
        return fail(program.console, {.code = core::Errc::InvalidRequest,
                                      .detail = "must be a loopback HOST:PORT: anybody may use the demo cloud",
                                      .field = "--listen"});
    }
    // Caught from here on, so that a signal during the start ends it as one later does.
    boost::asio::io_context waiting;
    boost::asio::signal_set signals(waiting, SIGINT, SIGTERM);
    const auto cloud = DemoCloud::start(*address);
    if (!cloud) return fail(program.console, cloud.error());
    program.console.out << "demo cloud: http://" << to_string(HostPort{address->host, (*cloud)->port()})
                        << "/v1/chat/completions, model demo-chat; Ctrl-C ends it" << std::endl;
    signals.async_wait([](const boost::system::error_code&, int) {});
    waiting.run();
    return kDone;
}

}  // namespace

std::vector<Command> serve_commands() {
    const std::vector<Option> options{
        config_option(),
        {"--listen", "HOST:PORT", "address to listen on; default 127.0.0.1:8080"},
        {"--data", "DIR", "keys, ledger, decisions; default ~/.local/share/sluice"},
        {"--model", "FILE.gguf", "model of the local engine; default: the bundled demo model"},
        {"--durability", "strict|relaxed",
         "strict: on disk before the cloud sees a byte (default); relaxed: within milliseconds"},
        {"--loops", "N", "event loops; default: one per core"},
        {"--insecure-listen", "", "allow a non-loopback address without TLS"},
    };
    return {
        {{.name = "serve",
          .summary = "Runs the gateway.",
          .options = options,
          .details = "Ends on SIGTERM or SIGINT after running answers have finished, at the latest after\n"
                     "server.timeouts.drain; a second signal ends it at once."},
         serve},
        {{.name = "check", .summary = "Says what is wrong with a configuration before it is used.", .options = options},
         check},
        {{.name = "demo-cloud",
          .summary = "Runs the scripted cloud that stands in for a provider.",
          .options = {{"--listen", "HOST:PORT", "loopback address; default 127.0.0.1:9900"}},
          .details =
              "OpenAI-compatible; every answer says that it is a demonstration and how many bytes were received."},
         demo_cloud},
    };
}

}  // namespace sluice::gateway::cli
