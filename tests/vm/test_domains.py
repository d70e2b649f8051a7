# SPDX-License-Identifier: BSD-3-Clause
"""One IOMMU domain for each device, as the kernel's driver counts them."""
import pytest

USED = "/sys/class/iommu/dmar0/intel-iommu/domains_used"


def domains_while(ioplane, *args, nics):
    """How many domains the IOMMU uses while ioplane runs on some NICs."""
    with ioplane.start("-i", *args, nics=nics) as job:
        job.wait_for("entries used")
        used = int(ioplane.guest.read(USED))
        job.send("quit")
        assert job.finish().status == 0, job.said()
    return used


@pytest.mark.machines("passthrough")
def test_domains_used_rises_by_one_for_each_device(guest, ioplane):
    """The kernel translates nothing there for devices of its own, so all are ours."""
    before = int(guest.read(USED))
    for count in (1, 2):
        assert domains_while(ioplane, nics=guest.nics[:count]) == before + count
    assert int(guest.read(USED)) == before


@pytest.mark.machines("passthrough")
def test_domains_used_rises_by_one_for_all_in_a_shared_domain(guest, ioplane):
    before = int(guest.read(USED))
    assert domains_while(ioplane, "--domain", "shared", nics=guest.nics) == before + 1
    assert int(guest.read(USED)) == before


@pytest.mark.machines("e1000e", "igb", "igb-vf", "virtio", "virtio-mq", "vmxnet3")
def test_each_device_leaves_the_kernels_domain_for_one_of_its_own(guest, ioplane):
    """Without ioplane each has a domain that the kernel made: ours takes that one's place."""
    before = int(guest.read(USED))
    assert domains_while(ioplane, nics=guest.nics) == before
    assert int(guest.read(USED)) == before


@pytest.mark.machines("e1000e")
def test_devices_in_a_shared_domain_use_one(guest, ioplane):
    before = int(guest.read(USED))
    nics = guest.nics[:2]
    assert domains_while(ioplane, "--domain", "shared", nics=nics) == before - len(nics) + 1
    assert int(guest.read(USED)) == before
