# SPDX-License-Identifier: BSD-3-Clause
"""Runs each file of config/scenarios as its first lines say."""
import csv
import re
import shlex
import shutil
import signal
import time

import pytest

import harness

SCENARIOS = harness.TOP / "config" / "scenarios"


def options_told(name):
    """The options behind -- of the command in a file's head, without the file itself."""
    head = re.search(r"^#   build/app/ioplane(.*?[^\\])\n(?!#      )",
                     (SCENARIOS / name).read_text(), re.M | re.S).group(1)
    words = shlex.split(head.replace("\\\n#", " "))
    eal, own = words[:words.index("--")], words[words.index("--") + 1:]
    assert eal == ["-l", "0,1", "--vdev", harness.PAIR[0], "--vdev", harness.PAIR[1]]
    at = own.index("--cmdline-file")
    assert own[at + 1] == f"config/scenarios/{name}"
    return own[:at] + ["--cmdline-file", SCENARIOS / name] + own[at + 2:]


def iotlb_of(queue):
    assert queue["iotlb"]["source"] == "exact"
    return queue["iotlb"]


def test_each_scenario_is_run_here():
    tested = {"forward-four-queues.cmd", "iotlb-pressure.cmd", "iotlb-wall.cfg",
              "published-layout.cfg"}
    assert {path.name for path in SCENARIOS.iterdir()} == tested


def test_four_queues_pass_packets_round_until_ctrl_c(ioplane):
    with ioplane.start(*options_told("forward-four-queues.cmd")) as running:
        running.wait_for("forwards packets on 8 streams")
        time.sleep(0.5)
        running.signal(signal.SIGINT)
        result = running.finish()
    assert result.status == 0, running.said()
    result.stats = ioplane.read_stats()
    for number in (0, 1):
        for kind in ("rx_queues", "tx_queues"):
            queues = result.port(number)[kind]
            assert len(queues) == 4
            for queue in queues:
                assert queue["packets"] >= 4 * 32 and iotlb_of(queue)["hits"] > 0


@pytest.fixture
def pressure(ioplane, make_capture):
    """Runs the scenario with a page size; the report."""
    (ioplane.folder / "build").mkdir()
    shutil.copy(make_capture(), ioplane.folder / "build" / "quickstart.pcap")

    def run(page_size):
        options = options_told("iotlb-pressure.cmd")
        at = options.index("--page-size")
        assert options[at + 1] == "4k"
        options[at + 1] = page_size
        return ioplane.run(*options)
    return run


def test_small_pages_miss_the_iotlb_where_large_ones_do_not(pressure):
    small, large = pressure("4k"), pressure("2m")
    for result in (small, large):
        assert result.port(0)["stats"]["tx_packets"] == 100000
        assert result.port(1)["stats"]["rx_packets"] == 100000
    sent = [iotlb_of(result.port(0)["tx_queues"][0]) for result in (small, large)]
    # Ten times through a capture of 900 pages, in an IOTLB of 128 entries.
    assert sent[0]["misses"] >= 9000
    assert sent[1]["misses"] < sent[0]["misses"] / 100
    assert small.stats["domains"][0]["page_sizes"]["2097152"] == 0
    assert large.stats["domains"][0]["page_sizes"]["4096"] == 0


def sweep(name, folder):
    """Runs a sweep from the top of the tree, as its head says; its rows by their choices."""
    told = re.search(r"^#   build/app/ioplane (--sweep .*)$", (SCENARIOS / name).read_text(), re.M)
    options = shlex.split(told.group(1))
    assert options == ["--sweep", f"config/scenarios/{name}"]
    options[1] = harness.TOP / options[1]
    with harness.Running([harness.BUILD / "app" / "ioplane", *options], folder) as running:
        result = running.finish(180)
    assert result.status == 0, running.said()
    with open(folder / name.replace(".cfg", ".csv"), newline="") as file:
        return {(row["page_size"], int(row["queues"]), int(row["ring"]), float(row["loss"])):
                {column: float(value) for column, value in row.items() if "miss" in column and value}
                for row in csv.DictReader(file)}


def test_the_wall_is_there_with_small_pages_and_not_with_large_ones(tmp_path):
    rows = sweep("iotlb-wall.cfg", tmp_path)
    assert len(rows) == 24
    misses = {point: row["misses_per_packet"] for point, row in rows.items()}
    # 128 buffers in 64 pages fit 128 entries, 256 in 128 pages and two rings nearly do.
    assert misses["4k", 1, 64, 0] < 0.01 and misses["4k", 2, 64, 0] < 0.25
    # Beyond, each page is gone before its turn comes again: a miss for two buffers.
    for queues in (4, 8, 16, 32):
        assert 0.49 < misses["4k", queues, 64, 0] < 0.65
    for queues in (1, 2, 4, 8, 16, 32):
        assert 0.49 < misses["4k", queues, 512, 0] < 0.65
    assert all(value < 0.01 for point, value in misses.items() if point[0] == "2m")


def test_published_misses_come_out_of_the_published_layout(tmp_path):
    rows = sweep("published-layout.cfg", tmp_path)
    misses = {(page, loss): row["misses_per_mib"] for (page, _, _, loss), row in rows.items()}
    assert 420 * 0.85 <= misses["4k", 0] <= 420 * 1.15
    assert misses["2m", 0] <= misses["4k", 0] / 10
    assert misses["2m", 3] <= misses["4k", 3] / 10
    # 3 % of the frames lost: buffers come back out of order.
    assert 2 <= misses["4k", 3] / misses["4k", 0] <= 3
