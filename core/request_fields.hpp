// The members of a request's object that Sluice has rules for, found in one pass over what is there: asking the object
// for each name would compare each of thirty names with each of its members.
#pragma once

#include "core/json.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace sluice::core {

inline constexpr std::array<std::string_view, 31> kRequestFields{
    "best_of", "dimensions", "encoding_format", "frequency_penalty", "input", "logit_bias", "logprobs",
    "max_completion_tokens", "max_tokens", "messages", "metadata", "model", "n", "parallel_tool_calls",
    "presence_penalty", "prompt_cache_key", "reasoning_effort", "response_format", "safety_identifier", "seed",
    "service_tier", "stop", "store", "stream", "stream_options", "temperature", "tool_choice", "tools", "top_logprobs",
    "top_p", "user"};

static_assert(std::ranges::is_sorted(kRequestFields));

// A name of that table; any other does not compile.
class RequestField {
public:
    // NOLINTNEXTLINE(google-explicit-constructor): a literal stands for itself
    consteval RequestField(const char* literal)
        : index_(static_cast<std::size_t>(std::ranges::lower_bound(kRequestFields, std::string_view{literal}) -
                                          kRequestFields.begin())),
          name_(kRequestFields.at(index_) == literal ? literal : throw "not in kRequestFields") {}

    std::size_t index() const { return index_; }
    const char* name() const { return name_; }

private:
    std::size_t index_;
    const char* name_;
};

// Refers to the object, which must outlive it and stay as it is.
class RequestFields {
public:
    explicit RequestFields(const Json& object) {
        for (const auto& [name, value] : object.get_ref<const Json::object_t&>()) {
            const auto at = std::ranges::lower_bound(kRequestFields, std::string_view{name});
            if (at != kRequestFields.end() && *at == name && !value.is_null())
                given_[static_cast<std::size_t>(at - kRequestFields.begin())] = &value;
        }
    }

    // Null when it is absent or null: both mean "not given".
    const Json* operator[](RequestField field) const { return given_[field.index()]; }

private:
    std::array<const Json*, kRequestFields.size()> given_{};
};

}  // namespace sluice::core
