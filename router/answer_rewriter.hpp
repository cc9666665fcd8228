// Applies a TextFilter to every text of an answer: content, reasoning, refusals, arguments of tool calls, whatever else
// a choice holds; not to ids, roles, types, names and log probabilities. Streams: texts are told apart by choice,
// member and tool-call index, so that a placeholder split over chunks is whole again; what a filter holds back leaves
// with the chunk that has the choice's finish_reason, else in a chunk of its own at the end. An answer no text of which
// changes stays byte for byte as it was. No I/O.
#pragma once

#include "core/json.hpp"
#include "router/text_filter.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::router {

class AnswerRewriter {
public:
    static constexpr std::size_t kMostTexts = 4096;  // of one stream: 16 choices with their tool calls

    explicit AnswerRewriter(MakeFilter make) : make_(std::move(make)) {}

    // A chat.completion.chunk as JSON text.
    std::string chunk(std::string_view json);
    // After the last chunk: a chunk with what is still held back, if anything is.
    std::optional<std::string> rest();
    // A whole chat.completion as JSON text.
    std::string body(std::string json);

private:
    using Path = std::vector<std::string>;  // members; elements of lists by their "index", else their position
    struct Text {
        Path path;
        std::unique_ptr<TextFilter> filter;
    };
    using Texts = std::map<std::string, Text>;

    void filter(core::Json& value, Path& path, std::int64_t choice);
    void finish_choice(core::Json& choice, std::int64_t index);
    void whole(core::Json& value, const std::string& name);
    Text& text_at(const Path& path, std::int64_t choice);
    static void put(core::Json& choice, const Path& path, std::string text);

    MakeFilter make_;
    std::map<std::int64_t, Texts> choices_;
    std::size_t texts_ = 0;
    core::Json envelope_;  // the last chunk without its choices
    bool changed_ = false;
};

// Parses an answer; half of a surrogate pair, which some services send when they cut a stream, becomes U+FFFD.
core::Result<core::Json> parse_answer(std::string_view json);

}  // namespace sluice::router
