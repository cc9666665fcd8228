#include "local_engine/kernels/cpu/simd.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace sluice::local_engine::cpu {
namespace {

#if defined(__x86_64__)
// By hand: clang 14 does not know the name of this one.
bool has_f16c() {
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}
bool has_avx2() {
    return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 && has_f16c();
}
bool has_avx512_vnni() {
    return has_avx2() && __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
           __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
           __builtin_cpu_supports("avx512vnni") != 0;
}
#else
bool has_avx2() {
    return false;
}
bool has_avx512_vnni() {
    return false;
}
#endif

}  // namespace

const Simd* choose_simd(std::string_view name) {
    if ((name.empty() || name == "avx512-vnni") && has_avx512_vnni() && avx512_vnni_simd() != nullptr)
        return avx512_vnni_simd();
    if ((name.empty() || name == "avx2") && has_avx2() && avx2_simd() != nullptr) return avx2_simd();
    return name.empty() || name == "scalar" ? &scalar_simd() : nullptr;
}

}  // namespace sluice::local_engine::cpu
