# SPDX-License-Identifier: MIT
"""Bare guests, assembled from payloads/*.S: a few hundred bytes that boot by the arm64 Image protocol."""

import functools
import subprocess

from machine import BUILD, TOP

SOURCE = TOP / "tests" / "system" / "payloads"


@functools.cache
def payload(name):
    """The image of a payload, as bytes."""
    out = BUILD / "tests" / "system" / "payloads"
    out.mkdir(parents=True, exist_ok=True)
    elf, image = out / f"{name}.o", out / f"{name}.img"
    subprocess.run(["aarch64-linux-gnu-gcc", "-nostdlib", "-static", "-Wl,-Ttext=0", "-Wl,--build-id=none",
                    "-o", elf, SOURCE / f"{name}.S"], check=True)
    subprocess.run(["aarch64-linux-gnu-objcopy", "-O", "binary", "-j", ".text", elf, image], check=True)
    return image.read_bytes()


def payload_files(*names):
    """Payloads as files of dom0: /payload/NAME."""
    return {f"/payload/{name}": payload(name) for name in names}
