// Placeholders: what stands in a redacted request where a sensitive value stood, "[EMAIL_1_k7x9q2m4]". The type and the
// number are for the model, the tail is for us: it is derived with a secret key from the conversation and the value, so
// that nobody can guess it, and it never occurs in the text that is redacted, so that no text can forge one.
#pragma once

#include "core/crypto.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace sluice::policies {

struct Placeholder {
    std::string type;   // "EMAIL": letters and '_' only
    int number = 1;     // per type, in order of appearance
    std::string tail;   // kTailLetters letters and digits in turn, lower case: "k7x9q2m4"
    std::string value;  // what it stands for
    std::string text() const { return "[" + type + "_" + std::to_string(number) + "_" + tail + "]"; }
};

// The values of one request (or, kept by policy, of one conversation) and their placeholders. Lives in memory only;
// never logged. One value has one placeholder. Not thread-safe while it grows; const use is.
class PlaceholderMap {
public:
    static constexpr std::size_t kTailLetters = 8;  // 20^4 * 8^4 tails: 29 bits, and see PlaceholderMaker
    static constexpr std::size_t kMostValues = 4096;
    static constexpr std::size_t kMostValueBytes = 16 * 1024;

    bool empty() const { return all_.empty(); }
    std::size_t size() const { return all_.size(); }
    const Placeholder& at(std::size_t index) const { return *all_.at(index); }
    const Placeholder* of_value(std::string_view value) const;
    // By the tail in lower case.
    const Placeholder* of_tail(std::string_view tail) const;
    // True when some tail begins so: what a stream that ends here may still become.
    bool may_begin_tail(std::string_view begin) const;
    // Type names in use, without doubles.
    const std::vector<std::string>& types() const { return types_; }
    // Null when the map is full, the value too long, or the tail is taken by another value.
    const Placeholder* add(Placeholder placeholder);
    int next_number(const std::string& type) const;

    // For keeping a map encrypted; decode refuses what encode did not write. Bounded.
    std::string encode() const;
    static bool decode(std::string_view bytes, PlaceholderMap& out);

private:
    std::vector<std::unique_ptr<Placeholder>> all_;  // addresses stay; an empty deque would allocate
    std::unordered_map<std::string_view, const Placeholder*> by_value_;
    std::map<std::string_view, const Placeholder*> by_tail_;
    std::vector<std::string> types_;
    std::map<std::string, int, std::less<>> last_number_;

public:
    PlaceholderMap() = default;
    PlaceholderMap(const PlaceholderMap& other) { *this = other; }
    PlaceholderMap& operator=(const PlaceholderMap& other);
    PlaceholderMap(PlaceholderMap&&) noexcept = default;
    PlaceholderMap& operator=(PlaceholderMap&&) noexcept = default;
    ~PlaceholderMap() = default;
};

// Makes placeholders for one conversation. The same key and value give the same tail, unless the text forbids it.
class PlaceholderMaker {
public:
    // `conversation_key`: secret, of one conversation of one team.
    explicit PlaceholderMaker(const core::Secret& conversation_key) : hmac_(conversation_key) {}

    // Notes everything in `text` that could be read as the tail of a placeholder: such tails are not used.
    void forbid_tails_of(std::string_view text);
    // A text made of nothing but tails: more than kMostForbidden of them. Then nothing is placed.
    bool overfull() const { return forbidden_.size() >= kMostForbidden; }
    static constexpr std::size_t kMostForbidden = 65'536;
    // The placeholder of the value in `map`, made when it is new. Null: PlaceholderMap::add() refused.
    const Placeholder* place(std::string_view type, std::string_view value, PlaceholderMap& map) const;

private:
    core::Hmac hmac_;
    std::unordered_set<std::string> forbidden_;
};

namespace detail {
inline constexpr std::string_view kTailConsonants = "bcdfghjkmnpqrstvwxyz";  // no vowels: no words
inline constexpr std::string_view kTailDigits = "23456789";
bool is_tail(std::string_view lower);
// What may stand between the parts of a bent placeholder: '_', '-', ' ', '\', ':', '.', '/', U+00A0, U+2011, U+2013.
// The length of the one at `at`, or 0.
std::size_t separator_at(std::string_view text, std::size_t at);
}  // namespace detail

}  // namespace sluice::policies
