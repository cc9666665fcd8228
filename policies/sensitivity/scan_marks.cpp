// What a whole text says: a confidential marking, legal privilege, a person's health.
#include "policies/sensitivity/scan.hpp"

#include <algorithm>

namespace sluice::policies::detail {

namespace {

bool upper_case(std::string_view words) {
    return std::ranges::any_of(words, is_upper) && std::ranges::none_of(words, is_lower);
}

// Figures, sums and percentages: what a document has and a question about documents has not.
bool holds_facts(std::string_view text) {
    std::size_t numbers = 0;
    bool inside = false;
    for (std::size_t i = 0; i < std::min<std::size_t>(text.size(), 4096); ++i) {
        const bool digit = is_digit(text[i]);
        if (digit && !inside) ++numbers;
        inside = digit;
    }
    return numbers >= 1;
}

// Of the sentence that holds the mark: where it begins and whether it asks or explains.
std::size_t sentence_begin(std::string_view text, std::size_t at) {
    std::size_t begin = at;
    while (begin > 0 && at - begin < 200) {
        const char c = text[begin - 1];
        if (c == '\n' || ((c == '.' || c == '!' || c == '?') && begin < text.size() && text[begin] == ' ')) break;
        --begin;
    }
    return begin;
}

bool asks(const Scan& scan, const Mark& mark) {
    const std::size_t begin = sentence_begin(scan.text, mark.begin);
    for (const Mark& other : scan.marks())
        if (other.context == Context::Question && other.begin >= begin && other.begin < mark.end + 80 &&
            scan.text.substr(mark.end, other.begin > mark.end ? other.begin - mark.end : 0).find_first_of(".\n") == std::string_view::npos)
            return true;
    const auto rest = scan.text.substr(mark.end, 120);
    const auto stop = rest.find_first_of("?.!\n");
    return (stop != std::string_view::npos && rest[stop] == '?') || rest.substr(0, 60).find("\xef\xbc\x9f") != std::string_view::npos ||
           rest.substr(0, 60).find("\xd8\x9f") != std::string_view::npos;
}

// Only marks and comment signs stand between the start of a line and the marking.
bool starts_line(std::string_view text, std::size_t at) {
    std::size_t i = at;
    while (i > 0 && at - i < 12) {
        const char c = text[i - 1];
        if (c == '\n') return true;
        if (is_alnum(c) || c == '?' || c == '.') return false;
        --i;
    }
    return i == 0;
}

double weight_of(const Scan& scan, const Mark& mark) {
    if (asks(scan, mark)) return 0;
    const auto words = scan.text.substr(mark.begin, mark.end - mark.begin);
    double score = 0.25;
    if (starts_line(scan.text, mark.begin)) score += 0.3;
    if (upper_case(words) && words.size() > 4) score += 0.25;
    const char before = mark.begin > 0 ? scan.text[mark.begin - 1] : '\0';
    const char after = scan.at(mark.end);
    if ((before == '(' && after == ')') || (before == '[' && after == ']') || after == ':' || scan.text.substr(mark.end).starts_with("\xef\xbc\x9a"))
        score += 0.25;
    if (mark.end - mark.begin >= 15) score += 0.15;  // "not for distribution" says more than "confidential"
    if (holds_facts(scan.text)) score += 0.15;
    return score;
}

void judge_markings(Scan& scan) {
    double confidential = 0;
    double privilege = 0;
    const Mark* best = nullptr;
    const Mark* best_privilege = nullptr;
    for (const Mark& mark : scan.marks()) {
        if (mark.context != Context::Marking && mark.context != Context::Privilege) continue;
        const double weight = weight_of(scan, mark);
        auto& most = mark.context == Context::Marking ? confidential : privilege;
        auto& place = mark.context == Context::Marking ? best : best_privilege;
        if (weight > most) place = &mark;
        most = std::max(most, weight);
    }
    // Privilege phrases are rarer than markings: they need less around them.
    if (best_privilege != nullptr) scan.add("LEGAL_PRIVILEGE", best_privilege->begin, best_privilege->end, std::min(0.95, privilege + 0.2), "privilege");
    if (best != nullptr) scan.add("CONFIDENTIAL", best->begin, best->end, std::min(0.95, confidential), "marking");
}

// A condition or a drug in a clinical sentence.
void judge_health(Scan& scan) {
    constexpr std::size_t kNear = 160;
    for (const Mark& mark : scan.marks()) {
        if (mark.context != Context::Condition && mark.context != Context::Drug) continue;
        const bool clinical = std::ranges::any_of(scan.marks(), [&](const Mark& other) {
            return other.context == Context::Clinical && other.begin < mark.end + kNear && mark.begin < other.end + kNear;
        });
        scan.add("HEALTH_INFO", mark.begin, mark.end, clinical && !asks(scan, mark) ? 0.6 : 0.3, "health-words");
        if (clinical) return;
    }
}

}  // namespace

void judge_marks(Scan& scan) {
    if (scan.marks().empty()) return;
    judge_markings(scan);
    judge_health(scan);
}

}  // namespace sluice::policies::detail
