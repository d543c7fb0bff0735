#!/bin/bash
# SPDX-License-Identifier: MIT
# What both widths of ARM share, compiled for longs and pointers of 32 bits: nothing may be cut off on the way, and the
# layouts of the ABI (core/hypercall/layout.c) must hold. Until there is an arch/arm/arm32, headers of the unit tests
# and of arm64 stand in for its own. Ends with 1 where a compiler has something to say.
#   width.sh [FILE...]      of these; default: lib, core, vdev, drivers, firmware, boot, arch/arm
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

flags="-std=gnu11 -ffreestanding -fsyntax-only -DCONFIG_DEBUG=1 -Wall -Wextra -Werror -Wformat -Wshadow
    -isystem build/sysroot-arm64/usr/include -Ihypervisor -Ihypervisor/include -Itests/unit/support/sysreg
    -Ihypervisor/arch/arm/include -Ihypervisor/arch/arm/arm64/include -Ihypervisor/arch/host/include"
clang="clang --target=armv7a-none-eabi -Wshorten-64-to-32 -Wconstant-conversion -Wshift-count-overflow $flags"
# Which sees casts between pointers and integers of another size as well; where this machine's compiler has such a mode.
gcc="gcc -m32 -malign-double -Wconversion -Wno-sign-conversion -Wint-to-pointer-cast -Wpointer-to-int-cast $flags"

compile() {
    printf '%s\n' "${files[@]}" | command="$1" xargs -P "$(nproc)" -n 12 sh -c '$command "$@"' sh
}

mapfile -t files < <(if [ $# -gt 0 ]; then printf '%s\n' "$@"; else
    find hypervisor -name '*.c' -not -path '*/arch/host/*' -not -path '*/arch/arm/arm64/*' | sort; fi)
status=0
compile "$clang" || status=1
if echo 'int i;' | gcc -m32 -malign-double -ffreestanding -fsyntax-only -x c - 2>/dev/null; then
    compile "$gcc" || status=1
else
    echo "width: gcc has no -m32 here: casts of pointers are not looked at"
fi
exit $status
