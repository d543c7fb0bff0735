# SPDX-License-Identifier: MIT
"""The little of QEMU's gdb stub that the boot row needs: stop at an address, read system registers of EL2.

A hypervisor may offset the physical counter as well as the virtual one, so a guest cannot tell the time since reset.
The offset is in CNTVOFF_EL2, which only a debugger can read from outside.
"""
import re
import socket
import time


class Stub:
    """A connection to `-gdb unix:PATH,server=on,wait=off -S`."""

    def __init__(self, path, timeout=60):
        deadline = time.monotonic() + timeout
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        while True:
            try:
                self.socket.connect(path)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        self.buffer = b""

    def request(self, text):
        data = text.encode()
        self.socket.sendall(b"$" + data + b"#%02x" % (sum(data) & 0xff))
        return self.reply()

    def reply(self):
        while True:
            found = re.match(rb"[+]*\$([^#]*)#..", self.buffer, re.S)
            if found:
                self.buffer = self.buffer[found.end():]
                self.socket.sendall(b"+")
                return found[1].decode(errors="replace")
            chunk = self.socket.recv(65536)
            if not chunk:
                raise ConnectionError("QEMU went away")
            self.buffer += chunk

    def document(self, name):
        text, offset = "", 0
        while True:
            part = self.request(f"qXfer:features:read:{name}:{offset:x},ffb")
            text += part[1:]
            offset += len(part) - 1
            if part[0] == "l":
                return text

    def run_to(self, address):
        assert self.request(f"Z1,{address:x},4") == "OK"
        stop = self.request("c")
        assert stop.startswith("T05") or stop.startswith("S05"), stop

    def register_number(self, name):
        """Numbers run through the documents in the order in which target.xml includes them, unless one is given."""
        number = 0
        for part in re.findall(r'<xi:include href="([^"]+)"', self.document("target.xml")):
            for tag in re.findall(r"<reg [^>]*>", self.document(part)):
                given = re.search(r'regnum="(\d+)"', tag)
                number = int(given[1]) if given else number
                if re.search(rf'name="{name}"', tag):
                    return number
                number += 1
        raise KeyError(name)

    def register(self, name):
        return int.from_bytes(bytes.fromhex(self.request(f"p{self.register_number(name):x}")), "little")
