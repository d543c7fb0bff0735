#!/bin/bash
# SPDX-License-Identifier: MIT
# Installs the Debian packages that building, testing and demonstrating Argon needs.
# Does nothing, and asks nothing of the network, where they are all there.
# setup.sh --installed: what `make test-installed` needs, too.
# setup.sh --check [PACKAGE...]: installs nothing; names what is missing (of these) and how to get it, and ends with 1.
set -euo pipefail

packages=(
    # the hypervisor, with both compilers
    make gcc-aarch64-linux-gnu libc6-dev-arm64-cross clang lld llvm device-tree-compiler
    # the unit tests, which run on this machine
    gcc libc6-dev libcmocka-dev libfdt-dev libxen-dev zlib1g-dev
    # dom0 and guests from Debian's arm64 packages, and the machine to run them on
    mmdebstrap debian-archive-keyring uidmap cpio qemu-system-arm
    # tests and lints
    u-boot-qemu qemu-efi-aarch64 grub-common sbsigntool openssl e2fsprogs
    python3 python3-pytest python3-pexpect python3-pyflakes shellcheck clang-tidy rsync
    # the Debian package
    debhelper dpkg-dev fakeroot
)
# `make test-installed`: disks, firmware, and what looks at the package more closely
installed=(qemu-utils gdisk dosfstools lintian man-db)

missing() {
    local package
    for package in "$@"; do
        if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
            echo "$package"
        fi
    done
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "error: not root, and there is no sudo to run: $*" >&2
        return 1
    fi
}

if [ "${1:-}" = --check ]; then
    shift
    [ $# -ne 0 ] || set -- "${packages[@]}"
    mapfile -t wanted < <(missing "$@")
    [ ${#wanted[@]} -eq 0 ] && exit 0
    echo "missing: ${wanted[*]}; \`scripts/setup.sh\` installs what Argon needs" >&2
    exit 1
fi
if [ "${1:-}" = --installed ]; then
    packages+=("${installed[@]}")
fi
if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    echo "error: this is not a Debian system; install by other means what provides: ${packages[*]}" >&2
    exit 1
fi
mapfile -t wanted < <(missing "${packages[@]}")
if [ ${#wanted[@]} -eq 0 ]; then
    echo "setup: all ${#packages[@]} packages are installed"
    exit 0
fi
echo "setup: installing ${wanted[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "setup: apt-get update"
if ! as_root apt-get update -q >"$log" 2>&1; then
    # One suite that cannot be reached does not matter where the others have the packages.
    sed 's/^/    /' "$log" >&2
    echo "setup: apt-get update failed, at least in part; trying with the lists there are"
fi
echo "setup: apt-get install (some minutes on a fresh machine)"
if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${wanted[@]}" \
        >"$log" 2>&1; then
    cat "$log" >&2
    echo "error: apt-get could not install ${wanted[*]}; its output is above" >&2
    exit 1
fi
mapfile -t wanted < <(missing "${packages[@]}")
if [ ${#wanted[@]} -ne 0 ]; then
    echo "error: still missing after apt-get install: ${wanted[*]}" >&2
    exit 1
fi
echo "setup: done"
