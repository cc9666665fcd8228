// The commands of `sluice`: a table of what each takes and does.
#pragma once

#include "gateway/cli/arguments.hpp"
#include "gateway/cli/console.hpp"
#include "gateway/config/config.hpp"

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace sluice::gateway::cli {

// What commands need of the process, injected by main() so that tests bring their own.
struct Program {
    Console console;
    std::function<int(const Config&)> serve;  // gateway::serve; returns the exit code
};

struct Command {
    CommandSpec spec;
    std::function<int(const Arguments&, Program&)> run;  // returns the exit code
};

// Runs `words` (without the program's name). Exceptions become exit code 1 and one line.
int run(std::span<const std::string> words, Program& program);

// One per file gateway/cli/NAME_commands.cpp.
std::vector<Command> serve_commands();     // serve, check, demo-cloud
std::vector<Command> identity_commands();  // teams, keys, budgets
std::vector<Command> report_commands();    // usage, audit
std::vector<Command> model_commands();     // models list, pull
std::vector<Command> inspect_commands();   // models inspect
std::vector<Command> engine_commands();    // models logits
std::vector<Command> fit_commands();       // fit
std::vector<Command> text_commands();      // models tokenize, detokenize, template
std::vector<Command> local_model_commands();  // models load, unload
std::vector<Command> measure_commands();   // bench, eval
std::vector<Command> request_commands();   // route, classify
std::vector<Command> policy_commands();    // policy test, reload, hash

// Options that several commands share.
Option config_option();
Option data_option();
Option json_option();

// The configuration a command works with: --config or the defaults. Prints every problem; nullopt: the exit code is 2.
std::optional<Config> configuration(const Arguments& arguments, Program& program);
// The data directory: --data, else the configuration's.
std::optional<std::filesystem::path> data_directory(const Arguments& arguments, Program& program);
// "--daily 12.50", "none" lifts the cap; a missing option leaves `cap` as it is. The error names the option.
core::Result<void> read_cap(const Arguments& arguments, std::string_view option, std::optional<core::NanoUsd>& cap);

}  // namespace sluice::gateway::cli
