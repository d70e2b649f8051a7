/* SPDX-License-Identifier: BSD-3-Clause */
/* One walk of second-stage tables: from a table down to the leaf or the fault. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vtd_unit.h"

struct vtd_walker {
	struct vtd_unit *unit;
	struct vtd_memory_cursor *memory; /* where tables were found last */
	struct iommu_walk *trace;	  /* NULL, or where to note the steps */
	uint64_t generation;		  /* with is_filling: read before the walk began */
	uint16_t domain_id;
	bool is_filling; /* notes tables in the paging-structure caches */

	/* in: where to begin; out: where it ended */
	const uint64_t *table;
	uint64_t table_pa; /* kept for the trace only */
	uint64_t entry;	   /* out: the last one read */
	uint32_t rights;   /* in and out: of all entries so far, VTD_PTE_R | VTD_PTE_W */
	uint32_t reads;	   /* out: counts up */
	uint8_t level;
};

/** Notes the entry just read in walker->trace. */
void vtd_walker_trace(struct vtd_walker *walker, unsigned int index);

/** Places a walker at the top of a context's tables; VTD_FAULT_CONTEXT_INVALID: out of memory. */
static inline uint8_t vtd_walker_start(struct vtd_walker *walker, const struct vtd_context *context)
{
	walker->table_pa = context->table_pa;
	walker->table = vtd_memory_near(&walker->unit->memory, walker->memory, context->table_pa,
					VTD_PAGE_SIZE);
	walker->level = context->levels;
	walker->rights = VTD_PTE_RW;
	return walker->table == NULL ? VTD_FAULT_CONTEXT_INVALID : 0;
}

static inline bool vtd_is_leaf(uint64_t entry, unsigned int level)
{
	return level == 1 || (level <= VTD_LEAF_LEVELS && (entry & VTD_PTE_PS) != 0);
}

/** Checks an entry against an access; rights are those down to it. */
static inline uint8_t vtd_check_entry(const struct vtd_unit *unit, uint64_t entry,
				      unsigned int level, uint32_t rights, uint32_t access)
{
	if ((access & ~rights & IOMMU_WRITE) != 0)
		return VTD_FAULT_WRITE;
	if ((access & ~rights & IOMMU_READ) != 0 || rights == 0)
		return VTD_FAULT_READ;
	if ((entry & unit->reserved[level][vtd_is_leaf(entry, level)]) != 0)
		return VTD_FAULT_PTE_RESERVED;
	return 0;
}

static inline uint8_t vtd_walker_descend(struct vtd_walker *walker, uint64_t iova)
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

/**
 * Walks down; 0: walker->entry is a leaf of walker->level. Else the fault reason; the order of
 * the checks at one entry is QEMU's: rights (5, 6), reserved bits (0xC), next table (7).
 * access 0: any right will do, and none is fault 6.
 */
static inline uint8_t vtd_walker_run(struct vtd_walker *walker, uint64_t iova, uint32_t access)
{
	for (;;) {
		unsigned int index = vtd_level_index(iova, walker->level);
		uint8_t reason;

		walker->entry = __atomic_load_n(&walker->table[index], __ATOMIC_ACQUIRE);
		walker->rights &= walker->entry;
		walker->reads++;
		if (walker->trace != NULL)
			vtd_walker_trace(walker, index);
		reason = vtd_check_entry(walker->unit, walker->entry, walker->level, walker->rights,
					 access);
		if (reason != 0 || vtd_is_leaf(walker->entry, walker->level))
			return reason;
		reason = vtd_walker_descend(walker, iova);
		if (reason != 0)
			return reason;
	}
}

static inline uint64_t vtd_walker_page_pa(const struct vtd_walker *walker)
{
	return walker->entry & VTD_PTE_ADDRESS;
}

static inline uint64_t vtd_walker_page_size(const struct vtd_walker *walker)
{
	return UINT64_C(1) << vtd_level_shift(walker->level);
}
