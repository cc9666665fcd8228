#include "providers/openai_protocol.hpp"

#include "providers/answer_error.hpp"
#include "providers/call.hpp"
#include "providers/connection_error.hpp"
#include "providers/request_body.hpp"

#include <boost/beast/core/string.hpp>

#include <algorithm>

namespace sluice::providers {

namespace {

namespace net = core::net;
namespace http = boost::beast::http;
using core::Errc;
using core::Error;
using core::Result;

// Ids are made by us, but a header field is no place to rely on that.
bool is_header_value(std::string_view text) {
    return !text.empty() && text.size() <= 256 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

// The request's own part: fields that differ, the empty line, the body.
std::string rest_of_request(std::string_view request_id, std::string_view body) {
    std::string rest;
    rest.reserve(body.size() + 128);
    if (is_header_value(request_id)) rest.append("x-request-id: ").append(request_id).append("\r\n");
    rest.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n").append(body);
    return rest;
}

}  // namespace

void Call::note(const AnswerFacts& facts) {
    outcome.answer_bytes += facts.text_bytes;
    if (!facts.finish_reason.empty()) outcome.finish_reason = facts.finish_reason;
    if (facts.usage.empty() || false_usage) return;
    const auto usage = facts.usage_twice ? std::nullopt : core::parse_usage(facts.usage);
    false_usage = !usage;
    outcome.usage_known = usage.has_value();
    if (!usage) {
        outcome.usage = {};
        return;
    }
    outcome.usage.prompt = std::max(outcome.usage.prompt, usage->prompt);
    outcome.usage.completion = std::max(outcome.usage.completion, usage->completion);
    outcome.usage.cached = std::max(outcome.usage.cached, usage->cached);
    outcome.usage.reasoning = std::max(outcome.usage.reasoning, usage->reasoning);
}

bool has_media_type(std::string_view content_type, std::string_view wanted) {
    content_type = content_type.substr(0, content_type.find(';'));
    while (content_type.ends_with(' ')) content_type.remove_suffix(1);
    return boost::beast::iequals({content_type.data(), content_type.size()}, {wanted.data(), wanted.size()});
}

OpenAiProtocol::OpenAiProtocol(net::io_context& loop, std::shared_ptr<const OpenAiUpstream> upstream)
    : upstream_(std::move(upstream)),
      client_(loop, upstream_->endpoint(), upstream_->tls(), upstream_->config().timeouts,
              upstream_->config().max_connections) {}

core::awaitable<core::ServeOutcome> OpenAiProtocol::serve(const core::ChatRequest& request,
                                                          const core::ServeOptions& options, core::ReplySink& reply) {
    Call call{request, options, reply};
    try {
        call.outcome.result = co_await exchange(call);
    } catch (const boost::system::system_error& error) {
        // A session that lets cancellation throw.
        const bool aborted = error.code() == net::error::operation_aborted;
        call.outcome.result = aborted ? cancelled() : Error{Errc::Internal, "a system call failed while serving"};
    } catch (const std::exception&) {
        call.outcome.result = Error{Errc::Internal, "an unexpected condition while serving"};
    }
    if (!call.outcome.result) {
        const Errc code = call.outcome.result.error().code;
        const bool final_word = code == Errc::Cancelled || code == Errc::UpstreamRejected || code == Errc::Internal;
        call.outcome.retry_may_help = !call.passed_on && !final_word && !options.deadline.passed();
    }
    co_return std::move(call.outcome);
}

core::awaitable<Result<void>> OpenAiProtocol::exchange(Call& call) {
    if (call.reply.client_gone()) co_return cancelled();
    const bool stream = call.request.stream();
    const std::string rest = rest_of_request(call.options.request_id,
                                             request_body(call.request, call.options, upstream_->config().token_limit));
    auto answer =
        co_await client_.send({upstream_->request_head(call.request.operation()).expose(), rest}, stream ? kMaxStreamBytes : kMaxBodyBytes,
                              call.options.deadline, call.outcome.reached);
    if (!answer) co_return answer.error();
    if (answer->status() != 200) co_return co_await read_error(std::move(*answer));
    call.outcome.answered = true;
    if (stream) co_return co_await read_stream(call, std::move(*answer));
    co_return co_await read_plain(call, std::move(*answer));
}

core::awaitable<Result<void>> OpenAiProtocol::read_error(HttpAnswer answer) {
    const int status = answer.status();
    const auto body = co_await answer.read_all(kMaxErrorBytes);
    if (!body && body.error().code == Errc::Cancelled) co_return body.error();
    auto error = error_of_status(status, answer.field(http::field::retry_after), body ? *body : std::string{});
    if (body) HttpAnswer::finish(std::move(answer));
    co_return error;
}

core::awaitable<Result<void>> OpenAiProtocol::read_plain(Call& call, HttpAnswer answer) {
    const auto type = answer.field(http::field::content_type);
    if (!type.empty() && !has_media_type(type, "application/json")) co_return malformed("it is not JSON");
    auto body = answer.body_at_once();  // it may have come with its header
    if (!body) {
        auto all = co_await answer.read_all(kMaxBodyBytes);
        if (!all) co_return all.error();
        body.emplace(std::move(*all));
    }
    HttpAnswer::finish(std::move(answer));

    AnswerFacts facts;
    if (!scan_answer(*body, facts)) co_return malformed("it is not a JSON object");
    if (!facts.error.empty()) co_return error_in_band(facts.error);
    const bool embeds = call.request.operation() == core::Operation::Embeddings;
    if (!embeds && (!facts.has_choices || facts.no_choices)) co_return malformed("it has no choices");
    call.note(facts);
    call.passed_on = true;
    const auto delivered = co_await call.reply.body(std::move(*body));
    if (!delivered) co_return cancelled();
    co_return Result<void>{};
}

}  // namespace sluice::providers
