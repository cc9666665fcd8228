// Any bytes as a grammar: refused, or followed. What the recogniser accepts must be accepted again, and masks agree.
#include "local_engine/grammar/compiled_grammar.hpp"
#include "local_engine/grammar/ebnf.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

using namespace sluice;
using namespace sluice::local_engine;

namespace {

const std::vector<std::string>& words() {
    static const std::vector<std::string> kWords = [] {
        std::vector<std::string> all;
        for (int byte = 0; byte < 256; ++byte) all.push_back(std::string(1, static_cast<char>(byte)));
        for (const char* word : {"aa", "ab", "abc", "\"}", "{\"", "},", "00", "\n\n", "\xc3\xa9"}) all.emplace_back(word);
        return all;
    }();
    return kWords;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const VocabularyTrie kTrie(static_cast<std::int32_t>(words().size()), [](TokenId token) {
        return std::string_view(words()[static_cast<std::size_t>(token)]);
    });
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto source = parse_ebnf(text, {.states = 4096, .steps = 2'000'000});
    if (!source) return 0;
    const auto grammar = CompiledGrammar::compile(*source, kTrie);
    if (!grammar) return 0;
    Recogniser at((*grammar)->automaton());
    for (std::size_t step = 0; step < 40; ++step) {
        const TokenMask* mask = (*grammar)->allowed(at);
        if (mask == nullptr) return 0;  // too ambiguous
        const std::size_t start = size > 0 ? data[step % size] : 0;
        TokenId chosen = -1;
        for (std::size_t i = 0; i < words().size() && chosen < 0; ++i) {
            const auto token = static_cast<TokenId>((start + i * 7) % words().size());
            if (mask->allows(token)) chosen = token;
        }
        // A grammar's automaton has no dead ends.
        if (chosen < 0) {
            if (!at.accepting() && !at.overflowed()) std::abort();
            return 0;
        }
        const std::size_t before = at.length();
        for (const char byte : words()[static_cast<std::size_t>(chosen)]) {
            if (!at.advance(static_cast<std::uint8_t>(byte))) std::abort();
        }
        if (step % 5 == 4) at.roll_back(at.length() - before);
    }
    return 0;
}
