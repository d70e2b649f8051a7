# SPDX-License-Identifier: BSD-3-Clause
"""Hardware counters of a real VT-d driver's unit that has none, as QEMU's."""
import pytest


@pytest.mark.machines("e1000e")
def test_a_unit_that_does_not_count_is_n_a_and_named(guest, ioplane):
    result = ioplane.run(commands=["show iommu counters 0", "show port 1 iotlb", "quit"])
    pmu = result.stats["pmu"]
    assert not pmu["available"] and pmu["units"] == []
    assert pmu["reason"].startswith("VT-d unit dmar0, which 0000:"), pmu
    assert guest.nics[-1] in pmu["reason"] or guest.nics[0] in pmu["reason"]
    assert "has no PMU: this takes Linux 6.3" in pmu["reason"]
    assert result.stdout.count(f"Hardware counters of the IOMMU: n/a ({pmu['reason']})") == 2
    assert guest.run("ls -d /sys/bus/event_source/devices/dmar*").stdout == ""
