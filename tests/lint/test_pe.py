# SPDX-License-Identifier: MIT
"""The image as a PE file: what edk2, GRUB and shim look at (Microsoft's PE format; UEFI 2.10, 2.1.1), by its bytes."""

import pathlib
import shutil
import struct
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = TOP / "build"
IMAGES = sorted(path for path in BUILD.glob("argon-arm64*") if path.suffix == "")
PAGE = 4096
CODE, EXECUTE, READ, WRITE = 0x20, 0x20000000, 0x40000000, 0x80000000

pytestmark = pytest.mark.skipif(not IMAGES, reason="nothing is built yet")


class Image:
    """The header's fields by their names, sections as dictionaries."""

    def __init__(self, data):
        self.data = data
        self.at = struct.unpack_from("<I", data, 0x3c)[0]
        self.magic, self.machine, self.nr_sections, _, self.symbols, self.nr_symbols, self.optional_size, self.flags = \
            struct.unpack_from("<4sHHIIIHH", data, self.at)
        optional = self.at + 24
        self.optional_magic, self.code, self.initialised, self.bss, self.entry, self.code_at = \
            struct.unpack_from("<H2xIIIII", data, optional)
        self.section_align, self.file_align = struct.unpack_from("<II", data, optional + 32)
        self.size, self.headers, self.checksum, self.subsystem, self.dll_flags = \
            struct.unpack_from("<IIIHH", data, optional + 56)
        self.nr_directories = struct.unpack_from("<I", data, optional + 108)[0]
        self.directories = [struct.unpack_from("<II", data, optional + 112 + 8 * n) for n in range(self.nr_directories)]
        self.table = optional + self.optional_size
        self.sections = [self.section(self.table + 40 * n) for n in range(self.nr_sections)]

    def section(self, at):
        name, size, start, file_size, file_at, relocations, lines, counts, flags = \
            struct.unpack_from("<8sIIIIIIII", self.data, at)
        assert relocations == lines == counts == 0
        return {"name": name.rstrip(b"\0").decode(), "size": size, "start": start, "file_size": file_size,
                "file_at": file_at, "flags": flags}


@pytest.fixture(params=IMAGES, ids=lambda path: path.name)
def image(request):
    return Image(request.param.read_bytes())


def test_arm64_image(image):
    """Linux Documentation/arm64/booting.rst."""
    text_offset, size, flags = struct.unpack_from("<QQQ", image.data, 8)
    assert image.data[:2] == b"MZ"
    assert image.data[0x38:0x3c] == b"ARM\x64"
    assert (text_offset, flags) == (0, 0xa)
    assert size == image.size


def test_header(image):
    assert image.at == 0x40                      # where GRUB 2.06 expects it
    assert (image.magic, image.machine, image.optional_magic, image.subsystem) == (b"PE\0\0", 0xaa64, 0x20b, 10)
    assert image.optional_size == 112 + 8 * image.nr_directories
    assert 5 <= image.nr_directories <= 16       # the fifth is the signature's
    assert image.flags & 1 == 0 and image.flags & 2 != 0         # relocations not stripped, executable
    assert image.flags & 0x2000 == 0             # no DLL
    assert image.dll_flags & 0x100               # NX_COMPAT
    assert image.symbols == image.nr_symbols == 0
    assert all(directory == (0, 0) for directory in image.directories)
    assert image.section_align == image.file_align == PAGE
    assert image.table + 40 * image.nr_sections <= image.headers < image.size
    assert image.headers % image.file_align == 0 and image.size % image.section_align == 0


def test_sections(image):
    end = image.headers
    for section in image.sections:
        assert section["start"] == end, section          # in order, nothing between them
        assert section["size"] % PAGE == section["start"] % PAGE == 0 and section["size"] > 0, section
        assert section["file_size"] in (0, section["size"]), section
        assert section["file_at"] == (section["start"] if section["file_size"] else 0), section
        assert not (section["flags"] & WRITE and section["flags"] & EXECUTE), section
        # edk2 goes by the kind of contents: code is read-only and executed, all else is not executed.
        assert bool(section["flags"] & CODE) == bool(section["flags"] & EXECUTE), section
        assert section["flags"] & READ, section
        end += section["size"]
    assert end == image.size
    assert [section["name"] for section in image.sections][-1] == ".bss"
    names = [section["name"] for section in image.sections]
    assert len(set(names)) == len(names)


def test_sizes(image):
    def total(flag):
        return sum(section["size"] for section in image.sections if section["flags"] & flag)

    assert (image.code, image.initialised, image.bss) == (total(0x20), total(0x40), total(0x80))
    last = max(section["file_at"] + section["file_size"] for section in image.sections)
    assert len(image.data) == last
    first = next(section for section in image.sections if section["flags"] & CODE)
    assert image.code_at == first["start"]


def test_entry(image):
    inside = [section for section in image.sections
              if section["start"] <= image.entry < section["start"] + section["size"]]
    assert len(inside) == 1 and inside[0]["flags"] & CODE and image.entry % 4 == 0
    assert any(image.data[image.entry:image.entry + 16])


def test_sbat(image):
    """SBAT.md of shim: lines of component, generation, vendor, package, version, URL; the first is the format's."""
    section = next(section for section in image.sections if section["name"] == ".sbat")
    assert not section["flags"] & (WRITE | EXECUTE | CODE)
    text = image.data[section["file_at"]:section["file_at"] + section["file_size"]].rstrip(b"\0").decode("ascii")
    lines = [line.split(",") for line in text.splitlines()]
    assert text.endswith("\n") and all(len(line) == 6 and int(line[1]) > 0 for line in lines)
    assert lines[0] == ["sbat", "1", "SBAT Version", "sbat", "1", "https://github.com/rhboot/shim/blob/main/SBAT.md"]
    assert "argon" in [line[0] for line in lines[1:]]


@pytest.mark.skipif(not all(map(shutil.which, ("sbsign", "sbverify", "openssl"))),
                    reason="needs sbsigntool and openssl")
def test_signature(image, tmp_path):
    """Signed by a key that is thrown away: nothing is warned of, the signature fits, and one changed byte is seen."""
    key, cert, plain, signed = (tmp_path / name for name in ("key", "cert", "plain", "signed"))
    plain.write_bytes(image.data)
    subprocess.run(["openssl", "req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test/",
                    "-days", "2", "-keyout", key, "-out", cert], check=True, capture_output=True)
    sign = subprocess.run(["sbsign", "--key", key, "--cert", cert, "--output", signed, plain], check=True,
                          capture_output=True, text=True)
    assert "warning" not in sign.stderr, sign.stderr
    verify = ["sbverify", "--cert", cert]
    result = subprocess.run([*verify, signed], check=True, capture_output=True, text=True)
    assert "Signature verification OK" in result.stdout
    data = bytearray(signed.read_bytes())
    start, size = Image(bytes(data)).directories[4]
    assert size > 0 and start + size == len(data)
    data[image.entry] ^= 1
    signed.write_bytes(bytes(data))
    assert subprocess.run([*verify, signed], check=False, capture_output=True).returncode != 0
