// OpenAiCloud over TLS: whose certificate is accepted, and that nobody else gets a byte.
#include "tests/unit/providers/serving.hpp"

#include <gmock/gmock.h>

namespace sluice::providers {
namespace {

using core::Errc;
using ::testing::HasSubstr;
using testing::ScriptedUpstream;
using testing::test_certificates;
using testing::UpstreamCounts;

class TlsCaller {
public:
    TlsCaller(const ScriptedUpstream& upstream, const std::string& authority)
        : authority_(authority), caller(upstream.base_url(), [&](OpenAiConfig& config) {
              if (!authority.empty()) config.ca_file = authority_.path();
              config.timeouts.handshake = milliseconds(300);
          }) {}

private:
    TemporaryFile authority_;

public:
    Caller caller;
};

TEST(OpenAiBackendTls, AGoodCertificateIsAcceptedAndItsConnectionKept) {
    ScriptedUpstream upstream({.tls = test_certificates().good});
    TlsCaller tls(upstream, test_certificates().authority_pem);
    for (int i = 0; i < 5; ++i) {
        const auto served = tls.caller.serve(chat("hi", i % 2 == 0));
        ASSERT_EQ(served.error(), std::nullopt) << served.detail();
        EXPECT_EQ(served.reply->content(), "Hello from the scripted cloud.");
    }
    EXPECT_EQ(upstream.counts().handshakes, 1U);
}

TEST(OpenAiBackendTls, FaultsAndCancellationBehaveAsOverPlainTcp) {
    ScriptedUpstream upstream({.tls = test_certificates().good});
    TlsCaller tls(upstream, test_certificates().authority_pem);
    EXPECT_EQ(tls.caller.serve(chat("[[fault:hang-mid-body]]", true)).error(), Errc::Timeout);
    EXPECT_EQ(tls.caller.serve(chat("[[fault:reset-mid-body]]", true)).error(), Errc::UpstreamFailed);
    EXPECT_EQ(tls.caller.serve(chat("[[fault:close-mid-body]]", false)).error(), Errc::UpstreamFailed);
    EXPECT_EQ(tls.caller.serve(chat("[[fault:close-after-answer]]", false)).error(), std::nullopt);
    EXPECT_EQ(tls.caller.serve(chat("hi", true)).error(), std::nullopt);
    Served served;
    net::cancellation_signal signal;
    const auto before = upstream.counts();
    tls.caller.start(served, chat("[[fault:hang-mid-body]]", true), milliseconds(60'000), &signal);
    tls.caller.run_until([&] { return served.reply->calls > 0; });
    signal.emit(net::cancellation_type::terminal);
    tls.caller.run_until([&] { return served.finished; });
    EXPECT_EQ(served.error(), Errc::Cancelled);
    EXPECT_TRUE(
        upstream.wait_until([&](const UpstreamCounts& counts) { return counts.abandoned == before.abandoned + 1; }));
}

struct BadTls {
    const char* name;
    std::optional<testing::Certificate> certificate;
    bool trusted;
    bool outdated;
};
class RefusedTls : public ::testing::TestWithParam<BadTls> {};

TEST_P(RefusedTls, GetsNoByteOfPromptOrKey) {
    ScriptedUpstream upstream({.tls = GetParam().certificate, .outdated_tls = GetParam().outdated});
    TlsCaller tls(upstream, GetParam().trusted ? test_certificates().authority_pem : "");
    const auto served = tls.caller.serve(chat("canary-prompt", true));
    EXPECT_EQ(served.error(), Errc::UpstreamFailed) << served.detail();
    EXPECT_FALSE(served.outcome.reached);
    EXPECT_THAT(served.detail(), HasSubstr("TLS"));
    upstream.wait_until([](const UpstreamCounts& counts) { return counts.connections == 1 && counts.open == 0; });
    EXPECT_EQ(upstream.counts().connections, 1U);
    EXPECT_EQ(upstream.received(), "") << "what was received after decryption";
}

INSTANTIATE_TEST_SUITE_P(All, RefusedTls,
                         ::testing::Values(BadTls{"expired", test_certificates().expired, true, false},
                                           BadTls{"wrong_host", test_certificates().wrong_host, true, false},
                                           BadTls{"self_signed", test_certificates().self_signed, true, false},
                                           BadTls{"unknown_authority", test_certificates().good, false, false},
                                           BadTls{"outdated_protocol", test_certificates().good, true, true}),
                         [](const auto& one) { return one.param.name; });

TEST(OpenAiBackendTls, AServerThatDoesNotSpeakTlsGetsNoByteOfPromptOrKey) {
    ScriptedUpstream upstream;
    Caller caller("https://localhost:" + std::to_string(upstream.port()) + "/v1",
                  [](OpenAiConfig& config) { config.timeouts.handshake = milliseconds(200); });
    const auto served = caller.serve(chat("canary-prompt", true));
    EXPECT_EQ(served.error(), Errc::Timeout) << "it waits for a request while we wait for its certificate";
    EXPECT_FALSE(served.outcome.reached);
    EXPECT_FALSE(upstream.received_contains("canary-prompt"));
    EXPECT_FALSE(upstream.received_contains("sk-upstream-key"));
}

}  // namespace
}  // namespace sluice::providers
