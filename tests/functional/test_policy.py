# SPDX-License-Identifier: BSD-3-Clause
"""Buffers mapped at hand-over: counts that are exact, frames that are whole, nothing left behind."""
import json
import math
import random
import re
import time

import pytest

import captures
import forwarding
import harness

RINGS = 1  # mappings of a port's descriptor rings, which stay
POLICIES = ("strict,iova=fresh", "strict,iova=fixed", "deferred,batch=32,iova=fresh",
            "deferred,batch=32,iova=fixed")
LONG = ",timeout-us=60000000"  # no sync but for full batches and the end


def replay(ioplane, path, policy, *args, **options):
    """Replays a file from port 0 to port 1; the result and the frames received."""
    written = ioplane.folder / "out.pcap"
    result = ioplane.run("--dma-policy", policy, f"--replay=0,file={path}",
                         f"--capture=1,file={written}", *args, **options)
    assert [domain["faults_total"] for domain in result.stats["domains"]] == [0, 0]
    return result, captures.read_frames(written)


def ledgers(result, port, direction):
    """The `dma` objects of a port's queues."""
    return [queue["dma"] for queue in result.port(port)[f"{direction}_queues"]]


def total(ledger, key):
    return sum(queue[key] for queue in ledger)


def jumbo_frames(folder, count=300):
    """Frames of all sizes up to 9000 bytes, most of several segments."""
    draw = random.Random(4)
    frames = [b"\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x88\xb5" +
              draw.randbytes(draw.choice([46, 100, 1486, 2034, 2035, 4000, 8986]))
              for _ in range(count)]
    return forwarding.write_frames(folder / "jumbo.pcap", frames)


@pytest.fixture(name="capture")
def capture_fixture(make_capture):
    return make_capture("--packets", "3000", "--flows", "100")


@pytest.mark.parametrize("iova", ["fresh", "fixed"])
def test_strict_makes_one_map_and_one_unmap_for_each_buffer_use(ioplane, capture, iova):
    result, received = replay(ioplane, capture, f"strict,iova={iova}")
    posted = 128  # what the receive ring holds
    (sent,), (taken,) = ledgers(result, 0, "tx"), ledgers(result, 1, "rx")
    assert len(received) == 3000
    assert (sent["policy"], sent["iova"]) == ("strict", iova)
    assert sent["maps"] == sent["unmaps"] == sent["invalidations"] == 3000
    assert taken["unmaps"] == taken["invalidations"] == 3000
    # dmanic posts 32 at a time
    assert 3000 + posted - 32 < taken["maps"] <= 3000 + posted
    assert sent["mapped_bytes"] == sent["unmapped_bytes"] == 3000 * 4096
    assert sent["map_ns"]["count"] == sent["unmap_ns"]["count"] == 3000
    assert sent["waiting"] == taken["waiting"] == 0


@pytest.mark.parametrize("policy", POLICIES)
def test_the_ledgers_are_the_unit_s_own_counts(ioplane, capture, policy):
    result, _ = replay(ioplane, capture, policy, "--rxq=4", "--txq=4")
    for port, domain in enumerate(result.stats["domains"]):
        queues = ledgers(result, port, "rx") + ledgers(result, port, "tx")
        assert domain["maps"] == RINGS + total(queues, "maps")
        assert domain["unmaps"] == total(queues, "unmaps")
        assert domain["invalidations"] == total(queues, "invalidations")
        assert domain["entries_used"] == RINGS + total(queues, "maps") - total(queues, "unmaps")


@pytest.mark.parametrize("batch", [1, 32, 128, 1000])
def test_deferred_syncs_once_for_each_batch(ioplane, capture, batch):
    result, _ = replay(ioplane, capture, f"deferred,batch={batch}{LONG}")
    (sent,), (taken,) = ledgers(result, 0, "tx"), ledgers(result, 1, "rx")
    for queue in sent, taken:
        assert queue["unmaps"] == 3000
        # what waits at the end is synced when forwarding stops
        assert queue["invalidations"] == math.ceil(3000 / batch)
        assert queue["window_ns"]["count"] == 3000
        assert queue["sync_ns"]["count"] == queue["invalidations"]
    assert (sent["batch"], sent["timeout_us"]) == (batch, 60000000)


def test_what_waits_too_long_is_synced_while_nothing_is_received(ioplane):
    """A burst of unmaps is less than a batch: only the timeout ends their window."""
    with ioplane.start("-i", "--dma-policy", "deferred,batch=4000,timeout-us=20000",
                       "--port-topology", "loop", "--json", stats=False) as running:
        for line in ("set fwd rxonly", "start tx_first"):
            running.send(line)
        queues = {}
        for _ in range(500):
            before = len(running.stdout)
            running.send("show port 1 dma")
            time.sleep(0.02)
            said = re.findall(r'^\{"port": ?1,.*\}$', running.stdout[before:], re.M)
            for line in said:
                queues = {(q["direction"], q["queue"]): q["dma"]
                          for q in json.loads(line)["queues"]}
            if queues and queues["rx", 0]["window_ns"]["count"] == 32:
                break
        queue = queues["rx", 0]
        assert queue["unmaps"] == queue["window_ns"]["count"] == 32
        assert queue["waiting"] == 0
        assert queue["window_ns"]["p50"] >= 20000000
        running.send("quit")
        assert running.finish().status == 0


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("queues", [1, 4])
def test_every_frame_arrives_whole(ioplane, capture, policy, queues):
    result, received = replay(ioplane, capture, policy, f"--rxq={queues}", f"--txq={queues}",
                              "--nb-cores=2", forwarding=2)
    sent = captures.read_frames(capture)
    if queues == 1:
        captures.assert_same_frames(sent, received)
    else:
        captures.assert_same_frames_per_flow(sent, received)
    assert result.port(1)["stats"]["rx_packets"] == 3000
    # on another lcore than the device side, what was sent last is still in the ring
    assert total(ledgers(result, 0, "tx"), "maps") == 3000


@pytest.mark.parametrize("policy", POLICIES)
def test_frames_of_several_segments_arrive_whole(ioplane, tmp_path, policy):
    path = jumbo_frames(tmp_path)
    result, received = replay(ioplane, path, policy, "--max-pkt-len=9018")
    sent = captures.read_frames(path)
    captures.assert_same_frames(sent, received)
    segments = sum(math.ceil(len(frame) / 2048) for frame in sent)
    assert total(ledgers(result, 0, "tx"), "unmaps") == segments
    assert total(ledgers(result, 1, "rx"), "unmaps") == segments


@pytest.mark.parametrize("size", [512, 4224, 9216])
def test_buffers_of_any_size_have_pages_of_their_own(ioplane, tmp_path, size):
    path = jumbo_frames(tmp_path, 60)
    result, received = replay(ioplane, path, "strict", "--max-pkt-len=9018",
                              f"--mbuf-size={size}", "--total-num-mbufs=8192", "--rxd=2048")
    captures.assert_same_frames(captures.read_frames(path), received)
    (sent,) = ledgers(result, 0, "tx")
    assert sent["mapped_bytes"] == sent["maps"] * math.ceil(size / 4096) * 4096


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("mode", ["io", "mac", "macswap"])
def test_what_is_forwarded_is_mapped_for_who_sends_it(ioplane, capture, policy, mode):
    """Port 0 replays to port 1, which sends it back: each buffer is used twice."""
    out = ioplane.folder / "out.pcap"
    result = ioplane.run("--port-topology", "loop", "--dma-policy", policy,
                         "--replay", f"0,file={capture}", "--capture", f"0,file={out}",
                         commands=[f"set port 1 fwd {mode}", "start"])
    sent, received = captures.read_frames(capture), captures.read_frames(out)
    changed = {"io": sent, "macswap": [f[6:12] + f[:6] + f[12:] for f in sent]}
    if mode == "mac":
        assert [f[12:] for f in received] == [f[12:] for f in sent]
    else:
        captures.assert_same_frames(changed[mode], received)
    assert [domain["faults_total"] for domain in result.stats["domains"]] == [0, 0]
    for port, direction in ((0, "tx"), (1, "rx"), (1, "tx"), (0, "rx")):
        assert total(ledgers(result, port, direction), "unmaps") == 3000


@pytest.mark.parametrize("policy", ["strict", "deferred,iova=fixed"])
@pytest.mark.parametrize("domain", ["per-device", "shared"])
def test_two_ports_forward_to_each_other(ioplane, policy, domain):
    result = ioplane.run("--dma-policy", policy, "--domain", domain, "--rxq=2", "--txq=2",
                         "--nb-cores=2", forwarding=2,
                         commands=["start tx_first 3", "show port 0 dma", "stop"])
    assert sum(domain["faults_total"] for domain in result.stats["domains"]) == 0
    for port in (0, 1):
        assert result.port(port)["stats"]["rx_packets"] > 0
        for direction in ("rx", "tx"):
            queues = result.port(port)[f"{direction}_queues"]
            assert sum(q["dma"]["unmaps"] for q in queues) > 0


@pytest.mark.parametrize("policy", POLICIES)
def test_the_tracker_sees_the_addresses_that_are_mapped(ioplane, capture, policy):
    """Each access that the unit counts, none outside; what a sync takes away is no part of it."""
    result, _ = replay(ioplane, capture, policy, "--tracker=full")
    for port, queues in ((0, "tx_queues"), (1, "rx_queues")):
        (queue,) = result.port(port)[queues]
        model = queue["iotlb"]["model"]
        assert model["beyond"] == 0
        assert model["accesses"] == queue["iotlb"]["lookups"]


def test_ports_without_a_domain_go_with_the_others(ioplane, tmp_path, capture):
    """net_pcap's frames are mapped for the port that sends them, and freed where none is needed."""
    vdevs, (_, written) = forwarding.pcap_ports(tmp_path, [capture, []])
    result = ioplane.run("--dma-policy", "strict", "--portlist", "0,2,3,1", "--no-flush-rx",
                         vdevs=[*vdevs, *harness.PAUSING_PAIR], eal=["--no-pci"],
                         commands=["start", *["show port stats 1"] * 50, "stop"], timeout=120)
    sent = captures.read_frames(capture)
    captures.assert_same_frames(sent[:32], captures.read_frames(written)[:32])
    (queue,) = ledgers(result, 2, "tx")
    assert queue["maps"] == result.port(2)["stats"]["tx_packets"] > 0
    assert result.port(0)["rx_queues"][0]["dma"] is None
    assert "has no IOMMU domain" not in result.stderr


def domains_of(text):
    """The last answer to `show iommu domains all` in JSON."""
    return json.loads([line for line in text.splitlines() if line.startswith("[")][-1])


@pytest.mark.parametrize("policy", POLICIES)
def test_stopped_ports_have_nothing_mapped_but_their_rings(ioplane, policy):
    again = ["port start all", "start tx_first", "stop", "port stop all"]
    text = ioplane.run("--json", "--dma-policy", policy, stats=False, commands=[
        "start tx_first 2", "stop", "port stop all", *again, *again,
        "show iommu domains all", "quit"]).stdout
    assert [domain["entries_used"] for domain in domains_of(text)] == [RINGS, RINGS]


@pytest.mark.parametrize("policy", POLICIES)
def test_ports_come_and_go(ioplane, policy):
    again = ["port stop 1", "port detach 1", "port attach net_dmanic1,cable=net_dmanic0",
             "port start 1", "start tx_first", "stop"]
    result = ioplane.run("--dma-policy", policy, commands=[
        "start tx_first", "stop", *again, *again, *again])
    assert [domain["faults_total"] for domain in result.stats["domains"]] == [0, 0]
    text = ioplane.run("--json", "--dma-policy", policy, stats=False, commands=[
        "start tx_first", "stop", "port stop all", "port detach 1", "port detach 0",
        "show iommu domains all", "quit"]).stdout
    assert domains_of(text) == []


def test_the_policy_changes_between_runs(ioplane, capture):
    """Each change makes new ledgers; queues and memory follow."""
    lines = [f"set replay 0,file={capture}"]
    for policy in ("strict", "deferred,batch=8", "static", "deferred,iova=fixed", "strict"):
        lines += ["port stop all", f"set dma policy {policy} 0", f"set dma policy {policy} 1",
                  "port start all", "start", "stop", "show port 0 dma"]
    text = ioplane.run("--json", "--forward-mode", "rxonly", stats=False,
                       commands=[*lines, "quit"]).stdout
    said = [json.loads(line) for line in text.splitlines() if line.startswith('{"port"')]
    found = [next(q["dma"] for q in one["queues"] if q["direction"] == "tx") for one in said]
    assert [one["policy"] for one in found] == ["strict", "deferred", "static", "deferred",
                                               "strict"]
    assert [one["iova"] for one in found] == ["fresh", "fresh", None, "fixed", "fresh"]
    assert found[2]["maps"] == 0
    for one in found:
        assert one["maps"] == one["unmaps"]


def test_queues_may_change_under_a_policy(ioplane):
    lines = []
    for queues in (4, 1, 2):
        lines += ["port stop all", f"port config all rxq {queues}", f"port config all txq {queues}",
                  "port start all", "start tx_first", "stop"]
    result = ioplane.run("--dma-policy", "strict", commands=lines)
    assert [domain["faults_total"] for domain in result.stats["domains"]] == [0, 0]
    assert len(result.port(0)["rx_queues"]) == 2


def test_clearing_counts_from_there(ioplane, capture):
    text = ioplane.run("--json", "--dma-policy", "deferred,batch=16", stats=False, commands=[
        "start tx_first 4", "stop", "clear iommu stats all", "show port 0 dma", "quit"]).stdout
    (said,) = [json.loads(line) for line in text.splitlines() if line.startswith('{"port"')]
    for queue in said["queues"]:
        dma = queue["dma"]
        assert [dma[key] for key in ("maps", "unmaps", "mapped_bytes", "invalidations")] == [0] * 4
        assert dma["map_ns"] == {"count": 0, "mean": None, "p50": None, "p99": None, "max": None}
        assert dma["window_ns"]["count"] == 0
        assert dma["policy"] == "deferred"


@pytest.mark.parametrize("lines, reason", [
    (["set dma policy strict 0"], "port stop 0"),
    (["port stop 0", "set dma policy strict,batch=2 0"], "batch=2"),
    (["port stop 0", "set dma policy deferred,batch=0 0"], "batch=0"),
    (["port stop 0", "set dma policy deferred,iova=old 0"], "iova=old"),
    (["port stop 0", "set dma policy strict 0", "port start 0", "start"],
     "static goes with static only"),
    (["set dma policy strict 7"], "port 7"),
])
def test_what_cannot_be_set_says_why(ioplane, lines, reason):
    result = ioplane.run(commands=lines, status=1)
    assert reason in result.stderr.splitlines()[-1]


@pytest.mark.parametrize("words, reason", [
    ("--dma-policy strict --mbuf-layout inline", "give --mbuf-layout split"),
    ("--mbuf-layout inline --dma-policy deferred", "give --mbuf-layout split"),
    ("--dma-policy strict --mbuf-size 62000", "lower --mbuf-size"),
    ("--dma-policy deferred,batch=5000", "batch=5000: give a number from 1 to 4096"),
    ("--dma-policy strict,timeout-us=5", "is no option of strict"),
])
def test_options_that_do_not_go_together_say_so(ioplane, words, reason):
    assert reason in ioplane.run(*words.split(), status=2, stats=False).stderr


def test_a_port_without_a_domain_has_no_policy(ioplane):
    result = ioplane.run(vdevs=["net_null0"], eal=["--no-pci"], status=1,
                         commands=["port stop 0", "set dma policy strict 0"])
    assert "port 0 has no IOMMU domain" in result.stderr


def test_segments_that_do_not_fit_the_buffers_are_refused(ioplane):
    result = ioplane.run("--dma-policy", "strict", "--forward-mode", "txonly", "--txpkts", "5000",
                         "--max-pkt-len", "9018", commands=["start"], status=1)
    assert "give --mbuf-size 5128" in result.stderr


def test_a_dry_run_tells_what_the_policy_needs(ioplane):
    static = ioplane.run("--dry-run", stats=False).stdout
    strict = ioplane.run("--dry-run", "--dma-policy", "strict", "--rxd=1024", stats=False).stdout
    assert "DMA policy" not in static
    assert "DMA policy:   strict,iova=fresh" in strict
    (mappings,) = re.findall(r"IOMMU: +(\d+) mappings", strict)
    assert int(mappings) == 2 * (RINGS + 1024 + 512)
