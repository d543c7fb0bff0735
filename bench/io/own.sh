#!/bin/sh
# SPDX-License-Identifier: MIT
# The first process (rdinit=) of a kernel that has disk and network for itself: on a hypervisor as dom0, or on nothing.
# Two network cards on one hub, the second in a network namespace, so that a stream crosses both.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
sed -n 's/^\([0-9a-f]*-[0-9a-f]*\) : System RAM/io: dom0 has \1/p' /proc/iomem
echo 8 >/proc/sys/vm/nr_hugepages
modprobe virtio_mmio
modprobe virtio_blk
modprobe virtio_net
until [ -b /dev/vda ] && [ -e /sys/class/net/eth1 ]; do
    usleep 100000
done
/bin/busybox unshare -n sleep 100000 &
usleep 100000
ip link set eth1 netns $!
inside="/bin/busybox nsenter -n -t $!"
ip address add 10.129.0.1/16 dev eth0
ip link set eth0 up
$inside ip address add 10.129.0.2/16 dev eth1
$inside ip link set eth1 up
/io/load rread 31 /dev/vda 4096 10 1
/io/load rread 8 /dev/vda 4096 500 2000
/io/load read 9 /dev/vda 1048576 8 64
/io/load write 10 /dev/vda 1048576 8 64
echo 3 >/proc/sys/vm/drop_caches
/io/load cread 12 /dev/vda 1048576 8 48
$inside /io/load recv 11 7001 8388608 33554432 &
/io/load send 10.129.0.2 7001 46137344
wait $!
echo "io: done"
/bin/busybox poweroff -f
