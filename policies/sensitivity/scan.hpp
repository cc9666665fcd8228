// The parts of scan_text(): each scanner is called at the byte that may start (or, for '@' and operators, be inside) a
// finding and returns the byte behind what it found, or 0 when there is nothing. Internal to policies/sensitivity.
#pragma once

#include "policies/sensitivity/bytes.hpp"
#include "policies/sensitivity/detectors.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace sluice::policies::detail {

// Words that change what the numbers and texts behind them mean.
enum class Context : std::uint8_t { None, Phone, Card, SocialSecurity, Password, Harmless, Authorization, AwsKeyId };
inline constexpr std::size_t kContexts = 8;

Context context_of(std::string_view word);

class Scan {
public:
    static constexpr std::size_t npos = std::string_view::npos;

    Scan(std::string_view text, std::string_view key, std::vector<Hit>& hits);

    const std::string_view text;

    char at(std::size_t i) const { return i < text.size() ? text[i] : '\0'; }
    // True when a word of that kind ended within `reach` bytes before `position` on the same line, or names the member.
    bool near(Context context, std::size_t position, std::size_t reach = 40) const;
    void remember(Context context, std::size_t end) { last_[static_cast<std::size_t>(context)] = end; }
    // Words count on their own line; a key id and its secret usually stand on two.
    void new_line() {
        const std::size_t key_id = last_[static_cast<std::size_t>(Context::AwsKeyId)];
        last_.fill(npos);
        last_[static_cast<std::size_t>(Context::AwsKeyId)] = key_id;
    }
    // Appends the hit and returns its end.
    std::size_t add(std::string_view type, std::size_t begin, std::size_t end, double score, std::string_view detector);

    // Values that turned out harmless may hold further assignments ("a: password=..."), but not without end: a text of
    // nothing but assignments would be read over and over.
    bool may_read_value(std::size_t at);
    void rejected_value(std::size_t end) { rejected_end_ = std::max(rejected_end_, end); }

private:
    std::vector<Hit>& hits_;
    std::size_t rejected_end_ = 0;
    int read_inside_rejected_ = 0;
    std::array<std::size_t, kContexts> last_;
    std::array<bool, kContexts> in_key_{};
};

std::size_t scan_digits(Scan& scan, std::size_t at);        // cards, social security numbers, phones; at a digit
std::size_t scan_parenthesis(Scan& scan, std::size_t at);   // (212) 555-0134
std::size_t scan_plus(Scan& scan, std::size_t at);          // +49 ...
std::size_t scan_iban(Scan& scan, std::size_t at);          // at the first letter
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
// A whole text that is the value of a member named like a secret.
void scan_member_value(Scan& scan, std::string_view key);

bool luhn(std::string_view digits);

enum class SecretKind : std::uint8_t { Password, Token };
enum class Quoted : std::uint8_t { No, Yes };
// Not a placeholder, a reference, a mask, a type or plain prose: something a person or a generator made up to be
// secret.
bool plausible_secret(std::string_view value, SecretKind kind, Quoted quoted);
// Mixed enough to have been generated: letters with digits, many different characters, no run of the alphabet.
bool looks_generated(std::string_view value);

}  // namespace sluice::policies::detail
