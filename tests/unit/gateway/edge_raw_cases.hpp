// Byte sequences for edge_raw_test.cpp: what a client sends, the answers it must get, and what becomes of the connection.
#pragma once

#include "tests/unit/gateway/edge_fixture.hpp"

#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

namespace sluice::gateway::testing::raw {

enum class After { Open, Closed, FinThenClosed };  // FinThenClosed: the client half-closes after its bytes

struct Case {
    std::string name;
    std::string bytes;
    std::vector<int> statuses;
    After after;
};

inline void PrintTo(const Case& sample, std::ostream* out) {
    *out << sample.name;
}

// Framing of bodies.
std::vector<Case> transfer_encoding();
std::vector<Case> content_length();
std::vector<Case> chunks();
// Everything else of a request.
std::vector<Case> well_formed();
std::vector<Case> request_lines();
std::vector<Case> fields();
std::vector<Case> identity_and_order();

inline const std::string kHost = "Host: sluice.test\r\n";
inline const std::string kEnd = "\r\n";

inline std::string get(const std::string& target, const std::string& headers = "") {
    return "GET " + target + " HTTP/1.1\r\n" + kHost + headers + kEnd;
}
inline std::string post(const std::string& target, const std::string& headers, const std::string& body = "") {
    return "POST " + target + " HTTP/1.1\r\n" + kHost + headers + kEnd + body;
}
inline std::string chunked(const std::string& body, const std::string& headers = "") {
    return post("/echo", "Transfer-Encoding: chunked\r\n" + headers, body);
}
inline const std::string kBearer = "Authorization: Bearer " + std::string(kKey) + "\r\n";
inline const std::string kSmuggled = "GET /ping HTTP/1.1\r\nHost: evil\r\n\r\n";

inline std::string repeat(const std::string& text, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) out += text;
    return out;
}

}  // namespace sluice::gateway::testing::raw
