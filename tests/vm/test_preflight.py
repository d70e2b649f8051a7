# SPDX-License-Identifier: BSD-3-Clause
"""What is refused before a device is touched, and what config/host changes, with a real kernel."""
import json
import shutil
from pathlib import Path

import pytest

CONFIG = Path(__file__).resolve().parents[2] / "config"
GOOD, OTHER = "0000:00:02.0", "0000:00:03.0"
# Two devices of one group.
PAIR = ("0000:01:01.0", "0000:01:02.0")
EDU = "0000:00:04.0"
TYPE1 = "/sys/module/vfio_iommu_type1/parameters"
RUN = "ioplane --in-memory -l 0,1"
# All that an attempt could change.
STATE = """
for device in /sys/bus/pci/devices/*; do
	echo "$device $(readlink $device/driver) $(cat $device/driver_override)"
done
ls -d /sys/kernel/iommu_groups/*/devices/*
cat /sys/kernel/mm/hugepages/hugepages-2048kB/*_hugepages
cat /sys/class/iommu/*/intel-iommu/domains_used
cut -d " " -f 1 /proc/modules
ls /dev/vfio
ip link | grep -o " [a-z0-9]*: "
"""


def state(guest):
    return guest.run(STATE).stdout


def run(guest, *addresses, options="", commands=("show port summary all",)):
    """Attaches devices, runs commands and ends."""
    (guest.share / "preflight.cmd").write_text("".join(f"{line}\n" for line in commands))
    devices = " ".join(f"-a {address}" for address in addresses) or "--vdev net_null0"
    return guest.run(f"{RUN} {devices} -- {options} --cmdline-file /share/preflight.cmd")


def refused(guest, *addresses, tells, is_alone=True):
    """Exit status 1, one line with all of `tells`, and the machine is as it was.

    is_alone: DPDK adds none of its own.
    """
    before = state(guest)
    result = run(guest, *addresses)
    assert result.status == 1, result.text
    lines = result.stderr.splitlines()
    (line,) = [one for one in lines if not one.startswith("EAL: ")]
    assert line.startswith("ioplane: ") and (not is_alone or len(lines) == 1)
    for part in tells:
        assert part in line
    assert state(guest) == before


def goes(guest, *addresses, options=""):
    """The control: the same attempt where nothing stands against it; it leaves nothing behind."""
    before = state(guest)
    result = run(guest, *addresses, options=options)
    assert result.status == 0, result.text
    for address in addresses:
        assert address in result.stdout
    assert state(guest) == before


def groups(guest, *addresses):
    """What show iommu groups says, by device."""
    result = run(guest, *addresses, options="--json", commands=["show iommu groups"])
    assert result.status == 0, result.text
    answer = next(line for line in result.stdout.splitlines() if line.startswith("["))
    return {row["device"]: row for row in json.loads(answer)}


@pytest.fixture
def machine(guest):
    """The machine e1000e; NICs are on VFIO again at the end, and the pair has no driver."""
    yield guest
    result = guest.run(f"nics none {' '.join(PAIR)}; nics vfio-pci {GOOD} {OTHER} {EDU}; "
                       f"modprobe vfio_iommu_type1; echo 65535 >{TYPE1}/dma_entry_limit")
    assert result.status == 0, result.text


@pytest.fixture
def scripts(machine):
    """Runs one of config/host's scripts in the guest."""
    shutil.copytree(CONFIG / "host", machine.share / "host", dirs_exist_ok=True)
    return lambda line: machine.run(f"/share/host/{line}")


# --- the device ------------------------------------------------------------------------------------

@pytest.mark.machines("e1000e")
def test_a_good_device_goes_and_leaves_nothing_behind(machine):
    goes(machine, GOOD, OTHER)


@pytest.mark.machines("e1000e")
def test_a_device_that_is_not_there_is_told_with_those_that_are(machine):
    refused(machine, "0000:00:09.0", tells=["no PCI device 0000:00:09.0", f"{GOOD} (vfio-pci)"])


@pytest.mark.machines("e1000e")
def test_a_second_device_that_is_wrong_takes_the_first_back(machine):
    refused(machine, GOOD, "0000:00:09.0", is_alone=False, tells=["no PCI device 0000:00:09.0"])


@pytest.mark.machines("e1000e")
def test_a_device_of_another_class_is_refused(machine):
    refused(machine, EDU, tells=[f"{EDU} is no network device (class 0x00ff00)", GOOD])


@pytest.mark.machines("e1000e")
def test_a_device_on_no_driver_is_refused(machine):
    machine.run(f"nics none {OTHER}")
    refused(machine, OTHER, tells=["bound to no driver", f"config/host/bind {OTHER}"])


@pytest.mark.machines("e1000e")
def test_a_device_on_the_kernels_driver_is_refused_with_its_interface(machine):
    machine.run(f"nics e1000e {OTHER}")
    interface = machine.run(f"ls /sys/bus/pci/devices/{OTHER}/net").stdout.strip()
    refused(machine, OTHER, tells=[f"bound to the kernel's e1000e ({interface})",
                                   f"config/host/bind {OTHER}"])


# --- the group -------------------------------------------------------------------------------------

@pytest.mark.machines("e1000e")
def test_a_group_whose_other_device_the_kernel_drives_is_refused(machine):
    one, other = PAIR
    machine.run(f"nics vfio-pci {one}; nics vmxnet3 {other}")
    number = groups(machine)[one]["group"]
    refused(machine, one, tells=[f"group {number} of {one} is not viable",
                                 f"{other} is bound to vmxnet3;", f"config/host/bind {other}",
                                 f"config/host/unbind --none {other}"])
    machine.run(f"nics none {other}")
    goes(machine, one)


@pytest.mark.machines("e1000e")
def test_two_devices_of_a_group_need_a_shared_domain(machine):
    machine.run(f"nics vfio-pci {' '.join(PAIR)}")
    refused(machine, *PAIR, is_alone=False, tells=["which is a port", "--domain shared"])
    goes(machine, *PAIR, options="--domain shared")


@pytest.mark.machines("e1000e")
def test_the_groups_that_are_shown_are_the_kernels(machine):
    machine.run(f"nics vfio-pci {PAIR[0]}; nics vmxnet3 {PAIR[1]}")
    shown = groups(machine, GOOD)
    listed = machine.run("""
        for link in /sys/kernel/iommu_groups/*/devices/*; do
            group=${link%/devices/*}
            echo ${link##*/} ${group##*/} $(cat $group/type $link/vendor $link/class)
        done""").stdout
    assert sorted(" ".join((name, row["group"], row["type"], row["vendor"], row["class"]))
                  for name, row in shown.items()) == sorted(listed.splitlines())
    assert shown[GOOD]["port"] == 0 and shown[GOOD]["backend"] == "type1"
    assert shown[GOOD]["domain"] is not None and shown[OTHER]["domain"] is None
    assert shown[GOOD]["viable"] == "yes"
    assert shown[PAIR[0]]["viable"] == f"no: {PAIR[1]} is bound to vmxnet3"
    msi = {"start": "0xfee00000", "last": "0xfeefffff", "type": "msi"}
    assert msi in shown[GOOD]["reserved"]


# --- what VFIO allows ------------------------------------------------------------------------------

@pytest.mark.machines("e1000e")
def test_a_missing_type1_module_is_told(machine):
    machine.run("modprobe -r vfio_iommu_type1")
    refused(machine, GOOD, is_alone=False, tells=["modprobe vfio_iommu_type1"])
    machine.run("modprobe vfio_iommu_type1")
    goes(machine, GOOD)


@pytest.mark.machines("e1000e")
def test_a_limit_of_entries_that_is_too_low_is_told(machine):
    machine.run(f"echo 1 >{TYPE1}/dma_entry_limit")
    refused(machine, GOOD, tells=["needs 2 mappings and VFIO allows 1", "echo 65535"])
    machine.run(f"echo 65535 >{TYPE1}/dma_entry_limit")
    goes(machine, GOOD)


@pytest.mark.machines("e1000e")
def test_a_user_is_told_what_is_missing_until_nothing_is(machine):
    number = groups(machine)[GOOD]["group"]
    user = "su -s /bin/sh nobody -c '{}'"
    command = f"{RUN} -a {GOOD} -- --cmdline-file /dev/null"
    machine.run("echo nobody:x:65534:65534::/tmp:/bin/sh >/etc/passwd; chmod 1777 /tmp")
    result = machine.run(user.format(command))
    assert result.status == 1
    assert f"/dev/vfio/{number} may not be opened" in result.stderr
    assert f"chown 65534 /dev/vfio/{number}" in result.stderr
    machine.run(f"chown 65534 /dev/vfio/{number}")
    result = machine.run(f"ulimit -l 8192; {user.format(command)}")
    assert result.status == 1
    assert "0 of the 8 MiB" in result.stderr and "ulimit -l unlimited" in result.stderr
    result = machine.run(f"ulimit -l unlimited; {user.format(command)}")
    assert result.status == 0, result.text


# --- other machines --------------------------------------------------------------------------------

@pytest.mark.machines("no-iommu")
def test_an_iommu_that_is_off_is_told(guest):
    refused(guest, GOOD, tells=["the IOMMU is off", "boot with intel_iommu=on", "--no-iommu"])
    result = run(guest, commands=["show iommu groups"])
    assert result.status == 0, result.text
    assert "The kernel has no IOMMU groups" in result.stdout
    shutil.copytree(CONFIG / "host", guest.share / "host", dirs_exist_ok=True)
    before = state(guest)
    result = guest.run(f"/share/host/bind {GOOD}")
    assert result.status == 1
    assert f"{GOOD} has no IOMMU group: nothing was changed" in result.stderr
    assert state(guest) == before


@pytest.mark.machines("passthrough")
def test_passthrough_by_default_stands_in_nobodys_way(guest):
    assert {row["type"] for row in groups(guest).values() if row["group"]} == {"identity"}
    goes(guest, GOOD)


@pytest.mark.machines("no-remapping")
def test_interrupts_that_nobody_remaps_are_told(guest):
    refused(guest, GOOD, tells=["dmar0 cannot remap interrupts", "allow_unsafe_interrupts"])
    guest.run(f"echo 1 >{TYPE1}/allow_unsafe_interrupts")
    goes(guest, GOOD)
    guest.run(f"echo 0 >{TYPE1}/allow_unsafe_interrupts")


# --- config/host -----------------------------------------------------------------------------------

def driver(guest, address):
    link = guest.run(f"readlink /sys/bus/pci/devices/{address}/driver").stdout.strip()
    return link.rpartition("/")[2]


def said(result, *parts):
    assert result.status == 0, result.text
    for part in parts:
        assert part in result.stdout
    return result


@pytest.mark.machines("e1000e")
def test_unbind_gives_back_and_bind_takes_and_neither_does_it_twice(machine, scripts):
    said(scripts(f"unbind {OTHER}"), f"{OTHER}: from vfio-pci to e1000e", "undo with")
    assert driver(machine, OTHER) == "e1000e"
    before = state(machine)
    said(scripts(f"unbind {OTHER}"), f"{OTHER} is bound to the kernel's e1000e already")
    assert state(machine) == before
    said(scripts(f"bind {OTHER.removeprefix('0000:')}"), f"{OTHER}: from e1000e to vfio-pci")
    before = state(machine)
    said(scripts(f"bind {OTHER}"), f"{OTHER} is bound to vfio-pci already")
    assert state(machine) == before


@pytest.mark.machines("e1000e")
def test_unbind_to_none_makes_a_group_viable(machine, scripts):
    machine.run(f"nics vfio-pci {PAIR[0]}; nics vmxnet3 {PAIR[1]}")
    said(scripts(f"unbind --none {PAIR[1]}"), f"{PAIR[1]}: from vmxnet3 to no driver")
    said(scripts(f"unbind --none {PAIR[1]}"), "has no driver already")
    assert groups(machine)[PAIR[0]]["viable"] == "yes"


@pytest.mark.machines("e1000e")
def test_bind_tells_which_member_keeps_the_group_back(machine, scripts):
    machine.run(f"nics vmxnet3 {PAIR[1]}")
    result = said(scripts(f"bind {PAIR[0]}"), f"{PAIR[0]}: from no driver to vfio-pci")
    assert f"{PAIR[1]} is bound to vmxnet3" in result.stderr


@pytest.mark.machines("e1000e")
def test_a_device_that_the_machine_uses_is_left_alone_but_by_force(machine, scripts):
    scripts(f"unbind {OTHER}")
    name = machine.run(f"ls /sys/bus/pci/devices/{OTHER}/net").stdout.strip()

    def is_left_alone(use, reason, *lines):
        assert machine.run(use).status == 0
        before = state(machine)
        for line in lines:
            result = scripts(line)
            assert result.status == 1
            assert f"{OTHER} is {name}, which {reason}: nothing was changed" in result.stderr
        assert state(machine) == before

    is_left_alone(f"ip link set {name} up; ip addr add 192.0.2.1/24 dev {name}",
                  "is up and has an address",
                  f"bind {GOOD} {OTHER}", f"unbind --none {GOOD} {OTHER}")
    is_left_alone("ip route add default via 192.0.2.2", "carries the default route",
                  f"bind {OTHER}")
    is_left_alone(f"ip addr flush dev {name}; ip addr add 2001:db8::1/64 dev {name}",
                  "is up and has an address", f"bind {OTHER}")
    said(scripts(f"bind --force {OTHER}"), f"{OTHER}: from e1000e to vfio-pci")


@pytest.mark.machines("e1000e")
def test_a_device_that_a_process_holds_is_left_alone(machine, scripts):
    number = groups(machine)[GOOD]["group"]
    with machine.start(f"exec 3<>/dev/vfio/{number}; echo held; sleep 100", timeout=60) as job:
        job.wait_for("held")
        before = state(machine)
        result = scripts(f"unbind {GOOD}")
        assert result.status == 1
        assert f"{GOOD} is in use by process" in result.stderr
        assert state(machine) == before
    said(scripts(f"unbind {GOOD}"), f"{GOOD}: from vfio-pci")


@pytest.mark.machines("e1000e")
def test_reserve_adds_what_is_missing_and_tells_how_to_undo_it(machine, scripts):
    pool = "/sys/devices/system/node/node0/hugepages/hugepages-2048kB"
    free, had = int(machine.read(f"{pool}/free_hugepages")), machine.read(f"{pool}/nr_hugepages")
    said(scripts(f"reserve --mib {free * 2}"), f"{free} pages of 2 MiB are free on node 0 already")
    assert machine.read(f"{pool}/nr_hugepages") == had
    result = said(scripts(f"reserve --node 0 --mib {free * 2 + 5}"),
                  "reserved 3 pages of 2 MiB on node 0", f"echo {had} > {pool}/nr_hugepages")
    assert int(machine.read(f"{pool}/free_hugepages")) == free + 3
    undo = result.stdout.split("undo with: ")[1].splitlines()[0]
    assert machine.run(undo).status == 0
    assert machine.read(f"{pool}/nr_hugepages") == had
    result = scripts("reserve --node 7 --mib 2")
    assert result.status == 1 and "there is no NUMA node 7" in result.stderr
