# SPDX-License-Identifier: BSD-3-Clause
"""The type1 backend on the kernel's VT-d driver: the contract, its limits, what users are told."""
import contextlib
import json
import re

import pytest

from machine import EDUS

EDU, OTHER = EDUS
PROGRAMS = ("test_contract_map", "test_contract_unit", "test_contract_translate")
TESTS = (
    "the_mapping_after_the_last_entry_is_refused_and_the_domain_goes_on",
    "what_the_kernel_reserves_is_a_hole",
    "a_short_unmap_is_told_by_the_next_sync",
    "a_failed_unmap_is_told_until_it_has_succeeded",
    "a_failed_map_leaves_nothing",
    "a_group_has_one_unit",
    "a_unit_has_one_domain",
    "a_unit_that_fails_at_any_step_leaves_nothing_behind",
    "an_attach_that_fails_at_any_step_leaves_nothing_behind",
)
GIB = 1 << 30
M2 = 1 << 21
# linux/vfio.h: VFIO_IOMMU_MAP_DMA and VFIO_IOMMU_UNMAP_DMA
MAP, UNMAP = "3b71", "3b72"
INSTANCE = "/sys/kernel/tracing/instances/type1"
EVENTS = ("syscalls/sys_enter_ioctl", "iommu/map", "iommu/unmap")
HUGEPAGES = "/proc/sys/vm/nr_hugepages"


def passed(result):
    """The names of cmocka's tests that passed; fails when one did not."""
    assert result.status == 0, result.text
    return re.findall(r"^\[ +OK \] (\w+)", result.text, re.M)


@contextlib.contextmanager
def tracing(guest):
    """Has the kernel write down our ioctls and what it puts into IOMMU tables; gives a function
    that reads it: [("ioctl", cmd)], ("map" or "unmap", iova, size, physical address or None)."""
    turn_on = "".join(f"echo 1 >{INSTANCE}/events/{event}/enable\n" for event in EVENTS)
    result = guest.run(f"set -e\nmkdir {INSTANCE}\necho 8192 >{INSTANCE}/buffer_size_kb\n"
                       f"echo 'cmd == 0x{MAP} || cmd == 0x{UNMAP}' "
                       f">{INSTANCE}/events/{EVENTS[0]}/filter\n{turn_on}")
    assert result.status == 0, result.text

    def read():
        return parse_trace(guest.run(f"cat {INSTANCE}/trace").stdout)
    try:
        yield read
    finally:
        guest.run(f"rmdir {INSTANCE}")


def parse_trace(text):
    lost = re.search(r"entries-in-buffer/entries-written: (\d+)/(\d+)", text)
    assert lost.group(1) == lost.group(2), "the trace has lost events"
    events = []
    for line in text.splitlines():
        if found := re.search(r" sys_ioctl\(.*cmd: (\w+),", line):
            events.append(("ioctl", found.group(1)))
        elif found := re.search(r" (map|unmap): IOMMU: iova=(\w+) - \w+ (?:paddr=(\w+) )?size=(\d+)",
                                line):
            verb, iova, physical, size = found.groups()
            events.append((verb, int(iova, 16), int(size), physical and int(physical, 16)))
    return events


def after_ioctls(events, wanted):
    """What the kernel mapped or unmapped for our ioctls. Before the first one it tries its tables
    out at IOVA 0 (vfio_test_domain_fgsp()), each time a group enters."""
    return [event for event in events if event[0] == wanted and event[1] >= 0x10000]


def joined(ranges):
    """Ranges (start, size) with neighbours made one."""
    result = []
    for start, size in sorted(ranges):
        if result and sum(result[-1]) == start:
            result[-1] = (result[-1][0], result[-1][1] + size)
        else:
            result.append((start, size))
    return result


# --- the contract -----------------------------------------------------------------------------

@pytest.mark.machines("e1000e")
@pytest.mark.parametrize("program", PROGRAMS)
def test_promises_are_kept_by_hardware_that_does_dma(guest, program):
    result = guest.run(f"IOPLANE_TYPE1_DEVICES={EDU},{OTHER} {program}", timeout=120)
    names = [name for name in passed(result) if name.startswith("type1_")]
    assert len(names) == {"test_contract_map": 14, "test_contract_unit": 10,
                          "test_contract_translate": 1}[program], names


@pytest.mark.machines("e1000e")
@pytest.mark.parametrize("name", TESTS)
def test_type1(guest, name):
    assert passed(guest.run(f"type1 {EDU} {name}", timeout=60)) == [name]


# --- what the kernel did ------------------------------------------------------------------------

@pytest.mark.machines("e1000e")
def test_a_gib_is_one_ioctl_and_leaves_of_2_mib(guest):
    """512 pages of 2 MiB under one mapping; each that the kernel maps is aligned for such a leaf."""
    name, pages = "a_gib_of_contiguous_pages_is_one_entry", guest.read(HUGEPAGES)
    guest.run(f"echo 540 >{HUGEPAGES}")
    try:
        with tracing(guest) as read:
            assert passed(guest.run(f"type1 {EDU} {name}", timeout=60)) == [name]
            events = read()
    finally:
        guest.run(f"echo {pages} >{HUGEPAGES}")
    assert [event[1] for event in events if event[0] == "ioctl"] == [MAP, UNMAP]
    maps = after_ioctls(events, "map")
    assert joined((iova, size) for _, iova, size, _ in maps) == [(0x40000000, GIB)]
    assert all(number % M2 == 0 for event in maps for number in event[1:])
    assert joined((iova, size) for _, iova, size, _ in after_ioctls(events, "unmap")) == [
        (0x40000000, GIB)]


@pytest.mark.machines("e1000e")
def test_the_kernels_map_trace_equals_our_ledger(guest, ioplane):
    with tracing(guest) as read:
        result = ioplane.run("--json", eal=("--in-memory",),
                             commands=["show iommu maps all", "show iommu domains all"])
        events = read()
    maps, domains = (json.loads(line) for line in result.stdout.splitlines()[-3:-1])
    ledger = joined((int(entry["iova"], 16), entry["size"]) for entry in maps)
    kernel = after_ioctls(events, "map")
    assert ledger == joined((iova, size) for _, iova, size, _ in kernel)
    # One ioctl for each mapping, and one to unmap each.
    calls = [event[1] for event in events if event[0] == "ioctl"]
    assert calls.count(MAP) == calls.count(UNMAP) == len(maps) == sum(
        domain["entries_used"] for domain in domains)
    # Leaves: each range that the kernel maps is whole pages of 2 MiB, and there are as many.
    assert all(entry["page_size"] == M2 for entry in maps)
    assert all(number % M2 == 0 for event in kernel for number in event[1:])
    assert sum(size // M2 for _, _, size, _ in kernel) == sum(
        domain["page_sizes"]["2097152"] for domain in domains)
    # In the end nothing is left.
    assert joined((iova, size) for _, iova, size, _ in after_ioctls(events, "unmap")) == ledger


# --- what a user is told ------------------------------------------------------------------------

def said(guest, address, *words, before="", kib=4):
    """The errno and the sentence for a unit with this device and a mapping in it."""
    result = guest.run(f"{before} type1 {address} say {kib} {' '.join(map(str, words))}")
    errno, text = result.stdout.splitlines()[-1].split(": ", 1)
    assert (errno == "0") == (result.status == 0)
    return errno, text


def is_about(text, *words):
    return all(word in text for word in words)


@pytest.mark.machines("e1000e")
def test_a_device_that_is_not_there_is_named(guest):
    errno, text = said(guest, "0000:00:1e.7")
    assert errno == "ENODEV" and is_about(text, "0000:00:1e.7", "lspci"), text


@pytest.mark.machines("e1000e")
def test_a_device_bound_to_nothing_is_to_be_bound_to_vfio_pci(guest):
    guest.run(f"nics none {OTHER}")
    try:
        errno, text = said(guest, OTHER)
    finally:
        guest.run(f"nics vfio-pci {OTHER}")
    assert errno == "ENOENT" and is_about(text, "/dev/vfio/", f"dpdk-devbind.py -b vfio-pci {OTHER}")
    assert said(guest, OTHER) == ("0", "good")


@pytest.mark.machines("e1000e")
def test_a_group_that_another_process_has_is_in_use(guest):
    group = guest.run(f"basename $(readlink /sys/bus/pci/devices/{EDU}/iommu_group)").stdout.strip()
    errno, text = said(guest, EDU, before=f"exec 3<>/dev/vfio/{group};")
    assert errno == "EBUSY" and is_about(text, f"fuser -v /dev/vfio/{group}", "in use"), text
    assert said(guest, EDU) == ("0", "good")


@pytest.mark.machines("e1000e")
def test_a_user_needs_the_groups_file_and_the_right_to_lock_memory(guest):
    user = 65534
    errno, text = said(guest, EDU, user)
    assert errno == "EACCES" and is_about(text, "/dev/vfio/", "chown"), text
    group = guest.run(f"basename $(readlink /sys/bus/pci/devices/{EDU}/iommu_group)").stdout.strip()
    guest.run(f"chown {user} /dev/vfio/{group}")
    try:
        errno, text = said(guest, EDU, user, before="ulimit -l 64;", kib=128)
        assert errno == "ENOMEM" and is_about(
            text, "128 KiB are asked for", "0 KiB are locked", "limit is 64 KiB", "ulimit -l"), text
        assert said(guest, EDU, user, before="ulimit -l 64;", kib=64) == ("0", "good")
    finally:
        guest.run(f"chown 0 /dev/vfio/{group}")


@pytest.mark.machines("no-remapping")
def test_without_interrupt_remapping_the_risk_is_named_and_can_be_taken(guest):
    parameter = "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"
    errno, text = said(guest, EDU)
    assert errno == "EPERM" and is_about(text, "interrupt", "allow_unsafe_interrupts=1"), text
    guest.run(f"echo Y >{parameter}")
    try:
        assert said(guest, EDU) == ("0", "good")
    finally:
        guest.run(f"echo N >{parameter}")


@pytest.mark.machines("no-remapping")
def test_the_device_that_makes_a_group_not_viable_is_named(guest):
    ours, neighbour = "0000:01:01.0", "0000:01:02.0"
    guest.run(f"nics vfio-pci {ours}; nics uio_pci_generic {neighbour}")
    errno, text = said(guest, ours)
    assert errno == "EBUSY" and is_about(text, "not viable",
                                         f"{neighbour} is bound to uio_pci_generic"), text
    guest.run(f"nics none {neighbour}")
    # The control: on to the next reason.
    assert said(guest, ours)[0] == "EPERM"
