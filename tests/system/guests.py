# SPDX-License-Identifier: MIT
"""Guests as a test in dom0 sees them: configurations, xl, the guest's console."""

import re
import time

# MiB for a guest with the Debian kernel, which alone is 34 MiB and runs out of memory with 128.
LINUX_MEMORY = 256
GUEST_TIMEOUT = 180


def config(name, **settings):
    """An xl configuration. Strings are quoted, lists of strings too; None leaves a setting out."""
    values = {"name": name, "kernel": "/guest/vmlinuz", "ramdisk": "/guest/initrd", "memory": LINUX_MEMORY, "vcpus": 1,
              "acpi": 0, "on_poweroff": "destroy", "on_reboot": "restart", "on_crash": "destroy",
              "extra": f"console=hvc0 guest.name={name}"}
    if "ip" in settings:
        values["extra"] += " guest.ip=" + settings.pop("ip")
    values.update(settings)
    values.setdefault("maxmem", values["memory"])

    def literal(value):
        if isinstance(value, list):
            return "[ " + ", ".join(literal(item) for item in value) + " ]"
        return str(value) if isinstance(value, int) else f'"{value}"'

    return "".join(f"{key} = {literal(value)}\n" for key, value in values.items() if value is not None)


def bare(name, payload, **settings):
    """The configuration of a guest that runs a payload."""
    return config(name, **{"kernel": f"/payload/{payload}", "ramdisk": None, "memory": 32, "extra": None, **settings})


def disk(path, device, access="rw"):
    return f"format=raw,vdev={device},access={access},target={path}"


def vif(number, bridge="xenbr0"):
    return f"mac=00:16:3e:00:{number // 256:02x}:{number % 256:02x},bridge={bridge}"


def define(dom0, name, text):
    path = f"/tmp/{name}.cfg"
    dom0.write_file(path, text)
    return path


def create(dom0, name, options="", text=None, **settings):
    """xl create, of a Linux guest where no configuration is given."""
    path = define(dom0, name, text or config(name, **settings))
    return dom0.run(f"xl create -q {options} {path}", timeout=GUEST_TIMEOUT)


def console_log(name):
    return f"/var/log/xen/console/guest-{name}.log"


def wait_text(dom0, name, text, times=1, timeout=GUEST_TIMEOUT):
    """Wait until a guest's console has said a text so many times."""
    log = console_log(name)
    dom0.run(f"timeout {timeout} sh -c 'until [ $(grep -c \"{text}\" {log}) -ge {times} ]; do sleep 0.5; done'",
             timeout=timeout + 30)


def start(dom0, name, **settings):
    """Create a Linux guest and wait for its shell."""
    dom0.run(f"rm -f {console_log(name)}")
    create(dom0, name, **settings)
    wait_text(dom0, name, f"guest: {name} is up")


def listed(dom0):
    """xl list: name -> (domid, memory, vCPUs, state)."""
    lines = [line.split() for line in dom0.run("xl list").split("\n")[1:]]
    return {words[0]: (int(words[1]), int(words[2]), int(words[3]), words[4]) for words in lines}


def free_memory(dom0):
    """Free memory in MiB, once it no longer changes: freed pages are scrubbed, and domains die, in the background."""
    previous = None
    for _ in range(40):
        now = int(re.search(r"free_memory *: (\d+)", dom0.run("xl info")).group(1))
        if now == previous and "(null)" not in listed(dom0):
            return now
        previous = now
        time.sleep(0.5)
    raise AssertionError(f"free memory does not settle: {previous} MiB; {listed(dom0)}")


def wait_gone(dom0, name):
    """Wait until xl, which learns of a shutdown in the background, has removed a guest."""
    dom0.run(f"timeout 60 sh -c 'while xl domid {name} 2>/dev/null; do sleep 0.5; done'", timeout=90)


def destroy_all(dom0):
    for name, (domid, _, _, _) in listed(dom0).items():
        if domid:
            dom0.run_status(f"xl destroy {name}")


class Console:
    """A guest's shell by way of xl console, for use in a with statement. Nothing else runs in dom0 meanwhile."""

    def __init__(self, dom0, name):
        self.dom0 = dom0
        self.name = name
        self.prompt = f"{name}# "
        self.count = 0
        # Set where the guest, and with it its console, came to an end in between.
        self.ended = False

    def __enter__(self):
        self.dom0.busy = True
        self.dom0.send(f"xl console {self.name}")
        self.dom0.send_raw("\r")
        time.sleep(0.3)
        self.dom0.send_raw("\r")
        self.dom0.expect_text(self.prompt)
        self.run("stty cols 500")
        return self

    def __exit__(self, *_):
        if not self.ended:
            self.dom0.send_raw("\x1d")
            self.dom0.expect_text("dom0# ")
        self.dom0.busy = False

    def run_last(self, command):
        """Run the command that ends the guest: xl console then ends by itself."""
        self.dom0.send(command)
        self.dom0.send_raw("\r")
        self.dom0.expect_text("dom0# ")
        self.ended = True

    def run(self, command, timeout=60):
        """Run a command in the guest's shell, which must succeed; returns its output."""
        self.count += 1
        self.dom0.send(f'{command}; echo "=end" g{self.count}:$?=')
        self.dom0.send_raw("\r")
        match = self.dom0.expect(rf"=end g{self.count}:(\d+)=\r*\n", timeout)
        output = self.dom0.child.before.replace("\r", "").lstrip("\n")
        self.dom0.expect_text(self.prompt)
        assert match.group(1) == "0", f"{self.name}: {command!r} ended with {match.group(1)}:\n{output}"
        return output.rstrip("\n")


def run_in(dom0, name, command, timeout=60):
    """One command in a guest's shell."""
    with Console(dom0, name) as guest:
        return guest.run(command, timeout)


def digest(output):
    """The SHA-256 in a command's output, which the shell may have put a word about an ended job before."""
    return re.search(r"\b[0-9a-f]{64}\b", output).group(0)
