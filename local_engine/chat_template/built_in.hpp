// Formats for files that come without a template, as templates of our own.
#pragma once

#include <optional>
#include <string_view>

namespace sluice::local_engine {

class Tokenizer;

// chatml, llama3, llama4, mistral-v1, mistral-v3, mistral-v3-tekken, mistral-v7, mistral-v7-tekken, deepseek3.
std::optional<std::string_view> built_in_template(std::string_view name);

// The name of the format whose turn markers the vocabulary has as control tokens; empty when none fits.
std::string_view fitting_built_in(const Tokenizer& tokenizer, std::string_view pre_tokenizer);

}  // namespace sluice::local_engine
