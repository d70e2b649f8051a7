/* SPDX-License-Identifier: BSD-3-Clause */
/* A port's device: its unit and domain before it is plugged, and the plugging itself. */
#include "port_device.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_log.h>

#include "host_pci.h"
#include "port_dmanic.h"
#include "port_eal_memory.h"
#include "port_memory.h"
#include "port_pci.h"
#include "port_policy.h"
#include "port_unit.h"

#define DMANIC_PREFIX "net_dmanic"

/* The name of "name[,args]" when it is a PCI address. */
static int pci_address(const char *devargs, char address[HOST_NAME_SIZE])
{
	char name[HOST_NAME_SIZE];
	size_t length = strcspn(devargs, ",");

	if (length >= sizeof(name))
		return -EINVAL;
	memcpy(name, devargs, length);
	name[length] = '\0';
	return host_pci_address(name, address);
}

enum port_kind port_device_kind(const char *devargs)
{
	char address[HOST_NAME_SIZE];

	if (strncmp(devargs, DMANIC_PREFIX, strlen(DMANIC_PREFIX)) == 0)
		return PORT_DMANIC;
	return pci_address(devargs, address) == 0 ? PORT_PCI : PORT_PLAIN;
}

int port_device_canonical(const char *devargs, char *text, size_t size)
{
	char address[HOST_NAME_SIZE];
	int length;

	if (pci_address(devargs, address) == 0)
		length = snprintf(text, size, "%s%s", address, devargs + strcspn(devargs, ","));
	else
		length = snprintf(text, size, "%s", devargs);
	return (size_t)length < size ? 0 : -EINVAL;
}

const char *port_device_arguments(const struct port *port)
{
	const char *comma = strchr(port->devargs, ',');

	return comma == NULL ? "" : comma + 1;
}

/* --- the domain ------------------------------------------------------------------------------ */

int port_device_attach(struct port *port, struct base_error *err)
{
	int ret;

	if (port->kind == PORT_PLAIN)
		return 0;
	ret = port->kind == PORT_PCI ? port_pci_attach(port, err) : port_dmanic_attach(port, err);
	if (ret != 0)
		return ret;
	port_policy_choose(port);
	ret = port_memory_create(port, err);
	if (ret != 0)
		goto detach;
	if (port->eal_memory == PORT_EAL_MEMORY_YES)
		ret = port_eal_memory_add(port, err);
	if (ret != 0)
		goto destroy_memory;
	return 0;

destroy_memory:
	port_memory_destroy(port);
	port->eal_memory = PORT_EAL_MEMORY_NO;
detach:
	port_device_detach(port);
	return ret;
}

void port_device_detach(struct port *port)
{
	if (port->eal_memory == PORT_EAL_MEMORY_YES)
		port_eal_memory_remove(port);
	port_unit_leave(port);
}

/* --- the plugging ---------------------------------------------------------------------------- */

int port_device_hush_eal(void)
{
	int level = rte_log_get_level(RTE_LOGTYPE_EAL);

	if (level == RTE_LOG_ERR)
		rte_log_set_level(RTE_LOGTYPE_EAL, RTE_LOG_CRIT);
	return level;
}

void port_device_unhush_eal(int level)
{
	rte_log_set_level(RTE_LOGTYPE_EAL, (uint32_t)level);
}

static int plug_vdev(struct port *port, uint16_t *id, struct base_error *err)
{
	char arguments[sizeof(port->devargs) + 64];
	int ret = 0, level;

	if (port->kind == PORT_DMANIC)
		ret = port_dmanic_arguments(port, arguments, sizeof(arguments), err);
	else
		snprintf(arguments, sizeof(arguments), "%s", port_device_arguments(port));
	if (ret != 0)
		return ret;
	level = port_device_hush_eal();
	ret = rte_eal_hotplug_add("vdev", port->name, arguments);
	port_device_unhush_eal(level);
	if (ret == -EFAULT)
		return base_error_set(err, -ENODEV,
				      "device %s: DPDK has no driver of that name; ioplane's is "
				      "net_dmanic<number>",
				      port->name);
	if (ret != 0)
		return base_error_set(err, ret,
				      "device %s cannot be plugged (%s): check its arguments "
				      "\"%s\" and what the driver says above",
				      port->name, strerror(-ret), port_device_arguments(port));
	if (rte_eth_dev_get_port_by_name(port->name, id) != 0) {
		rte_eal_hotplug_remove("vdev", port->name);
		return base_error_set(err, -ENODEV, "device %s is not an ethernet device",
				      port->name);
	}
	return 0;
}

int port_device_plug(struct port *port, uint16_t *id, struct base_error *err)
{
	return port->kind == PORT_PCI ? port_pci_plug(port, id, err) : plug_vdev(port, id, err);
}

int port_device_unplug(struct port *port, struct base_error *err)
{
	int level = port_device_hush_eal();
	int ret = rte_eal_hotplug_remove(port->kind == PORT_PCI ? "pci" : "vdev", port->name);

	port_device_unhush_eal(level);
	if (ret != 0)
		return base_error_set(err, ret, "device %s cannot be unplugged: %s", port->name,
				      strerror(-ret));
	return 0;
}
