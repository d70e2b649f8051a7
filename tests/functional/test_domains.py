# SPDX-License-Identifier: BSD-3-Clause
"""What each device may reach, byte range by byte range, as its own tables have it."""
import json
import re

import pytest

import harness

QUIT = "quit"


def answers(ioplane, *lines, options=(), **how):
    """What each show among the lines answers, and the report."""
    result = ioplane.run("--json", *options, commands=lines, **how)
    found = [json.loads(line) for line in result.stdout.splitlines() if line[:1] in "[{"]
    return found[:sum(line.startswith("show") for line in lines)], result


def rights(maps):
    """{iova: {domain: rights}}."""
    found = {}
    for each in maps:
        found.setdefault(each["iova"], {})[each["domain"]] = each["prot"]
    return found


def split(maps):
    """Rings (read and write for one device) and buffers, by IOVA."""
    by_iova = rights(maps)
    rings = {iova: who for iova, who in by_iova.items() if "rw" in who.values()}
    return rings, {iova: who for iova, who in by_iova.items() if iova not in rings}


def test_forwarding_one_way_lets_the_one_write_and_the_other_read_the_same_buffers(ioplane):
    (maps,), _ = answers(ioplane, "set port 0 fwd io", "set port 1 fwd rxonly", "start",
                         "show iommu maps", QUIT)
    rings, buffers = split(maps)
    assert sorted(rings.values(), key=str) == [{0: "rw"}, {1: "rw"}]
    assert sorted(buffers.values(), key=str) == [{0: "w", 1: "r"}, {1: "w"}]


def test_rings_are_never_granted_whatever_is_forwarded(ioplane):
    lines = []
    for mode in ("io", "mac", "macswap", "rxonly", "txonly"):
        lines += [f"set fwd {mode}", "start", "show iommu maps", "stop"]
    found, _ = answers(ioplane, *lines)
    assert len(found) == 5
    for maps in found:
        assert sorted(split(maps)[0].values(), key=str) == [{0: "rw"}, {1: "rw"}]


def test_a_start_with_another_engine_grants_anew(ioplane):
    # packets made for txonly may wait in a ring: its buffers go when the ports have stopped
    found, _ = answers(ioplane, "start", "show iommu maps", "stop", "set fwd txonly", "start",
                       "show iommu maps", "stop", "set fwd io", "port stop all", "port start all",
                       "start", "show iommu maps", "stop")
    first, txonly, again = (sorted(split(maps)[1].values(), key=str) for maps in found)
    assert first == again == [{0: "r", 1: "w"}, {0: "w", 1: "r"}]
    assert {0: "r"} in txonly and {1: "r"} in txonly and {0: "w"} in txonly and {1: "w"} in txonly
    assert not any(len(who) > 1 for who in txonly), "nothing is forwarded, nothing is shared"


@pytest.mark.parametrize("domain, count", [("per-device", 2), ("shared", 1)])
def test_devices_share_a_domain_only_when_asked_to(ioplane, domain, count):
    (groups, domains), result = answers(ioplane, "show iommu groups", "show iommu domains",
                                        options=["--domain", domain])
    assert len(domains) == count
    assert len({group["domain"] for group in groups if group["port"] is not None}) == count
    assert sorted(sum((each["devices"] for each in domains), [])) == ["net_dmanic0", "net_dmanic1"]
    assert result.stats["domains"][0]["faults_total"] == 0


def test_units_and_levels_are_chosen_device_by_device(ioplane):
    vdevs = ("net_dmanic0,levels=3", "net_dmanic1,cable=net_dmanic0,unit=2,levels=5")
    found, result = answers(ioplane, "show iommu limits", "start", "stop", "set fwd rxonly",
                            "start tx_first 3", "stop", vdevs=vdevs)
    assert sorted(each["addr_bits"] for each in found[0]) == [39, 57]
    assert [result.port(n)["stats"]["rx_packets"] for n in (0, 1)] == [96, 96]
    assert [domain["faults_total"] for domain in result.stats["domains"]] == [0, 0]


# --- pages -----------------------------------------------------------------------------------------

def free_pages(size_kib):
    path = harness.Path(f"/sys/kernel/mm/hugepages/hugepages-{size_kib}kB/free_hugepages")
    return int(path.read_text()) if path.exists() else 0


SIZES = {"4k": 1 << 12, "2m": 1 << 21, "1g": 1 << 30}


def walked(ioplane, size):
    """Walks of the first and the last byte of each mapping, and of those beside it."""
    options = ["--page-size", size]
    ((maps,), _) = answers(ioplane, "start", "show iommu maps", "stop", options=options)
    checks = []
    for each in maps:
        first, end = int(each["iova"], 16), int(each["iova"], 16) + each["size"]
        checks += [(each["domain"], iova) for iova in (first - 1, first, end - 1, end)]
    found, _ = answers(ioplane, "start", "show iommu maps", "stop",
                       *(f"show iommu walk {domain} {iova:#x}" for domain, iova in checks),
                       options=options)
    assert [each | {"vaddr": 0} for each in found[0]] == [each | {"vaddr": 0} for each in maps]
    return maps, list(zip(checks, found[1:]))


@pytest.mark.parametrize("size", ["4k", "2m", "1g"])
def test_pages_are_of_the_size_asked_for_and_tables_say_what_the_ledger_says(ioplane, size):
    # A port needs a page of 1 GiB for its buffers, and EAL may take one for itself.
    if size != "4k" and free_pages(SIZES[size] >> 10) < {"2m": 40, "1g": 4}[size]:
        pytest.skip(f"too few free pages of {size}")
    names = {"r": "read", "w": "write", "rw": "read and write"}
    maps, walks = walked(ioplane, size)
    buffers = [each for each in maps if each["prot"] != "rw"]
    assert {each["page_size"] for each in buffers} == {SIZES[size]}
    for (domain, iova), walk in walks:
        ledger = [each for each in maps if each["domain"] == domain
                  and int(each["iova"], 16) <= iova < int(each["iova"], 16) + each["size"]]
        if not ledger:
            assert walk["pa"] is None and walk["reason"] is not None
            continue
        (entry,) = ledger
        assert walk["page_size"] == entry["page_size"]
        assert walk["permissions"] == names[entry["prot"]]
        assert walk["pa"] is not None and walk["reason"] is None
    assert {walk["pa"] is None for _, walk in walks} == {True, False}


def test_small_pages_cost_more_misses_than_large_ones(ioplane, make_capture):
    if free_pages(2048) < 40:
        pytest.skip("fewer than 40 free pages of 2 MiB")
    capture = make_capture("--packets", "2000", "--flows", "20")
    misses = {}
    for size in ("4k", "2m"):
        result = ioplane.run("--page-size", size, "--replay", f"0,file={capture}")
        queues = [result.port(0)["tx_queues"][0]["iotlb"], result.port(1)["rx_queues"][0]["iotlb"]]
        assert {queue["source"] for queue in queues} == {"exact"}
        for queue in queues:
            assert queue["lookups"] == queue["hits"] + queue["misses"]
        misses[size] = [queue["misses"] for queue in queues]
        assert [port["stats"]["rx_packets"] for port in result.stats["ports"]] == [0, 2000]
    assert all(small > 10 * large for small, large in zip(misses["4k"], misses["2m"])), misses


def test_each_page_size_is_said_on_the_first_line(ioplane):
    for size, name in (("4k", "4 KiB"), ("2m", "2 MiB")):
        first = ioplane.run("--page-size", size, "--cmdline-file", "/dev/null").stdout
        assert re.search(f"DMA memory in pages of {name}", first.splitlines()[0]) or (
            size == "2m" and free_pages(2048) < 40)
