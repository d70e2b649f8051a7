/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters of Intel VT-d units ("dmar0"): Linux 6.3 and later, drivers/iommu/intel/perfmon.c. */
#include <errno.h>
#include <string.h>

#include "pmu_family.h"

/*
 * Units have 14 counters (drivers/iommu/intel/iommu.h): with these two ports behind a unit are
 * counted all the time. hit comes before lookup, so that it is the smaller when they are read.
 */
static const struct pmu_event events[] = {
	{.name = "iotlb_hit", .is_per_requester = true, .is_per_unit = true},
	{.name = "iotlb_lookup", .is_per_requester = true, .is_per_unit = true},
	{.name = "iommu_requests", .is_per_unit = true},
	{.name = "iommu_mrds", .is_per_unit = true},
	{.name = "pw_occupancy", .is_per_unit = true},
	{.name = "iommu_clocks", .is_per_unit = true},
	{.name = "ss_nonleaf_hit", .is_per_unit = true},
	{.name = "ss_nonleaf_lookup", .is_per_unit = true},
	{.name = "fs_nonleaf_hit", .is_per_unit = true},
	{.name = "fs_nonleaf_lookup", .is_per_unit = true},
	{0},
};

static int set_filter(const struct pmu_source *source, const struct pmu_device *device,
		      struct perf_event_attr *attr)
{
	int ret = pmu_source_set(source, "filter_requester_id_en", 1, attr);

	return ret != 0 ? ret
			: pmu_source_set(source, "filter_requester_id", device->requester_id, attr);
}

static int plan(const char *root, const struct pmu_device *device, struct pmu_list *list,
		struct base_error *err)
{
	struct pmu_request request = {.family = &pmu_dmar, .events = events, .device = device};
	const char *name = device->host.iommu;
	struct pmu_source source;
	int ret;

	/* the kernel gives unit and PMU one name */
	if (pmu_name_number(name, "dmar") < 0)
		return -ENOENT;
	ret = pmu_source_open(root, name, &source);
	if (ret == -ENOENT) {
		base_error_set(err, -ENODEV,
			       "VT-d unit %s, which %s is behind, has no PMU: this takes Linux 6.3 "
			       "with CONFIG_INTEL_IOMMU_PERF_EVENTS and a unit that counts "
			       "(VT-d 4.0)",
			       name, device->host.address);
		return -ENOENT;
	}
	if (ret != 0)
		return base_error_set(err, ret, "PMU %s: its type or cpumask makes no sense: %s",
				      name, strerror(-ret));
	request.source = &source;
	/* the kernel shows a filter only where the unit has it */
	if (pmu_source_has_format(&source, "filter_requester_id_en") &&
	    pmu_source_has_format(&source, "filter_requester_id"))
		request.filter = set_filter;
	return pmu_request_plan(&request, list, err);
}

static void iotlb(const struct pmu_unit *unit, struct pmu_iotlb *out)
{
	out->hits = pmu_unit_count(unit, "iotlb_hit", &out->is_scaled);
	out->lookups = pmu_unit_count(unit, "iotlb_lookup", &out->is_scaled);
	out->misses = pmu_difference(out->lookups, out->hits);
}

const struct pmu_family pmu_dmar = {.name = "dmar", .plan = plan, .iotlb = iotlb};
