#include "local_engine/chat_template/chat_template.hpp"

#include "local_engine/chat_template/built_in.hpp"

#include <algorithm>

namespace sluice::local_engine {
namespace {

using core::Errc;
using core::Error;
using core::Json;
using core::Result;

constexpr std::string_view kKey = "tokenizer.chat_template";
constexpr std::size_t kEnding = 64;

std::string spelling_of(const Tokenizer& tokenizer, std::optional<TokenId> token) {
    return token ? std::string(tokenizer.spelling(*token)) : std::string();
}

// What templates do with a request is about proportional to it; the fixed part is for what they do by themselves.
jinja::Limits limits_for(std::size_t request_bytes) {
    jinja::Limits limits;
    limits.steps += 4 * static_cast<std::int64_t>(request_bytes);
    limits.output_bytes += 2 * request_bytes;
    limits.text_bytes += 2 * request_bytes;
    return limits;
}

std::size_t bytes_in(const Json& value) {
    if (value.is_string()) return value.get_ref<const std::string&>().size() + 16;
    std::size_t sum = 16;
    if (value.is_object()) {
        for (const auto& [name, part] : value.items()) sum += name.size() + bytes_in(part);
    } else if (value.is_array()) {
        for (const auto& part : value) sum += bytes_in(part);
    }
    return sum;
}

// The text cut where the writer changes.
std::vector<TextPiece> pieces_of(const jinja::Text& text) {
    std::vector<TextPiece> pieces;
    const std::string_view all = text.bytes();
    std::size_t done = 0;
    const auto add = [&](std::size_t end, SpecialTokens mode) {
        if (end > done) pieces.push_back({all.substr(done, end - done), mode});
        done = end;
    };
    for (const auto& span : text.client_spans()) {
        add(span.begin, SpecialTokens::Parse);
        add(span.end, SpecialTokens::Opaque);
    }
    add(all.size(), SpecialTokens::Parse);
    return pieces;
}

std::string ending_of(const jinja::Text& text) {
    const std::size_t client = text.client_spans().empty() ? 0 : text.client_spans().back().end;
    const std::size_t begin = std::max(client, text.size() - std::min(kEnding, text.size()));
    return text.bytes().substr(begin);
}

}  // namespace

bool is_built_in_template(std::string_view name) {
    return built_in_template(name).has_value();
}

Result<ChatTemplate> ChatTemplate::parse(std::string_view source, std::string bos, std::string eos) {
    const auto built_in = built_in_template(source);
    auto program = jinja::Template::parse(built_in.value_or(source));
    if (!program) return program.error();
    ChatTemplate made(std::move(*program), std::string(built_in.value_or(source)));
    if (built_in) made.built_in_ = source;
    made.dialect_ = Dialect::of(made.source_);
    made.bos_ = std::move(bos);
    made.eos_ = std::move(eos);
    return made;
}

Result<ChatTemplate> ChatTemplate::from(const gguf::Reader& file, const Tokenizer& tokenizer) {
    std::string_view source = file.string(kKey).value_or("");
    if (source.empty()) source = fitting_built_in(tokenizer, file.string("tokenizer.ggml.pre").value_or(""));
    if (source.empty()) {
        return Error{Errc::Unsupported,
                     "the file has no chat template, and no format of ours fits its vocabulary: it is not a model for "
                     "conversations",
                     std::string(kKey)};
    }
    auto made = parse(source, spelling_of(tokenizer, tokenizer.bos()), spelling_of(tokenizer, tokenizer.eos()));
    if (made) made->tokenizer_ = tokenizer;
    return made;
}

Result<jinja::Text> ChatTemplate::text(const Json& body, std::time_t now) const {
    auto variables = variables_of(body, dialect_);
    if (!variables) return variables.error();
    variables->emplace_back("bos_token", jinja::Value::word(bos_));
    variables->emplace_back("eos_token", jinja::Value::word(eos_));
    variables->emplace_back("spm_prefix", jinja::Value(tokenizer_ && tokenizer_->strips_first_space()));
    return program_.render(*variables, now, limits_for(bytes_in(body)));
}

Result<Prompt> ChatTemplate::render(const core::ChatRequest& request, std::string_view prefill) const {
    const bool in_words = offers_tools(request.body()) && !dialect_.tools;
    auto written = text(in_words ? with_tools_in_words(request.body()) : request.body(), std::time(nullptr));
    if (!written) return written.error();
    written->append(prefill, jinja::Origin::Template);
    Prompt prompt{tokenizer_->encode(pieces_of(*written)), ending_of(*written)};
    const bool begun = !prompt.tokens.empty() && prompt.tokens.front() == tokenizer_->bos();
    if (tokenizer_->add_bos() && !begun) prompt.tokens.insert(prompt.tokens.begin(), *tokenizer_->bos());
    return prompt;
}

}  // namespace sluice::local_engine
