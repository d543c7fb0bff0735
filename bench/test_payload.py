# SPDX-License-Identifier: MIT
"""The payload is built with the runtime of tests/guest, whose changes are made for other tests: it still links."""
import pathlib
import subprocess

BENCH = pathlib.Path(__file__).resolve().parent


def test_payload_links(tmp_path):
    built = subprocess.run(["make", "-C", BENCH, f"BENCH_OUT={tmp_path}/bench", f"GUEST_OUT={tmp_path}/guest"],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert built.returncode == 0, built.stdout
    assert (tmp_path / "bench/bench.img").stat().st_size > 4096
