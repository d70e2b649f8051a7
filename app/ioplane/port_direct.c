/* SPDX-License-Identifier: BSD-3-Clause */
/* PCI devices that no IOMMU stands before: what EAL must be told of them, and what they are told.
 */
#include "port_direct.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_eal.h>

#include "direct.h"
#include "host_file.h"
#include "host_pci.h"

#define NOIOMMU_MODE "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode"

static int read_device(const char *devargs, struct host_pci_device *device)
{
	char name[HOST_NAME_SIZE], address[HOST_NAME_SIZE];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(devargs, ","), devargs);
	if (host_pci_address(name, address) != 0)
		return -EINVAL;
	return host_pci_read("", address, device);
}

static bool is_uio(const struct host_pci_device *device)
{
	return strcmp(device->driver, "uio_pci_generic") == 0 ||
	       strcmp(device->driver, "igb_uio") == 0;
}

bool port_direct_is_unprotected(const char *devargs)
{
	static struct host_group group; /* too large for a stack; main lcore only */
	struct host_pci_device device;

	if (read_device(devargs, &device) != 0)
		return false;
	return is_uio(&device) ||
	       (device.group >= 0 && host_group_read("", device.group, &group) == 0 &&
		group.is_noiommu);
}

/*
 * With VFIO's mode for devices without an IOMMU switched on, DPDK takes every device of vfio-pci
 * for one (drivers/bus/pci/linux/pci.c, pci_device_iova_mode()).
 */
bool port_direct_wants_physical(const char *devargs, char *why, size_t size)
{
	struct host_pci_device device;
	char mode[8];

	if (read_device(devargs, &device) != 0)
		return false;
	if (is_uio(&device)) {
		snprintf(why, size, "%s is bound to %s", device.address, device.driver);
		return true;
	}
	if (strcmp(device.driver, "vfio-pci") != 0 ||
	    host_read_line("", NOIOMMU_MODE, mode, sizeof(mode)) != 0 || mode[0] != 'Y')
		return false;
	snprintf(why, size, "%s is bound to vfio-pci and VFIO's no-IOMMU mode is on",
		 device.address);
	return true;
}

void port_direct_place(struct port_place *place)
{
	*place = (struct port_place){.ops = &direct_hardware_ops, .unit = 0, .is_shared = true};
}

int port_direct_check(const char *devargs, struct base_error *err)
{
	char why[128];

	if (rte_eal_iova_mode() == RTE_IOVA_PA ||
	    !port_direct_wants_physical(devargs, why, sizeof(why)))
		return 0;
	return base_error_set(
		err, -ENOTSUP,
		"%s, so DPDK takes it with physical addresses only, which are settled "
		"at the start: start ioplane with --iova-mode=pa",
		why);
}
