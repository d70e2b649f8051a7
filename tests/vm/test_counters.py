# SPDX-License-Identifier: BSD-3-Clause
"""Hardware counters of a real VT-d driver's unit that has none, as QEMU's."""
import pytest


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
    assert guest.run("ls -d /sys/bus/event_source/devices/dmar*").stdout == ""
