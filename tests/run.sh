#!/usr/bin/env bash
# Everything that proves Sluice: installs what the tests need, fuzzes, builds as users do and with sanitizers, and ends with the
# summary of ctest. Needs no terminal and no files outside of this folder.
#
#   tests/run.sh                 fuzz targets; what has threads under tsan; golden models; every other test under asan and ubsan
#   tests/run.sh --all           also every test in the dev preset, and the release binary from outside
#   tests/run.sh --preset NAME   one of dev, release, golden, asan, tsan, fuzz
#   FUZZ_SECONDS=N               how long each fuzz target runs; unset: 60 for those that read what comes over the network
#                                or in files (http, json_body, sse, gguf, yaml), 20 for the others
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
# shellcheck source=deploy/packages.sh
. deploy/packages.sh

presets=(fuzz tsan golden asan) # asan last: the summary of nearly all tests ends the output
case "${1:-}" in
    '') ;;
    --all) presets=(fuzz tsan golden release dev asan) ;;
    --preset) presets=("${2:?--preset needs a name}") ;;
    *) sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2 ;;
esac

for name in "${presets[@]}"; do
    case " dev release golden asan tsan fuzz " in *" $name "*) ;;
        *) echo "no preset $name: dev, release, golden, asan, tsan or fuzz" >&2; exit 2 ;; esac
done

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
# One or two tests that fail on a busy machine, for want of time, get a second chance, aloud. What a sanitizer found is never
# tried again: a fault is one however seldom it shows.
run_tests() {
    local preset=$1 log=build/$1.tests.log failed_tests=build/$1/Testing/Temporary/LastTestsFailed.log
    shift
    # One more than there are cores: many tests wait for something now and then.
    ctest --preset "$preset" -j $(($(nproc) + 1)) --no-tests=error "$@" 2>&1 | tee "$log"
    [ "${PIPESTATUS[0]}" -eq 0 ] && return 0
    grep -qE 'ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error: ' "$log" && return 1
    [ "$(wc -l <"$failed_tests")" -le 2 ] || return 1
    printf '\n== %s: once more, alone: %s\n' "$preset" "$(tr '\n' ' ' <"$failed_tests")"
    ctest --preset "$preset" --rerun-failed
}
# The last of several ctest runs: what went before is said first, so that ctest's summary is what the output ends with.
so_far() {
    [ "${#presets[@]}" -gt 1 ] && [ "$1" = "${presets[-1]}" ] || return 0
    printf '\n== so far\n'
    printf '%s\n' "${steps[@]}"
}
# build PRESET TARGET...: configures and builds; all targets when none is named.
build() {
    local name=$1
    shift
    step "$name: configure" configure "$name" && step "$name: build" compile "$name" "$@"
}
# tests PRESET ARGUMENT...: what ctest finds with the arguments.
tests() {
    local name=$1
    shift
    so_far "$name"
    step "$name: tests" run_tests "$name" "$@"
}

run_dev() { build dev && tests dev; }
# What users run: the binary from outside, and the long leak test.
run_release() {
    build release sluice end_to_end leak_in_process leak_binary &&
        tests release -R '^(integration|leak|architecture|compile_fail)\.'
}
# The engine's arithmetic is covered by asan; under tsan its threads are what matters.
run_tsan() {
    build tsan unit_core unit_cache unit_policies unit_providers unit_gateway unit_local_engine &&
        tests tsan -R '^(core|cache|policies|providers|gateway)\.|^local_engine\.(Engine|Scheduler)'
}
# Whole models compute for too long under asan: it has one of each architecture, golden has all. The leak test's 50,000 cases too: all
# of them run optimised, beside the models, and asan sees the first ones as well.
golden='^(golden\.|leak\.Leak\.)'
too_long_for_asan='^golden\..*(Shared_|Bundled_llama4)'
run_golden() { build golden golden_models leak_in_process && tests golden -R "$golden"; }
run_asan() {
    build asan || return
    case " ${presets[*]} " in *' golden '*) step 'asan and golden: all tests' have_all_tests ;; esac
    SLUICE_LEAK_CASES=${SLUICE_LEAK_CASES:-10000} tests asan -E "$too_long_for_asan"
}
# Names without the printed parameter, which is not always the same in two builds.
names() { ctest --preset "$@" -N | sed -n 's/^ *Test *#[0-9]*: //; T; s/ *# GetParam() = .*//; p' | LC_ALL=C sort; }
# asan builds all tests there are. What it does not run must be among what golden runs.
have_all_tests() {
    local all run missing
    all=$(names asan)
    run=$(names asan -E "$too_long_for_asan"; names golden -R "$golden")
    missing=$(LC_ALL=C comm -23 <(echo "$all") <(LC_ALL=C sort -u <<<"$run"))
    [ -n "$all" ] || missing='(ctest lists no test at all)'
    [ -z "$missing" ] || { printf 'tests that nothing runs:\n%s\n' "$missing"; return 1; }
    echo "$(wc -l <<<"$all") tests, each in one run at least"
}

# One fuzz target: fails as soon as it finds something; the input stays in build/fuzz/findings.
fuzz_one() {
    local name=$1 seeds=tests/fuzz/corpus/$1 code=0 seconds=20
    case " http json_body sse gguf yaml " in *" $name "*) seconds=60 ;; esac
    mkdir -p "build/fuzz/corpus/$name" "build/fuzz/findings/$name"
    [ -d "$seeds" ] || seeds=
    "build/fuzz/tests/fuzz/fuzz_$name" -max_total_time="${FUZZ_SECONDS:-$seconds}" -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=1024 \
        -max_len=65536 -print_final_stats=1 -artifact_prefix="build/fuzz/findings/$name/" \
        "build/fuzz/corpus/$name" $seeds >"build/fuzz/$name.log" 2>&1 || code=$?
    rm -f "build/fuzz/$name.failed"
    if [ "$code" -ne 0 ]; then
        echo "$name: FAILED"
        tail -n 60 "build/fuzz/$name.log" | tee "build/fuzz/$name.failed"
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

for name in "${presets[@]}"; do
    "run_$name"
done

if [ "${#failed[@]}" -gt 0 ]; then
    # What fuzzing found is said again at the end, where a log that was cut still has it.
    case " ${failed[*]} " in *' fuzz: run '*) tail -n 40 build/fuzz/*.failed >&2 ;; esac
    printf '\nFAILED: %s\n' "${failed[*]}" >&2
    exit 1
fi
