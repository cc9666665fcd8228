// models load and unload: what the running gateway keeps in memory.
#include "core/crypto.hpp"
#include "gateway/cli/command.hpp"
#include "gateway/cli/progress.hpp"
#include "gateway/serve/model_control.hpp"

#include <fmt/format.h>

#include <ostream>

namespace sluice::gateway::cli {
namespace {

using core::Json;

constexpr std::chrono::seconds kPatience{600};  // large models take minutes from slow disks

int ask(const Arguments& arguments, Program& program, bool load) {
    const auto data = data_directory(arguments, program);
    if (!data) return kWrongUsage;
    std::string name = *arguments.positional(0);
    if (name.starts_with("local/")) name.erase(0, 6);
    if (program.console.interactive) program.console.error << (load ? "loading " : "unloading ") << name << "...\n";
    ByteProgress progress(program.console);
    const auto state = ask_for_model(*data, {core::random_token(12), load, name}, kPatience,
                                     [&](std::uint64_t bytes, std::uint64_t total) { progress(bytes, total); });
    progress.end();
    if (!state) return fail(program.console, state.error());
    if (arguments.has("--json")) {
        print_json(program.console.out, (*state)["models"]);
        return kDone;
    }
    std::vector<std::vector<std::string>> rows;
    for (const Json& model : (*state)["models"]) {
        const std::int64_t bytes = memory_of(model);
        rows.push_back({model.value("name", ""), model.value("loaded", false) ? "loaded" : "-", bytes > 0 ? grouped(bytes / 1'000'000) : ""});
    }
    print_table(program.console.out, {{"MODEL"}, {"STATE"}, {"MB", Align::Right}}, rows, "no local model");
    return kDone;
}

}  // namespace

std::vector<Command> local_model_commands() {
    const Positional name{"NAME", "a local model of the configuration, as models list shows it"};
    const std::vector<Option> options{config_option(), data_option(), json_option()};
    return {
        {{.name = "models load",
          .summary = "Has the running gateway load a local model, or load it anew.",
          .positionals = {name},
          .options = options,
          .details = "Requests that run on an older copy finish there. What does not fit into memory is refused.\n"
                     "models unload gives a load up that still runs.\n"},
         [](const Arguments& arguments, Program& program) { return ask(arguments, program, true); }},
        {{.name = "models unload",
          .summary = "Has the running gateway give a local model's memory back.",
          .positionals = {name},
          .options = options,
          .details = "Requests that run on it finish; new ones go to the next target of their plan.\n"},
         [](const Arguments& arguments, Program& program) { return ask(arguments, program, false); }},
    };
}

}  // namespace sluice::gateway::cli
