#include "policies/sensitivity/known_values.hpp"

#include "policies/sensitivity/bytes.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::policies::detail {

const Placeholder* placeholder_at(std::string_view text, std::size_t at, const PlaceholderMap& map) {
    constexpr std::size_t kLongestWritten = 48;  // type, number, tail and their separators
    if (text[at] != '[') return nullptr;
    const auto close = text.substr(at, kLongestWritten).find(']');
    if (close == std::string_view::npos || close <= PlaceholderMap::kTailLetters) return nullptr;
    const auto* found =
        map.of_tail(text.substr(at + close - PlaceholderMap::kTailLetters, PlaceholderMap::kTailLetters));
    return found != nullptr && text.substr(at, close + 1) == found->text() ? found : nullptr;
}

std::uint32_t KnownValues::first_bytes(std::string_view text, std::size_t at) {
    std::uint32_t bytes = 0;
    std::memcpy(&bytes, text.data() + at, sizeof bytes);
    return bytes;
}

KnownValues::KnownValues(const PlaceholderMap& map) : map_(map) {
    for (std::size_t i = 0; i < map.size(); ++i) {
        const Placeholder& placeholder = map.at(i);
        if (placeholder.value.size() < kShortest) continue;
        const auto first = first_bytes(placeholder.value, 0);
        may_begin_.set(bit_of(first));
        by_first_[first].push_back(&placeholder);
    }
    for (auto& [_, placeholders] : by_first_)
        std::ranges::stable_sort(placeholders, std::ranges::greater{},
                                 [](const auto* one) { return one->value.size(); });
}

KnownValues::Found KnownValues::next(std::string_view text, std::size_t from) const {
    for (std::size_t at = from; at + kShortest <= text.size(); ++at) {
        if (const auto* written = placeholder_at(text, at, map_)) {
            at += written->text().size() - 1;
            continue;
        }
        const auto first = first_bytes(text, at);
        if (!may_begin_.test(bit_of(first))) continue;
        const auto found = by_first_.find(first);
        if (found == by_first_.end()) continue;
        for (const auto* placeholder : found->second) {
            const std::string& value = placeholder->value;
            if (text.substr(at, value.size()) != value) continue;
            const std::size_t end = at + value.size();
            if (at > 0 && is_alnum(text[at - 1]) && is_alnum(value.front())) continue;
            if (end < text.size() && is_alnum(text[end]) && is_alnum(value.back())) continue;
            if (whole_graphemes(text, {at, end}) != ByteRange{at, end}) continue;
            return {at, placeholder};
        }
    }
    return {text.size(), nullptr};
}

bool KnownValues::occur_in(std::string_view text) const {
    return !by_first_.empty() && next(text, 0).placeholder != nullptr;
}

std::vector<const Placeholder*> KnownValues::in(std::string_view text) const {
    std::vector<const Placeholder*> out;
    if (by_first_.empty()) return out;
    for (auto found = next(text, 0); found.placeholder != nullptr;
         found = next(text, found.begin + found.placeholder->value.size()))
        out.push_back(found.placeholder);
    std::ranges::sort(out);
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

bool KnownValues::mask(std::string& text, std::map<std::string, int>& masked) const {
    if (by_first_.empty()) return false;
    std::string out;
    std::size_t done = 0;
    for (auto found = next(text, 0); found.placeholder != nullptr; found = next(text, done)) {
        out.append(text, done, found.begin - done);
        out += found.placeholder->text();
        ++masked[found.placeholder->type];
        done = found.begin + found.placeholder->value.size();
    }
    if (done == 0) return false;
    out.append(text, done);
    text = std::move(out);
    return true;
}

}  // namespace sluice::policies::detail
