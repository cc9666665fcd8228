// What one step computes: some tokens, each of some sequence at some position. A step mixes single tokens of running
// sequences with chunks of prompts; the kernels need not know which is which.
#pragma once

#include <cstdint>
#include <span>

namespace sluice::local_engine {

inline constexpr std::int32_t kPageTokens = 64;  // tokens per page of the key/value cache

// Views are read during Kernels::begin only. Tokens of one sequence stand together, positions ascending by one.
struct Batch {
    std::span<const std::int32_t> tokens;     // (n) ids, below the vocabulary size
    std::span<const std::int32_t> positions;  // (n) from 0
    std::span<const std::int32_t> sequences;  // (n) row of `pages`
    std::span<const std::int32_t>
        pages;  // (sequences, pages_per_sequence) page numbers, position / kPageTokens is the column
    std::int32_t pages_per_sequence = 0;
    std::span<const std::int32_t>
        logit_rows;  // ascending rows of the batch whose logits are wanted; often one per sequence
};

}  // namespace sluice::local_engine
