// The same edge over TLS: versions and ciphers that are offered, requests, streams, slow and vanishing clients.
#include "core/crypto.hpp"
#include "tests/support/test_certificates.hpp"
#include "tests/unit/gateway/edge_fixture.hpp"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace sluice::gateway::testing {
namespace {

using std::chrono::milliseconds;

class EdgeTls : public ::testing::Test {
protected:
    EdgeTls()
        : folder_(std::filesystem::temp_directory_path() / ("sluice-tls-" + core::to_hex(core::random_bytes(8)))) {
        std::filesystem::create_directory(folder_);
        const auto& good = sluice::testing::test_certificates().good;
        std::ofstream(folder_ / "chain.pem") << good.certificate_pem;
        std::ofstream(folder_ / "key.pem") << good.key_pem;
    }
    ~EdgeTls() override { std::filesystem::remove_all(folder_); }

    ServerConfig config() const {
        ServerConfig config;
        config.tls = TlsFiles{(folder_ / "chain.pem").string(), (folder_ / "key.pem").string()};
        return config;
    }

    std::filesystem::path folder_;
};

TEST_F(EdgeTls, SpeaksBothGoodVersions) {
    TestServer server(config());
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        RawClient client(server.port());
        ASSERT_TRUE(client.start_tls(version));
        EXPECT_EQ(client.tls_version(), version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
        client.send("GET /ping HTTP/1.1\r\nHost: a\r\n\r\n");
        EXPECT_EQ(client.read_answer()->body, "pong");
    }
}

TEST_F(EdgeTls, RefusesOldVersionsAndCiphersWithoutForwardSecrecy) {
    TestServer server(config());
    EXPECT_FALSE(RawClient(server.port()).start_tls(TLS1_VERSION));
    EXPECT_FALSE(RawClient(server.port()).start_tls(TLS1_1_VERSION));
    EXPECT_FALSE(RawClient(server.port()).start_tls(TLS1_2_VERSION, "AES128-GCM-SHA256"));
    EXPECT_FALSE(RawClient(server.port()).start_tls(TLS1_2_VERSION, "ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA"));
    RawClient good(server.port());
    EXPECT_TRUE(good.start_tls(TLS1_2_VERSION));
    EXPECT_EQ(good.tls_cipher().rfind("ECDHE-", 0), 0U);
}

TEST_F(EdgeTls, CarriesLargeBodiesBothWaysAndPipelines) {
    TestServer server(config());
    RawClient client(server.port());
    ASSERT_TRUE(client.start_tls());
    client.send("POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n" + std::string(3'000'000, 'b') +
                "GET /large HTTP/1.1\r\nHost: a\r\n\r\n" + "GET /events/4 HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(client.read_answer()->body, "3000000");
    EXPECT_EQ(client.read_answer()->body.size(), std::size_t{8} << 20U);
    EXPECT_TRUE(client.read_answer()->complete);
}

TEST_F(EdgeTls, PlainHttpOnTheTlsPortIsNotServed) {
    TestServer server(config());
    RawClient client(server.port());
    client.send("GET /ping HTTP/1.1\r\nHost: a\r\n\r\n");
    while (!client.at_end() && client.buffered().size() < 100) {
    }
    EXPECT_EQ(client.buffered().find("HTTP/1.1"), std::string::npos);
}

TEST_F(EdgeTls, AHandshakeThatDoesNotEndIsCut) {
    ServerConfig hurried = config();
    hurried.timeouts.handshake = milliseconds(200);
    TestServer server(hurried);
    RawClient silent(server.port());
    EXPECT_TRUE(silent.at_end());
    RawClient half(server.port());
    half.send(std::string("\x16\x03\x01\x02\x00\x01\x00", 7));
    EXPECT_TRUE(half.at_end());
    EXPECT_EQ(server.server().counters().handshake_errors.load(), 2U);
}

TEST_F(EdgeTls, AVanishedClientEndsItsHandler) {
    TestServer server(config());
    for (std::size_t round = 1; round <= 2; ++round) {
        RawClient client(server.port());
        ASSERT_TRUE(client.start_tls());
        client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
        ASSERT_TRUE(server.witness().wait_for("wait begun", round));
        if (round == 1) client.shutdown_send();  // close_notify and FIN
        else client.reset();
        EXPECT_TRUE(server.witness().wait_for("wait cancelled: client gone", round));
    }
}

TEST_F(EdgeTls, AnErrorIsReadableWhileTheBodyIsStillOnItsWay) {
    TestServer server(config());
    RawClient client(server.port());
    ASSERT_TRUE(client.start_tls());
    client.send("POST /locked HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + std::string(500'000, 'x'));
    EXPECT_EQ(client.read_answer()->status, 401);
    EXPECT_TRUE(client.at_end());
}

TEST_F(EdgeTls, AStreamIsCutWithAnErrorEventOnDrain) {
    TestServer server(config());
    RawClient client(server.port());
    ASSERT_TRUE(client.start_tls());
    client.send("GET /drip?slow HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(client.read_until("data: "));
    server.server().drain(milliseconds(50));
    const auto answer = client.read_answer();
    ASSERT_TRUE(answer);
    EXPECT_FALSE(answer->complete);
    EXPECT_NE(answer->body.find("shutting down"), std::string::npos);
    EXPECT_TRUE(server.server().join());
}

TEST_F(EdgeTls, ABadCertificateStopsTheStart) {
    EventLoops loops(1);
    Witness witness;
    const OneKey keys;
    ServerConfig missing = config();
    missing.port = 0;
    missing.tls->certificate_chain = (folder_ / "none.pem").string();
    EXPECT_EQ(Server(missing, loops, toy_routes(witness), keys).start().error().field, "server.tls_certificate");
    ServerConfig foreign = config();
    foreign.port = 0;
    std::ofstream(folder_ / "other.pem") << sluice::testing::test_certificates().wrong_host.key_pem;
    foreign.tls->private_key = (folder_ / "other.pem").string();
    EXPECT_EQ(Server(foreign, loops, toy_routes(witness), keys).start().error().field, "server.tls_key");
}

}  // namespace
}  // namespace sluice::gateway::testing
