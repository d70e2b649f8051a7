# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures of the tests in virtual machines: a machine that runs, ioplane in it, captures.

A test names its machines with @pytest.mark.machines("e1000e", ...) and takes `guest`. One machine
runs at a time and is booted once: tests are ordered by it.
"""
import os
import subprocess
from pathlib import Path

import pytest

import captures
from guest import Guest
from machine import MACHINES
from program import Ioplane

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
BUILD = Path(os.environ.get("IOPLANE_BUILD", TOP / "build")).resolve()
# What a kernel says that has come to grief.
GRIEF = ("BUG:", "Oops", "Call Trace", "general protection", "blocked for more than")


def pytest_generate_tests(metafunc):
    marker = metafunc.definition.get_closest_marker("machines")
    if marker:
        # The names of MACHINES themselves: pytest keeps a machine for the same object.
        names = [name for name in MACHINES if name in marker.args]
        assert len(names) == len(marker.args), f"no such machine: {marker.args}"
        metafunc.parametrize("guest", names, indirect=True, scope="session")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """All tests of a machine in a row, in the order of machine.py."""
    order = list(MACHINES)

    def machine_of(item):
        params = getattr(item, "callspec", None) and item.callspec.params
        return order.index(params["guest"]) if params and "guest" in params else -1
    items.sort(key=machine_of)


@pytest.fixture(scope="session")
def parts():
    """Kernel, busybox and QEMU; where they cannot be fetched nothing can be tested."""
    ended = subprocess.run([HERE / "fetch"], stdin=subprocess.DEVNULL, capture_output=True,
                           text=True)
    if ended.returncode != 0:
        pytest.skip(f"no QEMU: {ended.stderr.strip().splitlines()[-1]}")


@pytest.fixture(scope="session")
def guest(request, parts):
    """The machine of the test, booted."""
    running = Guest(request.param, BUILD)
    yield running
    running.power_off()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows what the machine said last."""
    report = (yield).get_result()
    running = getattr(item, "funcargs", {}).get("guest")
    if report.failed and running is not None:
        report.sections.append((f"console of {running.name}", running.console()))


@pytest.fixture(autouse=True)
def no_grief(request):
    """The kernel of the machine has nothing to complain about."""
    if "guest" not in request.fixturenames:
        yield
        return
    running = request.getfixturevalue("guest")
    console = running.folder / "console"
    before = console.stat().st_size
    yield
    said = console.read_bytes()[before:].decode(errors="replace")
    assert not any(word in said for word in GRIEF), said


@pytest.fixture
def ioplane(guest):
    """ioplane on the machine's NICs: ioplane.run(...) to its end, or ioplane.start(...)."""
    return Ioplane(guest)


@pytest.fixture(scope="session")
def make_capture(tmp_path_factory):
    """Makes a capture with the project's generator; the same options give the same file."""
    folder = tmp_path_factory.mktemp("captures")
    made = {}

    def make(*options):
        if options not in made:
            path = folder / f"made.{len(made)}.pcap"
            subprocess.run([TOP / "config" / "gen-capture.py", "--out", path, *options],
                           check=True)
            made[options] = path
        return made[options]
    return make


@pytest.fixture
def shared_capture():
    """Gives the path of one shared capture by its name; skips where it is not there."""
    def path_of(name):
        path = captures.SHARED / name
        if not path.exists():
            pytest.skip(f"no {path} (IOPLANE_CAPTURES names another folder)")
        return path
    return path_of
