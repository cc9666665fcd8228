#include "policies/sensitivity/conversation_memory.hpp"

#include <gtest/gtest.h>

#include <random>

namespace sluice::policies {
namespace {

using core::DataClass;
using core::Json;
using namespace std::chrono_literals;

core::ChatRequest conversation(const std::vector<std::pair<std::string, std::string>>& turns) {
    Json body{{"model", "m"}, {"messages", Json::array()}};
    for (const auto& [role, text] : turns) body["messages"].push_back({{"role", role}, {"content", text}});
    return core::ChatRequest::from_json(std::move(body)).value();
}

const core::Secret kSecret{"memory secret"};
const std::string kAnswer = "The patient has been treated since March and should rest.";

bool shares_a_label(const std::vector<LabelledText>& a, const std::vector<LabelledText>& b) {
    return std::ranges::any_of(a, [&](const auto& one) {
        return std::ranges::any_of(b, [&](const auto& other) { return one.label == other.label; });
    });
}

TEST(TeamLabels, AnAnswerIsRecognisedInALaterRequestWhateverItsRoleAndSpelling) {
    const TeamLabels labels{kSecret, {1}};
    const auto answer = labels.of_answer(kAnswer);
    ASSERT_EQ(answer.size(), 1U);
    for (const std::string& text : {kAnswer, "  " + kAnswer + "\n",
                                    std::string{"the PATIENT has been **treated** since\n March and should rest."}})
        for (const auto* role : {"assistant", "system", "user"})
            EXPECT_TRUE(shares_a_label(labels.of_request(conversation({{role, text}, {"user", "go on"}})), answer))
                << role << text;
    EXPECT_FALSE(shares_a_label(
        labels.of_request(conversation({{"user", "The patient has been treated since April."}})), answer));
}

TEST(TeamLabels, LongLinesAreRecognisedInsideAnotherText) {
    const TeamLabels labels{kSecret, {1}};
    const std::string line =
        "A longer line of a private answer that somebody puts into a summary of the whole conversation.";
    const auto answer = labels.of_answer("Here it is:\n" + line + "\nBye.");
    EXPECT_TRUE(shares_a_label(
        labels.of_request(conversation({{"system", "Summary so far:\n" + line + "\nContinue."}})), answer));
    EXPECT_TRUE(shares_a_label(labels.of_request(conversation({{"system", line}})), answer));
}

TEST(TeamLabels, TeamsDoNotShareLabelsAndShortTextsHaveNone) {
    EXPECT_FALSE(
        shares_a_label(TeamLabels(kSecret, {1}).of_answer(kAnswer), TeamLabels(kSecret, {2}).of_answer(kAnswer)));
    EXPECT_FALSE(shares_a_label(TeamLabels(kSecret, {1}).of_answer(kAnswer),
                                TeamLabels(core::Secret{"x"}, {1}).of_answer(kAnswer)));
    EXPECT_TRUE(TeamLabels(kSecret, {1}).of_answer("Yes, of course").empty());
    EXPECT_NE(TeamLabels(kSecret, {1}).of_value("4111"), TeamLabels(kSecret, {2}).of_value("4111"));
}

TEST(TeamLabels, EveryPartOfAMessageCounts) {
    const TeamLabels labels{kSecret, {1}};
    Json body{{"model", "m"}, {"messages", Json::array()}};
    body["messages"].push_back(
        {{"role", "user"}, {"content", Json::array({Json{{"type", "text"}, {"text", kAnswer}}})}});
    body["messages"].push_back({{"role", "assistant"},
                                {"content", nullptr},
                                {"tool_calls", Json::array({Json{{"function", {{"arguments", kAnswer}}}}})}});
    const auto request = core::ChatRequest::from_json(std::move(body)).value();
    const auto found = labels.of_request(request);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].label, found[1].label);
    EXPECT_EQ(found[1].message, 1);
}

TEST(TeamLabels, AConversationIsNamedByItsFirstMessage) {
    const TeamLabels labels{kSecret, {1}};
    const auto first = labels.conversation_of(conversation({{"system", "a"}, {"user", "hello"}}));
    EXPECT_EQ(first, labels.conversation_of(conversation({{"user", "hello"}, {"assistant", "hi"}, {"user", "more"}})));
    EXPECT_NE(first, labels.conversation_of(conversation({{"user", "bye"}})));
    EXPECT_NE(first, TeamLabels(kSecret, {2}).conversation_of(conversation({{"user", "hello"}})));
    EXPECT_NE(labels.conversation_key(first, "placeholders").expose(),
              labels.conversation_key(first, "values").expose());
}

TEST(Recollection, MaskedValuesLowerATextOnlyWhenAllOfThemAreMasked) {
    const TeamLabels labels{kSecret, {1}};
    const Remembered answer{.data_class = DataClass::Restricted,
                            .masked_class = DataClass::Internal,
                            .values = {labels.of_value("a@b.de"), labels.of_value("c@d.de")}};
    const Recollection recollection{{answer}};
    EXPECT_EQ(recollection.data_class(), DataClass::Restricted);
    PlaceholderMap map;
    const PlaceholderMaker maker{core::Secret{"c"}};
    maker.place("EMAIL", "a@b.de", map);
    EXPECT_EQ(recollection.data_class_if_masked(map, labels), DataClass::Restricted);
    maker.place("EMAIL", "c@d.de", map);
    EXPECT_EQ(recollection.data_class_if_masked(map, labels), DataClass::Internal);
    const Recollection with_private{
        {answer, {.data_class = DataClass::Confidential, .masked_class = DataClass::Confidential}}};
    EXPECT_EQ(with_private.data_class_if_masked(map, labels), DataClass::Confidential);
    EXPECT_EQ(Recollection{}.data_class(), DataClass::Public);
}

TEST(Remembered, JoiningIsNeverLessSensitive) {
    const Remembered masked{.data_class = DataClass::Restricted, .masked_class = DataClass::Public, .values = {1, 2}};
    const Remembered plain{.data_class = DataClass::Confidential, .masked_class = DataClass::Confidential};
    EXPECT_EQ(join(masked, plain).data_class, DataClass::Restricted);
    EXPECT_EQ(join(masked, plain).masked_class, DataClass::Confidential);
    Remembered many = masked;
    for (std::uint64_t i = 0; i < 600; ++i)
        many = join(many, {.data_class = DataClass::Restricted, .masked_class = DataClass::Public, .values = {i + 10}});
    EXPECT_EQ(many.masked_class, DataClass::Restricted);
    EXPECT_LE(many.values.size(), Remembered::kMostValues);
}

TEST(Remembered, SurvivesEncodingAndDamageIsRefused) {
    const Remembered one{.data_class = DataClass::Restricted,
                         .masked_class = DataClass::Internal,
                         .values = {1, 1ULL << 63U},
                         .conversation = {1, 2, 3}};
    const auto bytes = encode(one);
    EXPECT_EQ(decode_remembered(bytes), one);
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
        const auto half = decode_remembered(bytes.substr(0, cut));
        EXPECT_TRUE(!half || half->values.size() < 2U) << cut;
    }
    std::string bad = bytes;
    bad[1] = '\7';
    EXPECT_FALSE(decode_remembered(bad));
    EXPECT_FALSE(decode_remembered(bytes + std::string(8 * 600, 'x')));
}

constexpr core::TeamId kTeam{7};

TEST(ProcessMemory, KeepsJoinsExpiresAndIsBounded) {
    ProcessMemory memory{64};
    const auto start = ProcessMemory::Clock::now();
    const auto label = [](std::uint8_t i, std::uint8_t j = 0) { return MemoryLabel{i, j}; };
    memory.store(kTeam, label(1), {.data_class = DataClass::Confidential, .masked_class = DataClass::Confidential}, 60s,
                 start);
    memory.store(kTeam, label(1), {.data_class = DataClass::Internal, .masked_class = DataClass::Internal}, 10s, start);
    const std::vector<MemoryLabel> asked{label(2), label(1)};
    auto found = memory.find(asked, start + 30s);
    EXPECT_FALSE(found[0]);
    ASSERT_TRUE(found[1]);
    EXPECT_EQ(found[1]->data_class, DataClass::Confidential);
    EXPECT_FALSE(memory.find(asked, start + 61s)[1]);
    EXPECT_EQ(memory.size(), 0U);
    for (int i = 0; i < 10'000; ++i)
        memory.store(kTeam, label(static_cast<std::uint8_t>(i % 251), static_cast<std::uint8_t>(i / 251)),
                     {.data_class = DataClass::Internal, .masked_class = DataClass::Internal}, 60s, start);
    EXPECT_LE(memory.size(), 64U);
}

TEST(ProcessMemory, SaysOfATeamThatNothingIsKept) {
    ProcessMemory memory;
    const auto start = ProcessMemory::Clock::now();
    const core::TeamId other{8};
    EXPECT_FALSE(memory.may_know(kTeam, start));
    memory.store(kTeam, MemoryLabel{1}, {.data_class = DataClass::Internal, .masked_class = DataClass::Internal}, 60s, start);
    memory.store(kTeam, MemoryLabel{2}, {.data_class = DataClass::Internal, .masked_class = DataClass::Internal}, 10s, start);
    EXPECT_TRUE(memory.may_know(kTeam, start));
    EXPECT_TRUE(memory.may_know(kTeam, start + 59s));
    EXPECT_FALSE(memory.may_know(kTeam, start + 60s));
    EXPECT_FALSE(memory.may_know(other, start));
}

}  // namespace
}  // namespace sluice::policies
