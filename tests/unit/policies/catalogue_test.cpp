#include "policies/catalogue.hpp"

#include <gtest/gtest.h>

namespace sluice::policies {
namespace {

using core::NanoUsd;
using core::Price;

ModelEntry entry() {
    ModelEntry out;
    out.input = Price::per_token(100);
    out.cached_input = Price::per_token(10);
    out.output = Price::per_token(1000);
    return out;
}

core::Usage usage(core::Tokens prompt, core::Tokens completion, core::Tokens cached = 0, core::Tokens reasoning = 0) {
    return {.prompt = prompt, .completion = completion, .cached = cached, .reasoning = reasoning};
}

TEST(Charge, CachedTokensHaveTheirOwnPriceAndReasoningIsPartOfTheCompletion) {
    EXPECT_EQ(charge(entry(), usage(10, 5)), NanoUsd{6000});
    EXPECT_EQ(charge(entry(), usage(10, 5, 4)), NanoUsd{5640});
    EXPECT_EQ(charge(entry(), usage(10, 5, 0, 3)), NanoUsd{6000});
    auto dear = entry();
    dear.reasoning = Price::per_token(2000);
    EXPECT_EQ(charge(dear, usage(10, 5, 0, 3)), NanoUsd{9000});
}

TEST(Charge, PartsThatExceedTheirWholeAreCutToIt) {
    EXPECT_EQ(charge(entry(), usage(10, 0, 50)), NanoUsd{100});
    auto dear = entry();
    dear.reasoning = Price::per_token(2000);
    EXPECT_EQ(charge(dear, usage(0, 5, 0, 50)), NanoUsd{10000});
}

TEST(WorstCase, NoChargeWithinTheLimitsIsDearer) {
    auto odd = entry();  // prices that leave fractions of a nano-dollar everywhere
    odd.input = Price{333'333};
    odd.cached_input = Price{777'777};
    odd.output = Price{1'234'567};
    odd.reasoning = Price{2'345'678};
    for (const auto& model : {entry(), odd})
        for (core::Tokens prompt : {0, 1, 7, 1000})
            for (core::Tokens cached : {core::Tokens{0}, prompt / 2, prompt})
                for (core::Tokens completion : {0, 1, 13, 4096})
                    for (core::Tokens reasoning : {core::Tokens{0}, completion / 3, completion})
                        EXPECT_LE(charge(model, usage(prompt, completion, cached, reasoning)),
                                  worst_case(model, prompt, (completion + 1) / 2, 2));
}

TEST(WorstCase, WhatDoesNotFitIsMoreThanAnyCap) {
    EXPECT_EQ(worst_case(entry(), 1, INT64_MAX / 2, 3), NanoUsd::max());
    EXPECT_EQ(worst_case(entry(), INT64_MAX, 1, 1), NanoUsd::max());
}

TEST(Catalogue, TheBuiltInListIsReadWithExactPrices) {
    const auto catalogue = Catalogue::from_yaml(Catalogue::embedded());
    ASSERT_TRUE(catalogue) << core::describe(catalogue.error());
    for (const auto* name : {"openai/gpt-4o", "openai/gpt-4o-mini", "deepseek/deepseek-chat",
                             "deepseek/deepseek-reasoner", "anthropic/claude-3-5-sonnet"})
        EXPECT_NE(catalogue->find(name), nullptr) << name;
    for (const auto& model : catalogue->entries()) {
        EXPECT_FALSE(model.source.empty()) << model.name;
        EXPECT_FALSE(model.as_of.empty()) << model.name;
        EXPECT_GT(model.output.nano_per_million, 0) << model.name;
    }
    EXPECT_EQ(catalogue->find("openai/gpt-4o-mini")->cached_input, Price{75'000'000});
}

constexpr std::string_view kTwo = R"(models:
  - {provider: a, model: x, aliases: [quick], price: {input: "0.1", output: "0.000000001"}, source: s, as_of: d}
  - {provider: b, model: x, price: {input: "1", cached_input: "0.5", output: "2", reasoning: "3"}, context: 10, tools: false, source: s, as_of: d}
  - {provider: b, model: only, price: {input: "1", output: "2"}, source: s, as_of: d}
)";

TEST(Catalogue, ModelsAreFoundByNameAliasAndUnambiguousModel) {
    const auto catalogue = Catalogue::from_yaml(kTwo);
    ASSERT_TRUE(catalogue) << core::describe(catalogue.error());
    EXPECT_EQ(catalogue->find("a/x")->name, "a/x");
    EXPECT_EQ(catalogue->find("quick")->name, "a/x");
    EXPECT_EQ(catalogue->find("only")->name, "b/only");
    EXPECT_EQ(catalogue->find("x"), nullptr);  // two providers have it
    EXPECT_EQ(catalogue->find("nothing"), nullptr);
    EXPECT_EQ(catalogue->find("a/x")->cached_input, catalogue->find("a/x")->input);
    EXPECT_EQ(catalogue->find("a/x")->output, Price{1});
    EXPECT_FALSE(catalogue->find("b/x")->tools);
    EXPECT_EQ(catalogue->find("b/x")->reasoning, Price{3'000'000'000});
}

TEST(Catalogue, NearNamesHelpWithTypingErrors) {
    const auto catalogue = Catalogue::from_yaml(Catalogue::embedded());
    ASSERT_TRUE(catalogue);
    EXPECT_EQ(catalogue->near_names("gpt-4o-mni").front(), "openai/gpt-4o-mini");
    EXPECT_EQ(catalogue->near_names("deepseek-caht").front(), "deepseek/deepseek-chat");
    EXPECT_TRUE(catalogue->near_names("completely-different-thing").empty());
    EXPECT_LE(catalogue->near_names(std::string(100'000, 'g')).size(), 3U);
}

// A list of one model with `change` made to its text.
std::string refused_field(std::string_view from, std::string_view to) {
    std::string text{kTwo};
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos);
    text.replace(at, from.size(), to);
    const auto catalogue = Catalogue::from_yaml(text);
    return catalogue ? "accepted" : catalogue.error().field;
}

TEST(Catalogue, WhatIsNotUnderstoodIsRefusedWithItsPath) {
    EXPECT_EQ(refused_field("aliases", "alias"), "models[0].alias");
    EXPECT_EQ(refused_field("input: \"0.1\"", "input: \"0.1e3\""), "models[0].price.input");
    EXPECT_EQ(refused_field("input: \"0.1\"", "input: \"-1\""), "models[0].price.input");
    EXPECT_EQ(refused_field("reasoning", "thinking"), "models[1].price.thinking");
    EXPECT_EQ(refused_field("context: 10", "context: ten"), "models[1].context");
    EXPECT_EQ(refused_field("context: 10", "context: 9999999999"), "models[1].context");
    EXPECT_EQ(refused_field("tools: false", "tools: maybe"), "models[1].tools");
    EXPECT_EQ(refused_field("[quick]", "quick"), "models[0].aliases");
    EXPECT_EQ(refused_field("[quick]", "[b/x]"), "models[1]");
    EXPECT_EQ(refused_field("source: s, as_of: d}\n  - {provider: b, model: only",
                            "as_of: d}\n  - {provider: b, model: only"),
              "models[1].source");
    EXPECT_EQ(refused_field("model: only", "model: x"), "models[2]");
    EXPECT_EQ(refused_field("output: \"0.000000001\"", "input: \"1\""), "models[0].price.input");
    EXPECT_EQ(refused_field("models:", "modells:"), "modells");
}

TEST(Catalogue, HostileYamlIsRefusedNotExpanded) {
    std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n";
    for (char c = 'b'; c <= 'i'; ++c)
        bomb += std::string{c} + ": &" + c + " [*" + static_cast<char>(c - 1) + ",*" + static_cast<char>(c - 1) + "]\n";
    std::string indented = "models:\n";
    for (int depth = 1; depth < 1200; ++depth) indented += std::string(static_cast<std::size_t>(depth), ' ') + "a:\n";
    for (const auto& text :
         {bomb, std::string(5000, '['), "models: " + std::string(5000, '{'), std::string(5000, '-'), indented,
          std::string("\0\xff\xfe", 3), std::string{"models: [}"}, std::string(2U << 20U, ' '),
          std::string{"? ? ? ? x"}, std::string{"%YAML 9.9\n---\nmodels: []\n...\n--- *x"}}) {
        const auto catalogue = Catalogue::from_yaml(text);
        EXPECT_FALSE(catalogue) << text.substr(0, 40);
        EXPECT_EQ(catalogue.error().code, core::Errc::InvalidRequest);
    }
}

TEST(Catalogue, AnEmptyListIsAList) {
    EXPECT_TRUE(Catalogue::from_yaml("models: []"));
}

}  // namespace
}  // namespace sluice::policies
