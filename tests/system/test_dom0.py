# SPDX-License-Identifier: MIT
"""dom0 at its console: input, output, the hypervisor's log and debug keys, the balloon."""

import re
import time

import pytest

from sharing import shared_machine


UART_IRQ = 33   # of QEMU's virt


@pytest.fixture(scope="module")
def dom0(request, hypervisor):
    yield from shared_machine(request, hypervisor,
                              hypervisor_args="console=dtuart dom0_mem=640M bootscrub=0 conswitch=b")


def test_console_input(dom0):
    """Everything typed arrives, in order: a long line, every printable character, many lines at once."""
    text = "".join(chr(code) for code in range(33, 127) if chr(code) not in "'\\!")
    dom0.run(f"read -r line <<'X'; echo \"$line\" >/tmp/typed\n{text}\nX\ntrue")
    assert dom0.run("cat /tmp/typed") == text
    lines = [f"line {number}" for number in range(20)]
    dom0.run("cat >/tmp/typed <<'X'\n" + "\n".join(lines) + "\nX\ntrue")
    assert dom0.run("cat /tmp/typed").split("\n") == lines


def test_console_output_is_complete(dom0):
    wanted = [f"{number:05d} " + "x" * 60 for number in range(2000)]
    output = dom0.run("i=0; while [ $i -lt 2000 ]; do printf '%05d " + "x" * 60 + "\\n' $i; i=$((i+1)); done")
    assert output.split("\n") == wanted


def test_console_output_is_not_mixed(dom0, on_xen):
    """Lines of dom0 and of the hypervisor at the same time: each is whole. Xen cuts dom0's into pieces of 16 bytes."""
    if on_xen:
        pytest.skip("Xen interleaves")
    lines = dom0.run_raw("(for i in 1 2 3 4 5 6; do xl debug-keys h; done) & i=0; while [ $i -lt 600 ]; do "
                         "printf 'whole %05d " + "y" * 70 + " end\\n' $i; i=$((i+1)); done; wait").split("\n")
    mine = [line for line in lines if "whole" in line or "yyy" in line or " end" in line]
    assert len(mine) >= 600
    assert all(re.fullmatch(r"whole \d{5} y{70} end", line) for line in mine if "printf" not in line), mine
    numbers = [int(line.split()[1]) for line in mine if "printf" not in line]
    assert numbers == list(range(600))
    assert any(re.search(r"show this message|installed handlers|help", line) for line in lines)


def test_hypervisor_log(dom0):
    log = dom0.hypervisor_log()
    assert re.search(r"dom(ain)? ?0", log, re.IGNORECASE)
    assert len(log.split("\n")) >= 5
    dom0.run("xl dmesg -c >/dev/null")
    assert dom0.hypervisor_log() == ""
    dom0.run("xl debug-keys h")
    assert dom0.hypervisor_log() != ""


# key -> what its output must show; Xen has no i on ARM.
KEYS = {
    "h": [r"\bq\b", r"\br\b", r"\be\b", r"\bg\b", r"\bm\b", r"\b0\b", r"\bd\b", r"\bR\b"],
    "q": [r"(?i)domain 0|\bd0\b", r"(?i)vcpu ?0", r"(?i)vcpu ?1", r"\b163840\b"],
    "r": [r"(?i)credit2", r"(?i)\bcpus?\b.*\b0\b|\bcpu0\b", r"d0v|0\.0"],
    "e": [r"(?i)domain 0|\bd0\b", r"(?m)^\s*\D{0,6}1\b", r"(?i)v=2|virq 2|console"],
    "g": [r"(?i)d0|domain 0", r"\b64\b"],
    "m": [r"(?i)free", r"(?i)\d+ ?k"],
    "i": [rf"\b{UART_IRQ}\b", r"(?i)d0|dom(ain)? ?0"],
    "0": [r"(?i)vcpu ?#?0", r"(?i)vcpu ?#?1", r"(?i)\bpc\b\W+(0x)?[0-9a-f]{8,}", r"(?i)\bx28\b"],
    "d": [r"(?i)cpu ?0", r"(?i)cpu ?1", r"(?i)\bpc\b\W+(0x)?[0-9a-f]{8,}"],
}


@pytest.mark.parametrize("key", KEYS)
def test_debug_key(dom0, key, on_xen):
    if on_xen and key == "i":
        pytest.skip("Xen on ARM has no such key")
    dom0.run("xl dmesg -c >/dev/null")
    dom0.run(f"xl debug-keys {key}")
    time.sleep(0.5)
    log = dom0.hypervisor_log()
    for pattern in KEYS[key]:
        assert re.search(pattern, log), f"no {pattern!r} in the output of {key}:\n{log}"


def test_debug_key_memory_is_true(dom0):
    """Key m and xl info agree on free memory."""
    dom0.run("xl dmesg -c >/dev/null; xl debug-keys m")
    free = int(re.search(r"free_memory *: (\d+)", dom0.run("xl info")).group(1))
    amounts = [int(kilobytes) // 1024 for kilobytes in re.findall(r"(\d+) ?[kK](?:i?B)?\b", dom0.hypervisor_log())]
    assert any(abs(amount - free) <= 1 for amount in amounts), (free, amounts)


def test_console_switch(dom0):
    """The conswitch character three times gives the keyboard to the hypervisor, and three times more gives it back."""
    dom0.run("true")
    dom0.send_raw("\x02\x02\x02")
    dom0.expect(r"(?i)input")
    dom0.read_for(0.5)
    dom0.send_raw("h")
    said = dom0.read_for(2)
    for key in "qrm":
        assert re.search(rf"\b{key}\b", said), said
    dom0.send_raw("\x02\x02\x02")
    dom0.expect(r"(?i)input.*dom(ain)? ?0")
    dom0.read_for(0.5)
    assert dom0.run("echo back") == "back"
    # Twice is a character like any other: it reaches dom0, which prints it.
    dom0.send_raw("\x02\x02\x7f\x7f")
    assert dom0.run("echo still here") == "still here"


def test_balloon(dom0):
    """dom0 gives memory back and gets it again."""
    def total():
        return int(dom0.run("cat /sys/devices/system/xen_memory/xen_memory0/info/current_kb"))

    base = "/sys/devices/system/xen_memory/xen_memory0"
    before = total()
    for target in (before - 65536, before):
        dom0.run(f"echo {target} >{base}/target_kb")
        dom0.run(f"timeout 50 sh -c 'until [ $(cat {base}/info/current_kb) -eq {target} ]; do sleep 0.2; done'")
    assert total() == before
    assert not re.search(r"WARNING:|BUG:|Oops|Call trace", dom0.run("dmesg"))


def test_clock_runs_true(dom0):
    """A minute of dom0 is a minute of the host, to within the time a command takes."""
    started, host = float(dom0.run("cut -d' ' -f1 /proc/uptime")), time.monotonic()
    dom0.run("sleep 5")
    elapsed, host_elapsed = float(dom0.run("cut -d' ' -f1 /proc/uptime")) - started, time.monotonic() - host
    assert abs(elapsed - host_elapsed) < 1.5, (elapsed, host_elapsed)
