#include "core/usage.hpp"

namespace sluice::core {

namespace {

constexpr Tokens kMostTokens = Tokens{1} << 40;

// Absent or null is 0; anything that is not a sane count makes the whole usage false.
bool read_count(const Json& object, const char* name, Tokens& out) {
    const auto it = object.find(name);
    if (it == object.end() || it->is_null()) return true;
    if (!it->is_number_integer()) return false;
    if (it->is_number_unsigned() && it->get<std::uint64_t>() > static_cast<std::uint64_t>(kMostTokens)) return false;
    out = it->get<Tokens>();
    return out >= 0 && out <= kMostTokens;
}

bool read_nested(const Json& object, const char* outer, const char* name, Tokens& out) {
    const auto it = object.find(outer);
    return it == object.end() || !it->is_object() || read_count(*it, name, out);
}

}  // namespace

std::optional<Usage> parse_usage(const Json& usage) {
    if (!usage.is_object() || !usage.contains("prompt_tokens") || usage["prompt_tokens"].is_null()) return std::nullopt;
    Usage out;
    const bool sane = read_count(usage, "prompt_tokens", out.prompt) && read_count(usage, "completion_tokens", out.completion) &&
                      read_nested(usage, "prompt_tokens_details", "cached_tokens", out.cached) &&
                      read_nested(usage, "completion_tokens_details", "reasoning_tokens", out.reasoning) &&
                      read_count(usage, "prompt_cache_hit_tokens", out.cached);  // DeepSeek's name for cached input
    if (!sane || out.cached > out.prompt || out.reasoning > out.completion) return std::nullopt;
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
