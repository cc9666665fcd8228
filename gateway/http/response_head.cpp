#include "gateway/http/response_head.hpp"

#include "core/crypto.hpp"
#include "gateway/http/error_response.hpp"
#include "gateway/http/guards.hpp"

#include <array>
#include <charconv>
#include <cstring>
#include <ctime>

namespace sluice::gateway {

namespace {

void append_number(std::string& out, std::size_t value) {
    std::array<char, 24> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    out.append(digits.data(), end);
}

void append_line(std::string& out, std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
}

bool same_name(std::string_view name, std::string_view lower) {
    if (name.size() != lower.size()) return false;
    for (std::size_t i = 0; i < name.size(); ++i) {
        const char c = name[i] >= 'A' && name[i] <= 'Z' ? static_cast<char>(name[i] | 0x20) : name[i];
        if (c != lower[i]) return false;
    }
    return true;
}

constexpr std::array<std::string_view, 6> kOurs{"content-length", "transfer-encoding", "connection",
                                                "date",           "x-request-id",      "content-type"};

// SplitMix64: ids need to be unique, not secret.
class Generator {
public:
    Generator() {
        const std::string seed = core::random_bytes(sizeof state_);
        std::memcpy(state_.data(), seed.data(), sizeof state_);
    }
    std::uint64_t next(std::size_t lane) {
        std::uint64_t z = state_[lane] += 0x9e3779b97f4a7c15U;
        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31U);
    }

private:
    std::array<std::uint64_t, 2> state_{};
};

}  // namespace

void append_head(std::string& out, const ResponseHead& head, std::span<const Header> headers) {
    out.append("HTTP/1.1 ");
    append_number(out, static_cast<std::size_t>(head.status));
    out.append(" ").append(reason_phrase(head.status)).append("\r\n");
    append_line(out, "date", http_date());
    if (!head.content_type.empty()) append_line(out, "content-type", head.content_type);
    if (head.content_length) {
        out.append("content-length: ");
        append_number(out, *head.content_length);
        out.append("\r\n");
    }
    if (head.chunked) out.append("transfer-encoding: chunked\r\n");
    if (head.event_stream) out.append("cache-control: no-cache\r\nx-accel-buffering: no\r\n");
    out.append("x-content-type-options: nosniff\r\n");
    if (!head.request_id.empty()) append_line(out, "x-request-id", head.request_id);
    if (head.persistence == Persistence::Close) out.append("connection: close\r\n");
    if (head.persistence == Persistence::KeepAliveSaid) out.append("connection: keep-alive\r\n");
    for (const Header& header : headers) append_line(out, header.name, header.value);
    out.append("\r\n");
}

bool valid_headers(std::span<const Header> headers) {
    for (const Header& header : headers) {
        if (!valid_header_name(header.name) || !valid_header_value(header.value)) return false;
        for (const std::string_view ours : kOurs) {
            if (same_name(header.name, ours)) return false;
        }
    }
    return true;
}

std::string_view http_date() {
    thread_local std::array<char, 40> text{};
    thread_local std::size_t size = 0;
    thread_local std::time_t made = -1;
    const std::time_t now = std::time(nullptr);
    if (now != made) {
        std::tm parts{};
        gmtime_r(&now, &parts);
        // Names spelled out: strftime's depend on the locale.
        constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
        constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
        const int written = std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                          kDays[static_cast<std::size_t>(parts.tm_wday)], parts.tm_mday,
                                          kMonths[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900,
                                          parts.tm_hour, parts.tm_min, parts.tm_sec);
        size = static_cast<std::size_t>(written);
        made = now;
    }
    return {text.data(), size};
}

std::string make_request_id() {
    thread_local Generator generator;
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::array<char, 36> id{'r', 'e', 'q', '_'};
    char* to = id.data() + 4;
    for (const std::size_t lane : {0U, 1U}) {
        std::uint64_t value = generator.next(lane);
        for (int digit = 0; digit < 16; ++digit, value >>= 4U) *to++ = kDigits[value & 15U];
    }
    return {id.data(), id.size()};
}

}  // namespace sluice::gateway
