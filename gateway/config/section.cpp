#include "gateway/config/section.hpp"

#include "gateway/config/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace sluice::gateway {
namespace {

constexpr std::size_t kLongestQuote = 60;

std::string joined(const std::string& path, std::string_view key) {
    return path.empty() ? std::string(key) : path + "." + std::string(key);
}

// A value of the file in a message: bounded, one line.
std::string in_quotes(std::string_view text) {
    std::string shown(text.substr(0, kLongestQuote));
    std::ranges::replace_if(
        shown, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
    return '"' + shown + (text.size() > kLongestQuote ? "…\"" : "\"");
}

std::string as_text(std::chrono::milliseconds span) {
    return span.count() % 1000 == 0 ? fmt::format("{}s", span.count() / 1000) : fmt::format("{}ms", span.count());
}

}  // namespace

void ReadContext::problem(std::string path, std::string detail) {
    problems.push_back({.code = core::Errc::InvalidRequest, .detail = std::move(detail), .field = std::move(path)});
}

Section::Section(ReadContext& context, YAML::Node node, std::string path, std::string pattern)
    : context_(context), node_(std::move(node)), path_(std::move(path)), pattern_(std::move(pattern)) {}

std::string Section::path_of(std::string_view key) const {
    return joined(path_, key);
}

YAML::Node Section::child(std::string_view key) {
    asked_.emplace(key);
    context_.known_keys.insert(joined(pattern_, key));
    if (!node_.IsMap()) return YAML::Node(YAML::NodeType::Undefined);
    return std::as_const(node_)[std::string(key)];
}

bool Section::has(std::string_view key) const {
    return node_.IsMap() && std::as_const(node_)[std::string(key)].IsDefined();
}

void Section::problem(std::string_view key, std::string detail) {
    context_.problem(path_of(key), std::move(detail));
}

std::string Section::line_of(std::string_view key) const {
    const YAML::Mark mark = has(key) ? std::as_const(node_)[std::string(key)].Mark() : node_.Mark();
    return mark.is_null() || mark.line < 0 ? std::string{} : fmt::format("line {}: ", mark.line + 1);
}

void Section::not_a(std::string_view key, std::string_view what) {
    const YAML::Node node = std::as_const(node_)[std::string(key)];
    problem(key, fmt::format("{} is not {}", in_quotes(node.IsScalar() ? node.Scalar() : ""), what));
}

std::optional<std::string> Section::expanded(std::string_view key) {
    const YAML::Node node = child(key);
    if (!node.IsDefined()) return std::nullopt;
    if (!node.IsScalar()) {
        problem(key, node.IsNull() ? "has no value" : "must be one value, not a list or a map");
        return std::nullopt;
    }
    auto value = expand_environment(node.Scalar(), context_.environment);
    if (!value) {
        problem(key, value.error().detail);
        return std::nullopt;
    }
    return std::move(*value);
}

void Section::text(std::string_view key, std::string& out) {
    if (auto value = expanded(key)) out = std::move(*value);
}

void Section::path(std::string_view key, std::filesystem::path& out) {
    if (auto value = expanded(key)) out = std::move(*value);
}

void Section::secret(std::string_view key, core::Secret& out) {
    if (auto value = expanded(key)) out = core::Secret(std::move(*value));
}

void Section::flag(std::string_view key, bool& out) {
    choice(key, out, "true or false", parse_flag);
}

void Section::price(std::string_view key, core::Price& out) {
    std::optional<core::Price> value;
    price(key, value);
    if (value) out = *value;
}

void Section::price(std::string_view key, std::optional<core::Price>& out) {
    const auto value = expanded(key);
    if (!value) return;
    if (const auto parsed = core::parse_price(*value)) {
        out = *parsed;
    } else {
        not_a(key, "a price in USD per million tokens, such as 0.14");
    }
}

void Section::listen_address(std::string_view key, HostPort& out) {
    choice(key, out, "HOST:PORT with a numeric address, such as 127.0.0.1:8080", parse_listen_address);
}

void Section::texts(std::string_view key, std::vector<std::string>& out) {
    const YAML::Node node = child(key);
    if (!node.IsDefined()) return;
    if (!node.IsSequence()) return problem(key, "must be a list");
    out.clear();
    for (std::size_t i = 0; i < node.size(); ++i) {
        const YAML::Node item = node[i];
        const std::string path = fmt::format("{}[{}]", path_of(key), i);
        if (!item.IsScalar()) {
            context_.problem(path, "must be a text");
        } else if (auto value = expand_environment(item.Scalar(), context_.environment)) {
            out.push_back(std::move(*value));
        } else {
            context_.problem(path, value.error().detail);
        }
    }
}

void Section::number(std::string_view key, double& out, double lowest, double highest) {
    const auto value = expanded(key);
    if (!value) return;
    double parsed = 0;
    const auto [end, wrong] = std::from_chars(value->data(), value->data() + value->size(), parsed);
    const bool whole = wrong == std::errc{} && end == value->data() + value->size();
    if (!whole || !(parsed >= lowest && parsed <= highest)) {
        return not_a(key, fmt::format("a number between {} and {}", lowest, highest));
    }
    out = parsed;
}

void Section::bytes(std::string_view key, std::size_t& out, std::size_t lowest, std::size_t highest) {
    const auto value = expanded(key);
    if (!value) return;
    const auto parsed = parse_bytes(*value);
    if (!parsed) return not_a(key, "a size such as 64MiB");
    if (*parsed < lowest || *parsed > highest) {
        return not_a(key, fmt::format("between {} and {} bytes", lowest, highest));
    }
    out = *parsed;
}

std::optional<std::int64_t> Section::bounded(std::string_view key, std::int64_t lowest, std::int64_t highest) {
    const auto value = expanded(key);
    if (!value) return std::nullopt;
    const auto parsed = parse_integer(*value);
    if (parsed && *parsed >= lowest && *parsed <= highest) return parsed;
    not_a(key, fmt::format("a whole number between {} and {}", lowest, highest));
    return std::nullopt;
}

std::optional<std::chrono::milliseconds> Section::span(std::string_view key, std::chrono::milliseconds lowest,
                                                       std::chrono::milliseconds highest,
                                                       std::chrono::milliseconds unit) {
    const auto value = expanded(key);
    if (!value) return std::nullopt;
    const auto parsed = parse_duration(*value);
    if (!parsed) {
        not_a(key, "a duration such as 30s");
    } else if (*parsed < lowest || *parsed > highest) {
        not_a(key, fmt::format("between {} and {}", as_text(lowest), as_text(highest)));
    } else if (*parsed % unit != std::chrono::milliseconds::zero()) {
        not_a(key, "a whole number of seconds");
    } else {
        return parsed;
    }
    return std::nullopt;
}

bool Section::is_map(const YAML::Node& node, const std::string& path) {
    if (!node.IsDefined() || node.IsNull()) return false;
    if (!node.IsMap()) context_.problem(path, "must be a map of keys and values");
    return node.IsMap();
}

bool Section::section(std::string_view key, const std::function<void(Section&)>& read) {
    const YAML::Node node = child(key);
    const bool there = is_map(node, path_of(key));
    Section nested(context_, there ? node : YAML::Node(YAML::NodeType::Map), path_of(key), joined(pattern_, key));
    read(nested);
    nested.finish();
    return there;
}

void Section::list(std::string_view key, const std::function<void(Section&)>& read) {
    const YAML::Node node = child(key);
    if (!node.IsDefined() || node.IsNull()) return;
    if (!node.IsSequence()) return problem(key, "must be a list");
    for (std::size_t i = 0; i < node.size(); ++i) {
        const std::string path = fmt::format("{}[{}]", path_of(key), i);
        const YAML::Node item = node[i];
        if (!item.IsMap()) {
            context_.problem(path, "must be a map of keys and values");
            continue;
        }
        Section nested(context_, item, path, joined(pattern_, key) + "[]");
        read(nested);
        nested.finish();
    }
}

void Section::named(std::string_view key, const std::function<void(const std::string& name, Section&)>& read) {
    const YAML::Node node = child(key);
    if (!is_map(node, path_of(key))) return;
    for (const auto& entry : node) {
        const std::string name = entry.first.Scalar();
        const std::string path = joined(path_of(key), name);
        const bool there = is_map(entry.second, path);
        Section nested(context_, there ? entry.second : YAML::Node(YAML::NodeType::Map), path,
                       joined(pattern_, key) + ".*");
        read(name, nested);
        nested.finish();
    }
}

void Section::values(
    std::string_view key,
    const std::function<std::optional<std::string>(const std::string& name, const std::string& value)>& read) {
    const YAML::Node node = child(key);
    if (!is_map(node, path_of(key))) return;
    context_.known_keys.insert(joined(pattern_, key) + ".*");
    for (const auto& entry : node) {
        const std::string name = entry.first.Scalar();
        const std::string path = joined(path_of(key), name);
        if (!entry.second.IsScalar()) {
            context_.problem(path, "must be one value");
            continue;
        }
        const auto value = expand_environment(entry.second.Scalar(), context_.environment);
        if (!value) {
            context_.problem(path, value.error().detail);
        } else if (const auto wrong = read(name, *value)) {
            context_.problem(path, in_quotes(entry.second.Scalar()) + " is not " + *wrong);
        }
    }
}

void Section::finish() {
    if (!node_.IsMap()) return;
    for (const auto& entry : node_) {
        const std::string key = entry.first.Scalar();
        if (asked_.contains(key)) continue;
        const std::vector<std::string> known(asked_.begin(), asked_.end());
        const auto near = nearest(key, known);
        context_.problem(path_of(in_quotes(key).substr(1, in_quotes(key).size() - 2)),
                         near ? "unknown key; did you mean " + *near + "?" : "unknown key");
    }
}

}  // namespace sluice::gateway
