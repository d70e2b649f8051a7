#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes a capture of made-up traffic, the same bytes for the same arguments.

Flows:  TCP and UDP over IPv4 and IPv6, one in eight with an 802.1Q tag; a few
        flows carry most packets (Zipf), and each flow has at least one packet.
Sizes:  IMIX, 7:4:1 of 64, 594 and 1518 bytes on the wire. A capture holds no frame
        check sequence, so 60, 590 and 1514 are stored; where the headers leave no
        room for 8 bytes of payload the smallest frame is a little larger.
ARP:    one packet in 100 asks or answers.
Times:  exponential gaps, 10 us on average.
Addresses are those set aside for measurements (RFC 2544, RFC 5180). Every frame is
different: the first 8 bytes of its payload (ARP: the asked address) count packets.
"""
import argparse
import random
import struct
import sys

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Raw
from scapy.utils import PcapWriter

IMIX = ((60, 7), (590, 4), (1514, 1))
STAMP_BYTES = 8
START_NS = 1_700_000_000 * 10**9
MEAN_GAP_NS = 10_000
ARP_SHARE = 0.01


def mac(number):
    return "02:00:%02x:%02x:%02x:%02x" % tuple(number.to_bytes(4, "big"))


def add_to_checksum(checksum, old, new):
    """The checksum after words `old` became `new` (RFC 1624 equation 3)."""
    total = ~checksum & 0xFFFF
    for was, now in zip(struct.iter_unpack("!H", old), struct.iter_unpack("!H", new)):
        total += (~was[0] & 0xFFFF) + now[0]
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Flow:
    """One TCP or UDP connection, in one direction."""

    def __init__(self, number, rng):
        self.is_v6 = rng.random() < 0.3
        self.is_tcp = rng.random() < 0.6
        self.ports = (1024 + rng.randrange(64512), 49152 + rng.randrange(16))
        self.sequence = rng.getrandbits(32)
        self.packets = 0
        source, target = number + 1, number // 8 + 1
        self.layers = Ether(src=mac(source), dst=mac(0x10000 + target))
        if rng.random() < 0.125:
            self.layers /= Dot1Q(vlan=1 + number % 64)
        if self.is_v6:
            self.layers /= IPv6(src="2001:2::%x" % source, dst="2001:2::1:%x" % target, fl=number)
        else:
            self.layers /= IP(src="198.18.%d.%d" % divmod(source, 256),
                              dst="198.19.%d.%d" % divmod(target, 256), id=0)
        self.l3 = len(self.layers) - (40 if self.is_v6 else 20)
        self.l4 = len(self.layers)
        self.templates = {}

    def template(self, size):
        """A frame of about `size` bytes whose counters are all zero, checksums right."""
        if size not in self.templates:
            if self.is_tcp:
                top = TCP(sport=self.ports[0], dport=self.ports[1], seq=0, ack=1, flags="A")
            else:
                top = UDP(sport=self.ports[0], dport=self.ports[1])
            room = max(STAMP_BYTES, size - len(self.layers / top))
            payload = bytes(STAMP_BYTES) + b"ioplane " * ((room - STAMP_BYTES) // 8 + 1)
            self.templates[size] = bytes(self.layers / top / Raw(payload[:room]))
        return self.templates[size]

    def frame(self, size, number):
        """The flow's next frame, patched into the template."""
        frame = bytearray(self.template(size))
        top_bytes = 20 if self.is_tcp else 8
        payload_at = self.l4 + top_bytes
        changes = [(payload_at, struct.pack("!Q", number))]
        if self.is_tcp:
            changes.append((self.l4 + 4, struct.pack("!I", self.sequence)))
            self.sequence = (self.sequence + len(frame) - payload_at) & 0xFFFFFFFF
        checksum_at = self.l4 + (16 if self.is_tcp else 6)
        self.patch(frame, changes, checksum_at)
        if not self.is_v6:
            self.patch(frame, [(self.l3 + 4, struct.pack("!H", self.packets & 0xFFFF))],
                       self.l3 + 10)
        self.packets += 1
        return bytes(frame)

    def patch(self, frame, changes, checksum_at):
        (checksum,) = struct.unpack_from("!H", frame, checksum_at)
        for at, new in changes:
            checksum = add_to_checksum(checksum, frame[at:at + len(new)], new)
            frame[at:at + len(new)] = new
        # A UDP checksum of 0 means "none" (RFC 768); 0xffff is the same sum.
        if checksum == 0 and not self.is_tcp and checksum_at > self.l4:
            checksum = 0xFFFF
        struct.pack_into("!H", frame, checksum_at, checksum)


def arp_frame(number):
    operation = 1 + number % 2
    target = "198.18.%d.%d" % divmod(number >> 1 & 0xFFFF, 256)
    destination = "ff:ff:ff:ff:ff:ff" if operation == 1 else mac(number + 1)
    frame = Ether(src=mac(1), dst=destination) / ARP(
        op=operation, hwsrc=mac(1), psrc="198.18.0.1", pdst=target,
        hwdst="00:00:00:00:00:00" if operation == 1 else destination)
    return bytes(frame).ljust(60, b"\0")


def frames(packets, flow_count, seed):
    """Yields (time in ns, frame), in order of time."""
    rng = random.Random(seed)
    flows = [Flow(number, rng) for number in range(flow_count)]
    weights = [1 / (rank + 1) for rank in range(flow_count)]
    arps = int(packets * ARP_SHARE) if packets - int(packets * ARP_SHARE) >= flow_count else 0
    order = flows + rng.choices(flows, weights, k=packets - arps - flow_count) + [None] * arps
    rng.shuffle(order)
    sizes = rng.choices([size for size, _ in IMIX], [share for _, share in IMIX], k=packets)
    now = START_NS
    for number, (flow, size) in enumerate(zip(order, sizes)):
        yield now, flow.frame(size, number) if flow else arp_frame(number)
        now += round(rng.expovariate(1 / MEAN_GAP_NS))


def write_capture(out, args):
    unit = 1 if args.nanosecond else 1000
    with PcapWriter(out, linktype=1, nano=args.nanosecond) as writer:
        writer.write_header(None)
        for time_ns, frame in frames(args.packets, args.flows, args.seed):
            seconds, rest = divmod(time_ns, 10**9)
            writer.write_packet(frame, sec=seconds, usec=rest // unit)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, metavar="F", help="the capture to write (pcap)")
    parser.add_argument("--packets", type=int, default=10_000, metavar="N")
    parser.add_argument("--flows", type=int, default=1_024, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--nanosecond", action="store_true",
                        help="time stamps in ns (default: us)")
    args = parser.parse_args()
    if not 1 <= args.flows <= min(args.packets, 65_000):
        parser.error("--flows must be from 1 to 65000 and not above --packets")
    try:
        out = open(args.out, "wb")
    except OSError as error:
        sys.exit("gen-capture: cannot write %s: %s" % (args.out, error.strerror))
    write_capture(out, args)


if __name__ == "__main__":
    main()
