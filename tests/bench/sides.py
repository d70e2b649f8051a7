# SPDX-License-Identifier: BSD-3-Clause
"""The programs that are compared: how each is started, and how fast its forwarding lcore goes."""
import re
import shutil
import stat
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "functional"))
import harness  # noqa: E402  (its folder is known only now)
import screen  # noqa: E402

HUGEPAGES = Path("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages")
# What a side takes at most: EAL's first pages, 16384 mbufs, rings.
HUGEPAGES_NEEDED = 96


class CannotRun(Exception):
    """Says why a benchmark could not run, and what to do about it."""


@dataclass
class Side:
    """A command line, and which of the forward statistics is its figure."""
    command: list
    ready: str  # what it says when it takes commands
    start: str = "start"
    counts: str = "RX"


@dataclass
class Speed:
    """What one run gave: packets a second of its lcore's time, cycles a packet, and, where a
    tracker looked, pages that devices accessed a packet."""
    mpps: float
    cycles: float
    accesses: float = None


class Folder:
    """A folder for sockets, captures and what the programs say, and a copy of the driver where
    EAL agrees to load it: below no folder that everyone may write to."""

    def __init__(self):
        self.path = Path(tempfile.mkdtemp(prefix="ioplane-bench-"))
        self._plugins = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)
        if self._plugins:
            shutil.rmtree(self._plugins, ignore_errors=True)

    def plugin(self):
        """The path of the driver for testpmd's -d."""
        built = harness.BUILD / "drivers" / "librte_net_dmanic.so"
        if not built.exists():
            raise CannotRun(f"{built} is not built")
        if not any(above.stat().st_mode & stat.S_IWOTH for above in built.resolve().parents):
            return built
        if self._plugins is None:
            self._plugins = Path(tempfile.mkdtemp(prefix="ioplane-bench-", dir="/usr/local/lib"))
            shutil.copy(built, self._plugins)
        return self._plugins / built.name


def testpmd(vdevs, *args, eal=(), **figure):
    """Upstream testpmd; the same numbers of mbufs and cores as ioplane() below."""
    if not shutil.which("dpdk-testpmd"):
        raise CannotRun("dpdk-testpmd is not installed: apt-get install dpdk-dev")
    return Side(["dpdk-testpmd", *harness.lcores(1), "--in-memory", "--no-pci", *eal,
                 *vdev_options(vdevs), "--", *FORWARDING, *args], "testpmd>", **figure)


def ioplane(vdevs, *args, **figure):
    """Our program, driven with the same commands."""
    program = harness.BUILD / "app" / "ioplane"
    if not program.exists():
        raise CannotRun(f"{program} is not built")
    return Side([program, *harness.lcores(1), *vdev_options(vdevs), "--", *FORWARDING, *args],
                "entries used", **figure)


FORWARDING = ("-i", "--nb-cores=1", "--total-num-mbufs=16384", "--record-core-cycles")


def vdev_options(vdevs):
    return [word for vdev in vdevs for word in ("--vdev", vdev)]


def forwarding_thread(pid):
    """EAL names its threads lcore-worker-N, from 23.07 on dpdk-workerN."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        if "worker" in (task / "comm").read_text():
            return task
    raise CannotRun("the program has no worker lcore")


def busy_ns(task):
    """The CPU time of a thread: what others take from it does not count against it."""
    return int((task / "schedstat").read_text().split()[0])


def measure(side, folder, seconds, while_busy=lambda task, seconds: time.sleep(seconds)):
    """Runs a side once and returns its Speed; while_busy spends the time that is measured."""
    if int(HUGEPAGES.read_text()) < HUGEPAGES_NEEDED:
        raise CannotRun(f"{HUGEPAGES} is below {HUGEPAGES_NEEDED}: reserve hugepages of 2 MiB")
    running = harness.Running(side.command, folder.path)
    try:
        with running:
            busy_s = drive(running, side, seconds, while_busy)
            status = running.finish(30).status
    except AssertionError as why:
        raise CannotRun(str(why)) from None
    except OSError:
        status = running.process.returncode
    if status != 0:
        raise CannotRun(f"ended with status {status}\n{running.said()}")
    return speed_in(running.stdout, side.counts, busy_s)


def drive(running, side, seconds, while_busy):
    """Has the program forward for so long; returns the time that its lcore was busy, all of it:
    an lcore sleeps before start and after stop."""
    running.wait_for(side.ready)
    task = forwarding_thread(running.process.pid)
    begin_ns = busy_ns(task)
    running.send(side.start)
    while_busy(task, seconds)
    running.send("stop")
    deadline, end_ns = time.monotonic() + 30, None
    while end_ns != busy_ns(task):
        assert time.monotonic() < deadline, f"does not stop:\n{running.said()}"
        end_ns = busy_ns(task)
        time.sleep(0.1)
    running.send("quit")
    return (end_ns - begin_ns) / 1e9


def speed_in(text, counts, busy_s):
    """Reads the totals of all ports that a program shows when it stops."""
    totals = re.search(r"Accumulated forward statistics for all ports(.*?)\+{60}(.*?)(?=Telling|$)",
                       text, re.DOTALL)
    packets = totals and re.search(rf"{counts}-packets: (\d+)", totals.group(1))
    if not packets:
        raise CannotRun(f"no forward statistics in:\n{harness.tail(text)}")
    if int(packets.group(1)) == 0:
        raise CannotRun(f"no packet moved:\n{harness.tail(text)}")
    mpps = int(packets.group(1)) / busy_s / 1e6
    # Its own count of cycles holds the time that others ran on its lcore, so only the clock of it.
    clock = re.search(r"CPU cycles/packet=.* at (\d+) MHz Clock", totals.group(2))
    return Speed(mpps, float(clock.group(1)) / mpps if clock else None,
                 accesses_in(text, int(packets.group(1))))


def accesses_in(text, packets):
    """Accesses a packet by the report's model of the units; None where it has none."""
    units = screen.tables(text).get("IOTLB model by unit (all queues behind it together)")
    return units and sum(int(dict(row)["page-accesses"]) for row in units) / packets
