# SPDX-License-Identifier: BSD-3-Clause
"""A NIC that reads or writes what is not its own: stopped by the IOMMU, seen, and told of whom.

`hostile` is ioplane with a driver that points its first NIC elsewhere. The kernel's log is the
program's source, and QEMU's trace of the IOMMU is ours: it has each refused access.
"""
import json
import re
import shlex
import time
from dataclasses import dataclass

import pytest

PAGE = 4096
READ, WRITE = 6, 5
# The kernel prints ten lines about faults in five seconds, and says later what it left out.
QUIET_S = 5.5
FAULT_LINE = re.compile(r"DMAR: \[DMA (?:Read|Write) .*Request device \[([0-9a-f:.]+)\]")
TRACE_LINE = re.compile(r"vtd_dmar_fault sid (0x[0-9a-f]+) fault (\d+) addr (0x[0-9a-f]+)")
# A buffer that is received into; what a descriptor says of it.
BUFFER = 2048

last_fault = {}


@dataclass
class Run:
    """What one run of hostile said, and what the kernel and the IOMMU did meanwhile."""
    cases: list
    stats: dict
    text: str
    kernel: list     # devices of the kernel's fault lines
    refused: list    # (requester, reason, address) of each refused access

    @property
    def faults(self):
        return self.stats["domains"][0]["faults"]


def requester(address):
    """Bus, device and function of a PCI address as the IOMMU sees them."""
    bus, device, function = (int(part, 16) for part in re.split("[:.]", address)[1:])
    return bus << 8 | device << 3 | function


def kernel_lines(guest):
    return FAULT_LINE.findall(guest.run("dmesg").stdout)


def left_out_lines(guest):
    said = re.findall(r"dmar_fault: (\d+) callbacks suppressed", guest.run("dmesg").stdout)
    return [int(count) for count in said]


def trace(guest):
    found = (TRACE_LINE.search(line) for line in guest.qemu.trace_lines("vtd_dmar_fault"))
    return [(int(m[1], 16), int(m[2]), int(m[3], 16)) for m in found if m]


def wait_for_quiet(guest):
    """So long that the kernel prints the next faults."""
    time.sleep(max(0, last_fault.get(guest.name, 0) + QUIET_S - time.monotonic()))


def hostile(guest, cases, *options, eal=None, timeout=90):
    """Runs hostile, on the first two NICs without `eal`, and gathers all that was seen of it."""
    guest.qemu.trace_events("vtd_dmar_fault")
    lines, events = len(kernel_lines(guest)), len(trace(guest))
    eal = eal or ["-a", guest.nics[0], "-a", guest.nics[1]]
    words = ["hostile", cases, "-l", "0,1", *eal, "--", "--stats-json", "stats.json", *options]
    with guest.start("exec " + shlex.join(words), timeout) as job:
        result = job.finish()
    last_fault[guest.name] = time.monotonic()
    assert result.status == 0, job.said()
    said = [json.loads(line) for line in re.findall(r"^hostile: (\{.*\})$", result.stdout, re.M)]
    stats = json.loads((job.folder / "stats.json").read_text())
    return Run(said, stats, result.text, kernel_lines(guest)[lines:], trace(guest)[events:])


@pytest.mark.machines("e1000e", "igb", "igb-vf")
def test_a_nic_reads_and_writes_its_own_memory_without_a_fault(guest):
    """The control of all that follows: the frames arrive, byte for byte."""
    run = hostile(guest, "read-own,write-own")
    assert [case["secret"] for case in run.cases] == [1, 1]
    assert run.stats["domains"][0]["faults_source"] == "log"
    assert [domain["faults_total"] for domain in run.stats["domains"]] == [0, 0]
    assert run.kernel == [] and run.refused == []


def check_outcome(run, case):
    """One case of a run in which all were to be refused; the addresses that it was pointed at."""
    outcome = next(one for one in run.cases if one["case"] == case)
    assert (outcome["secret"], outcome["changed"]) == (0, 0), "memory is as it was, and unread"
    assert outcome["well"] == 1, "the port goes on"
    return outcome["iova"], outcome["size"]


def check_refusal(run, nic, case, reason):
    """The IOMMU stopped each access of the case, and the program has it with port and page."""
    start, size = check_outcome(run, case)
    refused = [address for sid, why, address in run.refused if why == reason]
    assert {sid for sid, *_ in run.refused} == {requester(nic)}
    if reason == READ:
        assert set(refused) == set(range(start, start + size, 4)), "each byte of it"
    else:
        assert min(refused) == start and max(refused) < start + BUFFER
    seen = [fault for fault in run.faults if fault["reason"] == reason]
    assert 0 < len(seen) <= len(refused)
    for fault in seen:
        assert (fault["device"], fault["queue"]) == (nic, None)
        assert fault["access"] == ("read" if reason == READ else "write")
        # VT-d tells the page of a refused access
        assert int(fault["iova"], 16) == start - start % PAGE
    assert f"at least {len(seen)} of reason {reason}" in run.text


def check_attribution(run, nic):
    """As many faults as the kernel printed, all of the first port's domain."""
    mine, other = run.stats["domains"]
    assert (mine["devices"], mine["faults_source"]) == ([nic], "log")
    assert sum(mine["faults_by_reason"].values()) == mine["faults_total"] == len(run.faults)
    assert run.kernel == [nic.removeprefix("0000:")] * mine["faults_total"]
    assert other["faults_total"] == 0
    assert f"ioplane: port 0 ({nic}): the IOMMU refused a" in run.text


def check_both(guest, target):
    wait_for_quiet(guest)
    run = hostile(guest, f"read-{target},write-{target}")
    check_refusal(run, guest.nics[0], f"read-{target}", READ)
    check_refusal(run, guest.nics[0], f"write-{target}", WRITE)
    check_attribution(run, guest.nics[0])


@pytest.mark.machines("e1000e", "igb", "igb-vf")
def test_dma_into_the_other_port_s_domain_is_refused_and_attributed(guest):
    check_both(guest, "foreign")


@pytest.mark.machines("e1000e")
def test_dma_where_nobody_has_memory_is_refused_and_attributed(guest):
    check_both(guest, "unmapped")


@pytest.mark.machines("e1000e")
def test_a_grant_to_read_is_none_to_write(guest):
    """The other way round it is as the limits say: they must not promise more than the tables.

    Writes first: QEMU stops one to a page that its IOTLB has from a read, but records no fault.
    """
    wait_for_quiet(guest)
    run = hostile(guest, "write-barred,read-barred")
    check_refusal(run, guest.nics[0], "write-barred", WRITE)
    words = ["ioplane", "-l", "0", "-a", guest.nics[0], "--", "-i", "--json"]
    with guest.start("exec " + shlex.join(words), 60) as job:
        job.send("show iommu limits all")
        job.send("quit")
        result = job.finish()
    limits = json.loads(result.stdout.splitlines()[0])[0]
    assert run.cases[1]["secret"] == int(limits["write_implies_read"])


@pytest.mark.machines("e1000e")
def test_in_a_shared_domain_nothing_stops_it(guest):
    """The negative control: without the wall the same accesses reach the other's memory."""
    run = hostile(guest, "read-foreign,write-foreign", "--domain", "shared")
    read, write = run.cases
    assert read["secret"] == 1 and write["changed"] == 1
    assert len(run.stats["domains"]) == 1
    assert run.refused == [] and run.stats["domains"][0]["faults_total"] == 0


@pytest.mark.machines("e1000e")
def test_faults_that_the_kernel_does_not_print_are_said_to_be_missing(guest):
    """Of many faults at once a part is printed; with the next one the kernel says how many."""
    wait_for_quiet(guest)
    before = sum(left_out_lines(guest))
    run = hostile(guest, ",".join(["read-unmapped"] * 6 + ["pause", "read-unmapped"]))
    domain = run.stats["domains"][0]
    left_out = run.stats["kernel"]["fault_log"]["lines_left_out"]
    assert 0 < domain["faults_total"] < 7
    assert domain["faults_total"] == len(run.kernel)
    assert left_out == sum(left_out_lines(guest)) - before > 0
    assert f"it left out {left_out} lines" in run.text
    assert run.text.count("the IOMMU refused a") < domain["faults_total"], "the screen is not flooded"


@pytest.mark.machines("e1000e")
def test_faults_of_another_process_s_device_are_not_ours(guest):
    wait_for_quiet(guest)
    words = ["ioplane", "-l", "0", "-a", guest.nics[1], "--", "-i", "--stats-json", "stats.json"]
    with guest.start("exec " + shlex.join(words), 60) as job:
        job.send("show iommu faults")
        job.wait_for("Faults: none")
        run = hostile(guest, "read-unmapped", eal=["-a", guest.nics[0], "--vdev", "net_null0"])
        assert run.stats["domains"][0]["faults_total"] >= 1
        job.send("quit")
        assert job.finish().status == 0
    stats = json.loads((job.folder / "stats.json").read_text())
    assert stats["domains"][0]["faults_total"] == 0


@pytest.mark.machines("e1000e")
def test_a_line_that_a_program_wrote_into_the_log_is_no_fault(guest):
    line = (f"DMAR: [DMA Read NO_PASID] Request device [{guest.nics[0][5:]}] fault addr 0x5000 "
            "[fault reason 0x06] PTE Read access is not set")
    words = ["ioplane", "-l", "0", "-a", guest.nics[0], "--", "-i", "--stats-json", "stats.json"]
    with guest.start("exec " + shlex.join(words), 60) as job:
        job.send("show iommu faults")
        job.wait_for("Faults: none")
        assert guest.run(f"echo '<3>{line}' >/dev/kmsg; dmesg | grep -c 'addr 0x5000'").status == 0
        job.send("quit")
        assert job.finish().status == 0
    stats = json.loads((job.folder / "stats.json").read_text())
    assert stats["domains"][0]["faults_total"] == 0


@pytest.mark.machines("e1000e")
def test_without_the_kernel_s_log_faults_are_not_known_rather_than_none(guest):
    guest.run("mv /dev/kmsg /dev/kmsg.away")
    try:
        run = hostile(guest, "read-unmapped")
    finally:
        guest.run("mv /dev/kmsg.away /dev/kmsg")
    assert run.refused, "the IOMMU stops it all the same"
    for domain in run.stats["domains"]:
        assert (domain["faults_source"], domain["faults_total"]) == ("n/a", None)
    assert run.stats["kernel"] is None
    assert run.text.count("cannot read /dev/kmsg") == 1


INSTANCES = "/sys/kernel/tracing/instances"


@pytest.mark.machines("e1000e")
def test_the_kernel_s_own_maps_are_counted_beside_ours(guest):
    guest.run(f"mkdir {INSTANCES}/ioplane-4000000 {INSTANCES}/other")
    words = ["ioplane", "-l", "0", "-a", guest.nics[0], "--", "-i", "--kernel-trace",
             "--stats-json", "stats.json"]
    with guest.start("exec " + shlex.join(words), 60) as job:
        job.send("show port 0 dma")
        job.wait_for("Kernel, all devices")
        inside = guest.run(f"ls {INSTANCES}").stdout.split()
        job.send("quit")
        assert job.finish().status == 0
    after = guest.run(f"ls {INSTANCES}; rmdir {INSTANCES}/other").stdout.split()
    # that of a process which is gone was removed, another's was not
    assert len(inside) == 2 and "other" in inside and "ioplane-4000000" not in inside
    assert after == ["other"]
    stats = json.loads((job.folder / "stats.json").read_text())
    counted = stats["kernel"]["trace"]
    assert counted["map"]["bytes"] >= stats["domains"][0]["mapped_bytes"] > 0
    assert counted["map"]["count"] >= stats["domains"][0]["page_sizes"]["2097152"] > 0
    assert counted["qi_submit"]["count"] > 0 and counted["qi_submit"]["bytes"] is None


@pytest.mark.machines("e1000e")
def test_without_the_option_the_kernel_counts_nothing(guest, ioplane):
    result = ioplane.run(commands=["show port 0 dma", "quit"])
    assert "Kernel, all devices" not in result.stdout
    assert result.stats["kernel"]["trace"] is None
    assert guest.run(f"ls {INSTANCES}").stdout == ""
