/* SPDX-License-Identifier: BSD-3-Clause */
/* PCI devices as sysfs tells them. */
#include "host_pci.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host_file.h"
#include "host_private.h"

#define PCI_DEVICES "/sys/bus/pci/devices"

int host_pci_address(const char *text, char address[HOST_NAME_SIZE])
{
	unsigned int domain = 0, bus, slot, function;
	int used = -1;

	for (const char *c = text; *c != '\0'; c++)
		if (!isxdigit((unsigned char)*c) && *c != ':' && *c != '.')
			return -EINVAL;
	if (sscanf(text, "%8x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function, &used) != 4 ||
	    text[used] != '\0') {
		domain = 0;
		used = -1;
		if (sscanf(text, "%2x:%2x.%1x%n", &bus, &slot, &function, &used) != 3 ||
		    text[used] != '\0')
			return -EINVAL;
	}
	if (slot > 0x1f || function > 7)
		return -EINVAL;
	snprintf(address, HOST_NAME_SIZE, "%04x:%02x:%02x.%x", domain, bus, slot, function);
	return 0;
}

static uint64_t number_of(const char *root, const char *folder, const char *name)
{
	char path[PATH_MAX];
	uint64_t value;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return host_read_number(root, path, &value) == 0 ? value : 0;
}

static void link_of(const char *root, const char *folder, const char *name, char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (host_read_link(root, path, text, HOST_NAME_SIZE) != 0)
		text[0] = '\0';
}

void host_device_read(const char *root, const char *folder, const char *name,
		      struct host_pci_device *out)
{
	char text[HOST_NAME_SIZE], path[PATH_MAX];

	*out = (struct host_pci_device){.node = -1, .group = -1};
	snprintf(out->address, sizeof(out->address), "%s", name);
	out->vendor = (uint16_t)number_of(root, folder, "vendor");
	out->device = (uint16_t)number_of(root, folder, "device");
	out->class_code = (uint32_t)number_of(root, folder, "class");
	link_of(root, folder, "driver", out->driver);
	link_of(root, folder, "iommu", out->iommu);
	link_of(root, folder, "iommu_group", text);
	if (text[0] != '\0')
		out->group = atoi(text);
	snprintf(path, sizeof(path), "%s/numa_node", folder);
	if (host_read_line(root, path, text, sizeof(text)) == 0 && text[0] != '\0')
		out->node = atoi(text);
}

int host_pci_read(const char *root, const char *address, struct host_pci_device *out)
{
	char canonical[HOST_NAME_SIZE], path[PATH_MAX];
	uint64_t vendor;

	if (host_pci_address(address, canonical) != 0)
		return -EINVAL;
	snprintf(path, sizeof(path), PCI_DEVICES "/%s/vendor", canonical);
	if (host_read_number(root, path, &vendor) != 0)
		return -ENODEV;
	snprintf(path, sizeof(path), PCI_DEVICES "/%s", canonical);
	host_device_read(root, path, canonical, out);
	return 0;
}

int host_pci_root_bus(const char *root, const char *address, char bus[HOST_NAME_SIZE])
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *first;
	ssize_t length;

	if (snprintf(path, sizeof(path), "%s" PCI_DEVICES "/%s", root, address) >= PATH_MAX)
		return -ENAMETOOLONG;
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return -ENODEV;
	target[length] = '\0';
	/* ../../../devices/pci0000:17/0000:17:00.0/0000:18:00.0 */
	first = strstr(target, "/pci");
	if (first == NULL || strcspn(first + 4, "/") >= HOST_NAME_SIZE)
		return -ENODEV;
	snprintf(bus, HOST_NAME_SIZE, "%.*s", (int)strcspn(first + 4, "/"), first + 4);
	return 0;
}

int host_pci_list(const char *root, struct host_pci_device **out, unsigned int *count)
{
	unsigned int found;
	char **names;
	int ret = host_list(root, PCI_DEVICES, &names, &found);

	*count = 0;
	*out = NULL;
	if (ret != 0)
		return ret == -ENOENT ? 0 : ret;
	*out = calloc(found + 1, sizeof(**out));
	for (unsigned int i = 0; *out != NULL && i < found; i++)
		if (host_pci_read(root, names[i], &(*out)[*count]) == 0)
			++*count;
	host_list_free(names, found);
	return *out == NULL ? -ENOMEM : 0;
}

bool host_pci_is_viable(const struct host_pci_device *device)
{
	return device->driver[0] == '\0' || strstr(device->driver, "vfio") != NULL ||
	       strcmp(device->driver, "pci-stub") == 0 || strcmp(device->driver, "pcieport") == 0;
}
