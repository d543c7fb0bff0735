#!/bin/bash
# SPDX-License-Identifier: MIT
# All lints: house rules, shell scripts, Python. Ends with 1 where one finds something.
set -uo pipefail

cd "$(dirname "$0")/.." || exit 1
status=0

echo "lint: house rules"
/usr/bin/python3 scripts/lint.py || status=1

echo "lint: names in comments and documents"
/usr/bin/python3 scripts/names.py || status=1

echo "lint: shell scripts"
mapfile -t scripts < <(find scripts tests bench tools debian .ci -type f -not -path '*/__pycache__/*' \
    -exec grep -lE '^#!/bin/(ba)?sh' {} + 2>/dev/null)
shellcheck -S warning -x -P SCRIPTDIR/.. -P . "${scripts[@]}" || status=1

echo "lint: Python"
mapfile -t sources < <(find scripts tests bench tools -name '*.py' 2>/dev/null)
/usr/bin/python3 -m pyflakes "${sources[@]}" || status=1

echo "lint: mutations fit the sources"
/usr/bin/python3 scripts/mutate.py --fits || status=1

# The hypervisor's flags, but for warnings and optimisation. After a build: offsets.h is generated.
offsets=$(find build -path '*/include/asm/offsets.h' -print -quit 2>/dev/null)
if [ -n "$offsets" ]; then
    flags=(--target=aarch64-linux-gnu -std=gnu11 -ffreestanding -mgeneral-regs-only -DCONFIG_DEBUG=0
        -isystem build/sysroot-arm64/usr/include -Ihypervisor -Ihypervisor/include -Ihypervisor/arch/arm/include
        -Ihypervisor/arch/arm/arm64/include "-I${offsets%/asm/offsets.h}")
    export flags_line="${flags[*]}"

    echo "lint: longs of 32 bits"
    scripts/width.sh || status=1
    if [ -d build/obj-gcc ]; then
        echo "lint: what nothing uses"
        /usr/bin/python3 scripts/unused.py aarch64-linux-gnu-readelf build/obj-gcc || status=1
    fi

    echo "lint: headers compile by themselves"
    # shellcheck disable=SC2016 # expanded by the shells that xargs starts
    find hypervisor -name '*.h' -not -path '*/arch/host/*' -print0 | xargs -0 -P "$(nproc)" -n 1 sh -c '
        out=$(clang -fsyntax-only -x c $flags_line -include "$1" /dev/null 2>&1) || {
            printf "%s does not compile by itself:\n%s\n" "$1" "$out"; exit 1; }' sh || status=1

    echo "lint: clang-tidy"
    # shellcheck disable=SC2016
    find hypervisor -name '*.c' -not -path '*/arch/host/*' -print0 | xargs -0 -P "$(nproc)" -n 12 sh -c '
        out=$(clang-tidy --quiet "$@" -- $flags_line 2>/dev/null) || { echo "$out"; exit 1; }' sh || status=1
else
    echo "lint: widths, headers and clang-tidy: not looked at, nothing is built yet (make)"
fi

if [ -d build/sysroot-arm64 ]; then
    echo "lint: the fuzz target builds"
    make -s -C tests/fuzz check || status=1
fi

echo "lint: tests of these"
/usr/bin/python3 -m pytest -q -p no:cacheprovider tests/lint || status=1

[ $status -eq 0 ] && echo "lint: nothing found"
exit $status
