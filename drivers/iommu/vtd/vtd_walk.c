/* SPDX-License-Identifier: BSD-3-Clause */
/* The walk itself, for translations and for reports alike. */
#include <stdio.h>

#include "vtd_walk.h"

static_assert(VTD_PTE_R == IOMMU_READ && VTD_PTE_W == IOMMU_WRITE, "rights are used as they are");

static void trace_step(struct iommu_walk *trace, const struct vtd_walker *walker,
		       unsigned int index)
{
	snprintf(trace->step[trace->step_count].name, sizeof(trace->step[0].name), "level %u",
		 walker->level);
	trace->step[trace->step_count].index = (uint16_t)index;
	trace->step[trace->step_count].entry_pa = walker->table_pa + index * sizeof(uint64_t);
	trace->step[trace->step_count].entry[0] = walker->entry;
	trace->step[trace->step_count].entry[1] = 0;
	trace->step_count++;
}

uint8_t vtd_walker_start(struct vtd_walker *walker, const struct vtd_context *context)
{
	walker->table_pa = context->table_pa;
	walker->table = vtd_memory_near(&walker->unit->memory, walker->memory, context->table_pa,
					VTD_PAGE_SIZE);
	walker->level = context->levels;
	walker->rights = VTD_PTE_RW;
	return walker->table == NULL ? VTD_FAULT_CONTEXT_INVALID : 0;
}

static inline bool is_leaf(const struct vtd_walker *walker)
{
	return walker->level == 1 ||
	       (walker->level <= VTD_LEAF_LEVELS && (walker->entry & VTD_PTE_PS) != 0);
}

static inline uint8_t check_entry(const struct vtd_walker *walker, uint32_t access)
{
	if ((access & IOMMU_WRITE) != 0 && (walker->rights & VTD_PTE_W) == 0)
		return VTD_FAULT_WRITE;
	if ((access & IOMMU_READ) != 0 && (walker->rights & VTD_PTE_R) == 0)
		return VTD_FAULT_READ;
	if (walker->rights == 0)
		return VTD_FAULT_READ;
	if ((walker->entry & walker->unit->reserved[walker->level][is_leaf(walker)]) != 0)
		return VTD_FAULT_PTE_RESERVED;
	return 0;
}

static uint8_t descend(struct vtd_walker *walker, uint64_t iova)
{
	walker->table_pa = walker->entry & VTD_PTE_ADDRESS;
	walker->table = vtd_memory_near(&walker->unit->memory, walker->memory, walker->table_pa,
					VTD_PAGE_SIZE);
	if (walker->table == NULL)
		return VTD_FAULT_TABLE;
	if (walker->is_filling)
		vtd_psc_fill(&walker->unit->psc, walker->domain_id, iova, walker->level,
			     (uintptr_t)walker->table | walker->rights, walker->generation);
	walker->level--;
	return 0;
}

uint8_t vtd_walker_run(struct vtd_walker *walker, uint64_t iova, uint32_t access)
{
	for (;;) {
		unsigned int index = vtd_level_index(iova, walker->level);
		uint8_t reason;

		walker->entry = __atomic_load_n(&walker->table[index], __ATOMIC_ACQUIRE);
		walker->rights &= walker->entry;
		walker->reads++;
		if (walker->trace != NULL)
			trace_step(walker->trace, walker, index);
		reason = check_entry(walker, access);
		if (reason != 0 || is_leaf(walker))
			return reason;
		reason = descend(walker, iova);
		if (reason != 0)
			return reason;
	}
}
