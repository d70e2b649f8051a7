# SPDX-License-Identifier: BSD-3-Clause
"""What a port lets in: addresses, tags, lengths, and nothing while its link or queue is down."""
import json

import pytest
from scapy.layers.l2 import Dot1Q, Ether

import forwarding
from captures import assert_same_frames, read_frames

OWN, OTHER = "02:00:00:00:00:77", "02:00:00:00:00:78"
ADDRESSES = (OWN, OTHER, "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01")


def frame(target=OWN, vlan=None, size=100):
    tag = Dot1Q(vlan=vlan) if vlan is not None else b""
    head = Ether(src="02:00:00:00:00:01", dst=target, type=0x8100 if vlan is not None else 0x88B5)
    head = bytes(head / tag)
    return head + bytes(number % 251 for number in range(size - len(head)))


def received(ioplane, tmp_path, frames, *lines, options=()):
    """What port 1 receives of frames that port 0 replays, after these commands."""
    sent = forwarding.write_frames(tmp_path / "sent.pcap", frames)
    out = tmp_path / "out.pcap"
    result = ioplane.run("--replay", f"0,file={sent}", "--capture", f"1,file={out}", *options,
                         commands=[f"mac_addr set 1 {OWN}", *lines])
    return read_frames(out), result


@pytest.mark.parametrize("lines, let_in", [
    ([], ADDRESSES),
    (["set promisc 1 off"], (OWN, "ff:ff:ff:ff:ff:ff")),
    (["set promisc 1 off", "set allmulti 1 on"], (OWN, *ADDRESSES[2:])),
    (["set promisc 1 off", f"mac_addr add 1 {OTHER}"], ADDRESSES[:3]),
    (["set promisc 1 off", f"mac_addr add 1 {OTHER}", f"mac_addr remove 1 {OTHER}"],
     (OWN, "ff:ff:ff:ff:ff:ff")),
    (["set promisc all off", "set promisc 1 on"], ADDRESSES),
])
def test_a_port_takes_the_addresses_it_was_told_to(ioplane, tmp_path, lines, let_in):
    frames = {address: frame(address) for address in ADDRESSES}
    got, result = received(ioplane, tmp_path, frames.values(), *lines)
    assert_same_frames([frames[address] for address in let_in], got)
    assert result.port(0)["stats"]["tx_packets"] == 4


@pytest.mark.parametrize("lines, let_in", [
    ([], (None, 5, 6)),
    (["port stop 1", "vlan set filter on 1", "port start 1", "rx_vlan add 5 1"], (None, 5)),
    (["port stop 1", "vlan set filter on 1", "port start 1", "rx_vlan add all 1",
      "rx_vlan rm 5 1"], (None, 6)),
])
def test_a_port_takes_the_vlans_it_was_told_to(ioplane, tmp_path, lines, let_in):
    frames = {vlan: frame(vlan=vlan) for vlan in (None, 5, 6)}
    got, _ = received(ioplane, tmp_path, frames.values(), *lines)
    assert_same_frames([frames[vlan] for vlan in let_in], got)


def test_a_tag_is_stripped_when_asked_for(ioplane, tmp_path):
    tagged = frame(vlan=5)
    got, _ = received(ioplane, tmp_path, [tagged], "port stop 1", "vlan set strip on 1",
                      "port start 1")
    assert_same_frames([tagged[:12] + tagged[16:]], got)


@pytest.mark.parametrize("mtu, let_in", [(1500, 1514), (1000, 1014), (9000, 9014)])
def test_frames_up_to_the_mtu_pass_whole_and_longer_ones_are_counted(
        ioplane, tmp_path, mtu, let_in):
    lines = ["port stop 1", f"port config mtu 1 {mtu}", "port start 1"]
    fits, too_long = frame(size=let_in), frame(size=let_in + 100)
    got, result = received(ioplane, tmp_path, [fits, too_long, fits], *lines,
                           options=["--max-pkt-len", "9618"])
    assert_same_frames([fits, fits], got)
    assert result.port(1)["stats"]["rx_errors"] == 1
    assert result.port(0)["stats"]["tx_packets"] == 3


def test_a_link_that_is_down_lets_nothing_through_and_up_again_it_does(ioplane):
    down = ["set fwd rxonly", "set link-down port 1", "start tx_first", "stop"]
    result = ioplane.run(commands=[*down, "show port info 0"])
    assert [result.port(n)["stats"]["rx_packets"] for n in (0, 1)] == [0, 0]
    assert result.port(0)["stats"]["tx_errors"] == 32
    assert "Link status: down" in result.stdout
    result = ioplane.run(commands=[*down, "set link-up port 1", "start tx_first", "stop",
                                   "show port info 0"])
    assert [result.port(n)["stats"]["rx_packets"] for n in (0, 1)] == [32, 32]
    assert "Link status: up" in result.stdout


def test_a_stopped_queue_neither_sends_nor_receives_until_it_is_started(ioplane):
    options = ["--rxq", "2", "--txq", "2", "--disable-rss"]
    stopped = ["set fwd rxonly", "port 0 txq 1 stop", "start tx_first", "stop"]
    result = ioplane.run(*options, commands=stopped)
    assert [queue["packets"] for queue in result.port(0)["tx_queues"]] == [32, 0]
    assert [queue["packets"] for queue in result.port(1)["rx_queues"]] == [32, 0]
    result = ioplane.run(*options, commands=[*stopped, "port 0 txq 1 start", "start tx_first",
                                             "stop"])
    assert [queue["packets"] for queue in result.port(0)["tx_queues"]] == [64, 32]


def test_the_queue_that_a_flow_goes_to_is_the_table_s_to_say(ioplane):
    options = ["--rxq", "4", "--txq", "4", "--rxd", "1024", "--json"]
    result = ioplane.run(*options, commands=["set fwd rxonly", "port config all rss udp",
                                             "show port 1 rss-hash", "start tx_first 2", "stop"])
    shown = [json.loads(line) for line in result.stdout.splitlines() if line[:1] in "[{"]
    assert "udp" in json.dumps(shown[0])
    packets = [queue["packets"] for queue in result.port(1)["rx_queues"]]
    assert sorted(packets) == [0, 0, 0, 256], "one flow, one queue"
