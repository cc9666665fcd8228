// The HTTP edge without sockets: bytes go through the parser and every guard, whole and in pieces. Whatever the pieces,
// the outcome must be the same: requests, bodies, and the status of a refusal. Product files:
// gateway/http/{request_parser,guards,target,error_response}.cpp.
#include "gateway/http/guards.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace sluice::gateway;
using Progress = RequestParser::Progress;

constexpr std::size_t kMaxBody = 1000;

// Small limits, so that short inputs reach them.
HttpLimits small_limits() {
    HttpLimits limits;
    limits.max_header_bytes = 600;
    limits.max_target_bytes = 80;
    limits.max_header_fields = 8;
    limits.max_chunk_extension_bytes = 40;
    return limits;
}

void require(bool condition) {
    if (!condition) std::abort();
}

// One request out of `bytes` from `at` on. Says what became of it; false when no other can follow.
bool one_request(std::string_view bytes, std::size_t piece, std::size_t& at, std::vector<std::string>& log) {
    const HttpLimits limits = small_limits();
    HttpRequest request;
    RequestParser parser(request, limits);
    std::string held;
    bool header = true;
    while (true) {
        std::size_t consumed = 0;
        const Progress progress = header ? parser.parse_header(held, consumed) : parser.parse_body(held, consumed);
        require(consumed <= held.size());
        held.erase(0, consumed);
        if (progress == Progress::Refused) {
            const Refusal& refusal = parser.refusal();
            require(refusal.status >= 400 && refusal.status < 600 && !refusal.message.empty());
            log.push_back("refused");  // which of several faults is met first may depend on the pieces
            return false;
        }
        if (progress == Progress::Done && header) {
            Target target;
            if (const auto refusal = check_header(parser, request, target, {})) {
                log.push_back("guard " + std::to_string(refusal->status));
                return false;
            }
            require(!request.path.empty() && request.path.front() == '/');
            require(request.path.find('\0') == std::string::npos && request.path.find("/../") == std::string::npos);
            require(parser.counts().transfer_encoding == 0 ||
                    (parser.chunked() && parser.counts().content_length == 0));
            static_cast<void>(bearer_token(request));
            static_cast<void>(expects_continue(parser, request));
            if (const auto refusal = check_body_header(parser, request, kMaxBody)) {
                log.push_back("body guard " + std::to_string(refusal->status));
                return false;
            }
            parser.limit_body(kMaxBody);
            header = false;
            continue;
        }
        if (progress == Progress::Done) break;
        require(held.size() < limits.max_header_bytes);  // memory is bounded before anybody is identified
        if (at >= bytes.size()) {
            log.push_back("more");
            return false;
        }
        // As a session does: never more than the header limit at once.
        const std::string_view next = bytes.substr(at, std::min(piece, limits.max_header_bytes - held.size()));
        at += next.size();
        held += next;
    }
    require(request.body.size() <= kMaxBody);
    at -= held.size();  // the beginning of the next request
    log.push_back(request.method + " " + request.path + "?" + request.query + " " + request.body);
    return true;
}

std::vector<std::string> all_requests(std::string_view bytes, std::size_t piece) {
    std::vector<std::string> log;
    std::size_t at = 0;
    while (log.size() < 100 && one_request(bytes, piece, at, log)) {
    }
    return log;
}

// A fault in an unfinished header may be seen at once or only at its end.
bool same(std::vector<std::string> a, std::vector<std::string> b) {
    for (auto* log : {&a, &b}) {
        if (!log->empty() && log->back() == "more") log->back() = "refused";
    }
    return a == b;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
    const std::size_t piece = 1 + data[0] % 64U;
    const auto in_pieces = all_requests(bytes, piece);
    const auto one_by_one = all_requests(bytes, 1);
    require(same(in_pieces, one_by_one));
    return 0;
}
