/* SPDX-License-Identifier: BSD-3-Clause */
/* A port's device: its unit and domain before it is plugged, and the plugging itself. */
#include "port_device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_kvargs.h>
#include <rte_log.h>

#include "options.h"
#include "options_table.h"
#include "port_memory.h"
#include "port_unit.h"

#define DMANIC_PREFIX "net_dmanic"
#define UNIT_MAX      15

/* Devices behind a software IOMMU; all others are ports without a domain. */
static bool has_domain(const struct port *port)
{
	return strncmp(port->name, DMANIC_PREFIX, strlen(DMANIC_PREFIX)) == 0;
}

static const char *arguments_of(const struct port *port)
{
	const char *comma = strchr(port->devargs, ',');

	return comma == NULL ? "" : comma + 1;
}

static int read_number(const char *key __rte_unused, const char *value, void *to)
{
	return value == NULL ? -EINVAL : option_number(value, 0, UNIT_MAX, to);
}

static int read_place(const struct port *port, uint64_t *unit, uint64_t *levels,
		      struct base_error *err)
{
	struct rte_kvargs *arguments = rte_kvargs_parse(arguments_of(port), NULL);
	int ret;

	if (arguments == NULL)
		return base_error_set(err, -EINVAL, "%s: arguments are key=value,key=value",
				      port->devargs);
	ret = rte_kvargs_process(arguments, "unit", read_number, unit);
	if (ret == 0)
		ret = rte_kvargs_process(arguments, "levels", read_number, levels);
	rte_kvargs_free(arguments);
	if (ret != 0)
		return base_error_set(err, -EINVAL,
				      "%s: unit is a number from 0 to %u, levels is 3, 4 or 5",
				      port->devargs, UNIT_MAX);
	return 0;
}

int port_device_attach(struct port *port, struct base_error *err)
{
	struct iommu_domain *domain;
	uint64_t unit = 0, levels = 0;
	int ret;

	if (!has_domain(port))
		return 0;
	ret = read_place(port, &unit, &levels, err);
	if (ret != 0)
		return ret;
	ret = port_unit_domain((unsigned int)unit, (uint8_t)levels, &domain, err);
	if (ret != 0)
		return ret;
	ret = port_unit_attach(domain, port->name, &port->device, err);
	if (ret != 0)
		goto release_domain;
	ret = port_memory_create(port, err);
	if (ret != 0)
		goto detach;
	return 0;

detach:
	iommu_detach(port->device);
	port->device = NULL;
release_domain:
	port_unit_release(domain);
	return ret;
}

void port_device_detach(struct port *port)
{
	struct iommu_domain *domain;

	if (port->device == NULL)
		return;
	domain = iommu_device_domain(port->device);
	iommu_detach(port->device);
	port->device = NULL;
	port_unit_release(domain);
}

/* What ioplane adds to the user's arguments (design 3.11), unless they say it themselves. */
static int complete_arguments(const struct port *port, char *text, size_t size,
			      struct base_error *err)
{
	const char *arguments = arguments_of(port);
	int length;

	if (has_domain(port) && strstr(arguments, "eal-memory=") != NULL)
		return base_error_set(err, -EINVAL,
				      "%s: ioplane maps the memory of its ports itself; leave "
				      "eal-memory out",
				      port->devargs);
	length = snprintf(text, size, "%s%s%s", arguments,
			  has_domain(port) && arguments[0] != '\0' ? "," : "",
			  has_domain(port) ? "eal-memory=no" : "");
	if ((size_t)length >= size)
		return base_error_set(err, -EINVAL, "%s: too long", port->devargs);
	return 0;
}

/* EAL adds lines of its own to what the driver says and what we say. */
static int plug_quietly(const char *name, const char *arguments)
{
	int level = rte_log_get_level(RTE_LOGTYPE_EAL);
	int ret;

	if (level == RTE_LOG_ERR)
		rte_log_set_level(RTE_LOGTYPE_EAL, RTE_LOG_CRIT);
	ret = rte_eal_hotplug_add("vdev", name, arguments);
	if (level == RTE_LOG_ERR)
		rte_log_set_level(RTE_LOGTYPE_EAL, RTE_LOG_ERR);
	return ret;
}

int port_device_plug(struct port *port, uint16_t *id, struct base_error *err)
{
	char arguments[sizeof(port->devargs) + 64];
	int ret = complete_arguments(port, arguments, sizeof(arguments), err);

	if (ret != 0)
		return ret;
	ret = plug_quietly(port->name, arguments);
	if (ret == -EFAULT)
		return base_error_set(err, -ENODEV,
				      "device %s: DPDK has no driver of that name; ioplane's is "
				      "net_dmanic<number>",
				      port->name);
	if (ret != 0)
		return base_error_set(err, ret,
				      "device %s cannot be plugged (%s): check its arguments "
				      "\"%s\" and what the driver says above",
				      port->name, strerror(-ret), arguments_of(port));
	if (rte_eth_dev_get_port_by_name(port->name, id) != 0) {
		rte_eal_hotplug_remove("vdev", port->name);
		return base_error_set(err, -ENODEV, "device %s is not an ethernet device",
				      port->name);
	}
	return 0;
}

int port_device_unplug(struct port *port, struct base_error *err)
{
	int ret = rte_eal_hotplug_remove("vdev", port->name);

	if (ret != 0)
		return base_error_set(err, ret, "device %s cannot be unplugged: %s", port->name,
				      strerror(-ret));
	return 0;
}
