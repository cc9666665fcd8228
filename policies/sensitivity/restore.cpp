#include "policies/sensitivity/restore.hpp"

#include "core/json.hpp"
#include "policies/sensitivity/placeholder_match.hpp"

#include <algorithm>

namespace sluice::policies {

namespace {

// The value as the inside of a JSON string.
std::string escaped(const std::string& value) {
    const std::string quoted = core::dump_json(core::Json(value));
    return quoted.substr(1, quoted.size() - 2);
}

void append_utf8(std::string& out, char32_t c) {
    const auto byte = [&](char32_t value) { out += static_cast<char>(value); };
    if (c < 0x80) {
        byte(c);
    } else if (c < 0x800) {
        byte(0xc0 | c >> 6U);
        byte(0x80 | (c & 0x3fU));
    } else if (c < 0x10000) {
        byte(0xe0 | c >> 12U);
        byte(0x80 | (c >> 6U & 0x3fU));
        byte(0x80 | (c & 0x3fU));
    } else {
        byte(0xf0 | c >> 18U);
        byte(0x80 | (c >> 12U & 0x3fU));
        byte(0x80 | (c >> 6U & 0x3fU));
        byte(0x80 | (c & 0x3fU));
    }
}

// Four hexadecimal digits; nothing else is asked for.
char32_t hex4(std::string_view digits) {
    char32_t value = 0;
    for (const char c : digits) {
        const char lower = static_cast<char>(c | 0x20);
        value = value << 4U | static_cast<char32_t>(c <= '9' ? c - '0' : lower - 'a' + 10);
    }
    return value;
}

bool is_hex(char c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

bool is_high(char32_t c) {
    return c >= 0xd800 && c < 0xdc00;
}
bool is_low(char32_t c) {
    return c >= 0xdc00 && c < 0xe000;
}

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

char simple_escape(char c) {
    switch (c) {
        case 'b': return '\b';
        case 'f': return '\f';
        case 'n': return '\n';
        case 'r': return '\r';
        case 't': return '\t';
        default: return c;  // '"', '\', '/', and whatever else somebody escaped
    }
}

}  // namespace

std::string Restorer::feed(std::string_view piece) {
    std::string out;
    if (kind_ == RestoreIn::Text) text_.append(piece);
    else take(piece, out);
    settle(false, out);
    return out;
}

std::string Restorer::finish() {
    std::string out;
    settle(true, out);
    out += pending_;
    pending_.clear();
    before_ = ' ';
    place_ = Place::Outside;
    return out;
}

void Restorer::append(std::string_view decoded, std::string_view raw) {
    raw_at_.insert(raw_at_.end(), decoded.size(), static_cast<std::uint32_t>(raw_.size()));
    text_.append(decoded);
    raw_.append(raw);
}

// JSON text: strings are decoded, so that a placeholder is found however it is escaped; what is not replaced leaves as
// it was written.
void Restorer::take(std::string_view piece, std::string& out) {
    for (std::size_t i = 0; i < piece.size();) {
        const char c = piece[i];
        if (place_ == Place::InString && (!pending_.empty() || c == '\\')) {
            pending_ += c;
            if (take_escape()) ++i;
            continue;
        }
        ++i;
        if (c != '"') {
            append({&c, 1}, {&c, 1});
            continue;
        }
        settle(true, out);
        out += c;
        before_ = c;
        place_ = place_ == Place::Outside ? Place::InString : Place::Outside;
    }
}

// pending_ got one more byte. False: that byte does not belong to it and was taken off again.
bool Restorer::take_escape() {
    const char last = pending_.back();
    const std::size_t size = pending_.size();
    const std::size_t in_unit = (size - 1) % 6;  // a pair of surrogates is two units of "\uXXXX"
    const bool second = size > 6;
    const auto give_back = [&] {
        pending_.pop_back();
        append(kReplacement, pending_);  // a lone surrogate, or no escape at all
        pending_.clear();
        return false;
    };
    if (in_unit == 0) return last == '\\' ? true : give_back();
    if (in_unit == 1) {
        if (last == 'u') return true;
        if (second) {  // "\ud83d\n": the surrogate stays alone, the next escape goes on by itself
            append(kReplacement, std::string_view{pending_}.substr(0, 6));
            pending_.erase(0, 6);
            const char simple = simple_escape(last);
            append({&simple, 1}, pending_);
            pending_.clear();
            return true;
        }
        const char simple = simple_escape(last);
        append({&simple, 1}, pending_);
        pending_.clear();
        return true;
    }
    if (!is_hex(last)) return give_back();
    if (in_unit < 5) return true;
    const char32_t first = hex4(std::string_view{pending_}.substr(2, 4));
    if (!second && is_high(first)) return true;  // its partner may follow
    std::string decoded;
    if (!second) {
        if (is_low(first)) decoded = kReplacement;
        else append_utf8(decoded, first);
        append(decoded, pending_);
        pending_.clear();
        return true;
    }
    const char32_t next = hex4(std::string_view{pending_}.substr(8, 4));
    if (is_low(next)) {
        append_utf8(decoded, 0x10000 + ((first - 0xd800) << 10U) + (next - 0xdc00));
        append(decoded, pending_);
        pending_.clear();
        return true;
    }
    append(kReplacement, std::string_view{pending_}.substr(0, 6));
    pending_.erase(0, 6);
    if (is_high(next)) return true;
    append_utf8(decoded, next);
    append(decoded, pending_);
    pending_.clear();
    return true;
}

void Restorer::settle(bool final, std::string& out) {
    std::size_t done = 0;  // bytes of text_ that were passed on
    std::size_t at = 0;
    const auto raw_begin = [&](std::size_t i) { return i < raw_at_.size() ? raw_at_[i] : raw_.size(); };
    const auto pass_on = [&](std::size_t end) {
        if (end <= done) return;
        if (kind_ == RestoreIn::Text) out.append(text_, done, end - done);
        else out.append(raw_, raw_begin(done), raw_begin(end) - raw_begin(done));
        before_ = text_[end - 1];
        done = end;
    };
    char before = before_;
    while (at < text_.size()) {
        const char c = text_[at];
        if (detail::may_begin_placeholder(c, before, *map_)) {
            const auto rest = std::string_view{text_}.substr(at);
            const bool whole = rest.size() <= kLongest;
            const auto match = detail::match_placeholder(rest.substr(0, kLongest), *map_, final && whole);
            if (match.kind == detail::PlaceholderMatch::Kind::More && whole && !final) break;
            if (match.kind == detail::PlaceholderMatch::Kind::Yes) {
                pass_on(at + match.kept);
                const std::string& value = match.placeholder->value;
                if (kind_ == RestoreIn::Text) out += value;
                else if (place_ == Place::InString) out += escaped(value);
                else out += core::dump_json(core::Json(value));
                ++restored_;
                at += match.length;
                done = at;
                before = before_ = ']';
                continue;
            }
        }
        before = c;
        ++at;
    }
    pass_on(at);
    text_.erase(0, done);
    if (kind_ == RestoreIn::Text) return;
    const std::uint32_t gone = static_cast<std::uint32_t>(raw_begin(done));
    raw_.erase(0, gone);
    raw_at_.erase(raw_at_.begin(), raw_at_.begin() + static_cast<std::ptrdiff_t>(std::min(done, raw_at_.size())));
    for (auto& begin : raw_at_) begin -= gone;
}

std::string restore(std::string_view text, const std::shared_ptr<const PlaceholderMap>& map, RestoreIn kind,
                    std::size_t* restored) {
    Restorer restorer{map, kind};
    std::string out = restorer.feed(text);
    out += restorer.finish();
    if (restored != nullptr) *restored += restorer.restored();
    return out;
}

}  // namespace sluice::policies
