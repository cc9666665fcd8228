// Untrusted bytes of an upstream: the event stream decoder, the answer scanner against the JSON parser, and usage.
#include "core/usage.hpp"
#include "providers/answer_error.hpp"
#include "providers/answer_scanner.hpp"
#include "providers/sse_decoder.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace sluice;

constexpr std::size_t kMostEventBytes = 512;

void require(bool holds) {
    if (!holds) std::abort();
}

std::vector<std::string> decode(std::string_view bytes, std::size_t step, providers::SseDecoder& decoder) {
    std::vector<std::string> events;
    for (std::size_t i = 0; i < bytes.size(); i += step)
        for (const auto event : decoder.feed(bytes.substr(i, step))) events.emplace_back(event);
    return events;
}

// Events do not depend on how the bytes were cut, and keep their bound.
void check_decoder(std::string_view bytes, std::size_t step) {
    providers::SseDecoder whole(kMostEventBytes);
    providers::SseDecoder pieces(kMostEventBytes);
    const auto a = decode(bytes, bytes.size() + 1, whole);
    const auto b = decode(bytes, step, pieces);
    require(a == b && whole.done() == pieces.done() && whole.failed() == pieces.failed());
    for (const auto& event : a) require(event.size() <= kMostEventBytes && event.find('\r') == std::string::npos);
}

// The scanner calls valid what the parser does. Numbers too big for a double are left out, and halves of surrogate pairs, which an
// answer may cut in two events: the parser refuses both.
void check_scanner(std::string_view text) {
    providers::AnswerFacts facts;
    const bool scanned = providers::scan_answer(text, facts);
    const auto parsed = core::parse_json(text);
    const bool object = parsed && parsed->is_object();
    const bool left_out =
        text.size() > 300 || text.find_first_of("eE") != std::string_view::npos || text.starts_with("\xEF\xBB\xBF") ||
        text.find("\\ud") != std::string_view::npos || text.find("\\uD") != std::string_view::npos;
    require(scanned == object || (left_out && !(object && !scanned && !text.starts_with("\xEF\xBB\xBF"))));
    if (!scanned) return;
    require(facts.text_bytes <= text.size());
    static_cast<void>(core::parse_usage(facts.usage));
    static_cast<void>(providers::error_in_band(facts.error));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    check_decoder(bytes, 1 + data[0] % 16);
    check_scanner(bytes);
    static_cast<void>(providers::error_of_status(400 + data[0], bytes, bytes));
    return 0;
}
