# SPDX-License-Identifier: BSD-3-Clause
"""Each device may reach what the forwarding set-up needs, with the least rights, and no more."""
import json

import pytest

SHOW = "show iommu maps all"


def rights(ioplane, *lines, options=(), **how):
    """For each SHOW among the lines: the rights of each domain as a sorted list."""
    text = ioplane.run("--json", *options, commands=[*lines, "quit"], stats=False, **how).stdout
    answers = [json.loads(line) for line in text.splitlines() if line.startswith("[")]
    return [[sorted(m["prot"] for m in maps if m["domain"] == domain)
             for domain in sorted({m["domain"] for m in maps})] for maps in answers]


def test_before_the_first_start_a_device_has_its_rings_and_writes_its_buffers(ioplane):
    assert rights(ioplane, SHOW) == [[["rw", "w"], ["rw", "w"]]]


@pytest.mark.parametrize("mode", ["io", "mac", "macswap"])
def test_a_device_reads_the_buffers_that_it_forwards_and_never_writes_them(ioplane, mode):
    assert rights(ioplane, f"set fwd {mode}", "start", SHOW) == [[["r", "rw", "w"]] * 2]


def test_pools_by_queue_are_granted_as_one_pool_is(ioplane):
    (found,) = rights(ioplane, "start", SHOW, options=["--pool-per-queue", "--rxq=4", "--txq=4"])
    assert found == [["r", "rw", "w"]] * 2


def test_rights_that_are_needed_no_longer_are_taken_back(ioplane):
    before, after = rights(ioplane, "start", "stop", SHOW, "set fwd rxonly", "start", SHOW)
    assert before == [["r", "rw", "w"]] * 2
    assert after == [["rw", "w"]] * 2


def test_forwarding_one_way_grants_one_way(ioplane):
    (found,) = rights(ioplane, "set port 0 fwd io", "set port 1 fwd rxonly", "start", SHOW)
    assert found == [["rw", "w"], ["r", "rw", "w"]]


def test_a_port_that_sends_its_own_buffers_back_reads_and_writes_them(ioplane):
    (found,) = rights(ioplane, "start", SHOW, options=["--port-topology", "loop"])
    assert found == [["rw", "rw"]] * 2


def test_what_txonly_sends_is_read_only_and_what_it_receives_into_write_only(ioplane):
    (found,) = rights(ioplane, "set fwd txonly", "start", SHOW)
    assert found == [["r", "rw", "w"]] * 2


def test_a_replayed_capture_is_read_only(ioplane, make_capture):
    capture = make_capture("--packets", "100", "--flows", "10")
    (found,) = rights(ioplane, SHOW, options=["--replay", f"0,file={capture}"])
    assert found == [["r", "rw", "w"], ["rw", "w"]]


def test_in_a_shared_domain_both_devices_have_the_rights_of_both(ioplane):
    before, after = rights(ioplane, SHOW, "start", SHOW, options=["--domain", "shared"])
    assert before == [["rw", "rw", "w", "w"]]
    assert after == [["rw", "rw", "rw", "rw"]]


def test_a_port_that_goes_takes_all_its_mappings_along(ioplane):
    (found,) = rights(ioplane, "start", "stop", "port stop 1", "port detach 1", SHOW)
    assert found == [["rw", "w"]]


def test_a_domain_that_comes_anew_starts_without_the_rights_of_the_one_before(ioplane):
    again = ["port stop 1", "port detach 1", "port attach net_dmanic1,cable=net_dmanic0"]
    before, after = rights(ioplane, "start", "stop", *again, SHOW, "port start 1", "start", SHOW)
    assert before == [["rw", "w"]] * 2
    assert after == [["r", "rw", "w"]] * 2


def test_no_packet_is_refused_with_the_rights_that_are_granted(ioplane, make_capture):
    capture = make_capture("--packets", "1000", "--flows", "100")
    result = ioplane.run("--replay", f"0,file={capture},loop=3")
    assert [domain["faults_total"] for domain in result.stats["domains"]] == [0, 0]
    assert result.port(1)["stats"]["rx_packets"] == 3000


@pytest.mark.parametrize("layout", ["split", "inline"])
def test_with_headers_inline_the_rights_are_the_same(ioplane, layout):
    (found,) = rights(ioplane, "start", SHOW, options=["--mbuf-layout", layout])
    assert found == [["r", "rw", "w"]] * 2
