# SPDX-License-Identifier: BSD-3-Clause
"""IOVAs that are physical addresses: pages are scattered, and nothing lies across two of them."""
import json
import os
import re
import sys
from pathlib import Path

import pytest

import captures
import harness

PHYSICAL = ("--iova-mode=pa",)
NOTHING = ("--total-num-mbufs=4096",)
M2 = 1 << 21

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="physical addresses need root")


def ram():
    """The machine's memory: (first, last) of each range."""
    return [tuple(int(end, 16) for end in line.split(" : ")[0].split("-"))
            for line in Path("/proc/iomem").read_text().splitlines() if "System RAM" in line]


def maps(ioplane, *lines, options=(), eal=PHYSICAL):
    result = ioplane.run("--json", *options, commands=[*lines, "show iommu maps all", "quit"],
                         stats=False, eal=eal)
    (answer,) = [line for line in result.stdout.splitlines() if line.startswith("[{")]
    return json.loads(answer)


@pytest.mark.parametrize("layout", ["split", "inline"])
def test_a_capture_of_many_pages_arrives_whole(ioplane, make_capture, layout):
    capture = make_capture("--packets", "40000", "--flows", "100")
    written = ioplane.folder / "out.pcap"
    result = ioplane.run(f"--replay=0,file={capture}", f"--capture=1,file={written}",
                         "--mbuf-layout", layout, eal=PHYSICAL)
    captures.assert_same_frames(captures.read_frames(capture), captures.read_frames(written))
    assert [domain["faults_total"] for domain in result.stats["domains"]] == [0, 0]
    # rings, buffers and capture are 3 mappings where IOVAs are planned
    assert result.stats["domains"][0]["mappings"] > 3
    assert "IOVA mode PA" in result.stdout


def test_large_frames_in_chains_arrive_whole(ioplane, shared_capture):
    capture = shared_capture("ipv6-tls-large-frames.pcap")
    written = ioplane.folder / "out.pcap"
    ioplane.run(f"--replay=0,file={capture}", f"--capture=1,file={written}", "--max-pkt-len=9018",
                eal=PHYSICAL)
    captures.assert_same_frames(captures.read_frames(capture), captures.read_frames(written))


def test_each_mapping_is_of_huge_pages_of_the_machines_memory(ioplane):
    found = maps(ioplane, options=["--rxq=4", "--txq=4", "--rxd=4096", "--txd=4096"])
    assert sum(entry["size"] for entry in found) >= 4 * M2
    for entry in found:
        start, size = int(entry["iova"], 16), entry["size"]
        assert start % M2 == 0 and size % M2 == 0
        assert any(first <= start and start + size - 1 <= last for first, last in ram())
    starts = [int(entry["iova"], 16) for entry in found if entry["domain"] == 0]
    assert len(set(starts)) == len(starts)


def test_planned_addresses_are_others(ioplane):
    """The control: what the plan gives is a row, whatever pages there are."""
    found = maps(ioplane, eal=())
    assert [int(entry["iova"], 16) < 1 << 32 for entry in found] == [True] * 4


def test_forwarding_between_ports_takes_grants_of_every_page(ioplane):
    result = ioplane.run(*NOTHING, eal=PHYSICAL, commands=["start tx_first", "stop"])
    assert [domain["faults_total"] for domain in result.stats["domains"]] == [0, 0]
    assert result.port(0)["stats"]["rx_packets"] > 0
    found = maps(ioplane, "start")
    by_domain = [{entry["iova"] for entry in found if entry["domain"] == domain}
                 for domain in (0, 1)]
    granted = [entry for entry in found if entry["prot"] == "r"]
    assert granted
    for entry in granted:
        assert entry["iova"] in by_domain[1 - entry["domain"]]


def test_ports_that_come_and_go_leave_nothing(ioplane):
    again = ["port stop 1", "port detach 1", "port attach net_dmanic1,cable=net_dmanic0",
             "port start 1"]
    result = ioplane.run(*NOTHING, eal=PHYSICAL,
                         commands=[*again * 5, "start tx_first", "stop"])
    assert [domain["faults_total"] for domain in result.stats["domains"]] == [0, 0]
    assert result.port(1)["stats"]["rx_packets"] > 0


def test_small_pages_are_refused_with_the_next_step(ioplane):
    result = ioplane.run(*NOTHING, "--page-size=4k", eal=PHYSICAL, status=1, stats=False)
    (line,) = [line for line in result.stderr.splitlines() if "4 KiB" in line]
    assert "may move in physical memory; use pages of 2 MiB or 1 GiB" in line


def test_without_huge_pages_it_is_refused_with_the_next_step(ioplane):
    result = ioplane.run(*NOTHING, eal=[*PHYSICAL, "--no-huge"], status=1, stats=False)
    assert re.search("IOVA mode PA: .* may move .*: reserve huge pages", result.stderr)


def test_hidden_addresses_are_told_with_the_next_step(ioplane, tmp_path):
    """CAP_SYS_ADMIN (21) taken away by PR_CAPBSET_DROP (24), as for any user but root."""
    drop = ("import ctypes, os, sys; ctypes.CDLL(None).prctl(24, 21, 0, 0, 0); "
            "os.execv(sys.argv[1], sys.argv[1:])")
    command = [sys.executable, "-c", drop,
               *ioplane.command(*NOTHING, eal=PHYSICAL, stats=False)]
    with harness.Running(command, tmp_path) as running:
        result = running.finish()
    assert result.status == 1, running.said()
    assert "CAP_SYS_ADMIN" in result.stderr
