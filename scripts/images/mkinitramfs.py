#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Assemble an initramfs from a tar of unpacked Debian packages, a manifest and an overlay directory.

The manifest says what is wanted, one directive a line (# starts a comment):

    file GLOB...        files by absolute path; symbolic links are followed, shared libraries added
    module NAME...      kernel modules, with the modules they need and a modules.dep for modprobe
    applet NAME...      links to busybox in /bin, for names no wanted file provides
    dir PATH...         empty directories
    link PATH TARGET    a symbolic link
    host PATH SOURCE    a file of this machine (SOURCE relative to the --host directory)

The output is an uncompressed or (name ends in .gz) gzipped newc cpio archive, the same bytes for the same input.
"""

import argparse
import fnmatch
import gzip
import os
import posixpath
import stat
import struct
import sys
import tarfile

LIBRARY_DIRS = ("/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/lib", "/usr/lib")
PT_DYNAMIC, PT_INTERP, PT_LOAD = 2, 3, 1
DT_NEEDED, DT_STRTAB = 1, 5


class BuildError(Exception):
    """The manifest cannot be satisfied."""


class Elf:
    """The little of a 64-bit little-endian ELF file that says which other files it needs."""

    def __init__(self, data):
        self.data = data
        offset, = struct.unpack_from("<Q", data, 32)
        size, count = struct.unpack_from("<HH", data, 54)
        self.segments = [struct.unpack_from("<IIQQQQQQ", data, offset + i * size) for i in range(count)]

    def file_offset(self, address):
        for kind, _, offset, vaddr, _, filesz, _, _ in self.segments:
            if kind == PT_LOAD and vaddr <= address < vaddr + filesz:
                return offset + address - vaddr
        raise BuildError("malformed ELF file")

    def string(self, offset):
        return self.data[offset:self.data.index(b"\0", offset)].decode()

    def needs(self):
        """The interpreter's path, and the names of the libraries needed."""
        needed, strtab, interpreter = [], 0, None
        for kind, _, offset, _, _, filesz, _, _ in self.segments:
            if kind == PT_INTERP:
                interpreter = self.string(offset)
            if kind != PT_DYNAMIC:
                continue
            for tag, value in struct.iter_unpack("<qQ", self.data[offset:offset + filesz]):
                if tag == DT_NEEDED:
                    needed.append(value)
                elif tag == DT_STRTAB:
                    strtab = self.file_offset(value)
        return interpreter, [self.string(strtab + name) for name in needed]


class Source:
    """The tar of unpacked packages, addressed by absolute path."""

    def __init__(self, path):
        self.tar = tarfile.open(path)
        self.members = {posixpath.normpath("/" + m.name): m for m in self.tar}
        self.by_name = {}
        for name in self.members:
            self.by_name.setdefault(posixpath.basename(name), []).append(name)

    def glob(self, pattern):
        if pattern in self.members:
            return [pattern]
        return sorted(n for n in fnmatch.filter(self.members, pattern) if not self.members[n].isdir())

    def read(self, path):
        return self.tar.extractfile(self.members[path]).read()

    def library(self, soname):
        found = self.by_name.get(soname, [])
        for directory in LIBRARY_DIRS:
            if posixpath.join(directory, soname) in found:
                return posixpath.join(directory, soname)
        if not found:
            raise BuildError(f"no package holds the library {soname}")
        return found[0]

    def module(self, name):
        wanted = {name.replace("_", "-") + ".ko", name.replace("-", "_") + ".ko"}
        for candidate in wanted:
            for path in self.by_name.get(candidate, []):
                if path.startswith("/lib/modules/"):
                    return path
        return None


class Tree:
    """What goes into the archive: path -> (mode, contents or link target)."""

    def __init__(self, source):
        self.source = source
        self.entries = {}
        self.modules = {}

    def add(self, path, mode, data=b""):
        parent = posixpath.dirname(path)
        if parent != "/" and parent not in self.entries:
            self.add(parent, stat.S_IFDIR | 0o755)
        self.entries[path] = (mode, data)

    def add_file(self, path):
        if path in self.entries:
            return
        member = self.source.members.get(path)
        if member is None:
            raise BuildError(f"no package holds {path}")
        if member.isdir():
            self.add(path, stat.S_IFDIR | 0o755)
        elif member.issym():
            self.add(path, stat.S_IFLNK | 0o777, member.linkname.encode())
            self.add_file(posixpath.normpath(posixpath.join(posixpath.dirname(path), member.linkname)))
        elif member.islnk():
            target = posixpath.normpath("/" + member.linkname)
            self.add_file(target)
            self.add(path, stat.S_IFLNK | 0o777, target.encode())
        else:
            data = self.source.read(path)
            self.add(path, stat.S_IFREG | (member.mode & 0o755), data)
            if data.startswith(b"\x7fELF"):
                self.add_needs(data)

    def add_needs(self, data):
        interpreter, libraries = Elf(data).needs()
        if interpreter:
            self.add_file(interpreter)
        for soname in libraries:
            self.add_file(self.source.library(soname))

    def add_module(self, name):
        """Add a module and what it needs; returns its path, or None where it is built into the kernel."""
        path = self.source.module(name)
        if path is None:
            builtin = next((self.source.read(p) for p in self.source.members if p.endswith("/modules.builtin")), b"")
            if f"/{name}.ko".encode().replace(b"_", b"-") not in builtin.replace(b"_", b"-"):
                raise BuildError(f"the kernel package holds no module {name}")
            return None
        if path not in self.modules:
            data = self.source.read(path)
            start = data.index(b"depends=") + len(b"depends=")
            depends = data[start:data.index(b"\0", start)].decode()
            self.modules[path] = []
            self.modules[path] = [p for p in map(self.add_module, filter(None, depends.split(","))) if p]
            self.add(path, stat.S_IFREG | 0o644, data)
        return path

    def add_module_index(self):
        if not self.modules:
            return
        root = "/".join(next(iter(self.modules)).split("/")[:4])
        lines = []
        for path in sorted(self.modules):
            needed = " ".join(p[len(root) + 1:] for p in self.all_needed(path))
            lines.append(f"{path[len(root) + 1:]}: {needed}".rstrip())
        self.add(root + "/modules.dep", stat.S_IFREG | 0o644, ("\n".join(lines) + "\n").encode())

    def all_needed(self, path):
        """Everything a module needs, each before what it needs itself: modprobe loads from the last to the first."""
        loading = []

        def visit(item):
            for need in self.modules[item]:
                visit(need)
            if item not in loading:
                loading.append(item)

        visit(path)
        return loading[-2::-1]

    def add_applet(self, name):
        for directory in ("/bin", "/sbin", "/usr/bin", "/usr/sbin"):
            if posixpath.join(directory, name) in self.entries:
                return
        self.add("/bin/" + name, stat.S_IFLNK | 0o777, b"/bin/busybox")

    def add_host(self, path, source):
        with open(source, "rb") as file:
            data = file.read()
        executable = os.stat(source).st_mode & 0o100
        self.add(path, stat.S_IFREG | (0o755 if executable else 0o644), data)

    def add_overlay(self, top):
        for directory, _, names in sorted(os.walk(top)):
            for name in sorted(names):
                path = os.path.join(directory, name)
                self.add_host("/" + os.path.relpath(path, top), path)


def apply_manifest(tree, path, host):
    applets = []
    with open(path, encoding="utf-8") as file:
        lines = [line.split("#")[0].split() for line in file]
    for words in filter(None, lines):
        directive, args = words[0], words[1:]
        if directive == "file":
            for pattern in args:
                found = tree.source.glob(pattern)
                if not found:
                    raise BuildError(f"no package holds {pattern}")
                for name in found:
                    tree.add_file(name)
        elif directive == "module":
            for name in args:
                tree.add_module(name)
        elif directive == "applet":
            applets += args
        elif directive == "dir":
            for name in args:
                tree.add(name, stat.S_IFDIR | (0o1777 if name == "/tmp" else 0o755))
        elif directive == "link":
            tree.add(args[0], stat.S_IFLNK | 0o777, args[1].encode())
        elif directive == "host":
            tree.add_host(args[0], os.path.join(host, args[1]))
        else:
            raise BuildError(f"{path}: unknown directive {directive}")
    return applets


def cpio_record(name, inode, mode, data):
    encoded = name.encode() + b"\0"
    fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
    record = b"070701" + b"".join(b"%08X" % f for f in fields) + encoded
    record += b"\0" * (-len(record) % 4)
    return record + data + b"\0" * (-len(data) % 4)


def write_cpio(entries, path):
    temporary = path + ".new"
    opener = (lambda: gzip.GzipFile(temporary, "wb", compresslevel=1, mtime=0)) if path.endswith(".gz") \
        else (lambda: open(temporary, "wb"))
    size = 0
    with opener() as out:
        for inode, name in enumerate(sorted(entries), 1):
            mode, data = entries[name]
            size += out.write(cpio_record(name.lstrip("/"), inode, mode, data))
        size += out.write(cpio_record("TRAILER!!!", 0, 0, b""))
        out.write(b"\0" * (-size % 512))
    os.replace(temporary, path)


def main():
    parser = argparse.ArgumentParser(description="Assemble an initramfs from Debian packages.")
    parser.add_argument("--tar", required=True, help="tar of unpacked packages")
    parser.add_argument("--manifest", help="list of what goes in")
    parser.add_argument("--overlay", help="directory copied over it")
    parser.add_argument("--host", default=".", help="directory that 'host' directives are relative to")
    parser.add_argument("output")
    args = parser.parse_args()
    tree = Tree(Source(args.tar))
    try:
        applets = apply_manifest(tree, args.manifest, args.host) if args.manifest else []
        if args.overlay:
            tree.add_overlay(args.overlay)
        for name in applets:
            tree.add_applet(name)
        tree.add_module_index()
    except BuildError as error:
        sys.exit(f"error: {args.output}: {error}")
    write_cpio(tree.entries, args.output)


if __name__ == "__main__":
    main()
