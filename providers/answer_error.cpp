#include "providers/answer_error.hpp"

#include "core/json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

namespace sluice::providers {

namespace {

using core::Errc;
using core::Error;
using core::Json;
using std::chrono::seconds;

constexpr seconds kLongestRetryAfter{86'400};

// "rate_limit_exceeded": lower case and underscores only, so that no prompt text can hide in it.
bool is_name(const std::string& text) {
    return !text.empty() && text.size() <= 48 &&
           std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

std::string name_in(const Json& error, const char* member) {
    const auto it = error.find(member);
    if (it == error.end() || !it->is_string() || !is_name(it->get_ref<const std::string&>())) return {};
    return it->get<std::string>();
}

// " (invalid_request_error, context_length_exceeded)", or nothing.
std::string names_of(const Json& error) {
    if (!error.is_object()) return {};
    std::string names = name_in(error, "type");
    const std::string code = name_in(error, "code");
    if (!code.empty() && code != names) names += (names.empty() ? "" : ", ") + code;
    return names.empty() ? names : " (" + names + ")";
}

Json error_member(std::string_view body) {
    auto json = core::parse_json(body);
    if (!json || !json->is_object()) return {};
    const auto it = json->find("error");
    return it == json->end() ? Json{} : *it;
}

Errc code_of_status(int status) {
    if (status == 429) return Errc::RateLimited;
    const bool not_the_clients_fault =
        status == 401 || status == 402 || status == 403 || status == 407 || status == 408;
    return status >= 400 && status < 500 && !not_the_clients_fault ? Errc::UpstreamRejected : Errc::UpstreamFailed;
}

std::optional<int> number(std::string_view text) {
    int value = 0;
    const auto [rest, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc{} || rest != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

// "Sun, 06 Nov 1994 08:49:37 GMT", the only form that is still sent.
std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text) {
    constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    if (text.size() != 29 || text.substr(25) != " GMT" || text[3] != ',' || text[19] != ':' || text[22] != ':')
        return std::nullopt;
    const auto day = number(text.substr(5, 2));
    const auto month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
    const auto year = number(text.substr(12, 4));
    const auto hour = number(text.substr(17, 2));
    const auto minute = number(text.substr(20, 2));
    const auto second = number(text.substr(23, 2));
    if (!day || month == kMonths.end() || !year || !hour || !minute || !second) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year{*year},
                                           std::chrono::month{static_cast<unsigned>(month - kMonths.begin()) + 1},
                                           std::chrono::day{static_cast<unsigned>(*day)}};
    if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
    return std::chrono::sys_days{date} + std::chrono::hours{*hour} + std::chrono::minutes{*minute} + seconds{*second};
}

}  // namespace

std::optional<seconds> parse_retry_after(std::string_view value, std::chrono::system_clock::time_point now) {
    if (value.empty()) return std::nullopt;
    if (std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; }))
        return seconds{std::min(number(value).value_or(86'400), 86'400)};
    const auto date = parse_http_date(value);
    if (!date) return std::nullopt;
    const auto wait = std::chrono::ceil<seconds>(*date - now);
    return std::clamp(wait, seconds::zero(), kLongestRetryAfter);
}

Error error_of_status(int status, std::string_view retry_after, std::string_view body) {
    Error error{code_of_status(status), "the upstream answered with status " + std::to_string(status)};
    error.upstream_status = status;
    error.detail += names_of(error_member(body));
    if (status >= 300 && status < 400) error.detail += " (redirects are not followed)";
    if (status == 429 || status == 503)
        error.retry_after = parse_retry_after(retry_after, std::chrono::system_clock::now());
    return error;
}

Error error_in_band(std::string_view error_json) {
    Error error{Errc::UpstreamFailed, "the upstream reported an error inside its answer"};
    const auto parsed = core::parse_json(error_json);
    if (!parsed) return error;
    error.detail += names_of(*parsed);
    const std::string names = name_in(*parsed, "type") + name_in(*parsed, "code");
    if (names.find("rate_limit") != std::string::npos) error.code = Errc::RateLimited;
    return error;
}

}  // namespace sluice::providers
