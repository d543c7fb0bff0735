#!/bin/bash
# SPDX-License-Identifier: MIT
# Unpacks Debian's arm64 QEMU and its libraries into build/bench/kvm-root.tar, for KVM. Once: a stamp says of what.
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
out=${BUILD:-$top/build}/bench
# shellcheck source=scripts/images/debian.sh
. "$top/scripts/images/debian.sh"

packages=(busybox-static qemu-system-arm)
key="$DEBIAN_SUITE arm64 ${packages[*]}"

fresh() {
    stamp_fresh "$out/.kvm-root.stamp" "$key" && [ -s "$out/kvm-root.tar" ]
}

if fresh; then
    exit 0
fi
take_lock "$out/.kvm-root.lock"
if fresh; then
    exit 0
fi
echo "bench: unpacking Debian's arm64 QEMU, to run KVM with (about 30 s)"
debian_extract arm64 "$out/kvm-root.tar" "${packages[@]}"
echo "$key" >"$out/.kvm-root.stamp"
