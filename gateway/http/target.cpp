#include "gateway/http/target.hpp"

#include <algorithm>

namespace sluice::gateway {

namespace {

constexpr Refusal kInvalid{400, "invalid_target", "request target is malformed", {}, false};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int hex_value(char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// Characters a target may hold unencoded (RFC 3986), '%' apart.
bool is_target_char(char c) {
    return is_letter(c) || is_digit(c) || std::string_view("-._~!$&'()*+,;=:@/?").find(c) != std::string_view::npos;
}

bool valid_port(std::string_view port) {
    return port.size() <= 5 && std::all_of(port.begin(), port.end(), is_digit) &&
           (port.size() < 5 || port <= std::string_view("65535"));
}

// "%41" -> 'A'. False for a broken escape, a control character or a backslash, which some would read as a slash.
bool decode_escape(std::string_view escape, char& out) {
    if (escape.size() < 3) return false;
    const int high = hex_value(escape[1]);
    const int low = hex_value(escape[2]);
    if (high < 0 || low < 0) return false;
    const int value = high * 16 + low;
    if (value < 0x20 || value == 0x7f || value == '\\') return false;
    out = static_cast<char>(value);
    return true;
}

bool decode_path(std::string_view raw, Target& out) {
    out.path.reserve(raw.size());
    for (std::size_t at = 0; at < raw.size(); ++at) {
        char c = raw[at];
        if (c == '%') {
            if (!decode_escape(raw.substr(at), c)) return false;
            if (c == '/') out.encoded_slash = std::min(out.encoded_slash, out.path.size());
            at += 2;
        } else if (!is_target_char(c)) {
            return false;
        }
        out.path.push_back(c);
    }
    return true;
}

// "." and ".." would mean another path to whoever normalises: a proxy in front of us, or a reader of the log.
bool has_dot_segment(std::string_view path) {
    for (std::size_t begin = 1; begin <= path.size();) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        const std::string_view segment = path.substr(begin, end - begin);
        if (segment == "." || segment == "..") return true;
        begin = end + 1;
    }
    return false;
}

bool valid_query(std::string_view query) {
    for (std::size_t at = 0; at < query.size(); ++at) {
        if (query[at] == '%') {
            if (query.size() - at < 3 || hex_value(query[at + 1]) < 0 || hex_value(query[at + 2]) < 0) return false;
        } else if (!is_target_char(query[at]) &&
                   std::string_view("[]{}|\\^`\"<>").find(query[at]) == std::string_view::npos) {
            return false;  // brackets and their kin are sent unencoded by many clients and mean nothing here
        }
    }
    return true;
}

bool starts_with_scheme(std::string_view raw, std::string_view scheme) {
    return raw.size() >= scheme.size() && std::equal(scheme.begin(), scheme.end(), raw.begin(), [](char a, char b) {
               return a == (is_letter(b) ? static_cast<char>(b | 0x20) : b);
           });
}

}  // namespace

bool valid_authority(std::string_view authority) {
    if (authority.empty() || authority.size() > 300) return false;
    std::size_t host_end = 0;
    if (authority.front() == '[') {
        host_end = authority.find(']');
        if (host_end == std::string_view::npos || host_end < 3) return false;
        const std::string_view inside = authority.substr(1, host_end - 1);
        if (inside.find(':') == std::string_view::npos) return false;
        if (!std::all_of(inside.begin(), inside.end(),
                         [](char c) { return hex_value(c) >= 0 || c == ':' || c == '.'; })) {
            return false;
        }
        ++host_end;
    } else {
        host_end = std::min(authority.find(':'), authority.size());
        const std::string_view host = authority.substr(0, host_end);
        const auto allowed = [](char c) {
            return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
        };
        if (host.empty() || !std::all_of(host.begin(), host.end(), allowed)) return false;
    }
    if (host_end == authority.size()) return true;
    return authority[host_end] == ':' && valid_port(authority.substr(host_end + 1));
}

std::string_view host_of(std::string_view authority) {
    if (!authority.empty() && authority.front() == '[') return authority.substr(1, authority.find(']') - 1);
    return authority.substr(0, authority.find(':'));
}

std::optional<Refusal> parse_target(std::string_view raw, Target& out) {
    out = Target{};
    for (const std::string_view scheme : {std::string_view("http://"), std::string_view("https://")}) {
        if (!starts_with_scheme(raw, scheme)) continue;
        raw.remove_prefix(scheme.size());
        const std::size_t end = std::min(raw.find_first_of("/?"), raw.size());
        out.authority = raw.substr(0, end);
        if (!valid_authority(out.authority)) return kInvalid;  // also user information: '@' is not allowed in it
        raw.remove_prefix(end);
        break;
    }
    const std::size_t question = std::min(raw.find('?'), raw.size());
    if (question < raw.size()) out.query = raw.substr(question + 1);
    std::string_view path = raw.substr(0, question);
    if (path.empty() && !out.authority.empty()) path = "/";
    if (path.empty() || path.front() != '/' || !decode_path(path, out) || has_dot_segment(out.path) ||
        !valid_query(out.query)) {
        return kInvalid;
    }
    return std::nullopt;
}

}  // namespace sluice::gateway
