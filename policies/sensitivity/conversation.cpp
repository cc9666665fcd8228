#include "policies/sensitivity/conversation.hpp"

#include "policies/sensitivity/bytes.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace sluice::policies {

namespace {

using detail::is_alnum;
using detail::is_digit;

constexpr std::size_t kReach = 64;  // bytes of a turn's end, and of the next one's beginning
constexpr std::size_t kMostTurns = 256;

struct Piece {
    std::size_t begin = 0;
    std::size_t end = 0;
    bool found() const { return end > begin; }
};

bool joins(char c) {
    return c == ' ' || c == '-' || c == '.' || c == '@' || c == '_' || c == '/' || c == '+';
}

bool worth_joining(std::string_view piece) {
    return std::ranges::count_if(piece, is_digit) >= 2;
}

// Groups of letters and digits, at least two of them digits, that single marks join; blanks only between digits or
// capitals.
Piece piece_at(std::string_view text, std::size_t at) {
    Piece piece{at, at};
    std::size_t i = at;
    while (i < text.size()) {
        if (is_alnum(text[i])) {
            piece.end = ++i;
            continue;
        }
        if (!joins(text[i]) || i + 1 >= text.size() || !is_alnum(text[i + 1])) break;
        if (text[i] == ' ' && !is_digit(text[i + 1])) break;
        if (text[i] == ' ' && !worth_joining(text.substr(at, i - at))) break;
        ++i;
    }
    return piece;
}

Piece first_piece(std::string_view text) {
    for (std::size_t i = 0; i < std::min(text.size(), kReach * 2);) {
        if (!is_alnum(text[i])) {
            ++i;
            continue;
        }
        const Piece piece = piece_at(text, i);
        if (worth_joining(text.substr(piece.begin, piece.end - piece.begin))) return piece;
        while (i < text.size() && is_alnum(text[i])) ++i;
    }
    return {};
}

Piece last_piece(std::string_view text) {
    Piece last;
    std::size_t i = text.size() > kReach * 2 ? text.size() - kReach * 2 : 0;
    while (i > 0 && i < text.size() && is_alnum(text[i - 1])) ++i;  // not in the midst of a word
    while (i < text.size()) {
        if (!is_alnum(text[i])) {
            ++i;
            continue;
        }
        const Piece piece = piece_at(text, i);
        if (worth_joining(text.substr(piece.begin, piece.end - piece.begin))) last = piece, i = piece.end;
        while (i < text.size() && is_alnum(text[i])) ++i;
    }
    return last;
}

}  // namespace

std::vector<SplitFinding> split_findings(const std::vector<std::string_view>& turns) {
    std::vector<SplitFinding> out;
    std::vector<Hit> hits;
    const std::size_t from = turns.size() > kMostTurns ? turns.size() - kMostTurns : 0;
    for (std::size_t turn = from; turn + 1 < turns.size(); ++turn) {
        const Piece head = last_piece(turns[turn]);
        const Piece tail = first_piece(turns[turn + 1]);
        if (!head.found() || !tail.found()) continue;
        // The words in front give the number its meaning.
        const std::size_t words = head.begin - std::min(head.begin, kReach);
        const std::string joined = std::string{turns[turn].substr(words, head.end - words)} +
                                   std::string{turns[turn + 1].substr(tail.begin, tail.end - tail.begin)};
        const std::size_t seam = head.end - words;
        hits.clear();
        scan_text(joined, {}, hits);
        for (const Hit& hit : hits)
            if (hit.begin < seam && hit.end > seam)
                out.push_back({hit, {turn, words + hit.begin, head.end}, {turn + 1, tail.begin, tail.begin + (hit.end - seam)}});
    }
    return out;
}

std::vector<std::string_view> user_turns(std::string_view transcript) {
    constexpr std::array<std::string_view, 4> kUsers{"user:", "human:", "customer:", "me:"};
    constexpr std::array<std::string_view, 7> kOthers{"assistant:", "ai:", "bot:", "system:", "agent:", "model:", "support:"};
    std::vector<std::string_view> turns;
    std::size_t begin = std::string_view::npos;  // of the user's turn that is open
    for (std::size_t line = 0; line < transcript.size();) {
        const auto rest = transcript.substr(line, 12);
        const auto starts = [&](std::string_view role) {
            return rest.size() >= role.size() && detail::equal_folded(rest.substr(0, role.size()), role);
        };
        const auto user = std::ranges::find_if(kUsers, starts);
        const bool other = std::ranges::any_of(kOthers, starts);
        if ((user != kUsers.end() || other) && begin != std::string_view::npos) {
            turns.push_back(transcript.substr(begin, line - begin));
            begin = std::string_view::npos;
        }
        if (user != kUsers.end()) begin = line + user->size();
        line = std::min(transcript.find('\n', line), transcript.size() - 1) + 1;
    }
    if (begin != std::string_view::npos) turns.push_back(transcript.substr(begin));
    return turns.size() > 1 ? turns : std::vector<std::string_view>{};
}

}  // namespace sluice::policies
