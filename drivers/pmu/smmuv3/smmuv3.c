/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters of Arm SMMUv3 units ("smmuv3_pmcg_2b442"): Linux drivers/perf/arm_smmuv3_pmu.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host_file.h"
#include "pmu_family.h"
#include "smmuv3_iort.h"

#define PMU_PREFIX  "smmuv3_pmcg_"
#define UNIT_PREFIX "smmu3."
#define PAGE_SHIFT  12

/*
 * Misses first: they are the fewer when read. None per unit beside a filter: many groups have one
 * filter for all of their counters.
 */
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
 * What is planned for. sysfs has no link from a counter group to its unit, nor a stream id: the
 * IORT has both. Without it (a device tree) the groups are those whose registers lie behind the
 * unit's and before the next unit's, and they are counted as a whole.
 */
struct search {
	const char *root;
	struct smmuv3_iort iort; /* table NULL: there is none */
	uint64_t unit, next;	 /* addresses of this unit and of the one after it */
	struct pmu_device device;
	bool has_stream;
};

static uint64_t next_unit(const char *root, uint64_t unit)
{
	uint64_t next = UINT64_MAX, address;
	unsigned int count;
	char **names;

	if (host_list(root, "/sys/class/iommu", &names, &count) != 0)
		return next;
	for (unsigned int i = 0; i < count; i++) {
		if (address_of(names[i], UNIT_PREFIX, &address) && address > unit && address < next)
			next = address;
	}
	host_list_free(names, count);
	return next;
}

static void search_begin(struct search *search, const char *root, const struct pmu_device *device,
			 uint64_t unit)
{
	uint64_t address;

	*search = (struct search){.root = root, .unit = unit, .device = *device};
	search->next = next_unit(root, unit);
	if (smmuv3_iort_read(root, &search->iort) == 0)
		search->has_stream =
			smmuv3_iort_stream(&search->iort, device->segment, device->requester_id,
					   &address, &search->device.stream_id) == 0 &&
			address == unit;
}

/* True for the name of a counter group of the unit. */
static bool is_group(const struct search *search, const char *name)
{
	uint64_t page, address;

	if (!address_of(name, PMU_PREFIX, &page))
		return false;
	page <<= PAGE_SHIFT;
	if (search->iort.table != NULL && smmuv3_iort_unit(&search->iort, page, &address) == 0)
		return address == search->unit;
	return page >= search->unit && page < search->next;
}

static int set_filter(const struct pmu_source *source, const struct pmu_device *device,
		      struct perf_event_attr *attr)
{
	int ret = pmu_source_set(source, "filter_enable", 1, attr);

	/* this stream and no others beside it */
	if (ret == 0)
		ret = pmu_source_set(source, "filter_span", 0, attr);
	return ret != 0 ? ret : pmu_source_set(source, "filter_stream_id", device->stream_id, attr);
}

static int plan_group(const struct search *search, const char *name, struct pmu_list *list,
		      struct base_error *err)
{
	struct pmu_request request = {
		.family = &pmu_smmuv3, .events = events, .device = &search->device};
	struct pmu_source source;
	int ret = pmu_source_open(search->root, name, &source);

	if (ret != 0)
		return base_error_set(err, ret, "PMU %s: its type or cpumask makes no sense: %s",
				      name, strerror(-ret));
	request.source = &source;
	if (search->has_stream && pmu_source_has_format(&source, "filter_enable") &&
	    pmu_source_has_format(&source, "filter_span") &&
	    pmu_source_has_format(&source, "filter_stream_id"))
		request.filter = set_filter;
	return pmu_request_plan(&request, list, err);
}

/* -ENOENT: the unit has no group. */
static int plan_groups(const struct search *search, struct pmu_list *list, struct base_error *err)
{
	int ret, planned = -ENOENT;
	unsigned int count;
	char **names;

	if (host_list(search->root, PMU_SYSFS_DEVICES, &names, &count) != 0)
		return -ENOENT;
	for (unsigned int i = 0; i < count; i++) {
		if (!is_group(search, names[i]))
			continue;
		ret = plan_group(search, names[i], list, err);
		if (planned != 0 && ret != -ENOENT)
			planned = ret;
	}
	host_list_free(names, count);
	return planned;
}

static int plan(const char *root, const struct pmu_device *device, struct pmu_list *list,
		struct base_error *err)
{
	struct search search;
	uint64_t unit;
	int ret;

	if (!address_of(device->host.iommu, UNIT_PREFIX, &unit))
		return -ENOENT;
	search_begin(&search, root, device, unit);
	ret = plan_groups(&search, list, err);
	smmuv3_iort_free(&search.iort);
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
