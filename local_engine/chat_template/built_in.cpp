#include "local_engine/chat_template/built_in.hpp"

#include "local_engine/tokenizer/tokenizer.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::local_engine {
namespace {

constexpr std::string_view kChatMl = R"(
{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\n' + (message.content or '') + '<|im_end|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %})";

constexpr std::string_view kLlama3 = R"(
{%- for message in messages %}
{{- '<|start_header_id|>' + message.role + '<|end_header_id|>\n\n' + (message.content or '') | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif %})";

constexpr std::string_view kLlama4 = R"(
{%- for message in messages %}
{{- '<|header_start|>' + message.role + '<|header_end|>\n\n' + (message.content or '') | trim + '<|eot|>' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|header_start|>assistant<|header_end|>\n\n' }}{%- endif %})";

constexpr std::string_view kDeepSeek3 = R"(
{%- for message in messages %}
{%- if message.role == 'system' %}{{- message.content + '\n\n' }}
{%- elif message.role == 'assistant' %}{{- '<｜Assistant｜>' + (message.content or '') + '<｜end▁of▁sentence｜>' }}
{%- else %}{{- '<｜User｜>' + message.content }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<｜Assistant｜>' }}{%- endif %})";

// System messages have no turn of their own: they open the user's turn that follows. SentencePiece vocabularies put a
// space in front of text by themselves (spm_prefix): there the one before the marker is left out.
#define SLUICE_MISTRAL(START, END, ANSWER)                                                                        \
    "{%- set start = " START                                                                                      \
    " %}{%- set ns = namespace(open=false) %}"                                                                    \
    "{%- for message in messages %}"                                                                              \
    "{%- if message.role == 'assistant' %}"                                                                       \
    "{%- if ns.open %}{{- raise_exception('a system message must be followed by one of the user') }}{%- endif %}" \
    "{{- '" ANSWER                                                                                                \
    "' + (message.content or '') + eos_token }}"                                                                  \
    "{%- else %}"                                                                                                 \
    "{%- if not ns.open %}{{- start }}{%- endif %}"                                                               \
    "{%- set ns.open = message.role == 'system' %}"                                                               \
    "{{- message.content + ('\\n\\n' if ns.open else '" END                                                       \
    "') }}"                                                                                                       \
    "{%- endif %}{%- endfor %}"                                                                                   \
    "{%- if ns.open %}{{- raise_exception('a system message must be followed by one of the user') }}{%- endif %}"

constexpr std::string_view kMistralV1 =
    SLUICE_MISTRAL("'[INST] ' if spm_prefix is true else ' [INST] '", " [/INST]", " ");
constexpr std::string_view kMistralV3 = SLUICE_MISTRAL("'[INST] '", "[/INST]", " ");
constexpr std::string_view kMistralV3Tekken = SLUICE_MISTRAL("'[INST]'", "[/INST]", "");
#undef SLUICE_MISTRAL

#define SLUICE_MISTRAL_V7(SPACE)                                   \
    "{%- for message in messages %}"                               \
    "{%- if message.role == 'system' %}{{- '[SYSTEM_PROMPT]" SPACE \
    "' + message.content + '[/SYSTEM_PROMPT]' }}"                  \
    "{%- elif message.role == 'assistant' %}{{- '" SPACE           \
    "' + (message.content or '') + eos_token }}"                   \
    "{%- else %}{{- '[INST]" SPACE "' + message.content + '[/INST]' }}{%- endif %}{%- endfor %}"

constexpr std::string_view kMistralV7 = SLUICE_MISTRAL_V7(" ");
constexpr std::string_view kMistralV7Tekken = SLUICE_MISTRAL_V7("");
#undef SLUICE_MISTRAL_V7

constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kBuiltIns{{
    {"chatml", kChatMl},
    {"llama3", kLlama3},
    {"llama4", kLlama4},
    {"mistral-v1", kMistralV1},
    {"mistral-v3", kMistralV3},
    {"mistral-v3-tekken", kMistralV3Tekken},
    {"mistral-v7", kMistralV7},
    {"mistral-v7-tekken", kMistralV7Tekken},
    {"deepseek3", kDeepSeek3},
}};

}  // namespace

std::optional<std::string_view> built_in_template(std::string_view name) {
    const auto* found =
        std::find_if(kBuiltIns.begin(), kBuiltIns.end(), [&](const auto& one) { return one.first == name; });
    if (found == kBuiltIns.end()) return std::nullopt;
    return found->second;
}

std::string_view fitting_built_in(const Tokenizer& tokenizer, std::string_view pre_tokenizer) {
    const auto has = [&](std::string_view marker) {
        const auto token = tokenizer.find(marker);
        return token && tokenizer.is_control(*token);
    };
    if (has("<|im_start|>") && has("<|im_end|>")) return "chatml";
    if (has("<|start_header_id|>") && has("<|eot_id|>")) return "llama3";
    if (has("<|header_start|>") && has("<|eot|>")) return "llama4";
    if (has("<｜User｜>") && has("<｜Assistant｜>")) return "deepseek3";
    const bool tekken = pre_tokenizer == "tekken";
    if (has("[SYSTEM_PROMPT]")) return tekken ? "mistral-v7-tekken" : "mistral-v7";
    if (has("[INST]")) return tekken ? "mistral-v3-tekken" : "mistral-v3";
    return {};
}

}  // namespace sluice::local_engine
