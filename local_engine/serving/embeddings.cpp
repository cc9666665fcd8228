#include "local_engine/serving/embeddings.hpp"

#include "core/json.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

namespace sluice::local_engine {
namespace {

using core::Errc;
using core::Error;
using core::Json;
using core::Result;

constexpr std::size_t kAtOnce = 16;  // texts of one request in the engine: others get their turn too
constexpr std::uint64_t kMeanPooling = 1;  // of the pooling_type key

struct Wanted {
    std::vector<std::vector<TokenId>> texts;
    std::size_t dimensions = 0;
    bool base64 = false;
    core::Tokens tokens = 0;
};

std::vector<TokenId> tokens_of(const Tokenizer& tokenizer, const EmbeddingStyle& style, const std::string& text) {
    std::vector<TokenId> tokens = tokenizer.encode(text, SpecialTokens::Plain);
    if (style.first) tokens.insert(tokens.begin(), *style.first);
    if (style.last) tokens.push_back(*style.last);
    return tokens;
}

Result<Wanted> read(const Tokenizer& tokenizer, const EmbeddingStyle& style, const core::ChatRequest& request) {
    const Json& body = request.body();
    const Json& input = body.at("input");
    Wanted wanted{.dimensions = static_cast<std::size_t>(style.width), .base64 = body.value("encoding_format", Json()) == "base64"};
    if (const auto given = body.find("dimensions"); given != body.end() && !given->is_null()) {
        if (given->get<std::int64_t>() > style.width)
            return Error{Errc::InvalidRequest, "must be at most " + std::to_string(style.width) + " for this model", "dimensions"};
        wanted.dimensions = given->get<std::size_t>();
    }
    const std::size_t count = input.is_array() ? input.size() : 1;
    for (std::size_t i = 0; i < count; ++i) {
        const Json& text = input.is_array() ? input[i] : input;
        auto tokens = tokens_of(tokenizer, style, text.get_ref<const std::string&>());
        if (std::ssize(tokens) > style.context) {
            return Error{Errc::InvalidRequest,
                         "has " + std::to_string(tokens.size()) + " tokens, but the context of the model is " +
                             std::to_string(style.context) + " tokens",
                         input.is_array() ? "input[" + std::to_string(i) + "]" : "input"};
        }
        wanted.tokens += std::ssize(tokens);
        wanted.texts.push_back(std::move(tokens));
    }
    return wanted;
}

// Shorter vectors are the beginning of long ones, made length one again (Kusupati et al. 2022).
void shorten(std::vector<float>& vector, std::size_t dimensions) {
    if (dimensions >= vector.size()) return;
    vector.resize(dimensions);
    double square = 0.0;
    for (const float value : vector) square += static_cast<double>(value) * static_cast<double>(value);
    if (square <= 0.0) return;
    for (float& value : vector) value = static_cast<float>(static_cast<double>(value) / std::sqrt(square));
}

std::string base64_of(std::string_view bytes) {
    constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const auto byte = [&](std::size_t at) { return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0U; };
        const std::uint32_t three = byte(i) << 16U | byte(i + 1) << 8U | byte(i + 2);
        for (const std::size_t letter : {0U, 1U, 2U, 3U}) {
            text += letter <= std::min<std::size_t>(3, bytes.size() - i) ? kLetters[three >> (18 - 6 * letter) & 63U] : '=';
        }
    }
    return text;
}

std::string vector_json(const std::vector<float>& vector, bool base64) {
    if (base64) {  // little-endian floats
        std::string bytes(vector.size() * sizeof(float), '\0');
        std::memcpy(bytes.data(), vector.data(), bytes.size());
        return '"' + base64_of(bytes) + '"';
    }
    Json list = Json::array();
    for (const float value : vector) list.push_back(value);
    return core::dump_json(list);
}

std::string body_of(const std::vector<std::vector<float>>& vectors, const Wanted& wanted, std::string_view model) {
    std::string out = R"({"object":"list","data":[)";
    for (std::size_t i = 0; i < vectors.size(); ++i) {
        out += (i > 0 ? R"(,{"object":"embedding","index":)" : R"({"object":"embedding","index":)") + std::to_string(i) +
               R"(,"embedding":)" + vector_json(vectors[i], wanted.base64) + "}";
    }
    const std::string tokens = std::to_string(wanted.tokens);
    return out + R"(],"model":)" + core::dump_json(Json(model)) + R"(,"usage":{"prompt_tokens":)" + tokens +
           R"(,"total_tokens":)" + tokens + "}}";
}

// Tells the engine thread when the request goes.
struct Leaving {
    EngineLoop& loop;
    std::optional<Listener> listener;
    ~Leaving() {
        listener.reset();
        loop.look_for_abandoned();
    }
};

Job job_of(const Wanted& wanted, std::size_t index, const EmbeddingStyle& style, std::string_view tenant,
           const std::shared_ptr<Mailbox>& mailbox) {
    Job job{.sequence = {.prompt = wanted.texts[index], .tenant = std::string(tenant), .wants = Wants::Hidden},
            .sampling = {},
            .stops = {},
            .mailbox = mailbox};
    job.choice = index;
    job.pooling = style.pooling;
    return job;
}

}  // namespace

EmbeddingStyle EmbeddingStyle::of(const gguf::Reader& file, const Tokenizer& tokenizer, std::int64_t context, std::int64_t width) {
    EmbeddingStyle style{.context = context, .width = width};
    const std::string architecture(file.string("general.architecture").value_or(""));
    if (file.integer(architecture + ".pooling_type").value_or(0) == static_cast<std::int64_t>(kMeanPooling)) style.pooling = Pooling::Mean;
    if (tokenizer.add_bos()) style.first = tokenizer.bos();
    if (file.boolean("tokenizer.ggml.add_eos_token").value_or(false)) style.last = tokenizer.eos();
    return style;
}

core::awaitable<core::ServeOutcome> serve_embeddings(EngineLoop& loop, const Tokenizer& tokenizer, const EmbeddingStyle& style,
                                                     const core::ChatRequest& request, const core::ServeOptions& options,
                                                     core::ReplySink& reply) {
    core::ServeOutcome outcome;
    const auto wanted = read(tokenizer, style, request);
    if (!wanted) {
        outcome.result = wanted.error();
        co_return outcome;
    }
    const std::size_t count = wanted->texts.size();
    const auto mailbox = std::make_shared<Mailbox>(count);
    Leaving leaving{loop, std::nullopt};
    leaving.listener.emplace(mailbox, co_await core::net::this_coro::executor);
    std::vector<std::vector<float>> vectors(count);
    std::size_t sent = 0;
    std::size_t done = 0;
    outcome.usage_known = true;
    while (outcome.result && done < count) {
        for (; sent < count && sent - done < kAtOnce && outcome.result; ++sent) {
            std::vector<Job> jobs{job_of(*wanted, sent, style, options.tenant, mailbox)};
            outcome.result = loop.submit(std::move(jobs));
            if (!outcome.result && sent > done) {  // the queue is full: those in it come first
                outcome.result = Result<void>{};
                break;
            }
            outcome.retry_may_help = !outcome.result;
            outcome.reached = outcome.reached || outcome.result.has_value();
        }
        if (!outcome.result) break;
        News news = co_await leaving.listener->next(options.deadline.at());
        const auto state = co_await core::net::this_coro::cancellation_state;
        for (std::size_t i = 0; i < count; ++i) {
            if (news.choices[i].finish_reason.empty()) continue;
            vectors[i] = std::move(news.choices[i].vector);
            shorten(vectors[i], wanted->dimensions);
            outcome.usage.prompt += std::ssize(wanted->texts[i]);
            ++done;
        }
        if (state.cancelled() != core::net::cancellation_type::none || reply.client_gone())
            outcome.result = Error{Errc::Cancelled, "the client has gone"};
        else if (news.error) {
            outcome.result = *news.error;
            outcome.retry_may_help = news.error->code == core::Errc::Unavailable;  // no byte has left yet
        }
        else if (options.deadline.passed() && done < count)
            outcome.result = Error{Errc::Timeout, "the local engine did not finish in time"};
    }
    outcome.answered = done == count;
    if (outcome.result) outcome.result = co_await reply.body(body_of(vectors, *wanted, options.model));
    co_return outcome;
}

}  // namespace sluice::local_engine
