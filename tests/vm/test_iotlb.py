# SPDX-License-Identifier: BSD-3-Clause
"""What ioplane estimates of an IOTLB, against QEMU's: pages touched by each device, and misses."""
import json
import random
import struct
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from scapy.utils import RawPcapWriter

import iotlb_trace
from iotlb_trace import Access, Page
from program import port

PROFILES = Path(__file__).resolve().parents[2] / "config" / "iotlb"
FRAMES, LOOPS = 1500, 4
PACKETS = FRAMES * LOOPS
# What the programs of a machine are started with.
QUEUES = {"e1000e": 1, "igb": 4}
SMALL_PAGES = "--page-size=4k"


@pytest.fixture(scope="session")
def spread(tmp_path_factory):
    """A capture whose packets come and go between other addresses each: all queues get as many.
    Sizes differ, so that no queue keeps step with another."""
    rng = random.Random(1)
    path = tmp_path_factory.mktemp("spread") / "spread.pcap"
    with RawPcapWriter(str(path), linktype=1) as writer:
        writer.write_header(None)
        for _ in range(FRAMES):
            size = rng.choice((60, 60, 590, 590, 1514))
            ends = struct.pack("!II", *(0xC6120000 | rng.getrandbits(16) for _ in range(2)))
            head = struct.pack("!BBHHHBBH", 0x45, 0, size - 14, 0, 0, 64, 17, 0) + ends
            udp = struct.pack("!HHHH", 7, 7, size - 34, 0)
            frame = b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0" + head + udp
            writer.write_packet(frame.ljust(size, b"\0"), sec=0, usec=0)
    return path


@dataclass
class Seen:
    """One run: QEMU's translations while packets moved, and what ioplane says."""
    accesses: list
    disagreements: int
    pages: list  # `show iotlb pages all`
    report: dict
    packets: int

    @property
    def misses(self):
        return sum(access.is_miss for access in self.accesses)

    @property
    def predicted(self):
        (unit,) = self.report["units"]
        return unit["predicted_misses"]

    def touched(self, sid):
        """Pages that a device touched, by QEMU."""
        return {access.page for access in self.accesses if access.page.sid == sid}

    def told(self, number, sid):
        """Pages that the queues of a port touched, by ioplane, as if they were of that device."""
        return {Page(sid, int(run["iova"], 16) + i * run["page_size"],
                     run["page_size"].bit_length() - 1)
                for queue in self.pages if queue["port"] == number
                for run in queue["ranges"] for i in range(run["pages"])}


def answers(job, line):
    """The JSON that a command gives."""
    before = len(job.stdout)
    job.send(line)
    deadline = time.monotonic() + 30
    while not job.stdout[before:].endswith("\n"):
        assert time.monotonic() < deadline, job.said()
        job.guest.check()
        time.sleep(0.02)
    return json.loads(job.stdout[before:])


def settle(job):
    """Until all packets are sent, and no more come in."""
    received = None
    while True:
        (replayed,) = answers(job, "show replay all")
        _, receiver = answers(job, "show port stats all")
        before, received = received, receiver["rx_packets"]
        if replayed["packets"] == PACKETS and received == before:
            return
        time.sleep(0.3)


def run(ioplane, capture, *args, profile="qemu"):
    """Replays the capture from the first NIC to the second, with QEMU's trace on."""
    qemu, queues = ioplane.guest.qemu, QUEUES[ioplane.guest.name]
    args = ("--replay", f"0,file={ioplane.put(capture)},topspeed,loop={LOOPS}", "--txd=512",
            "--rxq", queues, "--txq", queues, "--tracker", "full",
            "--iotlb", ioplane.put(PROFILES / f"{profile}.cfg"), "--json", "-i", *args)
    qemu.trace_events(*iotlb_trace.EVENTS)
    try:
        attached = qemu.trace_size()
        with ioplane.start(*args, timeout=90) as job:
            answers(job, "show iommu limits")
            started = qemu.trace_size()
            job.send("start")
            settle(job)
            job.send("stop")
            pages = answers(job, "show iotlb pages all")
            ended = qemu.trace_size()
            job.send("quit")
            result = job.finish()
    finally:
        qemu.trace_events(*iotlb_trace.EVENTS, on=False)
    assert result.status == 0, job.said()
    result.stats = json.loads((job.folder / "stats.json").read_text())
    events = list(iotlb_trace.parse(qemu.trace_between(started, ended)))
    assert all(isinstance(event, Access) for event in events), "memory was mapped meanwhile"
    everything = iotlb_trace.parse(qemu.trace_between(attached, ended))
    return Seen(events, iotlb_trace.disagreements(everything), pages, result.stats,
                port(result, 1)["stats"]["rx_packets"])


def is_near(predicted, misses):
    return abs(predicted - misses) <= max(misses * 0.05, 4)


def assert_equal_to_qemu(guest, seen):
    """The pages of both devices, and the misses of the unit; our reading of the trace is right."""
    print(f"{len(seen.accesses)} translations, {seen.misses} misses, {seen.predicted} predicted")
    assert seen.disagreements == 0
    assert seen.packets > PACKETS * 0.99
    for number, nic in enumerate(guest.nics[:2]):
        sid = iotlb_trace.sid_of(nic)
        assert seen.touched(sid), nic
        assert seen.told(number, sid) == seen.touched(sid), nic
        # The other port's pages are no answer: all devices have IOVAs of one plan.
        assert not seen.told(1 - number, sid) & seen.touched(sid)
    assert is_near(seen.predicted, seen.misses), (seen.predicted, seen.misses)


@pytest.mark.machines("e1000e", "igb")
def test_pages_of_2_mib_are_those_of_qemu(ioplane, spread):
    seen = run(ioplane, spread, "--rxd=1024")
    assert {access.page.shift for access in seen.accesses} == {21}
    assert_equal_to_qemu(ioplane.guest, seen)


@pytest.mark.machines("e1000e", "igb")
def test_pages_of_4_kib_that_all_fit_are_those_of_qemu(ioplane, spread):
    seen = run(ioplane, spread, "--rxd=128", SMALL_PAGES)
    assert {access.page.shift for access in seen.accesses} == {12}
    pages = len({access.page for access in seen.accesses})
    assert 100 < seen.misses == pages < iotlb_trace.ENTRIES
    assert_equal_to_qemu(ioplane.guest, seen)


@pytest.mark.machines("e1000e", "igb")
def test_pages_of_4_kib_that_do_not_fit_are_those_of_qemu(ioplane, spread):
    """More than 1024, QEMU's entries: it drops all again and again."""
    rings = {"e1000e": "--rxd=4096", "igb": "--rxd=1024"}
    seen = run(ioplane, spread, rings[ioplane.guest.name], SMALL_PAGES)
    pages = len({access.page for access in seen.accesses})
    assert pages > 1.5 * iotlb_trace.ENTRIES
    assert seen.misses > 1.2 * pages
    assert_equal_to_qemu(ioplane.guest, seen)


@pytest.mark.machines("e1000e", "igb")
def test_an_iotlb_that_is_not_qemu_s_is_predicted_to_miss_otherwise(ioplane, spread):
    """Negative control: 64 entries, the last used of which stay."""
    seen = run(ioplane, spread, "--rxd=128", SMALL_PAGES, profile="generic-64")
    assert seen.disagreements == 0
    assert not is_near(seen.predicted, seen.misses), (seen.predicted, seen.misses)
