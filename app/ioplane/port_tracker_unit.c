/* SPDX-License-Identifier: BSD-3-Clause */
/* Trackers of IOMMU units and of the domains behind them. */
#include "port_tracker_unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host_pci.h"
#include "options.h"
#include "port_tracker_ranges.h"
#include "tracker_profile.h"

static LIST_HEAD(, tracked_unit) units = LIST_HEAD_INITIALIZER(units);
static LIST_HEAD(, tracked_domain) domains = LIST_HEAD_INITIALIZER(domains);

struct tracked_unit *tracked_unit_next(const struct tracked_unit *prev)
{
	return prev == NULL ? LIST_FIRST(&units) : LIST_NEXT(prev, link);
}

/* --- units ----------------------------------------------------------------------------------- */

/* VFIO's containers are no IOTLBs: devices share that of the unit that sysfs names. */
static void name_unit(const struct port *port, char *name)
{
	const struct iommu_unit *unit = iommu_domain_unit(port->domain);
	struct host_pci_device device;

	if (port->kind != PORT_PCI)
		snprintf(name, IOMMU_NAME_SIZE, "%s%u", iommu_unit_backend(unit),
			 iommu_unit_id(unit));
	else if (host_pci_read("", port->name, &device) == 0 && device.iommu[0] != '\0')
		snprintf(name, IOMMU_NAME_SIZE, "%s", device.iommu);
	else
		snprintf(name, IOMMU_NAME_SIZE, "%s", port->name);
}

static int read_profile(struct iotlb_geometry *profile, struct base_error *err)
{
	const char *file = options_get()->iotlb_file;

	*profile = iotlb_geometry_default();
	return file == NULL ? 0 : tracker_profile_read(file, profile, err);
}

static int create_unit(const char *name, const struct port *port, struct tracked_unit **out,
		       struct base_error *err)
{
	struct tracked_unit *unit = calloc(1, sizeof(*unit));
	int ret;

	if (unit == NULL)
		return base_error_set(err, -ENOMEM, "out of memory");
	ret = read_profile(&unit->profile, err);
	if (ret != 0)
		goto free_unit;
	ret = tracker_create(&unit->profile, &unit->tracker);
	if (ret != 0) {
		base_error_set(err, ret, "no memory for the tracker of unit %s", name);
		goto free_unit;
	}
	tracker_set_mode(unit->tracker, options_get()->tracker);
	snprintf(unit->name, sizeof(unit->name), "%s", name);
	snprintf(unit->backend, sizeof(unit->backend), "%s",
		 iommu_unit_backend(iommu_domain_unit(port->domain)));
	LIST_INSERT_HEAD(&units, unit, link);
	*out = unit;
	return 0;

free_unit:
	free(unit);
	return ret;
}

static int get_unit(const struct port *port, struct tracked_unit **out, struct base_error *err)
{
	char name[IOMMU_NAME_SIZE];
	struct tracked_unit *unit;

	name_unit(port, name);
	LIST_FOREACH(unit, &units, link)
		if (strcmp(unit->name, name) == 0) {
			*out = unit;
			return 0;
		}
	return create_unit(name, port, out, err);
}

static void free_unused_unit(struct tracked_unit *unit)
{
	if (unit->domain_count > 0)
		return;
	LIST_REMOVE(unit, link);
	tracker_destroy(unit->tracker);
	free(unit);
}

/* --- domains --------------------------------------------------------------------------------- */

static int create_domain(const struct port *port, struct tracked_domain **out,
			 struct base_error *err)
{
	struct tracked_domain *domain = calloc(1, sizeof(*domain));
	int ret;

	if (domain == NULL)
		return base_error_set(err, -ENOMEM, "out of memory");
	domain->domain = port->domain;
	ret = get_unit(port, &domain->unit, err);
	if (ret != 0)
		goto free_domain;
	ret = tracker_ranges_read(domain->domain, &domain->ranges, &domain->range_count);
	if (ret == 0)
		ret = tracker_domain_create(domain->unit->tracker, iommu_domain_id(port->domain),
					    domain->ranges, domain->range_count, &domain->tracked);
	if (ret != 0) {
		base_error_set(err, ret, "the pages of domain %u cannot be tracked: %s",
			       iommu_domain_id(port->domain), strerror(-ret));
		goto free_ranges;
	}
	domain->unit->domain_count++;
	LIST_INSERT_HEAD(&domains, domain, link);
	*out = domain;
	return 0;

free_ranges:
	free(domain->ranges);
	free_unused_unit(domain->unit);
free_domain:
	free(domain);
	return ret;
}

int tracked_domain_get(const struct port *port, struct tracked_domain **out, struct base_error *err)
{
	struct tracked_domain *domain;
	int ret = 0;

	LIST_FOREACH(domain, &domains, link)
		if (domain->domain == port->domain)
			break;
	if (domain == NULL)
		ret = create_domain(port, &domain, err);
	if (ret != 0)
		return ret;
	domain->port_count++;
	*out = domain;
	return 0;
}

void tracked_domain_put(struct tracked_domain *domain)
{
	if (--domain->port_count > 0)
		return;
	LIST_REMOVE(domain, link);
	tracker_domain_destroy(domain->tracked);
	domain->unit->domain_count--;
	free_unused_unit(domain->unit);
	free(domain->ranges);
	free(domain);
}

static int add_range(struct tracked_domain *domain, const struct tracker_range *range)
{
	struct tracker_range *ranges =
		realloc(domain->ranges, (domain->range_count + 1) * sizeof(*ranges));
	int ret;

	if (ranges == NULL)
		return -ENOMEM;
	domain->ranges = ranges;
	ret = tracker_domain_add_range(domain->tracked, range);
	if (ret == 0)
		ranges[domain->range_count++] = *range;
	return ret;
}

/* Adds the parts of [iova, end) that are not known yet. */
static int add_missing(struct tracked_domain *domain, uint64_t iova, uint64_t end, uint8_t shift)
{
	struct tracker_range missing = {.iova = iova, .size = end - iova, .page_shift = shift};
	uint64_t known_end;
	int ret = 0;

	if (iova >= end)
		return 0;
	for (unsigned int i = 0; i < domain->range_count; i++) {
		const struct tracker_range known = domain->ranges[i];

		known_end = known.iova + known.size;
		if (known.iova >= end || known_end <= iova)
			continue;
		if (known.page_shift != shift)
			return -EEXIST;
		ret = add_missing(domain, iova, known.iova, shift);
		return ret != 0 ? ret : add_missing(domain, known_end, end, shift);
	}
	return add_range(domain, &missing);
}

int tracked_domain_update(struct tracked_domain *domain)
{
	struct tracker_range *now = NULL;
	unsigned int count = 0;
	int ret = tracker_ranges_read(domain->domain, &now, &count);

	for (unsigned int i = 0; ret == 0 && i < count; i++)
		ret = add_missing(domain, now[i].iova, now[i].iova + now[i].size,
				  now[i].page_shift);
	free(now);
	return ret;
}
