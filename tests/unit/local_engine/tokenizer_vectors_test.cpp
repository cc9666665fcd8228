// Token ids of the reference implementation for real and synthetic vocabularies; skipped where they are not at hand.
#include "core/json.hpp"
#include "local_engine/tokenizer/tokenizer.hpp"
#include "tests/support/read_file.hpp"
#include "tests/support/shared_files.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

namespace sluice::local_engine {
namespace {

class TokenizerVectors : public ::testing::TestWithParam<std::string> {
protected:
    void SetUp() override {
        path_ = std::filesystem::path(SLUICE_SOURCE_DIR) / "tests/data/tokenizers" / GetParam();  // the small ones
        if (!std::filesystem::exists(path_.string() + ".gguf")) {
            path_ = test::shared_file("tokenizer-vectors/" + GetParam());
        }
        if (!std::filesystem::exists(path_.string() + ".gguf")) GTEST_SKIP() << "no " << path_ << ".gguf";
        auto file = gguf::Reader::open(path_.string() + ".gguf");
        ASSERT_TRUE(file) << core::describe(file.error());
        auto tokenizer = Tokenizer::from(**file);
        ASSERT_TRUE(tokenizer) << core::describe(tokenizer.error());
        tokenizer_.emplace(*tokenizer);
    }
    std::filesystem::path path_;
    std::optional<Tokenizer> tokenizer_;
};

std::vector<std::string> texts_of(const std::string& inputs) {
    constexpr std::string_view kSeparator = "\n__ggml_vocab_test__\n";
    std::vector<std::string> texts;
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = inputs.find(kSeparator, begin)) != std::string::npos;
         begin = end + kSeparator.size()) {
        texts.push_back(inputs.substr(begin, end - begin));
    }
    texts.push_back(inputs.substr(begin));
    return texts;
}

TEST_P(TokenizerVectors, PlainTextsGiveTheReferenceIds) {
    const std::string inputs = test::read_file(path_.string() + ".gguf.inp");
    if (inputs.empty()) return;  // the reference has no list of this kind for the vocabulary
    std::istringstream lines(test::read_file(path_.string() + ".gguf.out"));
    int compared = 0;
    for (const std::string& text : texts_of(inputs)) {
        std::string line;
        if (!std::getline(lines, line)) break;
        std::istringstream numbers(line);
        std::vector<TokenId> expected;
        for (TokenId token = 0; numbers >> token;) expected.push_back(token);
        EXPECT_EQ(tokenizer_->encode(text, SpecialTokens::Plain), expected) << ::testing::PrintToString(text);
        ++compared;
    }
    EXPECT_GT(compared, 40);
}

TEST_P(TokenizerVectors, TextsWithSpecialTokensGiveTheReferenceIdsAndComeBack) {
    auto vectors = core::Json::parse(test::read_file(path_.string() + ".vectors.json"));
    const core::Json& cases = vectors.is_array() ? vectors : vectors.at("cases");
    for (const core::Json& item : cases) {
        const auto text = item.at("text").get<std::string>();
        const auto ids = item.at("ids").get<std::vector<TokenId>>();
        EXPECT_EQ(tokenizer_->encode(text, SpecialTokens::Plain), ids) << ::testing::PrintToString(text);

        std::vector<TokenId> special = tokenizer_->encode(text, SpecialTokens::Parse);
        if (tokenizer_->add_bos()) special.insert(special.begin(), *tokenizer_->bos());
        EXPECT_EQ(special, item.at("ids_special").get<std::vector<TokenId>>()) << ::testing::PrintToString(text);
        if (item.at("roundtrip").get<bool>()) {
            EXPECT_EQ(tokenizer_->decode(ids), text);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Vocabulary, TokenizerVectors,
                         ::testing::Values("llama-bpe", "llama4", "qwen2", "deepseek-v3", "ggml-vocab-deepseek-llm",
                                         "ggml-vocab-deepseek-coder", "ggml-vocab-gpt-2", "ggml-vocab-llama-spm",
                                         "synthetic-tekken", "synthetic-gpt-4o"),
                         [](const auto& vocabulary) {
                             std::string name = vocabulary.param;
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

}  // namespace
}  // namespace sluice::local_engine
