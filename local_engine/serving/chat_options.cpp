#include "local_engine/serving/chat_options.hpp"

#include <charconv>
#include <cmath>

namespace sluice::local_engine {
namespace {

using core::Errc;
using core::Error;
using core::Json;
using core::Result;

// Fields of the body; the first wrong one is kept.
class Fields {
public:
    explicit Fields(const Json& body) : body_(body) {}

    const Json* find(const char* name) const {
        const auto found = body_.find(name);
        return found == body_.end() || found->is_null() ? nullptr : &*found;
    }

    float number(const char* name, float absent, double least, double most) {
        const Json* value = find(name);
        if (value == nullptr) return absent;
        const double number = value->is_number() ? value->get<double>() : std::nan("");
        if (number >= least && number <= most) return static_cast<float>(number);
        fail(name, "must be a number from " + std::to_string(least) + " to " + std::to_string(most));
        return absent;
    }

    std::optional<std::int64_t> integer(const char* name, std::int64_t least, std::int64_t most) {
        const Json* value = find(name);
        if (value == nullptr) return std::nullopt;
        if (value->is_number_integer()) {
            const bool fits =
                !value->is_number_unsigned() || value->get<std::uint64_t>() <= static_cast<std::uint64_t>(INT64_MAX);
            const std::int64_t number = fits ? value->get<std::int64_t>() : -1;
            if (fits && number >= least && number <= most) return number;
        }
        fail(name, "must be an integer from " + std::to_string(least) + " to " + std::to_string(most));
        return std::nullopt;
    }

    void refuse_if(bool wrong, const char* name, const char* detail) {
        if (wrong) fail(name, detail);
    }
    void fail(std::string name, std::string detail) {
        if (!error_) error_ = Error{Errc::InvalidRequest, std::move(detail), std::move(name)};
    }
    const std::optional<Error>& error() const { return error_; }

private:
    const Json& body_;
    std::optional<Error> error_;
};

std::vector<std::string> read_stops(const Fields& fields) {
    std::vector<std::string> stops;
    const Json* stop = fields.find("stop");
    if (stop == nullptr) return stops;
    if (stop->is_string()) stops.push_back(stop->get<std::string>());
    if (!stop->is_array()) return stops;
    for (const Json& text : *stop) {
        if (text.is_string()) stops.push_back(text.get<std::string>());  // anything else was refused with the request
    }
    return stops;
}

// {"token id": bias}, as in the OpenAI API.
std::vector<std::pair<std::int32_t, float>> read_bias(Fields& fields, std::int64_t vocabulary) {
    std::vector<std::pair<std::int32_t, float>> biases;
    const Json* map = fields.find("logit_bias");
    if (map == nullptr) return biases;
    if (!map->is_object()) {
        fields.fail("logit_bias", "must be an object of token ids and numbers");
        return biases;
    }
    for (const auto& [key, value] : map->items()) {
        std::int32_t token = -1;
        const auto [end, wrong] = std::from_chars(key.data(), key.data() + key.size(), token);
        const bool known = wrong == std::errc{} && end == key.data() + key.size() && token >= 0 && token < vocabulary;
        const double bias = value.is_number() ? value.get<double>() : std::nan("");
        if (!known || !(std::fabs(bias) <= 100.0))
            fields.fail("logit_bias", "must map token ids to numbers from -100 to 100");
        else biases.emplace_back(token, static_cast<float>(bias));
    }
    return biases;
}

void refuse_what_we_cannot_do(Fields& fields) {
    const Json* logprobs = fields.find("logprobs");
    fields.refuse_if(logprobs != nullptr && *logprobs != false, "logprobs",
                     "the local engine does not report log-probabilities");
    const Json* format = fields.find("response_format");
    const bool text = format == nullptr || (format->is_object() && format->value("type", Json()) == "text");
    fields.refuse_if(!text, "response_format", "the local engine writes plain text only");
}

}  // namespace

Result<ChatOptions> read_chat_options(const core::ChatRequest& request, std::int64_t vocabulary) {
    Fields fields(request.body());
    ChatOptions options;
    SamplingOptions& sampling = options.sampling;
    sampling.temperature = fields.number("temperature", 1.0F, 0.0, 2.0);
    sampling.top_p = fields.number("top_p", 1.0F, 0.0, 1.0);
    sampling.min_p = fields.number("min_p", 0.0F, 0.0, 1.0);
    sampling.presence_penalty = fields.number("presence_penalty", 0.0F, -2.0, 2.0);
    sampling.frequency_penalty = fields.number("frequency_penalty", 0.0F, -2.0, 2.0);
    sampling.repetition_penalty = fields.number("repetition_penalty", 1.0F, 0.1, 10.0);
    const std::int64_t top_k = fields.integer("top_k", -1, INT32_MAX).value_or(0);  // -1 is another way to say all
    sampling.top_k = static_cast<std::int32_t>(std::max<std::int64_t>(top_k, 0));
    if (const auto seed = fields.integer("seed", INT64_MIN, INT64_MAX))
        options.seed = static_cast<std::uint64_t>(*seed);
    options.stops = read_stops(fields);
    sampling.logit_bias = read_bias(fields, vocabulary);
    refuse_what_we_cannot_do(fields);
    if (fields.error()) return *fields.error();
    return options;
}

}  // namespace sluice::local_engine
