# SPDX-License-Identifier: BSD-3-Clause
"""config/host: what the scripts say and refuse where they may change nothing."""
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import harness

pytestmark = pytest.mark.no_build
FOLDER = harness.TOP / "config" / "host"
SCRIPTS = ("bind", "unbind", "reserve")
PCI = Path("/sys/bus/pci/devices")
MISSING = "0000:ff:1f.7"
SHELLS = [[]] + ([["busybox", "sh"]] if shutil.which("busybox") else [])


def run(*words, shell=()):
    return subprocess.run([*shell, FOLDER / words[0], *words[1:]], text=True, capture_output=True,
                          stdin=subprocess.DEVNULL)


def state():
    """Which driver each PCI device has, and which it may have."""
    devices = sorted(PCI.iterdir()) if PCI.exists() else []
    return [(path.name, os.path.realpath(path / "driver"), (path / "driver_override").read_text())
            for path in devices]


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0] if shell else "sh")
@pytest.mark.parametrize("script", SCRIPTS)
def test_help_says_how_to_undo(script, shell):
    ended = run(script, "--help", shell=shell)
    assert ended.returncode == 0 and ended.stderr == ""
    assert ended.stdout.startswith(f"usage: config/host/{script}")
    assert "ndo" in ended.stdout


@pytest.mark.parametrize("words", [("bind",), ("unbind",), ("bind", "--nope", MISSING),
                                   ("unbind", "--nope", MISSING), ("bind", "--driver"),
                                   ("reserve", "--mib", "x"), ("reserve", "--node", ""),
                                   ("reserve", "more")], ids=" ".join)
def test_bad_usage_ends_with_2(words):
    ended = run(*words)
    assert ended.returncode == 2
    assert ended.stdout == "" and ended.stderr.startswith("usage: ")


@pytest.mark.parametrize("script", ["bind", "unbind"])
@pytest.mark.parametrize("address", [MISSING, "eth0", "../../../etc", ""])
def test_a_device_that_is_not_there_is_told_in_one_line(script, address):
    before = state()
    ended = run(script, address)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"{script}: there is no PCI device")
    assert ended.stderr.count("\n") == 1
    assert state() == before


def test_a_node_that_is_not_there_is_told():
    ended = run("reserve", "--node", "4095", "--mib", "2")
    assert ended.returncode == 1
    assert "there is no NUMA node 4095" in ended.stderr
