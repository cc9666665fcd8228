// YAML -> Catalogue. The file is checked key by key: what is not understood is refused, not ignored.
#include "policies/catalogue.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <initializer_list>
#include <set>

namespace sluice::policies {

namespace {

constexpr std::size_t kMostBytes = 1U << 20U;
constexpr std::size_t kMostModels = 2000;

// Thrown inside this file only; becomes a core::Error at the border.
struct Refusal {
    std::string path;
    std::string detail;
};

// Aliases and anchors can make a small file huge, and deep nesting can exhaust the parser's stack: neither has a use
// here. Looks at bytes, not at YAML, so quoted text is held to the same rules.
void check_line(std::string_view line) {
    if (line.size() > 4096) throw Refusal{"", "a line is longer than 4096 bytes"};
    // Each "- " or "? " in front of a line opens a level; so does each column of indentation, at most.
    if (std::min(line.find_first_not_of(" -?"), line.size()) > 64) throw Refusal{"", "nested too deeply"};
    for (std::size_t i = 0; i + 1 < line.size(); ++i) {
        const bool at_value = i == 0 || std::string_view{" -,[{:"}.find(line[i - 1]) != std::string_view::npos;
        if ((line[i] == '&' || line[i] == '*') && at_value && line[i + 1] != ' ')
            throw Refusal{"", "anchors and aliases are not allowed"};
    }
}

void check_shape(std::string_view text) {
    if (text.size() > kMostBytes) throw Refusal{"", "the catalogue is larger than 1 MiB"};
    std::size_t depth = 0;
    for (const char c : text) {
        if ((c == '[' || c == '{') && ++depth > 16) throw Refusal{"", "nested too deeply"};
        if ((c == ']' || c == '}') && depth > 0) --depth;
    }
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find_first_of("\r\n", at), text.size());
        check_line(text.substr(at, end - at));
        at = end + 1;
    }
}

class Fields {
public:
    Fields(const YAML::Node& node, std::string path, std::initializer_list<std::string_view> known)
        : node_(node), path_(std::move(path)) {
        if (!node.IsMap()) throw Refusal{path_, "must be a mapping"};
        std::set<std::string> seen;
        for (const auto& member : node) {
            if (!member.first.IsScalar()) throw Refusal{path_, "has a key that is not a word"};
            const auto& key = member.first.Scalar();
            if (std::ranges::find(known, key) == known.end()) throw Refusal{at(key), "is not a known key"};
            if (!seen.insert(key).second) throw Refusal{at(key), "is there twice"};
        }
    }

    std::string at(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }
    YAML::Node child(const std::string& key) const { return node_[key]; }

    std::string text(const std::string& key, bool required = true) const {
        const auto value = node_[key];
        if (!value && !required) return {};
        if (!value || !value.IsScalar() || value.Scalar().empty() || value.Scalar().size() > 256)
            throw Refusal{at(key), "must be a text of 1 to 256 bytes"};
        return value.Scalar();
    }

    core::Price price(const std::string& key) const {
        const auto parsed = core::parse_price(text(key));
        if (!parsed) throw Refusal{at(key), parsed.error().detail};
        return *parsed;
    }
    bool has(const std::string& key) const { return static_cast<bool>(node_[key]); }

    core::Tokens tokens(const std::string& key) const {
        if (!has(key)) return 0;
        const auto value = text(key);
        if (value.size() > 9 || value.find_first_not_of("0123456789") != std::string::npos)
            throw Refusal{at(key), "must be a number of tokens below 1000000000"};
        return std::stoll(value);
    }

    bool flag(const std::string& key, bool fallback) const {
        if (!has(key)) return fallback;
        const auto value = text(key);
        if (value != "true" && value != "false") throw Refusal{at(key), "must be true or false"};
        return value == "true";
    }

private:
    YAML::Node node_;
    std::string path_;
};

ModelEntry read_entry(const YAML::Node& node, const std::string& path) {
    const Fields fields{node,
                        path,
                        {"provider", "model", "aliases", "price", "context", "max_output", "tools", "images",
                         "json_schema", "licence", "source", "as_of"}};
    ModelEntry entry;
    entry.provider = fields.text("provider");
    entry.model = fields.text("model");
    entry.name = entry.provider + "/" + entry.model;
    entry.source = fields.text("source");
    entry.as_of = fields.text("as_of");
    entry.licence = fields.text("licence", false);
    entry.context = fields.tokens("context");
    entry.max_output = fields.tokens("max_output");
    entry.tools = fields.flag("tools", true);
    entry.images = fields.flag("images", false);
    entry.json_schema = fields.flag("json_schema", false);
    if (const auto aliases = fields.child("aliases")) {
        if (!aliases.IsSequence() || aliases.size() > 32)
            throw Refusal{fields.at("aliases"), "must be a list of at most 32 names"};
        for (const auto& alias : aliases) {
            if (!alias.IsScalar()) throw Refusal{fields.at("aliases"), "must be a list of names"};
            entry.aliases.push_back(alias.Scalar());
        }
    }
    if (!fields.has("price")) throw Refusal{fields.at("price"), "is required"};
    const Fields price{fields.child("price"), fields.at("price"), {"input", "cached_input", "output", "reasoning"}};
    entry.input = price.price("input");
    entry.cached_input = price.has("cached_input") ? price.price("cached_input") : entry.input;
    entry.output = price.price("output");
    if (price.has("reasoning")) entry.reasoning = price.price("reasoning");
    return entry;
}

std::vector<ModelEntry> read_catalogue(std::string_view text) {
    check_shape(text);
    const YAML::Node root = YAML::Load(std::string{text});
    const Fields fields{root, "", {"models"}};
    const auto models = fields.child("models");
    if (!models || !models.IsSequence() || models.size() > kMostModels)
        throw Refusal{"models", "must be a list of at most 2000 models"};
    std::vector<ModelEntry> entries;
    std::set<std::string> names;
    for (std::size_t i = 0; i < models.size(); ++i) {
        const std::string path = "models[" + std::to_string(i) + "]";
        entries.push_back(read_entry(models[i], path));
        const auto& entry = entries.back();
        if (!names.insert(entry.name).second) throw Refusal{path, entry.name + " is listed twice"};
        for (const auto& alias : entry.aliases)
            if (!names.insert(alias).second) throw Refusal{path + ".aliases", alias + " is listed twice"};
    }
    return entries;
}

}  // namespace

core::Result<Catalogue> Catalogue::from_yaml(std::string_view text) {
    try {
        Catalogue catalogue;
        catalogue.entries_ = read_catalogue(text);
        return catalogue;
    } catch (const Refusal& refusal) {
        return core::Error{core::Errc::InvalidRequest, refusal.detail, refusal.path};
    } catch (const YAML::Exception& error) {
        return core::Error{core::Errc::InvalidRequest, "not valid YAML at line " + std::to_string(error.mark.line + 1)};
    }
}

}  // namespace sluice::policies
