// Puts the values back: placeholders in an answer become what they stand for, also when the model bent them: another
// case, spaces or hyphens for '_', markdown escapes ("\[EMAIL\_1\_k7x9q2m4\]"), other or missing brackets, a translated
// type inside brackets. What identifies a placeholder is its tail; only tails of the given map are restored.
//
// Streams: text comes in any pieces, cut anywhere, also inside a UTF-8 character or a JSON escape. Held back is only
// what may still become a placeholder of the map: "See [EM" holds "[EM", "See [EN" nothing. Linear in the text.
#pragma once

#include "policies/sensitivity/placeholder.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policies {

enum class RestoreIn : std::uint8_t {
    Text,  // plain text, decoded
    Json,  // the text of a JSON value, such as the arguments of a tool call: values are escaped, and quoted where a
           // placeholder stands outside of a string
};

// One text of an answer while it arrives. One object per text; not thread-safe.
class Restorer {
public:
    // A bent placeholder is never longer than this, so no more is ever held back.
    static constexpr std::size_t kLongest = 128;

    Restorer(std::shared_ptr<const PlaceholderMap> map, RestoreIn kind) : map_(std::move(map)), kind_(kind) {}

    // What can be passed on after `piece`.
    std::string feed(std::string_view piece);
    // The rest. Afterwards the restorer may be used for another text.
    std::string finish();

    std::size_t held() const { return text_.size() + pending_.size(); }  // bytes, decoded
    std::size_t restored() const { return restored_; }                   // placeholders so far

private:
    enum class Place : std::uint8_t { Outside, InString };

    void take(std::string_view piece, std::string& out);
    bool take_escape();
    void append(std::string_view decoded, std::string_view raw);
    void settle(bool final, std::string& out);

    std::shared_ptr<const PlaceholderMap> map_;
    RestoreIn kind_;
    Place place_ = Place::Outside;
    std::string text_;                   // decoded, not yet passed on
    std::string raw_;                    // the same as it was written
    std::vector<std::uint32_t> raw_at_;  // Json: where each byte of text_ begins in raw_
    std::string pending_;                // Json: an escape whose end has not come yet
    char before_ = ' ';                  // the decoded byte in front of text_
    std::size_t restored_ = 0;
};

// A whole text at once.
std::string restore(std::string_view text, const std::shared_ptr<const PlaceholderMap>& map, RestoreIn kind,
                    std::size_t* restored = nullptr);

}  // namespace sluice::policies
