/* SPDX-License-Identifier: BSD-3-Clause */
/* A net_dmanic's place: a unit in software, from the devargs "unit" and "levels". */
#include "port_dmanic.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_kvargs.h>

#include "options.h"
#include "options_table.h"
#include "port_device.h"
#include "port_unit.h"
#include "tracker_profile.h"
#include "vtd.h"

#define UNIT_MAX 15

static int read_number(const char *key __rte_unused, const char *value, void *to)
{
	return value == NULL ? -EINVAL : option_number(value, 0, UNIT_MAX, to);
}

static int read_place(const struct port *port, uint64_t *unit, uint64_t *levels,
		      struct base_error *err)
{
	struct rte_kvargs *arguments = rte_kvargs_parse(port_device_arguments(port), NULL);
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

int port_dmanic_attach(struct port *port, struct base_error *err)
{
	const char *profile = options_get()->iotlb_file;
	struct vtd_config config = {0};
	struct port_place place = {.ops = &vtd_ops, .config = &config};
	uint64_t unit = 0, levels = 0;
	int ret = read_place(port, &unit, &levels, err);

	if (ret != 0)
		return ret;
	if (profile != NULL && iommu_unit_find(&vtd_ops, (unsigned int)unit) == NULL)
		ret = tracker_profile_read(profile, &config.geometry, err);
	if (ret != 0)
		return ret;
	place.unit = (int)unit;
	place.levels = (uint8_t)levels;
	return port_unit_enter(&place, port, PORT_SOURCE_ID_FREE, err);
}

int port_dmanic_arguments(const struct port *port, char *text, size_t size, struct base_error *err)
{
	const char *arguments = port_device_arguments(port);
	int length;

	if (strstr(arguments, "eal-memory=") != NULL)
		return base_error_set(err, -EINVAL,
				      "%s: ioplane maps the memory of its ports itself; leave "
				      "eal-memory out",
				      port->devargs);
	length = snprintf(text, size, "%s%seal-memory=no", arguments,
			  arguments[0] != '\0' ? "," : "");
	if ((size_t)length >= size)
		return base_error_set(err, -EINVAL, "%s: too long", port->devargs);
	return 0;
}
