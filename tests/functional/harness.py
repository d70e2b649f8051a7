# SPDX-License-Identifier: BSD-3-Clause
"""Runs ioplane and upstream testpmd as a user does, and gives back what they said."""
import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("IOPLANE_BUILD", TOP / "build"))
PAIR = ("net_dmanic0", "net_dmanic1,cable=net_dmanic0")
# Frames wait for buffers: nothing is lost, however late a receiver comes.
PAUSING_PAIR = ("net_dmanic0,pause=on", "net_dmanic1,cable=net_dmanic0,pause=on")
CPUS = sorted(os.sched_getaffinity(0))


def lcores(forwarding):
    """EAL's option for a main lcore and `forwarding` others, spread over the CPUs we may use."""
    places = [f"{n}@{CPUS[n % len(CPUS)]}" for n in range(forwarding + 1)]
    return ["--lcores", ",".join(places)]


def tail(text, lines=30):
    return "\n".join(text.splitlines()[-lines:])


@dataclass
class Result:
    """How a run ended: status is the exit status, or minus the signal's number."""
    status: int
    stdout: str
    stderr: str
    stats: dict = None

    @property
    def text(self):
        return self.stdout + self.stderr

    def port(self, number):
        """The JSON of one port in the report on exit."""
        return next(port for port in self.stats["ports"] if port["id"] == number)


class Running:
    """A program that runs; leave the `with` block and it is gone."""

    def __init__(self, command, folder, env=None):
        self.command = [str(word) for word in command]
        # Files, not pipes: a program never blocks because nobody reads what it says.
        self.paths = [folder / f"{name}.{time.monotonic_ns()}" for name in ("stdout", "stderr")]
        with open(self.paths[0], "wb") as out, open(self.paths[1], "wb") as err:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=out,
                                            stderr=err, cwd=folder, env=env)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()

    @property
    def stdout(self):
        return self.paths[0].read_text(errors="replace")

    @property
    def stderr(self):
        return self.paths[1].read_text(errors="replace")

    def send(self, line):
        """Types one line."""
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def wait_for(self, text, timeout=30):
        """Waits until the program has said `text`."""
        deadline = time.monotonic() + timeout
        while text not in self.stdout + self.stderr:
            assert self.process.poll() is None, f"ended before it said {text!r}:\n{self.said()}"
            assert time.monotonic() < deadline, f"did not say {text!r}:\n{self.said()}"
            time.sleep(0.02)

    def signal(self, number):
        self.process.send_signal(number)

    def finish(self, timeout=60):
        """Closes its standard input, waits for the end and returns the Result."""
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            # SIGABRT makes the sanitizers say where every thread stands.
            self.signal(signal.SIGABRT)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            raise AssertionError(f"still ran after {timeout} s:\n{self.said()}") from None
        return Result(status, self.stdout, self.stderr)

    def said(self):
        return (f"$ {' '.join(self.command)}\n--- standard output\n{tail(self.stdout)}\n"
                f"--- standard error\n{tail(self.stderr)}")


class Ioplane:
    """Starts ioplane in a folder of its own, which also holds its files."""

    def __init__(self, folder):
        self.folder = folder
        self.runs = 0

    def command(self, *args, vdevs=PAIR, eal=(), forwarding=1, commands=None, stats=True):
        """The command line; `commands` is a list of command lines, written to a file."""
        program = BUILD / "app" / "ioplane"
        assert program.exists(), f"{program} is not built"
        command = [program, *lcores(forwarding), *eal]
        for vdev in vdevs:
            command += ["--vdev", vdev]
        command += ["--", *args]
        self.runs += 1
        if commands is not None:
            script = self.folder / f"commands.{self.runs}"
            script.write_text("".join(f"{line}\n" for line in commands))
            command += ["--cmdline-file", script]
        if stats:
            command += ["--stats-json", self.stats_file()]
        return command

    def stats_file(self):
        return self.folder / f"stats.{self.runs}.json"

    def read_stats(self):
        """The report of the last run."""
        return json.loads(self.stats_file().read_text())

    def start(self, *args, **options):
        """Starts it and returns the Running; use it in a `with` statement."""
        return Running(self.command(*args, **options), self.folder)

    def run(self, *args, status=0, timeout=60, **options):
        """Runs it to its end; fails unless the exit status is `status` (None: any)."""
        with self.start(*args, **options) as running:
            result = running.finish(timeout)
        if status is not None:
            assert result.status == status, (
                f"exit status {result.status}, expected {status}\n{running.said()}")
        if options.get("stats", True) and self.stats_file().exists():
            result.stats = self.read_stats()
        return result


class Testpmd:
    """Runs Debian's dpdk-testpmd with our driver as a plugin."""

    def __init__(self, plugin, folder):
        self.plugin = plugin
        self.folder = folder

    def run(self, steps, *args, vdevs=PAIR, eal=(), forwarding=1, timeout=60):
        """Types each step: a string is a command line, a number is seconds to wait."""
        command = ["dpdk-testpmd", *lcores(forwarding), "--in-memory", "--no-pci",
                   "-d", self.plugin, *eal]
        for vdev in vdevs:
            command += ["--vdev", vdev]
        command += ["--", "-i", "--total-num-mbufs=8192", *args]
        with Running(command, self.folder) as running:
            running.wait_for("testpmd>")
            for step in [*steps, "quit"]:
                if isinstance(step, str):
                    running.send(step)
                else:
                    time.sleep(step)
            result = running.finish(timeout)
        assert result.status == 0, running.said()
        return result
