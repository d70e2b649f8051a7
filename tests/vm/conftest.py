# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures of the tests in virtual machines: a machine that runs, ioplane in it, captures.

A test names its machines with @pytest.mark.machines("e1000e", ...) and takes `guest`. One machine
runs at a time and is booted once: tests are ordered by it.
"""
import os
import subprocess
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

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
    if marker and "guest" in metafunc.fixturenames:
        # The names of MACHINES themselves: pytest keeps a machine for the same object.
        names = [name for name in MACHINES if name in marker.args]
        assert len(names) == len(marker.args), f"no such machine: {marker.args}"
        metafunc.parametrize("booted", names, indirect=True, scope="session")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """All tests of a machine in a row, in the order of machine.py."""
    order = list(MACHINES)

    def machine_of(item):
        params = getattr(item, "callspec", None) and item.callspec.params
        return order.index(params["booted"]) if params and "booted" in params else -1
    items.sort(key=machine_of)


@pytest.fixture(scope="session")
def parts():
    """Kernel, busybox and QEMU; where they cannot be fetched nothing can be tested."""
    ended = subprocess.run([HERE / "fetch"], stdin=subprocess.DEVNULL, capture_output=True,
                           text=True)
    if ended.returncode != 0:
        pytest.skip(f"no QEMU: {ended.stderr.strip().splitlines()[-1]}")


class Booted:
    """A machine by its name, which is booted when it is asked for and does not run."""
    guest = None  # what runs now: one at a time, of whatever name

    def __init__(self, name):
        self.name, self.why_not = name, None

    def running(self, item=None):
        if self.why_not:
            raise self.why_not
        if self.guest is None or self.guest.has_ended() or self.guest.why_given_up():
            self.power_off()
            try:
                Booted.guest = self.boot(item)
            except AssertionError as why:
                self.why_not = why
                raise
        return self.guest

    def boot(self, item, tries=3):
        for left in reversed(range(tries)):
            try:
                return Guest(self.name, BUILD)
            except AssertionError as why:
                if left == 0:
                    raise
                note(item, f"booted again: {first_line(why)}")

    @staticmethod
    def power_off():
        if Booted.guest is not None:
            Booted.guest.power_off()
            Booted.guest = None


@pytest.fixture(scope="session")
def booted(request, parts):
    """The machine of the test, which lives on for the next test on it."""
    Booted.power_off()
    yield Booted(request.param)
    Booted.power_off()


@pytest.fixture
def guest(request, booted):
    """The machine of the test, booted."""
    return booted.running(request.node)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    """A test under which QEMU gave up (Guest.why_given_up()) is run again, twice at most, on the
    machine booted anew, and says so."""
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for is_last in (False, False, True):
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        why = Booted.guest and Booted.guest.why_given_up()
        if not why or is_last:
            break
        note(item, f"run again: {why}")
        print(f"\n{item.name} is run again: {why}\n{Booted.guest.console()}")
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def first_line(why):
    return str(why).splitlines()[0].rstrip(":")


def note(item, what):
    """Says at the end, and in the report for tests/run, what happened to a test."""
    if item is not None:
        item.user_properties.append(("note", what))


def pytest_terminal_summary(terminalreporter):
    """The notes; those of a test are in the last of its reports."""
    for report in sum(terminalreporter.stats.values(), []):
        if getattr(report, "when", None) == "teardown":
            for _, what in report.user_properties:
                terminalreporter.write_line(f"{report.nodeid} was {what}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows what the machine said last."""
    report = (yield).get_result()
    running = Booted.guest
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
    # A machine that was given up has left nothing behind.
    said = console.read_bytes()[before:].decode(errors="replace") if console.exists() else ""
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
