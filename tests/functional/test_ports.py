# SPDX-License-Identifier: BSD-3-Clause
"""Ports come and go, stop and start, and grow, while the others go on."""
import re

import pytest

import harness

AGAIN = ["port stop 1", "port detach 1", "port attach net_dmanic1,cable=net_dmanic0",
         "port start 1"]
RUN = ["start tx_first", "stop"]


def totals(text):
    """RX-packets and TX-packets of all ports together, for each run."""
    sums = re.findall(r"Accumulated.*?RX-packets: (\d+).*?TX-packets: (\d+)", text, re.S)
    return [(int(rx), int(tx)) for rx, tx in sums]


def run(ioplane, *lines, **options):
    return ioplane.run(commands=lines, **options)


def test_a_port_comes_back_more_often_than_dpdk_has_heaps(ioplane):
    found = totals(run(ioplane, *RUN, *(AGAIN + RUN) * 40).stdout)
    assert len(found) == 41
    assert all(rx == tx > 0 for rx, tx in found)


def test_detached_and_attached_ports_count_from_0(ioplane):
    result = run(ioplane, *RUN, *AGAIN)
    assert result.port(1)["stats"]["rx_packets"] == 0
    assert result.port(0)["stats"]["rx_packets"] > 0


def test_queues_and_rings_grow_past_the_memory_of_the_start(ioplane):
    grow = ["port stop all", "port config all rxq 16", "port config all txq 16",
            "port config all rxd 4096", "port config all txd 4096", "port start all"]
    result = run(ioplane, *RUN, *grow, *RUN)
    assert all(rx == tx > 0 for rx, tx in totals(result.stdout))
    assert [len(result.port(n)["rx_queues"]) for n in (0, 1)] == [16, 16]
    assert [domain["faults_total"] for domain in result.stats["domains"]] == [0, 0]


def test_a_port_whose_queues_are_set_up_in_part_starts_with_fewer(ioplane):
    def all_ports(rings, descriptors):
        return [f"port config all {what} {number}" for what, number in
                [("rxq", rings), ("txq", rings), ("rxd", descriptors), ("txd", descriptors)]]
    lines = ["port stop all", *all_ports(16, 4096), "port start 0", *all_ports(1, 128),
             "port start 0", "port stop 0"]
    # DPDK's own memory holds what a few of the 32 queues need beside their rings.
    result = ioplane.run("--keep-going", "--total-num-mbufs", "2048", "--mbcache", "0",
                         eal=["--no-huge", "-m", "2"], vdevs=harness.PAIR[:1], commands=lines,
                         status=1, stats=False)
    (told,) = [line for line in result.stderr.splitlines() if "commands.1:" in line]
    assert "commands.1:6: port 0: a receive queue of 4096 descriptors cannot be set up" in told


def test_jumbo_frames_pass_after_the_length_is_raised(ioplane):
    longer = ["port stop all", "port config all max-pkt-len 9600", "port start all",
              "set txpkts 2048,2048,2048,2048", "set port 0 fwd txonly", "set port 1 fwd rxonly"]
    result = run(ioplane, *longer, *RUN)
    received = result.port(1)["stats"]
    assert received["rx_packets"] > 0
    assert received["rx_bytes"] == 8192 * received["rx_packets"]


def test_without_the_length_they_are_counted_and_not_cut(ioplane):
    result = run(ioplane, "set txpkts 2048,2048,2048,2048", "set port 0 fwd txonly",
                 "set port 1 fwd rxonly", *RUN)
    assert result.port(1)["stats"]["rx_packets"] == 0
    assert result.port(1)["stats"]["rx_errors"] + result.port(0)["stats"]["tx_errors"] > 0


def test_a_reset_port_forwards_again(ioplane):
    found = totals(run(ioplane, *RUN, "port stop all", "port reset all", "port start all",
                       *RUN).stdout)
    assert all(rx == tx > 0 for rx, tx in found)


def test_closed_ports_leave_and_new_ones_take_their_place(ioplane):
    result = run(ioplane, *RUN, "port stop all", "port close all", "port detach 0",
                 "port detach 1", "port attach net_dmanic5", "port start 0", *RUN)
    (port,) = result.stats["ports"]
    assert port["name"] == "net_dmanic5"
    assert len(result.stats["domains"]) == 1


def test_a_stopped_queue_has_no_stream(ioplane):
    queues = ["--rxq", "4", "--txq", "4"]
    stopped = ["port 0 rxq 3 stop", "port 1 txq 2 stop", "set nbcore 1", "start", "stop"]
    text = ioplane.run(*queues, commands=stopped).stdout
    assert "streams=6" in text
    assert "RX P=0/Q=3" not in text and "TX P=1/Q=2" not in text
    both = [*stopped[:2], "port 0 rxq 3 start", "port 1 txq 2 start", "start", "stop"]
    assert "streams=8" in ioplane.run(*queues, commands=both).stdout


def test_a_port_that_starts_again_starts_all_its_queues(ioplane):
    lines = ["port 0 rxq 3 stop", "port 1 txq 2 stop", "port stop all", "port start all",
             "start", "stop"]
    assert "streams=8" in ioplane.run("--rxq", "4", "--txq", "4", commands=lines).stdout


def test_a_stopped_queue_stays_stopped_when_rights_change(ioplane):
    # Each port sends what it received: it stops while its own buffers become readable.
    lines = ["port 1 rxq 1 stop", "start", "stop", "show rxq info 1 1"]
    text = ioplane.run("--rxq", "2", "--txq", "2", "--port-topology", "loop",
                       commands=lines).stdout
    assert "Rx queue state: stopped" in text


def test_show_fwd_stats_after_a_port_went_names_those_that_are_there(ioplane):
    text = run(ioplane, *RUN, "port stop 1", "port detach 1", "show fwd stats all").stdout
    assert text.rstrip().count("Forward statistics for port 1") == 1


@pytest.mark.parametrize("lines, reason", [
    (["port start 0"], "port 0 is started already"),
    (["port detach 0"], "port stop 0 first"),
    (["port close 0"], "port stop 0 first"),
    (["port stop 0", "port stop 0"], "port 0 is not started"),
    (["port stop 0", "start"], "port start 0 first"),
    (["port attach net_dmanic0"], "is there already as port 0"),
    (["port attach net_dmanic7,eal-memory=yes"], "leave eal-memory out"),
    (["port attach net_dmanic7,unit=16"], "unit is a number from 0 to 15"),
    (["port config all rxq 2"], "port stop all first"),
    (["port config mtu 0 9000"], "port stop 0 first"),
    (["port stop all", "port config all rxq 33", "port start all"], "at most 32 receive queues"),
    (["port stop all", "port config all rxq 4", "port start all", "start"], "--txq 4"),
    (["port 0 rxq 7 stop"], "queue 7: give a number from 0 to 0"),
    (["start", "port stop all"], "stop first"), (["start", "set fwd io"], "stop first"),
    (["start", "port detach 0"], "stop first"), (["start", "start"], "stop first"),
    (["port stop 0", "port close 0", "set replay 0,file=/dev/null"], "port 0 is closed"),
    (["port stop 0", "port close 0", "set capture 0,file=/dev/null"], "port 0 is closed"),
    (["stop"], "not running"),
    (["set port 0 fwd txonly", "start"], "both transmit on queue 0 of port 0"),
])
def test_what_cannot_be_done_now_is_refused_with_the_next_step(ioplane, lines, reason):
    result = run(ioplane, *lines, status=1)
    told = [line for line in result.stderr.splitlines() if f":{len(lines)}: " in line]
    assert len(told) == 1 and reason in told[0]


def test_a_refused_command_leaves_the_ports_working(ioplane):
    lines = ["port stop all", "port config all rxq 33", "port start all",
             "port config all rxq 1", "port start all", *RUN]
    result = ioplane.run("--keep-going", commands=lines, status=1)
    assert all(rx == tx > 0 for rx, tx in totals(result.stdout))


def test_two_lcores_forward_on_four_queues(ioplane):
    result = ioplane.run("--nb-cores", "2", "--rxq", "4", "--txq", "4", forwarding=2,
                         vdevs=harness.PAUSING_PAIR, commands=["start tx_first 8", "stop"])
    assert "cores=2 - streams=8" in result.stdout
    assert all(rx == tx > 0 for rx, tx in totals(result.stdout))


def test_ports_of_other_drivers_forward_to_ours(ioplane):
    """net_null's buffers are in an arena too, which a dmanic is granted to send from."""
    result = ioplane.run(vdevs=("net_null0", "net_dmanic0"), commands=["start", "stop"])
    sent = result.port(1)["stats"]["tx_packets"]
    assert sent > 0 and result.stats["domains"][0]["faults_total"] == 0
    assert result.stats["domains"][0]["mappings"] == 3
