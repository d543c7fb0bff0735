#!/bin/bash
# SPDX-License-Identifier: MIT
# Assembles what QEMU boots, from Debian packages, in build/images:
#   vmlinuz          Debian's kernel, for dom0 and guests
#   dom0.cpio        dom0's root file system, with the guest's files in /guest
#   guest.cpio.gz    the guest's root file system
#   xen-4.17-arm64   Debian's Xen, to compare with
#   grub.efi         Debian's GRUB, which reads /boot/grub/grub.cfg of the disk it is started from
#   grub-trixie.efi  the same of the suite after it
# A second run finds the stamps and does nothing; changing a list here or in a manifest rebuilds what it concerns.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=${BUILD:-$top/build}
out=$build/images
# shellcheck source=scripts/images/debian.sh
. "$here/debian.sh"

packages=(bash coreutils util-linux mount perl-base busybox-static iproute2 bridge-utils ncurses-base
    xen-utils-4.17 xenstore-utils xen-hypervisor-4.17-arm64 linux-image-arm64)
root=$out/debian-root.tar
root_stamp=$out/.debian-root.stamp
root_key="$DEBIAN_SUITE arm64 ${packages[*]}"
images_stamp=$out/.images.stamp
products=(vmlinuz xen-4.17-arm64 guest.cpio.gz dom0.cpio grub.efi grub-trixie.efi)

# What the images are made from: the packages and every file of this directory.
images_key() {
    echo "$root_key"
    cd "$here"
    find . -type f -printf '%p %m\n' | LC_ALL=C sort
    find . -type f -print0 | LC_ALL=C sort -z | xargs -0 cat | sha256sum
}

images_fresh() {
    local product
    for product in "${products[@]}"; do
        [ -s "$out/$product" ] || return 1
    done
    stamp_fresh "$images_stamp" "$(images_key)"
}

fetch_root() {
    if stamp_fresh "$root_stamp" "$root_key" && [ -s "$root" ]; then
        return
    fi
    echo "images: unpacking the arm64 packages of Debian $DEBIAN_SUITE (about 20 s)"
    rm -f "$root_stamp"
    debian_extract arm64 "$root" "${packages[@]}"
    echo "$root_key" >"$root_stamp"
}

# extract_one PATTERN FILE: the newest of the packages' files that match.
extract_one() {
    local member
    member=$(tar -tf "$root" --wildcards "$1" | sort -V | tail -n 1)
    tar -xOf "$root" "$member" >"$2.new"
    mv "$2.new" "$2"
}

# make_grub SUITE NAME: the modules that the menu entries of Debian's 20_linux_xen ask for, and what finds the menu.
make_grub() {
    local key work stamp=$out/.$2.stamp
    key="$1 $(sha256sum <"$here/build.sh")"
    if stamp_fresh "$stamp" "$key" && [ -s "$out/$2" ]; then
        return
    fi
    echo "images: GRUB for arm64 UEFI of Debian $1"
    work=$(mktemp -d)
    DEBIAN_SUITE=$1 debian_extract arm64 "$work/grub.tar" grub-efi-arm64-bin
    tar -xf "$work/grub.tar" -C "$work" ./usr/lib/grub
    # shellcheck disable=SC2016 # GRUB's variable
    printf 'search --file --set=root /boot/grub/grub.cfg\nset prefix=($root)/boot/grub\nnormal\n' >"$work/early.cfg"
    grub-mkimage -d "$work/usr/lib/grub/arm64-efi" -O arm64-efi -c "$work/early.cfg" -p /boot/grub -o "$out/$2.new" \
        part_msdos part_gpt fat ext2 search search_fs_file search_fs_uuid search_label normal configfile gzio linux \
        xen_boot fdt echo test true regexp ls
    mv "$out/$2.new" "$out/$2"
    rm -rf "$work"
    echo "$key" >"$stamp"
}

make_images() {
    local mk="$here/mkinitramfs.py"
    echo "images: Debian's kernel and hypervisor"
    extract_one './boot/vmlinuz-*' "$out/vmlinuz"
    extract_one './boot/xen-4.17-arm64' "$out/xen-4.17-arm64"
    echo "images: the guest's root file system"
    /usr/bin/python3 "$mk" --tar "$root" --manifest "$here/guest.manifest" --overlay "$here/guest" "$out/guest.cpio.gz"
    echo "images: dom0's root file system"
    cp "$here/guest.cfg" "$out/demo.cfg"
    /usr/bin/python3 "$mk" --tar "$root" --manifest "$here/dom0.manifest" --overlay "$here/dom0" "$out/dom0-base.cpio"
    /usr/bin/python3 "$mk" --tar "$root" --manifest "$here/guestfiles.manifest" --host "$out" "$out/guestfiles.cpio"
    cat "$out/dom0-base.cpio" "$out/guestfiles.cpio" >"$out/dom0.cpio.new"
    rm -f "$out/dom0-base.cpio" "$out/guestfiles.cpio"
    mv "$out/dom0.cpio.new" "$out/dom0.cpio"
}

mkdir -p "$out"
if images_fresh; then
    exit 0
fi
take_lock "$build/.images.lock"
if images_fresh; then
    exit 0
fi
fetch_root
make_grub "$DEBIAN_SUITE" grub.efi
make_grub trixie grub-trixie.efi
make_images
images_key >"$images_stamp"
echo "images: made $out"
