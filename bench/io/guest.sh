#!/bin/sh
# SPDX-License-Identifier: MIT
# The guest's first process (rdinit=): one load after the other.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
modprobe xen-blkfront
modprobe xen-netfront
ip link set lo up
ip address add 10.128.0.2/16 dev eth0
ip link set eth0 up
until [ -b /dev/xvda ] && [ "$(cat /sys/class/net/eth0/carrier)" = 1 ]; do
    usleep 100000
done
# The first packets learn the way, and the bridge begins to forward.
/io/load ping 31 10.128.0.1 3 1
/io/load rread 0 /dev/xvda 4096 500 2000
/io/load read 1 /dev/xvda 1048576 8 64
/io/load write 2 /dev/xvda 1048576 64 64
/io/load ping 3 10.128.0.1 200 1000
/io/load send 10.128.0.1 7001 46137344
/io/load recv 5 7002 8388608 33554432
echo "io: guest done"
sync
/bin/busybox poweroff -f
