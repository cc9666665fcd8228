#include "gateway/cli/command.hpp"

#include "gateway/config/load.hpp"
#include "gateway/config/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <ostream>

namespace sluice::gateway::cli {
namespace {

constexpr std::string_view kVersion = SLUICE_VERSION;

int print_version(const Arguments& arguments, Program& program) {
    if (arguments.has("--json")) {
        print_json(program.console.out, {{"version", kVersion}});
    } else {
        program.console.out << "sluice " << kVersion << '\n';
    }
    return kDone;
}

std::vector<Command> all_commands() {
    std::vector<Command> all;
    for (const auto& group :
         {serve_commands, request_commands, policy_commands, identity_commands, report_commands, model_commands, inspect_commands, engine_commands,
          local_model_commands, fit_commands, measure_commands, text_commands}) {
        for (Command& command : group()) all.push_back(std::move(command));
    }
    all.push_back({{.name = "version", .summary = "Prints the version.", .options = {json_option()}}, print_version});
    return all;
}

void print_overview(const std::vector<Command>& commands, std::ostream& out) {
    out << "One endpoint for an organization's AI traffic: private requests are answered in this process, the rest "
           "goes\n"
           "to the cloud, within budgets that hold.\n\nusage: sluice COMMAND [options]\n\n";
    std::size_t width = 0;
    for (const Command& command : commands) width = std::max(width, command.spec.name.size());
    for (const Command& command : commands) {
        out << fmt::format("  {:<{}}  {}\n", command.spec.name, width, command.spec.summary);
    }
    out << "\n`sluice COMMAND --help` tells more. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.\n";
}

// The command whose words stand at the front; the longest one when several do.
const Command* find_command(const std::vector<Command>& commands, std::span<const std::string> words,
                            std::size_t& used) {
    for (const Command& command : commands) {
        const std::string& name = command.spec.name;
        const std::size_t space = name.find(' ');
        const bool two = space != std::string::npos;
        if (words.size() < (two ? 2U : 1U) || words[0] != name.substr(0, space)) continue;
        if (two && words[1] != name.substr(space + 1)) continue;
        used = two ? 2 : 1;
        return &command;
    }
    return nullptr;
}

// "keys" alone, "keys --help", or "keys craete".
int explain_unknown(const std::vector<Command>& commands, std::span<const std::string> words, Console& console) {
    std::vector<Command> group;
    std::vector<std::string> names;
    for (const Command& command : commands) {
        names.push_back(command.spec.name);
        if (command.spec.name.starts_with(words[0] + " ")) group.push_back(command);
    }
    const bool asks = words.size() > 1 && (words[1] == "--help" || words[1] == "-h");
    if (!group.empty() && (words.size() == 1 || asks)) {
        std::ostream& out = asks ? console.out : console.error;
        for (const Command& command : group)
            out << fmt::format("  sluice {:<16}  {}\n", command.spec.name, command.spec.summary);
        return asks ? kDone : kWrongUsage;
    }
    const std::string typed = !group.empty() ? words[0] + " " + words[1] : words[0];
    const auto near = nearest(typed, names);
    console.error << fmt::format("sluice: unknown command \"{}\"{}; see sluice --help\n", typed,
                                 near ? "; did you mean " + *near + "?" : "");
    return kWrongUsage;
}

int run_command(const Command& command, std::span<const std::string> words, Program& program) {
    const auto arguments = Arguments::parse(command.spec, words);
    if (!arguments) {
        program.console.error << fmt::format("sluice {}: {}; see sluice {} --help\n", command.spec.name,
                                             arguments.error().detail, command.spec.name);
        return kWrongUsage;
    }
    if (arguments->wants_help()) {
        program.console.out << help_text(command.spec);
        return kDone;
    }
    return command.run(*arguments, program);
}

}  // namespace

int run(std::span<const std::string> words, Program& program) {
    try {
        const std::vector<Command> commands = all_commands();
        if (words.empty()) {
            print_overview(commands, program.console.error);
            return kWrongUsage;
        }
        if (words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
            print_overview(commands, program.console.out);
            return kDone;
        }
        if (words[0] == "--version") return print_version({}, program);
        std::size_t used = 0;
        const Command* command = find_command(commands, words, used);
        if (command == nullptr) return explain_unknown(commands, words, program.console);
        return run_command(*command, words.subspan(used), program);
    } catch (const std::exception& unexpected) {
        program.console.error << "sluice: " << unexpected.what() << '\n';
        return kFailed;
    }
}

Option config_option() {
    return {"--config", "FILE", "configuration (deploy/sluice.example.yaml shows every setting)"};
}
Option data_option() {
    return {"--data", "DIR", "data directory; default: the configuration's"};
}
Option json_option() {
    return {"--json", "", "print JSON"};
}

std::optional<Config> configuration(const Arguments& arguments, Program& program) {
    const auto file = arguments.get("--config");
    LoadedConfig loaded = file ? load_config(*file, process_environment()) : default_config(process_environment());
    if (loaded.ok()) return std::move(loaded.config);
    for (const core::Error& problem : loaded.problems) fail(program.console, problem);
    return std::nullopt;
}

std::optional<std::filesystem::path> data_directory(const Arguments& arguments, Program& program) {
    if (const auto data = arguments.get("--data")) return *data;
    const auto config = configuration(arguments, program);
    if (!config) return std::nullopt;
    return config->data;
}

core::Result<void> read_cap(const Arguments& arguments, std::string_view option, std::optional<core::NanoUsd>& cap) {
    const auto text = arguments.get(option);
    if (!text) return {};
    if (*text == "none") {
        cap.reset();
        return {};
    }
    const auto amount = core::parse_usd(*text);
    if (!amount) {
        return core::Error{core::Errc::InvalidRequest,
                           fmt::format("\"{}\" is not an amount in USD such as 12.50, or none", *text),
                           std::string(option)};
    }
    cap = *amount;
    return {};
}

}  // namespace sluice::gateway::cli
