// Identifiers by the table of id_rules.hpp: letters and digits in groups, a shape, a check, a word beside it.
#include "policies/sensitivity/grouped.hpp"
#include "policies/sensitivity/id_rules.hpp"
#include "policies/sensitivity/scan.hpp"

#include <algorithm>
#include <bit>

namespace sluice::policies::detail {

namespace {

constexpr std::size_t kMostCharacters = Grouped::kMost - 1;  // one more is read, to see that it goes on
constexpr double kWorthReporting = 0.5;

// Letters and digits in groups joined by single separators; letters are in capitals.
struct Token : Grouped {
    std::size_t lower_from = kMostCharacters + 1;   // the first small letter
    std::size_t letter_from = kMostCharacters + 1;  // the first letter
};

// Bytes between two groups at `at`, 0 when they do not belong together.
std::size_t gap_at(std::string_view text, std::size_t at) {
    const auto byte = [text](std::size_t i) { return i < text.size() ? text[i] : '\0'; };
    const char c = byte(at);
    if (c == '\xc2' && byte(at + 1) == '\xa0') return 2;
    if (c != ' ' && c != '-' && c != '.' && c != '/' && c != '(') return 0;
    std::size_t size = 1;
    if (byte(at + size) == ' ' && c == '-') ++size;
    const std::size_t next = at + size;
    if (is_digit(byte(next))) return size;
    // A group of letters only: short and in capitals ("AP 46 78 44 B").
    std::size_t letters = 0;
    while (letters < 4 && is_upper(byte(next + letters))) ++letters;
    const char behind = byte(next + letters);
    if (letters == 0 || letters > 3 || is_lower(behind)) return 0;
    return c == ' ' && letters > 2 && !is_digit(behind) ? 0 : size;
}

// Group of a token that holds letters.
void note_letters(Token& token, std::size_t from) {
    for (std::size_t i = from; i < token.count; ++i) {
        char& c = token.characters[i];
        if (is_lower(c)) token.lower_from = std::min(token.lower_from, i);
        if (is_alpha(c)) token.letter_from = std::min(token.letter_from, i);
        c = to_upper(c);
    }
}

Token read_token(const Scan& scan, std::size_t at) {
    const std::string_view text = scan.text;
    const Scan::Window window = scan.window(at);
    Token token;
    token.begin = at;
    std::size_t i = 0;
    while (token.count < Grouped::kMost) {
        const auto run = static_cast<std::size_t>(std::countr_one(window.word >> i));
        if (run == 0) break;
        const std::size_t room = Grouped::kMost - token.count;
        const std::size_t before = token.count;
        token.take(text, i, std::min(run, room));
        if (static_cast<std::size_t>(std::countr_one(window.digit >> i)) < token.count - before) note_letters(token, before);
        if (run > room) break;
        token.close_group();
        i += run;
        const std::size_t gap = gap_at(text, at + i);
        if (gap == 0) break;
        i += gap;
    }
    token.count = std::min(token.count, kMostCharacters);
    return token;
}

bool has_shape(std::string_view id, std::string_view shape) {
    for (std::size_t i = 0; i < id.size(); ++i) {
        const bool fits = shape[i] == '9' ? is_digit(id[i]) : shape[i] == 'A' ? is_upper(id[i]) : true;
        if (!fits) return false;
    }
    return true;
}

// True when the first `count` characters, which end a group, are groups of these sizes.
bool has_groups(const Token& token, std::size_t count, std::string_view sizes) {
    std::size_t covered = 0;
    for (std::size_t group = 0; group < sizes.size(); ++group) {
        if (group >= token.groups || token.sizes[group] != sizes[group] - '0') return false;
        covered += token.sizes[group];
    }
    return covered == count && sizes.size() > 1;
}

// Rows by length, so that a number is only compared with those it can be.
struct RuleIndex {
    struct Row {
        const IdRule* rule;
        Label label;
        bool only_digits;
    };
    using Rows = std::array<std::vector<Row>, kMostCharacters + 1>;  // by length
    // Rows that say enough without a word beside the number: in one piece, and in groups.
    struct Bare {
        Rows one_piece, groups;
        std::array<std::uint32_t, kMostCharacters + 2> lengths{};  // by the size of the first group: the lengths there are
    };
    Rows digits, letters;
    Bare bare_digits, bare_letters;
    RuleIndex() {
        Label label = kFirstRule;
        for (const IdRule& rule : id_rules()) {
            const Row row{&rule, label, rule.shape.find_first_not_of('9') == std::string_view::npos};
            const bool starts_with_digit = rule.shape[0] != 'A';
            const bool starts_with_letter = rule.shape[0] != '9';
            if (starts_with_digit) digits[rule.shape.size()].push_back(row);
            if (starts_with_letter) letters[rule.shape.size()].push_back(row);
            if (starts_with_digit) add(bare_digits, row);
            if (starts_with_letter) add(bare_letters, row);
            ++label;
        }
    }

    static void add(Bare& bare, const Row& row) {
        const std::size_t size = row.rule->shape.size();
        const std::uint32_t length = std::uint32_t{1} << size;
        if (row.rule->bare >= kWorthReporting) {
            bare.one_piece[size].push_back(row);
            bare.lengths[size] |= length;
        }
        if (row.rule->bare + 0.2 < kWorthReporting || row.rule->groups.empty()) return;
        bare.groups[size].push_back(row);
        bare.lengths[static_cast<std::size_t>(row.rule->groups[0] - '0')] |= length;
    }
};

struct Found {
    std::string_view type;
    std::string_view name;
    double score = 0;
    std::size_t end = 0;
    std::size_t distance = Scan::npos;  // of the word that names it
};

class IdScan {
public:
    IdScan(Scan& scan, std::size_t at) : scan_(scan), token_(read_token(scan, at)) {}

    Found best() {
        static const RuleIndex index;
        if (token_.count < 5) return found_;
        longest_ = token_.end(token_.count);
        nameable_ = scan_.names_ids(token_.begin, longest_);
        const bool digit = is_digit(token_.characters[0]);
        const RuleIndex::Bare& bare = digit ? index.bare_digits : index.bare_letters;
        const RuleIndex::Rows& named = digit ? index.digits : index.letters;
        const std::size_t first = token_.sizes[0];
        const std::uint32_t lengths = nameable_ ? ~std::uint32_t{0} : bare.lengths[first];
        for (std::uint32_t ends = token_.ends & lengths & kLengths; ends != 0;) {
            const auto count = static_cast<std::size_t>(std::bit_width(ends) - 1);
            ends ^= std::uint32_t{1} << count;
            end_ = token_.end(count);
            if (scan_.at(end_) == ')' && scan_.at(end_ - 2) == '(') ++end_;
            open_end_ = !ends_number(scan_, end_);
            for (const RuleIndex::Row& row : (nameable_ ? named : count == first ? bare.one_piece : bare.groups)[count]) weigh(row, count);
            if (nameable_ && count <= 18) weigh_labelled(count);
        }
        return found_;
    }

private:
    static constexpr std::uint32_t kLengths = (std::uint32_t{2} << kMostCharacters) - (std::uint32_t{1} << 5U);  // five characters or more

    // The distance of the nearest word, before or behind; npos when there is none.
    std::size_t named(Label label) {
        const std::size_t distance = scan_.distance(label, token_.begin);
        if (distance <= 40) return distance;
        if (scan_.near_after(label, longest_)) return 40;
        return scan_.heads_column(label, token_.begin) ? 41 : Scan::npos;
    }

    void take(std::string_view type, std::string_view name, double score, std::size_t distance) {
        if (score < kWorthReporting || score <= found_.score) return;
        // The longer reading was tried first: a shorter one has to be better named.
        if (found_.end > end_ && distance >= found_.distance) return;
        found_ = {type, name, score, end_, distance};
    }

    void weigh(const RuleIndex::Row& row, std::size_t count) {
        const IdRule& rule = *row.rule;
        const auto id = token_.first(count);
        // Rows of numbers are settled here: in one piece or in groups that nothing is written in.
        if (!nameable_ && end_ - token_.begin != count && !has_groups(token_, count, rule.groups)) return;
        if (row.only_digits ? token_.letter_from < count : !has_shape(id, rule.shape)) return;
        const std::size_t distance = nameable_ ? named(row.label) : Scan::npos;
        if (distance != Scan::npos) {
            if (rule.check(id)) take(rule.type, rule.name, rule.named - static_cast<double>(distance) * 0.0005, distance);
            else if (rule.lenient && distance <= 16 && !all_equal(id)) take(rule.type, rule.name, 0.6, distance);
            return;
        }
        const bool grouped = !rule.groups.empty() && has_groups(token_, count, rule.groups);
        double score = rule.bare + (grouped ? 0.2 : 0);
        const bool one_piece = end_ - token_.begin == count;
        if (score < kWorthReporting || open_end_ || (!one_piece && !grouped)) return;
        if (token_.lower_from < count || glued_before(scan_, token_.begin)) return;
        if (scan_.near(Context::Harmless, token_.begin, 24) || scan_.near(Context::Documented, token_.begin, 24)) return;
        if (in_a_sum() || looks_like_time(id) || !rule.check(id)) return;
        take(rule.type, rule.name, score, Scan::npos);
    }

    // "57576545773 * 95510252447": an operator on either side.
    bool in_a_sum() const {
        constexpr std::string_view kOperators = "*/+=^<>%";
        std::size_t before = token_.begin;
        while (before > 0 && token_.begin - before < 4 && scan_.text[before - 1] == ' ') --before;
        std::size_t behind = end_;
        while (behind < end_ + 4 && scan_.at(behind) == ' ') ++behind;
        return (before > 0 && kOperators.find(scan_.text[before - 1]) != Scan::npos) ||
               (behind < scan_.text.size() && kOperators.find(scan_.text[behind]) != Scan::npos);
    }

    // Milliseconds since 1970, or a date and a time in one number.
    static bool looks_like_time(std::string_view id) {
        if (id.size() == 13 && id[0] == '1' && id[1] >= '4') return true;
        return id.size() == 14 && (id.starts_with("19") || id.starts_with("20")) && id[4] <= '1';
    }

    void weigh_labelled(std::size_t count) {
        Label label = static_cast<Label>(kFirstRule + id_rules().size());
        const auto id = token_.first(count);
        const auto digits = static_cast<std::size_t>(std::ranges::count_if(id, is_digit));
        for (const LabelledRule& rule : labelled_rules()) {
            const Label own = label++;
            if (count < rule.least || count > rule.most || digits < rule.digits || (!rule.letters && digits != count)) continue;
            const std::size_t distance = scan_.distance(own, token_.begin);
            if (distance > 28 && !(digits > 5 && scan_.heads_column(own, token_.begin))) continue;
            if (is_date() || all_equal(id)) continue;
            take(rule.type, rule.name, rule.score - 0.001 * static_cast<double>(std::min<std::size_t>(distance, 28)), distance);
        }
    }

    bool is_date() const {  // 2024-05-01, 01/05/2024
        const auto text = scan_.text.substr(token_.begin, 10);
        const auto digit_at = [&](std::size_t i) { return i < text.size() && is_digit(text[i]); };
        const auto mark_at = [&](std::size_t i) { return i < text.size() && (text[i] == '-' || text[i] == '/' || text[i] == '.'); };
        return (digit_at(3) && mark_at(4) && mark_at(7) && digit_at(9)) || (mark_at(2) && mark_at(5) && digit_at(4) && digit_at(9));
    }

    Scan& scan_;
    const Token token_;
    Found found_;
    std::size_t end_ = 0;
    std::size_t longest_ = 0;
    bool open_end_ = false;
    bool nameable_ = false;
};

}  // namespace

std::size_t scan_id(Scan& scan, std::size_t at) {
    const Found found = IdScan{scan, at}.best();
    if (found.score < kWorthReporting) return 0;
    // A phone number may have the length of an identifier: the nearer word decides.
    if (found.distance != Scan::npos && scan.distance(static_cast<Label>(Context::Phone), at) < found.distance && found.distance > 0)
        return 0;
    return scan.add(found.type, at, found.end, found.score, found.name);
}

}  // namespace sluice::policies::detail
