#!/bin/bash
# SPDX-License-Identifier: MIT
# Makes build/installed/disk.qcow2: Debian for arm64 on a disk with an EFI system partition, an ext4 root and a
# partition for a guest. Packages are extracted here and then installed by dpkg, with their own maintainer scripts, in
# an emulated machine. A second run finds the stamp and does nothing.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=${BUILD:-$top/build}
out=$build/installed
# shellcheck source=scripts/images/debian.sh
. "$top/scripts/images/debian.sh"

packages=(usr-is-merged apt systemd-sysv udev login passwd kmod util-linux e2fsprogs initramfs-tools zstd
    linux-image-arm64 grub-efi-arm64 efibootmgr dosfstools iproute2 procps busybox-static
    xen-utils-4.17 xenstore-utils)
# Beside them, for the tests that install it: Debian's Xen.
peer=(xen-hypervisor-4.17-arm64 xen-hypervisor-common)
# Sectors of 512 bytes: start and size of the three partitions, and the disk.
esp=(2048 524288)
root=(526336 5242880)
guest=(5769216 131072)
sectors=5902336

packages_key() {
    echo "1 $DEBIAN_SUITE ${packages[*]} ${peer[*]}"
}

disk_key() {
    packages_key
    cd "$here"
    find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
}

fresh() {
    [ -s "$out/disk.qcow2" ] && stamp_fresh "$out/.disk.stamp" "$(disk_key)"
}

# as_if_root COMMAND...: files may belong to root without us being it.
as_if_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        fakeroot -i "$work/fakeroot" -s "$work/fakeroot" "$@"
    fi
}

# What was fetched stays: a change of these scripts alone needs nothing of the network.
fetch() {
    local mirror
    stamp_fresh "$out/.packages.stamp" "$(packages_key)" && return
    rm -f "$out/.packages.stamp"
    mirror=$(debian_mirror)
    echo "installed: fetching and extracting packages of Debian $DEBIAN_SUITE (1 to 2 minutes)"
    if ! mmdebstrap --quiet --architectures=arm64 --variant=extract --mode="$(debian_mode)" --format=tar \
            --skip=cleanup/apt/cache,essential/unlink \
            --include='?essential' --include="$(IFS=,; echo "${packages[*]}")" \
            "$DEBIAN_SUITE" "$out/root.tar" "deb $mirror $DEBIAN_SUITE main" >"$work/fetch.log" 2>&1; then
        cat "$work/fetch.log" >&2
        echo "error: cannot fetch arm64 packages of $DEBIAN_SUITE from $mirror" >&2
        return 1
    fi
    # The peer's packages, to be installed by a test or not: without what they depend on, which is all there.
    if ! mmdebstrap --quiet --architectures=arm64 --variant=extract --mode="$(debian_mode)" --format=tar \
            --skip=cleanup/apt/cache,essential/unlink --include="$(IFS=,; echo "${peer[*]}")" \
            "$DEBIAN_SUITE" "$out/peer.tar" "deb $mirror $DEBIAN_SUITE main" >"$work/fetch.log" 2>&1; then
        cat "$work/fetch.log" >&2
        echo "error: cannot fetch Debian's Xen from $mirror" >&2
        return 1
    fi
    packages_key >"$out/.packages.stamp"
}

# make_ext4 LABEL DIRECTORY SECTORS FILE
make_ext4() {
    rm -f "$4"
    truncate -s $(($3 * 512)) "$4"
    as_if_root /sbin/mke2fs -q -t ext4 -L "$1" -d "$2" "$4"
}

# The three file systems, each in a file, and the disk put together from them.
assemble() {
    echo "installed: making file systems"
    # Debian 12's directories are merged: the packages still say /bin where they mean /usr/bin.
    mkdir -p "$work/guest" "$work/root/usr"/{bin,sbin,lib}
    ln -s usr/bin usr/sbin usr/lib "$work/root/"
    as_if_root tar -xf "$out/root.tar" -C "$work/root" --keep-directory-symlink --exclude='./dev/*'
    as_if_root "$here/plain_deb.py" "$work"/root/var/cache/apt/archives/*.deb
    as_if_root cp -r "$here/root/." "$work/root/"
    as_if_root mkdir -p "$work/root/root/peer"
    as_if_root tar -xf "$out/peer.tar" -C "$work/root/root/peer" --strip-components=5 --wildcards \
        ./var/cache/apt/archives/xen-hypervisor-*.deb
    cp -r "$here/guest/." "$work/guest/"
    mkdir -p "$work/guest"/{bin,dev,proc,sys}
    tar -xOf "$out/root.tar" ./bin/busybox >"$work/guest/bin/busybox"
    chmod 755 "$work/guest/bin/busybox" "$work/guest/sbin/init"
    make_ext4 root "$work/root" "${root[1]}" "$work/root.img"
    make_ext4 guest "$work/guest" "${guest[1]}" "$work/guest.img"
    truncate -s $((esp[1] * 512)) "$work/esp.img"
    /sbin/mkfs.vfat -F 32 -n ESP "$work/esp.img" >/dev/null

    rm -f "$work/disk.raw"
    truncate -s $((sectors * 512)) "$work/disk.raw"
    /sbin/sgdisk --clear --set-alignment=1 \
        --new=1:"${esp[0]}":+"${esp[1]}" --typecode=1:ef00 --change-name=1:ESP \
        --new=2:"${root[0]}":+"${root[1]}" --typecode=2:8305 --change-name=2:root \
        --new=3:"${guest[0]}":+"${guest[1]}" --typecode=3:8300 --change-name=3:guest "$work/disk.raw" >/dev/null
    dd if="$work/esp.img" of="$work/disk.raw" bs=1M seek=$((esp[0] / 2048)) conv=notrunc,sparse status=none
    dd if="$work/root.img" of="$work/disk.raw" bs=1M seek=$((root[0] / 2048)) conv=notrunc,sparse status=none
    dd if="$work/guest.img" of="$work/disk.raw" bs=1M seek=$((guest[0] / 2048)) conv=notrunc,sparse status=none
}

# The second stage, in the emulated machine.
configure() {
    local kernel log=$build/logs/installed-disk.log
    echo "installed: installing packages in the emulated machine (log: $log)"
    mkdir -p "$build/logs"
    kernel=$(tar -tf "$out/root.tar" --wildcards './boot/vmlinuz-*' | sort -V | tail -n 1)
    tar -xOf "$out/root.tar" "$kernel" >"$work/vmlinuz"
    /usr/bin/python3 "$top/scripts/images/mkinitramfs.py" --tar "$out/root.tar" --manifest "$here/early.manifest" \
        --overlay "$here/early" "$work/early.cpio"
    timeout 3600 qemu-system-aarch64 -M virt -cpu cortex-a57 -smp 2 -m 2048 -nographic -no-reboot -net none \
        -kernel "$work/vmlinuz" -initrd "$work/early.cpio" -append "console=ttyAMA0 panic=-1 kpti=0 norandmaps" \
        -drive if=none,id=disk,format=raw,file="$work/disk.raw",cache=unsafe -device virtio-blk-pci,drive=disk \
        </dev/null >"$log" 2>&1 || true
    if ! grep -q '=second-stage: ready=' "$log"; then
        tail -n 30 "$log" >&2
        echo "error: the packages could not be installed; the whole log is $log" >&2
        return 1
    fi
}

mkdir -p "$out"
fresh && exit 0
take_lock "$build/.installed.lock"
fresh && exit 0
rm -f "$out/.disk.stamp"
work=$(mktemp -d "$out/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
begin=$SECONDS
fetch
assemble
configure
qemu-img convert -O qcow2 "$work/disk.raw" "$out/disk.qcow2.new"
mv "$out/disk.qcow2.new" "$out/disk.qcow2"
disk_key >"$out/.disk.stamp"
echo "installed: made $out/disk.qcow2 in $(((SECONDS - begin + 59) / 60)) minutes"
