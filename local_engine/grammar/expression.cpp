#include "local_engine/grammar/expression.hpp"

#include <algorithm>

namespace sluice::local_engine {

ExpressionId GrammarSource::add(Expression expression) {
    if (expressions_.size() >= limits_.expressions) {
        too_large_ = true;
        return 0;
    }
    expressions_.push_back(std::move(expression));
    return static_cast<ExpressionId>(expressions_.size() - 1);
}

ExpressionId GrammarSource::bytes(std::string_view text) {
    return add({.kind = Expression::Kind::Bytes, .bytes = std::string(text)});
}

ExpressionId GrammarSource::set(std::vector<CodeRange> ranges) {
    return add({.kind = Expression::Kind::Set, .set = tidy_ranges(std::move(ranges), false)});
}

ExpressionId GrammarSource::any_of(std::string_view characters) {
    std::vector<CodeRange> ranges;
    for (const char c : characters) ranges.push_back({static_cast<unsigned char>(c), static_cast<unsigned char>(c)});
    return set(std::move(ranges));
}

ExpressionId GrammarSource::sequence(std::vector<ExpressionId> parts) {
    if (parts.size() == 1) return parts[0];
    return add({.kind = Expression::Kind::Sequence, .parts = std::move(parts)});
}

ExpressionId GrammarSource::choice(std::vector<ExpressionId> parts) {
    if (parts.size() == 1) return parts[0];
    return add({.kind = Expression::Kind::Choice, .parts = std::move(parts)});
}

ExpressionId GrammarSource::repeat(ExpressionId part, std::int32_t least, std::int32_t most) {
    return add({.kind = Expression::Kind::Repeat, .parts = {part}, .least = least, .most = most});
}

ExpressionId GrammarSource::call(RuleId rule) {
    return add({.kind = Expression::Kind::Rule, .rule = rule});
}

RuleId GrammarSource::add_rule() {
    if (rules_.size() >= limits_.rules) {
        too_large_ = true;
        return 0;
    }
    rules_.push_back(-1);
    return static_cast<RuleId>(rules_.size() - 1);
}

std::vector<CodeRange> tidy_ranges(std::vector<CodeRange> ranges, bool negate) {
    std::ranges::sort(ranges, {}, &CodeRange::first);
    std::vector<CodeRange> joined;
    for (const CodeRange& range : ranges) {
        if (range.first > range.last) continue;
        if (!joined.empty() && range.first <= joined.back().last + 1) {
            joined.back().last = std::max(joined.back().last, range.last);
        } else {
            joined.push_back(range);
        }
    }
    if (negate) {
        std::vector<CodeRange> others;
        std::uint32_t next = 0;
        for (const CodeRange& range : joined) {
            if (range.first > next) others.push_back({next, range.first - 1});
            next = range.last + 1;
        }
        others.push_back({next, 0x10FFFF});
        joined = std::move(others);
    }
    std::vector<CodeRange> out;
    const auto add_within = [&](const CodeRange& range, std::uint32_t least, std::uint32_t most) {
        const CodeRange part{std::max(range.first, least), std::min(range.last, most)};
        if (part.first <= part.last) out.push_back(part);
    };
    for (const CodeRange& range : joined) {
        add_within(range, 0, 0xD7FF);
        add_within(range, 0xE000, 0x10FFFF);
    }
    return out;
}

}  // namespace sluice::local_engine
