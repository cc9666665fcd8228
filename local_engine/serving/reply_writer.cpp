#include "local_engine/serving/reply_writer.hpp"

#include "core/json.hpp"

#include <algorithm>
#include <utility>

namespace sluice::local_engine {
namespace {

std::string json_string(std::string_view text) {
    return core::dump_json(core::Json(text));
}

std::string json_or_null(std::string_view text) {
    return text.empty() ? "null" : json_string(text);
}

}  // namespace

// The members are written by hand: a chunk per token is too often for building trees.
ReplyWriter::ReplyWriter(std::string id, std::string model, std::int64_t created, std::size_t choices)
    : head_(R"("id":)" + json_string(id) + R"(,"created":)" + std::to_string(created) + R"(,"model":)" + json_string(model)),
      choices_(choices) {}

std::string ReplyWriter::chunk(std::size_t choice, std::string_view delta, std::string_view finish_reason) const {
    return R"({"object":"chat.completion.chunk",)" + head_ + R"(,"choices":[{"index":)" + std::to_string(choice) +
           R"(,"delta":{)" + std::string(delta) + R"(},"finish_reason":)" + json_or_null(finish_reason) + "}]}";
}

std::vector<std::string> ReplyWriter::chunks(const News& news) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < news.choices.size(); ++i) {
        const ChoiceNews& what = news.choices[i];
        if (what.text.empty() && what.finish_reason.empty()) continue;
        if (!std::exchange(choices_[i].announced, true))
            out.push_back(chunk(i, R"("role":"assistant","content":"")", ""));
        if (!what.text.empty()) out.push_back(chunk(i, R"("content":)" + json_string(what.text), ""));
        if (!what.finish_reason.empty()) out.push_back(chunk(i, "", what.finish_reason));
        choices_[i].finish_reason = what.finish_reason;
        text_bytes_ += what.text.size();
    }
    return out;
}

std::string ReplyWriter::usage_chunk(const core::Usage& usage) const {
    return R"({"object":"chat.completion.chunk",)" + head_ + R"(,"choices":[],"usage":)" +
           core::dump_json(core::to_json(usage)) + "}";
}

void ReplyWriter::keep(const News& news) {
    for (std::size_t i = 0; i < news.choices.size(); ++i) {
        choices_[i].text += news.choices[i].text;
        if (!news.choices[i].finish_reason.empty()) choices_[i].finish_reason = news.choices[i].finish_reason;
        text_bytes_ += news.choices[i].text.size();
    }
}

std::string ReplyWriter::body(const core::Usage& usage) const {
    std::string all;
    for (std::size_t i = 0; i < choices_.size(); ++i) {
        all += (i == 0 ? R"({"index":)" : R"(,{"index":)") + std::to_string(i) +
               R"(,"message":{"role":"assistant","content":)" + json_string(choices_[i].text) +
               R"(},"logprobs":null,"finish_reason":)" + json_or_null(choices_[i].finish_reason) + "}";
    }
    return R"({"object":"chat.completion",)" + head_ + R"(,"choices":[)" + all + R"(],"usage":)" +
           core::dump_json(core::to_json(usage)) + "}";
}

bool ReplyWriter::complete() const {
    return std::ranges::none_of(choices_, [](const Choice& choice) { return choice.finish_reason.empty(); });
}

}  // namespace sluice::local_engine
