/* SPDX-License-Identifier: BSD-3-Clause */
/* Walks for reports: of one address, step by step, and of all leaves of a domain. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vtd_walk.h"

static struct vtd_context context_of(const struct vtd_domain *domain)
{
	return (struct vtd_context){
		.table_pa = (uintptr_t)domain->tables.top,
		.limit = UINT64_C(1) << vtd_level_shift(domain->tables.levels + 1u),
		.domain_id = domain->id,
		.type = VTD_TT_SECOND_STAGE,
		.levels = domain->tables.levels,
	};
}

int vtd_iova_to_phys(struct iommu_domain *domain, uint64_t iova, uint64_t *pa)
{
	struct vtd_domain *vtd = domain->priv;
	struct vtd_memory_cursor cursor = {0};
	struct vtd_context context = context_of(vtd);
	struct vtd_walker walker = {.unit = vtd->unit, .memory = &cursor};

	if (iova >= context.limit || vtd_walker_start(&walker, &context) != 0 ||
	    vtd_walker_run(&walker, iova, 0) != 0)
		return -ENOENT;
	*pa = vtd_walker_page_pa(&walker) + (iova & (vtd_walker_page_size(&walker) - 1));
	return 0;
}

static void add_step(struct iommu_walk *walk, const char *name, unsigned int index,
		     const struct vtd_context_trace *trace, unsigned int step)
{
	if (trace->reads <= step)
		return;
	snprintf(walk->step[walk->step_count].name, sizeof(walk->step[0].name), "%s", name);
	walk->step[walk->step_count].index = (uint16_t)index;
	walk->step[walk->step_count].entry_pa = trace->entry_pa[step];
	memcpy(walk->step[walk->step_count].entry, trace->entry[step], sizeof(trace->entry[step]));
	walk->step_count++;
}

static uint8_t run(struct vtd_unit *unit, uint16_t source_id, uint64_t iova,
		   struct iommu_walk *walk)
{
	struct vtd_memory_cursor cursor = {0};
	struct vtd_walker walker = {.unit = unit, .memory = &cursor, .trace = walk};
	struct vtd_context_trace trace = {0};
	struct vtd_context context;
	uint8_t reason =
		vtd_context_read(&unit->contexts, &unit->memory, source_id, &context, &trace);

	add_step(walk, "root", source_id >> 8, &trace, 0);
	add_step(walk, "context", source_id & 0xff, &trace, 1);
	if (reason != 0)
		return reason;
	if (context.type == VTD_TT_PASS_THROUGH) {
		walk->prot = IOMMU_READ | IOMMU_WRITE;
		walk->pa = iova;
		walk->page_size = VTD_PAGE_SIZE;
		return vtd_memory_at(&unit->memory, iova, 1) == NULL ? IOMMU_REASON_NO_MEMORY : 0;
	}
	if (iova >= context.limit)
		return VTD_FAULT_BEYOND_MGAW;
	reason = vtd_walker_start(&walker, &context);
	if (reason == 0)
		reason = vtd_walker_run(&walker, iova, 0);
	if (reason != 0)
		return reason;
	walk->prot = walker.rights;
	walk->page_size = vtd_walker_page_size(&walker);
	walk->pa = vtd_walker_page_pa(&walker) + (iova & (walk->page_size - 1));
	return vtd_memory_at(&unit->memory, walk->pa, 1) == NULL ? IOMMU_REASON_NO_MEMORY : 0;
}

int vtd_walk(struct iommu_device *device, uint64_t iova, struct iommu_walk *walk)
{
	memset(walk, 0, sizeof(*walk));
	walk->reason = run(device->domain->unit->priv, device->source_id, iova, walk);
	snprintf(walk->source, sizeof(walk->source), "tables");
	return 0;
}

/* --- all leaves ----------------------------------------------------------------------------- */

struct leaf_walk {
	const struct vtd_unit *unit;
	int (*visit)(const struct iommu_mapping *leaf, void *arg);
	void *arg;
};

static int visit_leaf(const struct leaf_walk *walk, uint64_t iova, uint64_t entry,
		      unsigned int level, uint32_t rights)
{
	struct iommu_mapping leaf = {
		.iova = iova,
		.size = UINT64_C(1) << vtd_level_shift(level),
		.page_size = UINT64_C(1) << vtd_level_shift(level),
		.prot = rights,
	};

	leaf.vaddr = vtd_memory_at(&walk->unit->memory, entry & VTD_PTE_ADDRESS, leaf.size);
	return walk->visit(&leaf, walk->arg);
}

static int visit_table(const struct leaf_walk *walk, const uint64_t *table, uint64_t iova,
		       unsigned int level, uint32_t rights)
{
	int ret = 0;

	for (unsigned int i = 0; i < VTD_TABLE_SIZE && ret == 0; i++) {
		uint64_t entry = __atomic_load_n(&table[i], __ATOMIC_ACQUIRE);
		uint64_t at = iova + ((uint64_t)i << vtd_level_shift(level));
		const uint64_t *below;

		if ((entry & VTD_PTE_RW) == 0)
			continue;
		if (level == 1 || (level <= VTD_LEAF_LEVELS && (entry & VTD_PTE_PS) != 0)) {
			ret = visit_leaf(walk, at, entry, level, rights & (uint32_t)entry);
			continue;
		}
		below = vtd_memory_at(&walk->unit->memory, entry & VTD_PTE_ADDRESS, VTD_PAGE_SIZE);
		if (below != NULL)
			ret = visit_table(walk, below, at, level - 1, rights & (uint32_t)entry);
	}
	return ret;
}

int vtd_for_each_leaf(struct iommu_domain *domain,
		      int (*visit)(const struct iommu_mapping *leaf, void *arg), void *arg)
{
	const struct vtd_domain *vtd = domain->priv;
	const struct leaf_walk walk = {.unit = vtd->unit, .visit = visit, .arg = arg};

	return visit_table(&walk, vtd->tables.top, 0, vtd->tables.levels, VTD_PTE_RW);
}
