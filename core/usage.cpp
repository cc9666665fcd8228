#include "core/usage.hpp"

#include <simdjson.h>

#include <algorithm>

namespace sluice::core {

namespace {

using Element = simdjson::dom::element;

constexpr std::int64_t kMostTokens = std::int64_t{1} << 40;

// Null is 0; anything that is not a sane count makes the whole usage false.
bool read_count(Element value, Tokens& out) {
    if (value.is_null()) {
        out = 0;
        return true;
    }
    std::int64_t count = 0;
    if (value.get(count) != simdjson::SUCCESS || count < 0 || count > kMostTokens) return false;
    out = count;
    return true;
}

// A detail inside an object of details; another value in the object's place is passed over.
bool read_detail(Element details, std::string_view name, Tokens& out) {
    simdjson::dom::object object;
    if (details.get(object) != simdjson::SUCCESS) return true;
    return std::ranges::all_of(object, [&](const auto& member) { return member.key != name || read_count(member.value, out); });
}

}  // namespace

// Read without a tree: there is one in every answer. Of members that share a name the last one counts.
std::optional<Usage> parse_usage(std::string_view json) {
    if (json.empty()) return std::nullopt;
    thread_local simdjson::dom::parser parser;
    simdjson::dom::object object;
    if (parser.parse(json.data(), json.size()).get(object) != simdjson::SUCCESS) return std::nullopt;
    Usage out;
    bool prompt = false;
    for (const auto [name, value] : object) {
        bool sane = true;
        if (name == "prompt_tokens") {
            sane = read_count(value, out.prompt);
            prompt = !value.is_null();
        } else if (name == "completion_tokens") {
            sane = read_count(value, out.completion);
        } else if (name == "prompt_tokens_details") {
            sane = read_detail(value, "cached_tokens", out.cached);
        } else if (name == "prompt_cache_hit_tokens") {  // DeepSeek's name for cached input
            sane = read_count(value, out.cached);
        } else if (name == "completion_tokens_details") {
            sane = read_detail(value, "reasoning_tokens", out.reasoning);
        }
        if (!sane) return std::nullopt;
    }
    if (!prompt || out.cached > out.prompt || out.reasoning > out.completion) return std::nullopt;
    return out;
}

Json to_json(const Usage& usage) {
    Json json{{"prompt_tokens", usage.prompt},
              {"completion_tokens", usage.completion},
              {"total_tokens", usage.prompt + usage.completion},
              {"prompt_tokens_details", {{"cached_tokens", usage.cached}}}};
    if (usage.reasoning > 0) json["completion_tokens_details"] = {{"reasoning_tokens", usage.reasoning}};
    return json;
}

}  // namespace sluice::core
