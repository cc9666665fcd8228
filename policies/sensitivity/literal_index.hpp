// Which of some short lower-case texts occur in a text, in any case: one pass, a table of three-byte windows. It tells
// which patterns are worth running. Immutable; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policies::detail {

class LiteralIndex {
public:
    static constexpr std::size_t kLeastBytes = 3;

    LiteralIndex() = default;
    // Texts with other characters than ASCII count as always there: their case is not folded here.
    explicit LiteralIndex(std::vector<std::string> literals);

    // Positions in the list given to the constructor, each once, in any order.
    void find(std::string_view text, std::vector<int>& found) const;

private:
    std::vector<std::string> literals_;
    std::vector<int> always_;
    std::vector<std::vector<std::uint16_t>> by_window_;  // by the hash of the first three bytes
    std::vector<bool> any_;
    std::size_t to_find_ = 0;
};

}  // namespace sluice::policies::detail
