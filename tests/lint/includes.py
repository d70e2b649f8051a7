# SPDX-License-Identifier: BSD-3-Clause
"""Checks of who includes whom."""
import re

from tree import lines

INCLUDE = re.compile(r'\s*#\s*include\s+["<]([^">]+)[">]')
PURE = ("lib/base/", "lib/iova/", "lib/iotlb/")
# <rte_vfio.h> goes internal in DPDK 26.11: one file of ours speaks to it.
ONE_FILE = "rte_vfio.h"


def includes(tree, under=""):
    """(file, line number, header) of each include."""
    for path in tree.named(".c", ".h", under=under):
        for number, line in enumerate(lines(path), 1):
            found = INCLUDE.match(line)
            if found:
                yield path, number, found.group(1)


def upward(tree):
    """Headers are bare names: a path would reach around the layers."""
    for path, number, header in includes(tree):
        if header.startswith("..") or "/../" in header:
            yield path, number, f"{header}: include the bare name and depend on its library"


def lib_below_drivers(tree):
    """lib/ never includes a header of drivers/ or app/."""
    above = {path.name: tree.name(path) for folder in ("drivers/", "app/")
             for path in tree.named(".h", under=folder)}
    for path, number, header in includes(tree, "lib/"):
        if header in above:
            yield path, number, f"{header} is {above[header]}: a library sees only what is below"


def pure_layers(tree):
    """base, iova and iotlb are arithmetic: no DPDK, no system calls."""
    for folder in PURE:
        for path, number, header in includes(tree, folder):
            if re.match(r"rte_|sys/(?!param|cdefs)|linux/|unistd|fcntl|numa|pthread", header):
                yield path, number, f"{header}: {folder} knows neither DPDK nor the system"


def one_vfio_file(tree):
    """<rte_vfio.h> is included in one file only."""
    found = [(path, number) for path, number, header in includes(tree) if header == ONE_FILE]
    for path, number in found[1:]:
        yield path, number, f"{ONE_FILE}: {tree.name(found[0][0])} is the one file that has it"
