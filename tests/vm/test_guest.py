# SPDX-License-Identifier: BSD-3-Clause
"""The machine itself: what is run in it ends as it should, and its IOMMU works."""
import signal
import time

import pytest

from guest import SILENT_S, QemuGaveUp

pytestmark = pytest.mark.machines("e1000e")


def test_a_command_gives_its_output_and_its_status(guest):
    result = guest.run("echo out; echo err >&2; exit 3")
    assert (result.status, result.stdout, result.stderr) == (3, "out\n", "err\n")


def test_two_programs_run_at_once_and_hear_what_is_typed(guest):
    with guest.start("exec cat") as first, guest.start("exec cat") as second:
        second.send("two")
        first.send("one 'and' $more")
        first.wait_for("one 'and' $more\n")
        second.wait_for("two\n")
        assert first.finish().status == second.finish().status == 0


def test_a_signal_ends_a_program(guest):
    with guest.start("echo begun; exec sleep 100") as job:
        job.wait_for("begun")
        job.signal(signal.SIGTERM)
        assert job.finish().status == 128 + signal.SIGTERM


def test_a_command_that_does_not_end_is_killed(guest):
    with pytest.raises(AssertionError, match="still ran after 1 s"):
        guest.run("while :; do :; done", timeout=1)
    assert "while :" not in guest.run("ps").stdout


def test_a_command_that_forks_is_killed_with_its_children(guest):
    with pytest.raises(AssertionError, match="still ran after 1 s"):
        guest.run("sleep 12345 & sleep 54321", timeout=1)
    assert "sleep" not in guest.run("ps -o args | grep -E '12345|54321' | grep -v grep").stdout


def test_the_kernel_translates_for_each_nic_in_a_group_of_its_own(guest):
    for nic in guest.nics:
        device = f"/sys/bus/pci/devices/{nic}"
        assert guest.run(f"ls {device}/iommu_group/devices").stdout.split() == [nic]
        assert guest.run(f"cat {device}/iommu_group/type").stdout.strip().startswith("DMA")
        assert guest.run(f"readlink {device}/driver").stdout.strip().endswith("/vfio-pci")


def assert_booted_anew(booted, guest):
    assert booted.running() is not guest
    assert not booted.running().why_given_up()


def test_a_machine_that_misses_a_cpu_is_booted_anew(booted, guest):
    with pytest.raises(QemuGaveUp, match="misses a CPU"):
        guest.run("echo '<3>rcu: INFO: rcu_preempt detected stalls' >/dev/kmsg; sleep 5")
    assert_booted_anew(booted, guest)


def test_a_machine_that_stands_still_is_given_up_before_its_command_s_limit(booted, guest):
    assert guest.silent_s() < SILENT_S
    with pytest.raises(QemuGaveUp, match="no sign of life"), guest.start("sleep 100", 100) as job:
        guest.qemu.monitor("stop")
        began = time.monotonic()
        job.finish()
    assert time.monotonic() - began < SILENT_S + 5
    assert_booted_anew(booted, guest)
