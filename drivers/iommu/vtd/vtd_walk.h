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

/** Places a walker at the top of a context's tables; VTD_FAULT_CONTEXT_INVALID: out of memory. */
uint8_t vtd_walker_start(struct vtd_walker *walker, const struct vtd_context *context);

/**
 * Walks down; 0: walker->entry is a leaf of walker->level. Else the fault reason; the order of
 * the checks at one entry is QEMU's: rights (5, 6), reserved bits (0xC), next table (7).
 * access 0: any right will do, and none is fault 6.
 */
uint8_t vtd_walker_run(struct vtd_walker *walker, uint64_t iova, uint32_t access);

static inline uint64_t vtd_walker_page_pa(const struct vtd_walker *walker)
{
	return walker->entry & VTD_PTE_ADDRESS;
}

static inline uint64_t vtd_walker_page_size(const struct vtd_walker *walker)
{
	return UINT64_C(1) << vtd_level_shift(walker->level);
}
