# SPDX-License-Identifier: BSD-3-Clause
"""Hardware counters behind a real VT-d driver: QEMU's unit has none, so what opens and reads them
is shown on a PMU that the guest's kernel does have, its CPU clock, under the unit's name."""
import contextlib
import json

import pytest

PMUS = "/sys/bus/event_source/devices"
# The type of the kernel's software events; 0 is CPU time in ns, 9 counts nothing. A filter is two
# fields of config1, which these events do not look at.
FILES = {"type": 1, "cpumask": 0, "format/event": "config:0-27",
         "format/event_group": "config:28-31",
         "format/filter_requester_id_en": "config1:0",
         "format/filter_requester_id": "config1:16-31",
         "events/iotlb_lookup": "event=0x0", "events/iotlb_hit": "event=0x9"}


@contextlib.contextmanager
def counting_unit(guest):
    """dmar0 is a PMU until the end."""
    lines = [f"mount -t tmpfs none {PMUS}", f"mkdir -p {PMUS}/dmar0/format {PMUS}/dmar0/events"]
    lines += [f"echo {text} > {PMUS}/dmar0/{name}" for name, text in FILES.items()]
    ended = guest.run(" && ".join(lines))
    try:
        assert ended.status == 0, ended.stderr
        yield
    finally:
        guest.run(f"umount {PMUS}")


@pytest.mark.machines("e1000e")
def test_a_unit_that_does_not_count_is_n_a_and_named(guest, ioplane):
    result = ioplane.run(commands=["show iommu counters", "show iommu counters 0",
                                   "show port 1 iotlb", "quit"])
    pmu = result.stats["pmu"]
    assert not pmu["available"] and pmu["units"] == []
    line = "n/a (VT-d unit dmar0, which %s is behind, has no PMU: this takes Linux 6.3"
    first, second = (port["name"] for port in result.stats["ports"])
    assert first in pmu["reason"]
    assert result.stdout.count(line % first) == 2 and result.stdout.count(line % second) == 1
    assert guest.run(f"ls -d {PMUS}/dmar*").stdout == ""


@pytest.mark.machines("e1000e")
def test_a_unit_that_counts_is_counted_for_each_port_and_as_a_whole(guest, ioplane):
    with counting_unit(guest):
        result = ioplane.run("--json", commands=["show iommu counters 1", "port stop 1",
                                                 "port detach 1", "quit"])
    units = json.loads(result.stdout.splitlines()[0])["units"]
    assert [unit["scope"] for unit in units] == ["unit", "requester"]
    assert [unit["ports"] for unit in units] == [[0, 1], [1]]
    for unit in units:
        assert (unit["pmu"], unit["family"], unit["source"]) == ("dmar0", "dmar", "hw")
        assert unit["lookups"] > 0 and unit["hits"] == 0 and unit["misses"] == unit["lookups"]
        assert unit["events"] == {"iotlb_hit": 0, "iotlb_lookup": unit["lookups"]}
        assert not unit["is_scaled"]
    # the port that goes takes its own counters with it and leaves the unit's to the other
    pmu = result.stats["pmu"]
    assert [unit["ports"] for unit in pmu["units"]] == [[0], [0]]
    assert pmu["available"] and pmu["reason"] is None
    assert pmu["units"][1]["lookups"] > units[0]["lookups"]
