# SPDX-License-Identifier: BSD-3-Clause
"""Forwarding between two NICs without a copy: each reads the other's buffers by a grant."""
import contextlib
import json

import pytest

import captures
from program import FITS_A_RING, as_sent, port

RINGS = ("--rxd=1024", "--txd=1024")


@contextlib.contextmanager
def forwarder(ioplane, *args):
    """ioplane on the two NICs in the middle: what comes in on one goes out on the other."""
    job = ioplane.start("-i", "--auto-start", "--json", *RINGS, *args,
                        nics=ioplane.guest.nics[1:3], eal=("--main-lcore=1",))
    with job:
        job.send("show iommu maps all")
        job.wait_for("]\n")
        job.maps = json.loads(next(line for line in job.stdout.splitlines()
                                   if line.startswith("[")))
        yield job
        job.send("quit")
        job.result = job.finish()
        assert job.result.status == 0, job.said()
        job.result.stats = json.loads((job.folder / "stats.json").read_text())


def assert_granted(maps):
    """Each device reads the buffers that the other writes, where the other has them."""
    def places(domain, rights):
        return {(m["iova"], m["size"]) for m in maps
                if (m["domain"], m["prot"]) == (domain, rights)}
    first, second = sorted({m["domain"] for m in maps})
    assert places(first, "w") and places(first, "w") == places(second, "r"), maps
    assert places(second, "w") and places(second, "w") == places(first, "r"), maps


def replay_through(ioplane, path, *args):
    """A capture goes from the first NIC through the two in the middle to the last."""
    with forwarder(ioplane, *args) as middle:
        assert_granted(middle.maps)
        nics = (ioplane.guest.nics[0], ioplane.guest.nics[3])
        _, received = ioplane.replay(path, *RINGS, *args, nics=nics)
    return middle.result, received


def assert_forwarded(ioplane, result, frames):
    """All went through, and no device was refused a read or a write."""
    assert port(result, 0)["stats"]["rx_packets"] == len(frames)
    assert port(result, 1)["stats"]["tx_packets"] == len(frames)
    assert [domain["backend"] for domain in result.stats["domains"]] == ["type1", "type1"]
    # vmxnet3 reads at address 0 even when all is well.
    if ioplane.guest.name != "vmxnet3":
        assert [domain["faults_total"] for domain in result.stats["domains"]] == [0, 0]


@pytest.mark.machines("e1000e", "igb", "virtio", "vmxnet3")
def test_every_frame_is_forwarded_from_domain_to_domain(ioplane, make_capture):
    path = make_capture(*FITS_A_RING)
    sent = captures.read_frames(path)
    result, received = replay_through(ioplane, path)
    captures.assert_same_frames(sent, as_sent(sent, received))
    assert_forwarded(ioplane, result, sent)


@pytest.mark.machines("igb")
def test_four_queues_forward_each_flow_in_order(ioplane, make_capture):
    path = make_capture(*FITS_A_RING)
    sent = captures.read_frames(path)
    result, received = replay_through(ioplane, path, "--rxq=4", "--txq=4")
    captures.assert_same_frames_per_flow(sent, as_sent(sent, received))
    assert_forwarded(ioplane, result, sent)
