#include "providers/request_body.hpp"

#include "core/json_writer.hpp"

#include <array>
#include <string_view>

namespace sluice::providers {

namespace {

using core::Json;

constexpr std::string_view kMaxTokens = "max_tokens";
constexpr std::string_view kMaxCompletionTokens = "max_completion_tokens";

std::string_view limit_name(const Json& body, TokenLimitField limit) {
    if (limit == TokenLimitField::MaxTokens) return kMaxTokens;
    if (limit == TokenLimitField::MaxCompletionTokens) return kMaxCompletionTokens;
    const auto newer = body.find(kMaxCompletionTokens);
    return newer != body.end() && !newer->is_null() ? kMaxCompletionTokens : kMaxTokens;
}

Json stream_options(const Json& body) {
    Json options = Json::object();
    if (const auto it = body.find("stream_options"); it != body.end() && it->is_object()) options = *it;
    options["include_usage"] = true;
    return options;
}

// A member that Sluice sets: in the place of the client's, else at the end.
struct Override {
    std::string_view name;
    std::string json;
    bool written = false;
};

}  // namespace

std::string request_body(const core::ChatRequest& request, const core::ServeOptions& options, TokenLimitField limit) {
    const Json& body = request.body();
    const bool stream = request.stream();
    const bool embeds = request.operation() == core::Operation::Embeddings;  // answers nothing that could be limited
    std::string model;
    core::append_json_string(model, options.model);
    std::array<Override, 3> overrides{
        Override{"model", std::move(model)},
        Override{limit_name(body, limit), std::to_string(options.max_tokens), embeds},
        Override{"stream_options", stream ? core::dump_json(stream_options(body)) : std::string{}, !stream}};

    core::JsonWriter out{static_cast<std::size_t>(request.prompt_tokens_bound()) + 256};  // one byte a token at least
    out.begin_object();
    for (auto member = body.begin(); member != body.end(); ++member) {
        const std::string& name = member.key();
        bool ours = name == kMaxTokens || name == kMaxCompletionTokens || name == "stream_options";
        for (auto& one : overrides) {
            if (one.name != name) continue;
            ours = true;
            if (!one.written) out.key(name).raw(one.json);
            one.written = true;
        }
        if (!ours) out.member(name, member.value());
    }
    for (const auto& one : overrides)
        if (!one.written) out.key(one.name).raw(one.json);
    return out.end_object().take();
}

}  // namespace sluice::providers
