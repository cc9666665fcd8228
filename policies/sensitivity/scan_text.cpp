// The one pass over a text: 64 bytes at a time, it finds where words, numbers and marks begin and hands each to the
// scanner of what may start there. Plain words cost one look at a table of beginnings.
#include "policies/sensitivity/byte_masks.hpp"
#include "policies/sensitivity/scan.hpp"
#include "policies/sensitivity/token_starts.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <initializer_list>

namespace sluice::policies {

namespace detail {

namespace {

constexpr std::size_t kEncodedRun = 12;    // shorter runs of letters and digits are not decoded
constexpr std::size_t kSingleWords = 6;  // in a row: a value written apart

// What a phrase that ends at `end` sets off. Returns the end of a finding, or 0.
std::size_t act_on(Scan& scan, Label label, std::size_t at, std::size_t end) {
    scan.remember(label, end);
    if (label >= kFirstRule) return 0;
    const auto context = static_cast<Context>(label);
    switch (context) {
        case Context::Password: return scan_spoken_password(scan, at, end);
        case Context::Name:
        case Context::NameIs:
        case Context::Salutation:
        case Context::Sender:
        case Context::Person: scan_name(scan, context, at, end); return 0;
        case Context::Birth: scan_birth(scan, end); return 0;
        case Context::Street: scan_street(scan, at, end); return 0;
        case Context::LivesAt: scan_lives_at(scan, end); return 0;
        case Context::Flat: scan_flat(scan, at, end); return 0;
        case Context::StreetFirst: scan_street_first(scan, at, end); return 0;
        case Context::Condition:
        case Context::Drug:
        case Context::Clinical:
        case Context::Marking:
        case Context::Privilege:
        case Context::Question: scan.mark(context, at, end); return 0;
        case Context::Dot:
            if (at > 1 && scan.text[at - 1] == ' ' && scan.at(end) == ' ' && is_alnum(scan.at(end + 1))) scan.signs.spoken_marks = true;
            return 0;
        case Context::DigitWord:
            scan.digit_words = at - std::min(at, scan.last_digit_word_end) <= 3 ? scan.digit_words + 1 : 1;
            scan.most_digit_words = std::max(scan.most_digit_words, scan.digit_words);
            scan.last_digit_word_end = end;
            return 0;
        default: return 0;
    }
}

std::size_t look_for_phrases(Scan& scan, std::size_t at) {
    std::size_t found = 0;
    scan.phrases.look(scan.text, at, scan.recent, [&](Label label, std::size_t end) { found = std::max(found, act_on(scan, label, at, end)); });
    return found;
}

// By a word's first character: the sizes at which scan_word() has more to ask than what it begins with.
constexpr std::array<std::uint16_t, 128> kAskedSizes = [] {
    std::array<std::uint16_t, 128> sizes{};
    const auto add = [&](char c, std::initializer_list<unsigned> more) {
        for (const unsigned size : more) sizes[static_cast<unsigned char>(c)] = static_cast<std::uint16_t>(sizes[static_cast<unsigned char>(c)] | 1U << size);
    };
    for (char c = 'A'; c <= 'Z'; ++c) add(c, {1, 2, 3, 4, 8, 11});  // an identifier's first group; a bank's code
    for (const char c : {'b', 'B'}) add(c, {5, 6});                   // basic, bearer
    for (const char c : {'i', 'I'}) add(c, {10});                     // identified
    for (const char c : {'w', 'W'}) add(c, {7, 8});                   // webhook, webhooks
    return sizes;
}();

// True for most words of a text: letters at which nothing can begin. scan_word() would say the same, but take longer.
bool is_ordinary(const Scan& scan, std::size_t at, std::size_t size) {
    if (size < 2 || size >= kEncodedRun || at + 4 > scan.text.size() || scan.names_aws()) return false;
    std::uint32_t bytes = 0;
    std::memcpy(&bytes, scan.text.data() + at, 4);
    if ((bytes & 0x80808080U) != 0) return false;
    const std::uint32_t key = (bytes | 0x20202020U) & (size >= 4 ? ~std::uint32_t{0} : (std::uint32_t{1} << 8 * size) - 1);
    if (scan.phrases.may_begin(key) || (kAskedSizes[bytes & 0x7fU] >> size & 1U) != 0) return false;
    const std::uint32_t three = __builtin_bswap32(bytes) >> 8U;
    const bool encoded = three == 0x65794aU || three >> 8U == 0x4c53U;  // "eyJ", "LS"
    return !encoded && !kTokenStarts.holds(token_start_slot(three));
}

// Everything that begins where a word of letters and digits begins. Returns the end of a finding, or 0.
std::size_t scan_word(Scan& scan, std::size_t at, std::size_t end, bool holds_digit) {
    const std::string_view text = scan.text;
    if (is_digit(text[at])) {
        const std::size_t next = scan_digits(scan, at);
        // Nothing found: the number may be the beginning of a secret.
        if (next == end)
            if (const auto found = scan_keyed(scan, at, end)) return found;
        return next;
    }
    if (scan.phrases.may_begin(text, at))
        if (const auto found = look_for_phrases(scan, at)) return found;
    if (at + 16 <= text.size() && kTokenStarts.holds(token_start_slot(text[at], text[at + 1], text[at + 2])))
        if (const auto found = scan_token(scan, at)) return found;
    const char first = text[at];
    const std::size_t size = end - at;
    if (first == 'e' && scan.at(at + 1) == 'y' && scan.at(at + 2) == 'J')
        if (const auto found = scan_jwt(scan, at)) return found;
    if (first == 'L' && scan.at(at + 1) == 'S')
        if (const auto found = scan_encoded_key(scan, at)) return found;
    if (scan.names_aws() && (scan.near(Context::AwsKeyId, at, 200) || (size >= 16 && scan.near_secret_word(at))))
        if (const auto found = scan_aws_secret(scan, at)) return found;
    if (holds_digit || (size <= 4 && is_upper(first) && (scan.at(end) == ' ' || scan.at(end) == '-') && is_digit(scan.at(end + 1)))) {
        if (may_begin_iban(scan, at))
            if (const auto found = scan_iban(scan, at)) return found;
        if (size >= 26)
            if (const auto found = scan_wallet(scan, at, end)) return found;
        if (const auto found = scan_colons(scan, at)) return found;
        if (size <= 20)
            if (const auto found = scan_id(scan, at)) return found;
    }
    if (holds_digit)
        if (const auto found = scan_keyed(scan, at, end)) return found;
    if ((size == 8 || size == 11) && is_upper(first))
        if (const auto found = scan_bic(scan, at, end)) return found;
    const char lower = to_lower(first);
    if (lower == 'w' && (size == 7 || size == 8) && equal_folded(text.substr(at, 7), "webhook")) return scan_webhook(scan, at, end);
    if ((lower == 'b' && (size == 5 || size == 6)) || (lower == 'i' && size == 10)) {
        const auto word = text.substr(at, size);
        if (equal_folded(word, "bearer") || equal_folded(word, "basic") || equal_folded(word, "identified"))
            return scan_authorization(scan, at, end);
    }
    return 0;
}

// Escapes of JSON text that was not decoded ("\n4111...") stand between words, they are not part of them.
std::size_t skip_escape(Scan& scan, std::size_t at) {
    const char c = scan.at(at + 1);
    if (c == 'n') scan.new_line(at + 2);
    if (c == 'n' || c == 'r' || c == 't' || c == '\\') return at + 2;
    if (c != 'u') return at + 1;
    std::size_t end = at + 2;
    while (end < at + 6 && is_hex(scan.at(end))) ++end;
    return end == at + 6 ? end : at + 1;
}

// "user" and the like at the start of a line.
bool speaks(std::string_view name) {
    return name.size() < 9 && (equal_folded(name, "user") || equal_folded(name, "human") || equal_folded(name, "customer") || equal_folded(name, "me"));
}

// A digit or an '@' on both sides, or next to the break: a value may go on in the next line.
void note_line_break(Scan& scan, std::size_t at) {
    if (scan.signs.apart || at == 0) return;
    std::size_t before = at - 1;
    while (before > 0 && at - before < 4 && is_space(scan.text[before])) --before;
    std::size_t behind = at + 1;
    while (behind < at + 5 && is_space(scan.at(behind))) ++behind;
    const auto digit_near = [&](std::size_t from, std::size_t to) {
        for (std::size_t i = from; i < to; ++i)
            if (is_digit(scan.at(i))) return true;
        return false;
    };
    scan.signs.apart = scan.text[before] == '@' || scan.at(behind) == '@' ||
                       (digit_near(before - std::min<std::size_t>(before, 5), before + 1) && digit_near(behind, behind + 6));
}

// A tag, a comment or emphasis in the midst of something.
bool note_markup(const Scan& scan, std::size_t at) {
    if (at == 0) return false;
    const char before = scan.text[at - 1];
    const bool inside = is_alnum(before) || before == '@' || before == '.' || before == '-' || before == '_';
    if (scan.text[at] == '*') return inside;
    return (inside || before == ' ') && (scan.at(at + 1) == '/' || scan.at(at + 1) == '!' || is_alpha(scan.at(at + 1)));
}

// "(at)", "[ dot ]": what the reading of addresses written for people is made for.
void note_spoken_mark(Scan& scan, std::size_t at) {
    const std::size_t word = at + (scan.at(at + 1) == ' ' ? 2U : 1U);
    const char first = to_lower(scan.at(word));
    if (first == 'a' || first == 'd' || first == 'p' || first == 'c' || first == 'b' || first == '@' || first == '.' || first == '\xc3') {
        std::size_t end = word;
        while (end < word + 7 && scan.at(end) != '\0' && scan.at(end) != ' ' && scan.at(end) != ')' && scan.at(end) != ']') ++end;
        const char close = scan.at(end) == ' ' ? scan.at(end + 1) : scan.at(end);
        if (close == (scan.text[at] == '(' ? ')' : ']')) scan.signs.spoken_marks = true;
    }
}

// The byte behind what was found, or 0.
std::size_t scan_mark(Scan& scan, std::size_t at) {
    switch (scan.text[at]) {
        case '\n':
            note_line_break(scan, at);
            scan.new_line(at + 1);
            return 0;
        case '%': scan.signs.escapes = scan.signs.escapes || (is_hex(scan.at(at + 1)) && is_hex(scan.at(at + 2))); return 0;
        case '&': scan.signs.escapes = scan.signs.escapes || scan.at(at + 1) == '#' || is_alpha(scan.at(at + 1)); return 0;
        case '*':
        case '<': scan.signs.apart = scan.signs.apart || note_markup(scan, at); return 0;
        case '[': note_spoken_mark(scan, at); return 0;
        case '(': note_spoken_mark(scan, at); return scan_parenthesis(scan, at);
        case '+': return scan_plus(scan, at);
        case '@': return scan_email(scan, at);
        case '-':
            if (const auto found = scan_option(scan, at)) return found;
            return scan_private_key(scan, at);
        case '$': return scan_crypt_hash(scan, at);
        case '~': return scan_azure_secret(scan, at);
        case ':':
            if (speaks(scan.text.substr(scan.line(), at - scan.line()))) scan.signs.turns = true;
            [[fallthrough]];
        case '=':
        case '>':
            if (scan.text[at] == '=' && is_hex(scan.at(at + 1)) && is_hex(scan.at(at + 2)) && (!is_lower(scan.at(at + 1)) || scan.at(at + 3) == '=')) scan.signs.escapes = true;
            if (const auto found = scan_url_password(scan, at)) return found;
            return scan_assignment(scan, at);
        default: return 0;
    }
}

class Pass {
public:
    explicit Pass(Scan& scan) : scan_(scan), text_(scan.text) {}

    void run() {
        std::array<char, 64> tail{};
        for (base_ = 0; base_ < text_.size(); base_ += 64) {
            const std::size_t left = text_.size() - base_;
            if (left >= 64) block(text_.data() + base_);
            else {
                std::memcpy(tail.data(), text_.data() + base_, left);
                block(tail.data());
            }
        }
    }

private:
    void block(const char* bytes) {
        const ByteMasks masks = masks_of_(bytes);
        const std::uint64_t starts = masks.word & ~(masks.word << 1U | carry_);
        carry_ = masks.word >> 63U;
        std::uint64_t todo = starts | masks.mark | masks.high;
        if (resume_ > base_) todo = resume_ - base_ >= 64 ? 0 : todo & (~std::uint64_t{0} << (resume_ - base_));
        while (todo != 0) {
            const auto bit = static_cast<unsigned>(std::countr_zero(todo));
            todo &= todo - 1;
            const std::size_t next = one(masks, bit);
            if (next <= base_ + bit + 1) continue;
            resume_ = std::max(resume_, next);
            todo = next - base_ >= 64 ? 0 : todo & (~std::uint64_t{0} << (next - base_));
        }
    }

    std::size_t one(const ByteMasks& masks, unsigned bit) {
        const std::size_t at = base_ + bit;
        if ((masks.word >> bit & 1U) != 0) {
            // The rest of the word within the block; a word that goes on is measured byte by byte.
            const auto size = static_cast<unsigned>(std::countr_one(masks.word >> bit));
            if (bit + size >= 64) return long_word(at);
            const bool digit = (masks.digit >> bit << (64 - size)) != 0;
            return !digit && is_ordinary(scan_, at, size) ? 0 : word(at, at + size, digit);
        }
        if ((masks.high >> bit & 1U) != 0) {
            scan_.signs.other_characters = true;
            return other_script(at);
        }
        if (text_[at] != '\\') return scan_mark(scan_, at);
        scan_.signs.escapes = true;
        const std::size_t end = skip_escape(scan_, at);
        return end < text_.size() && is_alnum(text_[end]) ? std::max(long_word(end), end) : end;
    }

    std::size_t long_word(std::size_t at) {
        std::size_t end = at;
        bool digit = false;
        for (; end < text_.size() && is_alnum(text_[end]); ++end) digit = digit || is_digit(text_[end]);
        return word(at, end, digit);
    }

    std::size_t word(std::size_t at, std::size_t end, bool digit) {
        const std::size_t size = end - at;
        if (size >= kEncodedRun) note_run(at, end, digit);
        if (size == 1) {
            scan_.single_words = at - scan_.last_single <= 4 ? scan_.single_words + 1 : 1;
            scan_.last_single = at;
            if (scan_.single_words >= kSingleWords) scan_.signs.apart = true;
        }
        return scan_word(scan_, at, end, digit);
    }

    // Encoded text has digits or capitals in its midst; long words have not.
    void note_run(std::size_t at, std::size_t end, bool digit) {
        if (scan_.signs.encoded) return;
        const auto run = text_.substr(at + 1, std::min<std::size_t>(end - at, 64) - 1);
        scan_.signs.encoded = digit || (std::ranges::any_of(run, is_upper) && std::ranges::any_of(run, is_lower));
    }

    // Words of scripts with spaces begin behind something else; in the others every character may begin one.
    std::size_t other_script(std::size_t at) {
        const auto c = static_cast<unsigned char>(text_[at]);
        if (c < 0xc3) return 0;
        if (c <= 0xd4 && at > 0) {
            const auto before = static_cast<unsigned char>(text_[at - 1]);
            if (is_alpha(text_[at - 1]) || (before >= 0x80 && before < 0xc0)) return 0;
        }
        return scan_.phrases.may_begin(text_, at) ? look_for_phrases(scan_, at) : 0;
    }

    Scan& scan_;
    const std::string_view text_;
    const MasksOf masks_of_ = best_masks();
    std::size_t base_ = 0;
    std::size_t resume_ = 0;
    std::uint64_t carry_ = 0;
};

}  // namespace

}  // namespace detail

TextSigns scan_text(std::string_view text, std::string_view key, std::vector<Hit>& hits) {
    detail::Scan scan{text, key, hits};
    if (!key.empty()) detail::scan_member_value(scan, key);
    detail::Pass{scan}.run();
    detail::judge_marks(scan);
    scan.signs.spelled_digits = scan.most_digit_words >= 7;
    return scan.signs;
}

int severity_of(std::string_view type) {
    using namespace std::string_view_literals;
    constexpr std::array kNeverLeave{"API_KEY"sv, "PASSWORD"sv, "PRIVATE_KEY"sv, "JWT"sv, "URL_CREDENTIALS"sv, "LEGAL_PRIVILEGE"sv};
    constexpr std::array kContact{"EMAIL"sv, "PHONE"sv, "ADDRESS"sv, "DATE_OF_BIRTH"sv, "IP_ADDRESS"sv, "MAC_ADDRESS"sv, "VEHICLE_ID"sv, "SWIFT_BIC"sv, "SECRET_IDENTIFIER"sv};
    constexpr std::array kLittle{"PERSON"sv, "EMPLOYEE_ID"sv, "LOCATION"sv, "DATE"sv, "AGE"sv};
    if (std::ranges::find(kNeverLeave, type) != kNeverLeave.end()) return 4;
    if (std::ranges::find(kContact, type) != kContact.end()) return 2;
    if (std::ranges::find(kLittle, type) != kLittle.end()) return 1;
    // Health without a person counts only in combination: see Classifier.
    return type == "DOCUMENTED" || type == "HEALTH_INFO" ? 0 : 3;
}

core::DataClass default_class(std::string_view type) {
    switch (severity_of(type)) {
        case 0: return core::DataClass::Public;
        case 1: return core::DataClass::Internal;
        case 2: return core::DataClass::Confidential;
        default: return core::DataClass::Restricted;
    }
}

}  // namespace sluice::policies
