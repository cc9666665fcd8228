#!/usr/bin/env bash
# Everything that proves Sluice: installs what the tests need, builds with sanitizers, fuzzes, and ends with the summary of
# ctest. Needs no terminal and no files outside of this folder.
#
#   tests/run.sh                 fuzz targets, the threads under tsan, then every test under asan and ubsan
#   tests/run.sh --preset NAME   one of dev (every test, no sanitizer: the quickest), asan, tsan, fuzz
#   FUZZ_SECONDS=N               how long each fuzz target runs; unset: 60 for those of the edge and of files, 20 for the rest
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
# shellcheck source=deploy/packages.sh
. deploy/packages.sh

presets=(fuzz tsan asan) # asan last: its summary ends the output
case "${1:-}" in
    '') ;;
    --preset) presets=("${2:?--preset needs a name}") ;;
    *) sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2 ;;
esac

steps=()
failed=()
# step NAME COMMAND...: runs it, notes how long it took and whether it went well.
step() {
    local name=$1 started=$SECONDS result=ok
    shift
    printf '\n== %s\n' "$name"
    "$@" </dev/null || { result=FAILED; failed+=("$name"); }
    steps+=("$(printf '%-28s %4d s  %s' "$name" $((SECONDS - started)) "$result")")
    [ "$result" = ok ]
}

configure() { cmake --preset "$1" >"build/$1.configure.log" 2>&1 || { cat "build/$1.configure.log"; return 1; }; }
# Output of a build that goes well is one line per hundred steps in a log nobody watches, each step on a terminal.
compile() {
    local preset=$1
    shift
    if [ -t 1 ]; then
        ninja -C "build/$preset" -j "$(build_jobs)" "$@"
    else
        ninja -C "build/$preset" -j "$(build_jobs)" "$@" >"build/$preset.build.log" 2>&1 || { tail -n 200 "build/$preset.build.log"; return 1; }
        tail -n 1 "build/$preset.build.log"
    fi
}
run_tests() {
    local preset=$1
    shift
    # Failures that are known and not mended yet are left out by name, and said aloud: tests/known_failures.txt.
    local known
    known=$(grep -vE '^(#|$)' tests/known_failures.txt | paste -sd'|')
    if [ -n "$known" ]; then
        echo 'Left out, known to fail (tests/known_failures.txt):'
        grep -vE '^(#|$)' tests/known_failures.txt | sed 's/^/  /'
        set -- -E "$known" "$@"
    fi
    ctest --preset "$preset" -j "$(nproc)" --no-tests=error "$@"
}

unit_targets() { local layer; for layer in "$@"; do echo "unit_$layer"; done; }
# ctest names of unit tests begin with their layer: "policies.Ledger.…".
unit_pattern() { local IFS='|'; echo "^($*)\\."; }

run_dev() {
    step 'dev: configure' configure dev && step 'dev: build' compile dev && step 'dev: tests' run_tests dev
}
run_asan() {
    step 'asan: configure' configure asan && step 'asan: build' compile asan && step 'asan: tests' run_tests asan
}
run_tsan() {
    local layers=(core cache policies providers gateway local_engine)
    # The engine's arithmetic is covered by asan; under tsan its threads are what matters.
    step 'tsan: configure' configure tsan && step 'tsan: build' compile tsan $(unit_targets "${layers[@]}") &&
        step 'tsan: tests' run_tests tsan -R "$(unit_pattern core cache policies providers gateway)|^local_engine\\.(Engine|Scheduler)"
}

# One fuzz target: fails as soon as it finds something; the input stays in build/fuzz/findings.
fuzz_one() {
    local name=$1 seeds=tests/fuzz/corpus/$1 seconds=20 code=0
    case " http json_body sse gguf yaml classifier " in *" $name "*) seconds=60 ;; esac
    mkdir -p "build/fuzz/corpus/$name" "build/fuzz/findings/$name"
    [ -d "$seeds" ] || seeds=
    "build/fuzz/tests/fuzz/fuzz_$name" -max_total_time="${FUZZ_SECONDS:-$seconds}" -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=1024 \
        -max_len=65536 -print_final_stats=1 -artifact_prefix="build/fuzz/findings/$name/" \
        "build/fuzz/corpus/$name" $seeds >"build/fuzz/$name.log" 2>&1 || code=$?
    if [ "$code" -ne 0 ]; then
        echo "$name: FAILED"
        tail -n 60 "build/fuzz/$name.log"
    else
        echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$name.log") executions, nothing found"
    fi
    return "$code"
}
run_fuzzers() {
    export -f fuzz_one
    xargs -P "$(nproc)" -I{} bash -c 'fuzz_one {}' <build/fuzz/fuzz_targets.txt
}
run_fuzz() {
    step 'fuzz: configure' configure fuzz && step 'fuzz: build' compile fuzz && step 'fuzz: run' run_fuzzers
}

mkdir -p build
step 'packages' install_packages deploy/packages.txt tests/packages.txt || exit 1
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=second_deadlock_stack=1
# Sanitizers and reused precompiled headers: ccache must not mistake one for the other.
export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime

for preset in "${presets[@]}"; do
    last=${presets[-1]}
    if [ "$preset" = "$last" ] && [ "${#presets[@]}" -gt 1 ]; then
        # Said before the last ctest, so that its summary is what the output ends with.
        printf '\n== so far\n'
        printf '%s\n' "${steps[@]}"
    fi
    "run_$preset"
done

if [ "${#failed[@]}" -gt 0 ]; then
    printf '\nFAILED: %s\n' "${failed[*]}" >&2
    exit 1
fi
