#include "local_engine/grammar/pattern.hpp"

#include "local_engine/grammar/text_cursor.hpp"

#include <optional>
#include <string>
#include <utility>

namespace sluice::local_engine {
namespace {

using core::Errc;
using core::Error;

const std::vector<CodeRange> kDigits{{'0', '9'}};
const std::vector<CodeRange> kWord{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
const std::vector<CodeRange> kSpace{{'\t', '\r'}, {' ', ' '}, {0xA0, 0xA0}, {0x2028, 0x2029}, {0xFEFF, 0xFEFF}};
const std::vector<CodeRange> kLineEnds{{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

class Parser {
public:
    Parser(std::string_view text, GrammarSource& grammar, JsonParts& parts) : text_(text), grammar_(grammar), parts_(parts) {}

    core::Result<ExpressionId> parse() {
        const ExpressionId body = alternatives(0);
        if (!error_ && !text_.at_end()) fail("has a ) without its (");
        if (error_) return *error_;
        return body;
    }

private:
    ExpressionId fail(const std::string& detail) {
        if (!error_) error_ = Error{Errc::InvalidRequest, detail};
        return grammar_.bytes("");
    }

    // Anchors belong to an alternative at the top: elsewhere they would need another machine.
    ExpressionId alternatives(int depth) {
        std::vector<ExpressionId> choices;
        do {
            const bool from_start = depth > 0 || text_.take("^");
            bool to_end = depth > 0;
            std::vector<ExpressionId> parts;
            if (!from_start) parts.push_back(anything());
            while (!text_.at_end() && text_.peek() != '|' && text_.peek() != ')' && !error_) {
                if (depth == 0 && text_.peek() == '$' && (text_.peek(1) == '\0' || text_.peek(1) == '|')) {
                    text_.next();
                    to_end = true;
                    break;
                }
                parts.push_back(repeated(depth));
            }
            if (!to_end) parts.push_back(anything());
            choices.push_back(parts.empty() ? grammar_.bytes("") : grammar_.sequence(std::move(parts)));
        } while (!error_ && text_.take("|"));
        return grammar_.choice(std::move(choices));
    }

    ExpressionId anything() { return grammar_.repeat(parts_.string_character(), 0, -1); }

    ExpressionId repeated(int depth) {
        ExpressionId part = single(depth);
        if (text_.take("*")) part = grammar_.repeat(part, 0, -1);
        else if (text_.take("+")) part = grammar_.repeat(part, 1, -1);
        else if (text_.take("?")) part = grammar_.optional(part);
        else if (text_.peek() == '{') part = counted(part);
        else return part;
        text_.take("?");  // lazy: the same texts match
        const char next = text_.peek();
        if (next == '*' || next == '+' || next == '?' || next == '{') return fail("repeats a repetition");
        return part;
    }

    ExpressionId counted(ExpressionId part) {
        text_.next();
        const std::int32_t limit = grammar_.limits().repeats;
        const std::string bound = "has a repetition count that is not a number up to " + std::to_string(limit);
        const auto least = text_.number(limit);
        if (!least) return fail(bound);
        std::int32_t most = *least;
        if (text_.take(",")) {
            most = -1;
            if (text_.peek() != '}') {
                const auto given = text_.number(limit);
                if (!given || *given < *least) return fail(bound);
                most = *given;
            }
        }
        if (!text_.take("}")) return fail(bound);
        return grammar_.repeat(part, *least, most);
    }

    ExpressionId single(int depth) {
        if (text_.take("(")) {
            if (depth >= grammar_.limits().depth) return fail("nests groups too deep");
            if (text_.take("?:")) {
            } else if (text_.peek() == '?') {
                return fail("uses lookaround or a named group, which is not supported");
            }
            const ExpressionId inner = alternatives(depth + 1);
            if (!error_ && !text_.take(")")) return fail("has a ( without its )");
            return inner;
        }
        if (text_.take("[")) return character_class();
        if (text_.take(".")) return parts_.escaped(tidy_ranges(kLineEnds, true));
        const char c = text_.peek();
        if (c == '^' || c == '$') return fail("has an anchor inside, which is not supported");
        if (c == '*' || c == '+' || c == '?') return fail("repeats nothing");
        const auto set = atom();
        if (!set) return grammar_.bytes("");
        return parts_.escaped(*set);
    }

    ExpressionId character_class() {
        const bool negate = text_.take("^");
        std::vector<CodeRange> ranges;
        while (!text_.at_end() && text_.peek() != ']' && !error_) {
            const auto first = atom();
            if (!first) return grammar_.bytes("");
            const bool range = text_.peek() == '-' && text_.peek(1) != ']' && text_.peek(1) != '\0';
            if (!range) {
                ranges.insert(ranges.end(), first->begin(), first->end());
                continue;
            }
            text_.next();
            const auto last = atom();
            if (!last) return grammar_.bytes("");
            const bool single_ends = first->size() == 1 && last->size() == 1 && first->front().first == first->front().last &&
                                     last->front().first == last->front().last;
            if (!single_ends || first->front().first > last->front().first) return fail("has a range that is not one");
            ranges.push_back({first->front().first, last->front().first});
        }
        if (!text_.take("]")) return fail("has a [ without its ]");
        return parts_.escaped(tidy_ranges(std::move(ranges), negate));
    }

    // One character or a class escape.
    std::optional<std::vector<CodeRange>> atom() {
        const auto one = [](std::uint32_t code) { return std::vector<CodeRange>{{code, code}}; };
        if (!text_.take("\\")) {
            const auto code = text_.character();
            if (!code) return fail("is not valid UTF-8"), std::nullopt;
            return one(*code);
        }
        if (text_.at_end()) return fail("ends in an escape"), std::nullopt;
        const char c = text_.next();
        if (c == 'd') return kDigits;
        if (c == 'D') return tidy_ranges(kDigits, true);
        if (c == 'w') return kWord;
        if (c == 'W') return tidy_ranges(kWord, true);
        if (c == 's') return kSpace;
        if (c == 'S') return tidy_ranges(kSpace, true);
        if (c == 'n') return one('\n');
        if (c == 't') return one('\t');
        if (c == 'r') return one('\r');
        if (c == 'f') return one('\f');
        if (c == 'v') return one('\v');
        if (c == 'x' || c == 'u') {
            const auto code = text_.hex(c == 'x' ? 2 : 4);
            if (code && (*code < 0xD800 || *code > 0xDFFF)) return one(*code);
        } else if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c & 0x80) != 0)) {
            return one(static_cast<unsigned char>(c));
        }
        return fail("has an escape that is not supported (back references and word borders are not)"), std::nullopt;
    }

    TextCursor text_;
    GrammarSource& grammar_;
    JsonParts& parts_;
    std::optional<Error> error_;
};

}  // namespace

core::Result<ExpressionId> parse_pattern(std::string_view pattern, GrammarSource& grammar, JsonParts& parts) {
    if (pattern.size() > 2048) return Error{Errc::InvalidRequest, "is longer than 2048 bytes"};
    return Parser(pattern, grammar, parts).parse();
}

}  // namespace sluice::local_engine
