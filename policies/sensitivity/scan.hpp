// The parts of scan_text(): each scanner is called at the byte that may start (or, for '@' and operators, be inside) a
// finding and returns the byte behind what it found, or 0 when there is nothing. Internal to policies/sensitivity.
#pragma once

#include "policies/sensitivity/byte_masks.hpp"
#include "policies/sensitivity/bytes.hpp"
#include "policies/sensitivity/detectors.hpp"
#include "policies/sensitivity/phrases.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::policies::detail {

// Words that change what the numbers and texts behind them mean; phrases of each in context_words.cpp.
enum class Context : std::uint8_t {
    None,
    Phone,
    Card,
    SocialSecurity,
    Password,
    Harmless,
    Authorization,
    AwsKeyId,
    Cvv,
    Expiry,
    Bic,
    Wallet,
    Birth,
    Network,
    Address,
    Name,
    NameIs,
    Salutation,
    Person,
    Condition,
    Drug,
    Clinical,
    Documented,
    Marking,
    Privilege,
    Login,
    DigitWord,
    Street,
    StreetFirst,
    Question,
    Sender,
    AwsSecret,
    LivesAt,
    Flat,
    Iban,
    Dot,
    Count
};

using Label = std::uint16_t;  // a Context, or a row of the identifier tables
inline constexpr Label kFirstRule = static_cast<Label>(Context::Count);
inline constexpr std::size_t kLabels = 192;

// All phrases of all labels; the add_ functions are parts of it, one for each table of words.
const Phrases& label_phrases();
void add_health_words(Phrases& phrases);
void add_marking_words(Phrases& phrases);
void add_digit_words(Phrases& phrases);
void add_street_words(Phrases& phrases);

// Marks left by the pass for what is decided at the end, over the whole text.
struct Mark {
    Context context;
    std::size_t begin;
    std::size_t end;
};

class Scan {
public:
    static constexpr std::size_t npos = std::string_view::npos;

    Scan(std::string_view text, std::string_view key, std::vector<Hit>& hits);

    const std::string_view text;
    const Phrases& phrases;
    mutable Phrases::Recent recent;

    // Which of the 64 bytes at a place are letters or digits; none behind the end. One look serves all who ask for one place.
    struct Window {
        std::uint64_t word = 0;
        std::uint64_t digit = 0;
    };
    const Window& window(std::size_t position) const {
        if (window_at_ != position) look_at(position);
        return window_;
    }

    char at(std::size_t i) const { return i < text.size() ? text[i] : '\0'; }
    // True when such a word ended within `reach` bytes before `position` on the same line (or was the last thing on the
    // line before), or names the member.
    bool near(Label label, std::size_t position, std::size_t reach = 40) const { return distance(label, position) <= reach; }
    bool near(Context context, std::size_t position, std::size_t reach = 40) const {
        return near(static_cast<Label>(context), position, reach);
    }
    // Bytes between the word and `position`; more than any reach when there is none. 0 for a word of the member's name.
    std::size_t distance(Label label, std::size_t position) const {
        if (in_key_[label]) return 0;
        const std::size_t last = last_[label];
        if (last == kNever || position < last) return npos;
        // The last thing on the line before counts as if it stood on this one.
        if (last < line_ && (line_ - last > 4 || position - line_ > 8)) return npos;
        return position - last;
    }
    // True when such a word begins within 24 bytes behind `end` on the same line.
    bool near_after(Label label, std::size_t end) const;
    // False while no word was seen behind which a secret of AWS may stand.
    bool names_aws() const { return names_aws_; }
    // A word of AWS or of secrets in front: 40 characters behind it may be an AWS secret.
    bool near_secret_word(std::size_t position) const;
    // True when the column of a table that `position` is in has such a word in the first line.
    bool heads_column(Label label, std::size_t position);

    void remember(Label label, std::size_t end) {
        last_[label] = static_cast<std::uint32_t>(end);
        names_aws_ = names_aws_ || is_of_aws(label);
        if (label >= kFirstRule) last_rule_ = end;
    }
    // False when no word of the identifier tables is anywhere near: most numbers are settled by that.
    bool names_ids(std::size_t position, std::size_t end) {
        if (key_names_ids_ || (last_rule_ != npos && position - last_rule_ <= 41)) return true;
        if (after_end_ != end) look_behind(end);
        return after_names_ids_ || (line_ > 0 && heads_any());
    }
    void remember(Context context, std::size_t end) { remember(static_cast<Label>(context), end); }
    // Words count on their own line; a key id and its secret usually stand on two.
    void new_line(std::size_t begin) { line_ = begin; }
    std::size_t line() const { return line_; }
    // Appends the hit and returns its end.
    std::size_t add(std::string_view type, std::size_t begin, std::size_t end, double score, std::string_view detector);
    std::vector<Hit>& hits() { return hits_; }

    // Values that turned out harmless may hold further assignments ("a: password=..."), but not without end: a text of
    // nothing but assignments would be read over and over.
    bool may_read_value(std::size_t at);
    void rejected_value(std::size_t end) { rejected_end_ = std::max(rejected_end_, end); }

    static constexpr std::size_t kMostMarks = 64;  // of a kind nobody needs more
    void mark(Context context, std::size_t begin, std::size_t end) {
        if (marks_.size() < kMostMarks) marks_.push_back({context, begin, end});
    }
    const std::vector<Mark>& marks() const { return marks_; }

    std::size_t digit_words = 0;      // in a row, up to now
    std::size_t most_digit_words = 0;
    std::size_t last_digit_word_end = 0;
    std::size_t no_hash_before = 0;   // up to there scan_crypt_hash() knows that none begins
    std::size_t single_words = 0;     // words of one character in a row
    std::size_t last_single = 0;
    TextSigns signs;

private:
    static constexpr std::uint32_t kNever = 0xffffffffU;

    static constexpr Label kNoLabel = 0xffff;

    static bool is_of_aws(Label label) { return label == static_cast<Label>(Context::AwsKeyId) || label == static_cast<Label>(Context::AwsSecret); }
    void look_at(std::size_t position) const;
    void look_behind(std::size_t end) const;
    bool heads_any();
    void read_head(std::string_view head, char mark, std::size_t next_line);

    std::vector<Hit>& hits_;
    std::vector<Mark> marks_;
    std::size_t rejected_end_ = 0;
    int read_inside_rejected_ = 0;
    std::size_t line_ = 0;
    std::array<std::uint32_t, kLabels> last_;
    std::array<bool, kLabels> in_key_{};
    mutable std::array<std::uint64_t, (kLabels + 63) / 64> after_{};
    mutable Window window_;
    mutable std::size_t window_at_ = npos;
    const MasksOf masks_of_ = best_masks();
    mutable std::size_t after_end_ = npos;
    mutable bool after_any_ = false;  // a bit of after_ is set
    mutable bool after_names_ids_ = false;
    bool key_names_ids_ = false;
    bool names_aws_ = false;
    std::size_t last_rule_ = npos;
    std::vector<std::pair<Label, std::uint16_t>> heads_;  // label, column
    char heads_mark_ = ',';
    std::size_t heads_begin_ = 0;
    std::size_t column_position_ = npos;  // whose column column_ is
    std::uint16_t column_ = 0;
};

std::size_t scan_digits(Scan& scan, std::size_t at);        // cards, social security numbers, phones; at a digit
std::size_t scan_id(Scan& scan, std::size_t at);            // identifiers of id_rules.hpp; at a word that holds a digit
std::size_t scan_parenthesis(Scan& scan, std::size_t at);   // (212) 555-0134
std::size_t scan_plus(Scan& scan, std::size_t at);          // +49 ...
bool may_begin_iban(const Scan& scan, std::size_t at);      // two letters, two digits
std::size_t scan_iban(Scan& scan, std::size_t at);          // at the first letter
std::size_t scan_bare_iban(Scan& scan, std::size_t at);     // digits behind "IBAN" whose country went missing
std::size_t scan_email(Scan& scan, std::size_t at);         // at the '@'
std::size_t scan_token(Scan& scan, std::size_t at);         // vendor prefixes; at the start of a word
std::size_t scan_aws_secret(Scan& scan, std::size_t at);    // 40 characters soon after a key id; at the start of a word
std::size_t scan_azure_secret(Scan& scan, std::size_t at);  // at the '~' of "8Q~"
std::size_t scan_jwt(Scan& scan, std::size_t at);           // at "eyJ"
std::size_t scan_private_key(Scan& scan, std::size_t at);   // at "-----BEGIN"
std::size_t scan_encoded_key(Scan& scan, std::size_t at);   // at "LS0tLS1CRUdJTi", which is "-----BEGIN" in base64
std::size_t scan_url_password(Scan& scan, std::size_t at);  // at "://"
std::size_t scan_assignment(Scan& scan, std::size_t at);    // at '=', ':' or '>' behind password, secret, api_key, ...
std::size_t scan_spoken_password(Scan& scan, std::size_t word_begin, std::size_t word_end);  // "the password is ..."
std::size_t scan_authorization(Scan& scan, std::size_t word_begin, std::size_t word_end);  // "Bearer ...", "Basic ..."
std::size_t scan_keyed(Scan& scan, std::size_t at, std::size_t word_end);  // at a word with digits, behind KEY, TOKEN, SECRET, ...
std::size_t scan_crypt_hash(Scan& scan, std::size_t at);                   // at the '$' of "$2b$..."
std::size_t scan_option(Scan& scan, std::size_t at);                       // at the '-' of "-u name:secret"
std::size_t scan_long_option(Scan& scan, std::size_t at);                  // at the first '-' of "--token abc..."
std::size_t scan_login_options(Scan& scan, std::size_t at);                // at the '-' of "-u name -p secret"
std::size_t scan_webhook(Scan& scan, std::size_t word_begin, std::size_t word_end);  // ".../webhook/abc..."
// A whole text that is the value of a member named like a secret.
void scan_member_value(Scan& scan, std::string_view key);

bool luhn(std::string_view digits);
// True when the number seems to go on before `at` or stands inside an identifier: "3.4111...", "a-4111...", "_4111...".
bool glued_before(const Scan& scan, std::size_t at);
bool ends_number(const Scan& scan, std::size_t end);

// What is decided over the whole text: markings, health beside a person.
void judge_marks(Scan& scan);
// A name behind a cue ("my name is", "Mr", "Name:"), an address around a street word, a date behind a word of birth.
void scan_name(Scan& scan, Context cue, std::size_t cue_begin, std::size_t cue_end);
void scan_street(Scan& scan, std::size_t word_begin, std::size_t word_end);         // "12 Birch Lane"
void scan_street_first(Scan& scan, std::size_t word_begin, std::size_t word_end);   // "Calle Mayor 5"
void scan_lives_at(Scan& scan, std::size_t cue_end);                                 // "lives at 19 Tylova 3"
void scan_flat(Scan& scan, std::size_t word_begin, std::size_t word_end);            // "... 36\n Apt. 591", "APO AP 24937"
std::size_t scan_house_number(Scan& scan, std::size_t at);  // "Birkenweg 5", "5 Storgata": street words that are one with the name
void scan_birth(Scan& scan, std::size_t cue_end);
std::size_t scan_dotted(Scan& scan, std::size_t at);     // IPv4 addresses; at a digit
std::size_t scan_colons(Scan& scan, std::size_t at);     // IPv6 and hardware addresses; at the first digit
std::size_t scan_wallet(Scan& scan, std::size_t at, std::size_t end);  // crypto currency addresses; a whole word
std::size_t scan_bic(Scan& scan, std::size_t at, std::size_t end);

enum class SecretKind : std::uint8_t { Password, Token };
enum class Quoted : std::uint8_t { No, Yes };
// Not a placeholder, a reference, a mask, a type or plain prose: something a person or a generator made up to be
// secret.
bool plausible_secret(std::string_view value, SecretKind kind, Quoted quoted);
// Mixed enough to have been generated: letters with digits, many different characters, no run of the alphabet.
bool looks_generated(std::string_view value);
// Letters, digits and at least six different characters, in whatever order: fixtures count up.
bool mixed_enough(std::string_view value);

}  // namespace sluice::policies::detail
