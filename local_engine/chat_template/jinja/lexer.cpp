#include "local_engine/chat_template/jinja/lexer.hpp"

#include "local_engine/chat_template/jinja/value.hpp"

#include <algorithm>
#include <cctype>

namespace sluice::local_engine::jinja {
namespace {

bool space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}
bool digit(char c) {
    return c >= '0' && c <= '9';
}
bool name_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

std::string utf8(unsigned code_point) {
    std::string out;
    const auto tail = [&](unsigned shift) { out.push_back(static_cast<char>(0x80U | (code_point >> shift & 0x3FU))); };
    if (code_point < 0x80) {
        out.push_back(static_cast<char>(code_point));
    } else if (code_point < 0x800) {
        out.push_back(static_cast<char>(0xC0U | code_point >> 6U));
        tail(0);
    } else if (code_point < 0x10000) {
        out.push_back(static_cast<char>(0xE0U | code_point >> 12U));
        tail(6);
        tail(0);
    } else {
        out.push_back(static_cast<char>(0xF0U | code_point >> 18U));
        tail(12);
        tail(6);
        tail(0);
    }
    return out;
}

class Lexer {
public:
    explicit Lexer(std::string source) : source_(std::move(source)) {}

    std::vector<Token> run() {
        while (at_ < source_.size()) {
            data();
            if (at_ < source_.size()) tag();
        }
        add(Token::Kind::End, {});
        return std::move(tokens_);
    }

private:
    [[noreturn]] void wrong(const std::string& detail) const { throw Failure(Failure::Kind::Syntax, detail, line()); }

    int line() const {  // rising with each call, so that counting lines stays linear
        for (; counted_ < at_; ++counted_) lines_ += source_[counted_] == '\n' ? 1 : 0;
        return lines_;
    }

    void add(Token::Kind kind, std::string text) { tokens_.push_back({kind, std::move(text), line()}); }
    bool here(std::string_view word) const { return std::string_view(source_).substr(at_).starts_with(word); }

    std::size_t next_tag(std::size_t from) const {
        for (std::size_t i = source_.find('{', from); i != std::string::npos; i = source_.find('{', i + 1)) {
            if (i + 1 < source_.size() && (source_[i + 1] == '{' || source_[i + 1] == '%' || source_[i + 1] == '#')) {
                return i;
            }
        }
        return source_.size();
    }

    void data() {
        const std::size_t tag = next_tag(at_);
        std::string text = source_.substr(at_, tag - at_);
        if (tag < source_.size()) strip_before(text, tag);
        if (!text.empty()) add(Token::Kind::Data, std::move(text));
        at_ = tag;
    }

    // What the tag at `tag` does to the text in front of it.
    void strip_before(std::string& text, std::size_t tag) const {
        const char mark = tag + 2 < source_.size() ? source_[tag + 2] : ' ';
        if (mark == '-') {
            while (!text.empty() && space(text.back())) text.pop_back();
            return;
        }
        if (mark == '+' || source_[tag + 1] == '{') return;
        const std::size_t newline = text.rfind('\n');
        const std::size_t start = newline == std::string::npos ? 0 : newline + 1;
        const bool line_start = newline != std::string::npos || at_ == 0 || source_[at_ - 1] == '\n';
        if (line_start && std::all_of(text.begin() + static_cast<std::ptrdiff_t>(start), text.end(), space)) {
            text.resize(start);
        }
    }

    // After the end of a tag whose last character but two was `mark`.
    void strip_after(char mark, bool trims_newline) {
        if (mark == '-') {
            while (at_ < source_.size() && space(source_[at_])) ++at_;
        } else if (mark != '+' && trims_newline && at_ < source_.size() && source_[at_] == '\n') {
            ++at_;
        }
    }

    void tag() {
        const char kind = source_[at_ + 1];
        if (kind == '#') return comment();
        at_ += 2;
        if (at_ < source_.size() && (source_[at_] == '-' || source_[at_] == '+')) ++at_;
        if (kind == '%' && raw()) return;
        add(kind == '{' ? Token::Kind::OutputBegin : Token::Kind::BlockBegin, {});
        inside(kind == '{' ? "}}" : "%}", kind == '{' ? Token::Kind::OutputEnd : Token::Kind::BlockEnd);
    }

    void comment() {
        const std::size_t end = source_.find("#}", at_ + 2);
        if (end == std::string::npos) wrong("a comment does not end");
        const char mark = end > at_ + 2 ? source_[end - 1] : ' ';
        at_ = end + 2;
        strip_after(mark, true);
    }

    // {% raw %} ... {% endraw %}; false when the tag is another one.
    bool raw() {
        std::size_t at = at_;
        const auto skip_spaces = [&] {
            while (at < source_.size() && space(source_[at])) ++at;
        };
        const auto takes = [&](std::string_view word) {
            if (!std::string_view(source_).substr(at).starts_with(word)) return false;
            at += word.size();
            return true;
        };
        skip_spaces();
        if (!takes("raw")) return false;
        skip_spaces();
        char mark = at < source_.size() ? source_[at] : ' ';
        if (mark == '-' || mark == '+') ++at;
        if (!takes("%}")) return false;
        at_ = at;
        strip_after(mark, true);
        const std::size_t begin = at_;
        for (std::size_t end = source_.find("{%", begin); end != std::string::npos; end = source_.find("{%", end + 2)) {
            at = end + 2;
            if (at < source_.size() && (source_[at] == '-' || source_[at] == '+')) ++at;
            skip_spaces();
            if (!takes("endraw")) continue;
            skip_spaces();
            mark = at < source_.size() ? source_[at] : ' ';
            if (mark == '-' || mark == '+') ++at;
            if (!takes("%}")) continue;
            std::string text = source_.substr(begin, end - begin);
            strip_before(text, end);
            if (!text.empty()) add(Token::Kind::Data, std::move(text));
            at_ = at;
            strip_after(mark, true);
            return true;
        }
        wrong("raw without endraw");
    }

    void inside(std::string_view closing, Token::Kind end) {
        int open = 0;  // brackets of expressions: "}}" may close two dictionaries
        while (at_ < source_.size()) {
            const char c = source_[at_];
            if (space(c)) {
                ++at_;
                continue;
            }
            const bool marked =
                (c == '-' || c == '+') && std::string_view(source_).substr(at_ + 1).starts_with(closing);
            if (open == 0 && (marked || here(closing))) {
                at_ += closing.size() + (marked ? 1 : 0);
                add(end, {});
                return strip_after(marked ? c : ' ', end == Token::Kind::BlockEnd);
            }
            if (name_start(c)) name();
            else if (digit(c)) number();
            else if (c == '"' || c == '\'') string(c);
            else open += operation();
        }
        wrong("a tag does not end");
    }

    void name() {
        std::size_t end = at_;
        while (end < source_.size() && (name_start(source_[end]) || digit(source_[end]))) ++end;
        add(Token::Kind::Name, source_.substr(at_, end - at_));
        at_ = end;
    }

    void number() {
        std::string digits;
        bool fraction = false;
        for (; at_ < source_.size(); ++at_) {
            const char c = source_[at_];
            const bool dot = c == '.' && !fraction && at_ + 1 < source_.size() && digit(source_[at_ + 1]);
            const bool exponent = (c == 'e' || c == 'E') && digits.find_first_of("eE") == std::string::npos &&
                                  at_ + 1 < source_.size() && digit(source_[at_ + 1]);
            if (c == '_') continue;
            if (!digit(c) && !dot && !exponent) break;
            fraction = fraction || dot || exponent;
            digits.push_back(c);
        }
        if (digits.size() > 40) wrong("a number is too long");
        add(fraction ? Token::Kind::Float : Token::Kind::Integer, std::move(digits));
    }

    unsigned hex(std::size_t count) {
        unsigned value = 0;
        for (std::size_t i = 0; i < count; ++i, ++at_) {
            if (at_ >= source_.size() || std::isxdigit(static_cast<unsigned char>(source_[at_])) == 0) {
                wrong("a string has a broken escape");
            }
            value = value * 16 + static_cast<unsigned>(std::stoi(source_.substr(at_, 1), nullptr, 16));
        }
        return value;
    }

    void escape(std::string& text) {
        const char c = source_[at_++];
        switch (c) {
            case 'n': text.push_back('\n'); break;
            case 't': text.push_back('\t'); break;
            case 'r': text.push_back('\r'); break;
            case 'b': text.push_back('\b'); break;
            case 'f': text.push_back('\f'); break;
            case 'v': text.push_back('\v'); break;
            case 'a': text.push_back('\a'); break;
            case '\\':
            case '\'':
            case '"': text.push_back(c); break;
            case '\n': break;
            case 'x': text += utf8(hex(2)); break;
            case 'u': text += utf8(hex(4)); break;
            case 'U': text += utf8(std::min(hex(8), 0x10FFFFU)); break;
            default: text.append({'\\', c});
        }
    }

    void string(char quote) {
        std::string text;
        for (++at_; at_ < source_.size() && source_[at_] != quote;) {
            const char c = source_[at_++];
            if (c == '\\' && at_ < source_.size()) escape(text);
            else text.push_back(c);
        }
        if (at_ >= source_.size()) wrong("a string does not end");
        add(Token::Kind::String, std::move(text));
        ++at_;
    }

    // Returns how it changes the number of open brackets.
    int operation() {
        for (const std::string_view two : {"==", "!=", "<=", ">=", "//", "**"}) {
            if (here(two)) {
                add(Token::Kind::Operator, std::string(two));
                at_ += 2;
                return 0;
            }
        }
        const char c = source_[at_];
        if (std::string_view("+-*/%~<>=.,:|()[]{}").find(c) == std::string_view::npos) {
            wrong("a tag has a character that means nothing there");
        }
        add(Token::Kind::Operator, std::string(1, c));
        ++at_;
        if (c == '(' || c == '[' || c == '{') return 1;
        return c == ')' || c == ']' || c == '}' ? -1 : 0;
    }

    std::string source_;
    std::size_t at_ = 0;
    mutable std::size_t counted_ = 0;
    mutable int lines_ = 1;
    std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokens_of(std::string_view source) {
    if (source.size() > kMaxSource) {
        throw Failure(Failure::Kind::Limit, "the template has " + std::to_string(source.size()) + " bytes; at most " +
                                                std::to_string(kMaxSource) + " are read");
    }
    std::string text;
    text.reserve(source.size());
    for (std::size_t i = 0; i < source.size(); ++i) {  // line ends of every system are newlines
        if (source[i] != '\r') text.push_back(source[i]);
        else if (i + 1 >= source.size() || source[i + 1] != '\n') text.push_back('\n');
    }
    if (text.ends_with('\n')) text.pop_back();
    return Lexer(std::move(text)).run();
}

}  // namespace sluice::local_engine::jinja
