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

    if ! command -v apt-get >/dev/null 2>&1; then
        echo "these Debian packages, or their like, are needed: ${missing[*]}" >&2
        return 1
    fi
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 || { echo "run as root, or install: ${missing[*]}" >&2; return 1; }
        as_root=(sudo)
    fi
    echo "installing: ${missing[*]}"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null
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
