# SPDX-License-Identifier: BSD-3-Clause
"""What each engine does to packets, and how many it sends and counts."""
import re
import time

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

import captures
import harness

BURST = 32


def bounce(ioplane, tmp_path, capture, mode, *lines):
    """Port 0 replays, port 1 sends back what it receives; what port 0 then receives."""
    out = tmp_path / "out.pcap"
    result = ioplane.run("--port-topology", "loop", "--replay", f"0,file={capture}",
                         "--capture", f"0,file={out}",
                         commands=[f"set port 1 fwd {mode}", *lines, "start"])
    assert result.port(0)["stats"]["tx_packets"] == result.port(0)["stats"]["rx_packets"]
    return captures.read_frames(capture), captures.read_frames(out)


@pytest.fixture(name="frames")
def frames_fixture(make_capture):
    return make_capture("--packets", "500", "--flows", "50")


def test_io_changes_nothing(ioplane, tmp_path, frames):
    captures.assert_same_frames(*bounce(ioplane, tmp_path, frames, "io"))


def test_macswap_exchanges_the_addresses_and_nothing_else(ioplane, tmp_path, frames):
    sent, received = bounce(ioplane, tmp_path, frames, "macswap")
    swapped = [frame[6:12] + frame[:6] + frame[12:] for frame in sent]
    captures.assert_same_frames(swapped, received)
    assert sent != received


def test_mac_sends_from_the_port_to_its_peer(ioplane, tmp_path, frames):
    address = bytes.fromhex("0210203040ff")
    sent, received = bounce(ioplane, tmp_path, frames, "mac", "set eth-peer 1 02:10:20:30:40:ff",
                            "mac_addr set 1 02:00:00:00:00:77")
    own = bytes.fromhex("020000000077")
    captures.assert_same_frames([address + own + frame[12:] for frame in sent], received)


def test_the_option_and_the_command_name_the_same_peer(ioplane):
    text = ioplane.run("--eth-peer", "1,02:11:22:33:44:55", commands=["start", "stop"]).stdout
    assert "TX P=1/Q=0 (socket 0) peer=02:11:22:33:44:55" in text
    refused = ioplane.run("--eth-peer", "1", status=2)
    assert "give a port and a MAC address" in refused.stderr


def generate(ioplane, tmp_path, *lines, options=()):
    """What port 1 receives of port 0's txonly."""
    out = tmp_path / "generated.pcap"
    ioplane.run("--capture", f"1,file={out}", *options,
                commands=["set port 0 fwd txonly", "set port 1 fwd rxonly", *lines, "start",
                          "show port stats all", "stop"])
    return captures.read_frames(out)


def test_txonly_sends_sound_udp_packets_of_64_bytes(ioplane, tmp_path):
    frames = generate(ioplane, tmp_path)
    assert frames and {len(frame) for frame in frames} == {64}
    for frame in frames[:50]:
        packet = Ether(frame)
        assert packet[IP].src == "198.18.0.1" and packet[IP].dst == "198.18.0.2"
        assert packet[IP].len == 50 and packet[UDP].len == 30
        checksum, packet[IP].chksum = packet[IP].chksum, None
        assert Ether(bytes(packet))[IP].chksum == checksum


def test_txpkts_sets_the_length_over_several_segments(ioplane, tmp_path):
    frames = generate(ioplane, tmp_path, "set txpkts 64,300,500")
    assert frames and {len(frame) for frame in frames} == {864}
    assert Ether(frames[0])[IP].len == 850


def test_txonly_multi_flow_varies_the_source_with_a_sound_checksum(ioplane, tmp_path):
    frames = generate(ioplane, tmp_path, options=["--txonly-multi-flow"])
    packets = [Ether(frame) for frame in frames[:256]]
    assert len({packet[IP].src for packet in packets}) > 30
    for packet in packets[:20]:
        checksum, packet[IP].chksum = packet[IP].chksum, None
        assert Ether(bytes(packet))[IP].chksum == checksum


@pytest.mark.parametrize("bursts", [1, 5])
def test_tx_first_sends_exactly_so_many_bursts(ioplane, bursts):
    result = ioplane.run(commands=["set fwd rxonly", f"start tx_first {bursts}", "stop"])
    for number in (0, 1):
        stats = result.port(number)["stats"]
        assert stats["tx_packets"] == bursts * BURST
        assert result.port(number)["tx_queues"][0]["packets"] == bursts * BURST


def test_counters_of_queues_equal_those_of_the_device(ioplane):
    result = ioplane.run("--rxq", "3", "--txq", "3",
                         commands=["set fwd macswap", "start tx_first 4", "stop"])
    for port in result.stats["ports"]:
        for kind in ("rx", "tx"):
            for what in ("packets", "bytes"):
                queues = sum(queue[what] for queue in port[f"{kind}_queues"])
                assert queues == port["stats"][f"{kind}_{what}"]


def test_packets_that_no_device_takes_are_counted_as_dropped(ioplane):
    """Nobody empties port 1's receive ring: port 0's rings fill, and the rest is dropped."""
    with ioplane.start("-i", "--portlist", "0", "--forward-mode", "txonly",
                       vdevs=harness.PAUSING_PAIR) as running:
        running.send("start")
        for _ in range(100):
            running.send("show fwd stats all")
            time.sleep(0.1)
            if re.search(r"TX-dropped: [1-9]", running.stdout):
                break
        running.finish()
    report = ioplane.read_stats()
    (port,) = [port for port in report["ports"] if port["id"] == 0]
    (queue,) = port["tx_queues"]
    assert queue["drops"] > 0
    in_ring = queue["packets"] - port["stats"]["tx_packets"]
    assert 0 <= in_ring <= 512


def test_burst_statistics_and_cycles_are_printed_when_recorded(ioplane):
    lines = ["start tx_first", "stop"]
    text = ioplane.run("--record-burst-stats", "--record-core-cycles", commands=lines).stdout
    assert "RX-bursts : " in text and "TX-bursts : " in text and "CPU cycles/packet=" in text
    text = ioplane.run(commands=lines).stdout
    assert "bursts :" not in text and "cycles/packet" not in text


def test_engines_differ_by_port(ioplane):
    text = ioplane.run(commands=["set port 0 fwd rxonly", "set port 1 fwd io", "start",
                                 "stop"]).stdout
    assert "mixed packet forwarding - ports=2 - cores=1 - streams=2" in text
    assert "RX P=0/Q=0 (socket 0)\n" in text
    assert "RX P=1/Q=0 (socket 0) -> TX P=0/Q=0" in text


def test_chained_ports_send_to_the_next(ioplane):
    vdevs = ("net_null0", "net_null1", "net_null2")
    text = ioplane.run("--port-topology", "chained", vdevs=vdevs,
                       commands=["start", "stop"]).stdout
    for here, there in ((0, 1), (1, 2), (2, 0)):
        assert f"RX P={here}/Q=0 (socket 0) -> TX P={there}/Q=0" in text
