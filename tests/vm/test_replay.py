# SPDX-License-Identifier: BSD-3-Clause
"""A capture replayed from one NIC arrives at the other, under DPDK's own drivers, byte for byte."""
import contextlib
import signal

import pytest
from scapy.utils import RawPcapWriter

import captures
from program import FITS_A_RING, as_sent, port

SMALL = ("--packets", "2000", "--flows", "100")
# All that can be under way fits one receive ring: QEMU holds frames back for a full one, and lets
# others overtake them. vmxnet3 takes no transmit ring of fewer than 512 descriptors.
ONE_QUEUE = ("--rxd=1024", "--txd=512")
FOUR_QUEUES = ("--rxd=1024", "--txd=128", "--rxq=4", "--txq=4")
# What a virtual function answers to, which the kernel's driver gives no address.
FUNCTION_MAC = "02:00:00:00:00:09"
TAGGED = b"\x81\x00"


def assert_counts(result, sent):
    """Ports, queues and the replay agree with the frames; nothing was lost, nothing refused."""
    size = sum(map(len, sent))
    sender, receiver = port(result, 0), port(result, 1)
    assert sender["stats"]["tx_packets"] == receiver["stats"]["rx_packets"] == len(sent)
    assert receiver["stats"]["rx_missed"] == receiver["stats"]["rx_nombuf"] == 0
    assert sum(queue["packets"] for queue in sender["tx_queues"]) == len(sent)
    assert sum(queue["bytes"] for queue in sender["tx_queues"]) == size
    assert sum(queue["packets"] for queue in receiver["rx_queues"]) == len(sent)
    (replayed,) = result.stats["replay"]
    assert (replayed["packets"], replayed["bytes"]) == (len(sent), size)
    assert [domain["backend"] for domain in result.stats["domains"]] == ["type1", "type1"]


def assert_no_fault(result):
    assert [domain["faults_total"] for domain in result.stats["domains"]] == [0, 0]


def replay_and_compare(ioplane, path, *args):
    """One queue: every frame, in the order sent."""
    sent = captures.read_frames(path)
    result, received = ioplane.replay(path, *ONE_QUEUE, *args)
    captures.assert_same_frames(sent, as_sent(sent, received))
    assert_counts(result, sent)
    return result


@pytest.mark.machines("e1000e", "igb", "virtio", "vmxnet3")
def test_every_frame_of_a_made_capture_arrives_in_order(ioplane, make_capture):
    result = replay_and_compare(ioplane, make_capture(*SMALL))
    # vmxnet3 reads at address 0 even when all is well.
    if ioplane.guest.name != "vmxnet3":
        assert_no_fault(result)


@pytest.mark.machines("e1000e", "igb", "virtio", "vmxnet3")
@pytest.mark.parametrize("name", ["vlan-http.pcap", "voip-sip-rtp-fax.pcap"])
def test_every_frame_of_a_shared_capture_arrives_in_order(ioplane, shared_capture, name):
    replay_and_compare(ioplane, shared_capture(name))


@pytest.mark.machines("e1000e")
def test_frames_too_short_for_ethernet_arrive_with_zeros_behind(ioplane, shared_capture):
    """lan-mixed-5898 has frames of 42 bytes and more, as a sending host captures them."""
    path = shared_capture("lan-mixed-5898.pcapng")
    assert min(map(len, captures.read_frames(path))) < 60
    replay_and_compare(ioplane, path)


@pytest.mark.machines("igb", "virtio-mq")
def test_four_queues_keep_the_order_of_each_flow(ioplane, make_capture):
    path = make_capture(*SMALL)
    sent = captures.read_frames(path)
    result, received = ioplane.replay(path, *FOUR_QUEUES)
    captures.assert_same_frames_per_flow(sent, as_sent(sent, received))
    assert_counts(result, sent)
    assert_no_fault(result)
    for queues in (port(result, 0)["tx_queues"], port(result, 1)["rx_queues"]):
        assert len(queues) == 4 and all(queue["packets"] > 0 for queue in queues)


@pytest.mark.machines("igb", "virtio-mq")
def test_four_queues_carry_a_shared_capture(ioplane, shared_capture):
    path = shared_capture("web-tls-browsing.pcap")
    sent = captures.read_frames(path)
    result, received = ioplane.replay(path, *FOUR_QUEUES)
    captures.assert_same_frames_per_flow(sent, as_sent(sent, received))
    assert_counts(result, sent)


@pytest.fixture
def to_function(make_capture, tmp_path):
    """A made capture whose frames are all for FUNCTION_MAC, without tags: the physical function
    gives a virtual one no others."""
    path = tmp_path / "function.pcap"
    mac = bytes.fromhex(FUNCTION_MAC.replace(":", ""))
    with contextlib.closing(RawPcapWriter(str(path), linktype=captures.ETHERNET)) as writer:
        for frame in captures.read_frames(make_capture(*FITS_A_RING)):
            if frame[12:14] != TAGGED:
                writer.write(mac + frame[6:])
    return path


def of_function(frames):
    """Those of the capture; the kernels of the physical functions talk on the wire too."""
    mac = bytes.fromhex(FUNCTION_MAC.replace(":", ""))
    return [frame for frame in frames if frame[:6] == mac]


@pytest.mark.machines("igb-vf")
def test_every_frame_arrives_from_function_to_function(ioplane, to_function):
    sent = captures.read_frames(to_function)
    result, received = ioplane.replay(to_function, *ONE_QUEUE,
                                      commands=[f"mac_addr set 1 {FUNCTION_MAC}"])
    captures.assert_same_frames(sent, of_function(as_sent(sent, received)))
    assert_no_fault(result)
    assert port(result, 0)["driver"] == "net_e1000_igb_vf"


@pytest.mark.machines("igb-vf")
def test_functions_work_one_at_a_time(guest, ioplane, to_function):
    """Two programs, each with one function, of which one sends and one receives."""
    sent = captures.read_frames(to_function)
    receiver = ioplane.start("--forward-mode=rxonly", *ONE_QUEUE,
                             "--capture", "0,file=received.pcap", nics=guest.nics[3:4],
                             eal=("--main-lcore=1",),
                             commands=[f"mac_addr set 0 {FUNCTION_MAC}", "start"])
    with receiver:
        receiver.wait_for("forwards packets")
        ioplane.run("--replay", f"0,file={ioplane.put(to_function)},topspeed", *ONE_QUEUE,
                    nics=guest.nics[:1])
        receiver.signal(signal.SIGINT)
        assert receiver.finish().status == 0, receiver.said()
    received = captures.read_frames(receiver.folder / "received.pcap")
    captures.assert_same_frames(sent, of_function(as_sent(sent, received)))
