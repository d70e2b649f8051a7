/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports on PCI devices: their domain before DPDK sees them, and the probe (design 3.2). */
/* rte_dev_iterator: since DPDK 18.05, rte_devargs_reset(): since 21.05 */
#define ALLOW_EXPERIMENTAL_API
#include "port_pci.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dev_driver.h>
#include <ethdev_driver.h>
#include <rte_bus.h>
#include <rte_devargs.h>
#include <rte_eal.h>
#include <rte_kvargs.h>
#include <rte_pci.h>

#include "port_device.h"
#include "port_pci_left.h"
#include "port_direct.h"
#include "port_unit.h"
#include "preflight.h"
#include "type1.h"

#define EAL_MEMORY_KEY "eal-memory"
#define ANY_DEVICE     0

/* Drivers that were seen to work without EAL's memory, and those known to need it. */
static const struct {
	uint16_t vendor, device;
	enum port_eal_memory memory;
	const char *why;
} known[] = {
	{0x8086, 0x100e, PORT_EAL_MEMORY_NO, "auto: 82540EM does no DMA at its probe"},
	{0x8086, 0x100f, PORT_EAL_MEMORY_NO, "auto: 82545EM does no DMA at its probe"},
	{0x8086, 0x10d3, PORT_EAL_MEMORY_NO, "auto: 82574L does no DMA at its probe"},
	{0x8086, 0x10c9, PORT_EAL_MEMORY_NO, "auto: 82576 does no DMA at its probe"},
	{0x8086, 0x10ca, PORT_EAL_MEMORY_NO, "auto: 82576 VF does no DMA at its probe"},
	{0x1af4, ANY_DEVICE, PORT_EAL_MEMORY_HEAP,
	 "auto: virtio makes its rings in the port's heap"},
	{0x15ad, 0x07b0, PORT_EAL_MEMORY_YES, "auto: vmxnet3 shares structures in EAL's memory"},
};

static void choose_eal_memory(struct port *port, const struct host_pci_device *device)
{
	port->eal_memory = PORT_EAL_MEMORY_YES;
	port->eal_memory_why = "auto: this device is not known to do without";
	for (unsigned int i = 0; i < RTE_DIM(known); i++) {
		if (known[i].vendor != device->vendor ||
		    (known[i].device != ANY_DEVICE && known[i].device != device->device))
			continue;
		port->eal_memory = known[i].memory;
		port->eal_memory_why = known[i].why;
		return;
	}
}

/* --- arguments ------------------------------------------------------------------------------- */

static int read_eal_memory(const char *key __rte_unused, const char *value, void *to)
{
	struct port *port = to;

	if (value == NULL)
		return -EINVAL;
	if (strcmp(value, "auto") == 0)
		return 0;
	port->eal_memory_why = "as asked for";
	if (strcmp(value, "yes") == 0)
		port->eal_memory = PORT_EAL_MEMORY_YES;
	else if (strcmp(value, "no") != 0)
		return -EINVAL;
	else if (port->eal_memory != PORT_EAL_MEMORY_HEAP)
		port->eal_memory = PORT_EAL_MEMORY_NO;
	return 0;
}

/* The arguments without ours: EAL and the driver take what they know. */
static int driver_arguments(const struct rte_kvargs *arguments, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	for (unsigned int i = 0; i < arguments->count && length < size; i++) {
		const struct rte_kvargs_pair *pair = &arguments->pairs[i];

		if (strcmp(pair->key, EAL_MEMORY_KEY) == 0)
			continue;
		length += (size_t)snprintf(
			text + length, size - length, "%s%s%s%s", length > 0 ? "," : "", pair->key,
			pair->value != NULL ? "=" : "", pair->value != NULL ? pair->value : "");
	}
	return length < size ? 0 : -EINVAL;
}

static int parse(struct port *port, char *text, size_t size, struct base_error *err)
{
	struct rte_kvargs *arguments = rte_kvargs_parse(port_device_arguments(port), NULL);
	int ret;

	if (arguments == NULL)
		return base_error_set(err, -EINVAL, "%s: arguments are key=value,key=value",
				      port->devargs);
	ret = rte_kvargs_process(arguments, EAL_MEMORY_KEY, read_eal_memory, port);
	if (ret == 0)
		ret = driver_arguments(arguments, text, size);
	rte_kvargs_free(arguments);
	if (ret != 0)
		return base_error_set(err, -EINVAL, "%s: eal-memory is auto, yes or no",
				      port->devargs);
	return 0;
}

/* --- the domain ------------------------------------------------------------------------------ */

static int source_id(const char *address)
{
	struct rte_pci_addr pci;

	rte_pci_addr_parse(address, &pci);
	return pci.bus << 8 | pci.devid << 3 | pci.function;
}

static int check(const struct port *port, struct preflight *preflight, struct base_error *err)
{
	int ret;

	if (!rte_eal_has_pci())
		return base_error_set(err, -ENODEV,
				      "%s: EAL was started with --no-pci: start without it",
				      port->name);
	ret = preflight_check(port->name, preflight, err);
	return ret != 0 ? ret : port_direct_check(port->name, err);
}

int port_pci_attach(struct port *port, struct base_error *err)
{
	struct type1_config config = {.device = port->name};
	struct port_place place = {.ops = &type1_ops, .unit = PORT_UNIT_OWN, .config = &config};
	char arguments[sizeof(port->devargs)];
	struct preflight preflight;
	int ret = check(port, &preflight, err);

	if (ret != 0)
		return ret;
	port->node = preflight.device.node;
	if (preflight.way == PREFLIGHT_DIRECT) {
		port_direct_place(&place);
		port->eal_memory = PORT_EAL_MEMORY_NO;
		port->eal_memory_why = "auto: without an IOMMU it reaches all memory";
	} else {
		choose_eal_memory(port, &preflight.device);
	}
	ret = parse(port, arguments, sizeof(arguments), err);
	if (ret == 0 && preflight.way == PREFLIGHT_DIRECT &&
	    port->eal_memory == PORT_EAL_MEMORY_YES)
		return base_error_set(err, -EINVAL,
				      "%s: nothing is mapped for a device without an IOMMU, it "
				      "reaches all memory: leave eal-memory=yes out",
				      port->name);
	return ret != 0 ? ret : port_unit_enter(&place, port, source_id(port->name), err);
}

int port_pci_attach_anew(struct port *port, struct base_error *err)
{
	int ret = iommu_detach(port->device);

	if (ret != 0)
		return base_error_set(err, ret, "%s does not leave its domain: %s", port->name,
				      strerror(-ret));
	port->device = NULL;
	return port_unit_attach(port, source_id(port->name), err);
}

/* --- the probe ------------------------------------------------------------------------------- */

/* EAL's device of this address; all the way through, or the iterator leaks. */
static struct rte_device *find_device(const char *name)
{
	struct rte_device *device, *found = NULL;
	struct rte_dev_iterator iterator;

	RTE_DEV_FOREACH(device, "bus=pci", &iterator)
		if (strcmp(device->name, name) == 0)
			found = device;
	return found;
}

/* What a probe that failed leaves: an entry that EAL would probe at its next scan. */
static void forget(const char *name)
{
	struct rte_device *device = find_device(name);

	if (device == NULL || device->devargs == NULL)
		return;
	rte_devargs_remove(device->devargs);
	device->devargs = NULL;
}

/* Has EAL find the device, so that it can be changed before the probe. */
static int scan(const char *name)
{
	struct rte_devargs *devargs = calloc(1, sizeof(*devargs));
	int ret;

	if (devargs == NULL)
		return -ENOMEM;
	ret = rte_devargs_parsef(devargs, "pci:%s", name);
	if (ret == 0)
		ret = rte_devargs_insert(&devargs);
	if (ret != 0) {
		rte_devargs_reset(devargs);
		free(devargs);
		return ret;
	}
	ret = rte_bus_scan();
	if (ret == 0 && find_device(name) == NULL)
		ret = -ENODEV;
	if (ret != 0)
		rte_devargs_remove(devargs);
	return ret;
}

static void set_node(const struct port *port, int node)
{
	struct rte_device *device;

	if (port->eal_memory != PORT_EAL_MEMORY_HEAP)
		return;
	device = find_device(port->name);
	if (device != NULL)
		device->numa_node = node;
}

void port_pci_enter_heap(const struct port *port)
{
	set_node(port, port->heap_socket);
}

void port_pci_leave_heap(const struct port *port)
{
	set_node(port, port->node);
}

static int find_ethdev(const struct port *port, uint16_t *id)
{
	uint16_t other;
	int ret = -ENODEV;

	RTE_ETH_FOREACH_DEV(other) {
		if (rte_eth_devices[other].device == NULL ||
		    strcmp(rte_eth_devices[other].device->name, port->name) != 0)
			continue;
		/* it has copied the heap's socket as its node */
		rte_eth_devices[other].data->numa_node = port->node;
		if (ret != 0)
			*id = other;
		ret = 0;
	}
	return ret;
}

static int probe(struct port *port, const char *arguments)
{
	struct port_pci_left before;
	int ret = scan(port->name);

	if (ret != 0)
		return ret;
	port_pci_left_find(&before);
	port_pci_enter_heap(port);
	ret = rte_eal_hotplug_add("pci", port->name, arguments);
	port_pci_leave_heap(port);
	if (ret != 0) {
		port_pci_left_drop(&before);
		forget(port->name);
	}
	return ret;
}

int port_pci_plug(struct port *port, uint16_t *id, struct base_error *err)
{
	char arguments[sizeof(port->devargs)];
	int ret = parse(port, arguments, sizeof(arguments), err);

	if (ret != 0)
		return ret;
	ret = probe(port, arguments);
	if (ret == -ENOTSUP)
		return base_error_set(err, ret,
				      "%s: DPDK has no driver for this device, or its driver is "
				      "not installed; see the list of NICs that DPDK supports",
				      port->name);
	/* -1 is most drivers' only error, and no errno */
	if (ret != 0)
		return base_error_set(err, ret == -1 ? -EIO : ret,
				      "%s cannot be probed%s%s: check its arguments \"%s\" and "
				      "what DPDK says above",
				      port->name, ret == -1 ? "" : ", ",
				      ret == -1 ? "" : strerror(-ret), arguments);
	if (find_ethdev(port, id) == 0)
		return 0;
	rte_eal_hotplug_remove("pci", port->name);
	return base_error_set(err, -ENODEV, "%s is not an ethernet device", port->name);
}

void port_pci_eal_memory_text(const struct port *port, char *text, size_t size)
{
	snprintf(text, size, "%s (%s)", port->eal_memory == PORT_EAL_MEMORY_YES ? "yes" : "no",
		 port->eal_memory_why);
}
