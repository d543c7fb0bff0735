# SPDX-License-Identifier: MIT
"""The machines the I/O benchmark boots, and their runs. Nothing is typed: each run repeats to the instruction."""
import contextlib
import pathlib
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
OUT = ROOT / "build/bench/io"
sys.path.insert(0, str(ROOT / "tests/system"))
sys.path.insert(0, str(ROOT / "bench"))
import guests  # noqa: E402 (found through the paths just added)
import machine  # noqa: E402
import qemu  # noqa: E402

TIMEOUT = 1800
# One nanosecond of virtual time is one instruction; nothing random and no time of day reaches the machine.
CLOCK = ["-icount", "shift=0,sleep=off", "-rtc", "base=2022-01-01,clock=vm"]
# A disk that QEMU reads and writes as zeroes at once, and two network cards that see nothing but each other. Kicks
# are handled by the CPU's thread, and transmission by a timer of virtual time, not when the host gets to it. With
# iommu_platform the drivers use the kernel's DMA interface, as those of real devices do; without, they do so on a
# hypervisor only.
OWN_DEVICES = ["-global", "virtio-mmio.ioeventfd=off", "-global", "virtio-mmio.force-legacy=false",
               "-drive", "driver=null-co,size=1G,read-zeroes=on,if=none,id=disk",
               "-device", "virtio-blk-device,iommu_platform=on,drive=disk",
               "-netdev", "hubport,hubid=0,id=a",
               "-device", "virtio-net-device,iommu_platform=on,netdev=a,tx=timer,mac=52:54:00:00:00:01",
               "-netdev", "hubport,hubid=0,id=b",
               "-device", "virtio-net-device,iommu_platform=on,netdev=b,tx=timer,mac=52:54:00:00:00:02"]


def script(name):
    return (HERE / name).read_text(encoding="utf-8")


def module(name):
    """A kernel module of Debian's kernel that dom0's image does not hold."""
    listing = subprocess.run(["tar", "-tf", machine.IMAGES / "debian-root.tar", "--wildcards", f"*/{name}.ko"],
                             capture_output=True, text=True, check=True).stdout.split()
    return subprocess.run(["tar", "-xOf", machine.IMAGES / "debian-root.tar", listing[0]], capture_output=True,
                          check=True).stdout


def guest_initrd():
    """To be put after the guest's own initramfs. Compressed, since that may end at any address."""
    path = OUT / "guest.cpio.gz"
    machine.make_cpio({"/io/load": (OUT / "load").read_bytes(), "/io/guest": script("guest.sh")}, path)
    return path.read_bytes()


def guest_files():
    """What dom0 is given to run the guest."""
    config = guests.config("io", ramdisk="/tmp/initrd", extra="console=hvc0 rdinit=/io/guest",
                           disk=["phy:/dev/ram0,xvda,w"],
                           vif=[guests.vif(2)])
    return {"/io/load": (OUT / "load").read_bytes(), "/io/dom0": script("dom0.sh"), "/io/brd.ko": module("brd"),
            "/io/guest.cpio.gz": guest_initrd(), "/io/guest.cfg": config}


def common(folder, cpu, smp, extra):
    return {"cpu": cpu, "smp": smp, "threads": False, "machine": "dtb-randomness=off",
            "extra": [*CLOCK, "-plugin", f"{OUT / 'plugin.so'},dir={folder}", *extra]}


def with_guest(hypervisor, name, cpu, smp, gic):
    """The guest's loads on a hypervisor: dom0 has CPU 0, the guest shares it or has CPU 1."""
    folder = OUT / name
    arguments = "console=dtuart dom0_mem=1024M bootscrub=0 dom0_max_vcpus=1" + (" dom0_vcpus_pin" if smp > 1 else "")
    return run(machine.Options(hypervisor=hypervisor, gic=gic, memory=2048, hypervisor_args=arguments,
                               dom0_args="console=hvc0 PROMPT_COMMAND=/io/dom0", files=guest_files(),
                               **common(folder, cpu, smp, [])), name)


def own_on_hypervisor(hypervisor, name, cpu, gic):
    """dom0's own disk and network."""
    return run(machine.Options(hypervisor=hypervisor, gic=gic, memory=2048,
                               hypervisor_args="console=dtuart dom0_mem=1024M bootscrub=0 dom0_max_vcpus=1",
                               dom0_args="console=hvc0 rdinit=/io/own",
                               files={"/io/load": (OUT / "load").read_bytes(), "/io/own": script("own.sh")},
                               **common(OUT / name, cpu, 1, OWN_DEVICES)), name)


def own_bare(name, cpu, gic):
    """The same kernel and initramfs with as much memory and no hypervisor."""
    initrd = OUT / "bare.cpio"
    machine.make_cpio({"/io/load": (OUT / "load").read_bytes(), "/io/own": script("own.sh")}, initrd)
    initrd.write_bytes((machine.IMAGES / "dom0.cpio").read_bytes() + initrd.read_bytes())
    return run(machine.Options(hypervisor=machine.IMAGES / "vmlinuz", gic=gic, memory=1024, kernel=None, initrd=None,
                               hypervisor_args="console=ttyAMA0 rdinit=/io/own",
                               **common(OUT / name, cpu, 1, [*OWN_DEVICES, "-initrd", str(initrd)])), name)


@contextlib.contextmanager
def nudged(path):
    """While this lasts, turns of CPUs are ended from outside (bench/qemu.py tells why)."""
    done, nudge = threading.Event(), qemu.Nudge(path)

    def work():
        while not done.wait(qemu.NUDGE_SECONDS):
            nudge()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        nudge.close()


def expect(running, texts):
    """Wait for the first of the texts; any other is a failure."""
    found = running.expect([*texts, "Kernel panic", "load: "], TIMEOUT)
    if found.group(0) not in texts:
        running.read_for(1)
        raise machine.Hung(f"the load failed; console log: {running.log}")


def run(options, name):
    """Run one to its end; returns the folder with its counts and its console's text."""
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.counts"):
        old.unlink()
    with tempfile.TemporaryDirectory() as sockets:
        monitor = f"{sockets}/monitor"
        if options.smp > 1:
            options.extra += ["-chardev", f"socket,id=nudge,path={monitor},server=on,wait=off", "-mon", "chardev=nudge"]
        with machine.Machine(options, f"bench-io-{name}") as running:
            if options.smp > 1:
                # Until dom0's shell runs: what is measured is left alone.
                with nudged(monitor):
                    expect(running, ["io: dom0 has"])
            expect(running, ["io: done"])
    return folder, running.log.read_text(encoding="utf-8", errors="replace")
