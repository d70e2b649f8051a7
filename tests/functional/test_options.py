# SPDX-License-Identifier: BSD-3-Clause
"""The command line: what is wrong in it is one line that says what to do."""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import harness

ONE = ("net_dmanic0",)
NOTHING = ("--cmdline-file", "/dev/null")


def told(result):
    """The program's own lines of complaint."""
    return [line for line in result.stderr.splitlines() if line.startswith("ioplane: ")]


def refused(ioplane, *args, status, **options):
    result = ioplane.run(*args, status=status, stats=False, **options)
    (line,) = told(result)
    return line, result


# What the table of options refuses before EAL starts.
@pytest.mark.parametrize("words, reason", [
    ("--nope", "option --nope is not known"),
    ("--rx 1", "option --rx is not known or says too little"),
    ("-x", "option -x is not known"),
    ("extra", "argument extra is not an option"),
    ("--burst", "option --burst needs an argument"),
    ("--burst 0", "--burst 0: give a number from 1 to 512"),
    ("--burst -1", "--burst -1: give a number from 1 to 512"),
    ("--burst 8x", "--burst 8x: give a number"),
    ("--burst 18446744073709551617", "give a number from 1 to 512"),
    ("--rxq 0", "--rxq 0: give a number from 1 to 64"),
    ("--txq 65", "--txq 65: give a number from 1 to 64"),
    ("--rxd 0", "--rxd 0: give a number"),
    ("--txd 65536", "--txd 65536: give a number"),
    ("--nb-cores 0", "--nb-cores 0: give a number"),
    ("--nb-ports 0", "--nb-ports 0: give a number"),
    ("--coremask 0", "--coremask 0: give a hexadecimal mask"),
    ("--coremask zz", "--coremask zz: give a hexadecimal mask"),
    ("--portmask 0x", "--portmask 0x: give a hexadecimal mask"),
    ("--portmask -1", "--portmask -1: give a hexadecimal mask"),
    ("--portmask 10000000000000001", "give a hexadecimal mask"),
    ("--forward-mode sideways", "--forward-mode sideways: there is no such mode"),
    ("--port-topology ring", "--port-topology ring: give paired, chained or loop"),
    ("--txpkts 64,", "give lengths in bytes such as 64,128"),
    ("--txpkts 41", "the first segment holds the headers (42 bytes)"),
    ("--txpkts 64,1,1,1,1,1,1,1,1", "txpkts: at most 8 lengths"),
    ("--txpkts 64,65500", "a packet has at most 65535"),
    ("--max-pkt-len 63", "--max-pkt-len 63: give a number from 64 to 65535"),
    ("--mbuf-size 255", "--mbuf-size 255: give a number from 256"),
    ("--total-num-mbufs 127", "--total-num-mbufs 127: give a number from 128"),
    ("--mbcache 513", "--mbcache 513: give a number from 0 to 512"),
    ("--mbuf-layout sideways", "--mbuf-layout sideways: give split or inline"),
    ("--page-size 8k", "--page-size 8k: give 4k, 2m or 1g"),
    ("--domain everyone", "--domain everyone: give per-device or shared"),
    ("--dma-policy lax", "--dma-policy lax: there is no such policy"),
    ("--tracker often", "--tracker often"),
    ("--replay x", 'replay x: "x" is no port: give PORT,file=F'),
    ("--replay 0,file=", "file= needs a file name"),
    ("--replay 0", "give file=F"),
    ("--replay 0,file=/dev/null,loop=x", "loop=x is no count"),
    ("--replay 0,file=/dev/null,sideways", 'there is no key "sideways"'),
    ("--capture x", 'capture x: "x" is no port: give PORT,file=F'),
    ("--stats-period 0", "--stats-period 0: give a number from 1"),
    ("--duration 0", "--duration 0: give seconds from 0.001"),
    ("--warm-up soon", "--warm-up soon: give seconds"),
    ("--rx-loss 51", "--rx-loss 51: give a percentage from 0 to 50"),
])
def test_a_bad_option_is_one_line_and_exit_status_2(ioplane, words, reason):
    line, result = refused(ioplane, *words.split(), vdevs=ONE, status=2)
    assert reason in line
    assert result.text == line + "\n"


# What only the ports can tell.
@pytest.mark.parametrize("words, reason", [
    ("--rxq 33", "has at most 32 receive queues: lower --rxq"),
    ("--pool-per-queue --mbuf-layout inline", "give --mbuf-layout split"),
    ("--txq 33", "has at most 32 transmit queues: lower --txq"),
    ("--rxd 63", "has rings of 64 to 4096 descriptors: change --rxd 63"),
    ("--txd 4097", "has rings of 64 to 4096 descriptors: change --txd 4097"),
    ("--nb-cores 5", "give EAL more with -l, or lower --nb-cores"),
    ("--nb-ports 2", "--nb-ports 2: there are 1 ports"),
    ("--coremask f0", "lcore 4 is not among those that EAL's -l gives"),
    ("--coremask 1", "lcore 0 runs the commands"),
    ("--portmask 10", "there is no port 4"),
    ("--portlist 0,3", "there is no port 3"),
    ("--portlist 0,0", "give each port once"),
    ("--portlist x", "give each port once, such as 0,2-3"),
    ("--max-pkt-len 65535", "takes frames of at most 9618 bytes: lower --max-pkt-len"),
    ("--arena-mb 1", "needs 11 MiB"),
    ("--total-num-mbufs 200000000", "are free: lower --total-num-mbufs"),
    ("--replay 3,file=/dev/null", "there is no port 3"),
    ("--replay 0,file=/nowhere", "/nowhere"),
    ("--replay 0,file=/dev/null", "/dev/null"),
    ("--capture 3,file=/tmp/x", "there is no port 3"),
    ("--capture 0,file=/nowhere/x", "/nowhere/x: No such file or directory"),
    ("--capture 0,file=/proc/version", "/proc/version"),
    ("--capture 0,file=/", "cannot write capture /: Is a directory"),
])
def test_what_ports_and_files_cannot_do_is_one_line_and_exit_status_1(ioplane, words, reason):
    line, result = refused(ioplane, *words.split(), *NOTHING, vdevs=ONE, status=1)
    assert reason in line
    assert result.stderr == line + "\n"


def test_the_options_that_are_refused_at_their_edges_are_taken_within_them(ioplane):
    ioplane.run("--burst", "512", "--rxq", "16", "--txq", "16", "--rxd", "64", "--txd", "64",
                "--nb-cores", "1", "--nb-ports", "1", "--portmask", "1", "--coremask", "0x2",
                "--max-pkt-len", "9618", "--mbuf-size", "10240", "--mbcache", "0", *NOTHING,
                vdevs=ONE)
    result = ioplane.run("--rxd", "4096", "--txd", "4096", "--max-pkt-len", "64", *NOTHING,
                         vdevs=ONE)
    assert result.port(0)["name"] == "net_dmanic0"


def test_masks_are_hexadecimal_with_0x_or_without(ioplane):
    for mask in ("5", "0x5"):
        out = ioplane.run("--portmask", mask, "--forward-mode", "rxonly",
                          commands=["start", "stop"], vdevs=[f"net_null{n}" for n in range(3)])
        assert re.findall(r"RX P=(\d)", out.stdout) == ["0", "2"]
    vdevs = [f"net_null{n}" for n in range(5)]
    assert re.findall(r"RX P=(\d)", ioplane.run("--portmask", "10", commands=["start", "stop"],
                                                vdevs=vdevs).stdout) == ["4"]


# --- EAL's side ----------------------------------------------------------------------------------

@pytest.mark.parametrize("vdevs, reason", [
    (["net_nosuch0"], "device net_nosuch0: DPDK has no driver of that name"),
    (["net_dmanic0", "net_dmanic0"], "device net_dmanic0 is there already as port 0"),
    (["net_dmanic0,cable=net_dmanic7"], "the other end of its cable is not there"),
    (["net_dmanic0", "net_dmanic1,cable=net_dmanic0", "net_dmanic2,cable=net_dmanic0"],
     "--vdev net_dmanic2,cable=net_dmanic0: the other end of its cable is not there, or has "
     "another cable"),
    (["net_dmanic0,cable="], 'check its arguments "cable="'),
    (["net_dmanic0,speed=1"], 'check its arguments "speed=1"'),
    (["net_dmanic0,mac=01:00:00:00:00:01"], 'check its arguments "mac=01:00:00:00:00:01"'),
    (["net_dmanic0,pause=perhaps"], 'check its arguments "pause=perhaps"'),
    (["net_dmanic0,unit=16"], "unit is a number from 0 to 15"),
    (["net_dmanic0,levels=6"], "use 3, 4 or 5"),
    (["net_dmanic0,levels=x"], "levels is 3, 4 or 5"),
    (["net_dmanic0,eal-memory=yes"], "leave eal-memory out"),
    (["net_dmanic" + "9" * 60], "give a device name of at most 63 characters"),
    (["net_pcap0,rx_pcap=/nowhere"], 'check its arguments "rx_pcap=/nowhere"'),
])
def test_a_bad_vdev_is_one_line_and_exit_status_1(ioplane, vdevs, reason):
    line, result = refused(ioplane, *NOTHING, vdevs=vdevs, status=1)
    assert reason in line
    # a driver may say more, before
    assert len(result.stderr.splitlines()) <= 2 and result.stderr.endswith(line + "\n")


def test_a_cable_may_be_named_at_either_end_or_at_both(ioplane):
    for vdevs in (["net_dmanic0", "net_dmanic1,cable=net_dmanic0"],
                  ["net_dmanic0,cable=net_dmanic1", "net_dmanic1"],
                  ["net_dmanic0,cable=net_dmanic1", "net_dmanic1,cable=net_dmanic0"]):
        result = ioplane.run("--tx-first", "--forward-mode", "rxonly", vdevs=vdevs,
                             commands=["start tx_first", "stop"])
        assert [result.port(n)["stats"]["rx_packets"] for n in (0, 1)] == [32, 32]


@pytest.mark.parametrize("eal, status, reason", [
    (["--nosuch"], 2, 'with the arguments "--nosuch"'),
    (["--vdev"], 2, 'with the arguments "--vdev"'),
    (["-a", "ff:1f.6"], 1, "there is no PCI device 0000:ff:1f.6"),
    (["-a", "ff:1f.6,eal-memory=yes"], 1, "there is no PCI device 0000:ff:1f.6"),
    (["-a", "ff:1f.6", "--no-pci"], 2, "--no-pci: there are PCI devices to use; leave it out"),
    (["-a", "net_null0"], 2, "-a net_null0: give a PCI address such as 0000:03:00.0"),
    (["-b", "0000:01:00.0"], 2, "-b 0000:01:00.0 is not needed"),
    (["--iova-mode=dc"], 2, "--iova-mode=dc: ioplane chooses the IOVAs"),
    (["--proc-type=secondary"], 2, "--proc-type=secondary: ioplane is always the primary"),
    (["--iova=x"], 2, "--iova-mode=x: ioplane chooses the IOVAs"),
    (["--al=bus=pci"], 2, "-a bus=pci: give a PCI address"),
    (["--vde", "net_dmanic7,eal-memory=yes"], 1, "leave eal-memory out"),
    (["--proc-type", "auto"], 2, "--proc-type=auto: ioplane is always the primary"),
    (["--vdev", "crypto_nosuch0"], 1, 'with the arguments "--vdev crypto_nosuch0"'),
])
def test_a_bad_argument_of_eal_is_told_without_pages_of_help(tmp_path, eal, status, reason):
    command = [harness.BUILD / "app" / "ioplane", *eal, "--", *NOTHING]
    with harness.Running(command, tmp_path) as running:
        result = running.finish()
    assert result.status == status, running.said()
    (line,) = told(result)
    assert reason in line
    assert len(result.text.splitlines()) <= 3


def test_devices_of_a_shared_domain_agree_on_its_levels(ioplane):
    line, _ = refused(ioplane, "--domain", "shared", *NOTHING, status=1,
                      vdevs=("net_dmanic0,levels=3", "net_dmanic1,levels=5"))
    assert "levels=5: domain 0 is shared and has 3 levels" in line
    for levels in (",levels=3", ""):
        ioplane.run("--domain", "shared", *NOTHING,
                    vdevs=("net_dmanic0,levels=3", f"net_dmanic1{levels}"))


def test_without_ports_forwarding_says_what_to_give(ioplane):
    line, _ = refused(ioplane, vdevs=(), status=1)
    assert line == "ioplane: there is no port: give EAL a --vdev"
    # commands may attach one
    ioplane.run(commands=["port attach net_dmanic0", "port start 0", "start tx_first", "stop"],
                vdevs=())


# --- help, version, dry run ----------------------------------------------------------------------

@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("option, says", [("--help", "--replay PORT,file=F"),
                                          ("--version", "DPDK ")])
def test_help_and_version_need_nothing_and_say_it_on_standard_output(tmp_path, where, option, says):
    program = harness.BUILD / "app" / "ioplane"
    words = [option] if where == "before" else ["--", option]
    ended = subprocess.run([program, *words], capture_output=True, text=True, cwd=tmp_path)
    assert ended.returncode == 0 and ended.stderr == ""
    assert says in ended.stdout
    assert "Report" not in ended.stdout


def test_help_names_every_option_that_is_taken(ioplane):
    text = subprocess.run([harness.BUILD / "app" / "ioplane", "--", "--help"],
                          capture_output=True, text=True, check=True).stdout
    source = (harness.TOP / "app" / "ioplane" / "options_table.c").read_text()
    names = re.findall(r'^\t\{"([\w-]+)", ', source, re.M)
    assert len(names) > 30
    for name in names:
        assert re.search(rf"--{name}\b", text), name


def changed_by(command, folder):
    """Whether strace sees it map huge pages, make files or open a socket."""
    trace = folder / "trace"
    # LeakSanitizer traces the program itself and gives up on one that is traced already.
    sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    ended = subprocess.run(["strace", "-f", "-o", trace, "-e",
                            "trace=mmap,memfd_create,openat,mkdir,socket,unlink", *command],
                           capture_output=True, text=True, cwd=folder,
                           env=dict(os.environ, ASAN_OPTIONS=sanitizer))
    calls = [line for line in trace.read_text().splitlines()
             if re.search(r"MAP_HUGETLB|memfd_create\(|O_CREAT|mkdir\(|socket\(|unlink\(", line)]
    return ended, calls


def test_a_dry_run_touches_nothing_and_says_the_budget(ioplane, tmp_path):
    if subprocess.run(["sh", "-c", "command -v strace"], capture_output=True).returncode != 0:
        pytest.skip("strace is not installed")
    report = tmp_path / "report.json"
    args = ["--rxq", "4", "--txq", "4", "--stats-json", report]
    command = [str(word) for word in ioplane.command(*args, stats=False)]
    ended, calls = changed_by([*command, "--dry-run"], tmp_path)
    assert ended.returncode == 0 and ended.stderr == ""
    assert calls == [] and not report.exists()
    for line in ("Ports: +2, of which 2 behind an IOMMU, in a domain each",
                 "Queues: +4 receive and 4 transmit a port, rings of 128 and 512",
                 r"DMA memory: +\d+ MiB in pages of (2 MiB|4 KiB) \(\d+ of them\)",
                 r"DPDK memory: +\d+ MiB, ", r"IOMMU: +6 mappings in \d+ table entries",
                 "Nothing was touched; the run would start"):
        assert re.search(line, ended.stdout), line
    # the same without --dry-run does touch things
    _, calls = changed_by([*command, *NOTHING], tmp_path)
    assert calls and report.exists()


@pytest.mark.parametrize("words, reason", [
    ("--total-num-mbufs 200000000", "lower --total-num-mbufs"),
    ("--rxq 33", "at most 32 queues"),
    ("--txd 8192", "rings of 64 to 4096"),
])
def test_a_dry_run_of_too_much_says_so_and_exits_1(ioplane, words, reason):
    line, result = refused(ioplane, *words.split(), "--dry-run", status=1)
    assert reason in line
    assert "the run would fail" in result.stdout


def test_a_dry_run_promises_what_the_run_then_takes(ioplane):
    args = ("--rxq", "2", "--txq", "2", "--rxd", "1024", "--page-size", "2m")
    said = ioplane.run(*args, "--dry-run", stats=False).stdout
    promised = int(re.search(r"DMA memory: +(\d+) MiB", said)[1])
    result = ioplane.run("--json", *args, commands=["show iommu maps"])
    maps = next(json.loads(line) for line in result.stdout.splitlines() if line[:1] == "[")
    assert sum(each["size"] for each in maps) >> 20 == promised


# --- files -----------------------------------------------------------------------------------------

PROFILE = "[iotlb]\nname = mine\nentries = 64\nways = 8\nreplacement = lru\nwalk_entries = 0\n"


@pytest.mark.parametrize("text, reason", [
    (PROFILE.replace("entries = 64", "entries = many", 1), "entries=many is not a number"),
    (PROFILE.replace("entries = 64", "entries = -64", 1), "entries=-64 is not a number"),
    (PROFILE.replace("entries = 64", "entries = 0", 1), "entries"),
    (PROFILE.replace("ways = 8", "ways = 7"), "ways"),
    (PROFILE.replace("ways = 8", "ways = 128"), "ways"),
    (PROFILE.replace("lru", "oldest"), "replacement=oldest is not lru, fifo, random or flush"),
    (PROFILE + "colour = blue\n", 'there is no key "colour"'),
    (PROFILE.replace("[iotlb]", "[tlb]"), "has no [iotlb] section"),
    ("", "has no [iotlb] section"),
    ("just words\n", "[iotlb]"),
    ("\0\1\2" * 100, "[iotlb]"),
    (PROFILE + "x" * 100000, "IOTLB profile"),
])
def test_a_wrong_profile_is_one_line_that_names_the_mistake(ioplane, tmp_path, text, reason):
    path = tmp_path / "profile.cfg"
    path.write_text(text)
    line, result = refused(ioplane, "--iotlb", path, *NOTHING, vdevs=ONE, status=1)
    assert reason in line
    assert str(path) in line or "iotlb" in line.lower()
    # the parser of such files adds a line about those that it cannot hold
    assert len(result.stderr.splitlines()) <= 2 and result.stderr.endswith(line + "\n")


def test_a_right_profile_is_taken_and_counts(ioplane, tmp_path):
    path = tmp_path / "profile.cfg"
    misses = []
    for entries in ("8", "1024"):
        path.write_text(PROFILE.replace("entries = 64", f"entries = {entries}", 1))
        result = ioplane.run("--iotlb", path, "--page-size", "4k", "--forward-mode", "rxonly",
                             commands=["start tx_first 20", "stop"])
        misses.append(result.port(1)["rx_queues"][0]["iotlb"]["misses"])
    assert misses[0] > misses[1] > 0


@pytest.mark.parametrize("path, reason", [
    ("/nowhere/report", "No such file or directory"), ("/", "Is a directory"),
    ("", "No such file or directory")])
def test_a_report_that_cannot_be_written_is_one_line_before_anything_runs(ioplane, path, reason):
    line, result = refused(ioplane, "--stats-json", path, "--tx-first", status=1)
    assert "cannot write the report to" in line and reason in line
    assert result.text == line + "\n"


def test_a_missing_profile_is_told(ioplane):
    line, _ = refused(ioplane, "--iotlb", "/nowhere", *NOTHING, vdevs=ONE, status=1)
    assert line == "ioplane: cannot read IOTLB profile /nowhere: No such file or directory"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_is_told_and_exits_1(ioplane, make_capture):
    line, _ = refused(ioplane, "--stats-json", "/dev/full", *NOTHING, status=1)
    assert "/dev/full: No space left on device" in line
    capture = make_capture("--packets", "50", "--flows", "2")
    line, _ = refused(ioplane, "--replay", f"0,file={capture}", "--capture", "1,file=/dev/full",
                      status=1)
    assert "/dev/full" in line and "No space left on device" in line


# --- huge pages ----------------------------------------------------------------------------------

def hidden(*what):
    """Words before a command that give it a machine without these."""
    steps = {"pool": "mount -t tmpfs none /sys/kernel/mm/hugepages",
             "mounts": "! grep -q ' hugetlbfs ' /proc/mounts || umount -a -t hugetlbfs"}
    script = " && ".join([*(steps[each] for each in what), 'exec "$@"'])
    words = ["unshare", "-m", "sh", "-c", script, "hidden"]
    if subprocess.run([*words, "true"], capture_output=True).returncode != 0:
        pytest.skip("cannot hide things here (unshare -m needs root)")
    return words


def run_hidden(ioplane, words, *args):
    command = ioplane.command(*args, commands=["set fwd rxonly", "start tx_first 2", "stop"])
    with harness.Running([*words, *command], ioplane.folder) as running:
        result = running.finish()
    assert result.status == 0, running.said()
    result.stats = ioplane.read_stats()
    assert [result.port(n)["stats"]["rx_packets"] for n in (0, 1)] == [64, 64]
    return result


def test_without_a_hugepage_mount_it_runs_on_huge_pages(ioplane):
    said = run_hidden(ioplane, hidden("mounts")).stdout
    assert "DPDK on huge pages" in said and "pages of 2 MiB" in said


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the filter knows x86-64's calls")
def test_without_free_hugepages_it_goes_on_and_says_what_that_costs(ioplane):
    refuse = [sys.executable, harness.TOP / "tests" / "functional" / "nohugepages.py"]
    result = run_hidden(ioplane, [*hidden("pool"), *refuse])
    first = result.stdout.splitlines()[0]
    assert "DPDK on 4 KiB pages, as 0 MiB of huge pages are free and DPDK wants" in first
    assert "DMA memory in pages of 4 KiB, which cost up to 512 times the IOTLB misses" in first
    assert "smaller pages than asked for: " in result.stderr
    assert [domain["page_sizes"]["2097152"] for domain in result.stats["domains"]] == [0, 0]
    # with them, the same run says and takes the other
    result = run_hidden(ioplane, [])
    assert "DPDK on huge pages" in result.stdout.splitlines()[0]
    assert "smaller pages" not in result.stderr
    assert [domain["page_sizes"]["4096"] for domain in result.stats["domains"]] == [0, 0]


def test_no_huge_is_obeyed_and_said(ioplane):
    result = ioplane.run(commands=["set fwd rxonly", "start tx_first", "stop"], eal=["--no-huge"])
    assert "DPDK on 4 KiB pages, as --no-huge asks" in result.stdout.splitlines()[0]
    assert result.port(1)["stats"]["rx_packets"] == 32
