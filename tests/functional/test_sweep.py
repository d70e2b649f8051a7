# SPDX-License-Identifier: BSD-3-Clause
"""--sweep: each point is a row, in CSV and JSON alike, and a mark in a plot that stands alone."""
import csv
import json
import signal
import xml.etree.ElementTree

import pytest

import harness

BARE = "[sweep]\nduration = 0.2\nwarm-up = 0.05\n"
HEAD = BARE + "min-packets = 2000\n"
SMALL = HEAD + "title = Walls & <pages>\npage-size = 4k 2m\nqueues = 1 4\npacket-size = 256\n"
AXES = ("page_size", "queues", "ring", "policy", "packet_size", "loss")
SVG = "{http://www.w3.org/2000/svg}"


class Sweep:
    """Runs files; what they wrote is read by name."""

    def __init__(self, folder):
        self.folder = folder

    def start(self, text, *options, name="points"):
        (self.folder / f"{name}.cfg").write_text(text)
        return harness.Running([harness.BUILD / "app" / "ioplane", "--sweep", f"{name}.cfg",
                                *options], self.folder)

    def run(self, text, *options, status=0, **more):
        with self.start(text, *options, **more) as running:
            result = running.finish()
        assert result.status == status, running.said()
        return result

    def rows(self, name="points"):
        with open(self.folder / f"{name}.csv", newline="") as file:
            return list(csv.DictReader(file))

    def json(self, name="points"):
        return json.loads((self.folder / f"{name}.json").read_text())

    def svg(self, name="points"):
        return xml.etree.ElementTree.parse(self.folder / f"{name}.svg").getroot()


@pytest.fixture
def sweep(tmp_path):
    return Sweep(tmp_path)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A sweep of four points, and what it said."""
    made = Sweep(tmp_path_factory.mktemp("sweep"))
    made.result = made.run(SMALL)
    return made


def assert_same(text, value):
    if isinstance(value, (int, float)):
        assert float(text) == value
    else:
        assert text == ("" if value is None else value)


def test_each_point_is_a_row_with_its_figures(small):
    rows = small.rows()
    assert [(row["page_size"], row["queues"]) for row in rows] == [
        ("4k", "1"), ("4k", "4"), ("2m", "1"), ("2m", "4")]
    for row in rows:
        assert row["error"] == "" and row["policy"] == "static" and row["packet_size"] == "256"
        packets, misses = int(row["packets"]), int(row["misses"])
        assert packets >= 2000 and int(row["bytes"]) == packets * 256
        assert int(row["lookups"]) > packets and row["faults"] == "0"
        assert float(row["misses_per_packet"]) == pytest.approx(misses / packets, abs=1e-4)
        assert float(row["misses_per_mib"]) == pytest.approx(
            misses / (packets * 256 / 2**20), abs=0.06)
        assert float(row["mpps"]) == pytest.approx(packets * 1e3 / int(row["duration_ns"]),
                                                   abs=1e-3)
        # The arena is mapped once: no queue maps anything.
        assert row["maps"] == "0" and row["map_p50_ns"] == ""
    assert float(rows[1]["misses_per_packet"]) > 0.3 > 0.01 > float(
        rows[3]["misses_per_packet"])


def test_csv_and_json_are_the_same_table(small):
    table, rows = small.json(), small.rows()
    assert table["points_planned"] == len(table["points"]) == len(rows) == 4
    assert table["source"] == "exact"
    for point, row in zip(table["points"], rows):
        assert list(point) == list(row)
        for column, value in point.items():
            assert_same(row[column], value)


def test_the_plot_is_xml_that_needs_nothing_else(small):
    root = small.svg()
    assert root.tag == f"{SVG}svg"
    for element in root.iter():
        assert element.tag in {SVG + tag for tag in ("svg", "rect", "text", "line", "circle",
                                                     "title")}
        for name, value in element.attrib.items():
            assert "href" not in name and "url(" not in value and not name.startswith("on")
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert "Walls & <pages>" in texts
    # Three panels have four points each; nothing is mapped under the static policy.
    assert len(list(root.iter(f"{SVG}circle"))) == 12
    assert sum(text.startswith("n/a") for text in texts if text) == 1
    width, height = (float(root.get(name)) for name in ("width", "height"))
    for circle in root.iter(f"{SVG}circle"):
        assert 0 < float(circle.get("cx")) < width and 0 < float(circle.get("cy")) < height


def test_progress_is_a_line_a_point(small):
    lines = small.result.stderr.splitlines()
    assert len(lines) == 4 and all(line.startswith(f"{n} of 4: ")
                                   for n, line in enumerate(lines, 1))
    assert "\r" not in small.result.stderr
    assert small.result.stdout == ("4 of 4 points are in points.csv, points.json and "
                                   "points.svg\n")


def test_a_point_that_fails_is_a_row_and_the_others_are_run(sweep):
    result = sweep.run(HEAD + "policy = deferred,batch=none static\n", "--sweep-out", "out",
                       status=1)
    assert "1 of 2 points failed" in result.stderr
    bad, good = sweep.rows("out")
    assert bad["packets"] == "" and "--dma-policy" in bad["error"]
    assert bad["policy"] == "deferred,batch=none"
    assert good["error"] == "" and int(good["packets"]) >= 2000
    assert [point["error"] is None for point in sweep.json("out")["points"]] == [False, True]
    assert len(list(sweep.svg("out").iter(f"{SVG}circle"))) == 3


def test_ctrl_c_keeps_what_is_known(sweep):
    text = HEAD + "queues = 1 2 3 4 5 6 7 8\nring = 64 128 256 512\n"
    with sweep.start(text) as running:
        running.wait_for("2 of 32")
        running.signal(signal.SIGINT)
        result = running.finish(10)
    rows = sweep.rows()
    assert result.status == 1 and 2 <= len(rows) < 32
    assert f"stopped after {len(rows)} of 32 points" in result.stderr
    assert all(row["error"] == "" for row in rows)
    assert len(sweep.json()["points"]) == len(rows) and sweep.svg().tag == f"{SVG}svg"


def test_loss_has_buffers_come_back_out_of_order(sweep):
    sweep.run(BARE + "page-size = 4k\npacket-size = 512\nbuffer = 2048\ncache = 0\n"
              "loss = 0 3\nmin-packets = 60000\n")
    in_order, lossy = (float(row["misses_per_packet"]) for row in sweep.rows())
    assert in_order == pytest.approx(0.5, abs=0.02) and lossy > 1.2 * in_order


def test_one_pool_for_all_queues_mixes_their_buffers(sweep):
    misses = []
    for pools in ("queue", "port"):
        sweep.run(BARE + f"page-size = 4k\nqueues = 8\nring = 256\nbuffer = 2048\ncache = 0\n"
                  f"packet-size = 512\nmin-packets = 40000\npools = {pools}\n")
        row, = sweep.rows()
        misses.append(float(row["misses_per_packet"]))
    assert misses[0] == pytest.approx(0.5, abs=0.05) and misses[1] > 1.5 * misses[0]


def test_the_transmitting_side_can_be_tabled(sweep):
    sweep.run(HEAD + "page-size = 4k\nside = tx\nqueues = 2\nring = 128\npacket-size = 1514\n")
    row, = sweep.rows()
    assert row["error"] == "" and int(row["packets"]) >= 2000 and sweep.json()["side"] == "tx"


def test_dry_run_lists_the_points_and_runs_none(sweep):
    result = sweep.run(SMALL, "--dry-run")
    assert result.stdout.splitlines() == [
        "1: 4k pages, 1 queue, rings of 1024, static, 256 B",
        "2: 4k pages, 4 queues, rings of 1024, static, 256 B",
        "3: 2m pages, 1 queue, rings of 1024, static, 256 B",
        "4: 2m pages, 4 queues, rings of 1024, static, 256 B",
        "4 points of 0.25 s each; nothing was run."]
    assert [path.name for path in sweep.folder.glob("points.*")] == ["points.cfg"]


@pytest.mark.parametrize("text, reason", [
    ("", "there is no [sweep]"),
    ("[other]\nqueues = 1\n", "there is no [sweep]"),
    ("[sweep]\nqueues = 1\n[other]\nx = 1\n", "only [sweep] may be there"),
    ("queues = 1\n", "points.cfg"),
    ("[sweep]\nqueue = 1\n", "there is no key queue: keys are page-size, queues,"),
    ("[sweep]\nqueues = 0\n", "queues = 0: give numbers from 1 to 32"),
    ("[sweep]\nqueues = 1 33\n", "queues = 33: give"),
    ("[sweep]\nqueues = 1,2\n", "queues = 1,2: give"),
    ("[sweep]\nqueues = 2 1 2\n", "queues: 2 is there twice"),
    ("[sweep]\nqueues = 1\nqueues = 2\n", "queues is there twice"),
    ("[sweep]\nqueues =\n", "queues: give numbers"),
    ("[sweep]\npage-size = 8k\n", "page-size = 8k: give 4k, 2m or 1g"),
    ("[sweep]\nring = 100\n", "ring = 100: give multiples of 32"),
    ("[sweep]\npolicy = lazy\n", "policy = lazy: give static, strict or deferred"),
    ("[sweep]\npacket-size = 59\n", "packet-size = 59: give bytes"),
    ("[sweep]\nloss = 51\n", "loss = 51: give percentages"),
    ("[sweep]\nduration = soon\n", "duration = soon: give seconds"),
    ("[sweep]\nside = both\n", "side = both: give rx or tx"),
    ("[sweep]\nheaders = 66\npacket-size = 64\n", "headers = 66"),
    ("[sweep]\niotlb = none.cfg\n", "iotlb = none.cfg: none.cfg cannot be read"),
])
def test_a_bad_file_is_refused_in_one_line_with_the_key(sweep, text, reason):
    result = sweep.run(text, status=2)
    assert len(result.stderr.splitlines()) == 1 and reason in result.stderr
    assert result.stderr.startswith("ioplane: points.cfg") and result.stdout == ""


def test_a_place_that_cannot_be_written_is_told_before_the_first_point(sweep):
    result = sweep.run(SMALL, "--sweep-out", "no/where", status=1)
    assert result.stderr.splitlines() == [
        "ioplane: cannot write no/where.csv: No such file or directory; --sweep-out PREFIX names "
        "another place"]
