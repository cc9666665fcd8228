#include "policies/sensitivity/byte_masks.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sluice::policies::detail {

#if defined(__x86_64__)

namespace {

// A byte's class is what the tables of its two halves have in common; each bit is one rectangle of the ASCII table. Bytes
// that are not ASCII have no class: the table of upper halves is zero there.
enum Class : char {
    LettersOf46 = 1,  // A to O, a to o
    LettersOf57 = 2,  // P to Z, p to z
    LineEnd = 4,
    Of2 = 8,    // $ % & ( * + -
    Of3 = 16,   // : ; < = > ?
    At = 32,
    Of5 = 64,   // [ backslash
    Tilde = static_cast<char>(128),
};

[[gnu::target("avx2")]] inline std::uint64_t bits(__m256i x) {
    return static_cast<std::uint64_t>(static_cast<unsigned>(_mm256_movemask_epi8(x)));
}

[[gnu::target("avx2")]] ByteMasks avx2_masks_of(const char* bytes) {
    constexpr char L = LettersOf46;
    constexpr char M = LettersOf57;
    const __m256i lower = _mm256_broadcastsi128_si256(_mm_setr_epi8(M | At, L | M, L | M, L | M, L | M | Of2, L | M | Of2, L | M | Of2, L | M, L | M | Of2, L | M,
                                                                     L | M | LineEnd | Of2 | Of3, L | Of2 | Of3 | Of5, L | Of3 | Of5, L | Of2 | Of3,
                                                                     static_cast<char>(L | Of3 | Tilde), L | Of3));
    const __m256i upper = _mm256_broadcastsi128_si256(_mm_setr_epi8(LineEnd, 0, Of2, Of3, L | At, M | Of5, L, static_cast<char>(M | Tilde), 0, 0, 0, 0, 0, 0, 0, 0));
    const __m256i half = _mm256_set1_epi8(0x0f);
    const __m256i zero = _mm256_setzero_si256();
    ByteMasks out;
    for (unsigned part = 0; part < 2; ++part) {
        const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes) + part);
        const __m256i classes = _mm256_and_si256(_mm256_shuffle_epi8(lower, _mm256_and_si256(x, half)),
                                                 _mm256_shuffle_epi8(upper, _mm256_and_si256(_mm256_srli_epi16(x, 4), half)));
        const __m256i shifted = _mm256_sub_epi8(x, _mm256_set1_epi8('0'));
        const std::uint64_t digit = bits(_mm256_cmpeq_epi8(_mm256_min_epu8(shifted, _mm256_set1_epi8(9)), shifted));
        const std::uint64_t no_letter = bits(_mm256_cmpeq_epi8(_mm256_and_si256(classes, _mm256_set1_epi8(L | M)), zero));
        const std::uint64_t no_mark = bits(_mm256_cmpeq_epi8(_mm256_andnot_si256(_mm256_set1_epi8(L | M), classes), zero));
        const std::uint64_t follows = bits(_mm256_cmpgt_epi8(_mm256_set1_epi8(-64), x));  // 0x80 to 0xbf
        constexpr std::uint64_t kAll = 0xffffffffU;
        out.digit |= digit << (32 * part);
        out.word |= (digit | (~no_letter & kAll)) << (32 * part);
        out.mark |= (~no_mark & kAll) << (32 * part);
        out.high |= (bits(x) & ~follows) << (32 * part);
    }
    return out;
}

}  // namespace

MasksOf best_masks() {
    static const MasksOf best = __builtin_cpu_supports("avx2") ? &avx2_masks_of : &masks_of;
    return best;
}

#else

MasksOf best_masks() { return &masks_of; }

#endif

}  // namespace sluice::policies::detail
