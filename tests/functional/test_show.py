# SPDX-License-Identifier: BSD-3-Clause
"""The commands that show something: testpmd's shapes, the new tables, and all of them as JSON."""
import json
import re

import pytest

import harness
import screen

SHOWS = [
    "show port info 0", "show port info all", "show port summary all", "show port stats all",
    "show port xstats 1", "show fwd stats all", "show config fwd", "show config rxtx",
    "show config cores", "show config txpkts", "show rxq info 0 0", "show txq info 1 0",
    "show port 0 rss-hash", "show port 0 rss-hash key", "show port 0 macs",
    "show iommu groups", "show iommu domains", "show iommu maps", "show iommu faults",
    "show iommu limits", "show iommu counters", "show iommu groups 0", "show iommu domains 1",
    "show iommu maps all", "show iommu counters 0", "show iommu faults 0",
    "show iommu limits 0", "show iommu walk 0 0x1000",
    "show port 0 iotlb", "show port 0 iotlb 0", "show port 1 dma", "show port 1 dma 0",
]


def say(ioplane, *lines, **options):
    return ioplane.run(commands=lines, **options).stdout


def answers(ioplane, *lines, **options):
    """What each line answers with --json."""
    text = ioplane.run("--json", commands=lines, **options).stdout
    found = [json.loads(line) for line in text.splitlines() if line[:1] in "[{" and line]
    return found[:len(lines)]


@pytest.mark.parametrize("line", SHOWS)
def test_every_show_answers_in_text_and_in_json(ioplane, line):
    assert say(ioplane, line).strip()
    (answer,) = answers(ioplane, line)
    assert answer or line.startswith("show iommu faults")


@pytest.mark.parametrize("line, reason", [
    ("show port stats 9", "port 9"), ("show port info x", "x"),
    ("show rxq info 0 7", "no rx queue 7"), ("show port 9 macs", "port 9"),
    ("show iommu walk 9 0x1000", "port 9"), ("show iommu maps 9", "port 9"),
    ("show port 0 iotlb 5", "no queue 5"), ("show port 0 rss reta 4096 (0x1)", "entries"),
    ("show port 0 rss reta 64 0x1", "masks"), ("clear port stats 9", "port 9"),
    ("clear iommu stats 9", "port 9"), ("dump_mempool nobody", "nobody"),
    ("dump_ring nobody", "nobody"), ("set dma policy strict 0", "port stop 0"),
    ("set dma policy lax 0", "lax: there is no such policy"),
])
def test_what_is_not_there_is_one_line_and_exit_status_1(ioplane, line, reason):
    result = ioplane.run(commands=[line], status=1)
    (told,) = [text for text in result.stderr.splitlines() if re.search(r"commands\.\d+:1: ", text)]
    assert reason in told


@pytest.mark.parametrize("line", [
    "set dma policy static 0", "clear port stats all", "clear port xstats 0",
    "clear port info all", "clear iommu stats all", "clear fwd stats all", "dump_mempool",
    "dump_memzone", "dump_physmem", "dump_socket_mem", "dump_ring", "dump_devargs"])
def test_what_works_says_nothing_wrong(ioplane, line):
    ioplane.run(commands=[line])


def test_port_stats_have_testpmd_s_shape(ioplane):
    text = say(ioplane, "show port stats 0")
    assert re.search(
        r"  #{24} NIC statistics for port 0  #{24}\n"
        r"  RX-packets: 0          RX-missed: 0          RX-bytes:  0\n"
        r"  RX-errors: 0\n"
        r"  RX-nombuf:  0         \n"
        r"  TX-packets: 0          TX-errors: 0          TX-bytes:  0\n"
        r"\n  Throughput \(since last show\)\n"
        r"  Rx-pps:            0          Rx-bps:            0\n"
        r"  Tx-pps:            0          Tx-bps:            0\n"
        r"  #{76}\n", text)


def test_the_summary_has_testpmd_s_shape(ioplane):
    text = say(ioplane, "show port summary all")
    assert "Number of available ports: 2\n" in text
    assert "Port MAC Address       Name         Driver         Status   Link\n" in text
    assert re.search(r"^0    ([0-9A-F]{2}:){5}[0-9A-F]{2} net_dmanic0  net_dmanic     up       \d+",
                     text, re.M)


def test_port_info_has_testpmd_s_lines(ioplane):
    text = say(ioplane, "show port info 0", "show port 0 macs")
    assert "\n********************* Infos for port 0  *********************\n" in text
    for line in ("MAC address: ", "Device name: net_dmanic0", "Driver name: net_dmanic",
                 "Connect to socket: ", "Link status: up", "Link duplex: full-duplex", "MTU: 1500",
                 "Promiscuous mode: enabled", "Current number of RX queues: 1",
                 "Max possible TX queues: 32", "Device capabilities: 0x",
                 "Number of MAC address added: 1"):
        assert f"\n{line}" in text, line


def test_the_redirection_table_shows_the_entries_asked_for(ioplane):
    lines = ("show port 0 rss reta 128 (0x5,0x0)",)
    text = say(ioplane, *lines, vdevs=("net_null0",))
    shown = re.findall(r"RSS RETA configuration: hash index=(\d+), queue=(\d+)", text)
    assert [index for index, _ in shown] == ["0", "2"]


def test_a_mapped_address_walks_through_every_level(ioplane):
    (maps,) = answers(ioplane, "show iommu maps 0")
    iova = maps[0]["iova"]
    (walk,) = answers(ioplane, f"show iommu walk 0 {iova}")
    tables = [step["table"] for step in walk["steps"]]
    assert tables[:2] == ["root", "context"]
    assert len(tables) >= 4
    assert walk["reason"] is None
    assert walk["page_size"] in (4096, 1 << 21, 1 << 30)
    assert walk["permissions"] in ("read", "write", "read and write")
    text = say(ioplane, f"show iommu walk 0 {iova}")
    assert f"Walk of {iova} for port 0" in text
    assert "  page size: " in text and "  permissions: " in text


def test_an_unmapped_address_says_where_it_faults(ioplane):
    (walk,) = answers(ioplane, "show iommu walk 0 0x7fff00000000")
    assert walk["pa"] is None and walk["reason"] is not None
    assert walk["steps"]
    text = say(ioplane, "show iommu walk 0 0x7fff00000000")
    assert re.search(r"  faults: reason \d+, \w+", text)


def test_the_walk_records_no_fault(ioplane):
    result = ioplane.run(commands=["show iommu walk 0 0x7fff00000000"])
    assert [domain["faults_total"] for domain in result.stats["domains"]] == [0, 0]


def test_each_device_is_in_a_domain_of_its_own(ioplane):
    (groups,) = answers(ioplane, "show iommu groups")
    groups = [group for group in groups if group["port"] is not None]
    assert [group["device"] for group in groups] == ["net_dmanic0", "net_dmanic1"]
    assert [group["protection"] for group in groups] == ["iommu", "iommu"]
    assert len({group["domain"] for group in groups}) == 2
    assert len({group["group"] for group in groups}) == 2


def test_groups_are_those_of_the_kernel_or_it_says_that_there_are_none(ioplane):
    (groups,) = answers(ioplane, "show iommu groups")
    kernel = sorted(path.name for path in harness.Path("/sys/kernel/iommu_groups").glob("*"))
    assert sorted({group["group"] for group in groups if group["type"]}) == kernel
    assert ("The kernel has no IOMMU groups" in say(ioplane, "show iommu groups")) == (not kernel)
    (one,) = answers(ioplane, "show iommu groups 1")
    assert [group["device"] for group in one] == ["net_dmanic1"]


def test_the_maps_of_one_port_are_those_of_its_domain(ioplane):
    one, other, both = answers(ioplane, "show iommu maps 0", "show iommu maps 1", "show iommu maps")
    assert one and other and one + other == both
    assert not {entry["domain"] for entry in one} & {entry["domain"] for entry in other}


def test_limits_name_the_hole_of_the_interrupts(ioplane):
    limits, *_ = answers(ioplane, "show iommu limits 0")
    assert {"iova": "0xfee00000", "size": 0x100000} in limits[0]["holes"]
    assert limits[0]["page_sizes"] == "4K,2M,1G"
    assert limits[0]["is_protected"] is True
    assert limits[0]["write_implies_read"] is False
    assert limits[0]["unmap_syncs"] is False


def test_clearing_sets_figures_to_0_and_they_count_on(ioplane, make_capture):
    capture = make_capture("--packets", "500", "--flows", "8")
    with ioplane.start("-i", "--replay", f"0,file={capture},topspeed") as running:
        running.send("start")
        running.send("stop")
        for line in ("clear port stats all", "clear iommu stats all", "show port 0 iotlb",
                     "show port summary all"):
            running.send(line)
        running.wait_for("Number of available ports")
        rows = [dict(row) for row in screen.tables(running.stdout)["Queues and their IOTLB"]]
        assert [row["iotlb-lookups"] for row in rows] == ["0", "0"]
        assert [row["packets"] for row in rows] == ["0", "0"]
        running.send("quit")
        result = running.finish()
    assert result.status == 0


def test_a_port_without_a_domain_is_told_apart(ioplane):
    result = ioplane.run(commands=["show iommu maps 0"], vdevs=("net_null0",), status=1)
    assert "port 0 has no IOMMU domain" in result.stderr
    (groups,) = answers(ioplane, "show iommu groups", vdevs=("net_null0",))
    (group,) = [group for group in groups if group["port"] is not None]
    assert group["device"] == "net_null0"
    assert {group[key] for key in ("backend", "group", "domain", "protection",
                                      "viable")} == {None}
