#include "local_engine/grammar/json_parts.hpp"

#include <algorithm>
#include <map>
#include <string>

namespace sluice::local_engine {
namespace {

constexpr std::int32_t kIndentation = 20;   // most spaces after a line break
constexpr std::int32_t kIntegerDigits = 18;  // of free integers: they fit 64 bits
constexpr std::int32_t kFractionDigits = 15;
constexpr std::int32_t kBoundedFractionDigits = 6;  // few enough that rounding does not cross a bound

}  // namespace

RuleId JsonParts::rule(RuleId& known, ExpressionId (JsonParts::*make)()) {
    if (known >= 0) return known;
    known = grammar_.add_rule();
    const RuleId id = known;
    grammar_.define(id, (this->*make)());
    return id;
}

ExpressionId JsonParts::space() {
    const ExpressionId line = grammar_.sequence({grammar_.bytes("\n"), grammar_.repeat(grammar_.any_of(" \t"), 0, kIndentation)});
    return grammar_.choice({grammar_.bytes(""), grammar_.bytes(" "), line});
}

ExpressionId JsonParts::string() {
    return grammar_.call(rule(string_, &JsonParts::make_string));
}
ExpressionId JsonParts::integer() {
    return grammar_.call(rule(integer_, &JsonParts::make_integer));
}
ExpressionId JsonParts::number() {
    return grammar_.call(rule(number_, &JsonParts::make_number));
}
ExpressionId JsonParts::value() {
    return grammar_.call(rule(value_, &JsonParts::make_value));
}
ExpressionId JsonParts::object() {
    return grammar_.call(rule(object_, &JsonParts::make_object));
}
ExpressionId JsonParts::array() {
    return grammar_.call(rule(array_, &JsonParts::make_array));
}
ExpressionId JsonParts::literal(std::string_view json) {
    return grammar_.bytes(json);
}

ExpressionId JsonParts::string_character() {
    const ExpressionId plain = grammar_.set(tidy_ranges({{0, 0x1F}, {'"', '"'}, {'\\', '\\'}, {0x7F, 0x7F}}, true));
    const ExpressionId hex = grammar_.set({{'0', '9'}, {'a', 'f'}, {'A', 'F'}});
    const ExpressionId not_d = grammar_.set({{'0', '9'}, {'a', 'c'}, {'A', 'C'}, {'e', 'f'}, {'E', 'F'}});
    const ExpressionId code =
        grammar_.choice({grammar_.sequence({not_d, grammar_.repeat(hex, 3, 3)}),
                         grammar_.sequence({grammar_.any_of("dD"), grammar_.any_of("01234567"), grammar_.repeat(hex, 2, 2)})});
    const ExpressionId escape = grammar_.sequence(
        {grammar_.bytes("\\"),
         grammar_.choice({grammar_.any_of("\"\\/bfnrt"), grammar_.sequence({grammar_.bytes("u"), code})})});
    return grammar_.choice({plain, escape});
}

ExpressionId JsonParts::make_string() {
    return grammar_.sequence({grammar_.bytes("\""), grammar_.repeat(string_character(), 0, -1), grammar_.bytes("\"")});
}

ExpressionId JsonParts::digits(std::int32_t least, std::int32_t most) {
    return grammar_.repeat(grammar_.set({{'0', '9'}}), least, most);
}

ExpressionId JsonParts::make_integer() {
    const ExpressionId natural =
        grammar_.choice({grammar_.bytes("0"), grammar_.sequence({grammar_.set({{'1', '9'}}), digits(0, kIntegerDigits - 1)})});
    return grammar_.sequence({grammar_.optional(grammar_.bytes("-")), natural});
}

ExpressionId JsonParts::fraction() {
    return grammar_.sequence({grammar_.bytes("."), digits(1, kFractionDigits)});
}
ExpressionId JsonParts::zeros_fraction() {
    return grammar_.sequence({grammar_.bytes("."), grammar_.repeat(grammar_.bytes("0"), 1, kBoundedFractionDigits)});
}

ExpressionId JsonParts::make_number() {
    const ExpressionId exponent =
        grammar_.sequence({grammar_.any_of("eE"), grammar_.optional(grammar_.any_of("+-")), digits(1, 2)});
    return grammar_.sequence({make_integer(), grammar_.optional(fraction()), grammar_.optional(exponent)});
}

ExpressionId JsonParts::make_value() {
    return grammar_.choice({object(), array(), string(), number(), literal("true"), literal("false"), literal("null")});
}

ExpressionId JsonParts::make_object() {
    const ExpressionId member = grammar_.sequence({string(), grammar_.bytes(":"), space(), value()});
    const ExpressionId more = grammar_.repeat(grammar_.sequence({grammar_.bytes(","), space(), member}), 0, -1);
    const ExpressionId members = grammar_.sequence({member, more, space()});
    return grammar_.sequence({grammar_.bytes("{"), space(), grammar_.optional(members), grammar_.bytes("}")});
}

ExpressionId JsonParts::make_array() {
    const ExpressionId more = grammar_.repeat(grammar_.sequence({grammar_.bytes(","), space(), value()}), 0, -1);
    const ExpressionId items = grammar_.sequence({value(), more, space()});
    return grammar_.sequence({grammar_.bytes("["), space(), grammar_.optional(items), grammar_.bytes("]")});
}

// Characters that leave the tree of the excepted keys, then anything; or a key that ends inside the tree, off its ends.
ExpressionId JsonParts::plain_key(const std::vector<std::string>& except) {
    const std::vector<CodeRange> special{{0, 0x1F}, {'"', '"'}, {'\\', '\\'}, {0x7F, 0x7F}};
    const ExpressionId any = grammar_.set(tidy_ranges(special, true));
    const ExpressionId rest = grammar_.repeat(any, 0, -1);
    // By bytes: a prefix of an excepted key, then an ASCII character that none of them has there. Keys whose first
    // difference lies inside a longer character are not generated; nothing asks for them.
    std::map<std::string, std::vector<CodeRange>> branches;
    for (const std::string& key : except) {
        for (std::size_t i = 0; i <= key.size(); ++i) {
            auto& taken = branches[key.substr(0, i)];
            const unsigned char byte = i < key.size() ? static_cast<unsigned char>(key[i]) : 0;
            taken.push_back({byte, byte});
        }
    }
    if (branches.empty()) branches[""];
    std::vector<ExpressionId> ways;
    for (auto& [prefix, taken] : branches) {
        const bool plain = std::ranges::all_of(prefix, [](char c) { return c >= ' ' && c < 0x7F && c != '"' && c != '\\'; });
        if (!plain) continue;
        taken.insert(taken.end(), special.begin(), special.end());
        if (!except.empty()) taken.push_back({0x80, 0x10FFFF});
        const ExpressionId other = grammar_.sequence({grammar_.set(tidy_ranges(taken, true)), rest});
        const bool is_key = std::ranges::find(except, prefix) != except.end();
        ways.push_back(grammar_.sequence({grammar_.bytes(prefix), is_key || prefix.empty() ? other : grammar_.optional(other)}));
    }
    return grammar_.sequence({grammar_.bytes("\""), grammar_.choice(std::move(ways)), grammar_.bytes("\"")});
}

// Numbers of as many digits, not smaller; not larger; between.
ExpressionId JsonParts::at_least(std::string_view text) {
    if (text.empty()) return grammar_.bytes("");
    const auto first = static_cast<unsigned char>(text[0]);
    std::vector<ExpressionId> ways{grammar_.sequence({grammar_.bytes(text.substr(0, 1)), at_least(text.substr(1))})};
    const auto left = static_cast<std::int32_t>(text.size()) - 1;
    if (first < '9') ways.push_back(grammar_.sequence({grammar_.set({{first + 1U, '9'}}), digits(left, left)}));
    return grammar_.choice(std::move(ways));
}

ExpressionId JsonParts::at_most(std::string_view text) {
    if (text.empty()) return grammar_.bytes("");
    const auto first = static_cast<unsigned char>(text[0]);
    std::vector<ExpressionId> ways{grammar_.sequence({grammar_.bytes(text.substr(0, 1)), at_most(text.substr(1))})};
    const auto left = static_cast<std::int32_t>(text.size()) - 1;
    if (first > '0') ways.push_back(grammar_.sequence({grammar_.set({{'0', first - 1U}}), digits(left, left)}));
    return grammar_.choice(std::move(ways));
}

ExpressionId JsonParts::same_length(std::string_view least, std::string_view most) {
    if (least.empty()) return grammar_.bytes("");
    const auto low = static_cast<unsigned char>(least[0]);
    const auto high = static_cast<unsigned char>(most[0]);
    if (low == high) return grammar_.sequence({grammar_.bytes(least.substr(0, 1)), same_length(least.substr(1), most.substr(1))});
    const auto left = static_cast<std::int32_t>(least.size()) - 1;
    std::vector<ExpressionId> ways{grammar_.sequence({grammar_.bytes(least.substr(0, 1)), at_least(least.substr(1))}),
                                   grammar_.sequence({grammar_.bytes(most.substr(0, 1)), at_most(most.substr(1))})};
    if (high - low > 1) ways.push_back(grammar_.sequence({grammar_.set({{low + 1U, high - 1U}}), digits(left, left)}));
    return grammar_.choice(std::move(ways));
}

// Whole numbers without a sign; the caller knows that the range is not empty.
ExpressionId JsonParts::natural(std::uint64_t least, std::optional<std::uint64_t> most) {
    const std::string low = std::to_string(least);
    const std::string high = most ? std::to_string(*most) : std::string(std::max<std::size_t>(kIntegerDigits, low.size()), '9');
    std::vector<ExpressionId> ways;
    for (std::size_t length = low.size(); length <= high.size(); ++length) {
        const std::string from = length == low.size() ? low : "1" + std::string(length - 1, '0');
        const std::string to = length == high.size() ? high : std::string(length, '9');
        ways.push_back(same_length(from, to));
    }
    return grammar_.choice(std::move(ways));
}

ExpressionId JsonParts::integer_between(std::optional<std::int64_t> least, std::optional<std::int64_t> most) {
    const auto size = [](std::int64_t value) {  // without overflow at the smallest
        return value < 0 ? ~static_cast<std::uint64_t>(value) + 1 : static_cast<std::uint64_t>(value);
    };
    std::vector<ExpressionId> ways;
    if (!most || *most >= 0) {
        const std::uint64_t low = least && *least > 0 ? size(*least) : 0;
        ways.push_back(natural(low, most ? std::optional(size(*most)) : std::nullopt));
    }
    if (!least || *least < 0) {
        const std::uint64_t low = most && *most < 0 ? size(*most) : 1;
        ways.push_back(grammar_.sequence(
            {grammar_.bytes("-"), natural(low, least ? std::optional(size(*least)) : std::nullopt)}));
    }
    return grammar_.choice(std::move(ways));
}

ExpressionId JsonParts::number_between(std::optional<std::int64_t> least, bool least_open,
                                       std::optional<std::int64_t> most, bool most_open) {
    std::vector<ExpressionId> ways;
    const ExpressionId bounded = grammar_.sequence({grammar_.bytes("."), digits(1, kBoundedFractionDigits)});
    // Numbers from `low` to `high`, both at least 0, of one sign.
    const auto side = [&](std::uint64_t low, bool low_open, std::optional<std::uint64_t> high, bool high_open,
                          std::string_view sign) {
        const auto add = [&](ExpressionId whole, ExpressionId rest) {
            ways.push_back(grammar_.sequence({grammar_.bytes(sign), whole, rest}));
        };
        if (!low_open && !(high && *high == low)) add(grammar_.bytes(std::to_string(low)), grammar_.optional(bounded));
        if (low_open && !(high && *high == low)) {
            // More than `low` with its digits before the point: the fraction is not zero.
            const ExpressionId above = grammar_.sequence({grammar_.bytes("."), grammar_.repeat(grammar_.bytes("0"), 0, 2),
                                                          grammar_.set({{'1', '9'}}), digits(0, 3)});
            add(grammar_.bytes(std::to_string(low)), above);
        }
        if (!high || *high > low + 1) {
            add(natural(low + 1, high ? std::optional(*high - 1) : std::nullopt), grammar_.optional(bounded));
        }
        const bool high_counts = high && !high_open && !(*high == low && low_open);
        if (high_counts) add(grammar_.bytes(std::to_string(*high)), grammar_.optional(zeros_fraction()));
    };
    const auto size = [](std::int64_t value) { return static_cast<std::uint64_t>(value < 0 ? -value : value); };
    if (!most || *most > 0 || (*most == 0 && !most_open)) {
        const bool from_zero = !least || *least < 0;
        side(from_zero ? 0 : size(*least), !from_zero && least_open, most ? std::optional(size(*most)) : std::nullopt,
             most_open, "");
    }
    if (!least || *least < 0) {
        const bool to_zero = !most || *most >= 0;
        side(to_zero ? 0 : size(*most), to_zero ? true : most_open, least ? std::optional(size(*least)) : std::nullopt,
             least_open, "-");
    }
    return grammar_.choice(std::move(ways));
}

ExpressionId JsonParts::escaped(const std::vector<CodeRange>& set) {
    const std::vector<CodeRange> special{{0, 0x1F}, {'"', '"'}, {'\\', '\\'}, {0x7F, 0x7F}};
    std::vector<CodeRange> plain;
    std::vector<ExpressionId> ways;
    for (const CodeRange& range : set) {
        std::uint32_t from = range.first;
        for (const CodeRange& other : special) {
            const std::uint32_t first = std::max(from, other.first);
            const std::uint32_t last = std::min(range.last, other.last);
            if (first > last) continue;
            if (first > from) plain.push_back({from, first - 1});
            for (std::uint32_t code = first; code <= last; ++code) {
                constexpr std::string_view kHex = "0123456789abcdef";
                std::string text = "\\u00";
                text += kHex[code >> 4U];
                text += kHex[code & 15U];
                if (code == '"' || code == '\\') text = std::string("\\") + static_cast<char>(code);
                if (code == '\n') text = "\\n";
                if (code == '\t') text = "\\t";
                if (code == '\r') text = "\\r";
                ways.push_back(grammar_.bytes(text));
            }
            from = last + 1;
        }
        if (from <= range.last) plain.push_back({from, range.last});
    }
    if (!plain.empty()) ways.push_back(grammar_.set(std::move(plain)));
    return grammar_.choice(std::move(ways));  // an empty set matches nothing
}

}  // namespace sluice::local_engine
