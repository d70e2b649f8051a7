# SPDX-License-Identifier: BSD-3-Clause
"""NICs that no IOMMU stands before: they work, they are called UNPROTECTED, and they are."""
import json
import shutil
import subprocess
from pathlib import Path

import pytest

import captures
import qemu
from program import as_sent, port

HERE = Path(__file__).resolve().parent
UNPROTECTED = "UNPROTECTED"
# More than a huge page of frames, and fewer than QEMU holds for a NIC that is slow (10000).
MANY = ("--packets", "8000", "--flows", "100")
NO_UNIT, PASSTHROUGH = "no-unit", "passthrough"
NOIOMMU_MODE = "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode"
SHOW = ("show iommu domains", "show iommu limits", "show iommu groups", "show iommu maps all")


def shell(guest, command):
    result = guest.run(command)
    assert result.status == 0, result.text
    return result.stdout


def home(guest):
    """The driver that the machine's other tests find its NICs on."""
    return "none" if guest.name == NO_UNIT else "vfio-pci"


def hand_over(guest, driver, *nics):
    """Gives NICs to a driver, and back."""
    shell(guest, f"nics {driver} {' '.join(nics)}")
    yield guest
    shell(guest, f"nics {home(guest)} {' '.join(nics)}")


@pytest.fixture
def uio(guest):
    """Both NICs on UIO, which knows no IOMMU: here none stands in the way."""
    yield from hand_over(guest, "uio_pci_generic", *guest.nics[:2])


@pytest.fixture
def uio_and_vfio(guest):
    """The first NIC on UIO in a group that is passed through, the second on VFIO."""
    yield from hand_over(guest, "uio_pci_generic", guest.nics[0])


@pytest.fixture(scope="session")
def noiommu_module(parts):
    """VFIO's core with the mode that Debian's kernel is built without."""
    made = subprocess.run([HERE / "noiommu-module"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip(f"no VFIO with its no-IOMMU mode: {made.stderr.strip().splitlines()[-1]}")
    return qemu.DEPS / "noiommu" / "vfio.ko"


@pytest.fixture
def noiommu(guest, noiommu_module):
    """Both NICs on VFIO in its no-IOMMU mode."""
    shutil.copy(noiommu_module, guest.share)
    nics = " ".join(guest.nics)
    unload = f"nics none {nics}; " \
             "for m in vfio_pci vfio_pci_core vfio_iommu_type1 vfio_virqfd vfio; do " \
             "! grep -q ^$m' ' /proc/modules || rmmod $m; done"
    shell(guest, f"{unload}; insmod /share/vfio.ko && echo Y >{NOIOMMU_MODE}; "
                 f"modprobe vfio_iommu_type1; nics vfio-pci {nics}")
    yield guest
    back = "true" if home(guest) == "none" else \
        f"modprobe vfio_iommu_type1; nics {home(guest)} {nics}"
    shell(guest, f"{unload}; {back}")


@pytest.fixture
def identity(guest):
    """Both NICs on UIO in groups that were told to translate no more."""
    nics = " ".join(guest.nics[:2])
    switch = f"nics none {nics}; for nic in {nics}; do " \
             "echo %s >/sys/bus/pci/devices/$nic/iommu_group/type; done; " \
             f"nics %s {nics}"
    shell(guest, switch % ("identity", "uio_pci_generic"))
    yield guest
    shell(guest, switch % ("DMA", home(guest)))


def answers(ioplane, *lines, **how):
    """What commands answer, in JSON."""
    text = ioplane.run("--json", commands=lines, **how).stdout
    return [json.loads(line) for line in text.splitlines() if line.startswith("[")]


def assert_arrives(ioplane, path, *args, backends):
    sent = captures.read_frames(path)
    result, received = ioplane.replay(path, "--rxd=1024", "--txd=1024", *args)
    captures.assert_same_frames(sent, as_sent(sent, received))
    assert [domain["backend"] for domain in result.stats["domains"]] == backends
    return result


def misbehave(guest, case, nics):
    """What came of a NIC that is told to read or write what it has no right to."""
    devices = " ".join(f"-a {nic}" for nic in nics)
    text = shell(guest, f"hostile {case} -l 0,1 {devices} --")
    (line,) = [line for line in text.splitlines() if line.startswith("hostile: ")]
    outcome = json.loads(line.removeprefix("hostile: "))
    # what is allowed works afterwards
    assert outcome["well"] == 1
    return outcome


# --- they work ---------------------------------------------------------------------------------

@pytest.mark.machines(NO_UNIT, PASSTHROUGH)
def test_a_capture_arrives_without_an_iommu(ioplane, uio, make_capture):
    result = assert_arrives(ioplane, make_capture(*MANY), backends=["direct"])
    assert "IOVA mode PA, physical addresses, as 0000:00:02.0 is bound to uio_pci_generic" \
        in result.stdout
    assert port(result, 1)["stats"]["rx_missed"] == 0


@pytest.mark.machines(NO_UNIT)
def test_a_shared_capture_arrives_without_an_iommu(ioplane, uio, shared_capture):
    assert_arrives(ioplane, shared_capture("lan-mixed-5898.pcapng"), backends=["direct"])


@pytest.mark.machines(NO_UNIT)
def test_a_capture_arrives_through_vfios_no_iommu_mode(ioplane, noiommu, make_capture):
    result = assert_arrives(ioplane, make_capture(*MANY), backends=["direct"])
    assert "VFIO's no-IOMMU mode is on" in result.stdout
    groups, = answers(ioplane, "show iommu groups")
    assert {(row["type"], row["protection"]) for row in groups if row["port"] is not None} == {
        ("no-IOMMU", UNPROTECTED)}


@pytest.mark.machines("igb")
def test_four_queues_work_in_groups_that_are_told_to_translate_no_more(ioplane, identity,
                                                                       make_capture):
    path = make_capture("--packets", "2000", "--flows", "100")
    sent = captures.read_frames(path)
    result, received = ioplane.replay(path, "--rxd=1024", "--txd=1024", "--rxq=4", "--txq=4")
    captures.assert_same_frames_per_flow(sent, as_sent(sent, received))
    assert [domain["protection"] for domain in result.stats["domains"]] == [UNPROTECTED]
    assert all(queue["packets"] > 0 for queue in port(result, 1)["rx_queues"])


@pytest.mark.machines(PASSTHROUGH)
def test_vfios_no_iommu_mode_makes_all_addresses_physical(ioplane, noiommu, make_capture):
    """DPDK takes each device of VFIO for one without an IOMMU then, also those that have one."""
    result = assert_arrives(ioplane, make_capture(*MANY), backends=["type1", "type1"])
    assert "IOVA mode PA" in result.stdout and UNPROTECTED not in result.stdout
    assert [domain["faults_total"] for domain in result.stats["domains"]] == [0, 0]


@pytest.mark.machines(NO_UNIT)
def test_ports_come_and_go_in_vfios_no_iommu_mode(ioplane, noiommu):
    nic = ioplane.guest.nics[1]
    again = ["port stop 1", "port detach 1", f"port attach {nic}", "port start 1"]
    before = shell(ioplane.guest, "cat /sys/kernel/mm/hugepages/*/free_hugepages")
    result = ioplane.run(commands=[*again * 2, "start tx_first", "stop"])
    assert port(result, 1)["stats"]["rx_packets"] > 0
    assert shell(ioplane.guest, "cat /sys/kernel/mm/hugepages/*/free_hugepages") == before


@pytest.mark.machines(PASSTHROUGH)
def test_a_nic_with_and_one_without_an_iommu_forward_for_each_other(ioplane, uio_and_vfio,
                                                                    make_capture):
    """All IOVAs are physical addresses then, also those that the IOMMU translates."""
    assert_arrives(ioplane, make_capture(*MANY), backends=["direct", "type1"])
    result = ioplane.run(commands=["start tx_first", "stop"])
    assert [domain["protection"] for domain in result.stats["domains"]] == [UNPROTECTED, "iommu"]
    assert result.stats["domains"][1]["faults_total"] == 0
    for number in (0, 1):
        assert port(result, number)["stats"]["rx_packets"] > 0


# --- they are called UNPROTECTED ---------------------------------------------------------------

@pytest.mark.machines(NO_UNIT)
def test_every_report_says_that_nothing_protects(ioplane, uio):
    result = ioplane.run(commands=SHOW)
    (start,) = [line for line in result.stdout.splitlines() if "IOVA mode" in line]
    assert "domain 0 is UNPROTECTED: its devices reach all memory" in start
    # under the table that the command shows, and under the one of the report on exit
    assert result.stdout.count("domain 0 is UNPROTECTED: no IOMMU stands between its devices "
                               "and memory, all of which they reach; rights are bookkeeping") == 2
    (domain,) = result.stats["domains"]
    assert (domain["protection"], domain["faults_total"]) == (UNPROTECTED, None)
    assert domain["devices"] == list(ioplane.guest.nics[:2])


@pytest.mark.machines(NO_UNIT)
def test_every_command_says_that_nothing_protects(ioplane, uio):
    domains, limits, groups, maps = answers(ioplane, *SHOW)
    assert [domain["protection"] for domain in domains] == [UNPROTECTED]
    assert [limit["is_protected"] for limit in limits] == [False]
    assert {row["protection"] for row in groups if row["port"] is not None} == {UNPROTECTED}
    memory = shell(ioplane.guest, "grep 'System RAM' /proc/iomem")
    ranges = [[int(end, 16) for end in line.split(" : ")[0].split("-")]
              for line in memory.splitlines()]
    for entry in maps:
        start = int(entry["iova"], 16)
        assert any(first <= start and start + entry["size"] - 1 <= last for first, last in ranges)


@pytest.mark.machines(NO_UNIT)
def test_a_dry_run_says_it_before_anything_is_touched(ioplane, uio):
    text = ioplane.run("--dry-run").stdout
    assert "0 behind an IOMMU, in a domain each; 2 UNPROTECTED" in text
    assert "IOVA mode:    PA, physical addresses" in text


# --- they are ----------------------------------------------------------------------------------

@pytest.mark.machines(NO_UNIT)
@pytest.mark.parametrize("case, came", [
    ("read-foreign", "secret"), ("write-foreign", "changed"), ("write-barred", "changed")])
def test_a_nic_that_misbehaves_gets_what_it_wants(uio, case, came):
    """The control of all tests in which an IOMMU refuses the same."""
    assert misbehave(uio, case, uio.nics[:2])[came] == 1


@pytest.mark.machines(PASSTHROUGH)
def test_of_two_nics_only_the_one_behind_the_iommu_is_held_back(uio_and_vfio):
    first, second = uio_and_vfio.nics[:2]
    assert misbehave(uio_and_vfio, "read-foreign", (first, second))["secret"] == 1
    assert misbehave(uio_and_vfio, "read-foreign", (second, first))["secret"] == 0
    assert misbehave(uio_and_vfio, "write-foreign", (first, second))["changed"] == 1
    assert misbehave(uio_and_vfio, "write-foreign", (second, first))["changed"] == 0


# --- what is refused ---------------------------------------------------------------------------

def refused(guest, *nics, options=""):
    """One line, and the NICs are where they were."""
    drivers = f"for nic in {' '.join(nics)}; do readlink /sys/bus/pci/devices/$nic/driver; done"
    before = shell(guest, drivers)
    devices = " ".join(f"-a {nic}" for nic in nics)
    result = guest.run(f"ioplane -l 0,1 {devices} -- {options}")
    assert result.status == 1, result.text
    assert shell(guest, drivers) == before
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("ioplane: ")]
    return line


@pytest.mark.machines(NO_UNIT)
def test_small_pages_are_refused(uio):
    line = refused(uio, *uio.nics, options="--page-size=4k")
    assert "4 KiB pages may move in physical memory; use pages of 2 MiB or 1 GiB" in line


@pytest.mark.machines(NO_UNIT)
def test_want_of_huge_pages_is_refused(uio):
    count = shell(uio, "cat /proc/sys/vm/nr_hugepages")
    shell(uio, "echo 0 >/proc/sys/vm/nr_hugepages")
    try:
        line = refused(uio, *uio.nics)
    finally:
        shell(uio, f"echo {count.strip()} >/proc/sys/vm/nr_hugepages")
    assert "may move in physical memory: reserve huge pages" in line


@pytest.mark.machines(NO_UNIT)
def test_a_nic_that_comes_too_late_for_the_mode_is_refused(ioplane, uio):
    attach = [f"port attach {ioplane.guest.nics[0]}"]
    result = ioplane.run(nics=(), commands=attach, status=1)
    assert "settled at the start: start ioplane with --iova-mode=pa" in result.stderr
    result = ioplane.run(nics=(), eal=["--iova-mode=pa"], commands=attach)
    assert [domain["backend"] for domain in result.stats["domains"]] == ["direct"]


@pytest.mark.machines("e1000e")
def test_uio_behind_an_iommu_that_translates_is_refused(guest):
    nic = guest.nics[0]
    shell(guest, f"nics uio_pci_generic {nic}")
    try:
        line = refused(guest, nic)
    finally:
        shell(guest, f"nics vfio-pci {nic}")
    assert f"{nic} is bound to uio_pci_generic" in line and "is translated (DMA" in line
