#include "local_engine/grammar/ebnf.hpp"

#include "local_engine/grammar/text_cursor.hpp"

#include <map>
#include <string>
#include <utility>

namespace sluice::local_engine {
namespace {

using core::Errc;
using core::Error;
using core::Result;

bool is_name_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_name(char c) {
    return is_name_start(c) || (c >= '0' && c <= '9') || c == '-';
}

class Parser {
public:
    Parser(std::string_view text, const GrammarLimits& limits) : text_(text), grammar_(limits) {}

    Result<GrammarSource> parse() {
        for (skip(true); !text_.at_end() && !error_; skip(true)) rule();
        if (error_) return *error_;
        for (const auto& [name, use] : names_) {
            if (!grammar_.defined(use.first)) return wrong("rule \"" + name + "\" is used but not defined", use.second);
        }
        const auto root = names_.find("root");
        if (root == names_.end()) return wrong("has no rule \"root\"", 0);
        grammar_.root = root->second.first;
        if (grammar_.too_large()) return wrong("is too large", 0);
        return std::move(grammar_);
    }

private:
    static Error wrong(const std::string& detail, std::size_t line) {
        return {Errc::InvalidRequest, line == 0 ? detail : "line " + std::to_string(line) + ": " + detail};
    }
    ExpressionId fail(const std::string& detail) {
        if (!error_) error_ = wrong(detail, text_.line());
        return 0;
    }

    // Space and comments; ends of lines only where a rule cannot end.
    void skip(bool lines) {
        while (!text_.at_end()) {
            const char c = text_.peek();
            if (c == '#') {
                while (!text_.at_end() && text_.peek() != '\n') text_.next();
            } else if (c == ' ' || c == '\t' || c == '\r' || (lines && (c == '\n' || c == ';'))) {
                text_.next();
            } else {
                return;
            }
        }
    }

    std::string name() {
        const std::size_t from = text_.offset();
        if (!is_name_start(text_.peek())) return {};
        while (is_name(text_.peek())) text_.next();
        if (text_.offset() - from > 100) fail("the name of a rule is longer than 100 characters");
        return std::string(text_.slice(from).substr(0, 100));
    }

    RuleId rule_of(const std::string& name) {
        const auto [found, fresh] = names_.try_emplace(name, 0, text_.line());
        if (fresh) found->second.first = grammar_.add_rule();
        return found->second.first;
    }

    void rule() {
        const std::string name_of_rule = name();
        if (name_of_rule.empty()) {
            fail("expected the name of a rule");
            return;
        }
        const RuleId id = rule_of(name_of_rule);
        if (grammar_.too_large()) {
            fail("has too many rules");
            return;
        }
        skip(false);
        if (!text_.take("::=") && !text_.take("=") && !text_.take(":")) {
            fail("expected ::= after the name of a rule");
            return;
        }
        if (grammar_.defined(id)) {
            fail("rule \"" + name_of_rule + "\" is defined twice");
            return;
        }
        skip(true);
        const ExpressionId body = alternatives(0);
        if (error_) return;
        grammar_.define(id, body);
        skip(false);
        const char c = text_.peek();
        if (!text_.at_end() && c != '\n' && c != ';') fail("expected the end of the rule");
    }

    // A line that begins with | continues the rule; so does everything inside brackets.
    ExpressionId alternatives(int depth) {
        std::vector<ExpressionId> choices;
        do {
            skip(true);
            choices.push_back(sequence(depth));
            if (error_) return 0;
        } while (next_is_bar(depth));
        return grammar_.choice(std::move(choices));
    }

    bool next_is_bar(int depth) {
        const TextCursor here = text_;
        skip(true);
        if (text_.take("|")) return true;
        if (depth == 0) text_ = here;
        return false;
    }

    ExpressionId sequence(int depth) {
        std::vector<ExpressionId> parts;
        for (skip(depth > 0); !text_.at_end() && !error_; skip(depth > 0)) {
            const char c = text_.peek();
            if (c == '|' || c == ')' || c == '\n' || c == ';') break;
            parts.push_back(repeated(depth));
        }
        if (parts.empty()) return grammar_.bytes("");
        return grammar_.sequence(std::move(parts));
    }

    ExpressionId repeated(int depth) {
        ExpressionId part = single(depth);
        for (int marks = 0; !error_; ++marks) {
            if (text_.take("*")) part = grammar_.repeat(part, 0, -1);
            else if (text_.take("+")) part = grammar_.repeat(part, 1, -1);
            else if (text_.take("?")) part = grammar_.optional(part);
            else if (text_.take("{")) part = counted(part);
            else return part;
            if (marks > 4) return fail("has too many repetition marks in a row");
        }
        return part;
    }

    ExpressionId counted(ExpressionId part) {
        const std::string bound = "repetition counts must be numbers up to " + std::to_string(grammar_.limits().repeats);
        skip(false);
        const auto least = text_.number(grammar_.limits().repeats);
        if (!least) return fail(bound);
        std::int32_t most = *least;
        skip(false);
        if (text_.take(",")) {
            skip(false);
            most = -1;
            if (text_.peek() != '}') {
                const auto given = text_.number(grammar_.limits().repeats);
                if (!given) return fail(bound);
                most = *given;
                if (most < *least) return fail("a repetition's largest count is below its smallest");
            }
            skip(false);
        }
        if (!text_.take("}")) return fail("expected } after a repetition count");
        return grammar_.repeat(part, *least, most);
    }

    ExpressionId single(int depth) {
        if (text_.take("(")) {
            if (depth >= grammar_.limits().depth)
                return fail("brackets are nested deeper than " + std::to_string(grammar_.limits().depth));
            const ExpressionId inner = alternatives(depth + 1);
            skip(true);
            if (!error_ && !text_.take(")")) return fail("expected )");
            return inner;
        }
        if (text_.peek() == '"' || text_.peek() == '\'') return literal(text_.next());
        if (text_.take("[")) return character_class();
        if (text_.take(".")) return grammar_.set({{0, 0x10FFFF}});
        const std::string called = name();
        if (called.empty()) return fail("expected a literal, a class, a bracket or the name of a rule");
        return grammar_.call(rule_of(called));
    }

    ExpressionId literal(char quote) {
        std::string bytes;
        while (!text_.at_end() && text_.peek() != quote) {
            if (text_.peek() == '\n') return fail("a literal must end on its line");
            if (text_.peek() == '\\' && text_.peek(1) == 'x') {  // a byte, not a character
                text_.take("\\x");
                const auto byte = text_.hex(2);
                if (!byte) return fail("\\x needs two hexadecimal digits");
                bytes += static_cast<char>(*byte);
                continue;
            }
            const auto code = character();
            if (!code) return 0;
            append_utf8(bytes, *code);
        }
        if (!text_.take(std::string_view(&quote, 1))) return fail("a literal has no end");
        return grammar_.bytes(bytes);
    }

    ExpressionId character_class() {
        const bool negate = text_.take("^");
        std::vector<CodeRange> ranges;
        while (!text_.at_end() && text_.peek() != ']') {
            const auto first = character();
            if (!first) return 0;
            std::uint32_t last = *first;
            if (text_.peek() == '-' && text_.peek(1) != ']') {
                text_.next();
                const auto end = character();
                if (!end) return 0;
                last = *end;
            }
            if (last < *first) return fail("a range of a class ends before it begins");
            ranges.push_back({*first, last});
        }
        if (!text_.take("]")) return fail("a class has no end");
        return grammar_.set(tidy_ranges(std::move(ranges), negate));
    }

    std::optional<std::uint32_t> character() {
        if (!text_.take("\\")) {
            const auto plain = text_.character();
            if (!plain) fail("is not valid UTF-8");
            return plain;
        }
        if (text_.at_end()) return fail("ends in an escape"), std::nullopt;
        const char c = text_.next();
        std::optional<std::uint32_t> code;
        if (c == 'x') code = text_.hex(2);
        else if (c == 'u') code = text_.hex(4);
        else if (c == 'U') code = text_.hex(8);
        else if (c == 'n') code = '\n';
        else if (c == 't') code = '\t';
        else if (c == 'r') code = '\r';
        else if (std::string_view("\\\"'[]^-./|(){}*+?").find(c) != std::string_view::npos) code = static_cast<unsigned char>(c);
        const bool surrogate = code && *code >= 0xD800 && *code <= 0xDFFF;
        if (!code || *code > 0x10FFFF || surrogate) return fail("has an escape that is not known"), std::nullopt;
        return code;
    }

    TextCursor text_;
    GrammarSource grammar_;
    std::map<std::string, std::pair<RuleId, std::size_t>> names_;  // and the line where each was met first
    std::optional<Error> error_;
};

}  // namespace

core::Result<GrammarSource> parse_ebnf(std::string_view text, const GrammarLimits& limits) {
    return Parser(text, limits).parse();
}

}  // namespace sluice::local_engine
