// Every fault of the scripted upstream through OpenAiCloud, for plain and for streaming requests.
#include "tests/unit/providers/serving.hpp"

#include <gmock/gmock.h>

#include <map>

namespace sluice::providers {
namespace {

using core::Errc;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ScriptedUpstream;

enum class Known { Yes, No };
struct Expected {
    std::optional<Errc> plain;
    std::optional<Errc> stream;
    Known plain_usage = Known::No;
    Known stream_usage = Known::No;
};
Expected all(Errc code) {
    return {code, code};
}
const Expected kGood{{}, {}, Known::Yes, Known::Yes};
const Expected kGoodWithoutUsage{{}, {}};

const std::map<std::string, Expected>& expectations() {
    static const std::map<std::string, Expected> table{
        {"hang-before-header", all(Errc::Timeout)},
        {"hang-after-header", all(Errc::Timeout)},
        {"hang-mid-body", all(Errc::Timeout)},
        {"hang-mid-header", all(Errc::Timeout)},
        {"slow-drip", all(Errc::Timeout)},
        {"429-seconds", all(Errc::RateLimited)},
        {"429-date", all(Errc::RateLimited)},
        {"429-past-date", all(Errc::RateLimited)},
        {"429-none", all(Errc::RateLimited)},
        {"429-nonsense", all(Errc::RateLimited)},
        {"400", all(Errc::UpstreamRejected)},
        {"404", all(Errc::UpstreamRejected)},
        {"422", all(Errc::UpstreamRejected)},
        {"usage-negative", kGoodWithoutUsage},
        {"usage-huge", kGoodWithoutUsage},
        {"usage-null", kGoodWithoutUsage},
        {"usage-string", kGoodWithoutUsage},
        {"usage-fraction", kGoodWithoutUsage},
        {"usage-missing", kGoodWithoutUsage},
        {"usage-twice", {{}, {}, Known::No, Known::Yes}},
        {"no-done", {Errc::UpstreamFailed, Errc::UpstreamFailed, Known::No, Known::Yes}},
        {"continue-first", kGood},
        {"http10-until-close", kGood},
        {"close-after-answer", kGood},
        {"bytes-after-answer", kGood},
        {"cookies", kGood},
    };
    return table;
}

Expected expected(const std::string& fault) {
    const auto found = expectations().find(fault);
    return found == expectations().end() ? all(Errc::UpstreamFailed) : found->second;
}

struct FaultCase {
    std::string fault;
    bool stream;
};
std::ostream& operator<<(std::ostream& out, const FaultCase& c) {
    return out << c.fault;
}
std::vector<FaultCase> cases() {
    std::vector<FaultCase> out;
    for (const auto& name : testing::fault_names())
        for (const bool stream : {false, true}) out.push_back({name, stream});
    return out;
}

class ProviderFaults : public ::testing::TestWithParam<FaultCase> {};

TEST_P(ProviderFaults, EndInOneClearOutcomeWithinTheBoundAndDoNotTouchTheNextCall) {
    const auto& [fault, stream] = GetParam();
    const Expected want = expected(fault);
    const auto error = stream ? want.stream : want.plain;
    ScriptedUpstream upstream;
    // Only who never answers is waited for in vain: what comes at all must not be taken for late on a busy machine.
    Caller caller(upstream.base_url(), [&](OpenAiConfig& config) {
        if (error != Errc::Timeout) config.timeouts.first_byte = config.timeouts.idle = milliseconds(15'000);
    });

    const auto served = caller.serve(chat("a prompt with secret words [[fault:" + fault + "]]", stream));

    const auto& outcome = served.outcome;
    EXPECT_EQ(served.error(), error) << served.detail();
    EXPECT_TRUE(outcome.reached);
    EXPECT_THAT(served.detail(), Not(HasSubstr("secret words"))) << "texts of upstreams are not passed on";
    const Known usage = stream ? want.stream_usage : want.plain_usage;
    EXPECT_EQ(outcome.usage_known, usage == Known::Yes);
    EXPECT_EQ(outcome.usage, usage == Known::Yes ? (core::Usage{.prompt = 11, .completion = 7}) : core::Usage{});
    if (!served.error()) {
        EXPECT_THAT(served.reply->content(), HasSubstr("Hello from the scripted cloud."));
        EXPECT_EQ(outcome.answer_bytes, served.reply->content().size()) << "the bound for an estimate";
        EXPECT_EQ(outcome.finish_reason, "stop");
        EXPECT_TRUE(outcome.answered);
    } else {
        EXPECT_TRUE(served.reply->body_seen.empty());
        EXPECT_EQ(outcome.retry_may_help, served.reply->calls == 0 && *served.error() != Errc::UpstreamRejected);
        EXPECT_TRUE(outcome.answered || served.reply->calls == 0);
        EXPECT_EQ(outcome.answer_bytes, served.reply->content().size());
    }

    const auto next = caller.serve(chat("x [[nonce:mine-42]]", stream));
    EXPECT_EQ(next.error(), std::nullopt) << next.detail();
    EXPECT_EQ(next.reply->content(), "Hello from the scripted cloud. mine-42");
}

INSTANTIATE_TEST_SUITE_P(All, ProviderFaults, ::testing::ValuesIn(cases()), [](const auto& one) {
    std::string name = one.param.fault + (one.param.stream ? "_stream" : "_plain");
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

TEST(ProviderFaults, EveryExpectationNamesAFault) {
    for (const auto& [name, want] : expectations()) EXPECT_THAT(testing::fault_names(), ::testing::Contains(name));
    EXPECT_GE(testing::fault_names().size(), 60U);
}

TEST(ProviderFaults, RetryAfterIsUnderstoodInAllItsForms) {
    ScriptedUpstream upstream;
    Caller caller(upstream.base_url());
    const auto wait = [&](const std::string& fault) {
        return caller.serve(chat("[[fault:" + fault + "]]", false)).outcome.result.error().retry_after;
    };
    using std::chrono::seconds;
    EXPECT_EQ(wait("429-seconds"), seconds(7));
    EXPECT_EQ(wait("429-date"), seconds(86'400));
    EXPECT_EQ(wait("429-past-date"), seconds(0));
    EXPECT_EQ(wait("429-none"), std::nullopt);
    EXPECT_EQ(wait("429-nonsense"), std::nullopt);
    EXPECT_EQ(wait("503-seconds"), seconds(3));
    EXPECT_EQ(wait("500"), std::nullopt);
}

TEST(ProviderFaults, StatusAndNamesOfAnErrorSurvive) {
    ScriptedUpstream upstream;
    Caller caller(upstream.base_url());
    const auto served = caller.serve(chat("[[fault:400]]", true));
    EXPECT_EQ(served.outcome.result.error().upstream_status, 400);
    EXPECT_EQ(served.detail(),
              "the upstream answered with status 400 (invalid_request_error, context_length_exceeded)");
    EXPECT_EQ(caller.serve(chat("[[fault:401]]", true)).outcome.result.error().upstream_status, 401);
}

TEST(ProviderFaults, EventsBeforeACutReachTheClientAndAreCounted) {
    ScriptedUpstream upstream;
    Caller caller(upstream.base_url());
    for (const char* fault : {"close-mid-body", "reset-mid-body", "hang-mid-body", "no-done", "error-in-band"}) {
        const auto served = caller.serve(chat(std::string("[[fault:") + fault + "]]", true));
        EXPECT_TRUE(served.error()) << fault;
        EXPECT_GT(served.reply->events_seen.size(), 0U) << fault;
        EXPECT_GT(served.outcome.answer_bytes, 0U) << fault;
        EXPECT_FALSE(served.outcome.retry_may_help) << fault << ": half an answer cannot be restarted";
    }
}

TEST(ProviderFaults, TheDeadlineOfACallHoldsWhateverTheUpstreamDoes) {
    ScriptedUpstream upstream;
    Caller caller(upstream.base_url(), [](OpenAiConfig& config) {
        config.timeouts.first_byte = milliseconds(60'000);
        config.timeouts.idle = milliseconds(60'000);
    });
    for (const char* fault : {"hang-before-header", "hang-mid-header", "hang-mid-body", "slow-drip"}) {
        for (const bool stream : {false, true}) {
            const auto begin = std::chrono::steady_clock::now();
            const auto served = caller.serve(chat(std::string("[[fault:") + fault + "]]", stream), milliseconds(300));
            const auto took = std::chrono::steady_clock::now() - begin;
            EXPECT_EQ(served.error(), Errc::Timeout) << fault;
            EXPECT_FALSE(served.outcome.retry_may_help) << "there is no time left";
            EXPECT_GE(took, milliseconds(300));
            EXPECT_LT(took, milliseconds(30'000)) << "the other limits are not what ends it";
        }
    }
}

}  // namespace
}  // namespace sluice::providers
