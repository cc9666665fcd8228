// Grammars that begin in the middle of an answer: behind a thought, between markers, from a token on.
#include "local_engine/grammar/constraint.hpp"

#include "local_engine/grammar/ebnf.hpp"
#include "local_engine/serving/structured_output.hpp"
#include "tests/support/small_vocabulary.hpp"

#include <gtest/gtest.h>

#include <random>

namespace sluice::local_engine {
namespace {

class ConstraintTest : public ::testing::Test {
protected:
    ConstraintTest() {
        auto vocabulary = test::SmallVocabulary::byte_level();
        think_ = vocabulary.add("<think>", 4);
        unthink_ = vocabulary.add("</think>", 4);
        end_ = vocabulary.add("<|im_end|>", 3);
        glued_ = vocabulary.add("</think>1", 1);
        const std::string bytes = vocabulary.writer("gpt2", "qwen2").set("tokenizer.ggml.eos_token_id", static_cast<std::uint32_t>(end_)).build();
        const auto file = gguf::Reader::from_bytes(test::as_bytes(bytes));
        tokenizer_ = *Tokenizer::from(**file);
        trie_ = std::make_unique<VocabularyTrie>(VocabularyTrie::of(*tokenizer_));
        grammar_ = *CompiledGrammar::compile(*parse_ebnf("root ::= [0-9]+ \";\""), *trie_);
    }
    Constraint follow(ConstraintPlan plan) { return Constraint(std::move(plan), *trie_, *tokenizer_); }
    TokenId byte(char c) const { return *tokenizer_->find(test::byte_letter(static_cast<unsigned char>(c))); }
    void say(Constraint& constraint, std::string_view text) {
        for (const char c : text) EXPECT_TRUE(constraint.take(byte(c))) << c;
    }

    std::optional<Tokenizer> tokenizer_;
    std::unique_ptr<VocabularyTrie> trie_;
    std::shared_ptr<CompiledGrammar> grammar_;
    TokenId think_ = 0, unthink_ = 0, end_ = 0, glued_ = 0;
};

TEST_F(ConstraintTest, AtOnceOnlyTheGrammarsTokensMayComeAndTheEndAtItsEnd) {
    Constraint constraint = follow({.grammar = grammar_});
    EXPECT_TRUE(constraint.allowed()->allows(byte('7')));
    EXPECT_FALSE(constraint.allowed()->allows(byte('x')));
    EXPECT_FALSE(constraint.allowed()->allows(end_));
    EXPECT_FALSE(constraint.allowed()->allows(think_));
    EXPECT_FALSE(constraint.take(byte('x')));
    say(constraint, "12;");
    EXPECT_TRUE(constraint.allowed()->allows(end_));
    EXPECT_FALSE(constraint.allowed()->allows(byte('1')));
}

TEST_F(ConstraintTest, BehindAThoughtThePromptHasOpenedTheGrammarBegins) {
    const std::vector<TokenId> prompt{byte('a'), think_};
    Constraint constraint = follow(plan_constraint(grammar_, prompt, *tokenizer_));
    EXPECT_TRUE(constraint.allowed()->allows(byte('x')));
    EXPECT_FALSE(constraint.allowed()->allows(end_));  // a thought is not an answer
    say(constraint, "so </thi");
    constraint.take(unthink_);
    EXPECT_FALSE(constraint.allowed()->allows(byte('x')));
    say(constraint, "5;");
    EXPECT_TRUE(constraint.allowed()->allows(end_));
}

TEST_F(ConstraintTest, AMarkerSpelledInSeveralTokensCountsAndWhatIsGluedToItIsTheGrammars) {
    const std::vector<TokenId> prompt{think_};
    Constraint spelled = follow(plan_constraint(grammar_, prompt, *tokenizer_));
    say(spelled, "x</think>");
    EXPECT_FALSE(spelled.allowed()->allows(byte('x')));
    Constraint glued = follow(plan_constraint(grammar_, prompt, *tokenizer_));
    glued.take(glued_);
    EXPECT_TRUE(glued.allowed()->allows(byte(';')));  // the 1 has been read
}

TEST_F(ConstraintTest, AModelMayOpenAThoughtItselfOrAnswerAtOnce) {
    const std::vector<TokenId> prompt{byte('a')};
    Constraint constraint = follow(plan_constraint(grammar_, prompt, *tokenizer_));
    EXPECT_TRUE(constraint.allowed()->allows(think_));
    EXPECT_TRUE(constraint.allowed()->allows(byte('1')));
    EXPECT_FALSE(constraint.allowed()->allows(byte('x')));
    constraint.take(think_);
    EXPECT_TRUE(constraint.allowed()->allows(byte('x')));
    constraint.take(unthink_);
    EXPECT_FALSE(constraint.allowed()->allows(byte('x')));
    // A template that has closed the thought leaves no choice.
    const std::vector<TokenId> closed{think_, byte('\n'), unthink_, byte('\n')};
    EXPECT_FALSE(follow(plan_constraint(grammar_, closed, *tokenizer_)).allowed()->allows(think_));
}

TEST_F(ConstraintTest, BetweenMarkersAndFreeAgainBehindThem) {
    ConstraintPlan plan;
    plan.triggers.push_back({"<call>", grammar_, true});
    Constraint constraint = follow(std::move(plan));
    EXPECT_EQ(constraint.allowed(), nullptr);
    say(constraint, "text <call>");
    ASSERT_NE(constraint.allowed(), nullptr);
    say(constraint, "42;");
    EXPECT_EQ(constraint.allowed(), nullptr);
    say(constraint, " and <call>");
    EXPECT_TRUE(constraint.allowed()->allows(byte('1')));
}

TEST_F(ConstraintTest, AParserMaySwitchAGrammarOnAtAnyToken) {
    Constraint constraint = follow({});
    say(constraint, "anything");
    constraint.constrain(grammar_, false);
    EXPECT_FALSE(constraint.allowed()->allows(byte('x')));
    say(constraint, "1;");
    EXPECT_TRUE(constraint.allowed()->allows(end_));
}

TEST_F(ConstraintTest, TokensCanBeTakenBackOverEverySwitch) {
    std::mt19937 random(2);
    const std::vector<TokenId> tokens{byte('1'), byte(';'), byte('x'), unthink_, glued_, think_, byte('<')};
    for (int round = 0; round < 300; ++round) {
        ConstraintPlan plan{.grammar = round % 3 == 0 ? grammar_ : nullptr, .may_end_free = false};
        plan.triggers.push_back({"</think>", grammar_, round % 2 == 0});
        if (plan.grammar) plan.opens_free = think_;
        Constraint constraint = follow(plan);
        std::vector<TokenId> taken;
        for (int step = 0; step < 20; ++step) {
            if (random() % 3 == 0) {
                const std::size_t back = random() % (taken.size() + 1);
                constraint.roll_back(back);
                taken.resize(taken.size() - back);
            }
            Constraint fresh = follow(plan);
            for (const TokenId token : taken) ASSERT_TRUE(fresh.take(token));
            const TokenId token = tokens[random() % tokens.size()];
            const TokenMask* a = constraint.allowed();
            const TokenMask* b = fresh.allowed();
            ASSERT_EQ(a == nullptr, b == nullptr);
            for (const TokenId some : tokens) {
                ASSERT_EQ(a == nullptr || a->allows(some), b == nullptr || b->allows(some));
            }
            const bool fits = constraint.take(token);
            ASSERT_EQ(fits, fresh.take(token));
            if (fits) taken.push_back(token);
        }
    }
}

}  // namespace
}  // namespace sluice::local_engine
