# SPDX-License-Identifier: BSD-3-Clause
"""Forwards known frames between ports, with ioplane or with upstream testpmd in its place."""
import json
import re
import time

from scapy.utils import wrpcap

import captures
import harness

STATS = re.compile(r"NIC statistics for port (\d+) .*?RX-packets: (\d+).*?TX-packets: (\d+)", re.S)


def write_frames(path, frames):
    """A capture of these frames; net_pcap wants one even where there is nothing to receive."""
    wrpcap(str(path), [bytes(frame) for frame in frames], linktype=captures.ETHERNET)
    return path


def pcap_ports(folder, inputs):
    """Ports that receive the frames of inputs[n], and files with what each one sent."""
    vdevs, outputs = [], []
    for number, frames in enumerate(inputs):
        source = frames if hasattr(frames, "suffix") else write_frames(
            folder / f"in.{number}.{time.monotonic_ns()}.pcap", frames)
        outputs.append(folder / f"out.{number}.{time.monotonic_ns()}.pcap")
        vdevs.append(f"net_pcap{number},rx_pcap={source},tx_pcap={outputs[-1]}")
    return vdevs, outputs


def await_stats(running, expected, timeout=30):
    """Asks until ports have (received, sent) what `expected` names; None: any number."""
    deadline = time.monotonic() + timeout
    while True:
        before = len(running.stdout)
        for port in expected:
            running.send(f"show port stats {port}")
        found = {}
        while len(found) < len(expected) and time.monotonic() < deadline:
            found = {int(port): (int(rx), int(tx))
                     for port, rx, tx in STATS.findall(running.stdout[before:])}
            time.sleep(0.01)
        if all(want is None or has == want for port, wants in expected.items()
               for has, want in zip(found.get(port, (-1, -1)), wants)):
            return
        assert time.monotonic() < deadline, f"{found}, not {expected}:\n{running.said()}"


def await_polled(running, expected, timeout=30):
    """With --json: waits until the streams have received so many packets from each port."""
    deadline = time.monotonic() + timeout
    while True:
        before = len(running.stdout)
        running.send("show fwd stats all")
        lines = []
        while not lines and time.monotonic() < deadline:
            time.sleep(0.01)
            lines = [line for line in running.stdout[before:].splitlines(keepends=True)
                     if line.startswith('{"duration_ns"') and line.endswith("\n")]
        found = dict.fromkeys(expected, 0)
        for stream in json.loads(lines[0])["streams"] if lines else []:
            if stream["rx"] is not None and stream["rx"]["port"] in found:
                found[stream["rx"]["port"]] += stream["rx_packets"]
        if found == expected:
            return
        assert time.monotonic() < deadline, f"{found}, not {expected}:\n{running.said()}"


def forward(running, lines, expected):
    """Starts, waits for the packets, stops and quits; returns the Result."""
    for line in [*lines, "start"]:
        running.send(line)
    await_stats(running, expected)
    for line in ("stop", "quit"):
        running.send(line)
    result = running.finish()
    assert result.status == 0, running.said()
    return result


def with_ioplane(ioplane, vdevs, lines, expected, *args, lcores=1):
    with ioplane.start("-i", "--no-flush-rx", *args, vdevs=vdevs, forwarding=lcores) as running:
        return forward(running, lines, expected)


def with_testpmd(folder, vdevs, lines, expected, *args, lcores=1):
    # line by line, or what it says comes at its end
    command = ["stdbuf", "-oL", "dpdk-testpmd", *harness.lcores(lcores), "--in-memory", "--no-pci"]
    for vdev in vdevs:
        command += ["--vdev", vdev]
    command += ["--", "-i", "--no-flush-rx", "--total-num-mbufs=8192", f"--nb-cores={lcores}",
                *args]
    with harness.Running(command, folder) as running:
        running.wait_for("testpmd>")
        return forward(running, lines, expected)
