# SPDX-License-Identifier: BSD-3-Clause
"""Upstream testpmd drives net_dmanic as a plugin: what a user of any NIC would try on it."""
import re
import subprocess

import pytest

import harness

pytestmark = pytest.mark.upstream

LONE = ("net_dmanic0",)
SCATTER = ("--max-pkt-len=9200", "--enable-scatter", "--tx-offloads=0x8000")


def xstats(result, port):
    """The last `show port xstats` of a port."""
    part = result.stdout.rsplit(f"NIC extended statistics for port {port}", 1)[1]
    part = part.split("######", 1)[0]
    return {name: int(value) for name, value in re.findall(r"^(\w+): (\d+)$", part, re.M)}


def forwarded(result):
    """Sums of all ports of the last `stop`."""
    part = result.stdout.rsplit("Accumulated forward statistics", 1)[1]
    received, sent = (re.search(rf"{way}-packets: (\d+)", part) for way in ("RX", "TX"))
    return int(received[1]), int(sent[1])


def round_trip(testpmd, *args, start=("start tx_first",), seconds=0.5, **options):
    """Frames go in circles for a while; the run's result and both ports' figures."""
    result = testpmd.run([*start, seconds, "stop", "show port xstats all"], *args, **options)
    return result, [xstats(result, 0), xstats(result, 1)]


def assert_nothing_lost(ports):
    for ours, theirs in (ports, ports[::-1]):
        assert ours["tx_good_packets"] == theirs["rx_good_packets"]
        assert ours["tx_good_bytes"] == theirs["rx_good_bytes"]
        for name, value in ours.items():
            if re.search("error|missed|fault|refused|oversize|filtered|stopped|link_down", name):
                assert value == 0, name


@pytest.mark.parametrize("mode", ["io", "mac", "macswap"])
def test_forwarding_loses_nothing_and_counts_translations(testpmd, mode):
    _, ports = round_trip(testpmd, f"--forward-mode={mode}")
    assert_nothing_lost(ports)
    for port in ports:
        assert port["rx_good_packets"] > 1000
        for queue in ("rx_q0", "tx_q0"):
            lookups = port[f"{queue}_iotlb_lookups"]
            assert lookups == port[f"{queue}_iotlb_hits"] + port[f"{queue}_iotlb_misses"]
            # Payload, and a fetch and a write-back for at most 32 frames.
            assert lookups > port["rx_good_packets"]
            assert port[f"{queue}_iotlb_walk_reads"] > 0 or port[f"{queue}_iotlb_misses"] == 0


def test_rxonly_takes_what_txonly_sends(testpmd):
    """One port alone hears itself."""
    result = testpmd.run(["set fwd txonly", "start", 0.3, "stop", "set fwd rxonly", "start", 0.2,
                          "stop", "show port xstats 0"], vdevs=("net_dmanic0",))
    port = xstats(result, 0)
    assert port["tx_good_packets"] > 1000
    assert port["rx_good_packets"] >= 255
    assert port["tx_good_packets"] == port["rx_good_packets"] + port["rx_missed_errors"]


def test_txonly_with_pause_waits_for_a_receiver(testpmd):
    result = testpmd.run(["set fwd txonly", "start", 0.3, "stop", "show port xstats 0",
                          "set fwd rxonly", "start", 0.2, "stop", "show port xstats 1"],
                         vdevs=harness.PAUSING_PAIR)
    sent, port = xstats(result, 0), xstats(result, 1)
    assert sent["tx_good_packets"] == 255
    assert port["rx_good_packets"] > 255
    assert port["rx_missed_errors"] == 0


def test_flow_control_makes_senders_wait(testpmd):
    result = testpmd.run(["set flow_ctrl rx off tx on 1 1 1 0 mac_ctrl_frame_fwd off autoneg off 1",
                          "show port 1 flow_ctrl", "set fwd txonly", "start", 0.3, "stop",
                          "show port xstats all"])
    assert xstats(result, 0)["tx_good_packets"] == 255
    # The control: the other way nobody asked the sender to wait.
    assert xstats(result, 0)["rx_missed_errors"] > 0


def test_rss_spreads_flows_over_four_queues(testpmd):
    queues = ("--rxq=4", "--txq=4", "--rss-udp")
    result = testpmd.run(["set fwd txonly", "start", 0.3, "stop", "show port xstats all"],
                         *queues, "--txonly-multi-flow")
    sent, port = xstats(result, 0), xstats(result, 1)
    shares = [port[f"rx_q{i}_packets"] + port[f"rx_q{i}_missed_frames"] for i in range(4)]
    assert sum(shares) == sent["tx_good_packets"]
    assert min(shares) > sent["tx_good_packets"] / 8
    # The control: frames of one flow.
    result = testpmd.run(["set fwd txonly", "start", 0.3, "stop", "show port xstats all"],
                         *queues)
    sent, port = xstats(result, 0), xstats(result, 1)
    shares = [port[f"rx_q{i}_packets"] + port[f"rx_q{i}_missed_frames"] for i in range(4)]
    assert sorted(shares) == [0, 0, 0, sent["tx_good_packets"]]


def test_queue_sums_equal_port_totals(testpmd):
    _, ports = round_trip(testpmd, "--rxq=4", "--txq=4", "--rss-ip")
    assert_nothing_lost(ports)
    for port in ports:
        for way in ("rx", "tx"):
            for unit in ("packets", "bytes"):
                parts = sum(port[f"{way}_q{i}_{unit}"] for i in range(4))
                assert parts == port[f"{way}_good_{unit}"]


def test_hash_and_table_are_the_applications_to_set(testpmd):
    key = "0102030405060708" * 5
    result = testpmd.run(["port config 0 rss-hash-key ipv4 " + key, "show port 0 rss-hash key",
                          "port config 0 rss reta (0,3),(127,2)",
                          "show port 0 rss reta 128 (0xffffffffffffffff,0xffffffffffffffff)"],
                         "--rxq=4", "--txq=4", "--rss-ip", vdevs=LONE)
    assert key.upper() in result.stdout
    assert "RSS RETA configuration: hash index=0, queue=3" in result.stdout
    assert "RSS RETA configuration: hash index=127, queue=2" in result.stdout
    assert "RSS RETA configuration: hash index=1, queue=1" in result.stdout


@pytest.mark.parametrize("size", ["2000,2000,2000,2000,1000", "9000", "64,1,1400"])
def test_segments_and_jumbo_frames_with_scatter(testpmd, size):
    args = ("--mbuf-size=10240",) if size == "9000" else ()
    _, ports = round_trip(testpmd, *SCATTER, *args,
                          start=(f"set txpkts {size}", "start tx_first"))
    assert_nothing_lost(ports)
    length = sum(int(part) for part in size.split(","))
    assert ports[0]["rx_good_bytes"] == ports[0]["rx_good_packets"] * length
    assert ports[0]["rx_good_packets"] > 100


def test_frames_above_the_mtu_are_counted_not_cut(testpmd):
    _, ports = round_trip(testpmd, "--tx-offloads=0x8000", "--txpkts=2000")
    assert ports[1]["rx_good_packets"] == 0
    assert ports[1]["rx_q0_oversize_frames"] == 32
    assert ports[1]["rx_errors"] == 32


@pytest.mark.parametrize("iova", ["pa", "va"])
@pytest.mark.parametrize("memory", ["native", "xmem", "xmemhuge"])
def test_memory_of_every_kind_is_mapped(testpmd, memory, iova):
    """Not anon: testpmd asks for all of that memory to be mapped at IOVA 0."""
    _, ports = round_trip(testpmd, f"--mp-alloc={memory}", eal=[f"--iova-mode={iova}"])
    assert_nothing_lost(ports)
    assert ports[0]["rx_good_packets"] > 1000


def test_port_goes_through_its_life_twice(testpmd):
    again = ["port stop all", "port start all", "start tx_first", 0.3, "stop"]
    result = testpmd.run(
        ["start tx_first", 0.3, "stop", *again, "port stop all", "port reset all",
         "port start all", "start tx_first", 0.3, "stop", "port stop all", "port close 1",
         "device detach net_dmanic1", "show port summary 0",
         "port attach net_dmanic1,cable=net_dmanic0", *again, "show port xstats all"])
    assert result.stdout.count("Accumulated forward statistics") == 4
    assert "Device net_dmanic1 is detached" in result.stdout
    assert "Port 1 is attached" in result.stdout
    assert forwarded(result)[0] > 1000
    ports = [xstats(result, 0), xstats(result, 1)]
    assert ports[1]["rx_good_packets"] > 1000
    assert ports[1]["rx_missed_errors"] == 0


def test_link_is_up_when_both_ends_are(testpmd):
    result = testpmd.run(["show port summary all", "set link-down port 1", "show port summary all",
                          "set link-up port 1", "show port summary all"])
    states = [re.findall(r"net_dmanic\d\s+net_dmanic\s+(\w+)", part)
              for part in result.stdout.split("Number of available ports")[1:]]
    assert states == [["up", "up"], ["down", "down"], ["up", "up"]]


def test_frames_sent_without_a_link_are_counted(testpmd):
    result = testpmd.run(["set link-down port 1", "start tx_first", 0.2, "stop",
                          "show port xstats all"])
    for port in (0, 1):
        figures = xstats(result, port)
        assert figures["tx_good_packets"] == 0
        assert figures["tx_q0_link_down_frames"] == 32
        assert figures["tx_errors"] == 32


def test_queues_stop_and_start_alone(testpmd):
    result = testpmd.run(["set fwd rxonly", "port 1 rxq 1 stop", "set fwd txonly", "start", 0.2,
                          "stop", "show port xstats all", "port 1 rxq 1 start", "set fwd io",
                          "start tx_first", 0.3, "stop", "clear port xstats all",
                          "start tx_first", 0.3, "stop", "show port xstats all"],
                         "--rxq=2", "--txq=2")
    first = result.stdout.split("NIC extended statistics for port 1")[1]
    stopped = re.search(r"rx_queue_stopped: (\d+)", first)
    assert int(stopped[1]) > 0
    assert xstats(result, 1)["rx_queue_stopped"] == 0
    assert xstats(result, 1)["rx_q1_packets"] > 0


def test_only_our_addresses_are_received_unless_promiscuous(testpmd):
    """testpmd sends to 02:00:00:00:00:01 where nobody has that address."""
    steps = ["start tx_first", 0.2, "stop", "show port xstats 1"]
    result = testpmd.run(["set promisc all off", *steps])
    assert xstats(result, 1)["rx_mac_filtered"] == 32
    result = testpmd.run(["set promisc all off", "mac_addr add 1 02:00:00:00:00:01",
                          *steps], "--eth-peer=0,02:00:00:00:00:01")
    assert xstats(result, 1)["rx_mac_filtered"] == 0
    assert xstats(result, 1)["rx_good_packets"] > 0


def test_tags_are_inserted_stripped_and_filtered(testpmd):
    send = ["start tx_first", 0.2, "stop", "show port xstats all"]
    tag = ["port stop all", "tx_vlan set 0 5", "port start all", "set fwd rxonly"]
    result = testpmd.run([*tag, *send])
    assert xstats(result, 1)["rx_good_bytes"] == 32 * 68
    assert xstats(result, 0)["tx_good_bytes"] == 32 * 68
    result = testpmd.run([*tag, "vlan set strip on 1", "set verbose 1", *send])
    assert xstats(result, 1)["rx_good_bytes"] == 32 * 64
    assert "VLAN tci=0x5" in result.stdout
    result = testpmd.run([*tag, "vlan set filter on 1", "rx_vlan add 6 1", *send])
    assert xstats(result, 1)["rx_vlan_filtered"] == 32
    result = testpmd.run([*tag, "vlan set filter on 1", "rx_vlan add 5 1", *send])
    assert xstats(result, 1)["rx_vlan_filtered"] == 0
    assert xstats(result, 1)["rx_good_packets"] == 32


def test_queue_and_descriptor_states_are_shown(testpmd):
    result = testpmd.run(["show rxq info 0 0", "show txq info 0 0", "start tx_first", 0.1, "stop",
                          "show port 0 rxq 0 desc 0 status", "show port 0 rxq 0 desc 250 status",
                          "show port 0 txq 0 desc 0 status", "show port 0 rxq 0 desc used count"],
                         "--rxd=256", "--txd=512")
    for text in ("Number of RXDs: 256", "Number of TXDs: 512", "Desc status = AVAILABLE",
                 "Desc status = DONE"):
        assert text in result.stdout


@pytest.mark.parametrize("levels", [3, 4, 5])
def test_levels_of_the_tables_are_chosen_by_devarg(testpmd, levels):
    pair = (f"net_dmanic0,levels={levels}", f"net_dmanic1,cable=net_dmanic0,levels={levels}")
    # Three levels translate 39 bits: EAL's addresses begin at 4 GiB, far below their end.
    _, ports = round_trip(testpmd, vdevs=pair)
    assert_nothing_lost(ports)
    assert ports[0]["rx_good_packets"] > 1000


def test_two_forwarding_lcores_poll_the_two_ends(testpmd):
    _, ports = round_trip(testpmd, "--nb-cores=2", forwarding=2, start=("start tx_first 4",))
    assert_nothing_lost(ports)
    assert ports[0]["rx_good_packets"] > 1000


@pytest.mark.parametrize("devargs", ["cabel=net_dmanic1", "unit=16", "unit=x", "levels=6",
                                     "pause=maybe", "eal-memory=auto", "mac=1:2", "unit=0,unit=1",
                                     "mac=01:00:00:00:00:01"])
def test_wrong_devargs_are_refused(plugin, tmp_path, devargs):
    command = ["dpdk-testpmd", *harness.lcores(1), "--in-memory", "--no-pci", "-d", plugin,
               "--vdev", f"net_dmanic0,{devargs}", "--", "--total-num-mbufs=2048"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60,
                            stdin=subprocess.DEVNULL, check=False)
    said = result.stdout + result.stderr
    assert "net_dmanic: net_dmanic0: " in said
    assert "No probed ethernet devices" in said


def test_without_hugepages_it_walks_eal_memory(plugin, tmp_path):
    command = ["dpdk-testpmd", *harness.lcores(1), "--no-huge", "-m", "128", "--no-pci",
               f"--file-prefix=dmanic{tmp_path.name}", "-d", plugin]
    for vdev in harness.PAIR:
        command += ["--vdev", vdev]
    command += ["--", "-i", "--total-num-mbufs=4096"]
    with harness.Running(command, tmp_path) as running:
        running.wait_for("testpmd>")
        for line in ("start tx_first", "stop", "show port xstats all", "quit"):
            running.send(line)
        result = running.finish()
    assert result.status == 0, running.said()
    assert_nothing_lost([xstats(result, 0), xstats(result, 1)])
