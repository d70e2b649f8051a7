/* SPDX-License-Identifier: BSD-3-Clause */
/* IOMMU units and domains for devices: made with their first user, gone with their last. */
#include "port_unit.h"

#include <errno.h>
#include <string.h>

#include "dma.h"
#include "options.h"
#include "port.h"

/* PCI's shape, so that walks through the context tables look like real ones: bus 1, function 0. */
#define FIRST_BUS	1
#define DEVICES_PER_BUS 32
#define DEVICES_MAX	1024
#define UNITS_MAX	RTE_MAX_ETHPORTS

static uint16_t free_source_id(unsigned int n)
{
	return (uint16_t)((FIRST_BUS + n / DEVICES_PER_BUS) << 8 | (n % DEVICES_PER_BUS) << 3);
}

/* The plan is one for all units: what one of them cannot map, nobody gets. */
static int plan_around(const struct iommu_unit *unit, struct base_error *err)
{
	int ret = dma_space_add_unit(port_space(), unit);

	if (ret != 0)
		base_error_set(err, ret,
			       "what the IOMMU of unit %s cannot map cannot be kept out of the "
			       "IOVA plan: %s",
			       iommu_unit_backend(unit), strerror(-ret));
	return ret;
}

static int create_unit(const struct port_place *place, struct iommu_unit **out,
		       struct base_error *err)
{
	unsigned int id = 0;
	struct iommu_unit *unit;
	int ret;

	if (place->unit != PORT_UNIT_OWN)
		id = (unsigned int)place->unit;
	else
		while (iommu_unit_find(place->ops, id) != NULL)
			id++;
	ret = iommu_unit_create(place->ops, id, place->config, &unit, err);
	if (ret != 0)
		return ret;
	ret = plan_around(unit, err);
	if (ret != 0) {
		iommu_unit_destroy(unit);
		return ret;
	}
	*out = unit;
	return 0;
}

static struct iommu_domain *domain_of_unit(const struct iommu_unit *unit)
{
	struct iommu_domain *domain = NULL;

	while ((domain = iommu_domain_next(domain)) != NULL)
		if (iommu_domain_unit(domain) == unit)
			return domain;
	return NULL;
}

static struct iommu_domain *find_shared(const struct port_place *place)
{
	unsigned int first = place->unit == PORT_UNIT_OWN ? 0 : (unsigned int)place->unit;
	unsigned int last = place->unit == PORT_UNIT_OWN ? UNITS_MAX : first;

	for (unsigned int id = first; id <= last; id++) {
		const struct iommu_unit *unit = iommu_unit_find(place->ops, id);
		struct iommu_domain *domain = unit == NULL ? NULL : domain_of_unit(unit);

		if (domain != NULL)
			return domain;
	}
	return NULL;
}

static int check_levels(const struct iommu_domain *domain, uint8_t levels, struct base_error *err)
{
	unsigned int present = (iommu_domain_addr_bits(domain) - 12u) / 9;

	if (levels == 0 || levels == present)
		return 0;
	return base_error_set(err, -EINVAL,
			      "levels=%u: domain %u is shared and has %u levels: give its devices "
			      "the same",
			      levels, iommu_domain_id(domain), present);
}

static int find_domain(const struct port_place *place, struct iommu_domain **out,
		       struct base_error *err)
{
	struct iommu_domain_config config = {.levels = place->levels};
	struct iommu_unit *unit = NULL;
	int ret;

	if (options_get()->shares_domain || place->is_shared) {
		*out = find_shared(place);
		if (*out != NULL)
			return check_levels(*out, place->levels, err);
	}
	if (place->unit != PORT_UNIT_OWN)
		unit = iommu_unit_find(place->ops, (unsigned int)place->unit);
	if (unit == NULL) {
		ret = create_unit(place, &unit, err);
		if (ret != 0)
			return ret;
	}
	ret = iommu_domain_create(unit, &config, out, err);
	if (ret != 0)
		iommu_unit_destroy(unit);
	return ret;
}

static void release(struct iommu_domain *domain)
{
	struct iommu_unit *unit = iommu_domain_unit(domain);

	/* both refuse while they are in use, which is what we want */
	if (iommu_domain_destroy(domain) == 0)
		iommu_unit_destroy(unit);
}

static int attach(struct port *port, int source_id, struct base_error *err)
{
	int ret = -EBUSY;

	if (source_id != PORT_SOURCE_ID_FREE)
		return iommu_attach(port->domain, port->name, (uint16_t)source_id, &port->device,
				    err);
	for (unsigned int n = 0; ret == -EBUSY && n < DEVICES_MAX; n++)
		ret = iommu_attach(port->domain, port->name, free_source_id(n), &port->device,
				   NULL);
	return ret;
}

int port_unit_attach(struct port *port, int source_id, struct base_error *err)
{
	int ret = attach(port, source_id, err);

	if (ret != 0)
		return base_error_set(err, ret, "attaching %s to domain %u failed: %s", port->name,
				      iommu_domain_id(port->domain),
				      ret == -EEXIST ? "it is attached already" : strerror(-ret));
	/* a container knows less addresses with each group in it */
	ret = plan_around(iommu_domain_unit(port->domain), err);
	if (ret != 0) {
		iommu_detach(port->device);
		port->device = NULL;
	}
	return ret;
}

int port_unit_enter(const struct port_place *place, struct port *port, int source_id,
		    struct base_error *err)
{
	int ret = find_domain(place, &port->domain, err);

	if (ret != 0)
		return ret;
	ret = port_unit_attach(port, source_id, err);
	if (ret != 0) {
		release(port->domain);
		port->domain = NULL;
	}
	return ret;
}

void port_unit_leave(struct port *port)
{
	if (port->device != NULL)
		iommu_detach(port->device);
	if (port->domain != NULL)
		release(port->domain);
	port->device = NULL;
	port->domain = NULL;
}
