// Two halves of an input: with an even first byte, any bytes as text for fixed vocabularies (what comes out must be the
// text again, without control tokens); with an odd one, any bytes as the file a tokenizer is made from.
#include "local_engine/tokenizer/detokenizer.hpp"
#include "local_engine/tokenizer/tokenizer.hpp"
#include "tests/support/small_vocabulary.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

using namespace sluice;
using namespace sluice::local_engine;

namespace {

std::vector<Tokenizer> tokenizers() {
    auto vocabulary = test::SmallVocabulary::byte_level();
    for (const auto& [left, right] :
         {std::pair("t", "h"), {"th", "e"}, {"a", "a"}, {"aa", "aa"}, {"1", "2"}, {"'", "s"}}) {
        vocabulary.merge(left, right);
    }
    vocabulary.add("<|im_start|>", 3);
    vocabulary.add("<|im_end|>", 3);
    vocabulary.add("<tool>", 4);
    std::vector<Tokenizer> made;
    for (const char* rule :
         {"llama-bpe", "qwen2", "gpt-4o", "tekken", "deepseek-v3", "deepseek-llm", "deepseek-coder", "gpt-2"}) {
        const std::string bytes = vocabulary.writer("gpt2", rule).build();
        const auto file = gguf::Reader::from_bytes(test::as_bytes(bytes));
        made.push_back(*Tokenizer::from(**file));
    }
    return made;
}

void check_text(const Tokenizer& tokenizer, std::string_view text) {
    const std::vector<TokenId> tokens = tokenizer.encode(text, SpecialTokens::Plain);
    Detokenizer stream(tokenizer);
    for (const TokenId token : tokens) {
        if (tokenizer.is_control(token)) std::abort();
        stream.feed(token);
    }
    stream.finish();
    if (tokenizer.decode(tokens) != text) std::abort();
    tokenizer.encode(text, SpecialTokens::Parse);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::vector<Tokenizer> kTokenizers = tokenizers();
    if (size == 0) return 0;
    const std::string_view rest(reinterpret_cast<const char*>(data + 1), size - 1);
    if (data[0] % 2 == 0) {
        check_text(kTokenizers[data[0] / 2 % kTokenizers.size()], rest);
        return 0;
    }
    const auto file = gguf::Reader::from_bytes(test::as_bytes(rest));
    if (!file) return 0;
    const auto tokenizer = Tokenizer::from(**file);
    if (!tokenizer) return 0;
    for (const TokenId token : tokenizer->encode("The 12 <tool> aaaa\xFF <|im_end|>", SpecialTokens::Plain)) {
        if (tokenizer->is_control(token)) std::abort();
    }
    return 0;
}
