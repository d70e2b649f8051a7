# SPDX-License-Identifier: BSD-3-Clause
"""Hardware counters of IOMMUs: without a real port they are n/a, and the reason stands by."""
import json

import pytest

from telemetry import Telemetry

SOFTWARE = "no port is a PCI device"
NONE = {"available": False, "reason": SOFTWARE, "units": []}


def test_without_a_pci_port_every_answer_is_n_a_with_the_reason(ioplane):
    result = ioplane.run(commands=["show iommu counters", "show iommu counters 0",
                                   "show iommu counters all", "show port 0 iotlb"])
    line = "Hardware counters of the IOMMU: n/a (%s)"
    assert result.stdout.splitlines().count(line % SOFTWARE) == 2
    assert result.stdout.splitlines().count(line % "net_dmanic0 is no PCI device") == 2
    assert result.stats["pmu"] == NONE
    assert "hardware counters" not in result.stderr.lower()


def test_json_answers_say_the_same(ioplane):
    text = ioplane.run("--json", commands=["show iommu counters", "show port 1 iotlb"]).stdout
    counters, iotlb = [json.loads(line) for line in text.splitlines()][:2]
    assert counters == NONE
    assert iotlb["pmu"] == {**NONE, "reason": "net_dmanic1 is no PCI device"}


def test_telemetry_says_the_same(ioplane):
    with ioplane.start("-i") as running:
        running.wait_for("ioplane 0.")  # the ports are there, and the report is
        with Telemetry(running.process.pid) as telemetry:
            assert telemetry.ask("/iommu/counters") == {
                "available": 0, "reason": SOFTWARE, "units": {}}
            assert telemetry.ask("/iommu/counters,x") is None
        running.send("quit")
        assert running.finish().status == 0


@pytest.mark.parametrize("words, reason", [("off", "--pmu off"), ("auto", SOFTWARE)])
def test_switched_off_the_reason_is_the_option(ioplane, words, reason):
    result = ioplane.run("--pmu", words, commands=["show iommu counters"])
    assert result.stats["pmu"]["reason"] == reason
    assert f"n/a ({reason})" in result.stdout


def test_another_word_is_refused(ioplane):
    result = ioplane.run("--pmu", "perhaps", status=2, stats=False)
    assert "--pmu perhaps: give auto or off" in result.stderr


def test_a_port_that_is_not_there_is_told(ioplane):
    result = ioplane.run(commands=["show iommu counters 9"], status=1)
    assert "port 9" in result.stderr
