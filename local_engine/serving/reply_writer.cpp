#include "local_engine/serving/reply_writer.hpp"

#include "core/json.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
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
        std::string reports = report_list(what.reports);
        const auto happened = events(choices_[i], what);
        if (happened.empty() && !reports.empty()) out.push_back(chunk(i, R"("content":"")", "", reports));
        for (const AnswerEvent& event : happened) out.push_back(chunk(i, delta(event), "", std::exchange(reports, {})));
        if (!what.finish_reason.empty()) out.push_back(chunk(i, "", choices_[i].finish_reason));
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
        Choice& choice = choices_[i];
        if (const std::string reports = report_list(news.choices[i].reports); !reports.empty())
            choice.reports += (choice.reports.empty() ? "" : ",") + reports;
        for (AnswerEvent& event : events(choice, news.choices[i])) {
            switch (event.kind) {
                case AnswerEvent::Kind::Thought: choice.thought += event.text; break;
                case AnswerEvent::Kind::Text: choice.text += event.text; break;
                case AnswerEvent::Kind::Call:
                    choice.calls.push_back({{"id", event.id},
                                            {"type", "function"},
                                            {"function", {{"name", event.name}, {"arguments", ""}}}});
                    break;
                case AnswerEvent::Kind::Arguments:
                    choice.calls.at(event.call)["function"]["arguments"].get_ref<std::string&>() += event.text;
                    break;
            }
        }
        text_bytes_ += news.choices[i].text.size();
    }
}

std::string ReplyWriter::body(const core::Usage& usage) const {
    std::string all;
    for (std::size_t i = 0; i < choices_.size(); ++i) {
        all += (i == 0 ? R"({"index":)" : R"(,{"index":)") + std::to_string(i) +
               R"(,"message":{"role":"assistant","content":)" + message(i) + R"(},"logprobs":)" +
               (tells_logprobs_ ? R"({"content":[)" + choices_[i].reports + R"(],"refusal":null})" : "null") +
               R"(,"finish_reason":)" + json_or_null(choices_[i].finish_reason) + "}";
    }
    return R"({"object":"chat.completion",)" + head_ + R"(,"choices":[)" + all + R"(],"usage":)" +
           core::dump_json(core::to_json(usage)) + "}";
}

// The message's content and what follows it.
std::string ReplyWriter::message(std::size_t index) const {
    const Choice& choice = choices_[index];
    std::string out = choice.text.empty() && !choice.calls.empty() ? "null" : json_string(choice.text);
    if (!choice.thought.empty()) out += R"(,"reasoning_content":)" + json_string(choice.thought);
    if (!choice.calls.empty()) out += R"(,"tool_calls":)" + core::dump_json(choice.calls);
    return out;
}

void ReplyWriter::understand(const AnswerOptions& options, std::string_view prefill) {
    for (std::size_t i = 0; i < choices_.size(); ++i) {
        AnswerOptions own = options;
        own.id_seed += "/" + std::to_string(i);
        choices_[i].parser.emplace(std::move(own));
        choices_[i].waiting = choices_[i].parser->feed(prefill);
    }
}

// What is new in a choice, which also learns why it ended.
std::vector<AnswerEvent> ReplyWriter::events(Choice& choice, const ChoiceNews& news) {
    std::vector<AnswerEvent> out = std::exchange(choice.waiting, {});
    const auto add = [&](std::vector<AnswerEvent> more) { std::ranges::move(more, std::back_inserter(out)); };
    if (!choice.parser) {
        if (!news.text.empty()) out.push_back({AnswerEvent::Kind::Text, news.text});
    } else if (!news.text.empty()) {
        add(choice.parser->feed(news.text));
    }
    if (news.finish_reason.empty()) return out;
    if (choice.parser) add(choice.parser->finish());
    const bool called = choice.parser && choice.parser->called() && news.finish_reason == "stop";
    choice.finish_reason = called ? "tool_calls" : news.finish_reason;
    return out;
}

std::string ReplyWriter::delta(const AnswerEvent& event) {
    switch (event.kind) {
        case AnswerEvent::Kind::Thought: return R"("reasoning_content":)" + json_string(event.text);
        case AnswerEvent::Kind::Text: return R"("content":)" + json_string(event.text);
        case AnswerEvent::Kind::Call:
            return R"("tool_calls":[{"index":)" + std::to_string(event.call) + R"(,"id":)" + json_string(event.id) +
                   R"(,"type":"function","function":{"name":)" + json_string(event.name) + R"(,"arguments":""}}])";
        case AnswerEvent::Kind::Arguments: break;
    }
    return R"("tool_calls":[{"index":)" + std::to_string(event.call) + R"(,"function":{"arguments":)" +
           json_string(event.text) + "}}]";
}

bool ReplyWriter::complete() const {
    return std::ranges::none_of(choices_, [](const Choice& choice) { return choice.finish_reason.empty(); });
}

}  // namespace sluice::local_engine
