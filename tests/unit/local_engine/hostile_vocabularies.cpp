// Vocabularies that do not fit the model or themselves, chat templates that do not end, names that are not names, and
// files that are cut or claim to be longer.
#include "hostile_files.hpp"

#include <limits>

namespace sluice::local_engine::testing {
namespace {

using namespace std::string_literals;

using test::GgufWriter;
using test::TinyModel;

constexpr const char* kTemplate = "tokenizer.chat_template";

HostileFile id_of(const std::string& name, const std::string& key, std::int64_t id, bool refused = true) {
    const std::string full = "tokenizer.ggml." + key;
    return {name, "llama", [full, id](TinyModel& model) { model.set(full, static_cast<std::int32_t>(id)); },
            refused ? full : ""};
}
HostileFile templated(const std::string& name, const std::function<std::string()>& text,
                      const std::string& field = "") {
    return {name, "llama", [text](TinyModel& model) { model.set(kTemplate, text()); }, field};
}
HostileFile words(const std::string& name, const std::string& kind,
                  const std::function<void(test::SmallVocabulary&)>& change, const std::string& field = "") {
    const auto all = [change, kind](TinyModel& model) {
        change(model.vocabulary);
        model.put_vocabulary(kind == "mixtral" ? "llama" : "gpt2");
    };
    return {name, kind, all, field};
}
std::string repeated(const std::string& text, int count) {
    std::string all;
    for (int i = 0; i < count; ++i) all += text;
    return all;
}

}  // namespace

std::vector<HostileFile> hostile_vocabularies() {
    return {
        {"NoTokens", "llama", [](TinyModel& model) { model.erase("tokenizer.ggml.tokens"); }, "tokenizer.ggml.tokens"},
        {"TokensOfNumbers", "llama",
         [](TinyModel& model) { model.set_list("tokenizer.ggml.tokens", std::vector<std::uint32_t>(262, 1)); },
         "tokenizer.ggml.tokens"},
        {"AnEmptyListOfTokens", "llama",
         [](TinyModel& model) { model.set_list("tokenizer.ggml.tokens", std::vector<std::string>{}); },
         "tokenizer.ggml.tokens"},
        words(
            "MoreTokensThanRows", "llama",
            [](auto& vocabulary) {
                for (int i = 0; i < 3; ++i) vocabulary.add("more" + std::to_string(i), 1);
            },
            "token_embd.weight"),
        words(
            "MillionsOfTokens", "llama",
            [](auto& vocabulary) {
                for (int i = 0; i < (1 << 20); ++i) vocabulary.add("", 1);
            },
            "tokenizer.ggml.tokens"),
        words("NoBytesAtAll", "llama",
              [](auto& vocabulary) {
                  vocabulary = {};
                  for (int i = 0; i < 258; ++i) vocabulary.add("t" + std::to_string(i), 1);
              }),
        words("OneTokenForEverything", "gemma3",
              [](auto& vocabulary) {
                  for (auto& token : vocabulary.tokens) token = "x";
              }),
        words("TokensOfNul", "llama", [](auto& vocabulary) { vocabulary.tokens[65] = std::string(3, '\0'); }),
        words("TokensThatAreNotUtf8", "llama", [](auto& vocabulary) { vocabulary.tokens[66] = "\xFF\xC0\x80"; }),
        words("ATokenOfAMegabyte", "llama",
              [](auto& vocabulary) { vocabulary.tokens[67] = std::string(1U << 20U, 'q'); }),
        words("MegabytesOfLongTokens", "llama",
              [](auto& vocabulary) {
                  std::uint32_t random = 1;
                  for (std::size_t i = 0; i < 140; ++i) {
                      vocabulary.tokens[i].clear();
                      for (int at = 0; at < 60'000; ++at) {
                          random = random * 1664525U + 1013904223U;
                          vocabulary.tokens[i].push_back(static_cast<char>('a' + (random >> 24U) % 26));
                      }
                  }
              }),
        words(
            "ASpecialTokenOfAMegabyte", "llama",
            [](auto& vocabulary) { vocabulary.tokens[257] = std::string(1U << 20U, 'q'); }, "tokenizer.ggml.tokens"),
        words("SpecialTokensOfEveryLength", "llama",
              [](auto& vocabulary) {
                  for (std::size_t i = 0; i < 255; ++i) {
                      vocabulary.tokens[i] = std::string(i + 1, 'H');
                      vocabulary.types[i] = 4;
                  }
              }),
        words(
            "TypesBelow", "llama", [](auto& vocabulary) { vocabulary.types[3] = -1; }, "tokenizer.ggml.token_type"),
        words(
            "TypesAbove", "llama", [](auto& vocabulary) { vocabulary.types[3] = 7; }, "tokenizer.ggml.token_type"),
        words(
            "TypesTooFew", "llama", [](auto& vocabulary) { vocabulary.types.pop_back(); }, "tokenizer.ggml.token_type"),
        words("EverythingIsControl", "llama",
              [](auto& vocabulary) { vocabulary.types.assign(vocabulary.types.size(), 3); }),
        {"TypesOfText", "llama",
         [](TinyModel& model) { model.set_list("tokenizer.ggml.token_type", std::vector<std::string>(262, "1")); },
         "tokenizer.ggml.token_type"},
        words("MergesOfWhatIsNotThere", "llama",
              [](auto& vocabulary) {
                  vocabulary.merges = {"zz yy", "h e", "\xFF \xFE"};
              }),
        words(
            "MergesOfOnePart", "llama", [](auto& vocabulary) { vocabulary.merges = {"he"}; }, "tokenizer.ggml.merges"),
        words(
            "EmptyMerges", "llama", [](auto& vocabulary) { vocabulary.merges = {""}; }, "tokenizer.ggml.merges"),
        words("NoMerges", "llama", [](auto& vocabulary) { vocabulary.merges.clear(); }),
        {"MergesMissing", "llama", [](TinyModel& model) { model.erase("tokenizer.ggml.merges"); },
         "tokenizer.ggml.merges"},
        {"MergesOfNumbers", "llama",
         [](TinyModel& model) { model.set_list("tokenizer.ggml.merges", std::vector<float>{1.0F}); },
         "tokenizer.ggml.merges"},
        words(
            "ScoresTooFew", "mixtral", [](auto& vocabulary) { vocabulary.scores.pop_back(); }, "tokenizer.ggml.scores"),
        words(
            "ScoresNotANumber", "mixtral",
            [](auto& vocabulary) { vocabulary.scores[9] = std::numeric_limits<float>::quiet_NaN(); },
            "tokenizer.ggml.scores"),
        words("ScoresInfinite", "mixtral",
              [](auto& vocabulary) { vocabulary.scores.back() = std::numeric_limits<float>::infinity(); }),
        words(
            "ByteTokensThatAreNot", "mixtral", [](auto& vocabulary) { vocabulary.tokens[9] = "<0xZZ>"; },
            "tokenizer.ggml.tokens"),
        words("NoByteTokens", "mixtral",
              [](auto& vocabulary) {
                  for (std::size_t i = 0; i < 256; ++i) vocabulary.types[i] = 5;
              }),
        {"ModelUnknown", "llama", [](TinyModel& model) { model.set("tokenizer.ggml.model", "bert\n"); },
         "tokenizer.ggml.model"},
        {"ModelMissing", "llama", [](TinyModel& model) { model.erase("tokenizer.ggml.model"); },
         "tokenizer.ggml.model"},
        {"RuleUnknown", "llama", [](TinyModel& model) { model.set("tokenizer.ggml.pre", std::string(1000, '\x1b')); },
         "tokenizer.ggml.pre"},
        {"RuleAsNumber", "llama", [](TinyModel& model) { model.set("tokenizer.ggml.pre", 1.5F); },
         "tokenizer.ggml.pre"},
        {"AddBosAsText", "llama", [](TinyModel& model) { model.set("tokenizer.ggml.add_bos_token", "yes"); },
         "tokenizer.ggml.add_bos_token"},
        {"EndAsText", "llama", [](TinyModel& model) { model.set("tokenizer.ggml.eos_token_id", "257"); },
         "tokenizer.ggml.eos_token_id"},
        id_of("EndOutside", "eos_token_id", 262),
        id_of("EndHuge", "eos_token_id", 0x7FFFFFFF),
        id_of("EndNegative", "eos_token_id", -2),
        id_of("EndUnset", "eos_token_id", -1, false),
        id_of("BeginningOutside", "bos_token_id", 262),
        id_of("TurnEndOutside", "eot_token_id", 1000),
        id_of("MessageEndOutside", "eom_token_id", 1000),
        id_of("UnknownOutside", "unknown_token_id", 1000, false),
    };
}

std::vector<HostileFile> hostile_texts() {
    return {
        templated(
            "TemplateOfManyMegabytes", [] { return std::string(9U << 20U, 'x'); }, kTemplate),
        templated(
            "TemplateCutShort", [] { return std::string("{% for message in messages %}"); }, kTemplate),
        templated(
            "TemplateNestedDeeply", [] { return repeated("{% if x %}", 5000) + repeated("{% endif %}", 5000); },
            kTemplate),
        templated(
            "TemplateOfBrackets", [] { return "{{ " + repeated("(", 5000) + "1" + repeated(")", 5000) + " }}"; },
            kTemplate),
        templated(
            "TemplateOfManyNodes", [] { return repeated("{{a+a}}", 37'000); }, kTemplate),
        templated(
            "TemplateOfANumberBeyondDoubles", [] { return std::string("{{ 1e999 }}"); }, kTemplate),
        templated(
            "TemplateOfANumberBelowDoubles", [] { return std::string("{{ 0.1e999 + 1e5 * 1e308 }}"); }, kTemplate),
        templated(
            "TemplateOfUnknownFilters", [] { return std::string("{{ messages | attr('__class__') }}"); }, kTemplate),
        templated("TemplateThatCountsForEver",
                  [] {
                      return std::string(
                          "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}");
                  }),
        templated("TemplateThatDoubles",
                  [] {
                      return "{% set ns = namespace(a='x') %}" + repeated("{% set ns.a = ns.a ~ ns.a %}", 60) +
                             "{{ ns.a }}";
                  }),
        templated("TemplateThatCallsItself",
                  [] { return std::string("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"); }),
        templated("TemplateThatWritesNothing", [] { return std::string("{{ '' }}"); }),
        templated("TemplateOfNul", [] { return "{{ 'a\0b' }}"s; }),
        templated("TemplateThatIsNotUtf8", [] { return std::string("\xFF\xFE{{ messages[0].content }}"); }),
        {"TemplateAsNumber", "qwen3", [](TinyModel& model) { model.set(kTemplate, std::uint32_t{1}); }},
        {"TemplateMissingAndNoneFits", "qwen3",
         [](TinyModel& model) {
             model.erase(kTemplate);
             model.vocabulary.tokens[256] = "plain";
             model.put_vocabulary("gpt2");
         },
         kTemplate},
        {"NameOfControlCharacters", "llama", [](TinyModel& model) { model.set("general.name", "\0\x1b[2J\nname"s); }},
        {"NameOfAMegabyte", "llama", [](TinyModel& model) { model.set("general.name", std::string(1U << 20U, 'n')); }},
        {"NameAsList", "llama", [](TinyModel& model) { model.set_list("general.name", std::vector<float>{1.0F}); }},
    };
}

std::vector<HostileFile> hostile_headers() {
    return {
        {"HugeTensorCount", "llama", [](TinyModel& model) { model.header.tensor_count = std::int64_t{1} << 62; },
         "n_tensors"},
        {"NegativeKeyCount", "llama", [](TinyModel& model) { model.header.entry_count = -1; }, "n_kv"},
        {"OneKeyMoreThanThereAre", "llama",
         [](TinyModel& model) { model.header.entry_count = static_cast<std::int64_t>(model.entries.size()) + 1; },
         "tensor 0"},
        {"OneTensorLess", "llama",
         [](TinyModel& model) {
             model.header.tensor_count = static_cast<std::int64_t>(model.tensors.size()) - 1;
         }},  // the others lie where they do not belong
        {"AlignmentHuge", "llama", [](TinyModel& model) { model.set("general.alignment", 1U << 31U); },
         "general.alignment"},
        {"AlignmentOfOtherFiles", "llama",
         [](TinyModel& model) { model.set("general.alignment", std::uint32_t{4096}); }, "blk.0.attn_norm.weight"},
        {"AKeyTwice", "llama", [](TinyModel& model) { model.entries.push_back(model.entries.front()); },
         "general.architecture"},
        {"AKeyOfNul", "llama",
         [](TinyModel& model) {
             model.entries.push_back({"a\0b"s, 77, ""});
         },
         "a?b"},
        {"AListOfAlmostTwoTo64", "llama",
         [](TinyModel& model) {
             std::string bytes;
             GgufWriter::put(bytes, std::int32_t{8});
             GgufWriter::put(bytes, ~std::uint64_t{0});
             model.set_raw("tokenizer.ggml.tokens", 9, bytes);
         },
         "tokenizer.ggml.tokens"},
        {"DataMissing", "llama", [](TinyModel& model) { model.tensors.back().bytes.clear(); }, "rope_freqs.weight"},
    };
}

}  // namespace sluice::local_engine::testing
