#include "gateway/http/error_response.hpp"

#include "core/json.hpp"

namespace sluice::gateway {

using core::Errc;

namespace {

std::string render(std::string_view message, std::string_view type, std::string_view param, std::string_view code) {
    core::Json error = core::Json::object();
    error["message"] = message;
    error["type"] = type;
    if (param.empty()) {
        error["param"] = nullptr;
    } else {
        error["param"] = param;
    }
    error["code"] = code;
    core::Json whole = core::Json::object();
    whole["error"] = std::move(error);
    return core::dump_json(whole);
}

// What the upstream blamed on the request reaches the client as its own mistake; the rest is between us and the
// provider.
int rejected_status(int upstream) {
    switch (upstream) {
        case 400:
        case 404:
        case 413:
        case 415:
        case 422: return upstream;
        default: return 502;
    }
}

// Unsupported is about a header (media type, coding) or about something asked for in the body.
int unsupported_status(std::string_view field) {
    return field.empty() || field == "content-type" || field == "content-encoding" ? 415 : 501;
}

std::string_view default_message(Errc code) {
    switch (code) {
        case Errc::InvalidRequest: return "the request is malformed";
        case Errc::Unauthorized: return "a valid API key is required: Authorization: Bearer <key>";
        case Errc::BudgetExceeded: return "a budget would be exceeded";
        case Errc::Forbidden: return "this key may not do that";
        case Errc::Refused: return "policy allows no target for this request";
        case Errc::NotFound: return "no such resource";
        case Errc::ModelNotFound: return "no such model";
        case Errc::TooLarge: return "the request is too large";
        case Errc::Unsupported: return "this is not supported";
        case Errc::RateLimited: return "too many requests";
        case Errc::Cancelled: return "the request was cancelled";
        case Errc::UpstreamRejected: return "the provider rejected the request";
        case Errc::UpstreamFailed: return "the provider failed";
        case Errc::Timeout: return "the answer took too long";
        case Errc::Unavailable: return "temporarily unavailable";
        case Errc::Corrupt:
        case Errc::Internal: break;
    }
    return "internal error";
}

}  // namespace

ErrorKind error_kind(const core::Error& error) {
    switch (error.code) {
        case Errc::InvalidRequest: return {400, "invalid_request_error", "invalid_request"};
        case Errc::Unauthorized: return {401, "authentication_error", "invalid_api_key"};
        case Errc::BudgetExceeded: return {402, "insufficient_quota", "budget_exceeded"};
        case Errc::Forbidden: return {403, "permission_error", "forbidden"};
        case Errc::Refused: return {403, "permission_error", "refused_by_policy"};
        case Errc::NotFound: return {404, "invalid_request_error", "not_found"};
        case Errc::ModelNotFound: return {404, "invalid_request_error", "model_not_found"};
        case Errc::TooLarge: return {413, "invalid_request_error", "request_too_large"};
        case Errc::Unsupported: return {unsupported_status(error.field), "invalid_request_error", "unsupported"};
        case Errc::RateLimited: return {429, "rate_limit_error", "rate_limit_exceeded"};
        case Errc::Cancelled: return {503, "api_error", "cancelled"};
        case Errc::UpstreamRejected: {
            const int status = rejected_status(error.upstream_status);
            return {status, status == 502 ? std::string_view("api_error") : "invalid_request_error",
                    "upstream_rejected"};
        }
        case Errc::UpstreamFailed: return {502, "api_error", "upstream_failed"};
        case Errc::Timeout: return {504, "api_error", "timeout"};
        case Errc::Unavailable: return {503, "api_error", "unavailable"};
        case Errc::Corrupt:
        case Errc::Internal: break;
    }
    return {500, "api_error", "internal_error"};
}

std::string error_json(const core::Error& error) {
    const ErrorKind kind = error_kind(error);
    // Details of our own faults are for the operator's log, not for clients.
    const bool private_detail = error.code == Errc::Internal || error.code == Errc::Corrupt;
    std::string message(private_detail || error.detail.empty() ? default_message(error.code)
                                                               : std::string_view(error.detail));
    // Most clients print the message alone: "must be an object" would leave their users guessing.
    const bool names_field = error.code == Errc::InvalidRequest && !error.field.empty() && !error.detail.empty();
    if (names_field) message.insert(0, error.field + ": ");
    return render(message, kind.type, private_detail ? std::string_view() : std::string_view(error.field), kind.code);
}

std::string error_event(const core::Error& error) {
    return "data: " + error_json(error) + "\n\n";
}

std::string error_json(const Refusal& refusal) {
    const std::string_view type =
        refusal.status >= 500 && refusal.status != 501 && refusal.status != 505 ? "api_error" : "invalid_request_error";
    return render(refusal.message, type, refusal.field, refusal.code);
}

std::string_view reason_phrase(int status) {
    switch (status) {
        case 100: return "Continue";
        case 200: return "OK";
        case 201: return "Created";
        case 202: return "Accepted";
        case 204: return "No Content";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 402: return "Payment Required";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 408: return "Request Timeout";
        case 409: return "Conflict";
        case 413: return "Content Too Large";
        case 414: return "URI Too Long";
        case 415: return "Unsupported Media Type";
        case 417: return "Expectation Failed";
        case 421: return "Misdirected Request";
        case 422: return "Unprocessable Content";
        case 429: return "Too Many Requests";
        case 431: return "Request Header Fields Too Large";
        case 499: return "Client Closed Request";
        case 500: return "Internal Server Error";
        case 501: return "Not Implemented";
        case 502: return "Bad Gateway";
        case 503: return "Service Unavailable";
        case 504: return "Gateway Timeout";
        case 505: return "HTTP Version Not Supported";
        default: return status < 400 ? "OK" : "Error";
    }
}

}  // namespace sluice::gateway
