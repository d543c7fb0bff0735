# SPDX-License-Identifier: MIT
"""The I/O benchmark's instrument: what the plugin counts, how counts are read, and the sums made of them."""
import pathlib
import struct
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import counts  # noqa: E402 (found through the path just added)
import main  # noqa: E402
import scenario  # noqa: E402


def write_counts(path, records):
    path.write_bytes(b"".join(struct.pack("<QQQQ", *record, 0xd503201f) for record in records))


@pytest.fixture(scope="module")
def windows(tmp_path_factory):
    """Sum of counts of each window of test_marks.S."""
    subprocess.run(["make", "-s", "-C", HERE], check=True)
    folder = tmp_path_factory.mktemp("marks")
    elf, image = folder / "marks.elf", folder / "marks.img"
    subprocess.run(["aarch64-linux-gnu-gcc", "-nostdlib", "-static", "-Wl,-Ttext=0", "-Wl,--build-id=none", "-o", elf,
                    HERE / "test_marks.S"], check=True)
    subprocess.run(["aarch64-linux-gnu-objcopy", "-O", "binary", "-j", ".text", elf, image], check=True)
    command = ["qemu-system-aarch64", "-M", "virt,gic-version=2", "-cpu", "cortex-a57", "-m", "128",
               "-display", "none", "-net", "none",
               "-monitor", "none", "-serial", "stdio", "-icount", "shift=0,sleep=off", "-kernel", image,
               "-plugin", f"{scenario.OUT / 'plugin.so'},dir={folder}"]
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True, timeout=60)
    return {number: list(counts.records(folder / f"{number}.counts")) for number in range(3)}


def total(window):
    return sum(count for _, _, count, _ in window)


def test_plain_code(windows):
    """Each instruction once; the marks at both ends are in the same few instructions."""
    assert abs(total(windows[0]) - (2 + 2 * 1000)) <= 2


def test_device_access(windows):
    assert abs(total(windows[1]) - (4 + 3 * 50)) <= 2


def test_sleep(windows):
    """1.6 million nanoseconds of virtual time pass meanwhile."""
    assert abs(total(windows[2]) - 8) <= 2


def test_addresses(windows):
    """MMU off: physical addresses are the virtual ones."""
    for window in windows.values():
        assert all(vaddr == paddr for vaddr, paddr, _, _ in window)


def test_marks_of_load():
    """64 marks of two instructions, MOVZ XZR and RET."""
    subprocess.run(["make", "-s", "-C", HERE], check=True)
    wanted = b"".join(struct.pack("<II", 0xd280001f | (0xa000 + n) << 5, 0xd65f03c0) for n in range(64))
    assert (scenario.OUT / "load").read_bytes().count(wanted) == 1


def test_parts(tmp_path):
    path = tmp_path / "0.counts"
    write_counts(path, [(0xa0000000010, 0x41000010, 5), (0xffff800008000000, 0x80000000, 7), (0x400000, 0x80001000, 11),
                        (0xffff800008000000, 0x60000000, 13), (0x400000, 0x60001000, 17)])
    ram = counts.dom0_ram("x\nio: dom0 has 80000000-80ffffff\n")
    assert counts.by_part(path, "argon", ram) == {"hypervisor": 5, "dom0": 18, "guest": 30}
    assert counts.by_part(path, "bare", ram) == {"hypervisor": 0, "dom0": 18, "guest": 35}


def test_functions(tmp_path):
    path = tmp_path / "0.counts"
    write_counts(path, [(0xa0000000100, 0, 2), (0xa0000000104, 0, 2), (0xa0000000104, 0, 1), (0xa0000000200, 0, 4),
                        (0x400000, 0, 9)])
    symbols = counts.Symbols.__new__(counts.Symbols)
    symbols.addresses, symbols.names = [0xa0000000100, 0xa0000000200], ["first", "second"]
    assert counts.by_function(path, symbols) == {"first": [5, 2], "second": [4, 4]}


def test_rates_and_goals():
    row = main.ROWS[0]
    result = {"amount": 1 << 20, "hypervisor": 100, "dom0": 200, "guest": 700}
    assert main.rate(row, result) == pytest.approx(1024 * 1000)
    ratios = {"a": 2.0, "b": 0.5}
    assert main.mean(ratios) == pytest.approx(1.0)
    good = {"guest": {"smp1": {"ratios": {"a": 1.5, "b": 1.1}, "mean": 1.28}},
            "own": {"ratios": {"a": {"all": 1.3, "hypervisor": 0.01}}}}
    assert main.goals_met(good)
    assert not main.goals_met({**good, "own": {"ratios": {"a": {"all": 1.3, "hypervisor": 0.03}}}})
    assert not main.goals_met({**good, "guest": {"smp1": {"ratios": {"a": 0.99, "b": 2.0}, "mean": 1.4}}})
    assert not main.goals_met({**good, "guest": {"smp1": {"ratios": {"a": 1.1, "b": 1.1}, "mean": 1.1}}})
