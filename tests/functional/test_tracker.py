# SPDX-License-Identifier: BSD-3-Clause
"""The model of the IOTLB on software NICs, whose unit counts what the model estimates."""
import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest

import schema
import screen
from telemetry import Telemetry

# Holds all pages of these runs: each page misses once.
ROOMY = "[iotlb]\nname = roomy\nentries = 65536\nways = 16\nreplacement = lru\n"
LRU = "[iotlb]\nname = lru\nentries = 128\nways = 128\nreplacement = lru\nwalk_entries = 0\n"
FLUSH = "[iotlb]\nname = flush\nentries = 64\nways = 64\nreplacement = flush\nwalk_entries = 0\n"


@pytest.fixture(scope="module")
def capture(make_capture):
    return make_capture("--packets", "10000", "--flows", "64")


def replay(ioplane, capture, mode, *options, loop=1, **more):
    """All packets arrive and are read, so that nothing is under way at the end."""
    return ioplane.run("--tracker", mode, "--replay", f"0,file={capture},loop={loop},topspeed",
                       *options, **more)


def used(result):
    """The IOTLB figures of the two queues that had traffic."""
    return [result.port(0)["tx_queues"][0]["iotlb"], result.port(1)["rx_queues"][0]["iotlb"]]


def answers(result):
    return [json.loads(line) for line in result.stdout.splitlines() if line[:1] in "{["]


@pytest.mark.parametrize("page_size", ["4k", "2m"])
def test_full_counts_the_accesses_that_the_unit_counts(ioplane, capture, page_size):
    """No bound: one queue each way, no retries, nothing left in a ring."""
    result = replay(ioplane, capture, "full", "--page-size", page_size)
    schema.check(result.stats)
    for iotlb in used(result):
        assert iotlb["model"]["accesses"] == iotlb["lookups"] > 10000
        assert iotlb["model"]["beyond"] == 0
        assert (iotlb["source"], iotlb["model"]["source"]) == ("exact", "model")


@pytest.mark.parametrize("page_size", ["4k", "2m"])
def test_pages_touched_are_the_misses_of_an_iotlb_that_holds_all(ioplane, capture, tmp_path,
                                                                   page_size):
    profile = tmp_path / "roomy.cfg"
    profile.write_text(ROOMY)
    result = replay(ioplane, capture, "full", "--page-size", page_size, "--iotlb", profile)
    for iotlb in used(result):
        assert iotlb["pages_touched"] == iotlb["misses"] > 1
        assert iotlb["model"]["profile"] == "roomy"
    (unit,) = result.stats["units"]
    assert unit["pages_touched"] == sum(iotlb["misses"] for iotlb in used(result))


@pytest.mark.parametrize("profile", [LRU, FLUSH])
def test_predicted_misses_are_near_those_of_the_unit(ioplane, capture, tmp_path, profile):
    """10 %: the unit fetches while it delivers, the model before. Sets are sampled, see below."""
    (tmp_path / "profile.cfg").write_text(profile)
    result = replay(ioplane, capture, "full", "--page-size", "4k", "--iotlb",
                    tmp_path / "profile.cfg", loop=5)
    exact = sum(iotlb["misses"] for iotlb in used(result))
    (unit,) = result.stats["units"]
    assert exact > 2000
    assert abs(unit["predicted_misses"] - exact) <= exact * 0.1, (unit, exact)
    assert unit["method"] == ("curve" if profile is LRU else "flush")
    assert sum(iotlb["model"]["share_ppm"] for iotlb in used(result)) == pytest.approx(1e6, abs=2)


def test_misses_of_an_iotlb_with_sets_are_predicted_from_a_part_of_the_time(ioplane, capture):
    result = replay(ioplane, capture, "full", "--page-size", "4k", loop=100)
    exact = sum(iotlb["misses"] for iotlb in used(result))
    (unit,) = result.stats["units"]
    assert (unit["method"], unit["profile"]) == ("shadow", "generic-128")
    assert abs(unit["predicted_misses"] - exact) <= exact * 0.25, (unit, exact)


def test_sampled_scales_up_what_it_saw(ioplane, capture):
    """Packets are all seen, accesses of 1 in 16 windows: the rest is alike in a replay's loop."""
    result = replay(ioplane, capture, "sampled", "--page-size", "4k", loop=200)
    for iotlb in used(result):
        assert iotlb["model"]["mode"] == "sampled"
        assert iotlb["model"]["accesses"] == pytest.approx(iotlb["lookups"], rel=0.01)
        assert iotlb["model"]["beyond"] == 0


def test_off_tells_nothing_and_not_zero(ioplane, capture):
    result = replay(ioplane, capture, "off")
    schema.check(result.stats)
    for iotlb in used(result):
        assert iotlb["lookups"] > 10000
        assert iotlb["model"] is iotlb["pages_touched"] is iotlb["miss_ratio_curve"] is None
    assert "model (" not in result.stdout.split("IOTLB model by unit")[0]


def test_sampled_is_the_default(ioplane, capture):
    result = ioplane.run("--replay", f"0,file={capture},topspeed", "--json",
                         commands=["show config fwd"])
    assert answers(result)[0]["tracker"] == "sampled"
    assert used(result)[0]["model"]["mode"] == "sampled"


def test_curves_fall_and_end_at_the_pages_seen_once(ioplane, capture):
    result = replay(ioplane, capture, "full", "--page-size", "4k")
    (unit,) = result.stats["units"]
    curves = [unit["curve"]]
    for iotlb in used(result):
        curves += [iotlb["miss_ratio_curve"], iotlb["model"]["shared_curve"]]
        cold = iotlb["pages_touched"] / iotlb["model"]["accesses"]
        assert iotlb["miss_ratio_curve"][-1][1] == pytest.approx(cold, abs=1e-3)
    for curve in curves:
        assert [entries for entries, _ in curve] == [32 << i for i in range(8)]
        ratios = [ratio for _, ratio in curve]
        assert ratios == sorted(ratios, reverse=True)
        assert 0 < ratios[-1] <= ratios[0] <= 1


def test_every_way_to_ask_gives_the_same_figures(ioplane):
    commands = ["start tx_first", "stop", "show port 0 iotlb", "show port 0 iotlb 0", "show iotlb curve all",
                "show iotlb curve 1"]
    result = ioplane.run("--tracker", "full", "--json", commands=commands)
    port, queue, everything, one = answers(result)[:4]
    wanted = result.port(0)["tx_queues"][0]["iotlb"]
    assert wanted["model"]["accesses"] > 0
    for answer in (port, queue):
        assert [entry["iotlb"] for entry in answer["queues"]
                if (entry["direction"], entry["queue"]) == ("tx", 0)] == [wanted]
    assert everything["units"] == one["units"] == result.stats["units"]
    assert {entry["port"] for entry in one["queues"]} == {1}
    for entry in everything["queues"]:
        iotlb = result.port(entry["port"])[f"{entry['direction']}_queues"][0]["iotlb"]
        assert entry["alone"] == iotlb["miss_ratio_curve"]
        assert entry["shared"] == iotlb["model"]["shared_curve"]


def test_the_screen_shows_the_model_apart_from_what_is_counted(ioplane, capture):
    result = replay(ioplane, capture, "full")
    tables = screen.tables(result.stdout)
    rows = tables["IOTLB model (estimated from the addresses that queues used)"]
    rows = {(row["port"], row["queue"]): row for row in map(dict, rows)}
    for place, iotlb in zip((("0", "tx0"), ("1", "rx0")), used(result)):
        assert rows[place]["source"] == "model"
        assert int(rows[place]["page-accesses"]) == iotlb["model"]["accesses"]
        assert int(rows[place]["pages-touched"]) == iotlb["pages_touched"]
        assert int(rows[place]["predicted-misses"]) == iotlb["model"]["predicted_misses"]
    assert "rings: not known" not in result.stdout


@pytest.mark.parametrize("policy", ["strict", "strict,iova=fresh", "deferred", "static"])
def test_no_access_is_beyond_what_is_mapped(ioplane, policy):
    result = ioplane.run("--tracker", "full", "--dma-policy", policy,
                         commands=["start tx_first", "stop"])
    for port in result.stats["ports"]:
        for queue in port["rx_queues"] + port["tx_queues"]:
            assert queue["iotlb"]["model"]["beyond"] == 0
            assert queue["iotlb"]["model"]["accesses"] > 0


@pytest.mark.parametrize("clear", ["clear iommu stats all", "clear port stats all"])
def test_figures_stay_over_a_stop_and_go_with_the_exact_ones(ioplane, clear):
    commands = ["start tx_first", "stop", "show port 0 iotlb", "start", "stop",
                "show port 0 iotlb", clear, "show port 0 iotlb"]
    result = ioplane.run("--tracker", "full", "--json", commands=commands)
    first, second, cleared = [answer["queues"][0]["iotlb"] for answer in answers(result)[:3]]
    assert second["model"]["accesses"] > first["model"]["accesses"] > 0
    assert cleared["lookups"] == cleared["model"]["accesses"] == cleared["pages_touched"] == 0


# --- while traffic runs ---------------------------------------------------------------------------

def model_of(telemetry):
    return telemetry.ask("/iommu/queue,0,rx,0")["iotlb"].get("model")


@pytest.fixture
def forwarding(ioplane):
    """A program that forwards on one lcore, and what asks it."""
    with ioplane.start("-i", "--tracker", "off") as running:
        running.send("start tx_first")
        with Telemetry(running.process.pid) as telemetry:
            deadline = time.monotonic() + 30
            while not (telemetry.ask("/ethdev/stats,0") or {}).get("ipackets", 0) > 10000:
                assert time.monotonic() < deadline, running.said()
                time.sleep(0.05)
            yield running, telemetry


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_modes_change_while_traffic_runs(forwarding):
    running, telemetry = forwarding
    assert model_of(telemetry) is None
    running.send("set tracker full")
    wait_for(lambda: (model_of(telemetry) or {}).get("accesses", 0) > 1000)
    assert model_of(telemetry)["mode"] == "full"
    running.send("set tracker off")
    wait_for(lambda: model_of(telemetry)["mode"] == "off")
    time.sleep(0.1)  # a burst may be under way
    before = model_of(telemetry)["accesses"]
    time.sleep(0.3)
    assert model_of(telemetry)["accesses"] == before
    running.send("set tracker sampled")
    wait_for(lambda: model_of(telemetry)["accesses"] > before)


def system_calls(task, while_it_runs, seconds=1.0):
    """What strace sees a thread ask the kernel for."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    with subprocess.Popen(["strace", "-q", "-p", str(task)], stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True) as tracer:
        time.sleep(0.5)
        while_it_runs()
        time.sleep(seconds)
        tracer.terminate()
        text = tracer.stderr.read()
    if "Operation not permitted" in text:
        pytest.skip("strace may not attach here")
    return [line for line in text.splitlines() if "(" in line and "strace:" not in line]


def worker(pid):
    for task in Path(f"/proc/{pid}/task").iterdir():
        if "worker" in (task / "comm").read_text():
            return int(task.name)
    raise AssertionError("no worker lcore")


def test_a_polling_lcore_asks_the_kernel_for_nothing_in_mode_full(forwarding):
    running, telemetry = forwarding
    running.send("set tracker full")
    wait_for(lambda: (model_of(telemetry) or {}).get("mode") == "full")
    before = model_of(telemetry)["accesses"]
    assert system_calls(worker(running.process.pid), lambda: None) == []
    assert model_of(telemetry)["accesses"] > before
    # strace would have seen one: the main lcore reads and prints
    assert system_calls(running.process.pid, lambda: running.send("show config fwd"))
