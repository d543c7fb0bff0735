#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Debian packages with their members uncompressed, in place: an emulated machine unpacks those several times faster.

A .deb is an ar archive of debian-binary, control.tar.* and data.tar.* (deb(5)).
"""

import lzma
import pathlib
import sys

MAGIC = b"!<arch>\n"
HEADER = 60


def members(data):
    """(header, name, contents) of each member."""
    if not data.startswith(MAGIC):
        raise ValueError("not a Debian package")
    at = len(MAGIC)
    while at < len(data):
        header = data[at:at + HEADER]
        size = int(header[48:58])
        yield header, header[:16].rstrip(b" /").decode(), data[at + HEADER:at + HEADER + size]
        at += HEADER + size + size % 2


def plain(data):
    out = bytearray(MAGIC)
    for header, name, contents in members(data):
        if name.endswith(".xz"):
            name, contents = name[:-len(".xz")], lzma.decompress(contents)
        out += name.encode().ljust(16) + header[16:48] + str(len(contents)).encode().ljust(10) + header[58:]
        out += contents + b"\n" * (len(contents) % 2)
    return bytes(out)


for argument in sys.argv[1:]:
    path = pathlib.Path(argument)
    path.write_bytes(plain(path.read_bytes()))
