#include "providers/request_body.hpp"

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

class ObjectWriter {
public:
    void member(std::string_view name, const std::string& json) {
        text_ += text_.empty() ? '{' : ',';
        text_ += core::dump_json(Json(name));
        text_ += ':';
        text_ += json;
    }
    std::string finish() {
        if (text_.empty()) text_ += '{';
        text_ += '}';
        return std::move(text_);
    }

private:
    std::string text_;
};

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
    std::array<Override, 3> overrides{
        Override{"model", core::dump_json(Json(options.model))},
        Override{limit_name(body, limit), std::to_string(options.max_tokens), embeds},
        Override{"stream_options", stream ? core::dump_json(stream_options(body)) : std::string{}, !stream}};

    ObjectWriter out;
    for (const auto& [name, value] : body.items()) {
        bool ours = name == kMaxTokens || name == kMaxCompletionTokens || name == "stream_options";
        for (auto& one : overrides) {
            if (one.name != name) continue;
            ours = true;
            if (!one.written) out.member(name, one.json);
            one.written = true;
        }
        if (!ours) out.member(name, core::dump_json(value));
    }
    for (const auto& one : overrides)
        if (!one.written) out.member(one.name, one.json);
    return out.finish();
}

}  // namespace sluice::providers
