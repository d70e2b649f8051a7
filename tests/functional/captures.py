# SPDX-License-Identifier: BSD-3-Clause
"""Reads captures and compares them frame by frame."""
import contextlib
import os
from pathlib import Path

from scapy.utils import RawPcapReader

TOP = Path(__file__).resolve().parents[2]
# Captures that the project may use but does not hold; IOPLANE_CAPTURES names another folder.
SHARED = Path(os.environ.get("IOPLANE_CAPTURES", TOP.parent / "shared" / "data" / "pcap"))
ETHERNET = 1


def shared_captures():
    """All shared captures by name, [] when the folder is not there."""
    return sorted(path for path in SHARED.glob("*.pcap*") if path.is_file())


def link_type(path):
    """The link type of a capture's first packet."""
    with contextlib.closing(RawPcapReader(str(path))) as reader:
        _, meta = next(iter(reader))
        return getattr(meta, "linktype", None) or reader.linktype


def read_frames(path):
    """The stored bytes of every packet, in order; pcap and pcapng."""
    with contextlib.closing(RawPcapReader(str(path))) as reader:
        return [bytes(frame) for frame, _ in reader]


def flow_of(frame):
    """What keeps frames of one flow together: addresses, protocol, ports; None: not IP."""
    kind, at = frame[12:14], 14
    while kind in (b"\x81\x00", b"\x88\xa8"):
        kind, at = frame[at + 2:at + 4], at + 4
    if kind == b"\x08\x00" and len(frame) >= at + 20:
        protocol, ends = frame[at + 9], frame[at + 12:at + 20]
        is_fragment = (frame[at + 6] & 0x3F) or frame[at + 7]
        at += 4 * (frame[at] & 0xF)
    elif kind == b"\x86\xdd" and len(frame) >= at + 40:
        protocol, ends = frame[at + 6], frame[at + 8:at + 40]
        is_fragment = False
        at += 40
    else:
        return None
    has_ports = protocol in (6, 17) and not is_fragment
    return ends, protocol, frame[at:at + 4] if has_ports else b""


def assert_same_frames(sent, received):
    """The same frames in the same order; says where they part."""
    for number, (was, now) in enumerate(zip(sent, received)):
        if was != now:
            at = next((i for i, (a, b) in enumerate(zip(was, now)) if a != b),
                      min(len(was), len(now)))
            raise AssertionError(
                f"frame {number} of {len(sent)} differs at byte {at}: sent {len(was)} bytes "
                f"{was[:64].hex()}, received {len(now)} bytes {now[:64].hex()}")
    assert len(received) == len(sent), f"sent {len(sent)} frames, received {len(received)}"


def assert_same_frames_per_flow(sent, received):
    """The same frames, and in order within each flow."""
    assert len(received) == len(sent), f"sent {len(sent)} frames, received {len(received)}"
    was, now = {}, {}
    for flows, frames in ((was, sent), (now, received)):
        for frame in frames:
            flows.setdefault(flow_of(frame), []).append(frame)
    assert was.keys() == now.keys(), f"flows differ: {was.keys() ^ now.keys()}"
    for flow, frames in was.items():
        if flow is None:
            # What is not IP has no hash to order it by.
            assert_same_frames(sorted(frames), sorted(now[flow]))
        else:
            assert_same_frames(frames, now[flow])
