/* SPDX-License-Identifier: BSD-3-Clause */
/* IOMMU units and domains for devices: made with their first user, gone with their last. */
#include "port_unit.h"

#include <errno.h>

#include "dma.h"
#include "options.h"
#include "port.h"
#include "vtd.h"

/* PCI's shape, so that walks through the context tables look like real ones: bus 1, function 0. */
#define FIRST_BUS	1
#define DEVICES_PER_BUS 32
#define DEVICES_MAX	1024

static uint16_t source_id(unsigned int n)
{
	return (uint16_t)((FIRST_BUS + n / DEVICES_PER_BUS) << 8 | (n % DEVICES_PER_BUS) << 3);
}

static int create_unit(unsigned int id, struct iommu_unit **out, struct base_error *err)
{
	const char *profile = options_get()->iotlb_file;
	struct vtd_config config = {0};
	struct iommu_unit *unit;
	int ret = profile == NULL ? 0 : vtd_profile_load(profile, &config, err);

	if (ret == 0)
		ret = iommu_unit_create(&vtd_ops, id, &config, &unit, err);
	if (ret != 0)
		return ret;
	ret = dma_space_add_unit(port_space(), unit);
	if (ret != 0) {
		iommu_unit_destroy(unit);
		return base_error_set(err, ret,
				      "unit %u reserves addresses that are in use already: give "
				      "its device before others",
				      id);
	}
	*out = unit;
	return 0;
}

static struct iommu_domain *find_domain(const struct iommu_unit *unit)
{
	struct iommu_domain *domain = NULL;

	while ((domain = iommu_domain_next(domain)) != NULL)
		if (iommu_domain_unit(domain) == unit)
			return domain;
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

int port_unit_domain(unsigned int id, uint8_t levels, struct iommu_domain **out,
		     struct base_error *err)
{
	struct iommu_domain_config config = {.levels = levels};
	struct iommu_unit *unit = iommu_unit_find(&vtd_ops, id);
	int ret;

	if (unit == NULL) {
		ret = create_unit(id, &unit, err);
		if (ret != 0)
			return ret;
	}
	if (options_get()->shares_domain) {
		*out = find_domain(unit);
		if (*out != NULL)
			return check_levels(*out, levels, err);
	}
	ret = iommu_domain_create(unit, &config, out, err);
	if (ret != 0)
		iommu_unit_destroy(unit);
	return ret;
}

void port_unit_release(struct iommu_domain *domain)
{
	struct iommu_unit *unit = iommu_domain_unit(domain);

	/* both refuse while they are in use, which is what we want */
	if (iommu_domain_destroy(domain) == 0)
		iommu_unit_destroy(unit);
}

int port_unit_attach(struct iommu_domain *domain, const char *name, struct iommu_device **out,
		     struct base_error *err)
{
	int ret = -EBUSY;

	for (unsigned int n = 0; ret == -EBUSY && n < DEVICES_MAX; n++)
		ret = iommu_attach(domain, name, source_id(n), out, NULL);
	if (ret != 0)
		base_error_set(err, ret, "attaching %s to domain %u failed: %s", name,
			       iommu_domain_id(domain),
			       ret == -EEXIST ? "it is attached already" : strerror(-ret));
	return ret;
}
