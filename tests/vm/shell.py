#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Boots a virtual test machine with the current build, runs shell commands in it, prints them.

  tests/vm/shell.py e1000e 'ls /sys/kernel/iommu_groups' 'dmesg | tail'
  tests/vm/shell.py --list

Each command is run by busybox in a process of its own, with a limit of --timeout seconds; its
folder is /share/jobs/N. Programs of the build are in /bin (ioplane, tests, benchmarks). NICs
are on vfio-pci (`nics DRIVER|none ADDRESS...` gives them to another), hugepages are there.
--put FILE copies a file to the guest's /share, --get NAME copies one of /share out at the end.
--trace EVENT prints what QEMU's trace says of an event, such as vtd_dmar_fault.
IOPLANE_BUILD names another build folder. The exit status is the last command's.
"""
import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from guest import Guest
from machine import MACHINES

HERE = Path(__file__).resolve().parent


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("machine", nargs="?", choices=MACHINES, help="one of --list")
    parser.add_argument("command", nargs="*", help="shell commands")
    parser.add_argument("--list", action="store_true", help="list the machines and their NICs")
    parser.add_argument("--timeout", type=int, default=60, help="seconds for each command (60)")
    parser.add_argument("--put", action="append", default=[], type=Path, metavar="FILE")
    parser.add_argument("--get", action="append", default=[], metavar="NAME")
    parser.add_argument("--trace", action="append", default=[], metavar="EVENT")
    parser.add_argument("--console", action="store_true", help="print the kernel's console too")
    args = parser.parse_args()
    if not args.list and not args.machine:
        parser.error("which machine? --list lists them")
    return args


def run(guest, args):
    """Runs the commands; the last one's status."""
    for path in args.put:
        shutil.copy(path, guest.share)
    guest.qemu.trace_events(*args.trace)
    status = 0
    for command in args.command:
        print(f"# {command}", flush=True)
        began = time.monotonic()
        with guest.start(command, args.timeout) as job:
            try:
                status = job.finish().status
            except AssertionError as late:
                status = 124
                print(str(late).splitlines()[0])
            print(job.stdout, job.stderr, sep="", end="")
        print(f"= {status} ({time.monotonic() - began:.1f} s)", flush=True)
    for name in args.get:
        if (guest.share / name).exists():
            shutil.copy(guest.share / name, Path(name).name)
        else:
            print(f"the guest wrote no /share/{name}")
    for event in args.trace:
        print(*guest.qemu.trace_lines(event), sep="\n")
    return status


def main():
    args = arguments()
    if args.list:
        for name, machine in MACHINES.items():
            print(f"{name:12} {' '.join(machine.nics)}")
        return 0
    subprocess.run([HERE / "fetch"], check=True)
    build = Path(os.environ.get("IOPLANE_BUILD", HERE.parents[1] / "build")).resolve()
    began = time.monotonic()
    guest = Guest(args.machine, build)
    print(f"booted in {time.monotonic() - began:.1f} s", flush=True)
    try:
        return run(guest, args)
    finally:
        if args.console:
            print(guest.console())
        guest.power_off()


if __name__ == "__main__":
    sys.exit(main())
