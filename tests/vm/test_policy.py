# SPDX-License-Identifier: BSD-3-Clause
"""Buffers mapped at hand-over for real drivers behind the kernel's IOMMU: whole, exact, all gone."""
import json

import pytest

import captures
from program import as_sent, port
from test_type1 import MAP, UNMAP, after_ioctls, tracing

ONE_QUEUE = ("--rxd=1024", "--txd=512")
FOUR_QUEUES = ("--rxd=1024", "--txd=128", "--rxq=4", "--txq=4")
POLICIES = ("strict,iova=fresh", "strict,iova=fixed", "deferred,iova=fresh",
            "deferred,batch=32,iova=fixed")
SMALL = ("--packets", "1000", "--flows", "50")
PAGE = 4096


def total(result, number, direction, key):
    return sum(queue["dma"][key] for queue in port(result, number)[f"{direction}_queues"])


def assert_counts(result, sent):
    """Each buffer that was sent or received was mapped for it, and taken back when it came back."""
    assert port(result, 1)["stats"]["rx_packets"] == sent
    assert total(result, 0, "tx", "maps") == total(result, 1, "rx", "unmaps") == sent
    assert 0 < total(result, 1, "rx", "maps") - sent <= 4 * 1024
    assert [domain["faults_total"] for domain in result.stats["domains"]] == [0, 0]
    for number, domain in enumerate(result.stats["domains"]):
        for key in ("maps", "unmaps"):
            # the rings, and what a driver has of EAL's memory, are no queue's
            ours = sum(total(result, number, direction, key) for direction in ("rx", "tx"))
            assert domain[key] >= ours
            assert domain[key] - ours <= (64 if key == "maps" else 0)


@pytest.mark.machines("e1000e", "igb", "virtio")
@pytest.mark.parametrize("policy", POLICIES)
def test_every_frame_arrives_whole(ioplane, make_capture, policy):
    path = make_capture(*SMALL)
    sent = captures.read_frames(path)
    result, received = ioplane.replay(path, *ONE_QUEUE, "--dma-policy", policy)
    captures.assert_same_frames(sent, as_sent(sent, received))
    assert_counts(result, len(sent))


@pytest.mark.machines("igb", "virtio-mq")
@pytest.mark.parametrize("policy", ["strict", "deferred,iova=fixed"])
def test_four_queues_each_have_their_own_pool(ioplane, make_capture, policy):
    path = make_capture(*SMALL)
    sent = captures.read_frames(path)
    result, received = ioplane.replay(path, *FOUR_QUEUES, "--dma-policy", policy)
    captures.assert_same_frames_per_flow(sent, as_sent(sent, received))
    assert_counts(result, len(sent))
    assert all(queue["dma"]["unmaps"] == queue["packets"] > 0
               for queue in port(result, 1)["rx_queues"])


@pytest.mark.machines("e1000e", "igb")
@pytest.mark.parametrize("policy", ["strict,iova=fresh", "deferred,iova=fixed"])
def test_the_kernels_trace_equals_the_ledger(guest, ioplane, make_capture, policy):
    """What the kernel did for us, ioctl by ioctl and page by page."""
    path = make_capture("--packets", "240", "--flows", "40")
    with tracing(guest) as read:
        result, _ = ioplane.replay(path, *ONE_QUEUE, "--dma-policy", policy)
        events = read()
    calls = [event[1] for event in events if event[0] == "ioctl"]
    assert calls.count(MAP) == sum(domain["maps"] for domain in result.stats["domains"])
    # a page for each buffer use, and no other pages of that size
    ledger = sum(total(result, number, direction, "maps")
                 for number in (0, 1) for direction in ("rx", "tx"))
    pages = [event for event in after_ioctls(events, "map") if event[2] == PAGE]
    assert len(pages) == ledger
    # in the end nothing is left
    assert calls.count(UNMAP) == calls.count(MAP)
    for verb in ("map", "unmap"):
        assert len([event for event in after_ioctls(events, verb) if event[2] == PAGE]) == ledger
    # each unmap invalidates by itself: there is no window
    if policy.startswith("deferred"):
        assert total(result, 0, "tx", "waiting") == 0


@pytest.mark.machines("e1000e", "igb")
@pytest.mark.parametrize("policy", ["strict", "deferred,iova=fixed"])
def test_stopped_ports_have_nothing_mapped_but_their_rings(ioplane, policy):
    again = ["port start all", "start tx_first", "stop", "port stop all"]
    result = ioplane.run("--json", "--dma-policy", policy, *ONE_QUEUE, commands=[
        "port stop all", "show iommu domains all", *again, *again, "show iommu domains all"])
    before, after = [json.loads(line) for line in result.stdout.splitlines()
                     if line.startswith("[")]
    assert [one["entries_used"] for one in before] == [one["entries_used"] for one in after]
    assert all(one["entries_used"] <= 2 for one in after)


@pytest.mark.machines("e1000e")
def test_the_policy_changes_between_runs(ioplane, make_capture):
    lines = [f"set replay 0,file={ioplane.put(make_capture(*SMALL))}"]
    for policy in ("strict", "static", "deferred,iova=fixed"):
        lines += ["port stop all", f"set dma policy {policy} 0", f"set dma policy {policy} 1",
                  "port start all", "start", "stop", "show port 0 dma"]
    result = ioplane.run("--json", *ONE_QUEUE, "--forward-mode", "rxonly", commands=lines)
    said = [json.loads(line) for line in result.stdout.splitlines()
            if line.startswith('{"port"')]
    found = [next(q["dma"] for q in one["queues"] if q["direction"] == "tx") for one in said]
    assert [one["policy"] for one in found] == ["strict", "static", "deferred"]
    assert found[1]["maps"] == 0 < found[0]["maps"]
    assert [domain["faults_total"] for domain in result.stats["domains"]] == [0, 0]
