// The faults of tests/support/scripted_answer.hpp.
#include "tests/support/scripted_answer.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace sluice::testing {

using namespace std::string_literals;

namespace {

using std::chrono::milliseconds;

struct Request {
    bool stream;
    const Completion& completion;
};
using Make = std::function<ScriptedAnswer(const Request&)>;

constexpr const char* kJson = "Content-Type: application/json\r\n";
constexpr const char* kEvents = "Content-Type: text/event-stream\r\n";

ScriptedAnswer good(const Request& request, const Completion& completion) {
    return request.stream ? stream_answer(completion) : plain_answer(completion);
}

// The good answer as one string, its header and about half of its body.
std::string good_bytes(const Request& request) {
    std::string bytes;
    for (const auto& step : good(request, request.completion).steps) bytes += step.bytes;
    return bytes;
}
std::string good_head(const Request& request) {
    const auto bytes = good_bytes(request);
    return bytes.substr(0, bytes.find("\r\n\r\n") + 4);
}
std::string good_half(const Request& request) {
    const auto bytes = good_bytes(request);
    const auto header = good_head(request).size();
    return bytes.substr(0, header + (bytes.size() - header) / 2);
}

// The good answer billed, sent up to somewhere.
ScriptedAnswer begun(const Request& request, std::string bytes) {
    ScriptedAnswer answer;
    core::Usage usage = request.completion.usage;
    usage.completion = request.stream ? usage.completion / 2 : usage.completion;
    return answer.bill(usage).send(std::move(bytes));
}

// A body of either kind that is not what was asked for, correctly framed.
ScriptedAnswer with_body(const Request& request, std::string body, const std::string& fields = {}) {
    ScriptedAnswer answer;
    return answer
        .send(head(200, (request.stream ? kEvents : kJson) + fields +
                            "Content-Length: " + std::to_string(body.size()) + "\r\n"))
        .send(std::move(body));
}

std::string framed_body(const Request& request) {
    if (!request.stream) return completion_json(request.completion);
    std::string body;
    for (const auto& chunk : completion_chunks(request.completion)) body += framed(chunk);
    return body + framed("[DONE]");
}

Make status(int code, std::string body, std::string fields = {}) {
    return [=](const Request&) { return error_answer(code, body, fields); };
}
Make false_usage(std::string json) {
    return [=](const Request& request) {
        Completion completion = request.completion;
        completion.usage_json = json;
        return good(request, completion);
    };
}
Make raw(std::string bytes) {
    return [=](const Request&) { return ScriptedAnswer{}.send(bytes).close(); };
}

std::string limited(const char* type) {
    return std::string(R"({"error":{"message":"You said: )") + "too many words" + R"(","type":")" + type +
           R"(","code":"rate_limit_exceeded"}})";
}

std::string repeated(const std::string& text, std::size_t count) {
    std::string out;
    out.reserve(text.size() * count);
    for (std::size_t i = 0; i < count; ++i) out += text;
    return out;
}

ScriptedAnswer drip(const Request& request) {
    ScriptedAnswer answer;
    answer.bill(request.completion.usage);
    for (const char byte : good_bytes(request)) answer.send(std::string(1, byte)).pause(milliseconds(20));
    return answer.hang();
}

ScriptedAnswer usage_twice(const Request& request) {
    Completion completion = request.completion;
    if (request.stream) {
        ScriptedAnswer answer = stream_answer(completion);
        auto& bytes = answer.steps.back().kind == Step::Kind::Finish ? answer.steps[answer.steps.size() - 2].bytes
                                                                     : answer.steps.back().bytes;
        Completion wrong = completion;
        wrong.usage = {.prompt = 1, .completion = 1};
        const auto chunks = completion_chunks(wrong);
        bytes.insert(bytes.find(chunked(framed("[DONE]"))), chunked(framed(chunks.back())));
        return answer;
    }
    completion.usage_json = core::dump_json(core::to_json(completion.usage)) +
                            R"(,"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2})";
    return good(request, completion);
}

ScriptedAnswer error_in_band(const Request& request) {
    const std::string error =
        R"({"error":{"message":"the prompt was: secret words","type":"server_error","code":"overloaded"}})";
    if (!request.stream) return with_body(request, error);
    ScriptedAnswer answer;
    const auto chunks = completion_chunks(request.completion);
    answer.bill(request.completion.usage);
    return answer.send(good_head(request) + chunked(framed(chunks[0])) + chunked(framed(chunks[1])) +
                       chunked(framed(error)) + chunked(framed("[DONE]")) + "0\r\n\r\n");
}

ScriptedAnswer giant(const Request& request) {
    // Neither fits: an answer may have 16 MiB, an event 1 MiB. Built in place: copies of it take long under a sanitizer.
    std::string body = request.stream ? "data: {\"x\":\"" : "{\"x\":\"";
    body.append(std::size_t{request.stream ? 2U : 17U} << 20U, 'a').append(request.stream ? "\"}\n\n" : "\"}");
    return with_body(request, std::move(body));
}

const std::vector<std::pair<std::string, Make>>& faults() {
    static const std::vector<std::pair<std::string, Make>> all{
        // Silence and broken connections.
        {"hang-before-header", [](const Request& r) { return ScriptedAnswer{}.bill(r.completion.usage).hang(); }},
        {"hang-after-header", [](const Request& r) { return begun(r, good_head(r)).hang(); }},
        {"hang-mid-body", [](const Request& r) { return begun(r, good_half(r)).hang(); }},
        {"hang-mid-header", [](const Request& r) { return begun(r, good_head(r).substr(0, 20)).hang(); }},
        {"reset-before-header", [](const Request&) { return ScriptedAnswer{}.reset(); }},
        {"close-before-header", [](const Request&) { return ScriptedAnswer{}.close(); }},
        {"close-mid-header", [](const Request& r) { return begun(r, good_head(r).substr(0, 20)).close(); }},
        {"reset-after-header", [](const Request& r) { return begun(r, good_head(r)).pause(milliseconds(30)).reset(); }},
        {"reset-mid-body", [](const Request& r) { return begun(r, good_half(r)).pause(milliseconds(30)).reset(); }},
        {"close-mid-body", [](const Request& r) { return begun(r, good_half(r)).close(); }},
        {"slow-drip", drip},
        // Not HTTP, or wrong HTTP.
        {"garbage", raw("\x16\x03\x01\x00 not http\x00\xff\xfe at all\r\n\r\n"s)},
        {"http2", raw(std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))},
        {"wrong-version", raw("HTTP/3.7 200 OK\r\nContent-Length: 2\r\n\r\n{}")},
        {"status-none", raw("HTTP/1.1 000 Huh\r\nContent-Length: 2\r\n\r\n{}")},
        {"length-too-long",
         [](const Request& r) {
             const auto body = framed_body(r);
             return begun(r, head(200, (r.stream ? kEvents : kJson) +
                                           ("Content-Length: " + std::to_string(body.size() + 100)) + "\r\n") +
                                 (r.stream ? body.substr(0, body.size() / 2) : body))
                 .close();
         }},
        {"length-too-short",
         [](const Request& r) {
             const auto body = framed_body(r);
             return begun(r, head(200, (r.stream ? kEvents : kJson) +
                                           ("Content-Length: " + std::to_string(body.size() / 2)) + "\r\n") +
                                 body);
         }},
        {"length-negative", raw("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}")},
        {"lengths-differ", raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ")},
        {"length-and-chunked",
         raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")},
        {"chunked-twice", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
                              "chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")},
        {"encoding-unknown", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")},
        // Nothing in chunks, cut where Beast alone ends the program (core/net/last_chunk.hpp).
        {"chunks-of-nothing-in-pieces",
         [](const Request&) {
             return ScriptedAnswer{}
                 .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
                 .pause(milliseconds(20))
                 .send("\r")
                 .pause(milliseconds(20))
                 .send("\n")
                 .finish();
         }},
        {"chunk-size-wrong", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")},
        {"chunk-size-huge", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}")},
        {"chunk-extension-flood", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;" +
                                      std::string(200'000, 'x') + "\r\n{}\r\n0\r\n\r\n")},
        {"trailer-flood", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n" +
                              repeated("x: y\r\n", 40'000) + "\r\n")},
        {"header-flood", raw("HTTP/1.1 200 OK\r\n" + repeated("x-flood: 0123456789\r\n", 10'000) + "\r\n")},
        {"header-huge", raw("HTTP/1.1 200 OK\r\nx-huge: " + std::string(100'000, 'x') + "\r\n\r\n")},
        {"informational-flood", raw(repeated("HTTP/1.1 102 Processing\r\n\r\n", 5'000))},
        {"switching-protocols", raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")},
        {"gzip", [](const Request& r) { return with_body(r, "\x1f\x8b\x08 pretends", "Content-Encoding: gzip\r\n"); }},
        // Statuses.
        {"429-seconds", status(429, limited("requests"), "Retry-After: 7\r\n")},
        {"429-date", status(429, limited("tokens"), "Retry-After: Fri, 31 Dec 2100 23:59:59 GMT\r\n")},
        {"429-past-date", status(429, limited("tokens"), "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n")},
        {"429-none", status(429, "")},
        {"429-nonsense", status(429, "slow down", "Retry-After: soon\r\n")},
        {"500", status(500, R"({"error":{"message":"boom: secret words","type":"server_error"}})")},
        {"502", status(502, "<html>bad gateway</html>")},
        {"503-seconds", status(503, "", "Retry-After: 3\r\n")},
        {"529", status(529, R"({"error":{"type":"overloaded_error"}})")},
        {"400",
         status(
             400,
             R"({"error":{"message":"bad prompt: secret words","type":"invalid_request_error","code":"context_length_exceeded"}})")},
        {"401",
         status(401,
                R"({"error":{"message":"wrong key sk-abc","type":"invalid_request_error","code":"invalid_api_key"}})")},
        {"403", status(403, R"({"error":{"type":"permission_denied"}})")},
        {"404", status(404, R"({"error":{"code":"model_not_found"}})")},
        {"422", status(422, R"([{"loc":["body"],"msg":"secret words"}])")},
        {"error-giant", status(500, std::string(300'000, 'x'))},
        {"redirect-301", status(301, "", "Location: http://127.0.0.1:1/elsewhere\r\n")},
        {"redirect-307", status(307, "", "Location: https://elsewhere.invalid/v1\r\n")},
        {"status-204", raw("HTTP/1.1 204 No Content\r\n\r\n")},
        // Well-framed nonsense.
        {"body-empty", [](const Request& r) { return with_body(r, ""); }},
        {"body-garbage",
         [](const Request& r) { return with_body(r, r.stream ? framed("\x01\xff{]") : std::string("\x01\xff{]")); }},
        {"body-not-object",
         [](const Request& r) {
             return with_body(r, r.stream ? framed("[1,2]") + framed("[DONE]") : std::string("[1,2]"));
         }},
        {"body-no-choices",
         [](const Request& r) { return with_body(r, r.stream ? framed("{}") + framed("[DONE]") : std::string("{}")); }},
        {"body-unfinished",
         [](const Request& r) {
             const auto body = completion_json(r.completion);
             return with_body(r, r.stream ? framed(body.substr(0, 40)) : body.substr(0, 40));
         }},
        {"wrong-content-type",
         [](const Request& r) {
             return begun(r, head(200, "Content-Type: text/html\r\nContent-Length: " +
                                           std::to_string(framed_body(r).size()) + "\r\n") +
                                 framed_body(r));
         }},
        {"giant", giant},
        {"no-done",
         [](const Request& r) {
             Completion c = r.completion;
             c.send_done = false;
             return r.stream ? stream_answer(c) : begun(r, good_half(r)).close();
         }},
        {"error-in-band", error_in_band},
        // False usage.
        {"usage-negative", false_usage(R"({"prompt_tokens":-5,"completion_tokens":-1,"total_tokens":-6})")},
        {"usage-huge",
         false_usage(R"({"prompt_tokens":4611686018427387904,"completion_tokens":1000000000000000000000000000000})")},
        {"usage-null", false_usage("null")},
        {"usage-nan", false_usage(R"({"prompt_tokens":NaN,"completion_tokens":1})")},
        {"usage-string", false_usage(R"({"prompt_tokens":"11","completion_tokens":"7"})")},
        {"usage-fraction", false_usage(R"({"prompt_tokens":11.5,"completion_tokens":7})")},
        {"usage-missing",
         [](const Request& r) {
             Completion c = r.completion;
             c.send_usage = false;
             return good(r, c);
         }},
        {"usage-twice", usage_twice},
        // Good answers with something odd about them.
        {"continue-first",
         [](const Request& r) {
             return begun(r, "HTTP/1.1 100 Continue\r\n\r\n" + good_bytes(r)).bill(r.completion.usage).finish();
         }},
        {"http10-until-close",
         [](const Request& r) {
             return begun(r, "HTTP/1.0 200 OK\r\n" + std::string(r.stream ? kEvents : kJson) + "\r\n" + framed_body(r))
                 .bill(r.completion.usage)
                 .finish()
                 .close();
         }},
        {"close-after-answer", [](const Request& r) { return good(r, r.completion).close(); }},
        {"bytes-after-answer",
         [](const Request& r) {
             return begun(r,
                          good_bytes(r) + "HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n{\"choices\":[\"not yours\"]}")
                 .bill(r.completion.usage)
                 .finish();
         }},
        {"cookies",
         [](const Request& r) {
             auto bytes = good_bytes(r);
             bytes.insert(bytes.find("\r\n") + 2, "Set-Cookie: a=b\r\nx-upstream-secret: 1\r\n");
             return begun(r, bytes).bill(r.completion.usage).finish();
         }},
    };
    return all;
}

}  // namespace

std::optional<ScriptedAnswer> faulty_answer(std::string_view fault, bool stream, const Completion& completion) {
    const auto found =
        std::find_if(faults().begin(), faults().end(), [&](const auto& one) { return one.first == fault; });
    if (found == faults().end()) return std::nullopt;
    return found->second({stream, completion});
}

const std::vector<std::string>& fault_names() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> all;
        for (const auto& [name, make] : faults()) all.push_back(name);
        return all;
    }();
    return names;
}

}  // namespace sluice::testing
