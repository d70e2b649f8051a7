# SPDX-License-Identifier: BSD-3-Clause
"""The virtual test machines: which NICs, at which addresses, which IOMMU."""
from dataclasses import dataclass

UNIT = ("-device", "intel-iommu,intremap=on,caching-mode=on,device-iotlb=on,aw-bits=48")
# A busy host delays the timer past what the kernel takes for a broken interrupt. Under TCG a timer
# that is set for once has been seen never to fire; a tick that repeats gets over that. On a busy
# host the kernel has measured the time stamp counter ten times too slow, and its clock ran as fast:
# QEMU's HPET needs no measuring.
KERNEL = ("console=ttyS0 panic=-1 loglevel=4 no_timer_check nohz=off highres=off tsc=reliable "
          "clocksource=hpet mitigations=off rcupdate.rcu_cpu_stall_timeout=10")


@dataclass(frozen=True)
class Machine:
    """Options of QEMU, words for the kernel, and what is run in the guest before the tests.

    `nics` are the addresses of the NICs: the first two are on one wire, and so are the next two.
    `taps` is how many queues each of two taps gets that QEMU finds as tap0 and tap1.
    """
    options: tuple
    nics: tuple
    setup: str
    kernel: str = "intel_iommu=on iommu=nopt"
    unit: tuple = UNIT
    taps: int = 0


# Slots of the root bus for NICs, for edu devices and for their bridge.
SLOTS, EDU_SLOTS, BRIDGE_SLOT = (2, 3, 7, 8), (4, 5), 6
ON_ROOT = tuple(f"0000:00:{slot:02x}.0" for slot in SLOTS)
BEHIND_PORTS = tuple(f"0000:{bus:02x}:00.0" for bus in (1, 2, 3, 4))
# Two functions of each physical one; neighbours are of different ones.
FUNCTIONS = ("0000:01:10.0", "0000:02:10.0", "0000:01:10.2", "0000:02:10.2")


def on_hubs(device, places, first=0):
    """A device at each place, two and two on one hub; the first of the machine is number 0."""
    options = []
    for number, place in enumerate(places, first):
        options += ["-netdev", f"hubport,id=wire{number},hubid={number // 2}",
                    "-device", f"{device},{place},netdev=wire{number},{mac(number)}"]
    return tuple(options)


def mac(number):
    return f"mac=52:54:00:00:00:{number:02x}"


def on_root(device, count=4):
    return on_hubs(device, [f"addr={slot}" for slot in SLOTS[:count]])


def behind_ports(device, count=4):
    ports = [word for number, slot in enumerate(SLOTS[:count]) for word in (
        "-device", f"pcie-root-port,id=slot{number},addr={slot},chassis={number}")]
    return (*ports, *on_hubs(device, [f"bus=slot{number}" for number in range(count)]))


def on_taps(device):
    """Two devices whose wire has four queues, which a hub's has not."""
    return tuple(word for number, slot in enumerate(SLOTS[:2]) for word in (
        "-netdev", f"tap,id=tap{number},ifname=tap{number},script=no,downscript=no,vhost=off,"
                   "queues=4",
        "-device", f"{device},netdev=tap{number},addr={slot},{mac(number)}"))


def bind(addresses):
    return f"modprobe vfio_iommu_type1\nnics vfio-pci {' '.join(addresses)}\n"


# The physical functions are of the kernel's driver, which shall not take the virtual ones too.
SPLIT = """
nics igb 0000:01:00.0 0000:02:00.0
for port in eth0 eth1; do
	ip link set "$port" up
done
for address in 0000:01:00.0 0000:02:00.0; do
	echo 0 >/sys/bus/pci/devices/$address/sriov_drivers_autoprobe
	echo 2 >/sys/bus/pci/devices/$address/sriov_numvfs
done
for port in eth0 eth1; do
	until [ "$(cat /sys/class/net/$port/carrier)" = 1 ]; do sleep 0.1; done
done
"""

# Devices that do DMA wherever their registers say; all 64 bits of an address count.
EDU = tuple(word for slot in EDU_SLOTS
            for word in ("-device", f"edu,addr={slot},dma_mask=0xffffffffffffffff"))
EDUS = tuple(f"0000:00:{slot:02x}.0" for slot in EDU_SLOTS)
# Behind a bridge to PCI they are one group.
EDU_GROUP = ("-device", f"pcie-pci-bridge,id=bridge,addr={BRIDGE_SLOT}",
             "-device", "edu,bus=bridge,addr=1", "-device", "edu,bus=bridge,addr=2")
# NICs behind one, too.
PAIR = ("-device", f"pcie-pci-bridge,id=legacy,addr={BRIDGE_SLOT}",
        *on_hubs("vmxnet3", ["bus=legacy,addr=1", "bus=legacy,addr=2"], first=4))
NO_REMAPPING = (UNIT[0], UNIT[1].replace("intremap=on", "intremap=off"))
VIRTIO = "virtio-net-pci,iommu_platform=on,ats=on,disable-legacy=on,rx_queue_size=1024"

MACHINES = {
    "e1000e": Machine((*on_root("e1000e"), *EDU, *PAIR), ON_ROOT, bind((*ON_ROOT, *EDUS))),
    "igb": Machine(behind_ports("igb"), BEHIND_PORTS, bind(BEHIND_PORTS)),
    "igb-vf": Machine(behind_ports("igb", count=2), FUNCTIONS, SPLIT + bind(FUNCTIONS)),
    "virtio": Machine(on_root(VIRTIO), ON_ROOT, bind(ON_ROOT)),
    "virtio-mq": Machine(on_taps(f"{VIRTIO},mq=on,vectors=10,rss=on,hash=on"), ON_ROOT[:2],
                         bind(ON_ROOT[:2]), taps=4),
    "vmxnet3": Machine(on_root("vmxnet3"), ON_ROOT, bind(ON_ROOT)),
    "no-remapping": Machine((*on_root("e1000e", 2), *EDU, *EDU_GROUP), (),
                            bind((*ON_ROOT[:2], *EDUS)), unit=NO_REMAPPING),
    # The unit is there, the kernel does not use it.
    "no-iommu": Machine(on_root("e1000e", 2), ON_ROOT[:2], "", kernel="intel_iommu=off"),
    "no-unit": Machine(on_root("e1000e", 2), ON_ROOT[:2], "", unit=()),
    "passthrough": Machine(on_root("e1000e", 2), ON_ROOT[:2], bind(ON_ROOT[:2]),
                           kernel="intel_iommu=on iommu=pt"),
}
