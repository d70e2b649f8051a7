# SPDX-License-Identifier: BSD-3-Clause
"""quickstart on a machine that is set up: it replays, reports, and changes nothing."""
import os
import re
import subprocess

import pytest

import harness

# It runs what is in build/, whatever build the other tests run against.
pytestmark = [pytest.mark.no_build, pytest.mark.skipif(
    os.geteuid() != 0, reason="quickstart needs root")]
PREPARES = re.compile(r"installing|fetching|building|reserved|making")


def quickstart(*args, prefix=()):
    ended = subprocess.run([*prefix, harness.TOP / "config" / "quickstart", *args],
                           capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=600)
    assert ended.returncode == 0, harness.tail(ended.stdout + ended.stderr)
    return ended.stdout


def assert_reports(said):
    said = "\n".join(line for line in said.splitlines() if not line.startswith("quickstart:"))
    for word in ("net_dmanic0", "net_dmanic1", "iotlb", "exact", "miss", "walk", "map", "fault"):
        assert word in said.lower(), f"no {word!r} in\n{harness.tail(said, 60)}"
    assert "\x1b" not in said, "terminal control in a pipe"


def built_files():
    build = harness.TOP / "build"
    return {path: path.stat().st_mtime_ns for path in build.rglob("*")
            if path.is_file() and "meson-logs" not in path.parts}


def test_it_replays_its_own_capture_and_reports():
    assert_reports(quickstart())


def test_a_second_run_prepares_nothing_and_changes_no_file():
    quickstart()
    before = built_files()
    said = quickstart()
    assert not PREPARES.search(said), said
    assert built_files() == before


def test_it_replays_the_file_that_is_named(make_capture):
    path = make_capture("--packets", "777", "--flows", "50")
    said = quickstart(path)
    assert str(path) in said
    assert "777" in said
    assert_reports(said)


def test_without_hugepages_it_says_so_and_replays():
    # A tmpfs over sysfs's folder: this process and its children see no huge pages at all.
    hide = ["unshare", "-m", "sh", "-c",
            'mount -t tmpfs none /sys/kernel/mm/hugepages && exec "$@"', "hide"]
    if subprocess.run([*hide, "true"], capture_output=True).returncode != 0:
        pytest.skip("cannot hide the huge pages here (unshare -m)")
    said = quickstart(prefix=hide)
    assert "going on with 4 KiB pages" in said
    assert_reports(said)
