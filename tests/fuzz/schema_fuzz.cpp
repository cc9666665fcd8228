// Any JSON as a schema: refused, or a grammar whose texts are JSON.
#include "local_engine/grammar/automaton.hpp"
#include "local_engine/grammar/json_schema.hpp"
#include "local_engine/grammar/recogniser.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

using namespace sluice;
using namespace sluice::local_engine;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto schema = core::parse_json(std::string_view(reinterpret_cast<const char*>(data), size));
    if (!schema) return 0;
    const auto source = schema_grammar(*schema, {.states = 8192, .steps = 4'000'000});
    if (!source) return 0;
    const auto automaton = Automaton::compile(*source);
    if (!automaton) return 0;
    // A text that leans towards ends: whatever comes out when it may end is JSON.
    Recogniser at(*automaton);
    std::string text;
    for (std::size_t step = 0; step < 400 && !at.accepting(); ++step) {
        bool moved = false;
        for (const char* byte = "}]\"0123456789:,truefalsn-a.TZ{[ "; *byte != '\0' && !moved; ++byte) {
            moved = at.advance(static_cast<std::uint8_t>(*byte));
            if (moved) text += *byte;
        }
        for (int byte = 33; byte < 256 && !moved; ++byte) {
            moved = at.advance(static_cast<std::uint8_t>(byte));
            if (moved) text += static_cast<char>(byte);
        }
        if (!moved) std::abort();
    }
    if (at.accepting() && !core::parse_json(text, {.max_depth = 1000, .max_members = 100000})) std::abort();
    return 0;
}
