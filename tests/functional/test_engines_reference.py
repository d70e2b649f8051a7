# SPDX-License-Identifier: BSD-3-Clause
"""What engines do to frames that come through net_pcap, as upstream testpmd does it."""
import json
import re
import struct
import time

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

import forwarding
from captures import assert_same_frames, assert_same_frames_per_flow, read_frames

PACKETS = 300


@pytest.fixture(scope="module")
def traffic(make_capture):
    """A capture of all kinds of frames, and its frames."""
    path = make_capture("--packets", str(PACKETS), "--flows", "16")
    return path, read_frames(path)


def address(number):
    """The peer that a port sends to when none is set."""
    return bytes((2, 0, 0, 0, 0, number))


def mac_of(result, port):
    text = re.search(rf"^{port} +((?:[0-9A-F]{{2}}:){{5}}[0-9A-F]{{2}})", result.stdout, re.M)[1]
    return bytes.fromhex(text.replace(":", ""))


def expected_of(engine, frame, peer, own):
    if engine == "mac":
        return peer + own + frame[12:]
    if engine == "macswap":
        return frame[6:12] + frame[:6] + frame[12:]
    return frame


ENGINES = pytest.mark.parametrize("engine", ["io", "mac", "macswap"])


@ENGINES
def test_what_comes_in_goes_out_as_the_engine_promises(ioplane, tmp_path, traffic, engine):
    path, frames = traffic
    back = [frame[::-1] for frame in frames[:40]]
    vdevs, (out0, out1) = forwarding.pcap_ports(tmp_path, [path, back])
    result = forwarding.with_ioplane(
        ioplane, vdevs, [f"set fwd {engine}", "show port summary all"],
        {0: (PACKETS, 40), 1: (40, PACKETS)})
    for sent, got, number in ((frames, out1, 1), (back, out0, 0)):
        expected = [expected_of(engine, frame, address(number), mac_of(result, number))
                    for frame in sent]
        assert_same_frames(expected, read_frames(got))
        assert engine == "io" or expected != sent


@pytest.mark.upstream
@ENGINES
def test_forwarding_is_testpmd_s_byte_for_byte(ioplane, tmp_path, traffic, engine):
    path, frames = traffic
    runts = [frame[:size] for size, frame in zip((14, 15, 20, 59), frames)]
    sent = []
    for run, where in ((forwarding.with_ioplane, ioplane), (forwarding.with_testpmd, tmp_path)):
        vdevs, outputs = forwarding.pcap_ports(tmp_path, [path, runts])
        run(where, vdevs, [f"set fwd {engine}", "set eth-peer 0 02:11:22:33:44:55"],
            {0: (PACKETS, 4), 1: (4, PACKETS)})
        sent.append([read_frames(output) for output in outputs])
    for ours, theirs in zip(*sent):
        assert len(theirs) in (4, PACKETS)
        assert_same_frames(theirs, ours)


# --- who sends to whom -----------------------------------------------------------------------------

def routes(outputs, marks):
    """The route from each port, by the mark that its only frame carries."""
    found = {}
    for number, output in enumerate(outputs):
        for frame in read_frames(output):
            found[marks.index(frame)] = number
    return found


@pytest.mark.upstream
@pytest.mark.parametrize("topology, ports, expected", [
    ("paired", 4, {0: 1, 1: 0, 2: 3, 3: 2}), ("paired", 3, {0: 1, 1: 0, 2: 2}),
    ("chained", 4, {0: 1, 1: 2, 2: 3, 3: 0}), ("chained", 3, {0: 1, 1: 2, 2: 0}),
    ("loop", 4, {0: 0, 1: 1, 2: 2, 3: 3}),
])
def test_topologies_are_testpmd_s(ioplane, tmp_path, topology, ports, expected):
    marks = [bytes([number]) * 60 for number in range(ports)]
    for run, where in ((forwarding.with_ioplane, ioplane), (forwarding.with_testpmd, tmp_path)):
        vdevs, outputs = forwarding.pcap_ports(tmp_path, [[mark] for mark in marks])
        run(where, vdevs, [], {number: (1, 1) for number in range(ports)},
            f"--port-topology={topology}")
        assert routes(outputs, marks) == expected


def test_a_list_of_ports_is_also_their_order(ioplane, tmp_path):
    marks = [bytes([number]) * 60 for number in range(4)]
    vdevs, outputs = forwarding.pcap_ports(tmp_path, [[mark] for mark in marks])
    forwarding.with_ioplane(ioplane, vdevs, ["set portlist 0,2,1"],
                            {0: (1, 1), 1: (1, 1), 2: (1, 1), 3: (0, 0)})
    assert routes(outputs, marks) == {0: 2, 2: 0, 1: 1}


# --- the chain: 0 replays -> cable -> 1 forwards to 2 -> cable -> 3 captures ------------------------

CHAIN = ("net_dmanic0", "net_dmanic1,cable=net_dmanic0", "net_dmanic2",
         "net_dmanic3,cable=net_dmanic2")


def through_chain(ioplane, capture, tmp_path, engine, *args, lcores=1, loops=1):
    """What a capture looks like behind port 1's engine, and the report."""
    out = tmp_path / "out.pcap"
    result = ioplane.run(
        "--portlist", "1,2,0,3", "--nb-cores", str(lcores), "--capture", f"3,file={out}",
        "--replay", f"0,file={capture},loop={loops}", *args, vdevs=CHAIN, forwarding=lcores,
        commands=["show port summary all", "set fwd io retry", "set port 0 fwd replay",
                  f"set port 1 fwd {engine}", f"set port 2 fwd {engine}", "set port 3 fwd rxonly"])
    return read_frames(out), result


def report_of(ioplane):
    return json.loads(ioplane.stats_file().read_text())


def assert_sums(result):
    for port in result.stats["ports"]:
        for way in ("rx", "tx"):
            for what in ("packets", "bytes"):
                total = sum(queue[what] for queue in port[f"{way}_queues"])
                assert total == port["stats"][f"{way}_{what}"], (port["id"], way, what)


@ENGINES
def test_frames_go_through_two_cables_and_an_engine(ioplane, tmp_path, traffic, engine):
    path, frames = traffic
    got, result = through_chain(ioplane, path, tmp_path, engine)
    own = mac_of(result, 2)
    assert_same_frames([expected_of(engine, frame, address(2), own) for frame in frames], got)
    assert_sums(result)
    assert [domain["faults_total"] for domain in result.stats["domains"]] == [0] * 4


@pytest.mark.parametrize("lcores", [1, 2, 3])
@pytest.mark.parametrize("layout", ["split", "inline"])
def test_four_queues_keep_each_flow_in_order_on_any_number_of_lcores(
        ioplane, tmp_path, traffic, lcores, layout):
    path, frames = traffic
    got, result = through_chain(ioplane, path, tmp_path, "macswap", "--rxq", "4", "--txq", "4",
                                "--rss-udp", "--mbuf-layout", layout, lcores=lcores, loops=3)
    swapped = [expected_of("macswap", frame, None, None) for frame in frames] * 3
    assert_same_frames_per_flow(swapped, got)
    assert_sums(result)
    used = [queue["packets"] > 0 for queue in result.port(1)["rx_queues"]]
    assert used.count(True) > 1, "flows are spread"
    # queue by queue, what port 1 receives is what port 2 sends
    assert ([queue["packets"] for queue in result.port(1)["rx_queues"]]
            == [queue["packets"] for queue in result.port(2)["tx_queues"]])
    sent, received = result.port(0)["stats"], result.port(1)["stats"]
    assert sent["tx_packets"] == received["rx_packets"] + received["rx_missed"] == 3 * PACKETS


def test_every_lcore_has_streams_and_every_stream_an_lcore(ioplane):
    result = ioplane.run("--rxq", "4", "--txq", "4", "--nb-cores", "3", "--json",
                         forwarding=3, commands=["start", "show config fwd", "stop"])
    shown = next(json.loads(line) for line in result.stdout.splitlines() if '"streams"' in line)
    by_lcore = {}
    for stream in shown["streams"]:
        by_lcore.setdefault(stream["lcore"], []).append((stream["rx"]["port"],
                                                         stream["rx"]["queue"]))
    assert sorted(by_lcore) == [1, 2, 3]
    assert sorted(len(streams) for streams in by_lcore.values()) == [2, 3, 3]
    assert sorted(sum(by_lcore.values(), [])) == [(p, q) for p in (0, 1) for q in range(4)]


# --- packets made here -------------------------------------------------------------------------------

def made_packet(source, target, size):
    """What testpmd's txonly sends: RFC 2544's addresses, UDP discard."""
    packet = (Ether(src=source, dst=target) / IP(src="198.18.0.1", dst="198.18.0.2", id=0)
              / UDP(sport=9, dport=9, chksum=0) / bytes(size - 42))
    return bytes(packet)


def assert_made(lengths, expected, got):
    """The same first segments and lengths: nothing is promised of what later segments hold."""
    first = int(lengths.split(",")[0])
    assert_same_frames([frame[:first] for frame in expected], [frame[:first] for frame in got])
    assert [len(frame) for frame in got] == [len(frame) for frame in expected]


def pcap_senders(tmp_path):
    return forwarding.pcap_ports(tmp_path, [[], []])


@pytest.mark.parametrize("lengths", ["64", "60", "1514", "64,32,200", "42,1,1,1,1,1,1,1"])
def test_txonly_sends_packets_of_the_lengths_asked_for(ioplane, tmp_path, lengths):
    vdevs, (out, _) = pcap_senders(tmp_path)
    size = sum(map(int, lengths.split(",")))
    result = forwarding.with_ioplane(
        ioplane, vdevs, ["set fwd rxonly", f"set txpkts {lengths}", "show port summary all",
                         "start tx_first 2", "stop"], {0: (0, 64)})
    own = mac_of(result, 0).hex(":")
    frames = read_frames(out)
    assert_made(lengths, [made_packet(own, address(0).hex(":"), size)] * 64, frames)


@pytest.mark.upstream
@pytest.mark.parametrize("args", [[], ["--txonly-multi-flow"]], ids=["one flow", "many flows"])
@pytest.mark.parametrize("lengths", ["64", "100,60,40"])
def test_what_is_sent_first_is_testpmd_s_byte_for_byte(ioplane, tmp_path, lengths, args):
    sent = []
    for run, where in ((forwarding.with_ioplane, ioplane), (forwarding.with_testpmd, tmp_path)):
        vdevs, outputs = pcap_senders(tmp_path)
        run(where, vdevs, [f"set txpkts {lengths}", "set fwd rxonly", "start tx_first 3", "stop"],
            {0: (0, 96), 1: (0, 96)}, *args)
        sent.append([read_frames(output) for output in outputs])
    for ours, theirs in zip(*sent):
        assert len(theirs) == 96
        if args:
            # testpmd's flows go on from port to port: where they begin is no promise
            assert len({flow_source(frame) for frame in ours}) == 96
            ours, theirs = ([without_flow(frame) for frame in each] for each in (ours, theirs))
        assert_made(lengths, theirs, ours)


def flow_source(frame):
    return struct.unpack("!I", frame[26:30])[0]


def without_flow(frame):
    assert IP(frame[14:34]).chksum == IP(bytes(IP(frame[14:34]))).chksum
    return frame[:24] + bytes(6) + frame[30:]


def test_txonly_to_rxonly_counts_the_same_at_both_ends(ioplane):
    with ioplane.start("-i", "--txpkts", "100,200,300", "--rxq", "2", "--txq", "2") as running:
        for line in ("set fwd txonly", "set port 1 fwd rxonly", "start"):
            running.send(line)
        running.wait_for("RX P=1/Q=1")
        for line in ("show port stats 1", "stop", "quit"):
            running.send(line)
        result = running.finish()
    result.stats = report_of(ioplane)
    sent, received = result.port(0)["stats"], result.port(1)["stats"]
    assert sent["tx_packets"] == received["rx_packets"] + received["rx_missed"] > 0
    assert received["rx_bytes"] == 600 * received["rx_packets"]
    assert received["tx_packets"] == 0 == sent["rx_packets"]
    assert_sums(result)


def test_txonly_over_dmanic_sends_what_it_sends_over_net_pcap(ioplane, tmp_path):
    out = tmp_path / "out.pcap"
    with ioplane.start("-i", "--json", "--txpkts", "64,100", stats=False) as running:
        for line in ("set fwd rxonly", f"set capture 1,file={out}", "show port info 0",
                     "set eth-peer 0 02:11:22:33:44:55", "start tx_first 2"):
            running.send(line)
        forwarding.await_polled(running, {1: 64})
        running.send("quit")
        result = running.finish()
    own = re.search(r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}", result.stdout)[0]
    assert_made("64", [made_packet(own, "02:11:22:33:44:55", 164)] * 64, read_frames(out))


def test_multi_flow_spreads_over_receive_queues(ioplane):
    queues = []
    for args in ([], ["--txonly-multi-flow"]):
        result = ioplane.run("--rxq", "4", "--txq", "4", "--rxd", "4096", *args,
                             commands=["set fwd rxonly", "start tx_first 8", "stop"])
        queues.append([queue["packets"] for queue in result.port(1)["rx_queues"]])
        assert_sums(result)
        assert sum(queues[-1]) == 4 * 8 * 32
    assert sorted(queues[0])[:3] == [0, 0, 0]
    assert min(queues[1]) > 0


@pytest.mark.parametrize("bursts", [1, 2, 7])
def test_tx_first_sends_so_many_bursts_on_every_queue(ioplane, bursts):
    result = ioplane.run("--burst", "16", commands=["set fwd rxonly", f"start tx_first {bursts}",
                                                    "stop"])
    for port in (0, 1):
        assert result.port(port)["stats"]["tx_packets"] == 16 * bursts
        assert result.port(port)["stats"]["rx_packets"] == 16 * bursts


@pytest.mark.parametrize("burst", [1, 8, 32, 512])
def test_bursts_are_of_the_size_that_was_set(ioplane, burst):
    sizes = []
    with ioplane.start("-i", "--record-burst-stats", "--rxd", "1024", "--txd", "1024",
                       stats=False) as running:
        for line in (f"set burst {burst}", "set fwd rxonly", "start tx_first 1"):
            running.send(line)
        for _ in range(200):
            running.send("show fwd stats all")
            time.sleep(0.05)
            sizes = re.findall(r"RX-bursts : .* \+ \d+% of (\d+) pkts", running.stdout)
            if len(sizes) >= 2:
                break
        running.send("quit")
        running.finish()
    assert len(sizes) >= 2 and set(sizes) == {str(burst)}


# --- one engine a port ---------------------------------------------------------------------------------

def test_each_port_has_the_engine_it_was_given(ioplane, tmp_path, traffic):
    path, frames = traffic
    vdevs, outputs = forwarding.pcap_ports(tmp_path, [path, path, path, path])
    result = forwarding.with_ioplane(
        ioplane, vdevs,
        ["set fwd io", "set port 1 fwd macswap", "set port 2 fwd rxonly", "show port summary all",
         "set port 3 fwd mac"],
        {0: (PACKETS, PACKETS), 1: (PACKETS, PACKETS), 2: (PACKETS, PACKETS), 3: (PACKETS, 0)})
    assert_same_frames(frames, read_frames(outputs[1]))
    assert_same_frames([expected_of("macswap", frame, None, None) for frame in frames],
                       read_frames(outputs[0]))
    assert_same_frames([expected_of("mac", frame, address(2), mac_of(result, 2))
                        for frame in frames], read_frames(outputs[2]))
    assert "mixed packet forwarding" in result.stdout


def test_two_engines_may_not_transmit_on_one_queue(ioplane):
    result = ioplane.run(commands=["set fwd txonly", "set port 0 fwd io", "start"], status=1)
    assert "both transmit on queue 0 of port 1" in result.stderr
    assert "set port P fwd" in result.stderr
    ioplane.run(commands=["set fwd txonly", "set port 0 fwd rxonly", "start", "stop"])


def test_the_mode_is_on_the_command_line_too(ioplane, tmp_path, traffic):
    path, frames = traffic
    vdevs, (_, out) = forwarding.pcap_ports(tmp_path, [path, []])
    forwarding.with_ioplane(ioplane, vdevs, [], {0: (PACKETS, 0), 1: (0, PACKETS)},
                            "--forward-mode", "macswap")
    assert_same_frames([expected_of("macswap", frame, None, None) for frame in frames],
                       read_frames(out))
