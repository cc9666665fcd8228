// Any bytes as an answer of each family: the first byte chooses. Whole or byte by byte, the same must come out, and
// each call must have been begun before its arguments.
#include "local_engine/answer/answer_parser.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

using namespace sluice;
using namespace sluice::local_engine;

namespace {

std::string all(const AnswerOptions& options, std::string_view answer, std::size_t piece) {
    AnswerParser parser(options);
    std::string out;
    std::size_t calls = 0;
    auto last = AnswerEvent::Kind::Text;
    const auto add = [&](const std::vector<AnswerEvent>& events) {
        for (const AnswerEvent& event : events) {
            if (event.kind == AnswerEvent::Kind::Call && event.call != calls++) std::abort();
            if (event.kind == AnswerEvent::Kind::Arguments && event.call >= calls) std::abort();
            if (event.kind != last || event.kind == AnswerEvent::Kind::Call) out += static_cast<char>(event.kind);
            last = event.kind;
            out += event.text + event.name;
        }
    };
    for (std::size_t at = 0; at < answer.size(); at += piece) add(parser.feed(answer.substr(at, piece)));
    add(parser.finish());
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    constexpr std::string_view kTemplates[] = {"<tool_call> <think>", "<|python_tag|>", "[TOOL_CALLS] [THINK]",
                                               "<\xEF\xBD\x9Ctool\xE2\x96\x81"
                                               "call\xE2\x96\x81"
                                               "begin\xEF\xBD\x9C> <think>",
                                               "<|channel|> <|message|>"};
    AnswerOptions options;
    options.format = AnswerFormat::of(kTemplates[data[0] % 5], nullptr);
    options.calls = (data[0] & 0x20U) == 0;
    options.parallel = (data[0] & 0x40U) == 0;
    options.in_thought = (data[0] & 0x80U) != 0;
    options.tools = core::Json::parse(
        R"([{"type":"function","function":{"name":"f","parameters":{"properties":{"a":{"type":"string"}}}}}])");
    const std::string_view answer(reinterpret_cast<const char*>(data + 1), size - 1);
    if (all(options, answer, 1) != all(options, answer, size)) std::abort();
    return 0;
}
