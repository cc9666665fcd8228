// A command line against a table of what a command takes. Errors name the argument and the nearest known one.
#pragma once

#include "core/result.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::gateway::cli {

struct Option {
    std::string name;   // "--listen"
    std::string value;  // what it takes, for the help: "HOST:PORT"; empty: a flag
    std::string help;
};

struct Positional {
    std::string name;  // "TEAM"
    std::string help;
    bool required = true;
};

struct CommandSpec {
    std::string name;     // "keys create"
    std::string summary;  // one line
    std::vector<Positional> positionals = {};
    std::vector<Option> options = {};
    std::string details = {};  // shown after the options
};

class Arguments {
public:
    // "--name value", "--name=value", flags, and after "--" positionals only. An option given twice is refused.
    // InvalidRequest: Error::field is empty, the detail is complete.
    static core::Result<Arguments> parse(const CommandSpec& spec, std::span<const std::string> words);

    bool has(std::string_view option) const { return values_.contains(option); }
    std::optional<std::string> get(std::string_view option) const;
    std::string get_or(std::string_view option, std::string otherwise) const;
    std::optional<std::string> positional(std::size_t index) const;
    bool wants_help() const { return help_; }

private:
    std::map<std::string, std::string, std::less<>> values_;
    std::vector<std::string> positionals_;
    bool help_ = false;
};

std::string help_text(const CommandSpec& spec);

}  // namespace sluice::gateway::cli
