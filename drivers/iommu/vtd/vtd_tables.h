/* SPDX-License-Identifier: BSD-3-Clause */
/* The second-stage tables of a domain: map and unmap (VT-d specification, 3.7 and 9.8). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "iommu.h"
#include "vtd_format.h"
#include "vtd_pages.h"

/* All but the tables themselves is used under the domain's lock. */
struct vtd_tables {
	uint64_t *top;
	uint8_t levels;
	struct vtd_pages *pages;
	void *spare; /* pages taken in advance, so that a map that began cannot fail */
	uint32_t spare_count;
	uint32_t unsynced;	/* pages taken out, which walk caches may still lead to */
	uint64_t cursor_region; /* iova >> 21 of the level 1 table used last */
	uint64_t *cursor;	/* that table, or NULL */
	struct iommu_domain_usage *usage;
};

int vtd_tables_init(struct vtd_tables *tables, struct vtd_pages *pages, uint8_t levels,
		    struct iommu_domain_usage *usage);

/** Everything has been unmapped and freed. */
void vtd_tables_fini(struct vtd_tables *tables);

/**
 * Maps to physically contiguous memory; -ENOMEM, and nothing is changed.
 * is_stale: a walk cache may lead past the new entries and is to be invalidated.
 */
int vtd_tables_map(struct vtd_tables *tables, const struct iommu_mapping *mapping, uint64_t pa,
		   bool *is_stale);
void vtd_tables_unmap(struct vtd_tables *tables, uint64_t iova, uint64_t size,
		      struct iommu_gather *gather);
void vtd_tables_free(struct vtd_tables *tables, void *freelist);
