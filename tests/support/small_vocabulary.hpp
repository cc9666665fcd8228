// Small vocabularies for tests: all single bytes, a few merges, and the markers of a chat format.
#pragma once

#include "tests/support/gguf_writer.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::test {

// The byte as byte-level vocabularies write it.
inline std::string byte_letter(unsigned byte) {
    unsigned letter = byte;
    const auto plain = [](unsigned b) { return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174; };
    if (!plain(byte)) {
        letter = 256;
        for (unsigned before = 0; before < byte; ++before) letter += plain(before) ? 0U : 1U;
    }
    if (letter < 128) return {static_cast<char>(letter)};
    return {static_cast<char>(0xC0U | letter >> 6U), static_cast<char>(0x80U | (letter & 63U))};
}

struct SmallVocabulary {
    std::vector<std::string> tokens;
    std::vector<std::int32_t> types;  // 1 normal, 2 unknown, 3 control, 4 user-defined, 6 byte
    std::vector<float> scores;        // SentencePiece only
    std::vector<std::string> merges;  // byte-level BPE only

    std::int32_t add(std::string_view spelling, std::int32_t type, float score = 0.0F) {
        tokens.emplace_back(spelling);
        types.push_back(type);
        scores.push_back(score);
        return static_cast<std::int32_t>(tokens.size()) - 1;
    }
    void merge(const std::string& left, const std::string& right) {
        merges.push_back(left + " " + right);
        add(left + right, 1);
    }
    // Ids 0 to 255 are the bytes.
    static SmallVocabulary byte_level() {
        SmallVocabulary vocabulary;
        for (unsigned byte = 0; byte < 256; ++byte) vocabulary.add(byte_letter(byte), 1);
        return vocabulary;
    }
    GgufWriter writer(std::string_view model, std::string_view pre) const {
        GgufWriter file;
        file.set("tokenizer.ggml.model", model).set("tokenizer.ggml.pre", pre);
        file.set_array("tokenizer.ggml.tokens", tokens).set_array("tokenizer.ggml.token_type", types);
        if (model == "gpt2") file.set_array("tokenizer.ggml.merges", merges);
        if (model == "llama") file.set_array("tokenizer.ggml.scores", scores);
        return file;
    }
};

}  // namespace sluice::test
