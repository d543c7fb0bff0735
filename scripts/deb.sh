#!/bin/bash
# SPDX-License-Identifier: MIT
# Builds build/deb/argon-hypervisor_VERSION_arm64.deb with dpkg-buildpackage, on any architecture, from a copy of the
# sources: dpkg-buildpackage leaves what it makes beside the tree that it builds.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-$top/build}
out=$build/deb
log=$build/logs/deb.log

mkdir -p "$out" "$build/logs"
exec 9>"$build/.deb.lock"
flock 9
"$top/scripts/sysroot.sh"
version=$(dpkg-parsechangelog -l "$top/debian/changelog" -S Version)
tree=$out/argon-hypervisor-$version
rsync -a --delete --exclude=/build --exclude=/.git --exclude=__pycache__ "$top/" "$tree/"
rm -f "$out"/argon-hypervisor_*
# -d: the build dependencies are of another architecture, which the sysroot has instead of this system.
# -nc: rsync has cleaned, but for objects.
if ! (cd "$tree" && ARGON_SYSROOT=$build/sysroot-arm64 dpkg-buildpackage -b -aarm64 -d -us -uc -nc) >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    echo "error: dpkg-buildpackage failed; the whole log is $log" >&2
    exit 1
fi
echo "  DEB     $out/argon-hypervisor_${version}_arm64.deb"
