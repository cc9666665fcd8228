#include "local_engine/serving/chat_options.hpp"

#include "local_engine/serving/limits.hpp"

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

    float number(const limits::Range& range, float absent) {
        const Json* value = find(range.field);
        if (value == nullptr) return absent;
        const double number = value->is_number() ? value->get<double>() : std::nan("");
        if (number >= range.least && number <= range.most) return static_cast<float>(number);
        const auto text = [](double bound) { return core::dump_json(Json(bound)); };
        fail(range.field, "must be a number from " + text(range.least) + " to " + text(range.most));
        return absent;
    }

    bool flag(const char* name) {
        const Json* value = find(name);
        if (value == nullptr) return false;
        if (!value->is_boolean()) fail(name, "must be true or false");
        return value->is_boolean() && value->get<bool>();
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

std::vector<std::string> read_stops(Fields& fields) {
    std::vector<std::string> stops;
    const auto add = [&](const Json& text) {
        if (!text.is_string()) return;  // refused with the request
        if (text.get_ref<const std::string&>().size() > limits::kMostStopBytes)
            return fields.fail("stop", "must be at most " + std::to_string(limits::kMostStopBytes) + " bytes each");
        stops.push_back(text.get<std::string>());
    };
    const Json* stop = fields.find("stop");
    if (stop == nullptr) return stops;
    if (!stop->is_array()) add(*stop);
    else for (const Json& text : *stop) add(text);
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
    if (map->size() > limits::kMostBiases) {
        fields.fail("logit_bias", "must name at most " + std::to_string(limits::kMostBiases) + " tokens");
        return biases;
    }
    for (const auto& [key, value] : map->items()) {
        std::int32_t token = -1;
        const auto [end, wrong] = std::from_chars(key.data(), key.data() + key.size(), token);
        const bool known = wrong == std::errc{} && end == key.data() + key.size() && token >= 0 && token < vocabulary;
        const double bias = value.is_number() ? value.get<double>() : std::nan("");
        if (!known || !(std::fabs(bias) <= limits::kMostBias))
            fields.fail("logit_bias", "must map token ids to numbers from -100 to 100");
        else biases.emplace_back(token, static_cast<float>(bias));
    }
    return biases;
}

// `priority`, else what OpenAI's service_tier comes to.
int read_priority(Fields& fields) {
    if (const auto priority = fields.integer("priority", -limits::kMostPriority, limits::kMostPriority)) return static_cast<int>(*priority);
    const Json* tier = fields.find("service_tier");
    if (tier == nullptr) return 0;
    return *tier == "flex" ? 1 : *tier == "priority" ? -1 : 0;
}

std::optional<int> read_logprobs(Fields& fields) {
    const bool wanted = fields.flag("logprobs");
    const auto top = fields.integer("top_logprobs", 0, limits::kMostTopLogprobs);
    fields.refuse_if(top && !wanted, "top_logprobs", "needs logprobs to be true");
    if (!wanted) return std::nullopt;
    return static_cast<int>(top.value_or(0));
}

}  // namespace

Result<ChatOptions> read_chat_options(const core::ChatRequest& request, std::int64_t vocabulary) {
    Fields fields(request.body());
    ChatOptions options;
    SamplingOptions& sampling = options.sampling;
    sampling.temperature = fields.number(limits::kTemperature, 1.0F);
    sampling.top_p = fields.number(limits::kTopP, 1.0F);
    sampling.min_p = fields.number(limits::kMinP, 0.0F);
    sampling.typical_p = fields.number(limits::kTypicalP, 1.0F);
    sampling.presence_penalty = fields.number(limits::kPresence, 0.0F);
    sampling.frequency_penalty = fields.number(limits::kFrequency, 0.0F);
    sampling.repetition_penalty = fields.number(limits::kRepetition, 1.0F);
    const std::int64_t top_k = fields.integer("top_k", -1, INT32_MAX).value_or(0);  // -1 is another way to say all
    sampling.top_k = static_cast<std::int32_t>(std::max<std::int64_t>(top_k, 0));
    if (const auto seed = fields.integer("seed", INT64_MIN, INT64_MAX))
        options.seed = static_cast<std::uint64_t>(*seed);
    options.stops = read_stops(fields);
    sampling.logit_bias = read_bias(fields, vocabulary);
    options.top_logprobs = read_logprobs(fields);
    options.priority = read_priority(fields);
    options.ignore_eos = fields.flag("ignore_eos");
    if (fields.error()) return *fields.error();
    return options;
}

}  // namespace sluice::local_engine
