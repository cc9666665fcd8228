// What a scripted upstream does with one request: bytes to send, pauses, and how the connection ends. Builders for the
// good answers of an OpenAI-style service and for every fault that tests need.
#pragma once

#include "core/usage.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::testing {

struct Step {
    enum class Kind {
        Send,    // bytes
        Pause,   // for `pause`, or until the client goes
        Hang,    // until the client goes
        Bill,    // from here on the call counts as billed with `usage`, whether or not the client hears of it
        Finish,  // the client was sent a complete answer
        Close,   // FIN, after this answer
        Reset,   // RST, now
    };
    Kind kind = Kind::Send;
    std::string bytes = {};
    std::chrono::milliseconds pause{0};
    core::Usage usage = {};
};

struct ScriptedAnswer {
    std::vector<Step> steps;

    ScriptedAnswer& send(std::string bytes);
    ScriptedAnswer& pause(std::chrono::milliseconds time);
    ScriptedAnswer& hang();
    ScriptedAnswer& bill(const core::Usage& usage);  // a later one replaces an earlier one of the same call
    ScriptedAnswer& finish();
    ScriptedAnswer& close();
    ScriptedAnswer& reset();
};

// A good answer.
struct Completion {
    std::string content = "Hello from the scripted cloud.";
    int events = 8;  // of a stream that carry content
    core::Usage usage{.prompt = 11, .completion = 7};
    std::optional<std::string> usage_json = std::nullopt;  // sent instead of `usage`: false usage
    bool send_usage = true;
    bool send_done = true;
    std::string model = "scripted-model";
    std::chrono::milliseconds pause_between_events{0};
};

std::string completion_json(const Completion& completion);
// The data of the events of a stream, without framing and without [DONE]: role, content, finish, usage.
std::vector<std::string> completion_chunks(const Completion& completion);
std::string framed(std::string_view data);    // "data: ...\n\n"
std::string chunked(std::string_view bytes);  // one HTTP chunk
std::string head(int status,
                 std::string_view more_fields);  // status line and fields, each ended by CRLF, and the blank line

ScriptedAnswer plain_answer(const Completion& completion);
ScriptedAnswer stream_answer(const Completion& completion);  // all events in one write unless paused between
ScriptedAnswer error_answer(int status, std::string_view body, std::string_view more_fields = {});

// A fault by name, for a plain or a streaming request; nullopt: no such fault. Names: fault_names().
std::optional<ScriptedAnswer> faulty_answer(std::string_view fault, bool stream, const Completion& completion);
const std::vector<std::string>& fault_names();

}  // namespace sluice::testing
