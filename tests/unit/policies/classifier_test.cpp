#include "sensitivity_text.hpp"

#include <thread>

namespace sluice::policies {
namespace {

using core::DataClass;

std::shared_ptr<const core::ChatRequest> request_of(std::string_view json) {
    auto request = core::ChatRequest::from_json(core::parse_json(json).value());
    EXPECT_TRUE(request) << core::describe(request.error());
    return std::make_shared<const core::ChatRequest>(std::move(*request));
}

std::shared_ptr<const core::ChatRequest> asking(std::string_view content) {
    return request_of(core::Json{{"model", "m"}, {"messages", {{{"role", "user"}, {"content", content}}}}}.dump());
}

TEST(Classifier, HarmlessTextIsPublicAndSaysWhy) {
    const auto judged = Classifier{{}}.classify(asking("What is the capital of France?"), {});
    EXPECT_EQ(judged.data_class(), DataClass::Public);
    EXPECT_EQ(judged.reason(), "none");
    EXPECT_TRUE(judged.findings().empty());
}

TEST(Classifier, AFindingNamesItsPlaceInTheRequest) {
    const auto judged = Classifier{{}}.classify(
        request_of(
            R"({"model":"m","messages":[{"role":"system","content":"hi"},{"role":"user","content":[{"type":"text","text":"é 4111 1111 1111 1111"}]}]})"),
        {});
    EXPECT_EQ(judged.data_class(), DataClass::Restricted);
    EXPECT_EQ(judged.reason(), "finding:CREDIT_CARD");
    ASSERT_EQ(judged.findings().size(), 1U);
    const auto& finding = judged.findings()[0];
    EXPECT_EQ(finding.message, 1);
    EXPECT_EQ(finding.part, "/messages/1/content/0/text");
    EXPECT_EQ(finding.begin, 3U);
    EXPECT_EQ(finding.end, 22U);
    EXPECT_EQ(finding.detector, "luhn");
    EXPECT_EQ(finding.data_class, DataClass::Restricted);
}

TEST(Classifier, EveryCornerOfABodyIsRead) {
    const std::string card = "4111 1111 1111 1111";
    const std::vector<std::string> bodies{
        R"({"model":"m","messages":[{"role":"user","content":"x","name":")" + card + R"("}]})",
        R"({"model":"m","messages":[{"role":"tool","tool_call_id":"1","content":")" + card + R"("}]})",
        R"({"model":"m","messages":[{"role":"assistant","tool_calls":[{"function":{"arguments":"{\"n\":\"4111\\u00201111 1111 1111\"}"}}]}]})",
        R"({"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"function":{"description":")" + card +
            R"("}}]})",
        R"({"model":"m","messages":[{"role":"user","content":"x"}],"unknown":{"deep":[[")" + card + R"("]]}})",
        R"({"model":"m","messages":[{"role":"user","content":"x"}],")" + card + R"(":1})",
        R"({"model":"m","messages":[{"role":"user","content":"x"}],"metadata":{"n":4111111111111111}})",
        R"({"model":")" + card + R"(","messages":[{"role":"user","content":"x"}]})"};
    for (const auto& body : bodies)
        EXPECT_EQ(Classifier{{}}.classify(request_of(body), {}).reason(), "finding:CREDIT_CARD") << body;
}

TEST(Classifier, TheNameOfAMemberCountsAsContext) {
    const auto judged = [](const char* body) { return Classifier{{}}.classify(request_of(body), {}).reason(); };
    EXPECT_EQ(judged(R"({"model":"m","messages":[{"role":"user","content":"x"}],"metadata":{"ssn":"536221847"}})"),
              "finding:US_SSN");
    EXPECT_EQ(
        judged(
            R"({"model":"m","messages":[{"role":"user","content":"x"}],"metadata":{"db_password":"correct horse 7"}})"),
        "finding:PASSWORD");
    EXPECT_EQ(judged(R"({"model":"m","messages":[{"role":"user","content":"x"}],"metadata":{"row":"536221847"}})"),
              "none");
    EXPECT_EQ(judged(R"({"model":"m","messages":[{"role":"tool","tool_call_id":"1234567890","content":"x"}]})"),
              "none");
    EXPECT_EQ(judged(R"({"model":"m","messages":[{"role":"user","content":"x"}],"mobilePhone":"1234567890"})"),
              "finding:PHONE");
}

TEST(Classifier, TheClassIsTheHighestOfAllThatIsKnown) {
    const Classifier classifier{{}};
    const auto public_text = asking("hello");
    const auto with_mail = asking("mail anna@berg.net");
    EXPECT_EQ(classifier.classify(public_text, {.declared = DataClass::Internal}).reason(), "declared");
    EXPECT_EQ(
        classifier.classify(public_text, {.floor = DataClass::Confidential, .declared = DataClass::Internal}).reason(),
        "team floor");
    EXPECT_EQ(classifier.classify(with_mail, {.declared = DataClass::Public}).data_class(), DataClass::Confidential);
    EXPECT_EQ(classifier.classify(with_mail, {.declared = DataClass::Public}).reason(), "finding:EMAIL");
    EXPECT_EQ(classifier.classify(with_mail, {.declared = DataClass::Restricted}).reason(), "declared");
}

TEST(Classifier, AttachmentsCountOnlyWhenThereAreAny) {
    const Classifier classifier{{}};
    const auto image = request_of(
        R"({"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:,"}}]}]})");
    EXPECT_EQ(classifier.classify(image, {}).data_class(), DataClass::Restricted);
    EXPECT_EQ(classifier.classify(image, {}).reason(), "attachment");
    EXPECT_EQ(classifier.classify(image, {.attachments = DataClass::Internal}).data_class(), DataClass::Internal);
    EXPECT_EQ(classifier.classify(asking("hello"), {}).data_class(), DataClass::Public);
}

TEST(Classifier, ClassesAndDictionaryComeFromTheConfiguration) {
    const Classifier classifier{
        {.dictionary = {{"Project Bluefin", DataClass::Internal}}, .classes = {{"EMAIL", DataClass::Public}}}};
    EXPECT_EQ(classifier.classify(asking("about project bluefin"), {}).reason(), "finding:ORG_TERM");
    EXPECT_EQ(classifier.classify(asking("about project bluefin"), {}).data_class(), DataClass::Internal);
    const auto mail = classifier.classify(asking("anna@berg.net"), {});
    EXPECT_EQ(mail.data_class(), DataClass::Public);
    EXPECT_EQ(mail.findings().size(), 1U);
}

TEST(Classifier, FindingsAreBoundedAndWhatDecidesIsKept) {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += "a" + std::to_string(i) + "@berg.net ";
    const auto judged = Classifier{{}}.classify(asking(text + " and card 4111 1111 1111 1111"), {});
    EXPECT_EQ(judged.findings().size(), 256U);
    EXPECT_EQ(judged.data_class(), DataClass::Restricted);
    EXPECT_EQ(judged.findings().back().type, "CREDIT_CARD");
}

TEST(Classifier, FailureInsideMakesTheRequestRestricted) {
    const auto judged = Classifier{{}}.classify(nullptr, {});
    EXPECT_EQ(judged.data_class(), DataClass::Restricted);
    EXPECT_EQ(judged.reason(), "classifier failure");
}

TEST(Classifier, TextThatIsNotUtf8IsJudgedLikeAnyOther) {
    core::Json body = {{"model", "m"},
                       {"messages", {{{"role", "user"}, {"content", "\xff\xfe anna@berg.net \xe2\x80"}}}}};
    const auto request =
        std::make_shared<const core::ChatRequest>(core::ChatRequest::from_json(std::move(body)).value());
    EXPECT_EQ(Classifier{{}}.classify(request, {}).reason(), "finding:EMAIL");
}

TEST(Classifier, ManyThreadsShareOne) {
    const Classifier classifier{{.dictionary = {{"Project Bluefin"}}}};
    const auto request = asking("project bluefin, 4111 1111 1111 1111, anna@berg.net");
    std::vector<std::size_t> counts(4);
    {
        std::vector<std::jthread> threads;
        for (auto& count : counts)
            threads.emplace_back([&] {
                for (int i = 0; i < 200; ++i) count += classifier.classify(request, {}).findings().size();
            });
    }
    EXPECT_EQ(counts, (std::vector<std::size_t>(4, 600)));
}

}  // namespace
}  // namespace sluice::policies
