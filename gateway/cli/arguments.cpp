#include "gateway/cli/arguments.hpp"

#include "gateway/config/values.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::gateway::cli {
namespace {

core::Error wrong(std::string detail) {
    return {.code = core::Errc::InvalidRequest, .detail = std::move(detail)};
}

core::Error unknown_option(const CommandSpec& spec, const std::string& name) {
    std::vector<std::string> known{"--help"};
    for (const Option& option : spec.options) known.push_back(option.name);
    const auto near = nearest(name, known);
    return wrong(fmt::format("unknown option {}{}", name, near ? "; did you mean " + *near + "?" : ""));
}

}  // namespace

core::Result<Arguments> Arguments::parse(const CommandSpec& spec, std::span<const std::string> words) {
    Arguments arguments;
    bool options_ended = false;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        if (options_ended || !word.starts_with('-') || word == "-") {
            if (arguments.positionals_.size() == spec.positionals.size()) {
                return wrong(fmt::format("unexpected argument \"{}\"", word));
            }
            arguments.positionals_.push_back(word);
            continue;
        }
        if (word == "--") {
            options_ended = true;
            continue;
        }
        if (word == "--help" || word == "-h") {
            arguments.help_ = true;
            return arguments;
        }
        const std::size_t equals = word.find('=');
        const std::string name = word.substr(0, equals);
        const auto option = std::ranges::find(spec.options, name, &Option::name);
        if (option == spec.options.end()) return unknown_option(spec, name);

        std::string value;
        if (option->value.empty()) {
            if (equals != std::string::npos) return wrong(name + " takes no value");
        } else if (equals != std::string::npos) {
            value = word.substr(equals + 1);
        } else if (i + 1 < words.size()) {
            value = words[++i];
        } else {
            return wrong(fmt::format("{} needs a value: {} {}", name, name, option->value));
        }
        if (!arguments.values_.emplace(name, std::move(value)).second) return wrong(name + " is given twice");
    }
    const std::size_t required =
        static_cast<std::size_t>(std::ranges::count(spec.positionals, true, &Positional::required));
    if (arguments.positionals_.size() < required) {
        return wrong("missing " + spec.positionals[arguments.positionals_.size()].name);
    }
    return arguments;
}

std::optional<std::string> Arguments::get(std::string_view option) const {
    const auto found = values_.find(option);
    return found == values_.end() ? std::nullopt : std::optional(found->second);
}

std::string Arguments::get_or(std::string_view option, std::string otherwise) const {
    return get(option).value_or(std::move(otherwise));
}

std::optional<std::string> Arguments::positional(std::size_t index) const {
    return index < positionals_.size() ? std::optional(positionals_[index]) : std::nullopt;
}

std::string help_text(const CommandSpec& spec) {
    std::string text = spec.summary + "\n\nusage: sluice " + spec.name;
    for (const Positional& positional : spec.positionals) {
        text += positional.required ? " " + positional.name : " [" + positional.name + "]";
    }
    text += " [options]\n\n";

    std::vector<std::pair<std::string, std::string>> rows;
    for (const Positional& positional : spec.positionals) rows.emplace_back(positional.name, positional.help);
    for (const Option& option : spec.options) {
        rows.emplace_back(option.value.empty() ? option.name : option.name + " " + option.value, option.help);
    }
    rows.emplace_back("--help", "this text");
    std::size_t width = 0;
    for (const auto& row : rows) width = std::max(width, row.first.size());
    for (const auto& [name, help] : rows) text += fmt::format("  {:<{}}  {}\n", name, width, help);
    if (!spec.details.empty()) text += "\n" + spec.details + "\n";
    return text;
}

}  // namespace sluice::gateway::cli
