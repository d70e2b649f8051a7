# SPDX-License-Identifier: BSD-3-Clause
"""The benchmarks: what each compares or times, and the figure that it has to reach."""
import struct
from dataclasses import dataclass
from typing import Callable

import sides

NULLS = ("net_null0", "net_null1")
DMANICS = ("net_dmanic0", "net_dmanic1,cable=net_dmanic0")


@dataclass
class Pair:
    """Two programs run in turn; ours / theirs must reach `target`, if there is one."""
    name: str
    target: float
    ours: Callable
    theirs: Callable
    about: str
    unit: str = "Mpps"


@dataclass
class Micro:
    """A figure that one of our programs prints, held against a limit."""
    name: str
    program: str
    unit: str
    at_most: float = None
    at_least: float = None
    about: str = ""
    reference: str = "-"
    machine: str = None  # of tests/vm, for a program that runs in there

    @property
    def target(self):
        if self.at_most is None and self.at_least is None:
            return "-"
        return f"<= {self.at_most:g}" if self.at_least is None else f">= {self.at_least:g}"

    def ratio(self, value):
        """1 when the limit is just met, more when the figure is better; None without a limit."""
        if self.at_most is not None:
            return self.at_most / value
        return value / self.at_least if self.at_least is not None else None


def memif_pair(folder):
    socket = f"id=0,socket={folder.path}/memif"
    return sides.testpmd((f"net_memif0,role=server,{socket}",
                          f"net_memif1,role=client,{socket},zero-copy=no"),
                         "--forward-mode=io", start="start tx_first")


def dmanic_pair(folder):
    return sides.testpmd(DMANICS, "--forward-mode=io", eal=("-d", folder.plugin()),
                         start="start tx_first")


def tracked(mode):
    """One lcore forwards on a dmanic pair, the tracker in this mode."""
    return lambda folder: sides.ioplane(DMANICS, "--forward-mode=io", "--tracker", mode,
                                        start="start tx_first")


def testpmd_io(folder):
    return sides.testpmd(NULLS, "--forward-mode=io")


def testpmd_io_xbuf(folder):
    return sides.testpmd(NULLS, "--forward-mode=io", "--mp-alloc=xbuf")


def ioplane_io(layout):
    return lambda folder: sides.ioplane(NULLS, "--forward-mode=io", "--mbuf-layout", layout)


def testpmd_txonly(folder):
    return sides.testpmd(NULLS[:1], "--forward-mode=txonly", counts="TX")


def ioplane_replay(folder):
    capture = capture_of_64(folder.path / "64.pcap")
    return sides.ioplane(NULLS[:1], "--mbuf-layout", "inline",
                         "--replay", f"0,file={capture},loop=0,topspeed", counts="TX")


def capture_of_64(path, packets=10000):
    """Frames as testpmd's txonly makes them: 64 bytes, IPv4, UDP; the last bytes count them."""
    address = bytes([198, 18, 0, 1]), bytes([198, 18, 0, 2])
    ethernet = bytes.fromhex("020000000001" "020000000000" "0800")
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 50, 0, 0, 64, 17, 0xEEA5, *address)
    udp = struct.pack("!HHHH", 9, 9, 30, 0)
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for number in range(packets):
            frame = ethernet + ip + udp + bytes(18) + struct.pack("!I", number)
            file.write(struct.pack("<IIII", number // 10**6, number % 10**6, 64, 64) + frame)
    return path


def linux(new, old):
    """Linux's VT-d second stage without invalidation: generic_pt's own benchmark, new and old
    code, on a Core i7-12700."""
    return f"Linux {new}-{old}"


PAIRS = (
    Pair("dmanic-memif", 1.0, dmanic_pair, memif_pair,
         "testpmd io, tx_first, 64 B: dmanic pair against net_memif pair (zero-copy=no)"),
    Pair("io-null-inline", 1.0, ioplane_io("inline"), testpmd_io,
         "io on a net_null pair: ioplane, headers beside the data, against testpmd"),
    Pair("io-null-split", 0.9, ioplane_io("split"), testpmd_io,
         "io on a net_null pair: ioplane, headers apart from the data, against testpmd"),
    Pair("io-null-xbuf", None, ioplane_io("split"), testpmd_io_xbuf,
         "the same, testpmd with the same layout (--mp-alloc=xbuf); no target"),
    Pair("replay-null", 0.9, ioplane_replay, testpmd_txonly,
         "64 B into net_null: ioplane replay at topspeed against testpmd txonly"),
    Pair("tracker-full", 0.85, tracked("full"), tracked("off"),
         "io on a dmanic pair, 64 B, one lcore: --tracker full against off"),
    Pair("tracker-sampled", 0.95, tracked("sampled"), tracked("off"),
         "the same: --tracker sampled, the default, against off"),
)

MICROS = (
    Micro("unit-hit-1", "bench_vtd", "cycles", at_most=9,
          about="software VT-d: an IOTLB hit, bursts of 32, one lcore"),
    Micro("unit-hit-2", "bench_vtd", "cycles", at_most=30,
          about="software VT-d: an IOTLB hit, two lcores on one unit"),
    Micro("unit-half-miss", "bench_vtd", "M/s", at_least=50,
          about="software VT-d: translations of which half miss"),
    Micro("table-map-4k", "bench_vtd", "ns", at_most=20, reference=linux(55, 65),
          about="second-stage table only: map 4 KiB"),
    Micro("table-unmap-4k", "bench_vtd", "ns", at_most=20, reference=linux(69, 87),
          about="second-stage table only: unmap 4 KiB"),
    Micro("table-map-256", "bench_vtd", "ns", at_most=250, reference=linux(391, 518),
          about="second-stage table only: map 256 x 4 KiB in one call"),
    Micro("table-unmap-256", "bench_vtd", "ns", at_most=160, reference=linux(210, 321),
          about="second-stage table only: unmap 256 x 4 KiB in one call"),
    Micro("map-unmap-sync", "bench_map", "ns", at_most=200,
          about="4 KiB through all layers: IOVA, checks, ledger, map, unmap, completed sync"),
    Micro("type1-map-4k", "bench_type1", "ratio", at_most=1.03, machine="e1000e",
          about="VFIO in the virtual machine: iommu_map, unmap, sync of 4 KiB, over bare ioctls"),
    Micro("type1-map-2m", "bench_type1", "ratio", at_most=1.03, machine="e1000e",
          about="the same for 2 MiB in one page"),
    Micro("type1-grant-32m", "bench_type1", "ratio", at_most=1.03, machine="e1000e",
          about="grant and revoke 32 MiB of an arena, over bare ioctls"),
    Micro("tracker-full-4k", "bench_tracker", "cycles",
          about="probes of queues, full: an access, 4 KiB pages, 1 queue each way"),
    Micro("tracker-sampled-4k", "bench_tracker", "cycles",
          about="probes of queues, sampled: an access, 4 KiB pages, 1 queue each way"),
    Micro("tracker-full-4k-64", "bench_tracker", "cycles",
          about="probes of queues, full: an access, 4 KiB pages, 64 queues each way"),
    Micro("tracker-sampled-4k-64", "bench_tracker", "cycles",
          about="probes of queues, sampled: an access, 4 KiB pages, 64 queues each way"),
    Micro("tracker-full-2m", "bench_tracker", "cycles",
          about="probes of queues, full: an access, 2 MiB pages, 1 queue each way"),
    Micro("tracker-sampled-2m", "bench_tracker", "cycles",
          about="probes of queues, sampled: an access, 2 MiB pages, 1 queue each way"),
    Micro("tracker-full-2m-64", "bench_tracker", "cycles",
          about="probes of queues, full: an access, 2 MiB pages, 64 queues each way"),
    Micro("tracker-sampled-2m-64", "bench_tracker", "cycles",
          about="probes of queues, sampled: an access, 2 MiB pages, 64 queues each way"),
    Micro("iova-plan", "bench_iova", "ns", about="IOVA plan: alloc and free, 4096 ranges live"),
    Micro("iova-plan-holes", "bench_iova", "ns", about="IOVA plan: half the ranges are holes"),
    Micro("iova-cache", "bench_iova", "ns", about="IOVA cache: alloc and free, one by one"),
    Micro("iova-cache-256", "bench_iova", "ns", about="IOVA cache: 256 frees, then 256 allocs"),
    Micro("iova-cache-4096", "bench_iova", "ns", about="IOVA cache: 4096 frees, then allocs"),
)

ALL = {benchmark.name: benchmark for benchmark in PAIRS + MICROS}
