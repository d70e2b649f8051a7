# SPDX-License-Identifier: BSD-3-Clause
"""Telemetry and xstats say what the report says, and stand ports that come and go."""
import threading
import time

import pytest

from telemetry import Telemetry


@pytest.fixture(scope="module")
def small_capture(make_capture):
    return make_capture("--packets", "2000", "--flows", "64")


@pytest.fixture
def done(ioplane, small_capture):
    """A program that has replayed and waits for commands."""
    with ioplane.start("-i", "--rxq=2", "--txq=2", "--replay",
                       f"0,file={small_capture},topspeed") as running:
        running.send("start")
        with Telemetry(running.process.pid) as telemetry:
            wait_for_packets(telemetry, 2000)
            running.send("stop")
            running.wait_for("Accumulated forward statistics")
            yield running, telemetry


def wait_for_packets(telemetry, count):
    for _ in range(2000):
        stats = telemetry.ask("/ethdev/stats,1")  # None until the ports are there
        if stats and stats["ipackets"] >= count:
            return
        time.sleep(0.01)
    raise AssertionError("the packets did not arrive")


def finish(ioplane, running):
    running.send("quit")
    result = running.finish()
    assert result.status == 0, running.said()
    result.stats = ioplane.read_stats()
    return result


def as_telemetry(value):
    """It has no null, no ratios, no booleans: what does not apply is absent, a curve is a
    dictionary of millionths by entries."""
    if not isinstance(value, dict):
        return int(value) if isinstance(value, bool) else value
    told = {}
    for key, inner in value.items():
        if key.endswith("curve") and inner is not None:
            told[f"{key}_ppm"] = {str(entries): round(ratio * 1e6) for entries, ratio in inner}
        elif inner is not None:
            told[key] = as_telemetry(inner)
    return told


def test_queues_say_what_the_report_says(ioplane, done):
    running, telemetry = done
    answers = {(port, direction, queue): telemetry.ask(f"/iommu/queue,{port},{direction},{queue}")
               for port in (0, 1) for direction in ("rx", "tx") for queue in (0, 1)}
    stats = finish(ioplane, running).stats
    for (number, direction, queue), answer in answers.items():
        port = next(port for port in stats["ports"] if port["id"] == number)
        assert answer == as_telemetry(port[f"{direction}_queues"][queue])
    assert answers[0, "tx", 0]["iotlb"]["lookups"] > 0
    assert answers[0, "tx", 0]["iotlb"]["model"]["accesses"] > 0


def test_curves_and_units_say_what_the_report_says(ioplane, done):
    running, telemetry = done
    curve = telemetry.ask("/iommu/curve,1,rx,0")
    units = telemetry.ask("/iommu/units")
    stats = finish(ioplane, running).stats
    iotlb = stats["ports"][1]["rx_queues"][0]["iotlb"]
    assert curve["alone_ppm"] == as_telemetry(iotlb)["miss_ratio_curve_ppm"]
    assert curve["shared_ppm"] == as_telemetry(iotlb["model"])["shared_curve_ppm"]
    assert (curve["source"], curve["unit"]) == ("model", "vtd0")
    assert units == {unit["name"]: as_telemetry(unit) for unit in stats["units"]}
    assert units["vtd0"]["accesses"] > 0


def test_domains_say_what_the_report_says(ioplane, done):
    running, telemetry = done
    domains = telemetry.ask("/iommu/domains")
    pages = {id: telemetry.pages(f"/iommu/domain,{id}", "maps") for id in domains}
    stats = finish(ioplane, running).stats
    assert sorted(domains) == sorted(str(domain["id"]) for domain in stats["domains"])
    for domain in stats["domains"]:
        maps = pages[str(domain["id"])]
        domain.pop("faults")
        assert domains[str(domain["id"])] == as_telemetry(domain)
        assert len(maps) == domain["mappings"] > 0
        assert sum(one["size"] for one in maps) == domain["mapped_bytes"]


def test_xstats_of_the_driver_are_the_same_figures(ioplane, done):
    running, telemetry = done
    xstats = {port: telemetry.ask(f"/ethdev/xstats,{port}") for port in (0, 1)}
    stats = finish(ioplane, running).stats
    for port in stats["ports"]:
        for direction in ("rx", "tx"):
            for queue in port[f"{direction}_queues"]:
                name = f"{direction}_q{queue['queue']}"
                shown = xstats[port["id"]]
                for key in ("lookups", "hits", "misses"):
                    assert shown[f"{name}_iotlb_{key}"] == queue["iotlb"][key]
                assert shown[f"{name}_dma_faults"] == queue["iotlb"]["faults"]


def test_no_faults_are_an_empty_list(done):
    _, telemetry = done
    assert telemetry.ask("/iommu/faults") == {"total": 0, "kept": 0, "faults": {}}


@pytest.mark.parametrize("command", [
    "/iommu/queue,9,rx,0", "/iommu/queue,0,rx,2", "/iommu/queue,0", "/iommu/domain,77",
    "/iommu/domain", "/iommu/faults,x"])
def test_wrong_parameters_answer_null(done, command):
    _, telemetry = done
    assert telemetry.ask(command) is None


def test_help_says_how_pages_are_asked_for(done):
    _, telemetry = done
    assert "next" in telemetry.ask("/help,/iommu/domain")["/iommu/domain"]


def test_ports_come_and_go_while_telemetry_asks(ioplane):
    """Whoever asks gets an answer or null, and the program lives."""
    rounds, answers = 12, []

    def ask(pid, stop):
        with Telemetry(pid) as telemetry:
            while not stop.is_set():
                for command in ("/iommu/domains", "/iommu/queue,0,rx,0", "/iommu/queue,1,tx,0",
                                "/iommu/faults", "/iommu/domain,0"):
                    answers.append(telemetry.ask(command))

    with ioplane.start("-i") as running:
        stop = threading.Event()
        asker = threading.Thread(target=ask, args=(running.process.pid, stop))
        asker.start()
        try:
            for number in range(rounds):
                for line in ("port stop all", "port close all", "port detach 0", "port detach 1",
                             f"port attach net_dmanic0,mac=02:00:00:00:00:{number + 1:02x}",
                             "port attach net_dmanic1,cable=net_dmanic0", "port start all",
                             "start", "stop"):
                    running.send(line)
            running.send("show port summary all")
            running.wait_for("Number of available ports: 2")
        finally:
            stop.set()
            asker.join()
        finish(ioplane, running)
    assert len(answers) > 50
    assert any(answer for answer in answers)
