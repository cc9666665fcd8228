// The texts of an answer, collected from what the client is sent: for conversation memory and the response scan. Only
// asked for where one of them is on. Bounded: beyond kMostBytes nothing more is kept, and overflowed() says so.
#pragma once

#include "core/json.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::router {

class AnswerText {
public:
    static constexpr std::size_t kMostBytes = std::size_t{4} << 20U;

    void chunk(std::string_view json);
    void body(std::string_view json);

    // Per choice what it says, as conversation memory reads it in a later request (content, then arguments of tool
    // calls, joined by line ends), and its reasoning by itself.
    std::vector<std::string> texts() const;
    bool overflowed() const { return overflowed_; }

private:
    struct Choice {
        std::string content;
        std::string refusal;
        std::string reasoning;
        std::map<std::int64_t, std::string> arguments;  // by tool-call index
    };
    void read(const core::Json& answer, const char* member);
    void add(const core::Json& holder, const char* name, std::string& text);

    std::map<std::int64_t, Choice> choices_;
    std::size_t bytes_ = 0;
    bool overflowed_ = false;
};

}  // namespace sluice::router
