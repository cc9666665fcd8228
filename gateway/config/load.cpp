#include "gateway/config/load.hpp"

#include "core/crypto.hpp"
#include "gateway/config/read_sections.hpp"
#include "gateway/config/values.hpp"
#include "gateway/config/yaml_document.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <system_error>

namespace sluice::gateway {
namespace {

core::Error problem(std::string field, std::string detail) {
    return {.code = core::Errc::InvalidRequest, .detail = std::move(detail), .field = std::move(field)};
}

LoadedConfig unreadable(core::Error error) {
    return {.config = {}, .problems = {std::move(error)}};
}

// "~/x" of the file is the home directory: the shell that would have expanded it has not seen it.
void expand_home(std::filesystem::path& path, const Environment& environment) {
    const std::string text = path.string();
    if (text != "~" && !text.starts_with("~/")) return;
    if (const auto home = environment("HOME"))
        path = std::filesystem::path(*home) / text.substr(text.size() < 2 ? 1 : 2);
}

std::filesystem::path data_directory(const Environment& environment) {
    if (const auto data = environment("XDG_DATA_HOME"); data && data->starts_with('/')) {
        return std::filesystem::path(*data) / "sluice";
    }
    if (const auto home = environment("HOME"); home && home->starts_with('/')) {
        return std::filesystem::path(*home) / ".local" / "share" / "sluice";
    }
    return "sluice-data";
}

// What a reload does not change, so that it can say so.
std::map<std::string, std::string> other_sections(const YAML::Node& root) {
    std::map<std::string, std::string> digests;
    for (const auto& entry : root) {
        const std::string name = entry.first.Scalar();
        if (name != "policies" && name != "sensitivity") digests[name] = core::to_hex(core::sha256(YAML::Dump(entry.second)));
    }
    return digests;
}

}  // namespace

std::filesystem::path default_data_directory() {
    return data_directory(process_environment());
}

LoadedConfig default_config(const Environment& environment) {
    return parse_config("", environment);
}

LoadedConfig parse_config(std::string_view yaml, const Environment& environment) {
    const auto document = parse_yaml(yaml);
    if (!document) return unreadable(document.error());

    LoadedConfig loaded;
    ReadContext context{environment};
    Section root(context, document->root, "", "");
    const bool names_providers = root.has("providers");
    read_config(root, loaded.config);
    root.finish();
    loaded.problems = std::move(context.problems);

    Config& config = loaded.config;
    if (!names_providers) {
        config.providers = built_in_providers(environment);
        config.demo_cloud = config.providers.empty();
    }
    if (config.data.empty()) config.data = data_directory(environment);
    for (std::filesystem::path* path : {&config.data, &config.engine.model, &config.catalogue, &config.server.tls_key,
                                        &config.server.tls_certificate}) {
        expand_home(*path, environment);
    }
    for (EngineSettings& model : config.engine.more) expand_home(model.model, environment);
    for (ProviderSettings& provider : config.providers) expand_home(provider.ca_file, environment);
    for (DictionaryFile& dictionary : config.dictionary_files) expand_home(dictionary.file, environment);
    config.origin.other_sections = other_sections(document->root);
    return loaded;
}

LoadedConfig load_config(const std::filesystem::path& file, const Environment& environment) {
    std::error_code wrong;
    if (!std::filesystem::is_regular_file(file, wrong))
        return unreadable(problem(file.string(), "is not a readable file"));
    std::ifstream stream(file, std::ios::binary);
    std::string bytes(kMaxConfigBytes + 1, '\0');
    stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!stream.eof() && stream.fail()) return unreadable(problem(file.string(), "cannot be read"));
    bytes.resize(static_cast<std::size_t>(stream.gcount()));
    if (!std::ifstream(file)) return unreadable(problem(file.string(), "cannot be opened"));

    LoadedConfig loaded = parse_config(bytes, environment);
    loaded.config.origin.file = file;
    for (core::Error& error : loaded.problems) {
        if (error.field.empty()) error.field = file.string();  // the document itself: "sluice.yaml: line 3, ..."
    }
    return loaded;
}

}  // namespace sluice::gateway
