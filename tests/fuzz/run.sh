#!/bin/sh
# Builds every fuzz target and runs each for SECONDS with its seeds: tests/fuzz/run.sh [SECONDS] [TARGET...]
# Inputs that break something are kept in build/fuzz/findings/; any of them makes this script fail.
set -eu
seconds=${1:-60}
[ $# -gt 0 ] && shift
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${SLUICE_FUZZ_BUILD:-$root/build/fuzz}

cmake -S "$root" --preset fuzz -B "$build" >/dev/null
cmake --build "$build"

targets=${*:-$(cat "$build/fuzz_targets.txt")}
failed=""
for target in $targets; do
    mkdir -p "$build/corpus/$target" "$build/findings/$target"
    echo "fuzz_$target: $seconds s"
    # What was learnt goes to the build folder; the seeds in the repository stay as they are.
    seeds=$root/tests/fuzz/corpus/$target
    [ -d "$seeds" ] || seeds=""
    if ! "$build/tests/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=1024 \
        -max_len=65536 -print_final_stats=1 -artifact_prefix="$build/findings/$target/" \
        "$build/corpus/$target" ${seeds:+"$seeds"} >"$build/$target.log" 2>&1; then
        failed="$failed $target"
        tail -n 60 "$build/$target.log"
    fi
    grep -E "stat::number_of_executed_units|stat::average_exec_per_sec" "$build/$target.log" || true
done
[ -z "$failed" ] || { echo "findings in:$failed"; exit 1; }
echo "no findings"
