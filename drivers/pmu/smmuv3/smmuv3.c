/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters of Arm SMMUv3 units ("smmuv3_pmcg_2b442"): Linux drivers/perf/arm_smmuv3_pmu.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host_file.h"
#include "pmu_family.h"

#define PMU_PREFIX  "smmuv3_pmcg_"
#define UNIT_PREFIX "smmu3."
#define PAGE_SHIFT  12

/* Misses first: they are the fewer when read. */
static const struct pmu_event events[] = {
	{.name = "tlb_miss", .is_per_requester = true},
	{.name = "transaction", .is_per_requester = true},
	{.name = "trans_table_walk_access", .is_per_requester = true},
	{0},
};

/* "smmu3.0x000000002b400000" and "smmuv3_pmcg_2b442" hold an address; false: it is not such. */
static bool address_of(const char *name, const char *prefix, uint64_t *address)
{
	size_t length = strlen(prefix);
	char *end;

	if (strncmp(name, prefix, length) != 0)
		return false;
	errno = 0;
	*address = strtoull(name + length, &end, 16);
	return errno == 0 && end != name + length && *end == '\0';
}

/*
 * Where the unit after this one begins; UINT64_MAX: nowhere. Its counter groups lie behind a
 * unit's registers, before those of the next: sysfs has no link from one to the other.
 */
static uint64_t next_unit(const char *root, uint64_t base)
{
	uint64_t next = UINT64_MAX, address;
	unsigned int count;
	char **names;

	if (host_list(root, "/sys/class/iommu", &names, &count) != 0)
		return next;
	for (unsigned int i = 0; i < count; i++) {
		if (address_of(names[i], UNIT_PREFIX, &address) && address > base && address < next)
			next = address;
	}
	host_list_free(names, count);
	return next;
}

static int plan_group(const char *root, const char *name, const struct pmu_device *device,
		      struct pmu_list *list, struct base_error *err)
{
	struct pmu_request request = {.family = &pmu_smmuv3, .events = events, .device = device};
	struct pmu_source source;
	int ret = pmu_source_open(root, name, &source);

	if (ret != 0)
		return base_error_set(err, ret, "PMU %s: its type or cpumask makes no sense: %s",
				      name, strerror(-ret));
	request.source = &source;
	return pmu_request_plan(&request, list, err);
}

/* All groups between two addresses. -ENOENT: there is none. */
static int plan_groups(const char *root, uint64_t base, uint64_t end,
		       const struct pmu_device *device, struct pmu_list *list,
		       struct base_error *err)
{
	int ret, planned = -ENOENT;
	unsigned int count;
	uint64_t page;
	char **names;

	if (host_list(root, PMU_SYSFS_DEVICES, &names, &count) != 0)
		return -ENOENT;
	for (unsigned int i = 0; i < count; i++) {
		if (!address_of(names[i], PMU_PREFIX, &page) || page << PAGE_SHIFT < base ||
		    page << PAGE_SHIFT >= end)
			continue;
		ret = plan_group(root, names[i], device, list, err);
		if (planned != 0 && ret != -ENOENT)
			planned = ret;
	}
	host_list_free(names, count);
	return planned;
}

static int plan(const char *root, const struct pmu_device *device, struct pmu_list *list,
		struct base_error *err)
{
	uint64_t base;
	int ret;

	if (!address_of(device->host.iommu, UNIT_PREFIX, &base))
		return -ENOENT;
	ret = plan_groups(root, base, next_unit(root, base), device, list, err);
	if (ret == -ENOENT)
		base_error_set(err, -ENODEV,
			       "%s, the SMMU of %s, has no counter group: modprobe "
			       "arm_smmuv3_pmu; where that does not help, its firmware tells of "
			       "none",
			       device->host.iommu, device->host.address);
	return ret;
}

static void iotlb(const struct pmu_unit *unit, struct pmu_iotlb *out)
{
	out->misses = pmu_unit_count(unit, "tlb_miss", &out->is_scaled);
	out->lookups = pmu_unit_count(unit, "transaction", &out->is_scaled);
	out->hits = pmu_difference(out->lookups, out->misses);
}

const struct pmu_family pmu_smmuv3 = {.name = "smmuv3", .plan = plan, .iotlb = iotlb};
