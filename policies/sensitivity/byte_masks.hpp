// Which of 64 bytes are letters or digits, digits, marks that may start a finding, or not ASCII: one bit each, in vectors of
// sixteen bytes where there are any, otherwise byte by byte (the meaning; a test compares the two).
#pragma once

#include <cstdint>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace sluice::policies::detail {

struct ByteMasks {
    std::uint64_t word = 0;   // ASCII letters and digits
    std::uint64_t digit = 0;
    std::uint64_t mark = 0;   // ( + - : ; < = > ? @ [ \ ~ $ % & * and line ends
    std::uint64_t high = 0;   // the first byte of a character that is not ASCII
};

// The fastest way to tell on this machine, chosen once: AVX2 where there is such a thing, otherwise masks_of() below.
using MasksOf = ByteMasks (*)(const char* bytes);  // 64 readable bytes
MasksOf best_masks();

// What words are made of, for those who look at nothing else.
struct WordMasks {
    std::uint64_t word = 0;   // ASCII letters and digits
    std::uint64_t other = 0;  // bytes that are not ASCII
};

inline ByteMasks plain_masks_of(const char* bytes) {  // 64 readable bytes
    ByteMasks out;
    for (unsigned i = 0; i < 64; ++i) {
        const auto c = static_cast<unsigned char>(bytes[i]);
        const std::uint64_t bit = std::uint64_t{1} << i;
        const bool digit = c >= '0' && c <= '9';
        if (digit) out.digit |= bit;
        if (digit || ((c | 0x20U) >= 'a' && (c | 0x20U) <= 'z')) out.word |= bit;
        if (c >= 0xc0) out.high |= bit;
        if ((c >= ':' && c <= '@') || std::string_view{"(+-[\\~\n$%&*"}.find(static_cast<char>(c)) != std::string_view::npos) out.mark |= bit;
    }
    return out;
}

inline WordMasks plain_word_masks_of(const char* bytes) {
    WordMasks out{.word = plain_masks_of(bytes).word};
    for (unsigned i = 0; i < 64; ++i)
        if (static_cast<unsigned char>(bytes[i]) >= 0x80) out.other |= std::uint64_t{1} << i;
    return out;
}

#if defined(__SSE2__)

inline WordMasks word_masks_of(const char* bytes) {
    WordMasks out;
    const auto within = [](__m128i x, char first, char size) {
        const __m128i shifted = _mm_sub_epi8(x, _mm_set1_epi8(first));
        return _mm_cmpeq_epi8(_mm_min_epu8(shifted, _mm_set1_epi8(size)), shifted);
    };
    const auto bits = [](__m128i x) { return static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(x))); };
    for (unsigned part = 0; part < 4; ++part) {
        const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes) + part);
        out.word |= bits(_mm_or_si128(within(x, '0', 9), within(_mm_or_si128(x, _mm_set1_epi8(0x20)), 'a', 25))) << (16 * part);
        out.other |= bits(x) << (16 * part);
    }
    return out;
}

inline ByteMasks masks_of(const char* bytes) {  // 64 readable bytes
    ByteMasks out;
    const auto within = [](__m128i x, char first, char size) {
        const __m128i shifted = _mm_sub_epi8(x, _mm_set1_epi8(first));
        return _mm_cmpeq_epi8(_mm_min_epu8(shifted, _mm_set1_epi8(size)), shifted);
    };
    const auto is = [](__m128i x, char c) { return _mm_cmpeq_epi8(x, _mm_set1_epi8(c)); };
    const auto bits = [](__m128i x) { return static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(x))); };
    for (unsigned part = 0; part < 4; ++part) {
        const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes) + part);
        const __m128i digit = within(x, '0', 9);
        const __m128i letter = within(_mm_or_si128(x, _mm_set1_epi8(0x20)), 'a', 25);
        __m128i mark = _mm_or_si128(within(x, ':', '@' - ':'), within(x, '$', 2));
        for (const char c : {'(', '+', '-', '[', '\\', '~', '\n', '*'}) mark = _mm_or_si128(mark, is(x, c));
        out.digit |= bits(digit) << (16 * part);
        out.word |= bits(_mm_or_si128(digit, letter)) << (16 * part);
        out.mark |= bits(mark) << (16 * part);
        const __m128i follows = _mm_cmpgt_epi8(_mm_set1_epi8(-64), x);  // 0x80 to 0xbf
        out.high |= bits(_mm_andnot_si128(follows, x)) << (16 * part);
    }
    return out;
}

#else

inline ByteMasks masks_of(const char* bytes) { return plain_masks_of(bytes); }
inline WordMasks word_masks_of(const char* bytes) { return plain_word_masks_of(bytes); }

#endif

}  // namespace sluice::policies::detail
