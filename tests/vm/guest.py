# SPDX-License-Identifier: BSD-3-Clause
"""A running machine: boots it, runs commands in it, shares a folder with it."""
import contextlib
import shlex
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import initramfs
import qemu
from machine import MACHINES

BOOT_LIMIT_S = 120
# What the guest is given beyond a command's own limit, to say that it has ended.
LATE_S = 20
# A machine writes its beat once a second (guest/beat), every few seconds on a host that is drowned
# in work; one that writes none for so long never does again.
SILENT_S = 20
HUGEPAGES = 300
SETUP = f"""
set -e
echo {HUGEPAGES} >/proc/sys/vm/nr_hugepages
"""


def tail(text, lines=30):
    return "\n".join(text.splitlines()[-lines:])


@dataclass
class Result:
    """How a command ended: the shell's status, 128 and more for a signal."""
    status: int
    stdout: str
    stderr: str

    @property
    def text(self):
        return self.stdout + self.stderr


class Job:
    """A command that runs in the guest; leave the `with` block and it is gone."""

    def __init__(self, guest, command, number, timeout):
        self.guest, self.command, self.timeout = guest, command, timeout
        self.id = str(number)
        self.folder = guest.share / "jobs" / self.id
        self.folder.mkdir(parents=True)
        (self.folder / "command").write_text(command + "\n")
        self.began = time.monotonic()
        guest.tell("run", self.id, str(timeout))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status() is None:
            self.signal(signal.SIGKILL)
            self.wait(LATE_S)

    def _read(self, name):
        path = self.folder / name
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def stdout(self):
        return self._read("stdout")

    @property
    def stderr(self):
        return self._read("stderr")

    def status(self):
        """The exit status, None while it runs."""
        said = self._read("status")
        return int(said) if said else None

    def send(self, line):
        """Types one line."""
        self.guest.tell("type", self.id, line)

    def wait_for(self, text, timeout=30):
        """Waits until the program has said `text`."""
        deadline = time.monotonic() + timeout
        while text not in self.stdout + self.stderr:
            assert self.status() is None, f"ended before it said {text!r}:\n{self.said()}"
            assert time.monotonic() < deadline, f"did not say {text!r}:\n{self.said()}"
            self.guest.check()
            time.sleep(0.02)

    def signal(self, number):
        self.guest.tell("kill", self.id, signal.Signals(number).name.removeprefix("SIG"))

    def wait(self, seconds):
        """Waits for the end; False when it has not come."""
        deadline = time.monotonic() + seconds
        while self.status() is None:
            if time.monotonic() > deadline:
                return False
            self.guest.check()
            time.sleep(0.02)
        return True

    def finish(self):
        """Closes its standard input, waits for the end and returns the Result."""
        self.guest.tell("close", self.id)
        ended = self.wait(self.timeout + LATE_S)
        is_late = (self.folder / "late").exists()
        if not ended:
            self.guest.fault = "a command did not end, nor was it killed"
        elif is_late and time.monotonic() - self.began < self.timeout - 0.5:
            self.guest.fault = "its clock leapt ahead: a command was killed before its limit"
        assert ended and not is_late, f"still ran after {self.timeout} s:\n{self.said()}"
        return Result(self.status(), self.stdout, self.stderr)

    def said(self):
        return (f"# {self.command}\n--- standard output\n{tail(self.stdout)}\n"
                f"--- standard error\n{tail(self.stderr)}")


class QemuGaveUp(AssertionError):
    """QEMU failed an assertion of its own, or a CPU of it stopped: no fault of what it ran."""


class Guest:
    """A machine that runs; `share` is the folder that the guest sees as /share."""

    def __init__(self, name, build):
        self.machine = MACHINES[name]
        self.name, self.jobs, self.fault, self.booted_at = name, 0, None, None
        self.temporary = tempfile.TemporaryDirectory(prefix=f"ioplane-vm-{name}-")
        self.folder = Path(self.temporary.name)
        self.share = self.folder / "share"
        self.share.mkdir()
        initramfs.build_archive(qemu.DEPS / "kernel", build, self.folder / "initramfs")
        self.qemu = qemu.Qemu(self.machine, self.folder, self.folder / "initramfs")
        try:
            self._boot()
        except BaseException:
            self.power_off()
            raise

    def _boot(self):
        self.agent = qemu.connect(self.folder / "agent", self.qemu.process)
        self.agent.settimeout(0.5)
        deadline, said = time.monotonic() + BOOT_LIMIT_S, b""
        while b"ready" not in said:
            with contextlib.suppress(TimeoutError, subprocess.TimeoutExpired):
                said += (part := self.agent.recv(100))
                if not part:
                    self.qemu.process.wait(5)
            self.check()
            if time.monotonic() > deadline:
                raise QemuGaveUp(f"{self.name} did not boot:\n{self.console()}")
        self.agent.settimeout(LATE_S)
        self.booted_at = time.time()
        result = self.run(SETUP + self.machine.setup, timeout=60)
        assert result.status == 0, f"{self.name} could not be set up:\n{result.text}"

    @property
    def nics(self):
        """The PCI addresses of the machine's NICs; neighbours are on one wire."""
        return self.machine.nics

    def tell(self, *words):
        self.agent.sendall(" ".join(words).encode() + b"\n")

    def check(self):
        """Fails when the machine is gone."""
        if why := self.why_given_up():
            raise QemuGaveUp(f"{self.name}: {why}:\n{self.console()}")
        if self.has_ended():
            raise AssertionError(f"{self.name} is gone:\n{self.console()}")

    def has_ended(self):
        return self.qemu.process.poll() is not None

    def why_given_up(self):
        """Why QEMU, not what it ran, is at fault, None where it is not: it aborts, or under TCG a
        CPU or a device has been seen to stand still."""
        console = self.folder / "console"
        if self.qemu.process.poll() == -signal.SIGABRT:
            return "QEMU aborted"
        if console.exists() and b"rcu_preempt" in console.read_bytes():
            return "the kernel misses a CPU"
        if self.silent_s() > SILENT_S:
            return f"no sign of life for {self.silent_s():.0f} s"
        return self.fault

    def silent_s(self):
        """Seconds since the last beat of a machine that is up."""
        if self.booted_at is None or self.has_ended():
            return 0
        beat = self.share / "beat"
        return time.time() - max(self.booted_at, beat.stat().st_mtime if beat.exists() else 0)

    def console(self):
        """The end of what the kernel and QEMU said."""
        console = self.folder / "console"
        said = console.read_text(errors="replace") if console.exists() else ""
        return f"{tail(said)}\n--- QEMU\n{(self.folder / 'qemu.out').read_text()}"

    def start(self, command, timeout=5):
        """Starts a shell command; it works in a folder of its own below /share."""
        self.check()
        self.jobs += 1
        return Job(self, command, self.jobs, timeout)

    def run(self, command, timeout=30):
        """Runs a shell command to its end."""
        with self.start(command, timeout) as job:
            return job.finish()

    def read(self, path):
        """The text of a file in the guest, such as one in /sys."""
        result = self.run(f"cat {shlex.quote(path)}")
        assert result.status == 0, result.stderr
        return result.stdout.strip()

    def power_off(self):
        self.qemu.end()
        self.temporary.cleanup()
