// Any bytes as a request body: parsing, checking and walking it end in values or errors, and what is read is what is
// sent.
#include "core/chat.hpp"
#include "core/json.hpp"
#include "policies/sensitivity/text_parts.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input{reinterpret_cast<const char*>(data), size};
    auto body = core::parse_json(input);
    // The fast parser and the library's agree on what is valid and on every value.
    const auto library = core::Json::parse(input, nullptr, false);
    if (body && (library.is_discarded() || *body != library)) std::abort();
    if (!body) return 0;
    const std::string text = core::dump_json(*body);
    const auto again = core::parse_json(text);
    if (!again || core::dump_json(*again) != text) std::abort();

    std::size_t bytes = 0;
    policies::for_each_text(*body, [&](const policies::TextPlace& place, std::string_view part) {
        bytes += part.size() + place.pointer().size() + place.key().size();
        if (place.message() < -1) std::abort();
    });
    const auto request = core::ChatRequest::from_json(std::move(*body));
    if (!request) return request.error().detail.empty() ? (std::abort(), 0) : 0;
    if (request->prompt_tokens_bound() <= 0 || request->choices() < 1) std::abort();
    static volatile std::size_t sink = 0;
    sink = bytes;
    return 0;
}
