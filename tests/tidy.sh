#!/usr/bin/env bash
# clang-tidy over the files that differ from main (or the ones named; "all": every file of ours), with the database of
# build/dev. Precompiled headers are gcc's: their flags are taken out for clang.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
database=build/dev/compile_commands.json
[ -f "$database" ] || { echo "build/dev is not configured: make dev" >&2; exit 1; }
mkdir -p build/tidy
sed -E 's# -include [^ "]*cmake_pch\.hxx##g; s# -(fpch-preprocess|Winvalid-pch|Wno-[a-z-]+)##g' "$database" >build/tidy/compile_commands.json

if [ "${1:-}" = all ]; then
    mapfile -t files < <(git ls-files '*.cpp' | grep -v '^tests/')
elif [ $# -gt 0 ]; then
    files=("$@")
else
    mapfile -t files < <({ git diff --name-only main -- '*.cpp'; git ls-files --others --exclude-standard -- '*.cpp'; } | sort -u)
fi
[ "${#files[@]}" -gt 0 ] || { echo "no C++ file differs from main; name some, or say FILES=all"; exit 0; }
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 1 clang-tidy --quiet -p build/tidy --extra-arg=-Wno-unknown-warning-option
