# SPDX-License-Identifier: MIT
"""How the boot loader says where dom0's kernel and initramfs are, and what their command lines are."""

import gzip
import subprocess

import pytest

import machine as machines

HYPERVISOR_ARGS = "console=dtuart dom0_mem=512M bootscrub=0"
DOM0_ARGS = "console=hvc0 test.value=a,b"
KERNEL = machines.KERNEL_ADDRESS
INITRD = machines.INITRD_ADDRESS


class Tree:
    """QEMU's own device tree, to be edited as a boot loader would."""

    def __init__(self, path):
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        machines.dump_dtb(machines.Options(), path)
        # Room to grow, and no trace of what QEMU was told to boot.
        subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dtb", "-p", "4096", "-o", path, path], check=True)

    def put(self, kind, node, name, *values):
        subprocess.run(["fdtput", "-p", "-t", kind, self.path, node, name, *map(str, values)], check=True)

    def strings(self, node, name, *values):
        self.put("s", node, name, *values)

    def cells(self, node, name, *values):
        self.put("x", node, name, *(f"{value:x}" for value in values))

    def module(self, node, file, address, compatible, bootargs=None, wide=True):
        size = file.stat().st_size
        self.strings(node, "compatible", *compatible)
        self.cells(node, "reg", *((0, address, 0, size) if wide else (address, size)))
        if bootargs:
            self.strings(node, "bootargs", bootargs)


@pytest.fixture
def tree(request):
    name = request.node.name
    made = Tree(machines.BUILD / "tests" / "system" / f"{name}.dtb")
    yield made
    made.path.unlink()


def check(dom0, hypervisor_args=HYPERVISOR_ARGS, dom0_args=DOM0_ARGS):
    dom0.boot()
    assert dom0.run("xl info | sed -n 's/^xen_commandline *: //p'") == hypervisor_args
    assert dom0.run("cat /proc/cmdline") == dom0_args
    assert dom0.run("cat /proc/xen/capabilities") == "control_d"
    # They are the hypervisor's: dom0 sees none of them.
    assert dom0.run("find /proc/device-tree/chosen -name 'module@*'") == ""


def modules_at(kernel, initrd):
    return [(machines.IMAGES / "vmlinuz", kernel), (machines.IMAGES / "dom0.cpio", initrd)]


def boot_tree(make_machine, tree, **fields):
    return make_machine(dtb=tree.path, load=modules_at(KERNEL, INITRD), **fields)


def test_guest_loader(make_machine):
    """QEMU's guest-loader: multiboot nodes in the tree it passes, the hypervisor's arguments in /chosen/bootargs."""
    with make_machine(hypervisor_args=HYPERVISOR_ARGS, dom0_args=DOM0_ARGS) as dom0:
        check(dom0)


def test_uboot(make_machine, tree):
    """Typed multiboot modules, 64-bit cells, the kernel's arguments on its module: the way of the Xen documentation."""
    tree.cells("/chosen", "#address-cells", 2)
    tree.cells("/chosen", "#size-cells", 2)
    tree.strings("/chosen", "bootargs", HYPERVISOR_ARGS)
    tree.module(f"/chosen/module@{KERNEL:x}", machines.IMAGES / "vmlinuz", KERNEL,
                ["multiboot,kernel", "multiboot,module"], DOM0_ARGS)
    tree.module(f"/chosen/module@{INITRD:x}", machines.IMAGES / "dom0.cpio", INITRD,
                ["multiboot,ramdisk", "multiboot,module"])
    with boot_tree(make_machine, tree) as dom0:
        check(dom0)


def test_legacy_compatibles(make_machine, tree):
    """The older names, 32-bit cells, and both command lines in /chosen."""
    tree.cells("/chosen", "#address-cells", 1)
    tree.cells("/chosen", "#size-cells", 1)
    tree.strings("/chosen", "xen,xen-bootargs", HYPERVISOR_ARGS)
    tree.strings("/chosen", "xen,dom0-bootargs", DOM0_ARGS)
    tree.strings("/chosen", "bootargs", "for=nobody")
    tree.module("/chosen/modules/module@0", machines.IMAGES / "vmlinuz", KERNEL,
                ["xen,linux-zimage", "xen,multiboot-module"], wide=False)
    tree.module("/chosen/modules/module@1", machines.IMAGES / "dom0.cpio", INITRD,
                ["xen,linux-initrd", "xen,multiboot-module"], wide=False)
    tree.cells("/chosen/modules", "#address-cells", 1)
    tree.cells("/chosen/modules", "#size-cells", 1)
    with boot_tree(make_machine, tree) as dom0:
        check(dom0)


def test_untyped_modules(make_machine, tree):
    """As GRUB writes them: the first is the kernel, the second the initramfs."""
    tree.cells("/chosen", "#address-cells", 2)
    tree.cells("/chosen", "#size-cells", 2)
    tree.strings("/chosen", "bootargs", HYPERVISOR_ARGS)
    # fdtput puts a new node before those there are; the order in the tree is what counts.
    tree.module(f"/chosen/module@{INITRD:x}", machines.IMAGES / "dom0.cpio", INITRD, ["multiboot,module"])
    tree.module(f"/chosen/module@{KERNEL:x}", machines.IMAGES / "vmlinuz", KERNEL, ["multiboot,module"], DOM0_ARGS)
    with boot_tree(make_machine, tree) as dom0:
        check(dom0)


def test_bootargs_for_dom0(make_machine, tree):
    """With xen,xen-bootargs alone, /chosen/bootargs is dom0's; linux,initrd-start and -end do for a ramdisk module."""
    initrd = machines.IMAGES / "dom0.cpio"
    tree.cells("/chosen", "#address-cells", 2)
    tree.cells("/chosen", "#size-cells", 2)
    tree.strings("/chosen", "xen,xen-bootargs", HYPERVISOR_ARGS)
    tree.strings("/chosen", "bootargs", DOM0_ARGS)
    tree.module(f"/chosen/module@{KERNEL:x}", machines.IMAGES / "vmlinuz", KERNEL,
                ["multiboot,kernel", "multiboot,module"])
    tree.cells("/chosen", "linux,initrd-start", INITRD)
    tree.cells("/chosen", "linux,initrd-end", INITRD + initrd.stat().st_size)
    with boot_tree(make_machine, tree) as dom0:
        check(dom0)


def test_gzipped_kernel(make_machine):
    packed = machines.BUILD / "tests" / "system" / "vmlinuz.gz"
    packed.parent.mkdir(parents=True, exist_ok=True)
    packed.write_bytes(gzip.compress((machines.IMAGES / "vmlinuz").read_bytes(), compresslevel=1, mtime=0))
    with make_machine(hypervisor_args=HYPERVISOR_ARGS, dom0_args=DOM0_ARGS, kernel=packed) as dom0:
        check(dom0)


def test_scattered_modules(make_machine, tree):
    """Modules far apart and out of order, in the middle of memory."""
    tree.cells("/chosen", "#address-cells", 2)
    tree.cells("/chosen", "#size-cells", 2)
    tree.strings("/chosen", "bootargs", HYPERVISOR_ARGS)
    kernel, initrd = 0x9a345000, 0x60801000
    tree.module("/chosen/module@0", machines.IMAGES / "vmlinuz", kernel,
                ["multiboot,kernel", "multiboot,module"], DOM0_ARGS)
    tree.module("/chosen/module@1", machines.IMAGES / "dom0.cpio", initrd, ["multiboot,ramdisk", "multiboot,module"])
    with make_machine(dtb=tree.path, load=modules_at(kernel, initrd)) as dom0:
        check(dom0)
