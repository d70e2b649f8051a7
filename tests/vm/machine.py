# SPDX-License-Identifier: BSD-3-Clause
"""The virtual test machines: which NICs, at which addresses, which IOMMU."""
from dataclasses import dataclass

UNIT = ("-device", "intel-iommu,intremap=on,caching-mode=on,device-iotlb=on,aw-bits=48")
# A busy host delays the timer past what the kernel takes for a broken interrupt.
KERNEL = "console=ttyS0 panic=-1 loglevel=4 no_timer_check"


@dataclass(frozen=True)
class Machine:
    """Options of QEMU, words for the kernel, and what is run in the guest before the tests.

    `nics` are the addresses of the two NICs that are joined; `taps` is how many queues each of
    two taps gets that QEMU finds as tap0 and tap1.
    """
    options: tuple
    nics: tuple
    setup: str
    kernel: str = "intel_iommu=on iommu=nopt"
    unit: tuple = UNIT
    taps: int = 0


def joined(*devices, hub=0):
    """Devices, each with a port of one hub as its netdev."""
    options = []
    for number, device in enumerate(devices):
        options += ["-netdev", f"hubport,id=hub{hub}.{number},hubid={hub}",
                    "-device", f"{device},netdev=hub{hub}.{number}"]
    return tuple(options)


def mac(number):
    return f"mac=52:54:00:00:00:{number:02x}"


E1000E = joined(f"e1000e,addr=2,{mac(0)}", f"e1000e,addr=3,{mac(1)}")
# Devices that do DMA wherever their registers say; all 64 bits of an address count.
EDU = tuple(word for slot in (4, 5)
            for word in ("-device", f"edu,addr={slot},dma_mask=0xffffffffffffffff"))
EDUS = ("0000:00:04.0", "0000:00:05.0")
# Behind a bridge to PCI they are one group.
EDU_GROUP = ("-device", "pcie-pci-bridge,id=bridge,addr=6",
             "-device", "edu,bus=bridge,addr=1", "-device", "edu,bus=bridge,addr=2")
NO_REMAPPING = (UNIT[0], UNIT[1].replace("intremap=on", "intremap=off"))
# NICs behind one, too.
PAIR = ("-device", "pcie-pci-bridge,id=legacy,addr=6",
        *joined(f"e1000,bus=legacy,addr=1,{mac(2)}", f"e1000,bus=legacy,addr=2,{mac(3)}", hub=1))
IGB = ("-device", "pcie-root-port,id=slot0,addr=2,chassis=1",
       "-device", "pcie-root-port,id=slot1,addr=3,chassis=2",
       *joined(f"igb,bus=slot0,{mac(0)}", f"igb,bus=slot1,{mac(1)}"))
VIRTIO = "virtio-net-pci,iommu_platform=on,ats=on,disable-legacy=on"
VIRTIO_MQ = f"{VIRTIO},mq=on,vectors=10,rss=on,hash=on"
TAPS = tuple(word for n in (0, 1) for word in (
    "-netdev", f"tap,id=tap{n},ifname=tap{n},script=no,downscript=no,vhost=off,queues=4",
    "-device", f"{VIRTIO_MQ},netdev=tap{n},addr={n + 2},{mac(n)}"))

ON_ROOT = ("0000:00:02.0", "0000:00:03.0")
BEHIND_PORTS = ("0000:01:00.0", "0000:02:00.0")
# Two functions of each physical one; the first of each port comes first.
FUNCTIONS = ("0000:01:10.0", "0000:02:10.0", "0000:01:10.2", "0000:02:10.2")

# The functions are of the kernel's driver, which shall not take the virtual ones too.
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


def bind(addresses):
    return f"modprobe vfio_iommu_type1\nnics vfio-pci {' '.join(addresses)}\n"


MACHINES = {
    "e1000e": Machine((*E1000E, *EDU, *PAIR), ON_ROOT, bind((*ON_ROOT, *EDUS))),
    "igb": Machine(IGB, BEHIND_PORTS, bind(BEHIND_PORTS)),
    "igb-vf": Machine(IGB, FUNCTIONS, SPLIT + bind(FUNCTIONS)),
    "virtio": Machine(joined(f"{VIRTIO},addr=2,{mac(0)}", f"{VIRTIO},addr=3,{mac(1)}"),
                      ON_ROOT, bind(ON_ROOT)),
    "virtio-mq": Machine(TAPS, ON_ROOT, bind(ON_ROOT), taps=4),
    "vmxnet3": Machine(joined(f"vmxnet3,addr=2,{mac(0)}", f"vmxnet3,addr=3,{mac(1)}"),
                       ON_ROOT, bind(ON_ROOT)),
    "no-remapping": Machine((*E1000E, *EDU, *EDU_GROUP), (), bind((*ON_ROOT, *EDUS)),
                            unit=NO_REMAPPING),
    # The unit is there, the kernel does not use it.
    "no-iommu": Machine(E1000E, ON_ROOT, "", kernel="intel_iommu=off"),
    "no-unit": Machine(E1000E, ON_ROOT, "", unit=()),
    "passthrough": Machine(E1000E, ON_ROOT, bind(ON_ROOT), kernel="intel_iommu=on iommu=pt"),
}
