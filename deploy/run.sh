#!/usr/bin/env bash
# From a fresh Debian 12 machine to a running gateway: installs packages, builds, starts. Safe to run again: what is
# done is not done twice, and keys, ledger and decisions stay.
#
#   deploy/run.sh [--build-only] [--listen HOST:PORT] [--data DIR] [options of sluice serve]
#
# SLUICE_BINARY=FILE starts a binary that was built elsewhere and builds nothing.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
sluice=${SLUICE_BINARY:-$root/build/release/sluice}
# shellcheck source=deploy/packages.sh
. "$root/deploy/packages.sh"

# Ends with code 2 what the user can mend, as the program itself does.
wrong() {
    printf 'deploy/run.sh: %s\n' "$@" >&2
    exit 2
}

build_only=no
data=
serve_options=()
while [ $# -gt 0 ]; do
    case "$1" in
        --build-only) build_only=yes; shift ;;
        --data)
            [ $# -gt 1 ] || wrong "--data needs a directory"
            data=$2
            shift 2 ;;
        --data=*) data=${1#--data=}; shift ;;
        -h | --help)
            sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
            exit 0 ;;
        *) serve_options+=("$1"); shift ;;
    esac
done

interrupted() {
    echo "interrupted: deploy/run.sh goes on from here the next time" >&2
    exit 130
}

# MiB free where a file of that name would be.
free_mib() {
    local at=$1
    while [ ! -d "$at" ]; do at=$(dirname "$at"); done
    df -Pk "$at" | awk 'NR == 2 {print int($4 / 1024)}'
}

build() {
    cd "$root"
    trap interrupted INT TERM
    mkdir -p build/release 2>/dev/null || true
    [ -w build/release ] ||
        wrong "$root/build/release cannot be written by $(id -un): run as its owner, or build in a clone of your own"
    if [ ! -x "$sluice" ] && [ "$(free_mib build/release)" -lt 700 ]; then
        wrong "building takes 700 MiB and $(free_mib build/release) MiB are free in $root/build"
    fi
    # A folder that was moved or copied remembers where it was.
    if [ -f build/release/CMakeCache.txt ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" build/release/CMakeCache.txt; then
        rm -rf build/release/CMakeCache.txt build/release/CMakeFiles build/release/build.ninja
    fi
    if [ ! -f build/release/build.ninja ]; then
        echo "configuring (build/release)"
        cmake --preset release -DSLUICE_TESTS=OFF >build/configure.log 2>&1 || {
            cat build/configure.log >&2
            echo "configuring failed: see above" >&2
            exit 1
        }
        rm -f build/configure.log
    fi
    NINJA_STATUS='[%f/%t, %es] ' ninja -C build/release -j "$(build_jobs)" sluice || {
        echo "the build failed: see above. $(free_mib build/release) MiB of disk are free. What is built already stays built." >&2
        exit 1
    }
}

# Makes a team and a key for it, once: the file with the key is the mark that it is done.
first_team() {
    local team=$1 file=$2
    shift 2
    [ ! -s "$file" ] || return 0
    "$sluice" teams list --json --data "$data" | grep -q "\"name\": \"$team\"" ||
        "$sluice" teams add "$team" --data "$data" "$@" >/dev/null
    (
        umask 077
        "$sluice" keys create "$team" --name "first-$(date -u +%Y%m%dT%H%M%SZ)" --quiet --data "$data" >"$file.new"
    )
    mv "$file.new" "$file"
}

instructions() {
    local chat="curl -i $url/v1/chat/completions -H 'Content-Type: application/json'"
    local first=$data/first-key.txt tiny=$data/tiny-key.txt
    cat <<TEXT

Sluice is ready at $url
Key of team demo (also in $first): $(cat "$first")

1. A public question. It is answered by the cloud: x-sluice-zone: cloud. ($cloud)

   $chat -H "Authorization: Bearer \$(cat ${first@Q})" -d '{"model":"auto","messages":[{"role":"user","content":"Which planets have rings?"}]}'

2. The same with a card number. It is answered in the gateway's own process: x-sluice-zone: local.

   $chat -H "Authorization: Bearer \$(cat ${first@Q})" -d '{"model":"auto","messages":[{"role":"user","content":"How do I set a budget? My card is 4111 1111 1111 1111"}]}'

3. A request of team tiny, whose cap is a billionth of a dollar a day. It is refused with status 402, before any model is asked.

   $chat -H "Authorization: Bearer \$(cat ${tiny@Q})" -d '{"model":"auto","messages":[{"role":"user","content":"Which planets have rings?"}]}'

Why a request went where it went: put the id of its x-sluice-decision header for ID.

   curl $url/v1/decisions/ID -H "Authorization: Bearer \$(cat ${first@Q})"

TEXT
}

# Waits for the gateway that takes over this process, then says how to use it.
announce_when_ready() {
    local gateway=$1
    for _ in $(seq 1 600); do
        kill -0 "$gateway" 2>/dev/null || return 0
        if curl -fsk -o /dev/null --max-time 2 "$url/readyz"; then
            instructions
            echo "Ctrl-C ends the gateway."
            return 0
        fi
        sleep 0.2
    done
    echo "the gateway is not ready after two minutes: see $url/readyz" >&2
}

if [ -z "${SLUICE_BINARY:-}" ]; then
    install_packages "$root/deploy/packages.txt"
    (build) # of its own: the folder it changes to is not where --data and --config are looked for
fi
[ -x "$sluice" ] || wrong "$sluice is not a program"
if [ "$build_only" = yes ]; then
    echo "built: $sluice"
    exit 0
fi

[ -z "$data" ] || serve_options+=(--data "$data")
checked=$("$sluice" check ${serve_options[@]+"${serve_options[@]}"}) || exit 2
data=$(sed -n 's/^  data  *//p' <<<"$checked")
url=$(sed -n 's/^  listens on  *//p' <<<"$checked" | sed -e 's#//0\.0\.0\.0:#//127.0.0.1:#' -e 's#//\[::\]:#//[::1]:#')
cloud="the built-in demo cloud, which says so"
if ! grep -q '^  provider .*demo-cloud' <<<"$checked"; then cloud="of $(awk '/^  provider / {print $2}' <<<"$checked" | paste -sd, | sed 's/,/, /g')"; fi
case "$url" in
    *:0) echo "give a port: with port 0 nobody could be told where the gateway is" >&2; exit 2 ;;
esac
case "$data" in /*) ;; *) data=$PWD/$data ;; esac # the printed commands work from any folder
made=$(mkdir -p "$data" 2>&1 && chmod 700 "$data" 2>&1) || true
[ -z "$made" ] && [ -w "$data" ] ||
    wrong "the data directory $data cannot be used by $(id -un)${made:+: $made}" "choose another with --data DIR"

# A gateway locks its data for as long as it runs.
running=no
if [ -f "$data/ledger.lock" ] && ! flock -n "$data/ledger.lock" true; then running=yes; fi
answer=0
curl -fsk -o /dev/null --max-time 2 "$url/readyz" || answer=$?
if [ "$running" = no ]; then
    [ "$answer" -eq 7 ] || wrong "another program, or a gateway with other data, listens on ${url#*//} already" \
        "end it, or choose another address with --listen HOST:PORT"
    [ "$(free_mib "$data")" -ge 64 ] || wrong "the data directory needs 64 MiB to start and has $(free_mib "$data") MiB: $data"
elif [ "$answer" -ne 0 ]; then
    wrong "a gateway with the data in $data runs already, but does not answer on ${url#*//}" \
        "it starts or ends just now, or was started with another --listen"
fi
first_team demo "$data/first-key.txt"
first_team tiny "$data/tiny-key.txt" --daily 0.000000001
if [ "$running" = yes ]; then
    echo "a gateway is running already"
    instructions
    exit 0
fi
(announce_when_ready $$ &) # of its own, so that the gateway has no child to wait for
exec "$sluice" serve ${serve_options[@]+"${serve_options[@]}"}
