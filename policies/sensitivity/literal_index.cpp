#include "policies/sensitivity/literal_index.hpp"

#include "policies/sensitivity/bytes.hpp"

#include <algorithm>

namespace sluice::policies::detail {

namespace {

constexpr unsigned kWindowBits = 14;

std::uint32_t byte(char c) {
    return static_cast<unsigned char>(to_lower(c));
}
// `window`: the last three bytes, the newest lowest.
std::size_t hash_of(std::uint32_t window) {
    return (window * 0x9e3779b1U) >> (32U - kWindowBits);
}
std::uint32_t shifted(std::uint32_t window, char c) {
    return ((window << 8U) | byte(c)) & 0xffffffU;
}

}  // namespace

LiteralIndex::LiteralIndex(std::vector<std::string> literals) : literals_(std::move(literals)) {
    by_window_.resize(std::size_t{1} << kWindowBits);
    any_.resize(by_window_.size());
    for (std::size_t i = 0; i < literals_.size(); ++i) {
        const auto& literal = literals_[i];
        const bool ascii = std::ranges::all_of(literal, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
        if (!ascii || literal.size() < kLeastBytes || i > 0xffffU) {
            always_.push_back(static_cast<int>(i));
            continue;
        }
        const std::size_t hash = hash_of(shifted(shifted(shifted(0, literal[0]), literal[1]), literal[2]));
        by_window_[hash].push_back(static_cast<std::uint16_t>(i));
        any_[hash] = true;
        ++to_find_;
    }
}

void LiteralIndex::find(std::string_view text, std::vector<int>& found) const {
    found.insert(found.end(), always_.begin(), always_.end());
    std::size_t left = to_find_;
    std::vector<bool> seen;
    std::uint32_t window = 0;
    for (std::size_t i = 0; i < text.size() && left > 0; ++i) {
        window = shifted(window, text[i]);
        if (i + 1 < kLeastBytes) continue;
        const std::size_t hash = hash_of(window);
        if (!any_[hash]) continue;
        for (const std::uint16_t index : by_window_[hash]) {
            const std::string& literal = literals_[index];
            const auto here = text.substr(i + 1 - kLeastBytes, literal.size());
            if (!equal_folded(here, literal)) continue;
            if (seen.empty()) seen.resize(literals_.size());
            if (seen[index]) continue;
            seen[index] = true;
            found.push_back(index);
            --left;
        }
    }
}

}  // namespace sluice::policies::detail
