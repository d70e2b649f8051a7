# SPDX-License-Identifier: BSD-3-Clause
"""The capture generator: what its captures hold, and that they are always the same."""
import collections
import struct
import subprocess

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether

import captures
import harness

pytestmark = pytest.mark.no_build
GENERATOR = harness.TOP / "config" / "gen-capture.py"


@pytest.fixture(scope="module")
def frames(make_capture):
    return captures.read_frames(make_capture())


def test_ten_thousand_packets_in_a_thousand_flows(frames):
    flows = {captures.flow_of(frame) for frame in frames} - {None}
    assert len(frames) >= 10_000
    assert len(flows) >= 1_000


def test_every_protocol_is_there(frames):
    packets = [Ether(frame) for frame in frames]
    share = {layer: sum(layer in packet for packet in packets) / len(packets)
             for layer in (IP, IPv6, TCP, UDP, Dot1Q, ARP)}
    assert share[ARP] == pytest.approx(0.01, abs=0.002)
    for layer in (IP, IPv6, TCP, UDP, Dot1Q):
        assert share[layer] > 0.05, f"{layer.__name__}: {share[layer]:.3f}"


def test_sizes_are_imix(frames):
    sizes = collections.Counter(
        "small" if len(frame) <= 90 else len(frame) for frame in frames)
    assert set(sizes) == {"small", 590, 1514}
    assert min(map(len, frames)) == 60
    for size, share in (("small", 7), (590, 4), (1514, 1)):
        assert sizes[size] / len(frames) == pytest.approx(share / 12, abs=0.02)


def without_checksums(frame):
    packet = Ether(frame)
    for layer in (IP, TCP, UDP):
        if layer in packet:
            del packet[layer].chksum
    return packet


def test_checksums_are_what_scapy_computes(frames):
    for frame in frames[::7]:
        assert bytes(without_checksums(frame)) == frame


def test_a_wrong_checksum_would_be_seen(frames):
    frame = bytearray(next(frame for frame in frames if UDP in Ether(frame)))
    frame[-1] ^= 1
    assert bytes(without_checksums(bytes(frame))) != bytes(frame)


def test_no_two_frames_are_equal(frames):
    assert len(set(frames)) == len(frames)


def test_two_runs_write_the_same_bytes_and_another_seed_does_not(make_capture, tmp_path):
    again, other = tmp_path / "again.pcap", tmp_path / "other.pcap"
    subprocess.run([GENERATOR, "--out", again], check=True)
    subprocess.run([GENERATOR, "--seed", "2", "--out", other], check=True)
    assert again.read_bytes() == make_capture().read_bytes()
    assert again.read_bytes() != other.read_bytes()


def test_options_are_obeyed(make_capture):
    path = make_capture("--packets", "300", "--flows", "20", "--nanosecond")
    (magic,) = struct.unpack("<I", path.read_bytes()[:4])
    frames = captures.read_frames(path)
    assert magic == 0xA1B23C4D
    assert len(frames) == 300
    assert len({captures.flow_of(frame) for frame in frames} - {None}) == 20


@pytest.mark.parametrize("options", [
    ("--packets", "10", "--flows", "11"), ("--flows", "0"), ("--packets", "many"), ()])
def test_wrong_options_are_refused_with_a_usage_line(options, tmp_path):
    out = () if not options else ("--out", tmp_path / "x.pcap")
    ended = subprocess.run([GENERATOR, *options, *out], capture_output=True, text=True)
    assert ended.returncode == 2
    assert "error:" in ended.stderr
    assert not (tmp_path / "x.pcap").exists()


def test_an_unwritable_place_is_one_line(tmp_path):
    ended = subprocess.run([GENERATOR, "--out", tmp_path / "none" / "x.pcap"],
                           capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        f"gen-capture: cannot write {tmp_path}/none/x.pcap: No such file or directory"]
