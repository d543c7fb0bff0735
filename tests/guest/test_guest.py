# SPDX-License-Identifier: MIT
"""Run the bare payload over machines: GIC versions, vCPU counts, CPU models; each check that fails is in the message.

On Debian's Xen (any image whose name starts with "xen") the checks listed in xen_differs.txt may fail.
"""
import pathlib
import re
import struct
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import runner  # noqa: E402

# What is about vCPUs that take turns. Tests where all of them spin for each other take too long where they do.
SWITCHING = "only=state+switch+domain+sched+psci"
# The GICv2 driver's path for hardware; plain_gicv2.txt has what QEMU's model then fails.
PLAIN = "gicv2_links=hardware"
# (gic, vCPUs = pCPUs unless options say otherwise, CPU model, hypervisor options)
MACHINES = {
    "v3-1-a57": dict(gic=3, smp=1),
    "v3-2-a53": dict(gic=3, smp=2, cpu="cortex-a53"),
    "v3-4-a57": dict(gic=3, smp=4),
    "v3-2-max": dict(gic=3, smp=2, cpu="max"),
    "v3-2on1-a57": dict(gic=3, smp=1, options="dom0_max_vcpus=2"),
    "v3-1-max": dict(gic=3, smp=1, cpu="max"),
    # What errata cost CPUs that have them: exits by the firmware, by CLRBHB, by the loop (docs/design/errata.md).
    "v3-2-a57-all": dict(gic=3, smp=2, options="errata=all"),
    "v2-2-a53-loop": dict(gic=2, smp=2, cpu="cortex-a53",
                          options="errata=all,no-spectre-v2,no-spectre-bhb,no-bhb-clear"),
    "v3-2on1-a76-clear": dict(gic=3, smp=1, cpu="cortex-a76",
                              options="dom0_max_vcpus=2 errata=all,no-spectre-v2,no-spectre-bhb"),
    "v2-1-a53": dict(gic=2, smp=1, cpu="cortex-a53"),
    "v2-2-a57": dict(gic=2, smp=2),
    "v2-4-max": dict(gic=2, smp=4, cpu="max"),
    "v2-2on1-a57": dict(gic=2, smp=1, options="dom0_max_vcpus=2"),
    "v2-2-a57-plain": dict(gic=2, smp=2, options=PLAIN),
    "v2-2on1-a57-plain": dict(gic=2, smp=1, options="dom0_max_vcpus=2 " + PLAIN),
    "v3-4on2-a57": dict(gic=3, smp=2, options="dom0_max_vcpus=4", args=SWITCHING),
    "v2-4on2-max": dict(gic=2, smp=2, cpu="max", options="dom0_max_vcpus=4", args=SWITCHING),
}
# RAM in MiB and how much of it the hypervisor may take with one guest, in percent.
OWN_MEMORY = {1024: 2.0, 16384: 1.0}
ENDS = ["poweroff", "reboot", "crash", "psci_off", "psci_reset"]


def listed(name):
    """The words of each line of a list."""
    return [line.split() for line in (HERE / name).read_text().splitlines() if line and not line.startswith("#")]


def xen_differs():
    """Names of checks that may fail on Xen, and of tests that hang there."""
    lines = listed("xen_differs.txt")
    return {x[0] for x in lines}, [x[0] for x in lines if x[1:] == ["hang"]]


@pytest.fixture(name="hypervisor")
def hypervisor_fixture(request):
    path = pathlib.Path(request.config.getoption("--hypervisor"))
    if not path.exists():
        pytest.fail(f"no hypervisor at {path}: run make first")
    if not runner.IMAGE.exists():
        pytest.fail(f"no payload at {runner.IMAGE}: run make -f tests/guest/Makefile first")
    return path


MSR_HCR_EL2_X9, NOP, ISB = 0xD51C1109, 0xD503201F, 0xD5033FDF
MIB2 = 2 << 20


def entered_with_vhe(hypervisor, path, fixed):
    """An Image that enters the hypervisor with HCR_EL2.E2H and TGE set, as a VHE kernel's kexec does.

    fixed: where the hypervisor clears E2H nothing happens, as on a CPU that has it fixed at 1.
    """
    image = bytearray(hypervisor.read_bytes())
    size = struct.unpack_from("<Q", image, 16)[0]
    code = [0xD2B10009, 0xF2C00089, MSR_HCR_EL2_X9, ISB]     # x9 = RW, TGE, E2H
    code.append(0x14000000 | (MIB2 - 64 - 4 * len(code)) // 4)
    head = struct.pack("<IIQQQQQQ4sI", 0x14000010, 0, 0, MIB2 + size, 0xA, 0, 0, 0, b"ARM\x64", 0)
    head += struct.pack("<5I", *code)
    if fixed:
        at = image.index(struct.pack("<I", MSR_HCR_EL2_X9))
        image[at:at + 4] = struct.pack("<I", NOP)
    path.write_bytes(head.ljust(MIB2, b"\0") + image)
    return path


def test_entry_with_vhe(hypervisor, tmp_path):
    """More than 4 GiB: what TCR_EL2 says of physical addresses is in other bits with E2H set."""
    if hypervisor.name.startswith("xen"):
        pytest.skip("Argon's")
    image = entered_with_vhe(hypervisor, tmp_path / "vhe.img", fixed=False)
    report = runner.run("vhe", image, cpu="max", smp=2, memory=6144, args="only=entry")
    assert report.exited == 0 and report.closing and report.closing[1] == 0, f"{report.log}: {report.text[-600:]}"
    assert "2 CPUs online" in report.text


def test_entry_with_vhe_fixed(hypervisor, tmp_path):
    if hypervisor.name.startswith("xen"):
        pytest.skip("Argon's")
    image = entered_with_vhe(hypervisor, tmp_path / "vhe.img", fixed=True)
    report = runner.run("vhe-fixed", image, cpu="max", memory=6144, until="cannot leave the VHE mode")
    assert "cannot leave the VHE mode" in report.text, f"{report.log}: {report.text[-600:]}"


@pytest.mark.parametrize("machine", MACHINES)
def test_checks(hypervisor, machine):
    may_fail, hangs = xen_differs() if hypervisor.name.startswith("xen") else (set(), [])
    fields = dict(MACHINES[machine])
    if hypervisor.name.startswith("xen") and PLAIN in fields.get("options", ""):
        pytest.skip("an option of Argon's")
    if PLAIN in fields.get("options", ""):
        may_fail = {words[0] for words in listed("plain_gicv2.txt")}
    args = fields.pop("args", "") + (" skip=" + "+".join(hangs) if hangs else "")
    args += " hasty=" + "+".join(sorted({name.split("/")[0] for name in may_fail})) if may_fail else ""
    report = runner.run(f"{hypervisor.name}-{machine}", hypervisor, args=args, **fields)
    failures = {name: text for name, text in report.failures.items()
                if re.sub(r"\[.*", "", name) not in may_fail and name.split("/")[0] not in may_fail}
    message = "\n".join(f"{name}: {text}" for name, text in failures.items())
    assert report.closing, f"stopped in {report.last_test()}, log {report.log}\n{message}"
    assert not failures, f"{len(failures)} checks failed, log {report.log}\n{message}"
    assert report.passed, f"nothing ran, log {report.log}"
    assert report.exited == 0, f"QEMU did not end by poweroff, log {report.log}"


def edited_tree(hypervisor, name, fields, edits):
    """Where the machine's device tree is, after fdtput with each of these arguments; {} is the tree."""
    runner.LOGS.mkdir(parents=True, exist_ok=True)
    tree = runner.LOGS / f"{name}.dtb"
    command = runner.qemu_command(hypervisor, runner.IMAGE, **fields)
    command[2] += f",dumpdtb={tree}"
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)
    for words in edits:
        subprocess.run(["fdtput", *[str(tree) if word == "{}" else word for word in words.split()]], check=True)
    return tree


def reserved(node, start, size):
    """Edits that keep a range of RAM from everybody."""
    return [f"-p {{}} {node} no-map", f"-t x {{}} {node} reg {start >> 32:x} {start & 0xffffffff:x} 0 {size:x}",
            "{} /reserved-memory ranges", "-t x {} /reserved-memory #address-cells 2",
            "-t x {} /reserved-memory #size-cells 2"]


@pytest.mark.parametrize("gic", [2, 3])
def test_hole_in_ram(hypervisor, gic):
    """Firmware keeps a part in the middle of RAM, and says that it is not to be mapped."""
    tree = edited_tree(hypervisor, f"hole-{gic}", dict(gic=gic, args="only=fault"),
                       reserved("/reserved-memory/firmware@7e000000", 0x7e000000, 0x10000))
    report = runner.run(f"{hypervisor.name}-hole-{gic}", hypervisor, gic=gic, args="only=fault", extra=["-dtb", tree])
    assert report.closing, f"stopped in {report.last_test()}, log {report.log}"
    assert report.closing[1] == 0 and report.closing[0] > 5, f"{report.failures}, log {report.log}"


def test_its_of_32_bits(hypervisor):
    """All memory below 4 GiB is somebody's, but for what a service that reaches no other has been left."""
    if hypervisor.name.startswith("xen"):
        pytest.skip("Argon's")
    fields = dict(args="only=its.start+its.low-memory", memory=4096)
    tree = edited_tree(hypervisor, "its-32", fields, ["-t s {} / compatible rockchip,rk3568 linux,dummy-virt"] +
                       reserved("/reserved-memory/firmware@80000000", 2 << 30, 2 << 30))
    report = runner.run(f"{hypervisor.name}-its-32", hypervisor, extra=["-dtb", tree], **fields)
    assert report.closing == (2, 0), f"{report.failures}, log {report.log}"
    assert "not applicable" not in report.text and "1 ITS: devices" in report.text, report.log


# Where it is linked, and offset and size of its memory map.
FIRMWARE, FIRMWARE_ADDRESS, FIRMWARE_MAP = runner.IMAGE.with_name("firmware.img"), 0x78000000, (0x400, 6 * 48)


def run_under_uefi(hypervisor, name, **fields):
    """A firmware has left runtime services behind, some of which are bad."""
    start, size = FIRMWARE_MAP
    cells = {"system-table": [0, FIRMWARE_ADDRESS], "mmap-start": [0, FIRMWARE_ADDRESS + start],
             "mmap-size": [size], "mmap-desc-size": [48], "mmap-desc-ver": [1]}
    tree = edited_tree(hypervisor, f"uefi-{name}", fields,
                       [f"-t x {{}} /chosen linux,uefi-{key} " + " ".join(f"{c:x}" for c in value)
                        for key, value in cells.items()])
    loader = f"loader,file={FIRMWARE},addr={FIRMWARE_ADDRESS:#x},force-raw=on"
    return runner.run(f"{hypervisor.name}-uefi-{name}", hypervisor, extra=["-dtb", tree, "-device", loader], **fields)


@pytest.mark.parametrize("fault", ["data", "code", "overflow", "other-stack", "null", "not-its-own"])
def test_uefi(hypervisor, fault):
    if hypervisor.name.startswith("xen"):
        pytest.skip("Argon's")
    report = run_under_uefi(hypervisor, fault, args=f"only=uefi.time+uefi.stack+uefi.interrupts+uefi.fault-{fault}",
                            gic=2 if fault == "code" else 3, cpu="max" if fault == "data" else "cortex-a57")
    assert report.closing, f"stopped in {report.last_test()}, log {report.log}"
    assert report.closing == (4, 0), f"{report.failures}, log {report.log}"
    assert "not applicable" not in report.text, report.log
    assert "UEFI runtime services are off" in report.text, report.log


@pytest.mark.parametrize("cpus", [1, 2])
def test_uefi_two_cpus(hypervisor, cpus):
    """Two vCPUs call, on a CPU each, or on one."""
    if hypervisor.name.startswith("xen"):
        pytest.skip("Argon's")
    report = run_under_uefi(hypervisor, f"two-on-{cpus}", args="only=uefi.two-cpus", smp=cpus,
                            options="dom0_max_vcpus=2")
    assert report.closing == (1, 0), f"{report.failures}, log {report.log}"
    assert "not applicable" not in report.text, report.log


@pytest.mark.parametrize("name, cpus", [("reset", 2), ("ends-twice", 3)])
def test_uefi_reset(hypervisor, name, cpus):
    """A reset waits for what firmware writes: one vCPU's, or two's at once."""
    if hypervisor.name.startswith("xen"):
        pytest.skip("Argon's")
    report = run_under_uefi(hypervisor, name, args=f"only=uefi.{name}", smp=cpus)
    order = [report.text.find(text) for text in
             (f"uefi.{name}: now", "another CPU is in UEFI: waiting for it", "firmware has written")]
    assert 0 < order[0] < order[1] < order[2], f"{order}, log {report.log}"
    assert report.exited == 0, report.log


@pytest.mark.parametrize("gic", [2, 3])
def test_address_translation_that_faults(hypervisor, gic):
    """AT takes an exception where the walk gets a bus error. HCR_EL2.PTW keeps walks off devices: not set for once.

    What is patched is the constant's low half in a MOVZ or MOVK (Arm ARM C6.2): HCR_GUEST of arch/arm/arm64/vcpu.c.
    """
    if hypervisor.name.startswith("xen"):
        pytest.skip("patches Argon")
    low = 0x263f
    code = hypervisor.read_bytes()
    words = list(struct.unpack(f"<{len(code) // 4}I", code[:len(code) // 4 * 4]))
    hits = [i for i, word in enumerate(words) if word >> 5 & 0xffff == low and word & 0x1f800000 == 0x12800000]
    assert len(hits) == 1, "HCR_GUEST has changed: find its low half here"
    words[hits[0]] ^= 4 << 5
    runner.LOGS.mkdir(parents=True, exist_ok=True)
    patched = runner.LOGS / f"walks-devices-{gic}.img"
    patched.write_bytes(struct.pack(f"<{len(words)}I", *words) + code[len(words) * 4:])
    # The RTC's seconds are a descriptor that is walked: while they are few, none that gives access to anything.
    report = runner.run(f"{hypervisor.name}-walks-{gic}", patched, gic=gic, args="only=fault.device-walk",
                        extra=["-rtc", "base=1970-01-01T00:00:00,clock=vm"])
    assert report.closing, f"stopped in {report.last_test()}, log {report.log}"
    assert "fault.device-walk/status-level-2" in report.failures, "the patch did nothing"
    # The guest's own accesses fare as the bus answers them; hypercalls are refused as ever.
    own = r"/(status-level-2|translate|translate-status)$"
    assert all(re.search(own, name) for name in report.failures), report.failures


@pytest.mark.parametrize("end", ENDS)
def test_end(hypervisor, end):
    """Each way to end dom0 ends the machine."""
    report = runner.run(f"{hypervisor.name}-end-{end}", hypervisor, args=f"only=entry.counters end={end}", timeout=30)
    assert report.closing, f"payload did not finish, log {report.log}"
    assert report.exited == 0, f"machine still runs, log {report.log}"
    assert "still alive" not in report.text, f"shutdown returned, log {report.log}"


OWN_FIGURES = {"own": r"own: (\d+) of", "ram": r"of (\d+) KiB", "image": r"image (\d+) KiB",
               "frames": r"frame table \D*(\d+) KiB", "cpus": r"CPUs (\d+) KiB", "rest": r"the rest (-?\d+) KiB"}


def own_memory(text):
    """What debug key H said each time, with the free memory just before: figures in KiB by name, of a guest by d1."""
    for part in re.split(r"^# own: ", text, flags=re.M)[1:]:
        found = {"what": part.split(":")[0], "free": int(re.search(r"(\d+) KiB free", part)[1])}
        for name, pattern in OWN_FIGURES.items():
            found[name] = int(re.search(pattern, part)[1])
        domains = dict(re.findall(r" d(\d+): (\d+) KiB", part))
        found["dom0"] = int(domains.pop("0"))
        found["guest"] = int(next(iter(domains.values()), 0))
        yield found


@pytest.mark.parametrize("mib", OWN_MEMORY)
def test_own_memory(hypervisor, mib):
    """The hypervisor's own memory: little, all accounted for; what the key says of a guest is what it costs."""
    if hypervisor.name.startswith("xen"):
        pytest.skip("Xen has no such figures")
    report = runner.run(f"{hypervisor.name}-own-{mib}", hypervisor, args="only=own.memory", smp=2, memory=mib)
    assert report.closing == (1, 0), f"log {report.log}"
    figures = list(own_memory(report.text))
    assert [f["what"] for f in figures] == ["before", "guest of 1 vCPU", "after", "before", "guest of 8 vCPUs", "after"]
    for f in figures:
        assert f["ram"] == mib * 1024
        assert f["own"] * 100 < OWN_MEMORY[mib] * f["ram"]
        assert f["image"] < 1024 and f["rest"] < 1024 and f["cpus"] < 128
        # 16 bytes a frame, and what its alignment costs.
        assert f["ram"] // 256 <= f["frames"] <= f["ram"] // 256 + 256
        parts = sum(f[name] for name in ("image", "frames", "cpus", "dom0", "guest", "rest"))
        assert abs(parts - f["own"]) <= 6
    for before, guest in (figures[0:2], figures[3:5]):
        cost = before["free"] - guest["free"] - 256 * 1024
        # Pages that objects of the domain share with others', rounding.
        assert guest["guest"] - 16 <= cost <= guest["guest"] + 16
        assert guest["own"] - before["own"] == cost
    assert figures[1]["guest"] < 64 and figures[4]["guest"] < 160
    assert figures[0]["free"] == figures[2]["free"] == figures[5]["free"]
