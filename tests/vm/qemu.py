# SPDX-License-Identifier: BSD-3-Clause
"""Starts QEMU for a machine, talks to its monitor and ends it."""
import json
import os
import socket
import subprocess
import time
from pathlib import Path

from machine import KERNEL

TOP = Path(__file__).resolve().parents[2]
DEPS = Path(os.environ.get("IOPLANE_VM_DEPS", TOP / ".deps" / "vm"))
# Two taps in a network of their own, joined by a bridge that learns no address and says nothing.
TAPS = """
set -e
echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
ip link add wire type bridge ageing_time 0 mcast_snooping 0 group_fwd_mask 65528
for tap in tap0 tap1; do
    ip tuntap add $tap mode tap multi_queue
    ip link set $tap master wire up
done
ip link set wire up
exec "$@"
"""


def command(machine, folder, archive):
    """QEMU's command line; its sockets, its log and the shared folder are in `folder`."""
    qemu = DEPS / "qemu"
    libraries = qemu / "usr/lib/x86_64-linux-gnu"
    kernel, = (DEPS / "kernel/boot").glob("vmlinuz-*")
    # QEMU ends when its parent does, whatever ends that.
    words = ["setpriv", "--pdeathsig", "KILL", qemu / "usr/lib64/ld-linux-x86-64.so.2", "--library-path", libraries,
             qemu / "usr/bin/qemu-system-x86_64"]
    for data in ("usr/share/qemu", "usr/share/seabios", "usr/lib/ipxe/qemu"):
        words += ["-L", qemu / data]
    # One thread for both vCPUs: with one each, QEMU 10 looks a device's section up in a table that
    # another vCPU may just have replaced (iotlb_to_section() in system/physmem.c); what is written
    # then is lost, to an APIC for one, or QEMU aborts.
    words += ["-M", "q35,kernel-irqchip=split", "-accel", "tcg,thread=single", "-cpu", "max",
              "-smp", "2", "-m", "2G", "-nodefaults", "-no-reboot", "-display", "none",
              "-kernel", kernel, "-initrd", archive, "-append", f"{KERNEL} {machine.kernel}",
              "-serial", f"file:{folder}/console",
              "-serial", f"unix:{folder}/agent,server=on,wait=off",
              "-qmp", f"unix:{folder}/monitor,server=on,wait=off", "-D", f"{folder}/trace",
              *machine.unit,
              "-virtfs", f"local,path={folder}/share,mount_tag=share,security_model=none",
              *machine.options]
    if machine.taps:
        words = ["unshare", "--net", "sh", "-c", TAPS, "taps", *words]
    return [str(word) for word in words]


def connect(path, process, seconds=10):
    """A connection to a socket that QEMU is about to make."""
    deadline = time.monotonic() + seconds
    while True:
        link = socket.socket(socket.AF_UNIX)
        try:
            link.connect(str(path))
            return link
        except OSError:
            link.close()
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"QEMU made no {path.name}") from None
            time.sleep(0.02)


class Qemu:
    """A QEMU process and its monitor (QMP)."""

    def __init__(self, machine, folder, archive):
        self.trace = folder / "trace"
        with open(folder / "qemu.out", "wb") as out:
            self.process = subprocess.Popen(command(machine, folder, archive), stdout=out,
                                            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        try:
            self.link = connect(folder / "monitor", self.process)
        except AssertionError as why:
            raise AssertionError(f"{why}: {(folder / 'qemu.out').read_text()}") from None
        self.lines = self.link.makefile("r", encoding="utf-8")
        json.loads(self.lines.readline())
        self.ask("qmp_capabilities")

    def ask(self, verb, **arguments):
        """Runs a command of the monitor and returns its answer; events are passed over."""
        self.link.sendall(json.dumps({"execute": verb, "arguments": arguments}).encode())
        for line in self.lines:
            answer = json.loads(line)
            if "error" in answer:
                raise RuntimeError(f"{verb}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
        raise RuntimeError(f"{verb}: QEMU is gone")

    def monitor(self, line):
        """The same with a line as a person types it (HMP); gives the text."""
        said = self.ask("human-monitor-command", **{"command-line": line})
        if said.startswith("Error"):
            raise RuntimeError(f"{line}: {said}")
        return said

    def trace_events(self, *names, on=True):
        """Turns events on or off that QEMU writes to its trace, such as vtd_dmar_fault."""
        for name in names:
            self.ask("trace-event-set-state", name=name, enable=on)

    def trace_lines(self, name):
        """What the trace holds of one event so far."""
        if not self.trace.exists():
            return []
        return [line for line in self.trace.read_text(errors="replace").splitlines()
                if name in line.split()]

    def trace_size(self):
        """Where the trace ends now."""
        return self.trace.stat().st_size if self.trace.exists() else 0

    def trace_between(self, start, end):
        """The lines between two sizes of the trace."""
        with open(self.trace, "rb") as trace:
            trace.seek(start)
            return trace.read(end - start).decode(errors="replace").splitlines()

    def end(self):
        """Ends QEMU, which is what pulling the plug is to the guest."""
        self.link.close()
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
