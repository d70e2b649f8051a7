# SPDX-License-Identifier: BSD-3-Clause
"""Benchmarks in the virtual machine of tests/vm: only ratios inside it say anything."""
import contextlib
import subprocess
import sys
from pathlib import Path

from harness import BUILD
from sides import CannotRun

VM = Path(__file__).resolve().parents[1] / "vm"
sys.path.append(str(VM))
LIMIT_S = 300


@contextlib.contextmanager
def booted(machine):
    """Boots a machine; gives a function that runs a program of the build in it, on a device that
    no driver of the host's kernel has, and returns what it printed."""
    from guest import Guest
    from machine import EDUS
    ended = subprocess.run([VM / "fetch"], stdin=subprocess.DEVNULL, capture_output=True,
                           text=True, check=False)
    if ended.returncode != 0:
        raise CannotRun(f"no QEMU: {ended.stderr.strip()}")
    try:
        guest = Guest(machine, BUILD)
    except AssertionError as why:
        raise CannotRun(str(why)) from None
    try:
        yield lambda command: output(guest, f"{Path(command[0]).name} {EDUS[0]}")
    finally:
        guest.power_off()


def output(guest, command):
    try:
        result = guest.run(command, timeout=LIMIT_S)
    except AssertionError as why:
        raise CannotRun(str(why)) from None
    if result.status != 0:
        raise CannotRun(f"{command}: exit status {result.status}\n{result.text}")
    return result.stdout
