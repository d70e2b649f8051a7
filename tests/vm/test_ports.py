# SPDX-License-Identifier: BSD-3-Clause
"""Ports on PCI devices come and go: attach, detach, reset, failures on the way, and mixtures."""
import json
import re
import signal

import pytest

import captures
from program import as_sent, port

USED = "/sys/class/iommu/dmar0/intel-iommu/domains_used"
# EAL's own memory lies from here on; arenas have their IOVAs below.
EAL_BASE = 1 << 32
SMALL = ("--packets", "1000", "--flows", "50")
NULL = ("--vdev", "net_null0,no-rx=1")
WRONG = "0000:ff:1f.6"


def held(guest, program):
    """What a process and the machine hold: descriptors, mapped files, huge pages, domains."""
    text = guest.run(
        f"ls /proc/{program}/fd | wc -l; "
        f"grep -c -E 'hugepage|memfd|anon_inode' /proc/{program}/maps; "
        f"sed -n 's/HugePages_Free: *//p' /proc/meminfo; cat {USED}").stdout
    return [int(word) for word in text.split()]


def held_by_the_machine(guest):
    """Free huge pages and the IOMMU's domains."""
    return re.search(r"HugePages_Free: +(\d+)", guest.read("/proc/meminfo"))[1], guest.read(USED)


def pid(guest):
    return guest.run("pidof ioplane").stdout.strip()


def answer(job, number, *lines):
    """Runs commands; what is said until a word behind them is found to be no command."""
    before = len(job.stdout), len(job.stderr)
    for line in lines:
        job.send(line)
    job.send(f"next{number}")
    job.wait_for(f'no command "next{number}"', timeout=100)
    return job.stdout[before[0]:] + job.stderr[before[1]:]


def maps(result_or_text):
    """The mappings that `show iommu maps` told in JSON."""
    text = result_or_text if isinstance(result_or_text, str) else result_or_text.stdout
    return [json.loads(line) for line in text.splitlines() if line.startswith('[{"domain"')]


def run_in_vain(ioplane, *args, **options):
    """The last line that a run says which must fail."""
    with ioplane.start(*args, **options) as job:
        result = job.finish()
    assert result.status == 1, result.text
    return result.stderr.splitlines()[-1]


# --- attach and detach -----------------------------------------------------------------------

@pytest.mark.machines("e1000e")
def test_attaching_and_detaching_100_times_leaves_nothing(guest, ioplane):
    """More often than DPDK has heaps (32) and containers (64), so that none is lost."""
    nic = guest.nics[0]
    with ioplane.start("-i", "--keep-going", nics=[], eal=NULL, timeout=150) as job:
        job.wait_for("entries used")
        both = (f"port attach {nic}", "port detach 1")
        answer(job, "first", *both, *both)
        before = held(guest, pid(guest))
        said = answer(job, "last", *(both * 100))
        assert "cannot" not in said and "fail" not in said, said
        assert said.count("Port 1 is detached") == 100
        assert held(guest, pid(guest)) == before
        devargs = answer(job, "devargs", "dump_devargs")
        assert nic not in devargs
        assert "is attached" in answer(job, "again", f"port attach {nic}")
        job.send("quit")
        job.finish()


@pytest.mark.machines("e1000e")
@pytest.mark.parametrize("call, step", [("ioctl", 1), ("mmap", 2), ("openat", 8),
                                        ("eventfd2", 1), ("pread64", 6)])
def test_an_attach_that_fails_at_any_step_leaves_nothing(guest, call, step):
    """strace makes one system call of the attach fail, another one each time."""
    result = guest.run(f"inject {guest.nics[0]} {call} {step}", timeout=120)
    assert result.status == 0, result.text
    lines = [line.split("|") for line in result.stdout.splitlines() if line.count("|") >= 3]
    attempts = {name: (counts, outcome) for name, counts, outcome, *_ in lines}
    before, outcome = attempts["calm"]
    assert "is attached" in outcome and "is attached" in attempts["end"][1], result.text
    numbers = [name for name in attempts if name.isdigit()]
    assert numbers, result.text
    for name in [*numbers, "end"]:
        assert attempts[name][0] == before, f"{call} {name}: {lines}"
    # The negative control: a failure is seen at all.
    failed = [line for line in lines if line[0].isdigit() and "is attached" not in "".join(line)]
    assert failed, result.text
    for line in failed:
        assert re.search(r"stdin:\d+: ", "|".join(line)), line


@pytest.mark.machines("e1000e")
def test_a_device_that_another_process_has_is_told_and_nothing_changes(guest, ioplane):
    nics = guest.nics[:2]
    with ioplane.start("-i", nics=nics[:1]) as first:
        first.wait_for("entries used")
        used, program = guest.read(USED), pid(guest)
        before = held(guest, program)
        told = run_in_vain(ioplane, nics=[nics[1], nics[0]])
        assert nics[0] in told and "in use" in told
        assert guest.read(USED) == used
        assert held(guest, program) == before
        first.send("quit")
        assert first.finish().status == 0
    assert ioplane.run(nics=nics, commands=["show port info all"]).status == 0


@pytest.mark.machines("e1000e")
@pytest.mark.parametrize("nics, args, eal, reason", [
    ((0, 0), (), (), "is there already as port 0"),
    (("0,eal-memory=maybe",), (), (), "eal-memory is auto, yes or no"),
    ((0,), ("--arena-mb", "1"), (), "--arena-mb 1: 0000:00:02.0 needs"),
    ((0,), ("--total-num-mbufs", "60000"), ("--socket-limit", "16"), "EAL's memory may be used"),
    ((WRONG,), (), (), "there is no PCI device"),
])
def test_what_cannot_be_attached_is_one_line_and_leaves_nothing(guest, ioplane, nics, args, eal,
                                                                reason):
    names = [f"{guest.nics[nic]}" if isinstance(nic, int) else
             re.sub(r"^0(?=,)", guest.nics[0], nic) for nic in nics]
    before = held_by_the_machine(guest)
    assert reason in run_in_vain(ioplane, *args, nics=names, eal=eal)
    assert held_by_the_machine(guest) == before


@pytest.mark.machines("e1000e")
def test_after_kill_9_the_next_run_goes_on(guest, ioplane, make_capture):
    before = held_by_the_machine(guest)
    with ioplane.start("-i", nics=guest.nics[:2]) as job:
        job.wait_for("entries used")
        job.send("start tx_first")
        job.wait_for("forwards packets on")
        guest.run(f"kill -9 {pid(guest)}")
        job.wait(10)
    assert held_by_the_machine(guest) == before
    path = make_capture(*SMALL)
    _, received = ioplane.replay(path, "--rxd=1024")
    sent = captures.read_frames(path)
    captures.assert_same_frames(sent, as_sent(sent, received))


@pytest.mark.machines("e1000e")
def test_ports_are_numbered_as_the_command_line_has_them(guest, ioplane):
    nics = guest.nics[:2]
    eal = ["-a", nics[1].removeprefix("0000:"), "--vdev", "net_dmanic0", "-a", nics[0], *NULL]
    result = ioplane.run(nics=[], eal=eal, commands=[])
    assert [one["name"] for one in result.stats["ports"]] == [
        nics[1], "net_dmanic0", nics[0], "net_null0"]


# --- reset and another configuration -----------------------------------------------------------

ROUND = ("start tx_first", "show port stats all", "show port stats all", "stop")


def forwarded(text):
    """Packets received by all ports in each round of forwarding."""
    totals = re.findall(r"Accumulated.*?RX-packets: (\d+)", text, re.S)
    return [int(total) for total in totals]


@pytest.mark.machines("e1000e", "igb", "virtio", "vmxnet3")
def test_a_port_forwards_again_after_reset_and_reattach(guest, ioplane):
    """e1000e and virtio have no reset of their own in DPDK."""
    nics = guest.nics[:2]
    result = ioplane.run("--rxd=512", commands=[
        *ROUND, "port stop all", "port reset 0", "port start all", *ROUND,
        "port stop 1", "port detach 1", f"port attach {nics[1]}", "port start 1", *ROUND,
        "show iommu domains"])
    rounds = forwarded(result.stdout)
    assert len(rounds) == 3 and all(total > 64 for total in rounds), result.stdout
    assert [domain["devices"] for domain in result.stats["domains"]] == [[nics[0]], [nics[1]]]


@pytest.mark.machines("igb")
def test_more_queues_and_longer_rings_get_new_memory(guest, ioplane):
    result = ioplane.run(commands=[
        *ROUND, "port stop all", "port config all rxq 4", "port config all txq 4",
        "port config all rxd 2048", "port config all txd 2048", "port start all", *ROUND,
        "show iommu domains"])
    assert all(total > 64 for total in forwarded(result.stdout)), result.stdout
    assert len(port(result, 0)["rx_queues"]) == 4
    assert [domain["faults_total"] for domain in result.stats["domains"]] == [0, 0]


@pytest.mark.machines("virtio")
def test_a_driver_that_holds_its_memory_says_how_to_get_more(guest, ioplane):
    told = run_in_vain(ioplane, commands=[
        "port stop all", "port config all rxd 8192", "port start all"])
    assert "port detach 0, then port attach 0000:00:02.0" in told


# --- EAL's memory --------------------------------------------------------------------------------

def check_eal_memory(guest, ioplane, choice, is_mapped):
    """Runs with a choice; the traffic passes, and EAL's memory is mapped or not."""
    nics = [f"{nic},eal-memory={choice}" for nic in guest.nics[:2]]
    result = ioplane.run("--json", "--rxd=512", nics=nics, commands=[
        "show iommu maps all", "start tx_first", "stop", "show port info 0"])
    above = [one for one in maps(result)[0] if int(one["iova"], 16) >= EAL_BASE]
    # At EAL's own addresses, a mapping a page, as EAL frees a page at a time.
    assert all(one["iova"] == one["vaddr"] and one["size"] == one["page_size"] and
               one["prot"] == "rw" for one in above)
    assert {one["domain"] for one in above} == ({0, 1} if is_mapped else set())
    assert f'"is_mapped":{str(is_mapped).lower()}' in result.stdout
    assert sum(one["stats"]["rx_packets"] for one in result.stats["ports"]) > 0


@pytest.mark.machines("e1000e", "igb", "virtio", "vmxnet3")
def test_eal_memory_is_mapped_when_asked_for(guest, ioplane):
    check_eal_memory(guest, ioplane, "yes", True)


@pytest.mark.machines("e1000e", "igb", "virtio", "vmxnet3")
def test_eal_memory_is_mapped_by_itself_only_for_a_driver_that_needs_it(guest, ioplane):
    check_eal_memory(guest, ioplane, "auto", guest.name == "vmxnet3")


@pytest.mark.machines("e1000e", "igb", "virtio")
def test_eal_memory_is_not_mapped_when_refused(guest, ioplane):
    check_eal_memory(guest, ioplane, "no", False)


@pytest.mark.machines("e1000e")
def test_eal_memory_that_comes_and_goes_is_mapped_and_unmapped(guest, ioplane):
    """A port without a domain takes its mbufs' headers from EAL's memory."""
    nics = [f"{guest.nics[0]},eal-memory=yes", guest.nics[1]]
    with ioplane.start("-i", "--keep-going", "--json", "--total-num-mbufs=40000", nics=nics,
                       timeout=60) as job:
        def above(name):
            (found,) = maps(answer(job, name, "show iommu maps all"))
            return {one["iova"]: one["domain"] for one in found
                    if int(one["iova"], 16) >= EAL_BASE}
        before = above("a")
        answer(job, "attach", "port attach net_null7,no-rx=1")
        grown = above("b")
        answer(job, "detach", "port detach 2")
        after = above("c")
        job.send("quit")
        job.finish()
    assert set(before.values()) == set(grown.values()) == {0}
    assert len(grown) > len(before) and set(before) <= set(grown)
    assert after == before


@pytest.fixture
def entry_limit(guest):
    """Sets how many mappings VFIO allows a container."""
    path = "/sys/module/vfio_iommu_type1/parameters/dma_entry_limit"
    before = guest.read(path)
    yield lambda limit: guest.run(f"echo {limit} >{path}")
    guest.run(f"echo {before} >{path}")


@pytest.mark.machines("e1000e")
def test_eal_memory_that_finds_no_entries_left_is_told_and_leaves_nothing(guest, ioplane,
                                                                          entry_limit):
    """The rings and the buffers take both entries."""
    before = held_by_the_machine(guest)
    entry_limit(2)
    nics = [f"{guest.nics[0]},eal-memory=yes"]
    told = run_in_vain(ioplane, nics=nics)
    assert f"mapping EAL's memory in the domain of {guest.nics[0]} failed" in told
    assert "give it eal-memory=no" in told
    assert held_by_the_machine(guest) == before
    # The negative control: without EAL's memory two are enough.
    assert ioplane.run(nics=guest.nics[:1], commands=["show port info 0"]).status == 0


@pytest.mark.machines("e1000e")
def test_eal_memory_that_grows_past_the_entries_is_told_and_the_port_goes_on(guest, ioplane,
                                                                             entry_limit):
    entry_limit(6)
    result = ioplane.run("--total-num-mbufs=10000", nics=[f"{guest.nics[0]},eal-memory=yes"],
                         commands=["port attach net_null7,no-rx=1", "port detach 1",
                                   "show iommu maps 0", "port stop 0", "port start 0"])
    assert "cannot be mapped in domain 0" in result.stderr
    assert result.stats["domains"][0]["entries_used"] <= 6


# --- mixtures --------------------------------------------------------------------------------

@pytest.mark.machines("e1000e")
def test_frames_pass_between_software_and_real_nics_without_a_copy(guest, ioplane, make_capture):
    """net_dmanic0 -> net_dmanic1 -> NIC 0 -> NIC 1 -> net_dmanic2 -> net_dmanic3, by two grants.

    The ports are paired: (1, NIC 0), (NIC 1, 2), (3, null), and 0 alone.
    """
    path = make_capture(*SMALL)
    first, second = guest.nics[:2]
    eal = ["--vdev", "net_dmanic1,cable=net_dmanic0", "-a", first, "-a", second,
           "--vdev", "net_dmanic2", "--vdev", "net_dmanic3,cable=net_dmanic2", *NULL,
           "--vdev", "net_dmanic0"]
    result = ioplane.run("--forward-mode", "io", "--replay", f"6,file={ioplane.put(path)},topspeed",
                         "--capture", "4,file=received.pcap", "--rxd=1024", nics=[], eal=eal)
    sent = captures.read_frames(path)
    received = captures.read_frames(result.folder / "received.pcap")
    captures.assert_same_frames(sent, as_sent(sent, received))
    assert all(domain["faults_total"] == 0 for domain in result.stats["domains"])
    assert [domain["backend"] for domain in result.stats["domains"]].count("type1") == 2


@pytest.mark.machines("e1000e")
def test_a_link_that_comes_late_is_waited_for(guest, ioplane, make_capture):
    path = make_capture(*SMALL)
    guest.qemu.monitor("set_link wire0 off")
    try:
        with ioplane.start("--replay", f"0,file={ioplane.put(path)},topspeed", "--capture",
                           "1,file=received.pcap", "--rxd=1024") as job:
            job.wait_for("waiting for its link")
            assert "achieved" not in job.stdout
            guest.qemu.monitor("set_link wire0 on")
            result = job.finish()
    finally:
        guest.qemu.monitor("set_link wire0 on")
    assert result.status == 0, result.text
    sent = captures.read_frames(path)
    received = captures.read_frames(job.folder / "received.pcap")
    captures.assert_same_frames(sent, as_sent(sent, received))


@pytest.mark.machines("e1000e")
def test_a_signal_ends_the_wait_for_a_link(guest, ioplane):
    guest.qemu.monitor("set_link wire0 off")
    try:
        with ioplane.start() as job:
            job.wait_for("waiting for its link")
            job.signal(signal.SIGTERM)
            assert job.finish().status == 0, job.said()
    finally:
        guest.qemu.monitor("set_link wire0 on")
