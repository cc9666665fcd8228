#include "providers/answer_scanner.hpp"

#include <cstddef>

#include "core/plain_bytes.hpp"

namespace sluice::providers {

namespace {

constexpr int kMaxDepth = 64;

// What surrounds a value, as far as it matters.
enum class Place { Elsewhere, Top, Choices, Choice, Message, IgnoredInChoice };

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

class Scanner {
public:
    Scanner(std::string_view json, AnswerFacts& facts)
        : next_(json.data()), end_(json.data() + json.size()), facts_(facts) {}

    bool run() {
        skip_space();
        if (next_ == end_ || *next_ != '{' || !object(Place::Top, 1)) return false;
        skip_space();
        return next_ == end_;
    }

private:
    void skip_space() {
        while (next_ != end_ && (*next_ == ' ' || *next_ == '\n' || *next_ == '\t' || *next_ == '\r')) ++next_;
    }
    bool take(char c) {
        if (next_ == end_ || *next_ != c) return false;
        ++next_;
        return true;
    }
    bool literal(std::string_view word) {
        if (static_cast<std::size_t>(end_ - next_) < word.size() || std::string_view(next_, word.size()) != word)
            return false;
        next_ += word.size();
        return true;
    }

    bool object(Place place, int depth);
    bool array(Place place, int depth);
    bool value(Place place, int depth, std::string_view key);
    bool member(Place place, int depth, std::string_view key);
    bool number();
    bool digits();
    bool string(std::string_view& raw, std::size_t& decoded_bytes);
    bool escape(std::size_t& decoded_bytes);
    bool multi_byte();

    const char* next_;
    const char* end_;
    AnswerFacts& facts_;
};

bool Scanner::object(Place place, int depth) {
    if (depth > kMaxDepth) return false;
    ++next_;
    skip_space();
    if (take('}')) return true;
    for (;;) {
        std::string_view key;
        std::size_t ignored = 0;
        if (!string(key, ignored)) return false;
        skip_space();
        if (!take(':')) return false;
        skip_space();
        if (!member(place, depth, key)) return false;
        skip_space();
        if (take('}')) return true;
        if (!take(',')) return false;
        skip_space();
    }
}

// Where the members of the OpenAI shape lead; everything else is checked and otherwise ignored.
bool Scanner::member(Place place, int depth, std::string_view key) {
    const char* const begin = next_;
    if (place == Place::Top && key == "choices") {
        facts_.has_choices = next_ != end_ && *next_ == '[';
        return value(facts_.has_choices ? Place::Choices : Place::Elsewhere, depth, key);
    }
    if (place == Place::Top && (key == "usage" || key == "error")) {
        if (!value(Place::Elsewhere, depth, key)) return false;
        const std::string_view text(begin, static_cast<std::size_t>(next_ - begin));
        if (key == "usage" && !facts_.usage.empty()) facts_.usage_twice = true;
        if (text != "null") (key == "usage" ? facts_.usage : facts_.error) = text;
        return true;
    }
    if (place == Place::Choice) return value(key == "logprobs" ? Place::IgnoredInChoice : Place::Message, depth, key);
    return value(place == Place::Top ? Place::Elsewhere : place, depth, key);
}

bool Scanner::array(Place place, int depth) {
    if (depth > kMaxDepth) return false;
    ++next_;
    skip_space();
    const bool empty = take(']');
    if (place == Place::Choices) facts_.no_choices = empty;
    if (empty) return true;
    for (;;) {
        if (!value(place == Place::Choices ? Place::Choice : place, depth, {})) return false;
        skip_space();
        if (take(']')) return true;
        if (!take(',')) return false;
        skip_space();
    }
}

// Strings of a choice that are not generated text.
bool is_label(std::string_view key) {
    return key == "role" || key == "type" || key == "id" || key == "finish_reason" || key == "object";
}

bool Scanner::value(Place place, int depth, std::string_view key) {
    if (next_ == end_) return false;
    switch (*next_) {
        case '{': return object(place, depth + 1);
        case '[': return array(place, depth + 1);
        case '"': {
            std::string_view raw;
            std::size_t bytes = 0;
            if (!string(raw, bytes)) return false;
            if (place == Place::Message) {
                if (!is_label(key)) facts_.text_bytes += bytes;
                else if (key == "finish_reason") facts_.finish_reason = raw;
            }
            return true;
        }
        case 't': return literal("true");
        case 'f': return literal("false");
        case 'n': return literal("null");
        default: return number();
    }
}

bool Scanner::digits() {
    if (next_ == end_ || !is_digit(*next_)) return false;
    while (next_ != end_ && is_digit(*next_)) ++next_;
    return true;
}

bool Scanner::number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (next_ != end_ && (*next_ == 'e' || *next_ == 'E')) {
        ++next_;
        if (!take('+')) take('-');
        return digits();
    }
    return true;
}

bool Scanner::string(std::string_view& raw, std::size_t& decoded_bytes) {
    if (!take('"')) return false;
    const char* const begin = next_;
    for (;;) {
        const std::string_view rest(next_, static_cast<std::size_t>(end_ - next_));
        const std::size_t plain = core::plain_end(rest, 0);
        decoded_bytes += plain;
        next_ += plain;
        if (next_ == end_) return false;
        const auto c = static_cast<unsigned char>(*next_);
        if (c == '"') {
            raw = std::string_view(begin, static_cast<std::size_t>(next_ - begin));
            ++next_;
            return true;
        }
        if (c < 0x20) return false;
        if (c == '\\') {
            if (!escape(decoded_bytes)) return false;
        } else {
            const char* const character = next_;
            if (!multi_byte()) return false;
            decoded_bytes += static_cast<std::size_t>(next_ - character);
        }
    }
}

// \uXXXX counts three bytes, the most it can be: a bound is what is needed.
bool Scanner::escape(std::size_t& decoded_bytes) {
    if (++next_ == end_) return false;
    const char kind = *next_++;
    if (kind != 'u') {
        ++decoded_bytes;
        return std::string_view("\"\\/bfnrt").find(kind) != std::string_view::npos;
    }
    for (int i = 0; i < 4; ++i, ++next_) {
        if (next_ == end_) return false;
        const char digit = static_cast<char>(*next_ | 0x20);
        if (!is_digit(*next_) && !(digit >= 'a' && digit <= 'f')) return false;
    }
    decoded_bytes += 3;
    return true;
}

// One UTF-8 sequence of two to four bytes: no overlong forms, no surrogates, nothing above U+10FFFF.
bool Scanner::multi_byte() {
    const auto at = [this](std::ptrdiff_t i) { return static_cast<unsigned char>(next_[i]); };
    const unsigned char first = at(0);
    const std::ptrdiff_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || end_ - next_ < size) return false;
    for (std::ptrdiff_t i = 1; i < size; ++i)
        if ((at(i) & 0xC0) != 0x80) return false;
    const unsigned char second = at(1);
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) || (first == 0xF0 && second < 0x90) ||
        (first == 0xF4 && second > 0x8F))
        return false;
    next_ += size;
    return true;
}

}  // namespace

bool scan_answer(std::string_view json, AnswerFacts& facts) {
    facts = {};
    return Scanner(json, facts).run();
}

}  // namespace sluice::providers
