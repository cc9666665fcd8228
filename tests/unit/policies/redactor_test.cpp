#include "policies/sensitivity/redactor.hpp"

#include "policies/sensitivity/graphemes.hpp"
#include "policies/sensitivity/maskable.hpp"
#include "policies/sensitivity/restore.hpp"

#include <gtest/gtest.h>

namespace sluice::policies {
namespace {

using core::Action;
using core::DataClass;
using core::Json;

class RedactorTest : public ::testing::Test {
protected:
    RedactorTest() { policy.action_of = {Action::Cloud, Action::Cloud, Action::Redact, Action::Redact}; }

    static Json asking(const Json& content) {
        return Json{{"model", "m"}, {"messages", Json::array({Json{{"role", "user"}, {"content", content}}})}};
    }
    core::Result<Redacted> redact(const Json& body, ClassifyContext context = {}) {
        const auto request = std::make_shared<const core::ChatRequest>(core::ChatRequest::from_json(body).value());
        const auto judged = classifier.classify(request, context);
        return Redactor{classifier}.redact(
            judged, policy, {.classify = context, .conversation_key = core::Secret{"c"}, .known = known});
    }
    // What the cloud would see of one user message.
    std::string masked(const Json& content) {
        const auto redacted = redact(asking(content));
        if (!redacted) return "refused: " + redacted.error().detail;
        return redacted->request.request().body()["messages"][0]["content"].get<std::string>();
    }
    std::string refusal(const Json& body, ClassifyContext context = {}) {
        const auto redacted = redact(body, context);
        return redacted ? "redacted" : redacted.error().detail;
    }

    Classifier classifier{{.dictionary = {{"Bluefin", DataClass::Confidential},
                                          {"\xf0\x9f\x91\xa9", DataClass::Confidential},
                                          {"名前", DataClass::Confidential}}}};
    TeamPolicy policy;
    PlaceholderMap known;
};

TEST_F(RedactorTest, FindingsBecomePlaceholdersAndTheRestStays) {
    const auto redacted =
        redact(asking("Write to anna@berg.net and bob@berg.net, card 4111 1111 1111 1111, again anna@berg.net."));
    ASSERT_TRUE(redacted) << redacted.error().detail;
    const auto& map = *redacted->map;
    ASSERT_EQ(map.size(), 3U);
    EXPECT_EQ(redacted->request.request().body()["messages"][0]["content"],
              "Write to " + map.of_value("anna@berg.net")->text() + " and " + map.of_value("bob@berg.net")->text() +
                  ", card " + map.of_value("4111 1111 1111 1111")->text() + ", again " +
                  map.of_value("anna@berg.net")->text() + ".");
    EXPECT_EQ(redacted->request.data_class(), DataClass::Public);
    EXPECT_EQ(redacted->masked, (std::map<std::string, int>{{"CREDIT_CARD", 1}, {"EMAIL", 3}}));
    EXPECT_EQ(map.of_value("bob@berg.net")->number, 2);
}

TEST_F(RedactorTest, TheSameConversationGivesTheSamePlaceholders) {
    const auto first = redact(asking("mail anna@berg.net"));
    Json longer = asking("mail anna@berg.net");
    longer["messages"].push_back({{"role", "assistant"}, {"content", "Done, wrote to anna@berg.net"}});
    longer["messages"].push_back({{"role", "user"}, {"content", "now bob@berg.net"}});
    const auto second = redact(longer);
    ASSERT_TRUE(first);
    ASSERT_TRUE(second);
    EXPECT_EQ(first->map->at(0).text(), second->map->at(0).text());
    EXPECT_EQ(second->map->size(), 2U);
}

TEST_F(RedactorTest, KnownValuesAreMaskedWhereNoDetectorSeesThem) {
    const auto redacted = redact(Json{
        {"model", "m"},
        {"messages", Json::array({Json{{"role", "user"}, {"content", "my phone number is 5550134987"}},
                                  Json{{"role", "assistant"}, {"content", "I noted 5550134987 as X5550134987."}}})}});
    ASSERT_TRUE(redacted) << redacted.error().detail;
    const auto& messages = redacted->request.request().body()["messages"];
    EXPECT_EQ(messages[1]["content"], "I noted " + redacted->map->at(0).text() + " as X5550134987.");
}

TEST_F(RedactorTest, CredentialsKeysAndCardsWithCodesAreNeverSent) {
    EXPECT_EQ(refusal(asking("mail anna@berg.net, the password is hunter2Xy!z")),
              "PASSWORD is never sent to a cloud, masked or not");
    EXPECT_NE(refusal(asking("key sk_live_4eC39HqLyjWDarjtT1zdp7dcAbCdEf")).find("never sent"), std::string::npos);
    EXPECT_EQ(refusal(asking("card 4111 1111 1111 1111 cvv 123")),
              "a card with its security code is never sent to a cloud, masked or not");
    EXPECT_EQ(refusal(asking(Json::array({Json{{"type", "text"}, {"text", "card 4111 1111 1111 1111"}},
                                          Json{{"type", "text"}, {"text", "Prüfziffer: 1234"}}}))),
              "a card with its security code is never sent to a cloud, masked or not");
    for (const auto* type :
         {"API_KEY", "PRIVATE_KEY", "JWT", "HEALTH_INFO", "AWS_SECRET_KEY", "LEGAL_PRIVILEGE", "DB_PASSWORD"})
        EXPECT_EQ(masking_of(type), Masking::Never) << type;
    for (const auto* type : {"EMAIL", "US_SSN", "DE_TAX_ID", "IBAN", "ORG_TERM"})
        EXPECT_EQ(masking_of(type), Masking::Mask) << type;
    for (const auto* type : {"CONFIDENTIAL_MARKING", "SOURCE_CODE", "SOMETHING_NEW"})
        EXPECT_EQ(masking_of(type), Masking::Unknown) << type;
}

TEST_F(RedactorTest, WhatIsSensitiveForAnotherReasonCannotBeMasked) {
    EXPECT_EQ(refusal(asking("mail anna@berg.net"), {.declared = DataClass::Restricted}),
              "still restricted after masking: declared");
    EXPECT_EQ(refusal(asking("mail anna@berg.net"), {.floor = DataClass::Confidential}),
              "still confidential after masking: team floor");
    EXPECT_EQ(refusal(asking("hello"), {.conversation = DataClass::Restricted}),
              "still restricted after masking: conversation");
    Json image = asking(Json::array({Json{{"type", "text"}, {"text", "mail anna@berg.net"}},
                                     Json{{"type", "image_url"}, {"image_url", {{"url", "data:,"}}}}}));
    EXPECT_EQ(refusal(image), "still restricted after masking: attachment");
}

TEST_F(RedactorTest, PlacesThatAreTakenLiterallyAreNotMasked) {
    Json body = asking("x");
    const auto with = [&](const char* name, const Json& value) {
        Json changed = body;
        changed[name] = value;
        return refusal(changed);
    };
    const Json tool =
        Json::array({Json{{"type", "function"},
                          {"function", {{"name", "f"}, {"parameters", {{"enum", Json::array({"anna@berg.net"})}}}}}}});
    EXPECT_EQ(with("tools", tool), "EMAIL stands where nothing can be masked: /tools/0/function/parameters/enum/0");
    EXPECT_EQ(with("stop", "4111 1111 1111 1111"), "CREDIT_CARD stands where nothing can be masked: /stop");
    EXPECT_EQ(with("anna@berg.net", 1), "EMAIL stands where nothing can be masked: /*");
    EXPECT_EQ(with("metadata", Json{{"card", 4111111111111111U}}), "CREDIT_CARD is not in a text: /metadata/*");
    Json named = body;
    named["messages"][0]["name"] = "anna@berg.net";
    EXPECT_EQ(refusal(named), "EMAIL stands where nothing can be masked: /messages/0/name");
    Json also = asking("mail anna@berg.net");
    also["stop"] = "anna@berg.net";
    EXPECT_NE(refusal(also).find("stands where nothing can be masked"), std::string::npos);
}

TEST_F(RedactorTest, FreeTextOfEveryKindIsMasked) {
    Json body = asking("x");
    body["messages"].push_back(
        {{"role", "assistant"}, {"content", nullptr}, {"reasoning_content", "the user is a1@berg.net"}});
    body["messages"].push_back({{"role", "tool"}, {"tool_call_id", "1"}, {"content", R"({"mail": "a2@berg.net"})"}});
    body["messages"].push_back(
        {{"role", "user"}, {"content", Json::array({Json{{"type", "text"}, {"text", "a3@berg.net"}}})}});
    body["user"] = "a4@berg.net";
    body["metadata"] = Json{{"owner", "a5@berg.net"}};
    body["tools"] =
        Json::array({Json{{"type", "function"},
                          {"function",
                           {{"name", "f"},
                            {"description", "asks a6@berg.net"},
                            {"parameters", {{"properties", {{"to", {{"description", "like a7@berg.net"}}}}}}}}}}});
    const auto redacted = redact(body);
    ASSERT_TRUE(redacted) << redacted.error().detail;
    EXPECT_EQ(redacted->map->size(), 7U);
    EXPECT_EQ(core::dump_json(redacted->request.request().body()).find("@berg"), std::string::npos);
    EXPECT_TRUE(core::parse_json(redacted->request.request().body()["messages"][2]["content"].get<std::string>()));
}

TEST_F(RedactorTest, ToolArgumentsAreReadMaskedAndWrittenAgain) {
    Json body = asking("x");
    const Json arguments{{"to", "anna@berg.net"},
                         {"text", "card \"4111 1111 1111 1111\"\n"},
                         {"deep", {{"cc", Json::array({"bob@berg.net"})}}},
                         {"n", 5}};
    body["messages"].push_back(
        {{"role", "assistant"},
         {"tool_calls",
          Json::array({Json{{"id", "c"},
                            {"type", "function"},
                            {"function", {{"name", "send"}, {"arguments", core::dump_json(arguments)}}}}})}});
    const auto redacted = redact(body);
    ASSERT_TRUE(redacted) << redacted.error().detail;
    const std::string sent =
        redacted->request.request().body()["messages"][1]["tool_calls"][0]["function"]["arguments"].get<std::string>();
    const auto parsed = core::parse_json(sent);
    ASSERT_TRUE(parsed) << sent;
    EXPECT_EQ((*parsed)["to"], redacted->map->of_value("anna@berg.net")->text());
    EXPECT_EQ((*parsed)["n"], 5);
    EXPECT_EQ(sent.find("berg"), std::string::npos);
    EXPECT_EQ(core::parse_json(restore(sent, redacted->map, RestoreIn::Json)).value(), arguments);
}

TEST_F(RedactorTest, WholeCharactersAreMasked) {
    const std::string family =
        "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7";  // woman, joiner, girl: one character to people
    EXPECT_EQ(whole_graphemes("a" + family + "b", {1, 5}), (ByteRange{1, 1 + family.size()}));
    EXPECT_EQ(whole_graphemes("e\xcc\x81x", {0, 1}), (ByteRange{0, 3}));
    EXPECT_EQ(whole_graphemes("plain", {1, 3}), (ByteRange{1, 3}));
    EXPECT_EQ(whole_graphemes("a\r\nb", {0, 2}), (ByteRange{0, 3}));
    const auto redacted = redact(asking("mail anna@berg.net\xcc\x81!"));
    ASSERT_TRUE(redacted);
    EXPECT_EQ(redacted->map->at(0).value, "anna@berg.net\xcc\x81");
}

TEST_F(RedactorTest, OverlappingFindingsAreOneNamedByTheWorst) {
    const auto request =
        std::make_shared<const core::ChatRequest>(core::ChatRequest::from_json(asking("bluefin@berg.net")).value());
    const auto judged = classifier.classify(request, {});
    ASSERT_GE(judged.findings().size(), 2U);
    const auto redacted = redact(asking("to bluefin@berg.net now"));
    ASSERT_TRUE(redacted);
    ASSERT_EQ(redacted->map->size(), 1U);
    EXPECT_EQ(redacted->map->at(0).value, "bluefin@berg.net");
}

TEST_F(RedactorTest, TextThatLooksLikeAPlaceholderStaysAndIsNotRestored) {
    const auto first = redact(asking("mail anna@berg.net"));
    ASSERT_TRUE(first);
    const std::string forged = first->map->at(0).text();
    const std::string text = "I say " + forged + " and mail anna@berg.net";
    const auto second = redact(asking(text));
    ASSERT_TRUE(second);
    EXPECT_NE(second->map->at(0).text(), forged);
    const std::string sent = second->request.request().body()["messages"][0]["content"].get<std::string>();
    EXPECT_EQ(sent, "I say " + forged + " and mail " + second->map->at(0).text());
    EXPECT_EQ(restore(sent, second->map, RestoreIn::Text), text);
}

TEST_F(RedactorTest, MoreFindingsThanAreRecordedAreMaskedAllTheSame) {
    std::string text;
    for (int i = 0; i < 700; ++i) text += "a" + std::to_string(i) + "@berg.net ";
    const auto redacted = redact(asking(text));
    ASSERT_TRUE(redacted) << redacted.error().detail;
    EXPECT_EQ(redacted->map->size(), 700U);
    for (int i = 700; i < 9000; ++i) text += "a" + std::to_string(i) + "@berg.net ";
    EXPECT_EQ(refusal(asking(text)), "there is more to mask than can be kept");
}

TEST_F(RedactorTest, ValuesOfEarlierTurnsKeepTheirPlaceholders) {
    PlaceholderMaker{core::Secret{"earlier"}}.place("PHONE", "5550134987", known);
    const std::string earlier = known.at(0).text();
    EXPECT_NE(masked("bob@berg.net knows 5550134987").find(earlier), std::string::npos);
}

TEST_F(RedactorTest, BrokenAndDeepJsonInArgumentsIsSafe) {
    for (const std::string& arguments :
         {std::string{"{\"a\": \"anna@berg.net"}, std::string{"anna@berg.net"}, std::string{"\"anna@berg.net\""},
          std::string{R"({"a":"{\"b\":\"{\\\"c\\\":\\\"anna@berg.net\\\"}\"}"})"},
          std::string{R"({"anna@berg.net":1})"}}) {
        Json body = asking("x");
        body["messages"].push_back(
            {{"role", "assistant"},
             {"tool_calls",
              Json::array({Json{{"id", "c"}, {"function", {{"name", "send"}, {"arguments", arguments}}}}})}});
        const auto redacted = redact(body);
        if (!redacted) continue;
        const auto sent = redacted->request.request()
                              .body()["messages"][1]["tool_calls"][0]["function"]["arguments"]
                              .get<std::string>();
        EXPECT_EQ(sent.find("berg"), std::string::npos) << sent;
        EXPECT_EQ(core::parse_json(sent).has_value(), core::parse_json(arguments).has_value()) << sent;
    }
}

// Every type that may be masked has a placeholder that no detector takes for something.
TEST_F(RedactorTest, PlaceholdersThemselvesAreClean) {
    PlaceholderMap map;
    PlaceholderMaker maker{core::Secret{"c"}};
    for (const auto* type : {"ADDRESS",  "AGE",      "BANK_ACCOUNT", "CREDIT_CARD",    "DATE_OF_BIRTH",
                             "EMAIL",    "IBAN",     "IP_ADDRESS",   "MEDICAL_RECORD", "NATIONAL_ID",
                             "ORG_TERM", "PASSPORT", "PERSON",       "PHONE",          "ROUTING_NUMBER",
                             "TAX_ID",   "US_SSN",   "SWIFT_BIC",    "DRIVER_LICENSE", "CRYPTO_WALLET"})
        for (int i = 0; i < 50; ++i) {
            const auto* placeholder = maker.place(type, type + std::string{" value "} + std::to_string(i), map);
            for (const std::string& around :
                 {std::string{"my phone: "}, std::string{"ssn "}, std::string{"card number "},
                  std::string{"the password of "}, std::string{"iban="}, std::string{"key: "}})
                EXPECT_TRUE(classifier.scan(around + placeholder->text() + " end").empty())
                    << around << placeholder->text();
        }
}

}  // namespace
}  // namespace sluice::policies
