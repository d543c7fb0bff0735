# SPDX-License-Identifier: MIT
"""The same rows in a virtual machine of KVM: Debian's arm64 kernel at EL2 of the same QEMU, and Debian's QEMU there.

On a CPU without the virtualization host extensions the kernel runs at EL1 and KVM in a part of its own at EL2 (nVHE),
on QEMU's `max` the whole kernel runs at EL2 (VHE). Linux boots for this, so results are kept in build/bench by what
they come from.
"""
import hashlib
import json
import subprocess

from qemu import PAYLOAD, ROOT, figures, qemu, run_qemu
from rows import ROWS

# pauth-impdef: QEMU computes pointer authentication codes in a cheaper way; the same instructions, three times sooner.
CPUS = {"kvm_nvhe": "cortex-a57", "kvm_vhe": "max,pauth-impdef=on"}
BUILD = ROOT / "build/bench"
KERNEL = ROOT / "build/images/vmlinuz"
PACKAGES = BUILD / "kvm-root.tar"
CACHE = BUILD / "kvm.json"
SOURCE = ROOT / "bench/kvm"


def make_ramdisk():
    ramdisk = BUILD / "kvm.cpio"
    subprocess.run(["/usr/bin/python3", str(ROOT / "scripts/images/mkinitramfs.py"), "--tar", str(PACKAGES),
                    "--manifest", str(SOURCE / "root.manifest"), "--overlay", str(SOURCE / "root"),
                    "--host", str(PAYLOAD.parent), str(ramdisk)], check=True)
    return ramdisk


def command(ramdisk, gic, cpu, smp, runs):
    return [*qemu(gic, cpu, smp, 1024), "-kernel", str(KERNEL), "-initrd", str(ramdisk),
            "-append", f"console=ttyAMA0 quiet rdinit=/init RUNS={runs}"]


def key_of(commands, ramdisk, version):
    digest = hashlib.sha256(repr((commands, version)).replace(str(ROOT), "").encode())
    for path in (KERNEL, ramdisk):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def read_cache():
    try:
        return json.loads(CACHE.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return {}


def measure(gic, version):
    """Instructions by row name, for each way to run KVM; from the last run where nothing has changed since."""
    ramdisk, cache, results = make_ramdisk(), read_cache(), {}
    for label, cpu in CPUS.items():
        commands = [command(ramdisk, gic, cpu, 1, "1:none,2:vcpus"), command(ramdisk, gic, cpu, 2, "2:pcpus")]
        key = key_of(commands, ramdisk, version)
        if cache.get(f"{label}-v{gic}", {}).get("key") != key:
            found = figures(run_qemu(commands[0], f"bench-{label}-v{gic}"))
            found.update(figures(run_qemu(commands[1], f"bench-{label}-v{gic}-pcpus", True)))
            cache[f"{label}-v{gic}"] = {"key": key, "rows": found}
            if all(row.id in found for row in ROWS if row.kvm):
                CACHE.write_text(json.dumps(cache, indent=2) + "\n", encoding="ascii")
        results[label] = cache[f"{label}-v{gic}"]["rows"]
    return results
