/* SPDX-License-Identifier: BSD-3-Clause */
/* Paging-structure caches: where the table below a non-leaf entry is (VT-d spec., 6.2.6). */
#pragma once

#include <stdint.h>

#include <rte_spinlock.h>

#include "vtd_entry.h"

/* One direct-mapped cache for each level whose entries can lead to a table: 2 to 5. */
#define VTD_PSC_LEVELS (VTD_LEVELS_MAX - 1)

struct vtd_psc {
	struct vtd_entry *entry; /* level after level; NULL: no caches */
	uint32_t entries;	 /* for each level */
	const uint64_t *generation;
	rte_spinlock_t lock;
	uint64_t order;
};

int vtd_psc_init(struct vtd_psc *psc, uint32_t entries, const uint64_t *generation);
void vtd_psc_fini(struct vtd_psc *psc);

/** Notes what an entry of `level` led to, as data of struct vtd_entry. Any thread. */
void vtd_psc_fill(struct vtd_psc *psc, uint16_t domain_id, uint64_t iova, unsigned int level,
		  uint64_t data, uint64_t generation);

/** As the invalidations of vtd_iotlb.h. */
void vtd_psc_invalidate_range(struct vtd_psc *psc, uint16_t domain_id, uint64_t first,
			      uint64_t last);
void vtd_psc_invalidate_domain(struct vtd_psc *psc, uint16_t domain_id);
void vtd_psc_invalidate_all(struct vtd_psc *psc);

static inline struct vtd_entry *vtd_psc_slot(const struct vtd_psc *psc, uint16_t domain_id,
					     uint64_t iova, unsigned int level)
{
	uint64_t block = (iova >> vtd_level_shift(level)) + domain_id;

	return &psc->entry[(level - 2) * psc->entries + (block & (psc->entries - 1))];
}

static inline uint64_t vtd_psc_tag(uint16_t domain_id, uint64_t iova, unsigned int level)
{
	return iova >> vtd_level_shift(level) << vtd_level_shift(level) | vtd_tag_key(domain_id, 0);
}

/** Level of the table that a walk can begin at and its data, or `levels` when all have missed. */
static inline unsigned int vtd_psc_lookup(const struct vtd_psc *psc, uint16_t domain_id,
					  uint64_t iova, unsigned int levels, uint64_t *data)
{
	if (psc->entry == NULL)
		return levels;
	for (unsigned int level = 2; level <= levels; level++) {
		if (vtd_entry_read(vtd_psc_slot(psc, domain_id, iova, level),
				   vtd_psc_tag(domain_id, iova, level), data))
			return level - 1;
	}
	return levels;
}
