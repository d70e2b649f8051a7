# SPDX-License-Identifier: BSD-3-Clause
"""The set-up scripts: SDK headers from either form of apt sources, quickstart run again."""
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

import harness

pytestmark = pytest.mark.no_build
CONFIG = harness.TOP / "config"
KEY = "/usr/share/keyrings/debian-archive-keyring.gpg"
HEADERS = {"ethdev_driver.h", "ethdev_vdev.h", "dev_driver.h", "bus_vdev_driver.h"}


def system_has_headers():
    flags = subprocess.run(["pkg-config", "--cflags-only-I", "libdpdk"], capture_output=True,
                           text=True, check=True).stdout
    return any(os.path.exists(f"{flag[2:]}/ethdev_driver.h") for flag in flags.split())


class Checkout:
    """The set-up scripts in a folder of their own, so that the tree's .deps/ is left alone."""

    def __init__(self, top):
        self.top = top
        self.apt = top / "apt"
        (self.apt / "sources.list.d").mkdir(parents=True)
        (top / "config").mkdir()
        for name in ("fetch-sdk", "lib.sh"):
            shutil.copy(CONFIG / name, top / "config")

    def fetch(self, own_sources=True):
        env = dict(os.environ)
        if own_sources:
            env["IOPLANE_APT_ETC"] = str(self.apt)
        return subprocess.run([self.top / "config" / "fetch-sdk"], env=env, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL)

    def headers(self):
        return {path.name for path in (self.top / ".deps" / "dpdk-sdk").glob("*.h")}


@pytest.fixture
def checkout(tmp_path):
    if system_has_headers():
        pytest.skip("this system's DPDK comes with the headers")
    return Checkout(tmp_path)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """(URI, suite, component, key) of the archive's sources, when it can be reached."""
    if not system_has_headers():
        ended = Checkout(tmp_path_factory.mktemp("probe")).fetch(own_sources=False)
        if ended.returncode != 0:
            pytest.skip(f"the archive cannot be reached: {ended.stderr.strip()}")
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)|$(RELEASE)|$(COMPONENT)",
         "Created-By: Packages"], capture_output=True, text=True, check=True).stdout
    return sorted({(*line.split("|"), KEY) for line in listed.splitlines()})


def test_headers_come_from_one_line_sources(checkout, sources):
    with open(checkout.apt / "sources.list", "w") as file:
        for uri, suite, component, key in sources:
            file.write(f"deb [signed-by={key}] {uri} {suite} {component}\n")
    ended = checkout.fetch()
    assert ended.returncode == 0, ended.stderr
    assert checkout.headers() == HEADERS


def test_headers_come_from_deb822_sources(checkout, sources):
    with open(checkout.apt / "sources.list.d" / "all.sources", "w") as file:
        for uri, suite, component, key in sources:
            file.write(f"Types: deb\nURIs: {uri}\nSuites: {suite}\nComponents: {component}\n"
                       f"Signed-By: {key}\n\n")
    ended = checkout.fetch()
    assert ended.returncode == 0, ended.stderr
    assert checkout.headers() == HEADERS
    assert sorted(os.listdir(checkout.top / ".deps" / "dpdk-sdk")) == sorted(HEADERS | {"version"})


def test_a_second_fetch_does_nothing_and_another_version_fetches_again(checkout, sources):
    checkout.fetch(own_sources=False)
    header = checkout.top / ".deps" / "dpdk-sdk" / "ethdev_driver.h"
    was = header.stat().st_ino
    again = checkout.fetch(own_sources=False)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert header.stat().st_ino == was
    (checkout.top / ".deps" / "dpdk-sdk" / "version").write_text("1.0\n")
    ended = checkout.fetch(own_sources=False)
    assert ended.returncode == 0 and "fetching" in ended.stdout
    assert header.stat().st_ino != was


def test_without_a_network_the_next_step_is_said(checkout):
    # Port 9 of this machine: refused at once.
    nowhere = "http://127.0.0.1:9/debian"
    (checkout.apt / "sources.list").write_text(f"deb {nowhere} stable main\n")
    ended = checkout.fetch()
    assert ended.returncode == 1
    assert re.search(r"^fetch-sdk: could not fetch .*apt-get update", ended.stderr, re.M)
    assert checkout.headers() == set()
    assert not (checkout.top / ".deps").exists()


def quickstart(*args, **options):
    return subprocess.run([CONFIG / "quickstart", *args], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=600, **options)


def test_quickstart_says_what_it_takes():
    ended = quickstart("--help")
    assert ended.returncode == 0
    assert ended.stdout.startswith("usage: config/quickstart [FILE]")


@pytest.mark.parametrize("args", [("--fast",), ("a.pcap", "b.pcap")])
def test_quickstart_refuses_what_it_does_not_know(args):
    ended = quickstart(*args)
    assert ended.returncode == 2
    assert ended.stderr.startswith("usage:")


def test_quickstart_refuses_a_capture_that_is_not_there(tmp_path):
    ended = quickstart(tmp_path / "none.pcap")
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        f"quickstart: cannot read the capture {tmp_path}/none.pcap: "
        "give the path of a pcap or pcapng file"]


def test_quickstart_needs_root():
    prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if os.geteuid() != 0:
        pytest.skip("cannot run as another user here")
    # a copy that another user can read, wherever the tree stands
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        shutil.copytree(CONFIG, Path(folder) / "config")
        ended = subprocess.run([*prefix, Path(folder) / "config" / "quickstart"],
                               capture_output=True, text=True)
    assert ended.returncode == 1
    assert "must run as root" in ended.stderr and len(ended.stderr.splitlines()) == 1
