/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters of AMD IOMMUs ("amd_iommu_0"): Linux arch/x86/events/amd/iommu.c. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pmu_family.h"

/* Units have two banks of four counters as a rule; "mis" is the kernel's spelling. */
static const struct pmu_event events[] = {
	{.name = "mem_iommu_tlb_pte_hit", .is_per_requester = true},
	{.name = "mem_iommu_tlb_pte_mis", .is_per_requester = true},
	{.name = "mem_iommu_tlb_pde_hit", .is_per_requester = true},
	{.name = "mem_iommu_tlb_pde_mis", .is_per_requester = true},
	{.name = "mem_trans_total", .is_per_unit = true},
	{.name = "page_tbl_read_tot", .is_per_unit = true},
	{.name = "tlb_inv", .is_per_unit = true},
	{0},
};

static int set_filter(const struct pmu_source *source, const struct pmu_device *device,
		      struct perf_event_attr *attr)
{
	int ret = pmu_source_set(source, "devid", device->requester_id, attr);

	/* bits of the mask are compared, others are not: a mask of 0 would take every device */
	return ret != 0 ? ret : pmu_source_set(source, "devid_mask", UINT16_MAX, attr);
}

static int plan(const char *root, const struct pmu_device *device, struct pmu_list *list,
		struct base_error *err)
{
	struct pmu_request request = {.family = &pmu_amd, .events = events, .device = device};
	int number = pmu_name_number(device->host.iommu, "ivhd");
	struct pmu_source source;
	char name[PMU_NAME_SIZE];
	int ret;

	/* both are the kernel's index of the unit */
	if (number < 0)
		return -ENOENT;
	snprintf(name, sizeof(name), "amd_iommu_%d", number);
	ret = pmu_source_open(root, name, &source);
	if (ret == -ENOENT) {
		base_error_set(err, -ENODEV,
			       "AMD IOMMU %s, which %s is behind, has no PMU %s: its hardware "
			       "does not count, or the firmware keeps its counters off",
			       device->host.iommu, device->host.address, name);
		return -ENOENT;
	}
	if (ret != 0)
		return base_error_set(err, ret, "PMU %s: its type or cpumask makes no sense: %s",
				      name, strerror(-ret));
	request.source = &source;
	if (pmu_source_has_format(&source, "devid") && pmu_source_has_format(&source, "devid_mask"))
		request.filter = set_filter;
	return pmu_request_plan(&request, list, err);
}

/* The TLB has a part for 4 KiB pages (pte) and one for larger ones (pde). */
static void iotlb(const struct pmu_unit *unit, struct pmu_iotlb *out)
{
	out->hits = pmu_sum(pmu_unit_count(unit, "mem_iommu_tlb_pte_hit", &out->is_scaled),
			    pmu_unit_count(unit, "mem_iommu_tlb_pde_hit", &out->is_scaled));
	out->misses = pmu_sum(pmu_unit_count(unit, "mem_iommu_tlb_pte_mis", &out->is_scaled),
			      pmu_unit_count(unit, "mem_iommu_tlb_pde_mis", &out->is_scaled));
	out->lookups = pmu_sum(out->hits, out->misses);
}

/*
 * The kernel's read adds the whole register to the count, which starts at 0 only when the counter
 * starts: a second read of a running counter would count the first part twice
 * (perf_iommu_read(), since Linux 5.13). Stopped, it is added once.
 */
const struct pmu_family pmu_amd = {
	.name = "amd", .stops_to_read = true, .plan = plan, .iotlb = iotlb};
