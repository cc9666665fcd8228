#include "policies/sensitivity/conversation.hpp"

#include "policies/sensitivity/bytes.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace sluice::policies {

namespace {

using detail::is_alnum;
using detail::is_alpha;
using detail::is_digit;
using detail::is_lower;
using detail::is_space;
using detail::is_upper;

constexpr std::size_t kReach = 64;        // bytes in front of a piece whose words count
constexpr std::size_t kLook = 128;        // bytes of a turn's end, and of the next one's beginning, with pieces in them
constexpr std::size_t kMostPiece = 2048;  // of one turn
constexpr std::size_t kMostShort = 64;    // a turn that is one piece, for values split over more than two
constexpr std::size_t kMostChain = 24;    // turns of one value
constexpr double kSureOfMany = 0.75;      // what a value of more than two pieces has to score: people send numbers

struct Piece {
    std::size_t begin = 0;
    std::size_t end = 0;
    bool odd = false;  // no word of a language
    bool found() const { return end > begin; }
};

bool joins(char c) {
    return c == ' ' || c == '-' || c == '.' || c == '@' || c == '_' || c == '/' || c == '+';
}

bool worth_joining(std::string_view piece) {
    return std::ranges::count_if(piece, is_digit) >= 2;
}

// Digits, marks inside, capitals in the midst: a piece of something that is not a word.
bool is_odd(std::string_view token) {
    std::size_t capitals = 0;
    for (std::size_t i = 0; i < token.size(); ++i) {
        const char c = token[i];
        if (is_digit(c)) return true;
        if (is_upper(c) && (++capitals >= 6 || (i > 0 && is_lower(token[i - 1])))) return true;
        const bool mark = c == '@' || c == '_' || c == '=' || c == '+' || c == '%' || c == '&' || c == '#' || c == '$' || c == '\\';
        if (mark || (i > 0 && i + 1 < token.size() && (c == '.' || c == '/' || c == ':' || c == '!'))) return true;
    }
    return false;
}

bool closes(char c) {
    return is_space(c) || std::string_view{".,;:!?\"'`)]}>*"}.find(c) != std::string_view::npos;
}
bool opens(char c) {
    return is_space(c) || std::string_view{".,;:\"'`([{<*"}.find(c) != std::string_view::npos;
}

// Groups of letters and digits, at least two of them digits, that single marks join; blanks only between digits or
// capitals.
Piece number_at(std::string_view text, std::size_t at) {
    Piece piece{at, at, true};
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

Piece first_number(std::string_view text) {
    for (std::size_t i = 0; i < std::min(text.size(), kLook);) {
        if (!is_alnum(text[i])) {
            ++i;
            continue;
        }
        const Piece piece = number_at(text.substr(0, kMostPiece), i);
        if (worth_joining(text.substr(piece.begin, piece.end - piece.begin))) return piece;
        while (i < text.size() && is_alnum(text[i])) ++i;
    }
    return {};
}

Piece last_number(std::string_view text) {
    Piece last;
    std::size_t i = text.size() > kLook ? text.size() - kLook : 0;
    while (i > 0 && i < text.size() && is_alnum(text[i - 1])) ++i;  // not in the midst of a word
    while (i < text.size()) {
        if (!is_alnum(text[i])) {
            ++i;
            continue;
        }
        const Piece piece = number_at(text, i);
        if (worth_joining(text.substr(piece.begin, piece.end - piece.begin))) last = piece, i = piece.end;
        while (i < text.size() && is_alnum(text[i])) ++i;
    }
    return last;
}

// The token that ends at `end`, and the one that begins at `begin`, without the marks around them.
Piece token_before(std::string_view text, std::size_t end) {
    while (end > 0 && closes(text[end - 1])) --end;
    std::size_t begin = end;
    while (begin > 0 && end - begin < kMostPiece && !is_space(text[begin - 1])) --begin;
    return {begin, end, is_odd(text.substr(begin, end - begin))};
}
Piece token_behind(std::string_view text, std::size_t begin) {
    while (begin < text.size() && opens(text[begin])) ++begin;
    std::size_t end = begin;
    while (end < text.size() && end - begin < kMostPiece && !is_space(text[end])) ++end;
    Piece out{begin, end, is_odd(text.substr(begin, end - begin))};
    while (out.end > out.begin && closes(text[out.end - 1])) --out.end;
    return out;
}

// "and the rest is ...": words that announce what a value goes on with.
bool announces(std::string_view word) {
    constexpr std::array<std::string_view, 40> kWords{
        "and", "then", "the", "rest", "is", "was", "continue", "continues", "continued", "with", "followed", "by", "plus", "ends", "in", "second",
        "part", "half", "it", "goes", "on", "remaining", "next", "here", "are", "last", "und", "dann", "weiter", "mit", "der", "ist", "y", "luego",
        "sigue", "con", "et", "puis", "suite", "e"};
    return std::ranges::any_of(kWords, [&](auto known) { return detail::equal_folded(word, known); });
}

// The places where one side may be joined to the other, each once.
struct Pieces {
    std::array<Piece, 5> all{};
    std::size_t count = 0;

    void add(const Piece& piece) {
        const bool known = std::any_of(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count),
                                       [&](const Piece& other) { return other.begin == piece.begin && other.end == piece.end; });
        if (piece.found() && !known && count < all.size()) all[count++] = piece;
    }
    auto begin() const { return all.begin(); }
    auto end() const { return all.begin() + static_cast<std::ptrdiff_t>(count); }
    bool odd() const { return std::any_of(begin(), end(), [](const Piece& piece) { return piece.odd; }); }
};

Pieces tails_of(std::string_view text) {
    Pieces out;
    out.add(last_number(text));
    const Piece last = token_before(text, text.size());
    out.add(last);
    // "ida.lund@nordby." and "net": the mark at the border may belong to the value.
    if (last.found() && last.end < text.size() && !is_space(text.back()) && text.size() - last.end <= 2) out.add({last.begin, text.size(), last.odd});
    for (Piece token = last; token.found() && text.size() - token.begin < kLook; token = token_before(text, token.begin))
        if (token.odd) {
            out.add(token);
            break;
        }
    return out;
}

Pieces heads_of(std::string_view text) {
    Pieces out;
    out.add(first_number(text));
    Piece token = token_behind(text, 0);
    const auto word = [&] { return text.substr(token.begin, token.end - token.begin); };
    int words = 0;
    for (; token.found() && words < 8 && announces(word()); ++words) token = token_behind(text, token.end);
    out.add(token);
    std::size_t mark = token.begin;
    while (mark > 0 && token.begin - mark < 2 && !is_space(text[mark - 1])) --mark;
    if (mark < token.begin && token.found()) out.add({mark, token.end, token.odd});
    for (; token.found() && token.begin < kLook && words < 16; ++words, token = token_behind(text, token.end))
        if (token.odd) {
            out.add(token);
            break;
        }
    return out;
}

// What turns are made of, once for each of them.
class Seams {
public:
    Seams(const std::vector<std::string_view>& turns, Terms terms, const ScanJoined& scan) : turns_(turns), scan_(scan), terms_(terms == Terms::Some) {}

    std::vector<SplitFinding> all() {
        if (turns_.size() < 2) return {};
        const std::size_t from = turns_.size() > kMostTurns ? turns_.size() - kMostTurns : 0;
        Pieces tails = tails_of(turns_[from]);
        for (std::size_t turn = from; turn + 1 < turns_.size(); ++turn) {
            const Pieces heads = heads_of(turns_[turn + 1]);
            const Pieces next = tails_of(turns_[turn + 1]);
            for (const Piece& tail : tails)
                for (const Piece& head : heads)
                    if (tail.odd || head.odd || terms_) join(turn, tail, head);
            if (terms_) join_words(turn);
            tails = next;
        }
        return std::move(out_);
    }

private:
    struct Part {
        std::size_t at;  // in the joined text
        TurnPart turn;
    };

    std::size_t words_before(std::size_t turn, std::size_t begin) const {
        std::size_t words = begin - std::min(begin, kReach);
        while (words < begin && (static_cast<unsigned char>(turns_[turn][words]) & 0xc0U) == 0x80U) ++words;
        return words;
    }

    void start(std::size_t turn, std::size_t begin, std::size_t end) {
        joined_.assign(turns_[turn].substr(begin, end - begin));
        parts_.assign(1, {0, {turn, begin, end}});
    }
    void append(std::size_t turn, const Piece& piece) {
        parts_.push_back({joined_.size(), {turn, piece.begin, piece.end}});
        joined_.append(turns_[turn].substr(piece.begin, piece.end - piece.begin));
    }

    void join(std::size_t turn, const Piece& tail, const Piece& head) {
        seam_ = tail;
        kind_ = tail.odd || head.odd ? Joined::Values : Joined::Words;
        start(turn, words_before(turn, tail.begin), tail.end);
        append(turn + 1, with_words(turn + 1, head));
        if (look() || kind_ == Joined::Words) return;
        // Turns that are nothing but a piece each.
        if (turns_[turn + 1].size() > kMostShort || turn + 2 >= turns_.size()) return;
        start(turn, words_before(turn, tail.begin), tail.end);
        append(turn + 1, head);
        for (std::size_t last = turn + 1; parts_.size() < kMostChain && last + 1 < turns_.size() && is_one_piece(turns_[last], parts_.back().turn);) {
            const Pieces more = heads_of(turns_[last + 1]);
            const auto* next = std::find_if(more.begin(), more.end(), [](const Piece& piece) { return piece.odd; });
            if (next == more.end()) break;
            append(++last, *next);
            if (parts_.size() <= 4 && look()) return;
        }
        if (parts_.size() > 4) (void)look();
    }

    static bool is_one_piece(std::string_view text, const TurnPart& part) {
        return text.size() <= kMostShort && token_before(text, text.size()).end == part.end;
    }

    // The piece with what stands behind it: terms are more words than one.
    Piece with_words(std::size_t turn, Piece piece) const {
        const std::string_view text = turns_[turn];
        std::size_t end = std::min(text.size(), piece.end + (terms_ ? kReach : kReach / 2));
        if (end < text.size())
            while (end > piece.end && !is_space(text[end])) --end;
        piece.end = std::max(piece.end, end);
        return piece;
    }

    // "Project" and "Bluefin": two words of which each is whole.
    void join_words(std::size_t turn) {
        const Piece tail = token_before(turns_[turn], turns_[turn].size());
        const Piece head = token_behind(turns_[turn + 1], 0);
        if (!tail.found() || !head.found()) return;
        seam_ = tail;
        kind_ = Joined::Words;
        start(turn, words_before(turn, tail.begin), tail.end);
        joined_ += ' ';
        append(turn + 1, with_words(turn + 1, head));
        (void)look();
    }

    // True when something lies across all seams, or the first ones.
    bool look() {
        hits_.clear();
        scan_(joined_, kind_, hits_);
        const std::size_t first = parts_[1].at;
        bool found = false;
        for (const Hit& hit : hits_) {
            if (hit.begin >= first || hit.end <= first || (parts_.size() > 2 && hit.score < kSureOfMany)) continue;
            if (severity_of(hit.type) < 2 || shown_by_one_side(hit)) continue;
            add(hit);
            found = true;
        }
        return found;
    }

    // "write to" and "ida@nordby.net": the address is no longer for the word in front of it. A word that is no word is.
    bool shown_by_one_side(const Hit& hit) {
        const std::size_t first = parts_[1].at;
        const auto same = [&](const Hit& other) { return other.type == hit.type; };
        alone_.clear();
        scan_(std::string_view{joined_}.substr(first), kind_, alone_);
        if (std::ranges::any_of(alone_, same) && !seam_.odd) return true;
        alone_.clear();
        scan_(std::string_view{joined_}.substr(0, first), kind_, alone_);
        return std::ranges::any_of(alone_, [&](const Hit& other) { return same(other) && !is_odd(std::string_view{joined_}.substr(first, hit.end - first)); });
    }

    void add(const Hit& hit) {
        SplitFinding split{hit, {}};
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            const std::size_t behind = i + 1 < parts_.size() ? parts_[i + 1].at : joined_.size();
            const auto& [at, part] = parts_[i];
            const std::size_t begin = std::max(hit.begin, at);
            const std::size_t end = std::min({hit.end, behind, at + (part.end - part.begin)});
            if (begin < end) split.parts.push_back({part.turn, part.begin + (begin - at), part.begin + (end - at)});
        }
        const auto same = [&](const SplitFinding& other) {
            return other.hit.type == hit.type && other.parts.front().turn == split.parts.front().turn && other.parts.front().begin == split.parts.front().begin;
        };
        if (std::ranges::none_of(out_.rbegin(), out_.rbegin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(out_.size(), 8)), same))
            out_.push_back(std::move(split));
    }

    const std::vector<std::string_view>& turns_;
    const ScanJoined& scan_;
    const bool terms_;
    std::string joined_;
    std::vector<Part> parts_;
    Piece seam_;
    Joined kind_ = Joined::Values;
    std::vector<Hit> hits_;
    std::vector<Hit> alone_;
    std::vector<SplitFinding> out_;
};

}  // namespace

std::vector<SplitFinding> split_findings(const std::vector<std::string_view>& turns, Terms terms, const ScanJoined& scan) {
    return Seams{turns, terms, scan}.all();
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
