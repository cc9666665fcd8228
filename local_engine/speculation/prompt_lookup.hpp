// Guesses what comes next from what came before in the same request: after three tokens that stood somewhere earlier, what
// stood behind them there. Costs nothing when it finds nothing. One per sequence, never shared: a pool over requests would
// tell one team what another one wrote.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace sluice::local_engine {

class PromptLookup {
public:
    explicit PromptLookup(std::span<const std::int32_t> prompt);

    void note(std::int32_t token);
    // At most `most` tokens; none when the last three have not been seen before.
    std::vector<std::int32_t> guess(std::size_t most) const;

private:
    static constexpr std::size_t kGram = 3;
    std::uint64_t gram_ending(std::size_t end) const;

    std::vector<std::int32_t> tokens_;
    std::unordered_map<std::uint64_t, std::uint32_t> behind_;  // a gram's hash: where what follows it begins, the latest
};

}  // namespace sluice::local_engine
