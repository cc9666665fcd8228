# shellcheck shell=bash
# Sourced by deploy/run.sh and tests/run.sh: installs what a list of packages lacks, and nothing else.

# Is this Debian package here, or the command that stands for it?
have_package() {
    local package=$1 command=${2:-}
    if [ -n "$command" ] && command -v "$command" >/dev/null 2>&1; then return 0; fi
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ]
}

# install_packages FILE...
install_packages() {
    local missing=() package command
    while read -r package command; do
        case "$package" in '' | '#'*) continue ;; esac
        have_package "$package" "$command" || missing+=("$package")
    done < <(cat "$@")
    [ "${#missing[@]}" -gt 0 ] || return 0

    local by_hand="apt-get install --no-install-recommends ${missing[*]}"
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "these Debian 12 packages, or their like, are needed and this system has no apt-get: ${missing[*]}" >&2
        return 1
    fi
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null 2>&1 || { [ ! -t 0 ] && ! sudo -n true 2>/dev/null; }; then
            printf 'packages are missing and only root may install them. As root, run\n\n    %s\n\nand then this script again.\n' "$by_hand" >&2
            return 1
        fi
        as_root=(sudo)
    fi
    echo "installing, which takes a minute or two: ${missing[*]}"
    local log system problem=''
    log=$(mktemp)
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q -o APT::Update::Error-Mode=any </dev/null >"$log" 2>&1 ||
        problem="the lists of packages could not be fetched. Is there a network, and are the addresses in /etc/apt right?"
    [ -n "$problem" ] || "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q -o Dpkg::Use-Pty=0 \
        --no-install-recommends "${missing[@]}" </dev/null >"$log" 2>&1 || problem="the packages could not be installed."
    [ -z "$problem" ] || grep -E '^(E|W|Err|dpkg):?' "$log" | tail -n 20 >&2 || true
    rm -f "$log"
    [ -n "$problem" ] || return 0
    echo "$problem" >&2
    # shellcheck source=/dev/null
    system=$(. /etc/os-release 2>/dev/null && echo "${ID:-} ${VERSION_ID:-}")
    case "$system" in 'debian 12'*) ;; *) echo "The names are those of Debian 12; this is ${system:-another system}." >&2 ;; esac
    printf 'By hand, as root: %s\n' "$by_hand" >&2
    return 1
}

# How many compilers at once: one per core, and about 1.5 GB of memory for each.
build_jobs() {
    local cores memory_kb by_memory
    cores=$(nproc)
    memory_kb=$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo)
    by_memory=$((memory_kb / 1500000))
    [ "$by_memory" -ge 1 ] || by_memory=1
    echo $((cores < by_memory ? cores : by_memory))
}
