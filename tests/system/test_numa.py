# SPDX-License-Identifier: MIT
"""A machine of two NUMA nodes: what xl says of them, and where dom0's and guests' memory comes from."""

import re

import pytest

import guests
from sharing import shared_machine

# MiB of each node, CPUs 0 and 1 on the first, and a distance that is nobody's default.
NODE = 1024
DISTANCE = 25
QEMU = [argument for node in (0, 1) for argument in
        ("-object", f"memory-backend-ram,id=m{node},size={NODE}M",
         "-numa", f"node,nodeid={node},cpus={2 * node}-{2 * node + 1},memdev=m{node}")]
QEMU += ["-numa", f"dist,src=0,dst=1,val={DISTANCE}"]


@pytest.fixture(scope="module")
def dom0(request, hypervisor, on_xen):
    if on_xen:
        pytest.skip("Xen takes no nodes from a device tree")
    yield from shared_machine(request, hypervisor, memory=2 * NODE, smp=4, extra=QEMU,
                              hypervisor_args="console=dtuart dom0_mem=512M dom0_max_vcpus=2 bootscrub=0")


def nodes(dom0):
    """Of xl info -n: for each node size and free memory in MiB, and distances."""
    said = dom0.run("xl info -n").split("numa_info")[1]
    found = re.findall(r"^ *(\d+): +(\d+) +(\d+) +([\d,]+)$", said, re.MULTILINE)
    return {int(node): (int(size), int(free), [int(d) for d in away.split(",")]) for node, size, free, away in found}


def free(dom0):
    return [nodes(dom0)[node][1] for node in (0, 1)]


def test_topology(dom0):
    info = dom0.run("xl info -n")
    assert re.search(r"^nr_nodes +: 2$", info, re.MULTILINE)
    cpus = re.findall(r"^ *(\d+): +(\d+) +(\d+) +(\d+)$", info.split("cpu_topology")[1].split("device topology")[0]
                      .split("numa_info")[0], re.MULTILINE)
    assert [(int(cpu), int(node)) for cpu, _, _, node in cpus] == [(0, 0), (1, 0), (2, 1), (3, 1)]


def test_sizes_and_distances(dom0):
    """All of the nodes' memory but the image is somebody's; dom0 has its own from the boot CPU's node."""
    found = nodes(dom0)
    assert set(found) == {0, 1}
    for node in (0, 1):
        size, _, away = found[node]
        assert NODE - 2 <= size <= NODE
        assert away == [10, DISTANCE][::1 if node == 0 else -1]
    assert NODE - 560 <= found[0][1] <= NODE - 512
    assert found[1][1] >= NODE - 16
    total = int(re.search(r"^total_memory +: (\d+)$", dom0.run("xl info"), re.MULTILINE).group(1))
    assert abs(total - sum(size for size, _, _ in found.values())) <= 1


def test_dom0_knows_of_no_nodes(dom0):
    """It has no vNUMA: a map of distances between nodes that none of its memory is of would be a riddle."""
    assert dom0.run("find /proc/device-tree/ -name 'numa-node-id' -o -name 'distance-m*'") == ""


def test_debug_key(dom0):
    dom0.run("xl dmesg -c >/dev/null; xl debug-keys m")
    log = dom0.hypervisor_log()
    assert f"CPUs 0 1, distances 0:10 1:{DISTANCE}" in log
    assert f"CPUs 2 3, distances 0:{DISTANCE} 1:10" in log


def took(dom0, name, **settings):
    """Memory that a guest took of each node, before it runs; it is gone again, and its memory back."""
    before = free(dom0)
    guests.create(dom0, name, "-p", **settings)
    during = free(dom0)
    soft = dom0.run(f"xl vcpu-list {name}").split("\n")[1].split()[-1]
    dom0.run(f"xl destroy {name}")
    guests.free_memory(dom0)
    assert all(abs(a - b) <= 1 for a, b in zip(free(dom0), before))
    return [a - b for a, b in zip(before, during)], soft


@pytest.mark.parametrize("node", [0, 1])
@pytest.mark.parametrize("setting", ["cpus", "cpus_soft"])
def test_guest_memory_is_where_it_runs(dom0, setting, node):
    """A list of CPUs for each vCPU: the toolstack names no node (a string would have it choose one itself)."""
    mib, _ = took(dom0, "one", vcpus=2, **{setting: [f"{2 * node}-{2 * node + 1}"] * 2})
    assert mib[node] >= guests.LINUX_MEMORY
    assert mib[1 - node] <= 2


def test_guest_memory_is_where_it_was_placed(dom0):
    """xl chooses the node with more free memory, for memory and CPUs."""
    mib, soft = took(dom0, "placed", vcpus=2)
    assert soft == "2-3"
    assert mib[1] >= guests.LINUX_MEMORY and mib[0] <= 2


def test_more_than_a_node_has(dom0):
    """What does not fit comes from the other node, rather than not at all."""
    memory = free(dom0)[0] + 64
    mib, _ = took(dom0, "large", vcpus=1, memory=memory, cpus=["0-1"])
    assert sum(mib) >= memory
    assert 64 <= mib[1] <= 64 + 32


def test_guest_runs(dom0):
    guests.start(dom0, "runs", vcpus=2, cpus=["0-1", "2-3"])
    assert guests.listed(dom0)["runs"][2] == 2
    dom0.run("xl destroy runs")
