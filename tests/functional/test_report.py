# SPDX-License-Identifier: BSD-3-Clause
"""The report on exit: its keys, its sums, and that screen and JSON say the same."""
import copy
import json
import subprocess

import pytest

import harness
import schema
import screen

NULL_PAIR = ("net_null0", "net_null1")


@pytest.fixture(scope="module")
def small_capture(make_capture):
    return make_capture("--packets", "2000", "--flows", "64")


def replay(ioplane, capture, *options, **more):
    return ioplane.run("--replay", f"0,file={capture},loop=3,topspeed", *options, **more)


def assert_sums(port):
    """Queue sums equal port totals."""
    for direction in ("rx", "tx"):
        queues = port[f"{direction}_queues"]
        for unit in ("packets", "bytes"):
            assert sum(queue[unit] for queue in queues) == port["stats"][f"{direction}_{unit}"]


@pytest.mark.parametrize("queues", [1, 4])
def test_queue_sums_equal_port_totals(ioplane, small_capture, queues):
    result = replay(ioplane, small_capture, f"--rxq={queues}", f"--txq={queues}")
    for number in (0, 1):
        port = result.port(number)
        assert len(port["rx_queues"]) == len(port["tx_queues"]) == queues
        assert_sums(port)
    assert result.port(0)["stats"]["tx_packets"] == 6000
    assert sum(queue["packets"] > 0 for queue in result.port(1)["rx_queues"]) == queues


def test_queues_beyond_what_ethdev_counts_add_up_too(ioplane, make_capture):
    capture = make_capture("--packets", "2000", "--flows", "1000")
    result = replay(ioplane, capture, "--rxq=32", "--txq=32")
    for number, direction in ((0, "tx"), (1, "rx")):
        port = result.port(number)
        assert_sums(port)
        queues = port[f"{direction}_queues"]
        assert len(queues) == 32 and all(queue["packets"] > 0 for queue in queues)
        assert all(queue["iotlb"]["lookups"] >= queue["packets"] for queue in queues)


def test_a_packet_missing_from_a_queue_would_be_seen(ioplane, small_capture):
    port = copy.deepcopy(replay(ioplane, small_capture).port(1))
    port["rx_queues"][0]["packets"] -= 1
    with pytest.raises(AssertionError):
        assert_sums(port)


@pytest.mark.parametrize("pause", ["on", "off"])
def test_transmitted_is_received_plus_counted_drops(ioplane, small_capture, pause):
    vdevs = (f"net_dmanic0,pause={pause}", f"net_dmanic1,cable=net_dmanic0,pause={pause}")
    result = replay(ioplane, small_capture, vdevs=vdevs)
    sent, got = result.port(0)["stats"], result.port(1)["stats"]
    assert sent["tx_packets"] == got["rx_packets"] + got["rx_missed"] + got["rx_errors"]
    assert sent["tx_packets"] > 0
    if pause == "on":
        assert got["rx_missed"] == 0
        assert got["rx_bytes"] == sent["tx_bytes"]


def test_the_report_has_exactly_the_keys_of_the_interface(ioplane, small_capture):
    result = replay(ioplane, small_capture)
    schema.check(result.stats)
    assert result.stats["version"] == 1
    assert result.stats["duration_ns"] > 0
    assert [domain["devices"] for domain in result.stats["domains"]] == [
        ["net_dmanic0"], ["net_dmanic1"]]
    (line,) = result.stats["replay"]
    assert (line["port"], line["packets"], line["loops"]) == (0, 6000, 3)
    assert line["file"] == str(small_capture)


def test_a_key_more_would_be_seen(ioplane, small_capture):
    stats = replay(ioplane, small_capture).stats
    stats["ports"][0]["rx_queues"][0]["iotlb"]["more"] = 1
    with pytest.raises(AssertionError, match="iotlb"):
        schema.check(stats)


def test_lookups_are_hits_plus_misses_and_misses_read_tables(ioplane, small_capture):
    result = replay(ioplane, small_capture)
    used = [result.port(0)["tx_queues"][0]["iotlb"], result.port(1)["rx_queues"][0]["iotlb"]]
    for iotlb in used:
        assert iotlb["source"] == "exact"
        assert iotlb["lookups"] == iotlb["hits"] + iotlb["misses"]
        assert iotlb["lookups"] >= 6000
        assert iotlb["misses"] > 0
        assert iotlb["walk_reads"] >= iotlb["misses"]
        assert iotlb["faults"] == 0


def test_the_screen_says_what_the_json_says(ioplane, small_capture):
    result = replay(ioplane, small_capture, "--rxq=2", "--txq=2")
    found = screen.tables(result.stdout)
    ports = [dict(row) for row in found["Ports"]]
    assert len(ports) == len(result.stats["ports"])
    for row, port in zip(ports, result.stats["ports"]):
        assert (row["name"], row["driver"]) == (port["name"], port["driver"])
        assert screen.number(row["domain"]) == port["domain"]
        for key, value in port["stats"].items():
            assert screen.number(row[key.replace("_", "-")]) == value
    queues = [dict(row) for row in found["Queues and their IOTLB"]]
    wanted = [(port["id"], direction, queue) for port in result.stats["ports"]
              for direction in ("rx", "tx") for queue in port[f"{direction}_queues"]]
    assert len(queues) == len(wanted)
    for row, (port, direction, queue) in zip(queues, wanted):
        assert (row["port"], row["queue"]) == (str(port), f"{direction}{queue['queue']}")
        assert row["source"] == queue["iotlb"]["source"]
        for column, value in (("packets", queue["packets"]), ("bytes", queue["bytes"]),
                              ("drops", queue["drops"]),
                              ("iotlb-lookups", queue["iotlb"]["lookups"]),
                              ("hits", queue["iotlb"]["hits"]),
                              ("misses", queue["iotlb"]["misses"]),
                              ("walk-reads", queue["iotlb"]["walk_reads"]),
                              ("faults", queue["iotlb"]["faults"])):
            assert screen.number(row[column]) == value, (row, column)
    for row, domain in zip(found["Domains"], result.stats["domains"]):
        row = dict(row)
        assert int(row["mappings"]) == domain["mappings"] > 0
        assert int(row["mapped-bytes"]) == domain["mapped_bytes"] > 0
        assert int(row["2M-pages"]) == domain["page_sizes"]["2097152"]
    (row,), (line,) = found["Replays"], result.stats["replay"]
    row = dict(row)
    assert row["file"] == line["file"]
    for column, key in (("packets", "packets"), ("bytes", "bytes"), ("loops", "loops"),
                        ("elapsed-ns", "elapsed_ns"), ("requested-pps", "requested_pps"),
                        ("achieved-pps", "achieved_pps")):
        assert screen.number(row[column]) == line[key]


def test_a_port_without_a_domain_has_no_iotlb_figures(ioplane):
    result = ioplane.run("--nb-cores=1", vdevs=NULL_PAIR, commands=["start", "stop"])
    schema.check(result.stats)
    for port in result.stats["ports"]:
        assert port["domain"] is None
        assert_sums(port)
        for queue in port["rx_queues"] + port["tx_queues"]:
            assert queue["iotlb"] == dict.fromkeys(schema.IOTLB) | {"source": "n/a"}
            assert queue["dma"] is None
    assert result.stats["domains"] == []
    row = dict(screen.tables(result.stdout)["Queues and their IOTLB"][0])
    assert (row["source"], row["iotlb-lookups"], row["faults"]) == ("n/a", "n/a", "n/a")


def test_a_report_to_standard_output_is_all_that_is_there(ioplane, small_capture):
    result = replay(ioplane, small_capture, "--stats-json", "-", stats=False)
    schema.check(json.loads(result.stdout))
    assert "Queues and their IOTLB" in result.stderr


def test_with_json_all_of_standard_output_is_json(ioplane, small_capture):
    result = replay(ioplane, small_capture, "--json", commands=["show port stats all", "start"])
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [port["id"] for port in answers[0]] == [0, 1]
    assert answers[-1] == result.stats
    assert len(answers) == 2


@pytest.mark.parametrize("path", ["/nonexistent/stats.json", "/"])
def test_an_unwritable_report_is_told_before_any_work(ioplane, small_capture, path):
    result = replay(ioplane, small_capture, "--stats-json", path, stats=False, status=1)
    lines = [line for line in result.stderr.splitlines() if path in line]
    assert len(lines) == 1 and "cannot write the report" in lines[0]
    assert "Report over" not in result.text


def test_a_full_disk_is_exit_status_1(ioplane, small_capture):
    result = replay(ioplane, small_capture, "--stats-json", "/dev/full", stats=False, status=1)
    assert "cannot write the report to /dev/full: No space left on device" in result.stderr


def test_the_ledger_is_what_the_tables_hold(ioplane):
    """Every mapping that is shown can be walked, at both of its ends and not beyond."""
    result = ioplane.run("--json", commands=["show iommu maps all"])
    maps = json.loads(next(line for line in result.stdout.splitlines() if line.startswith("[")))
    domains = {port["domain"]: port["id"] for port in result.stats["ports"]}
    assert maps
    walks, wanted = [], []
    for one in maps:
        start = int(one["iova"], 16)
        for iova in (start, start + one["size"] - 1):
            walks.append(f"show iommu walk {domains[one['domain']]} {iova}")
            wanted.append((one, iova))
    answers = ioplane.run("--json", commands=walks).stdout.splitlines()
    answers = [json.loads(line) for line in answers if line.startswith('{"port"')]
    assert len(answers) == len(wanted)
    for answer, (one, iova) in zip(answers, wanted):
        assert int(answer["iova"], 16) == iova
        assert answer["reason"] is None, (answer, one)
        assert answer["page_size"] <= one["page_size"]


@pytest.mark.parametrize("page_size", ["4k", "2m"])
def test_leaves_in_the_tables_add_up_to_the_ledger(ioplane, page_size):
    """The backend counts leaves as it writes them, the generic layer what was mapped."""
    result = ioplane.run("--page-size", page_size, commands=["start tx_first", "stop"])
    for domain in result.stats["domains"]:
        leaves = sum(int(size) * count for size, count in domain["page_sizes"].items())
        assert leaves == domain["mapped_bytes"] > 0
        used = {size for size, count in domain["page_sizes"].items() if count}
        assert used == {"4096" if page_size == "4k" else "2097152"}


def test_the_program_s_own_help_names_the_report(ioplane):
    ended = subprocess.run([harness.BUILD / "app" / "ioplane", "--", "--help"],
                           capture_output=True, text=True)
    assert "--stats-json" in ended.stdout + ended.stderr
