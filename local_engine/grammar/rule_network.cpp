#include "local_engine/grammar/rule_network.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace sluice::local_engine {
namespace {

constexpr int kSmall = 24;         // parts of a rule that is copied
constexpr int kDeepest = 400;      // of expressions: brackets are bounded by their parsers, this is the last line
constexpr int kNotSmall = 1 << 20;

std::string encode(std::uint32_t code) {
    std::string out;
    const auto tail = [&](int shift) { out += static_cast<char>(0x80U | (code >> shift & 0x3FU)); };
    if (code < 0x80) {
        out += static_cast<char>(code);
    } else if (code < 0x800) {
        out += static_cast<char>(0xC0U | code >> 6U);
        tail(0);
    } else if (code < 0x10000) {
        out += static_cast<char>(0xE0U | code >> 12U);
        tail(6), tail(0);
    } else {
        out += static_cast<char>(0xF0U | code >> 18U);
        tail(12), tail(6), tail(0);
    }
    return out;
}

// Splits a range of code points into ranges whose UTF-8 forms are products of byte ranges.
template <class Emit>
void split(std::uint32_t first, std::uint32_t last, const Emit& emit) {
    for (const std::uint32_t border : {0x7FU, 0x7FFU, 0xFFFFU}) {
        if (first <= border && last > border) {
            split(first, border, emit);
            split(border + 1, last, emit);
            return;
        }
    }
    for (int i = 1; i < 4 && last >= 0x80; ++i) {
        const std::uint32_t low = (1U << (6 * i)) - 1;
        if ((first & ~low) == (last & ~low)) continue;
        if ((first & low) != 0) {
            split(first, first | low, emit);
            split((first | low) + 1, last, emit);
            return;
        }
        if ((last & low) != low) {
            split(first, (last & ~low) - 1, emit);
            split(last & ~low, last, emit);
            return;
        }
    }
    emit(encode(first), encode(last));
}

}  // namespace

bool NetworkBuilder::build(std::vector<RuleNetwork>& out) {
    for (std::size_t rule = 0; rule < source_.rules() && !failed_; ++rule) {
        rule_ = &out.emplace_back();
        rule_->start = node();
        rule_->end = node();
        const ExpressionId body = source_.body(static_cast<RuleId>(rule));
        if (body >= 0) lay(body, rule_->start, rule_->end, 0);
    }
    return !failed_;
}

std::int32_t NetworkBuilder::node() {
    if (++nodes_ > 4 * source_.limits().states) failed_ = true;
    rule_->nodes.emplace_back();
    return static_cast<std::int32_t>(rule_->nodes.size() - 1);
}

void NetworkBuilder::link(std::int32_t from, std::int32_t to) {
    rule_->nodes[static_cast<std::size_t>(from)].push_back({.to = to});
}

void NetworkBuilder::lay(ExpressionId id, std::int32_t from, std::int32_t to, int depth) {
    if (depth > kDeepest) failed_ = true;
    if (failed_) return;
    const Expression& expression = source_.expression(id);
    using Kind = Expression::Kind;
    if (expression.kind == Kind::Bytes) {
        for (const char byte : expression.bytes) {
            const std::int32_t next = node();
            const auto value = static_cast<std::uint8_t>(byte);
            rule_->nodes[static_cast<std::size_t>(from)].push_back({NetworkEdge::Kind::Bytes, value, value, 0, next});
            from = next;
        }
        link(from, to);
    } else if (expression.kind == Kind::Set) {
        lay_set(expression.set, from, to);
    } else if (expression.kind == Kind::Sequence) {
        for (const ExpressionId part : expression.parts) {
            const std::int32_t next = node();
            lay(part, from, next, depth + 1);
            from = next;
        }
        link(from, to);
    } else if (expression.kind == Kind::Choice) {
        for (const ExpressionId part : expression.parts) lay(part, from, to, depth + 1);
    } else if (expression.kind == Kind::Repeat) {
        lay_repeat(expression, from, to, depth);
    } else if (is_small(expression.rule)) {
        lay(source_.body(expression.rule), from, to, depth + 1);
    } else {
        rule_->nodes[static_cast<std::size_t>(from)].push_back(
            {NetworkEdge::Kind::Call, 0, 0, expression.rule, to});
    }
}

void NetworkBuilder::lay_set(const std::vector<CodeRange>& set, std::int32_t from, std::int32_t to) {
    for (const CodeRange& range : set) {
        split(range.first, range.last, [&](const std::string& first, const std::string& last) {
            std::int32_t at = from;
            for (std::size_t i = 0; i < first.size(); ++i) {
                const std::int32_t next = i + 1 == first.size() ? to : node();
                rule_->nodes[static_cast<std::size_t>(at)].push_back({NetworkEdge::Kind::Bytes,
                                                                      static_cast<std::uint8_t>(first[i]),
                                                                      static_cast<std::uint8_t>(last[i]), 0, next});
                at = next;
            }
        });
    }
}

void NetworkBuilder::lay_repeat(const Expression& expression, std::int32_t from, std::int32_t to, int depth) {
    const ExpressionId part = expression.parts[0];
    for (std::int32_t i = 0; i < expression.least && !failed_; ++i) {
        const std::int32_t next = node();
        lay(part, from, next, depth + 1);
        from = next;
    }
    if (expression.most < 0) {
        const std::int32_t loop = node();
        link(from, loop);
        lay(part, loop, loop, depth + 1);
        link(loop, to);
        return;
    }
    for (std::int32_t i = expression.least; i < expression.most && !failed_; ++i) {
        link(from, to);
        const std::int32_t next = node();
        lay(part, from, next, depth + 1);
        from = next;
    }
    link(from, to);
}

bool NetworkBuilder::is_small(RuleId rule) {
    int& known = small_[static_cast<std::size_t>(rule)];
    if (known < 0) {
        const ExpressionId body = source_.body(rule);
        known = body >= 0 && size_of(body, 0) <= kSmall ? 1 : 0;
    }
    return known == 1;
}

// About as many nodes as the expression will take; kNotSmall with a call in it.
int NetworkBuilder::size_of(ExpressionId id, int depth) const {
    const Expression& expression = source_.expression(id);
    if (depth > 8 || expression.kind == Expression::Kind::Rule) return kNotSmall;
    if (expression.kind == Expression::Kind::Bytes) return static_cast<int>(std::min<std::size_t>(expression.bytes.size(), 1000));
    if (expression.kind == Expression::Kind::Set) {
        const bool ascii = expression.set.empty() || expression.set.back().last < 0x80;
        return ascii ? 1 : kNotSmall;  // sets of all of Unicode are costly to look at twice
    }
    int sum = 1;
    for (const ExpressionId part : expression.parts) sum = std::min(kNotSmall, sum + size_of(part, depth + 1));
    if (expression.kind == Expression::Kind::Repeat) {
        sum = std::min(kNotSmall, sum * std::max({1, expression.least, std::min(expression.most, 1000)}));
    }
    return sum;
}

}  // namespace sluice::local_engine
