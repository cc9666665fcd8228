#include "local_engine/kernels/cpu/simd.hpp"

namespace sluice::local_engine::cpu {
namespace {

#if defined(__x86_64__)
bool has_avx2() {
    return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 &&
           __builtin_cpu_supports("f16c") != 0;
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
