#include "local_engine/serving/reply_writer.hpp"

#include "core/json.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace sluice::local_engine {
namespace {

std::string json_string(std::string_view text) {
    return core::dump_json(core::Json(text));
}

std::string json_or_null(std::string_view text) {
    return text.empty() ? "null" : json_string(text);
}

std::string report_item(const TokenReport::Item& item) {
    std::string bytes;
    for (const char byte : item.bytes) {
        bytes += (bytes.empty() ? "" : ",") + std::to_string(static_cast<unsigned char>(byte));
    }
    // JSON knows no infinity: the OpenAI API says -9999 for what is practically impossible.
    const double value = std::isfinite(item.log_probability) ? static_cast<double>(item.log_probability) : -9999.0;
    return R"("token":)" + json_string(item.bytes) + R"(,"logprob":)" + core::dump_json(core::Json(value)) +
           R"(,"bytes":[)" + bytes + "]";
}

// Elements of logprobs.content, without the brackets.
std::string report_list(const std::vector<TokenReport>& reports) {
    std::string out;
    for (const TokenReport& report : reports) {
        std::string best;
        for (const auto& item : report.best) best += (best.empty() ? "{" : ",{") + report_item(item) + "}";
        out += (out.empty() ? "{" : ",{") + report_item(report.chosen) + R"(,"top_logprobs":[)" + best + "]}";
    }
    return out;
}

}  // namespace

// The members are written by hand: a chunk per token is too often for building trees.
ReplyWriter::ReplyWriter(std::string id, std::string model, std::int64_t created, std::size_t choices)
    : head_(R"("id":)" + json_string(id) + R"(,"created":)" + std::to_string(created) + R"(,"model":)" + json_string(model)),
      choices_(choices) {}

std::string ReplyWriter::chunk(std::size_t choice, std::string_view delta, std::string_view finish_reason,
                               std::string_view reports) const {
    const std::string logprobs =
        !tells_logprobs_   ? std::string()
        : reports.empty()  ? std::string(R"(,"logprobs":null)")
                           : R"(,"logprobs":{"content":[)" + std::string(reports) + R"(],"refusal":null})";
    return R"({"object":"chat.completion.chunk",)" + head_ + R"(,"choices":[{"index":)" + std::to_string(choice) +
           R"(,"delta":{)" + std::string(delta) + "}" + logprobs + R"(,"finish_reason":)" + json_or_null(finish_reason) + "}]}";
}

std::vector<std::string> ReplyWriter::chunks(const News& news) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < news.choices.size(); ++i) {
        const ChoiceNews& what = news.choices[i];
        if (what.text.empty() && what.finish_reason.empty() && what.reports.empty()) continue;
        if (!std::exchange(choices_[i].announced, true))
            out.push_back(chunk(i, R"("role":"assistant","content":"")", ""));
        if (!what.text.empty() || !what.reports.empty())
            out.push_back(chunk(i, R"("content":)" + json_string(what.text), "", report_list(what.reports)));
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
        if (const std::string reports = report_list(news.choices[i].reports); !reports.empty()) {
            choices_[i].reports += (choices_[i].reports.empty() ? "" : ",") + reports;
        }
        if (!news.choices[i].finish_reason.empty()) choices_[i].finish_reason = news.choices[i].finish_reason;
        text_bytes_ += news.choices[i].text.size();
    }
}

std::string ReplyWriter::body(const core::Usage& usage) const {
    std::string all;
    for (std::size_t i = 0; i < choices_.size(); ++i) {
        all += (i == 0 ? R"({"index":)" : R"(,{"index":)") + std::to_string(i) +
               R"(,"message":{"role":"assistant","content":)" + json_string(choices_[i].text) +
               R"(},"logprobs":)" +
               (tells_logprobs_ ? R"({"content":[)" + choices_[i].reports + R"(],"refusal":null})" : "null") +
               R"(,"finish_reason":)" + json_or_null(choices_[i].finish_reason) + "}";
    }
    return R"({"object":"chat.completion",)" + head_ + R"(,"choices":[)" + all + R"(],"usage":)" +
           core::dump_json(core::to_json(usage)) + "}";
}

bool ReplyWriter::complete() const {
    return std::ranges::none_of(choices_, [](const Choice& choice) { return choice.finish_reason.empty(); });
}

}  // namespace sluice::local_engine
