// The OpenAI shapes of an answer: chunks of a stream, or one body.
#pragma once

#include "core/usage.hpp"
#include "local_engine/answer/answer_parser.hpp"
#include "local_engine/serving/mailbox.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::local_engine {

class ReplyWriter {
public:
    // id: of the answer; created: seconds since 1970.
    ReplyWriter(std::string id, std::string model, std::int64_t created, std::size_t choices);

    void tell_logprobs() { tells_logprobs_ = true; }  // the request asked for them
    // Takes answers apart into thoughts, text and calls, as `options` say; `prefill` is what each begins with.
    void understand(const AnswerOptions& options, std::string_view prefill);

    // Chunks for what is new: the role before a choice's first text, text, and the finish reason in a chunk of its own.
    std::vector<std::string> chunks(const News& news);
    std::string usage_chunk(const core::Usage& usage) const;

    // For answers that are not streamed: collects, then the whole chat.completion.
    void keep(const News& news);
    std::string body(const core::Usage& usage) const;

    bool complete() const;                                                          // every choice has ended
    const std::string& finish_reason() const { return choices_[0].finish_reason; }  // of the first choice
    std::size_t text_bytes() const { return text_bytes_; }

private:
    struct Choice {
        bool announced = false;
        std::string text;  // of answers that are not streamed
        std::string thought;
        core::Json calls = core::Json::array();
        std::string finish_reason;
        std::string reports;  // of answers that are not streamed, as elements of logprobs.content
        std::optional<AnswerParser> parser;
        std::vector<AnswerEvent> waiting;  // from the prefill
    };
    std::vector<AnswerEvent> events(Choice& choice, const ChoiceNews& news);
    std::string message(std::size_t index) const;
    static std::string delta(const AnswerEvent& event);
    std::string chunk(std::size_t choice, std::string_view delta, std::string_view finish_reason,
                      std::string_view reports = {}) const;

    std::string head_;  // of every object: id, created, model, as JSON members
    std::vector<Choice> choices_;
    std::size_t text_bytes_ = 0;
    bool tells_logprobs_ = false;
};

}  // namespace sluice::local_engine
