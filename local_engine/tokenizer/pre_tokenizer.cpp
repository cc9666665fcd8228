#include "local_engine/tokenizer/pre_tokenizer.hpp"

#include "local_engine/gguf/printable.hpp"
#include "local_engine/tokenizer/unicode.hpp"

#include <algorithm>
#include <string>

namespace sluice::local_engine {

// The whole text, and the piece [begin, end) that a matcher works on: nothing outside of it is seen. Positions count
// characters; every question about a position outside of the piece is answered "no".
struct CodePoints {
    std::vector<char32_t> characters;
    std::vector<CharClass> classes;
    std::vector<std::uint32_t> offsets;  // of each character in bytes, and the end of the text
    std::uint32_t begin = 0;
    std::uint32_t end = 0;

    explicit CodePoints(std::string_view text) {
        characters.reserve(text.size());
        classes.reserve(text.size());
        offsets.reserve(text.size() + 1);
        for (std::size_t at = 0; at < text.size();) {
            const Character character = first_character(text.substr(at, 4));
            characters.push_back(character.code_point);
            classes.push_back(class_of(character.code_point));
            offsets.push_back(static_cast<std::uint32_t>(at));
            at += character.length;
        }
        offsets.push_back(static_cast<std::uint32_t>(text.size()));
    }

    bool inside(std::uint32_t i) const { return i < end; }
    bool is(std::uint32_t i, char32_t wanted) const { return inside(i) && characters[i] == wanted; }
    bool letter(std::uint32_t i) const { return inside(i) && is_letter(classes[i]); }
    bool mark(std::uint32_t i) const { return inside(i) && classes[i] == CharClass::Mark; }
    bool digit(std::uint32_t i) const { return inside(i) && classes[i] == CharClass::Number; }
    bool space(std::uint32_t i) const { return inside(i) && is_white_space(characters[i]); }
    bool line_end(std::uint32_t i) const { return inside(i) && (characters[i] == '\r' || characters[i] == '\n'); }
    bool punctuation(std::uint32_t i) const { return inside(i) && classes[i] == CharClass::Punctuation; }
    bool punctuation_or_symbol(std::uint32_t i) const {
        return inside(i) && (classes[i] == CharClass::Punctuation || classes[i] == CharClass::Symbol);
    }
    bool ascii_letter(std::uint32_t i) const {
        return inside(i) && ((characters[i] | 0x20U) >= 'a' && (characters[i] | 0x20U) <= 'z');
    }
    // Neither white space, nor letter, nor number.
    bool other(std::uint32_t i) const { return inside(i) && !letter(i) && !digit(i) && !space(i); }
    bool word_prefix(std::uint32_t i) const { return inside(i) && !letter(i) && !digit(i) && !line_end(i); }
    char32_t lower_ascii(std::uint32_t i) const {
        if (!inside(i)) return 0;
        const char32_t character = characters[i];
        return character >= 'A' && character <= 'Z' ? character + 32 : character;
    }
};

namespace {

using Position = std::uint32_t;

// End of the run of characters from `at` on for which `wanted` holds.
template <class Wanted>
Position run(const CodePoints& text, Position at, Wanted wanted) {
    while (text.inside(at) && wanted(at)) ++at;
    return at;
}

Position digits(const CodePoints& text, Position at, Position most) {
    Position end = at;
    while (end - at < most && text.digit(end)) ++end;
    return end;
}

Position letters(const CodePoints& text, Position at) {
    return run(text, at, [&](Position i) { return text.letter(i); });
}

// An apostrophe and one of s t m d re ve ll; `at` when there is none.
Position contraction(const CodePoints& text, Position at) {
    if (!text.is(at, '\'')) return at;
    const char32_t first = text.lower_ascii(at + 1);
    const char32_t second = text.lower_ascii(at + 2);
    if (first == 's' || first == 't' || first == 'm' || first == 'd') return at + 2;
    const bool pair =
        (first == 'r' && second == 'e') || (first == 'v' && second == 'e') || (first == 'l' && second == 'l');
    return pair ? at + 3 : at;
}

Position lower_contraction(const CodePoints& text, Position at) {
    const Position end = contraction(text, at);
    for (Position i = at; i < end; ++i) {
        if (text.characters[i] != text.lower_ascii(i)) return at;
    }
    return end;
}

// White space that is not followed by a word: all of a run but its last character, which belongs to the word after it.
Position spaces_before_word(const CodePoints& text, Position at) {
    const Position end = run(text, at, [&](Position i) { return text.space(i); });
    return end == text.end || end - at < 2 ? end : end - 1;
}

// White space up to the last line end of the run if it has one, else as above.
Position spaces(const CodePoints& text, Position at) {
    const Position end = run(text, at, [&](Position i) { return text.space(i); });
    for (Position i = end; i > at; --i) {
        if (text.line_end(i - 1)) return i;
    }
    return end == text.end || end - at < 2 ? end : end - 1;
}

// Optional space, characters that are neither space nor word, then line ends (and slashes).
Position symbols(const CodePoints& text, Position at, bool slashes) {
    const Position start = text.is(at, ' ') ? at + 1 : at;
    const Position end = run(text, start, [&](Position i) { return text.other(i); });
    if (end == start) return at;
    return run(text, end, [&](Position i) { return text.line_end(i) || (slashes && text.is(i, '/')); });
}

Position llama3(const CodePoints& text, Position at, Position most_digits) {
    if (const Position end = contraction(text, at); end != at) return end;
    const Position start = text.word_prefix(at) ? at + 1 : at;
    if (const Position end = letters(text, start); end != start) return end;
    if (const Position end = digits(text, at, most_digits); end != at) return end;
    if (const Position end = symbols(text, at, false); end != at) return end;
    return spaces(text, at);
}
Position llama_bpe(const CodePoints& text, Position at) {
    return llama3(text, at, 3);
}
Position qwen2(const CodePoints& text, Position at) {
    return llama3(text, at, 1);
}

Position gpt2(const CodePoints& text, Position at) {
    if (const Position end = lower_contraction(text, at); end != at) return end;
    const Position start = text.is(at, ' ') ? at + 1 : at;
    if (const Position end = letters(text, start); end != start) return end;
    if (const Position end = run(text, start, [&](Position i) { return text.digit(i); }); end != start) return end;
    if (const Position end = run(text, start, [&](Position i) { return text.other(i); }); end != start) return end;
    return spaces_before_word(text, at);
}

// Words in which an upper-case letter never follows a lower-case one: "camelCase" is two. As in the reference that our
// vectors come from, case is that of ASCII; other letters count as both, and marks are not part of a word. (The
// published expressions use the case of all of Unicode and let marks join: to follow them, change these two functions.)
bool can_be_upper(const CodePoints& text, Position i) {
    return text.letter(i) && !(text.characters[i] >= 'a' && text.characters[i] <= 'z');
}
bool can_be_lower(const CodePoints& text, Position i) {
    return text.letter(i) && !(text.characters[i] >= 'A' && text.characters[i] <= 'Z');
}

// upper* lower+, taking as much of upper* as leaves one lower; else `at`.
Position ends_lower(const CodePoints& text, Position at) {
    const auto lower = [&](Position i) { return can_be_lower(text, i); };
    const Position upper_end = run(text, at, [&](Position i) { return can_be_upper(text, i); });
    if (const Position end = run(text, upper_end, lower); end != upper_end) return end;
    for (Position i = upper_end; i > at; --i) {
        if (lower(i - 1)) return i;
    }
    return at;
}

// upper+ lower*; else `at`.
Position starts_upper(const CodePoints& text, Position at) {
    const Position upper_end = run(text, at, [&](Position i) { return can_be_upper(text, i); });
    if (upper_end == at) return at;
    return run(text, upper_end, [&](Position i) { return can_be_lower(text, i); });
}

template <Position (*Word)(const CodePoints&, Position)>
Position prefixed(const CodePoints& text, Position at) {
    if (text.word_prefix(at)) {
        if (const Position end = Word(text, at + 1); end != at + 1) return end;
    }
    return Word(text, at);
}

Position cased_word(const CodePoints& text, Position at) {
    if (const Position end = prefixed<ends_lower>(text, at); end != at) return end;
    return prefixed<starts_upper>(text, at);
}

Position gpt4o(const CodePoints& text, Position at) {
    if (const Position end = cased_word(text, at); end != at) return contraction(text, end);
    if (const Position end = digits(text, at, 3); end != at) return end;
    if (const Position end = symbols(text, at, true); end != at) return end;
    return spaces(text, at);
}

Position tekken(const CodePoints& text, Position at) {
    if (const Position end = cased_word(text, at); end != at) return end;
    if (const Position end = digits(text, at, 1); end != at) return end;
    if (const Position end = symbols(text, at, true); end != at) return end;
    return spaces(text, at);
}

Position up_to_three_digits(const CodePoints& text, Position at) {
    return digits(text, at, 3);
}
Position one_digit(const CodePoints& text, Position at) {
    return digits(text, at, 1);
}
Position all_digits(const CodePoints& text, Position at) {
    return run(text, at, [&](Position i) { return text.digit(i); });
}
Position one_line_end(const CodePoints& text, Position at) {
    return text.line_end(at) ? at + 1 : at;
}

bool within(char32_t character, char32_t first, char32_t last) {
    return character >= first && character <= last;
}

Position chinese_and_kana(const CodePoints& text, Position at) {
    return run(text, at, [&](Position i) {
        const char32_t c = text.characters[i];
        return within(c, 0x4E00, 0x9FA5) || within(c, 0x3040, 0x309F) || within(c, 0x30A0, 0x30FF);
    });
}

Position deepseek_v3(const CodePoints& text, Position at) {
    const bool ascii_sign = text.punctuation_or_symbol(at) && text.characters[at] < 128;
    if (ascii_sign && text.ascii_letter(at + 1)) {
        return run(text, at + 1, [&](Position i) { return text.ascii_letter(i); });
    }
    const bool prefix = text.inside(at) && !text.line_end(at) && !text.letter(at) && !text.punctuation_or_symbol(at);
    const auto word = [&](Position i) { return text.letter(i) || text.mark(i); };
    const Position word_start = prefix ? at + 1 : at;
    if (const Position end = run(text, word_start, word); end != word_start) return end;
    if (word(at)) return at + 1;
    const Position start = text.is(at, ' ') ? at + 1 : at;
    const Position end = run(text, start, [&](Position i) { return text.punctuation_or_symbol(i); });
    if (end != start) return run(text, end, [&](Position i) { return text.line_end(i); });
    return spaces(text, at);
}

// Older DeepSeek: optional white space before a run.
template <class Wanted>
Position after_space(const CodePoints& text, Position at, Wanted wanted) {
    const Position start = text.space(at) ? at + 1 : at;
    const Position end = run(text, start, wanted);
    if (end != start) return end;
    return run(text, at, wanted);  // a white-space character may itself be one of the wanted
}

Position spaced_letters(const CodePoints& text, Position at) {
    return after_space(text, at, [&](Position i) { return text.letter(i); });
}
Position spaced_punctuation(const CodePoints& text, Position at) {
    return after_space(text, at, [&](Position i) { return text.punctuation(i); });
}
Position east_asian(const CodePoints& text, Position at) {
    return run(text, at, [&](Position i) {
        const char32_t c = text.characters[i];
        return within(c, 0x4E00, 0x9FA5) || within(c, 0x0800, 0x4E00) || within(c, 0xAC00, 0xD7FF);
    });
}

// Letters with case, of the scripts that this rule's authors listed.
bool deepseek_llm_letter(const CodePoints& text, Position i) {
    const CharClass kind = text.classes[i];
    if (kind != CharClass::Upper && kind != CharClass::Lower && kind != CharClass::Title) return false;
    const char32_t c = text.characters[i];
    if (c < 0x10000) {
        return !within(c, 0x0560, 0x0588) && !within(c, 0x10D0, 0x10FF) && !within(c, 0x1C80, 0x1C88) &&
               !within(c, 0x2D00, 0x2D2D) && !within(c, 0xA790, 0xAB6F);
    }
    return within(c, 0x10400, 0x1044F) || within(c, 0x104B0, 0x104D3) || within(c, 0x104D8, 0x104FB) ||
           within(c, 0x10C80, 0x10CB2) || within(c, 0x10CC0, 0x10CF2) || within(c, 0x118A0, 0x118DF) ||
           within(c, 0x1E900, 0x1E943);
}

Position deepseek_llm_letters(const CodePoints& text, Position at) {
    return after_space(text, at, [&](Position i) { return deepseek_llm_letter(text, i); });
}

Position deepseek_llm_signs(const CodePoints& text, Position at) {
    return after_space(text, at, [&](Position i) {
        const char32_t c = text.characters[i];
        return within(c, '!', '/') || within(c, ':', '~') || within(c, 0xFF01, 0xFF0F) || within(c, 0xFF1A, 0xFF5E) ||
               within(c, 0x2018, 0x201F) || within(c, 0x3000, 0x3002);
    });
}

Position trailing_spaces(const CodePoints& text, Position at) {
    if (at > text.begin && text.space(at - 1)) return at;  // the run was already found not to be at the end
    const Position end = run(text, at, [&](Position i) { return text.space(i); });
    return end == text.end ? end : at;
}

}  // namespace

core::Result<PreTokenizer> PreTokenizer::named(std::string_view name) {
    PreTokenizer rule;
    const auto is = [&](std::initializer_list<std::string_view> names) {
        return std::find(names.begin(), names.end(), name) != names.end();
    };
    if (is({"llama-bpe", "llama3", "llama-v3"})) {
        rule.passes_ = {llama_bpe};
        rule.whole_pieces_first_ = true;
        rule.default_add_bos_ = true;
    } else if (is({"qwen2", "deepseek-r1-qwen"})) {
        rule.passes_ = {qwen2};
    } else if (is({"gpt-4o", "llama4"})) {
        rule.passes_ = {gpt4o};
    } else if (is({"tekken"})) {
        rule.passes_ = {tekken};
        rule.whole_pieces_first_ = true;
        rule.default_add_bos_ = true;
    } else if (is({"deepseek-v3"})) {
        rule.passes_ = {up_to_three_digits, chinese_and_kana, deepseek_v3};
    } else if (is({"deepseek-llm"})) {
        rule.passes_ = {one_line_end,    deepseek_llm_letters, deepseek_llm_signs,
                        trailing_spaces, east_asian,           all_digits};
    } else if (is({"deepseek-coder"})) {
        rule.passes_ = {one_line_end, spaced_letters, spaced_punctuation, east_asian, one_digit};
    } else if (is({"gpt-2"})) {
        rule.passes_ = {gpt2};
    } else {
        return core::Error{core::Errc::Unsupported,
                           "no rule for splitting text as \"" + gguf::printable(name, 40) + "\"", "tokenizer.ggml.pre"};
    }
    return rule;
}

std::vector<std::uint32_t> PreTokenizer::split(std::string_view text) const {
    if (text.empty()) return {};
    CodePoints points(text);
    const auto total = static_cast<Position>(points.characters.size());
    std::vector<Position> pieces{total};  // ends, in characters
    for (const Matcher match : passes_) {
        std::vector<Position> finer;
        finer.reserve(pieces.size());
        points.begin = 0;
        for (const Position piece_end : pieces) {
            points.end = piece_end;
            Position unmatched = points.begin;  // what no match covers is a piece too
            for (Position at = points.begin; at < piece_end;) {
                const Position end = match(points, at);
                if (end == at) {
                    ++at;
                    continue;
                }
                if (unmatched < at) finer.push_back(at);
                finer.push_back(end);
                unmatched = at = end;
            }
            if (unmatched < piece_end) finer.push_back(piece_end);
            points.begin = piece_end;
        }
        pieces = std::move(finer);
    }
    for (Position& end : pieces) end = points.offsets[end];
    return pieces;
}

}  // namespace sluice::local_engine
