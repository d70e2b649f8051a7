# SPDX-License-Identifier: BSD-3-Clause
"""Memory that an application brings itself, and programs that dmanic refuses."""
import subprocess

import pytest

import harness


def run(program, folder, *args, vdevs=harness.PAIR, **options):
    command = [program, *harness.lcores(0), "--no-pci", *args]
    for vdev in vdevs:
        command += ["--vdev", vdev]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=folder,
                          stdin=subprocess.DEVNULL, check=False, **options)


@pytest.mark.parametrize("iova", ["va", "pa"])
def test_external_memory_is_reached_while_it_is_mapped(tmp_path, iova):
    result = run(harness.BUILD / "tests" / "functional" / "dmanic_extmem", tmp_path,
                 "--in-memory", f"--iova-mode={iova}")
    said = result.stdout + result.stderr
    assert result.returncode == 0, said
    assert "mapped_by_the_application: ok" in said
    assert "told_by_memory_events: ok" in said


@pytest.fixture
def hugetlbfs(tmp_path):
    """A mount of its own: processes that share memory cannot run with --in-memory."""
    folder = tmp_path / "huge"
    folder.mkdir()
    mount = subprocess.run(["mount", "-t", "hugetlbfs", "-o", "pagesize=2M", "none", folder],
                           capture_output=True, text=True, check=False)
    if mount.returncode != 0:
        pytest.skip(f"cannot mount hugetlbfs: {mount.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.upstream
def test_secondary_process_is_told_that_it_cannot_have_it(plugin, tmp_path, hugetlbfs):
    shared = [f"--file-prefix={tmp_path.name}", f"--huge-dir={hugetlbfs}", "-d", plugin]
    first = ["dpdk-testpmd", *harness.lcores(1), "--no-pci", "-m", "64", *shared,
             "--vdev", "net_dmanic0", "--", "-i", "--total-num-mbufs=2048"]
    with harness.Running(first, tmp_path) as running:
        running.wait_for("testpmd>")
        second = run("dpdk-testpmd", tmp_path, "--proc-type=secondary", *shared, vdevs=())
        assert "net_dmanic0 cannot be used in a secondary process" in second.stdout + second.stderr
        running.send("quit")
        assert running.finish().status == 0
