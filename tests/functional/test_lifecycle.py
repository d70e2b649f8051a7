# SPDX-License-Identifier: BSD-3-Clause
"""How the program ends, and what it leaves behind: nothing, whoever ends it."""
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

import harness

MEMINFO = Path("/proc/meminfo")
FORWARDS = "packet forwarding - ports=2"


def free_huge_pages():
    line = next(line for line in MEMINFO.read_text().splitlines() if "HugePages_Free" in line)
    return int(line.split()[1])


def huge_kib(pid):
    """KiB of huge pages that a process has."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("HugetlbPages:")[1].split()[0])


def kill_and_count(running):
    """Kills it with SIGKILL; huge pages free before, while it ran, and after."""
    before = free_huge_pages()
    with running() as program:
        program.wait_for("ioplane 0" if "ioplane" in program.command[0] else "testpmd>")
        during = before - free_huge_pages()
        taken = huge_kib(program.process.pid)
        program.signal(signal.SIGKILL)
        program.process.wait()
    return during, taken, before - free_huge_pages()


def eventually(measure, is_good, tries=10):
    """Others on this machine take and give huge pages too: any one good reading will do."""
    for _ in range(tries):
        found = measure()
        if is_good(found):
            return
    raise AssertionError(f"{found} at the last of {tries} tries")


def test_kill_9_leaves_no_huge_pages_taken_and_the_next_run_works(ioplane):
    def start():
        return ioplane.start("-i", "--auto-start", "--tx-first", stats=False)
    eventually(lambda: kill_and_count(start),
               lambda found: found[0] > 0 and found[1] > 0 and found[2] <= 0)
    ioplane.run(commands=["start tx_first", "stop"])


@pytest.mark.upstream
def test_the_count_of_huge_pages_does_notice_what_kill_9_leaves(ioplane, tmp_path):
    # upstream, without --in-memory, keeps its pages in files that nobody removes
    folder = tmp_path / "huge"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "hugetlbfs", "none", folder]).returncode != 0:
        pytest.skip("cannot mount hugetlbfs here")

    def start():
        for path in folder.iterdir():
            path.unlink()
        return harness.Running(["dpdk-testpmd", *harness.lcores(1), "--no-pci", "--huge-dir",
                                folder, "--file-prefix", f"left{os.getpid()}",
                                "--vdev", "net_null0", "-m", "64", "--", "-i",
                                "--total-num-mbufs=2048"], tmp_path)
    try:
        eventually(lambda: kill_and_count(start), lambda found: found[2] > 0)
        assert any(folder.iterdir())
    finally:
        subprocess.run(["umount", folder], check=True)


# --- signals -------------------------------------------------------------------------------------

def end(running, how):
    if how == "quit":
        running.send("quit")
    else:
        running.signal(how)
    result = running.finish(20)
    assert result.status == 0, running.said()
    return result


def assert_reported(ioplane, result):
    stats = ioplane.read_stats()
    assert "Accumulated forward statistics" in result.stdout
    assert "Report over" in result.stdout
    assert [port["id"] for port in stats["ports"]] == [0, 1]
    return stats


ENDS = pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])


@ENDS
def test_a_signal_while_forwarding_stops_and_reports(ioplane, how):
    with ioplane.start("--tx-first") as running:
        running.wait_for(FORWARDS)
        result = end(running, how)
    assert assert_reported(ioplane, result)["ports"][0]["stats"]["rx_packets"] > 0


@ENDS
def test_a_signal_while_replaying_for_ever_stops_and_reports(ioplane, make_capture, how):
    capture = make_capture("--packets", "500", "--flows", "8")
    with ioplane.start("--replay", f"0,file={capture},loop=0") as running:
        running.wait_for(FORWARDS)
        time.sleep(0.4)
        assert running.process.poll() is None, "it replays for ever"
        result = end(running, how)
    stats = assert_reported(ioplane, result)
    (replay,) = stats["replay"]
    sent = stats["ports"][0]["stats"]
    received = stats["ports"][1]["stats"]
    assert replay["packets"] == sent["tx_packets"] > 500
    assert sent["tx_packets"] == received["rx_packets"] + received["rx_missed"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, "quit"])
def test_a_signal_at_the_prompt_ends_as_quit_does(ioplane, how):
    with ioplane.start("-i") as running:
        running.send("start tx_first")
        running.wait_for(FORWARDS)
        result = end(running, how)
    assert_reported(ioplane, result)


def test_signals_one_after_the_other_end_it_once(ioplane):
    with ioplane.start("--tx-first") as running:
        running.wait_for(FORWARDS)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
            running.signal(number)
        result = running.finish(20)
    assert result.status == 0
    assert result.stdout.count("Report over") == 1
    assert_reported(ioplane, result)


def test_a_reader_that_goes_away_does_not_cost_the_report(ioplane):
    read, write = os.pipe()
    command = [str(word) for word in ioplane.command("--tx-first")]
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=write,
                               stderr=subprocess.PIPE, text=True, cwd=ioplane.folder)
    os.close(write)
    while b"RX P=1" not in os.read(read, 65536):
        pass
    os.close(read)
    program.send_signal(signal.SIGTERM)
    _, errors = program.communicate(timeout=20)
    assert program.returncode == 1
    (line,) = errors.splitlines()
    assert line.startswith("ioplane: cannot write the report to standard output: Broken pipe")
    assert [port["id"] for port in ioplane.read_stats()["ports"]] == [0, 1]


# --- ports that come and go ----------------------------------------------------------------------

class Steps:
    """Commands typed one at a time, and what the process holds after each."""

    def __init__(self, running):
        self.running = running
        self.count = 0

    def do(self, *lines):
        """Types the lines; returns when the program has answered the last."""
        for line in lines:
            self.running.send(line)
        self.count += 1
        self.running.send(f"set txpkts {64 + self.count}")
        self.running.send("show config txpkts")
        self.running.wait_for(f'{{"txpkts":[{64 + self.count}]}}')

    def answer(self, line):
        """What a show command answers in JSON."""
        before = len(self.running.stdout)
        self.do(line)
        said = self.running.stdout[before:]
        return next(json.loads(text) for text in said.splitlines() if text[:1] in "[{")

    def held(self):
        """Files, memory areas, threads, huge pages and IOMMU mappings."""
        folder = Path(f"/proc/{self.running.process.pid}")
        maps = self.answer("show iommu maps")
        return {"files": len(list((folder / "fd").iterdir())),
                "areas": len((folder / "maps").read_text().splitlines()),
                "threads": len(list((folder / "task").iterdir())),
                "huge KiB": huge_kib(self.running.process.pid),
                "mappings": [(each["size"], each["page_size"], each["prot"]) for each in maps],
                "domains": len(self.answer("show iommu domains"))}


THIRD = "net_dmanic2"
ROUNDS = {
    "start and stop": ["start tx_first 2", "stop"],
    "port stop and start": ["port stop all", "port start all", "start tx_first", "stop"],
    "port reset": ["port stop 0", "port reset 0", "port start 0", "start tx_first", "stop"],
    "txonly and back": ["set fwd txonly", "start", "stop", "set fwd io", "start", "stop"],
    "one of the two detached": [
        "start tx_first", "stop", "port stop 1", "port close 1", "port detach 1",
        "port attach net_dmanic1,cable=net_dmanic0", "port start 1"],
    "both detached": [
        "start tx_first", "stop", "port stop all", "port detach 1", "port detach 0",
        "port attach net_dmanic0", "port attach net_dmanic1,cable=net_dmanic0", "port start all"],
    "a third one comes and goes": [
        f"port attach {THIRD}", "port start 2", "start tx_first", "stop", "port stop 2",
        "port detach 2"],
    "an attach that fails": [],
    "more queues and back": [
        "port stop all", "port config all rxq 4", "port config all txq 4", "port config all rxd 4096",
        "port start all", "start tx_first", "stop", "port stop all", "port config all rxq 1",
        "port config all txq 1", "port config all rxd 128", "port start all"],
}


def assert_same(before, after):
    # threads and malloc make areas of their own now and then, less than one a round
    assert after.pop("areas") - before.pop("areas") < 15
    assert after == before


@pytest.mark.parametrize("name", ROUNDS)
def test_twenty_rounds_leak_nothing(ioplane, name):
    lines = ROUNDS[name] or ["port attach net_dmanic9,speed=1", "port attach net_nosuch9"]
    args = [] if ROUNDS[name] else ["--keep-going"]
    with ioplane.start("-i", "--json", *args, stats=False) as running:
        steps = Steps(running)
        for _ in range(3):  # caches and pools find their size
            steps.do(*lines)
        before = steps.held()
        for _ in range(20):
            steps.do(*lines)
        assert_same(before, steps.held())
        faults = steps.answer("show iommu faults")
        assert sum(domain["faults_total"] for domain in faults) == 0
        running.send("quit")
        result = running.finish()
    assert result.status == (0 if ROUNDS[name] else 1), running.said()


def test_the_measure_of_leaks_sees_a_port_that_stays(ioplane):
    with ioplane.start("-i", "--json", stats=False) as running:
        steps = Steps(running)
        before = steps.held()
        steps.do(f"port attach {THIRD}", "port start 2")
        after = steps.held()
        running.send("quit")
        running.finish()
    for what in ("areas", "huge KiB", "domains"):
        assert after[what] > before[what], what
    assert len(after["mappings"]) > len(before["mappings"])
    with pytest.raises(AssertionError):
        assert_same(before, after)


def test_traffic_goes_on_between_ports_that_stay(ioplane):
    result = ioplane.run(commands=[
        "set portlist 0,1", "start tx_first", "stop", f"port attach {THIRD}", "port start 2",
        "start tx_first", "stop", "set portlist 0-2", "start tx_first", "stop", "port stop 2",
        "port detach 2", "clear port stats all", "set fwd rxonly", "start tx_first 3", "stop",
        f"port attach {THIRD}"])
    assert [result.port(n)["stats"]["rx_packets"] for n in (0, 1)] == [96, 96]
    assert [domain["faults_total"] for domain in result.stats["domains"]] == [0, 0, 0]
    assert len({port["domain"] for port in result.stats["ports"]}) == 3


@pytest.mark.parametrize("lines, reason", [
    (["port detach 1"], "port 1 is started: port stop 1 first"),
    (["start", "port detach 1"], "forwarding runs: stop first"),
    (["start", f"port attach {THIRD}"], "forwarding runs: stop first"),
    (["start", "port stop 1"], "forwarding runs: stop first"),
    (["start", "port close 1"], "forwarding runs: stop first"),
    (["start", "start"], "forwarding runs already: stop first"),
    (["port close 1"], "port 1 is started: port stop 1 first"),
    (["port reset 1"], "port 1 is not stopped: port stop 1 first"),
    (["port start 1"], "port 1 is started already"),
    (["port stop 1", "port stop 1"], "port 1 is not started"),
    (["port stop 1", "port close 1", "port start 1"], "port 1 is closed: port detach 1"),
    (["port stop 1", "port close 1", "port close 1"], "port 1 is closed already"),
    (["port stop 1", "start"], "port 1 is not started: port start 1 first"),
    (["port stop 1", "port close 1", "start"], "port 1 "),
    (["port stop 1", "port detach 1", "port detach 1"], "there is no port 1"),
    (["port attach net_dmanic0"], "device net_dmanic0 is there already as port 0"),
    (["port attach net_dmanic2,cable="], 'check its arguments "cable="'),
    (["port config all rxq 4"], "port 0 is started: port stop all first"),
    (["port stop all", "port config all rxq 33", "port start all"],
     "has at most 32 receive queues"),
    (["port stop all", "port config all rxd 5000", "port start all"],
     "has rings of 64 to 4096 descriptors"),
    (["port config mtu 0 1400"], "port 0 is started: port stop 0 first"),
    (["port stop 0", "port config mtu 0 9601"], "port 0 does not take MTU 9601"),
    (["port 0 rxq 1 start"], "queue 1: give a number from 0 to 0"),
])
def test_what_cannot_be_done_now_says_what_to_do_first(ioplane, lines, reason):
    result = ioplane.run(commands=lines, status=1)
    told = [line for line in result.stderr.splitlines() if f":{len(lines)}: " in line]
    assert len(told) == 1 and reason in told[0], result.stderr
    # it ends well all the same
    assert result.stats is not None


def test_a_refused_detach_changes_nothing(ioplane):
    result = ioplane.run("--keep-going", commands=[
        "set fwd rxonly", "port detach 1", "start", "port detach 1", "stop", "start tx_first",
        "stop"], status=1)
    assert [result.port(n)["stats"]["rx_packets"] for n in (0, 1)] == [32, 32]
