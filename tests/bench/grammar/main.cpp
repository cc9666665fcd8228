// What structured output costs per token: random texts under each grammar, the time of every mask.
#include "local_engine/gguf/reader.hpp"
#include "local_engine/grammar/compiled_grammar.hpp"
#include "local_engine/grammar/ebnf.hpp"
#include "local_engine/grammar/json_schema.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

namespace sluice::local_engine {
namespace {

using Clock = std::chrono::steady_clock;

double microseconds_since(Clock::time_point start) {
    return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

constexpr const char* kPerson =
    R"({"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":0,"maximum":150},)"
    R"("tags":{"type":"array","items":{"type":"string"},"maxItems":8},"kind":{"enum":["red","green","blue"]},)"
    R"("address":{"type":"object","properties":{"street":{"type":"string"},"zip":{"type":"string","pattern":"^[0-9]{5}$"},)"
    R"("geo":{"type":"array","items":{"type":"number"}}},"required":["street"]},"note":{"anyOf":[{"type":"string"},{"type":"null"}]}},)"
    R"("required":["name","age"]})";

constexpr const char* kArithmetic = R"g(root ::= sum
sum ::= product (ws [-+] ws product)*
product ::= unit (ws [*/] ws unit)*
unit ::= number | "(" ws sum ws ")" | name "(" ws sum ("," ws sum)* ")"
number ::= [0-9]+ ("." [0-9]+)?
name ::= [a-z] [a-z0-9_]*
ws ::= [ \n\t]*)g";

constexpr const char* kProse = "root ::= sentence+\nsentence ::= [A-Z] [^.!?]* [.!?] \" \"?";

// Tokens at random among those allowed, as a model would not: every text meets situations no other has.
std::vector<double> mask_times(CompiledGrammar& grammar, const Tokenizer& tokenizer) {
    std::mt19937 random(1);
    std::vector<double> times;
    for (int text = 0; text < 200; ++text) {
        Recogniser at(grammar.automaton());
        for (int step = 0; step < 150; ++step) {
            const auto start = Clock::now();
            const TokenMask* mask = grammar.allowed(at);
            times.push_back(microseconds_since(start));
            if (mask == nullptr) break;
            std::vector<TokenId> allowed;
            for (int tries = 0; tries < 300 && allowed.empty(); ++tries) {
                const auto token = static_cast<TokenId>(random() % static_cast<unsigned>(tokenizer.size()));
                if (mask->allows(token)) allowed.push_back(token);
            }
            for (TokenId token = 0; token < tokenizer.size() && (allowed.empty() || step % 3 == 0); ++token) {
                if (mask->allows(token)) allowed.push_back(token);
            }
            if (allowed.empty()) break;
            const TokenId token = allowed[random() % allowed.size()];
            if (tokenizer.is_end_of_generation(token)) break;
            for (const char byte : tokenizer.bytes(token)) at.advance(static_cast<std::uint8_t>(byte));
        }
    }
    std::ranges::sort(times);
    return times;
}

int run(const char* path) {
    const auto file = gguf::Reader::open(path);
    if (!file) return std::fprintf(stderr, "%s\n", core::describe(file.error()).c_str()), 1;
    const auto tokenizer = Tokenizer::from(**file);
    if (!tokenizer) return std::fprintf(stderr, "%s\n", core::describe(tokenizer.error()).c_str()), 1;
    const auto begin = Clock::now();
    const VocabularyTrie trie = VocabularyTrie::of(*tokenizer);
    std::printf("%d tokens, trie of %zu nodes in %.0f ms\n", tokenizer->size(), trie.nodes().size(), microseconds_since(begin) / 1000);
    std::vector<std::pair<std::string, core::Result<GrammarSource>>> grammars;
    grammars.emplace_back("json object", any_object_grammar());
    grammars.emplace_back("json schema", schema_grammar(core::parse_json(kPerson).value()));
    grammars.emplace_back("arithmetic", parse_ebnf(kArithmetic));
    grammars.emplace_back("prose", parse_ebnf(kProse));
    for (auto& [name, source] : grammars) {
        const auto start = Clock::now();
        auto grammar = source ? CompiledGrammar::compile(*source, trie) : core::Result<std::shared_ptr<CompiledGrammar>>(source.error());
        if (!grammar) return std::fprintf(stderr, "%s: %s\n", name.c_str(), core::describe(grammar.error()).c_str()), 1;
        const double compiled = microseconds_since(start) / 1000;
        const auto times = mask_times(**grammar, *tokenizer);
        const auto at = [&](double part) { return times[static_cast<std::size_t>(part * static_cast<double>(times.size() - 1))]; };
        std::printf("%-12s compiled in %5.1f ms, %5zu states; %6zu masks: p50 %5.2f us, p99 %6.1f us, max %6.1f us; %.1f MB\n", name.c_str(),
                    compiled, (*grammar)->automaton().states(), times.size(), at(0.5), at(0.99), times.back(),
                    static_cast<double>((*grammar)->cached_bytes()) / 1e6);
    }
    return 0;
}

}  // namespace
}  // namespace sluice::local_engine

int main(int argc, char** argv) {
    if (argc != 2) return std::fprintf(stderr, "usage: bench_grammar VOCABULARY.gguf\n"), 2;
    return sluice::local_engine::run(argv[1]);
}
