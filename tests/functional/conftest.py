# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures of the functional tests: programs to run, captures to replay."""
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

import captures
import harness


def pytest_generate_tests(metafunc):
    """A test that takes ethernet_capture runs once for each of the shared captures."""
    if "ethernet_capture" not in metafunc.fixturenames:
        return
    paths = [path for path in captures.shared_captures()
             if captures.link_type(path) == captures.ETHERNET]
    if paths:
        metafunc.parametrize("ethernet_capture", paths, ids=lambda path: path.name)
    else:
        why = f"no captures in {captures.SHARED} (IOPLANE_CAPTURES names another folder)"
        metafunc.parametrize("ethernet_capture", [
            pytest.param(None, marks=pytest.mark.skip(reason=why), id="none")])


@pytest.fixture
def shared_capture():
    """Gives the path of one shared capture by its name; skips where it is not there."""
    def path_of(name):
        path = captures.SHARED / name
        if not path.exists():
            pytest.skip(f"no {path} (IOPLANE_CAPTURES names another folder)")
        return path
    return path_of


@pytest.fixture(scope="session")
def make_capture(tmp_path_factory):
    """Makes a capture with the project's generator; the same options give the same file."""
    folder = tmp_path_factory.mktemp("captures")
    made = {}

    def make(*options):
        if options not in made:
            path = folder / f"made.{len(made)}.pcap"
            subprocess.run([harness.TOP / "config" / "gen-capture.py", "--out", path, *options],
                           check=True)
            made[options] = path
        return made[options]
    return make


@pytest.fixture
def ioplane(tmp_path):
    """Runs the program: ioplane.run(...) to its end, or ioplane.start(...)."""
    return harness.Ioplane(tmp_path)


@pytest.fixture(scope="session")
def plugin():
    """The driver where EAL agrees to load it: no folder above may be writable by everyone."""
    built = harness.BUILD / "drivers" / "librte_net_dmanic.so"
    assert built.exists(), f"{built} is not built"
    if not any(folder.stat().st_mode & stat.S_IWOTH for folder in built.resolve().parents):
        yield built
        return
    folder = Path(tempfile.mkdtemp(prefix="ioplane-test-", dir="/run"))
    try:
        yield Path(shutil.copy(built, folder))
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def testpmd(plugin, tmp_path):
    """Runs upstream testpmd with the driver: testpmd.run([step, ...], option, ...)."""
    return harness.Testpmd(plugin, tmp_path)
