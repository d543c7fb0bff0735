# SPDX-License-Identifier: MIT
"""Who has how much of the machine's memory, to the page, by debug keys m and H; and what may have changed later."""

import re


def memory_use(dom0):
    """Free memory, and what Argon has given out to whom, in KiB by name. Xen's keys say other things."""
    dom0.run("xl dmesg -c >/dev/null; xl debug-keys mH")
    log = dom0.hypervisor_log()
    use = {"free": int(re.search(r"managed, (\d+) KiB free", log)[1]),
           "rest": int(re.search(r"^  the rest (-?\d+) KiB", log, re.MULTILINE)[1])}
    for domid, line in re.findall(r"^  d(\d+): (.*)$", log, re.MULTILINE):
        tables = int(re.search(r"page tables (\d+) KiB", line)[1])
        use[f"tables of d{domid}"] = tables
        use[f"d{domid} without"] = int(re.match(r"(\d+) KiB", line)[1]) - tables
    return use


def check_memory(before, after):
    """
    All comes back, to the page. What may grow is dom0's stage 2: its RAM is mapped in blocks, and where its kernel
    first puts a page of another domain a block is split, which takes a table that stays. One for each 2 MiB of its
    RAM at the most.
    """
    split = after["tables of d0"] - before["tables of d0"]
    assert split % 4 == 0 and 0 <= split < 1024
    assert after == {**before, "free": before["free"] - split, "tables of d0": before["tables of d0"] + split}
