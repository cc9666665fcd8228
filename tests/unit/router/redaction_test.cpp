// Policy action `redact` and conversation memory, through the whole pipeline.
#include "redact_world.hpp"

namespace sluice::router {
namespace {

using namespace testing;
using core::Action;
using core::DataClass;

class RedactionTest : public ::testing::Test, protected RedactWorld {};

const std::string kText = "Write to anna@berg.net about card 4111 1111 1111 1111, Zoë.";

TEST_F(RedactionTest, TheCloudSeesPlaceholdersAndTheClientItsValues) {
    for (const bool stream : {false, true})
        for (const std::size_t piece : {1U, 2U, 3U, 7U, 1000U}) {
            cloud.seen.clear();
            cloud.piece = piece;
            ASSERT_TRUE(ask(body({user(kText)}, stream)));
            EXPECT_EQ(said(), kText);
            EXPECT_EQ(cloud.seen.find("berg"), std::string::npos);
            EXPECT_EQ(cloud.seen.find("4111"), std::string::npos);
            EXPECT_NE(cloud.seen.find("[EMAIL_1_"), std::string::npos);
            EXPECT_EQ(decision().action, Action::Redact);
            EXPECT_EQ(decision().data_class, DataClass::Restricted);
            EXPECT_EQ(decision().zone, core::Zone::Cloud);
            EXPECT_EQ(decision().masked, (std::map<std::string, int>{{"CREDIT_CARD", 1}, {"EMAIL", 1}}));
            EXPECT_EQ(decision().restored, 2U);
            EXPECT_EQ(decision().rule, "default: restricted -> redact");
        }
}

TEST_F(RedactionTest, DecisionsAndTheLedgerHoldNeitherValuesNorPlaceholders) {
    ASSERT_TRUE(ask(body({user(kText)})));
    const std::string json = to_json(decision());
    EXPECT_NE(json.find(R"("redaction":{"masked":{"CREDIT_CARD":1,"EMAIL":1},"restored":2})"), std::string::npos)
        << json;
    for (const auto& text : {json, ledger.settled.at(0).decision_json}) {
        EXPECT_EQ(text.find("berg"), std::string::npos);
        EXPECT_EQ(text.find("4111"), std::string::npos);
        EXPECT_EQ(text.find("EMAIL_1_"), std::string::npos);
    }
}

TEST_F(RedactionTest, ToolArgumentsComeBackAsJson) {
    const Json arguments{{"to", "anna@berg.net"}, {"text", "say \"hi\" to 4111 1111 1111 1111\n"}};
    for (const bool stream : {false, true}) {
        Json call{{"role", "assistant"},
                  {"content", nullptr},
                  {"tool_calls",
                   Json::array({Json{{"id", "c"},
                                     {"type", "function"},
                                     {"function", {{"name", "send"}, {"arguments", core::dump_json(arguments)}}}}})}};
        ASSERT_TRUE(ask(body({user("send it"), call,
                              Json{{"role", "tool"}, {"tool_call_id", "c"}, {"content", "sent to anna@berg.net"}}},
                             stream)));
        EXPECT_FALSE(stayed());
        const std::string text = said();
        ASSERT_NE(text.find('\n'), std::string::npos);
        EXPECT_EQ(text.substr(0, text.find('\n')), "sent to anna@berg.net");
        EXPECT_EQ(core::parse_json(text.substr(text.find('\n') + 1)).value(), arguments);
    }
    EXPECT_EQ(cloud.seen.find("berg"), std::string::npos);
}

TEST_F(RedactionTest, WhatCannotBeMaskedStaysOrIsBlocked) {
    const auto secret_text = body({user("anna@berg.net has the password hunter2Xy!z, the password is hunter2Xy!z")});
    ASSERT_TRUE(ask(secret_text));
    EXPECT_TRUE(stayed());
    EXPECT_EQ(decision().action, Action::Local);
    EXPECT_NE(decision().note.find("not masked: PASSWORD is never sent"), std::string::npos) << decision().note;
    EXPECT_TRUE(decision().masked.empty());
    policy.redact.otherwise = Action::Block;
    const auto blocked = ask(secret_text);
    ASSERT_FALSE(blocked);
    EXPECT_EQ(blocked.error().code, core::Errc::Refused);
    EXPECT_EQ(cloud.calls, 0U);
    // Declared: nothing to mask, and never less than declared.
    policy.redact.otherwise = Action::Local;
    ASSERT_TRUE(ask(body({user("hello there, how are you?")}), 1, DataClass::Confidential));
    EXPECT_TRUE(stayed());
    EXPECT_EQ(cloud.calls, 0U);
}

TEST_F(RedactionTest, EmbeddingsAreNotMaskedAndTheirTextsAreRemembered) {
    const std::string plan = "The orchard of the northern branch closes at the end of next month.";
    const auto embed = [&](const std::string& model, const std::string& text, std::optional<DataClass> declared = {}) {
        return ask(Json{{"model", model}, {"input", Json::array({"hello", text})}}, 1, declared);
    };
    EXPECT_FALSE(embed("cloud/small", "write to anna@berg.net"));
    ASSERT_TRUE(embed("local/own", plan, DataClass::Restricted));
    EXPECT_TRUE(stayed());
    ASSERT_TRUE(ask(body({user(plan)})));
    EXPECT_TRUE(stayed());
    EXPECT_EQ(cloud.calls, 0U);
    ASSERT_TRUE(embed("cloud/small", "nothing private at all"));
    EXPECT_EQ(cloud.calls, 1U);
}

TEST_F(RedactionTest, WithoutALocalModelWhatCannotBeMaskedIsRefused) {
    targets.pop_back();
    EXPECT_FALSE(ask(body({user("the password is hunter2Xy!z")})));
    EXPECT_EQ(cloud.calls, 0U);
    EXPECT_TRUE(ask(body({user(kText)})));
    EXPECT_EQ(said(), kText);
}

TEST_F(RedactionTest, FallbacksAndRetriesSendTheMaskedRequestOnly) {
    cloud.failures = {core::Errc::UpstreamFailed};
    Json asked = body({user(kText)});
    asked["model"] = "cloud/small";
    ASSERT_TRUE(ask(asked));
    EXPECT_EQ(cloud.calls, 2U);
    EXPECT_EQ(cloud.seen.find("berg"), std::string::npos);
    EXPECT_EQ(said(), kText);
    // The local fallback of an automatic plan is given the request as it came.
    cloud.failures = {core::Errc::UpstreamFailed};
    ASSERT_TRUE(ask(body({user(kText)})));
    EXPECT_TRUE(stayed());
    EXPECT_NE(own.seen.find("anna@berg.net"), std::string::npos);
}

TEST_F(RedactionTest, ABrokenStreamEndsWithAnErrorAndShowsNoValueOfAnybodyElse) {
    cloud.breaks_in_the_middle = true;
    EXPECT_FALSE(ask(body({user(kText)}, true)));
    EXPECT_EQ(client->failure, "scripted");
    EXPECT_FALSE(client->ended);
}

TEST_F(RedactionTest, BentPlaceholdersAreRestored) {
    cloud.bend = [](std::string text) {
        std::string out;
        for (const char c : text) {
            if (c == '[' || c == ']' || c == '_') out += '\\';
            out += c;
        }
        return out;
    };
    for (const bool stream : {false, true}) {
        ASSERT_TRUE(ask(body({user(kText)}, stream)));
        EXPECT_EQ(said(), kText);
    }
}

// The cache: nothing of a redacted request is looked up or kept, whoever asks.
TEST_F(RedactionTest, AnswersToMaskedRequestsAreNeverCached) {
    ASSERT_TRUE(ask(body({user(kText)})));
    EXPECT_EQ(decision().cache, CacheStatus::Off);
    EXPECT_EQ(cache.entries(), 0U);
    ASSERT_TRUE(ask(body({user(kText)}, false), 2));
    EXPECT_EQ(cloud.calls, 2U);
    EXPECT_EQ(cache.entries(), 0U);
    ASSERT_TRUE(ask(body({user("nothing private")})));
    EXPECT_EQ(cache.entries(), 1U);
}

// A model that repeats another team's placeholder gives nobody that team's value.
TEST_F(RedactionTest, AnotherTeamsPlaceholdersAreNotRestored) {
    ASSERT_TRUE(ask(body({user("mail anna@berg.net")}), 1));
    const auto begin = cloud.seen.find("[EMAIL_1_");
    const std::string stolen = cloud.seen.substr(begin, cloud.seen.find(']', begin) + 1 - begin);
    ASSERT_TRUE(ask(body({user("what is " + stolen + "? mail bob@berg.net")}), 2));
    EXPECT_EQ(said(), "what is " + stolen + "? mail bob@berg.net");
    ASSERT_TRUE(ask(body({user("what is " + stolen + "?")}), 2));
    EXPECT_EQ(said(), "what is " + stolen + "?");
}

TEST_F(RedactionTest, PlaceholdersAreStableInAConversationAndDifferBetweenThem) {
    ASSERT_TRUE(ask(body({user(kText)})));
    const auto first = std::exchange(cloud.seen, {});
    ASSERT_TRUE(ask(body({user(kText), assistant(said()), user("and bob@berg.net?")})));
    const auto second = std::exchange(cloud.seen, {});
    const auto placeholder = first.substr(first.find("[EMAIL_1_"), 18);
    EXPECT_NE(second.find(placeholder), std::string::npos);
    ASSERT_TRUE(ask(body({user("Another talk with anna@berg.net")})));
    EXPECT_EQ(cloud.seen.find(placeholder), std::string::npos);
    ASSERT_TRUE(ask(body({user(kText)}), 2));
    EXPECT_EQ(cloud.seen.find(placeholder), std::string::npos);
}

TEST_F(RedactionTest, StickyValuesAreMaskedWhenTheTurnThatHadThemIsGone) {
    cloud.bend = [](std::string text) {
        if (text.find("PHONE_1_") == std::string::npos) return text;
        const auto begin = text.find("[PHONE_1_");
        return "I noted the digits " + text.substr(begin, text.find(']') + 1 - begin) + " for later use.";
    };
    policy.redact.sticky = true;
    ASSERT_TRUE(ask(body({user("my phone number is 5550134987")})));
    const std::string answer = said();
    EXPECT_EQ(answer, "I noted the digits 5550134987 for later use.");
    ASSERT_TRUE(classifier.scan(answer).empty());  // by itself no detector sees it
    cloud.seen.clear();
    ASSERT_TRUE(ask(body({assistant(answer), user("what did I say?")})));
    EXPECT_FALSE(stayed());
    EXPECT_EQ(cloud.seen.find("5550134987"), std::string::npos);
    EXPECT_NE(cloud.seen.find("[PHONE_1_"), std::string::npos);
    // Without the kept values the same turn stays here.
    policy.redact.sticky = false;
    ASSERT_TRUE(ask(body({assistant(answer), user("what did I say?")})));
    EXPECT_TRUE(stayed());
    EXPECT_EQ(cloud.seen.find("5550134987"), std::string::npos);
}

TEST_F(RedactionTest, StickyValuesAreMaskedWithoutMemoryToo) {
    policy.redact.sticky = true;
    policy.memory.store = policies::MemoryRules::Store::Off;
    const auto opening = user("Let us talk about a contract, please.");
    ASSERT_TRUE(ask(body({opening, user("my phone number is 5550134987")})));
    cloud.seen.clear();
    ASSERT_TRUE(ask(body({opening, user("and 5550134987 again?")})));
    EXPECT_FALSE(stayed());
    EXPECT_EQ(decision().action, Action::Redact);
    EXPECT_EQ(said(), "and 5550134987 again?");
    EXPECT_EQ(cloud.seen.find("5550134987"), std::string::npos);
}

TEST_F(RedactionTest, ManyValuesDoNotEndAConversation) {
    std::string text;
    for (int i = 0; i < 200; ++i) text += "a" + std::to_string(i) + "@berg.net ";
    ASSERT_TRUE(ask(body({user(text)})));
    ASSERT_TRUE(ask(body({user(text), assistant(said()), user("thanks")})));
    EXPECT_FALSE(stayed());
    EXPECT_EQ(cloud.seen.find("berg"), std::string::npos);
}

TEST_F(RedactionTest, ARestoredAnswerInTheNextTurnIsMaskedAgain) {
    cloud.bend = [](std::string text) {
        const auto begin = text.find("[PHONE_1_");
        return begin == std::string::npos
                   ? text
                   : "I noted the digits " + text.substr(begin, text.find(']') + 1 - begin) + " for later use.";
    };
    ASSERT_TRUE(ask(body({user("my phone number is 5550134987")})));
    ASSERT_TRUE(ask(body({user("my phone number is 5550134987"), assistant(said()), user("thanks")})));
    EXPECT_FALSE(stayed());
    EXPECT_EQ(said(), "thanks");
    EXPECT_EQ(cloud.seen.find("5550134987"), std::string::npos);
}

// --- conversation memory

class MemoryTest : public RedactionTest {
protected:
    MemoryTest() { policy.action_of = {Action::Cloud, Action::Cloud, Action::Local, Action::Local}; }
};

TEST_F(MemoryTest, ASummaryOfAPrivateAnswerStaysPrivate) {
    for (const bool stream : {false, true}) {
        own.text = "The card in question was issued in March and is still valid, said the bank" +
                   std::string(stream ? " again." : ".");
        ASSERT_TRUE(ask(body({user("Is card 4111 1111 1111 1111 valid?")}, stream)));
        ASSERT_TRUE(stayed());
        const std::string answer = said();
        EXPECT_EQ(answer, own.text);
        for (const auto& later :
             {body({assistant(answer), user("Shorten that.")}),
              body({Json{{"role", "system"}, {"content", answer}}, user("Go on.")}),
              body({Json{{"role", "system"}, {"content", "Summary so far:\n" + answer}}, user("Go on.")}),
              body({user(answer)})}) {
            ASSERT_TRUE(ask(later));
            EXPECT_TRUE(stayed());
            EXPECT_EQ(decision().data_class, DataClass::Restricted);
            EXPECT_EQ(decision().reason, "conversation");
            EXPECT_EQ(explain(later).reason, "conversation");
        }
        EXPECT_EQ(cloud.calls, 0U);
        ASSERT_TRUE(ask(body({user("Something else altogether " + std::to_string(stream))})));
        EXPECT_FALSE(stayed());
        // Another team said the same by itself: its talk is its own.
        ASSERT_TRUE(ask(body({user(answer)}), 2));
        EXPECT_FALSE(stayed());
        cloud.calls = 0;
    }
}

TEST_F(MemoryTest, WhatWasDeclaredOnceHoldsForTheConversation) {
    const auto opening = user("Our plans for next year, as told to the board.");
    ASSERT_TRUE(ask(body({Json{{"role", "system"}, {"content", "You are a helpful assistant."}}, opening}), 1,
                    DataClass::Confidential));
    EXPECT_TRUE(stayed());
    ASSERT_TRUE(ask(body({opening, assistant("x"), user("And then?")})));
    EXPECT_TRUE(stayed());
    EXPECT_EQ(decision().data_class, DataClass::Confidential);
    // The instructions are everybody's.
    ASSERT_TRUE(ask(body({Json{{"role", "system"}, {"content", "You are a helpful assistant."}},
                          user("What is the capital of France?")})));
    EXPECT_FALSE(stayed());
}

TEST_F(MemoryTest, APrivateConversationThatPolicyRedactsIsNotLoweredByMasking) {
    own.text = "A long private answer about the password in question.";
    policy.action_of = {Action::Cloud, Action::Cloud, Action::Redact, Action::Redact};
    ASSERT_TRUE(ask(body({user("the password is hunter2Xy!z")})));
    ASSERT_TRUE(stayed());
    ASSERT_TRUE(ask(body({assistant(said()), user("mail that to anna@berg.net")})));
    EXPECT_TRUE(stayed());
    EXPECT_EQ(decision().note, "not masked: still restricted after masking: conversation");
    EXPECT_EQ(cloud.calls, 0U);
}

TEST_F(MemoryTest, AnswersFromTheCacheAreRememberedAgain) {
    const auto question = body({user("Is card 4111 1111 1111 1111 valid?")});
    ASSERT_TRUE(ask(question));
    const std::string answer = said();
    std::destroy_at(&memory);
    std::construct_at(&memory);
    ASSERT_TRUE(ask(question));
    ASSERT_EQ(decision().cache, CacheStatus::Hit);
    ASSERT_TRUE(ask(body({assistant(answer), user("Shorten that.")})));
    EXPECT_TRUE(stayed());
}

TEST_F(MemoryTest, OffMeansOff) {
    policy.memory.store = policies::MemoryRules::Store::Off;
    ASSERT_TRUE(ask(body({user("Is card 4111 1111 1111 1111 valid?")})));
    ASSERT_TRUE(ask(body({assistant(own.text), user("Shorten that.")})));
    EXPECT_FALSE(stayed());
    EXPECT_EQ(memory.size(), 0U);
}

TEST_F(MemoryTest, RedisThatCannotBeAskedCountsAsPolicySays) {
    policy.memory.store = policies::MemoryRules::Store::Redis;  // none is configured: as if it were down
    ASSERT_TRUE(ask(body({user("What is the capital of France?")})));
    EXPECT_TRUE(stayed());
    EXPECT_EQ(decision().reason, "conversation");
    policy.memory.unreachable = DataClass::Public;
    ASSERT_TRUE(ask(body({user("What is the capital of Spain?")})));
    EXPECT_FALSE(stayed());
}

// --- response scan

TEST_F(RedactionTest, WhatTheCloudInventsIsFlaggedOrMaskedAndItsPlaceholdersStillRestored) {
    cloud.bend = [](std::string text) { return text + " Also 4012 8888 8888 1881 and bob@berg.net."; };
    for (const bool stream : {false, true}) {
        policy.responses = policies::ResponseScan::Flag;
        ASSERT_TRUE(ask(body({user("mail anna@berg.net")}, stream)));
        EXPECT_EQ(said(), "mail anna@berg.net Also 4012 8888 8888 1881 and bob@berg.net.");
        EXPECT_EQ(decision().response_findings.size(), 2U);
        policy.responses = policies::ResponseScan::Mask;
        ASSERT_TRUE(ask(body({user("mail anna@berg.net")}, stream)));
        EXPECT_EQ(said(), "mail anna@berg.net Also [CREDIT_CARD] and [EMAIL].");
        EXPECT_EQ(decision().response_findings.size(), 2U);
        const std::string json = to_json(decision());
        EXPECT_NE(json.find(R"("response_scan":{"action":"mask","findings":[{"type":"CREDIT_CARD")"), std::string::npos)
            << json;
        EXPECT_EQ(json.find("8888"), std::string::npos);
    }
}

}  // namespace
}  // namespace sluice::router
