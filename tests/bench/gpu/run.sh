#!/usr/bin/env bash
# The bench of this machine's first NVIDIA card, in one command: builds for that card, checks the kernels on it, measures,
# and leaves a table and a JSON. Says plainly what it skips.
#
#   tests/bench/gpu/run.sh [--quick] [--model NAME]... [--out DIR]     default of DIR: build/bench_gpu
#   LLAMA_BENCH=PATH LLAMA_GGUF=FILE tests/bench/gpu/run.sh            llama.cpp's llama-bench beside it, on that file
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
cd "$root" || exit 1
out=build/bench_gpu
arguments=()
while [ $# -gt 0 ]; do
    case $1 in
        --out) out=${2:?--out needs a folder}; shift 2 ;;
        --model) arguments+=(--model "${2:?--model needs a name}"); shift 2 ;;
        --quick) arguments+=(--quick); shift ;;
        *) sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2 ;;
    esac
done

skip() { echo "skipped: $1"; echo "not measured: ceilings, operations, decoding, prompts, llama-bench"; exit 77; }
card=$(nvidia-smi --query-gpu=name,compute_cap,driver_version --format=csv,noheader -i 0 2>/dev/null | head -n 1)
[ -n "$card" ] || skip "nvidia-smi finds no card on this machine"
architecture=$(cut -d, -f2 <<<"$card" | tr -d ' .')
echo "card: $card, building for sm_$architecture"

mkdir -p "$out"
cmake --preset release -B build/bench_gpu.build -DSLUICE_CUDA=ON -DSLUICE_CUDA_ARCHITECTURES="$architecture" -DSLUICE_TESTS=ON \
    >"$out/configure.log" 2>&1 || { tail -n 20 "$out/configure.log"; skip "it cannot be built here"; }
ninja -C build/bench_gpu.build bench_gpu kernels_test >"$out/build.log" 2>&1 || { tail -n 40 "$out/build.log"; exit 1; }

# Numbers of kernels that compute something else are worth nothing.
echo "kernels against the reference:"
build/bench_gpu.build/tests/kernels/kernels_test --gtest_filter='*/cuda_f32:*/cuda_q8:*ARealCard*' --gtest_brief=1 |
    tee "$out/kernels.log" | tail -n 5
[ "${PIPESTATUS[0]}" -eq 0 ] || { echo "the kernels are wrong on this card: nothing is measured"; exit 1; }

build/bench_gpu.build/tests/bench/gpu/bench_gpu "${arguments[@]}" --json "$out/bench_gpu.json" | tee "$out/bench_gpu.txt"
code=${PIPESTATUS[0]}

if [ -n "${LLAMA_BENCH:-}" ] && [ -n "${LLAMA_GGUF:-}" ]; then
    echo "llama-bench, the same card, $LLAMA_GGUF:"
    "$LLAMA_BENCH" -m "$LLAMA_GGUF" -ngl 99 -fa 1 -p 512,2048,8192 -n 128 -o json >"$out/llama_bench.json" 2>"$out/llama_bench.log" ||
        { echo "llama-bench failed:"; tail -n 5 "$out/llama_bench.log"; code=1; }
else
    echo "skipped: llama-bench (give its path in LLAMA_BENCH and a model in LLAMA_GGUF)"
fi
echo "in $out: $(cd "$out" && ls | tr '\n' ' ')"
exit "$code"
