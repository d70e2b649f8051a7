/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks of the device itself: its address, its class, its driver. */
#include "preflight_checks.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host_file.h"

#define LISTED_MAX 4

static bool is_network(const struct host_pci_device *device)
{
	return device->class_code >> 16 == HOST_CLASS_NETWORK;
}

/* "0000:00:02.0 (e1000e), 0000:00:03.0 (no driver)": what the user may have meant. */
static void list_network(const char *root, char *text, size_t size)
{
	struct host_pci_device *devices;
	unsigned int count = 0, shown = 0, more = 0;
	size_t used = 0;

	snprintf(text, size, "there are none");
	if (host_pci_list(root, &devices, &count) != 0)
		return;
	for (unsigned int i = 0; i < count; i++) {
		const struct host_pci_device *device = &devices[i];

		if (!is_network(device))
			continue;
		if (shown == LISTED_MAX) {
			more++;
			continue;
		}
		used += (size_t)snprintf(text + used, size - used, "%s%s (%s)",
					 shown++ == 0 ? "" : ", ", device->address,
					 device->driver[0] == '\0' ? "no driver" : device->driver);
	}
	if (more != 0)
		snprintf(text + used, size - used, " and %u more", more);
	free(devices);
}

int preflight_find_device(const struct preflight_subject *subject, struct base_error *err)
{
	struct host_pci_device *device = &subject->out->device;
	char others[256];
	int ret = host_pci_read(subject->root, subject->text, device);

	if (ret == 0 && is_network(device))
		return 0;
	list_network(subject->root, others, sizeof(others));
	if (ret == -EINVAL)
		return base_error_set(err, ret,
				      "%s is no PCI address: write domain:bus:slot.function, as in "
				      "0000:03:00.0; network devices here: %s",
				      subject->text, others);
	if (ret != 0)
		return base_error_set(err, ret,
				      "there is no PCI device %s; network devices here: %s",
				      subject->text, others);
	return base_error_set(err, -ENOTSUP,
			      "%s is no network device (class 0x%06x); network devices here: %s",
			      device->address, device->class_code, others);
}

/* Puts " (eth0)" into text when the folder is one of interfaces that has some. */
static bool find_interface(const struct preflight_subject *subject, const char *folder, char *text,
			   size_t size)
{
	unsigned int count;
	char **names;

	if (host_list(subject->root, folder, &names, &count) != 0)
		return false;
	if (count != 0)
		snprintf(text, size, " (%s)", names[0]);
	host_list_free(names, count);
	return true;
}

/* " (eth0)": the interface that the kernel's driver has made of it, or "". */
static void interface_of(const struct preflight_subject *subject, char *text, size_t size)
{
	const char *address = subject->out->device.address;
	char path[PATH_MAX];
	unsigned int count;
	char **names;

	text[0] = '\0';
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/net", address);
	if (find_interface(subject, path, text, size))
		return;
	/* virtio has a bus of its own in between: .../virtio0/net/eth0 */
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", address);
	if (host_list(subject->root, path, &names, &count) != 0)
		return;
	for (unsigned int i = 0; i < count; i++) {
		if (strncmp(names[i], "virtio", strlen("virtio")) != 0)
			continue;
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s/net", address, names[i]);
		find_interface(subject, path, text, size);
	}
	host_list_free(names, count);
}

/* Their DPDK drivers go through the kernel's (RDMA verbs): there is no VFIO to have a domain of. */
static bool is_bifurcated(const char *driver)
{
	return strcmp(driver, "mlx5_core") == 0 || strcmp(driver, "mlx4_core") == 0 ||
	       strcmp(driver, "mana") == 0;
}

bool preflight_is_uio(const struct host_pci_device *device)
{
	return strcmp(device->driver, "uio_pci_generic") == 0 ||
	       strcmp(device->driver, "igb_uio") == 0;
}

/* UIO knows no IOMMU: only where nothing translates does the device reach what it is told to. */
static int check_uio(const struct preflight_subject *subject, struct base_error *err)
{
	const struct host_pci_device *device = &subject->out->device;
	const struct host_group *group = &subject->out->group;

	subject->out->way = PREFLIGHT_DIRECT;
	if (group->number < 0 || strcmp(group->type, "identity") == 0)
		return 0;
	return base_error_set(
		err, -ENOTSUP,
		"%s is bound to %s, and its IOMMU group %d is translated (%s): no DMA "
		"of its would arrive; bind it to VFIO: config/host/bind %s",
		device->address, device->driver, group->number, group->type, device->address);
}

int preflight_check_driver(const struct preflight_subject *subject, struct base_error *err)
{
	const struct host_pci_device *device = &subject->out->device;
	char interface[64];

	if (strcmp(device->driver, "vfio-pci") == 0)
		return 0;
	if (preflight_is_uio(device))
		return check_uio(subject, err);
	if (device->driver[0] == '\0')
		return base_error_set(
			err, -ENODEV,
			"%s is bound to no driver; give it to VFIO: config/host/bind %s",
			device->address, device->address);
	if (is_bifurcated(device->driver))
		return base_error_set(err, -ENOTSUP,
				      "%s is driven through the kernel's %s and not through VFIO: "
				      "ioplane can give it no domain; take another device",
				      device->address, device->driver);
	interface_of(subject, interface, sizeof(interface));
	return base_error_set(err, -EBUSY,
			      "%s is bound to the kernel's %s%s; give it to VFIO: "
			      "config/host/bind %s",
			      device->address, device->driver, interface, device->address);
}
