// models tokenize, detokenize and template: the protocol that scripts rely on.
#include "cli_support.hpp"
#include "tests/support/small_vocabulary.hpp"

#include <fstream>

namespace sluice::gateway::cli {
namespace {

class CliText : public CliTest {
protected:
    std::string write(const std::string& name, const std::string& bytes) const {
        const auto path = directory_ / name;
        std::ofstream(path, std::ios::binary) << bytes;
        return path.string();
    }
    std::string model() const {
        auto vocabulary = test::SmallVocabulary::byte_level();
        const auto bos = static_cast<std::uint32_t>(vocabulary.add("<s>", 3));
        const auto eos = static_cast<std::uint32_t>(vocabulary.add("</s>", 3));
        auto writer = vocabulary.writer("gpt2", "qwen2");
        writer.set("tokenizer.ggml.bos_token_id", bos).set("tokenizer.ggml.eos_token_id", eos);
        writer.set("tokenizer.ggml.add_bos_token", true).set("tokenizer.ggml.add_eos_token", true);
        writer.set("tokenizer.chat_template",
                   "{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}");
        return write("model.gguf", writer.build());
    }
    const std::string chat_ = R"({"messages":[{"role":"user","content":"hi"}]})";
};

TEST_F(CliText, TokenizeAndDetokenizeAreJsonArraysOfIds) {
    const std::string file = model();
    EXPECT_EQ(run({"models", "tokenize", "--model", file}, "a<s>").out, "[97,60,115,62]\n");
    EXPECT_EQ(run({"models", "tokenize", "--model", file, "--special"}, "a<s>").out, "[256,97,256,257]\n");
    EXPECT_EQ(run({"models", "tokenize", "--model", file}, "").out, "[]\n");
    EXPECT_EQ(run({"models", "detokenize", "--model", file}, "[97, 256, 10, 98]").out, "a\nb");
    const Ran wrong = run({"models", "detokenize", "--model", file}, "[97, 9999]");
    EXPECT_NE(wrong.code, 0);
    EXPECT_NE(wrong.error.find("entry 1"), std::string::npos);
    EXPECT_NE(run({"models", "tokenize"}, "a").code, 0);
}

TEST_F(CliText, TemplatePrintsThePromptAndNothingElse) {
    EXPECT_EQ(run({"models", "template", "--model", model()}, chat_).out, "<s>[user]hi");
    const std::string file = write("t.jinja", "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}\n");
    EXPECT_EQ(run({"models", "template", "--template", file, "--bos", "<b>", "--eos", "<e>"}, chat_).out, "<b>hi<e>");
    EXPECT_EQ(run({"models", "template", "--template", "mistral-v3", "--eos", "</s>"}, chat_).out, "[INST] hi[/INST]");
}

TEST_F(CliText, ATemplateThatRefusesIsExitCodeOneWithItsMessage) {
    const std::string file = write("t.jinja", "{{ raise_exception('no such turn') }}");
    const Ran refused = run({"models", "template", "--template", file}, chat_);
    EXPECT_EQ(refused.code, kFailed);
    EXPECT_NE(refused.error.find("no such turn"), std::string::npos);
    EXPECT_EQ(refused.out, "");
    EXPECT_EQ(run({"models", "template", "--template", file}, "{").code, kFailed);
    EXPECT_EQ(run({"models", "template", "--template", file}, "{}").code, kFailed);
    EXPECT_EQ(run({"models", "template", "--template", "nowhere.jinja"}, chat_).code, kFailed);
}

}  // namespace
}  // namespace sluice::gateway::cli
