// An OpenAI-style cloud for tests: a raw-socket server on a free port of loopback with a thread of its own. It records
// every byte it receives and keeps a bill of what it answered, to be compared with a ledger.
//
// Without a script it answers well, plain or streaming as asked. Two markers anywhere in a request body change that, so
// that a test can steer it through the gateway: "[[fault:NAME]]" (scripted_answer.hpp) and "[[nonce:TEXT]]", which is
// repeated in the answer's content.
#pragma once

#include "tests/support/scripted_answer.hpp"
#include "tests/support/test_certificates.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::testing {

struct UpstreamRequest {
    std::size_t number = 0;      // over all connections, from 0
    std::size_t connection = 0;  // which connection, from 0
    std::string head;            // request line and fields as received
    std::string body;
    bool stream = false;  // the body asks for a stream

    std::string field(std::string_view name) const;  // value of a header field; empty when absent
};

// Decides what happens to a request. Called on the upstream's thread.
using Script = std::function<ScriptedAnswer(const UpstreamRequest&)>;

// The answer to a request without a script: markers and `completion`.
ScriptedAnswer default_answer(const UpstreamRequest& request, const Completion& completion);

struct BilledCall {
    std::size_t request = 0;
    std::string request_id;  // its x-request-id
    std::string model;
    core::Usage usage;
    bool finished = false;  // a complete answer was handed to the socket
};

struct UpstreamCounts {
    std::size_t connections = 0;  // accepted
    std::size_t open = 0;         // not yet closed by either side
    std::size_t handshakes = 0;   // TLS handshakes that succeeded
    std::size_t requests = 0;     // read completely
    std::size_t finished = 0;     // answered completely
    std::size_t abandoned = 0;    // the client went before the end of the answer
};

class ScriptedUpstream {
public:
    struct Options {
        Script script = {};          // none: default_answer
        Completion completion = {};  // of the default answer
        std::optional<Certificate> tls = std::nullopt;
        bool outdated_tls = false;  // TLS 1.1 at most
        bool keep_bytes = true;     // false: received() stays empty (long runs); counts and bill are kept
    };
    ScriptedUpstream() : ScriptedUpstream(Options{}) {}
    explicit ScriptedUpstream(Options options);
    ScriptedUpstream(const ScriptedUpstream&) = delete;
    ScriptedUpstream& operator=(const ScriptedUpstream&) = delete;
    ~ScriptedUpstream();  // closes everything

    std::uint16_t port() const;
    std::string base_url() const;  // "http://127.0.0.1:PORT/v1", with TLS "https://localhost:PORT/v1"

    void set_script(Script script);  // for requests that arrive later

    // Every byte that clients sent (with TLS: after decryption), connection by connection.
    std::string received() const;
    bool received_contains(std::string_view text) const;
    std::vector<UpstreamRequest> requests() const;
    UpstreamCounts counts() const;
    std::vector<BilledCall> bill() const;

    // Waits until the predicate holds; it is asked after every event. False: it did not within `limit`.
    bool wait_until(const std::function<bool(const UpstreamCounts&)>& predicate,
                    std::chrono::milliseconds limit = std::chrono::seconds(10)) const;

private:
    class Server;
    std::unique_ptr<Server> server_;
};

}  // namespace sluice::testing
