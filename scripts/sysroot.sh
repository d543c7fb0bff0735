#!/bin/bash
# SPDX-License-Identifier: MIT
# Makes build/sysroot-arm64: target headers and static libraries the hypervisor is built with, from Debian packages.
# A second run finds the stamp and does nothing.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-$top/build}
# shellcheck source=scripts/images/debian.sh
. "$top/scripts/images/debian.sh"

arch=${1:-arm64}
packages=(libfdt-dev libxen-dev zlib1g-dev)
sysroot=$build/sysroot-$arch
stamp=$build/.sysroot-$arch.stamp
key="4 $DEBIAN_SUITE $arch ${packages[*]}"

if stamp_fresh "$stamp" "$key" && [ -d "$sysroot" ]; then
    exit 0
fi
take_lock "$build/.sysroot.lock"
if stamp_fresh "$stamp" "$key" && [ -d "$sysroot" ]; then
    exit 0
fi
echo "sysroot: unpacking ${packages[*]} for $arch from Debian $DEBIAN_SUITE"
# By way of a tar, so that the files belong to whoever builds, and only what a compiler reads and which versions it is.
rm -rf "$sysroot"
debian_extract "$arch" "$build/sysroot-$arch.tar" "${packages[@]}"
mkdir -p "$sysroot"
tar -xf "$build/sysroot-$arch.tar" -C "$sysroot" --no-same-owner ./lib ./usr/include ./usr/lib \
    ./usr/share/doc/libfdt-dev ./usr/share/doc/zlib1g-dev
rm -f "$build/sysroot-$arch.tar"
# The C library's headers for this architecture beside its others, so that one -isystem finds them all.
cp -r "$sysroot"/usr/include/*-linux-gnu*/. "$sysroot/usr/include/"
for need in usr/include/xen/xen.h usr/include/libfdt.h; do
    if [ ! -e "$sysroot/$need" ]; then
        echo "error: the sysroot lacks $need" >&2
        exit 1
    fi
done
echo "$key" >"$stamp"
echo "sysroot: made $sysroot"
