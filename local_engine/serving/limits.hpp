// The one table of what a request may ask of the sampler. Every number is checked against it before anything is
// allocated for the request; core::ChatLimits bounds what all backends share (n, stop, max_tokens).
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::local_engine::limits {

struct Range {
    const char* field;
    double least, most;
};
inline constexpr Range kTemperature{"temperature", 0.0, 2.0};
inline constexpr Range kTopP{"top_p", 0.0, 1.0};
inline constexpr Range kMinP{"min_p", 0.0, 1.0};
inline constexpr Range kTypicalP{"typical_p", 0.001, 1.0};
inline constexpr Range kPresence{"presence_penalty", -2.0, 2.0};
inline constexpr Range kFrequency{"frequency_penalty", -2.0, 2.0};
inline constexpr Range kRepetition{"repetition_penalty", 0.1, 10.0};
inline constexpr double kMostBias = 100.0;

inline constexpr std::int64_t kMostTopLogprobs = 20;
inline constexpr std::int64_t kMostPriority = 10;  // either way
inline constexpr std::size_t kMostBiases = 300;
inline constexpr std::size_t kMostStopBytes = 1024;      // of one stop string
inline constexpr std::size_t kMostGrammarBytes = 65536;  // of a grammar's text, or of a schema as JSON

}  // namespace sluice::local_engine::limits
