# SPDX-License-Identifier: BSD-3-Clause
"""Reads what QEMU's trace says of its intel-iommu: what each device translated, what missed."""
import re
from dataclasses import dataclass

# hw/i386/trace-events of QEMU 7.2 to 10. A translation is one line, a hit or an update (a miss);
# a reset says why all is dropped, and stands behind the update that it makes room for.
EVENTS = ("vtd_iotlb_page_hit", "vtd_iotlb_page_update", "vtd_iotlb_reset",
          "vtd_inv_desc_iotlb_pages", "vtd_inv_desc_iotlb_domain", "vtd_inv_desc_iotlb_global")
HEX = "0x([0-9a-f]+)"
TRANSLATION = re.compile(
    rf"vtd_iotlb_page_(hit|update) .*sid {HEX} iova {HEX} slpte {HEX} domain {HEX}")
PAGES = re.compile(rf"vtd_inv_desc_iotlb_pages .*domain {HEX} addr {HEX} mask {HEX}")
DOMAIN = re.compile(rf"vtd_inv_desc_iotlb_domain .*domain {HEX}")
FULL = "iotlb exceeds size limit"
# VTD_IOTLB_MAX_SIZE in hw/i386/intel_iommu_internal.h.
ENTRIES = 1024
# A second-stage entry with this bit maps 2 MiB; no memory here is mapped by larger ones.
LARGE = 1 << 7


@dataclass(frozen=True)
class Page:
    """A page as one device sees it: source id, first address, size as a power of two."""
    sid: int
    iova: int
    shift: int


@dataclass(frozen=True)
class Access:
    page: Page
    domain: int
    is_miss: bool


def sid_of(address):
    """The source id of a PCI address such as 0000:00:02.0."""
    bus, device, function = re.fullmatch(r"0000:(..):(..)\.(.)", address).groups()
    return int(bus, 16) << 8 | int(device, 16) << 3 | int(function, 16)


def parse(lines):
    """What the lines say in turn: an Access, or ("pages", domain, iova, log2 of 4 KiB pages),
    ("domain", domain), ("all",)."""
    for line in lines:
        if found := TRANSLATION.match(line):
            kind, *numbers = found.groups()
            sid, iova, entry, domain = (int(number, 16) for number in numbers)
            shift = 21 if entry & LARGE else 12
            yield Access(Page(sid, iova >> shift << shift, shift), domain, kind == "update")
        elif found := PAGES.match(line):
            yield ("pages", *(int(number, 16) for number in found.groups()))
        elif found := DOMAIN.match(line):
            yield "domain", int(found[1], 16)
        elif line.startswith("vtd_inv_desc_iotlb_global"):
            yield ("all",)
        elif line.startswith("vtd_iotlb_reset") and FULL not in line:
            yield ("all",)


class Iotlb:
    """QEMU's IOTLB once more, from the text of vtd_update_iotlb() and its invalidations."""

    def __init__(self, entries=ENTRIES):
        self.entries, self.held = entries, {}

    def access(self, page, domain=0):
        """True: a miss."""
        if page in self.held:
            return False
        if len(self.held) >= self.entries:
            self.held.clear()
        self.held[page] = domain
        return True

    def invalidate(self, kind, *which):
        if kind == "all":
            self.held.clear()
            return
        domain, *pages = which
        self.held = {page: owner for page, owner in self.held.items()
                     if owner != domain or (pages and not is_within(page, *pages))}


def is_within(page, iova, log2):
    """Whether an invalidation of 2^log2 pages of 4 KiB takes this page along."""
    mask = -1 << (log2 + 12)
    return page.iova & mask == iova & mask or page.iova == iova >> page.shift << page.shift


def disagreements(events):
    """How many translations an Iotlb that begins empty sees otherwise than QEMU did."""
    iotlb, count = Iotlb(), 0
    for event in events:
        if isinstance(event, Access):
            count += iotlb.access(event.page, event.domain) != event.is_miss
        else:
            iotlb.invalidate(*event)
    return count
