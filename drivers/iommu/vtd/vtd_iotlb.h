/* SPDX-License-Identifier: BSD-3-Clause */
/* The IOTLB of a unit: set associative, shared by its devices, read without a lock. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_spinlock.h>

#include "iotlb_geometry.h"
#include "vtd_entry.h"

#define VTD_IOTLB_STRIPES 16
#define VTD_SIZES	  3 /* page sizes, numbered by the level of their leaf - 1 */

/* Guards the sets whose number is the stripe's, modulo VTD_IOTLB_STRIPES. */
struct vtd_iotlb_stripe {
	rte_spinlock_t lock;
	uint64_t order; /* of the last fill: their number; under the lock: write, any: read */
	uint64_t evictions;
	uint64_t dropped;
	uint64_t random;
} __attribute__((aligned(64)));

struct vtd_iotlb {
	struct vtd_entry *entry; /* set after set */
	uint16_t *hint;		 /* where a page was last found; a guess, the entry's tag decides */
	uint32_t hint_mask;
	uint32_t set_mask;
	uint32_t ways;
	bool is_lru;
	uint8_t *sizes; /* for each domain id: page sizes that may have entries, a bit each */
	const uint64_t *generation; /* the unit's count of invalidations */
	struct iotlb_geometry geometry;
	struct vtd_iotlb_stripe stripe[VTD_IOTLB_STRIPES];
};

/* Where a page that was not found would go, as its set was when it was searched. */
struct vtd_iotlb_place {
	uint64_t order; /* of the stripe; UINT64_MAX: its set was not searched */
	struct vtd_entry *victim;
};

/* A translation that a walk found. */
struct vtd_iotlb_fill {
	uint64_t page; /* iova >> vtd_size_shift(size) */
	uint64_t tag;
	uint64_t hint_key;
	uint64_t data; /* as in struct vtd_entry */
	uint64_t stamp;
	uint64_t generation;	       /* read before the walk began */
	struct vtd_iotlb_place *place; /* may be searched again */
	uint16_t domain_id;
	uint8_t size;
};

int vtd_iotlb_init(struct vtd_iotlb *iotlb, const struct iotlb_geometry *geometry,
		   const uint64_t *generation);
void vtd_iotlb_fini(struct vtd_iotlb *iotlb);

/** Puts a translation in, unless an invalidation came since fill->generation. Any thread. */
void vtd_iotlb_fill(struct vtd_iotlb *iotlb, const struct vtd_iotlb_fill *fill);

/*
 * Invalidations: the caller has counted *generation up before; on return no reader finds what
 * they name, and no walk that began before will put it back. Any thread.
 */
void vtd_iotlb_invalidate_range(struct vtd_iotlb *iotlb, uint16_t domain_id, uint64_t first,
				uint64_t last);
void vtd_iotlb_invalidate_domain(struct vtd_iotlb *iotlb, uint16_t domain_id);
void vtd_iotlb_invalidate_all(struct vtd_iotlb *iotlb);

static inline unsigned int vtd_size_shift(unsigned int size)
{
	return vtd_level_shift(size + 1);
}

/** Spreads domains and sizes over the hints; pages of one domain stay neighbours. */
static inline uint64_t vtd_hint_key(uint16_t domain_id, unsigned int size)
{
	return (uint64_t)domain_id * 0x9e5 + size * 0x3b1;
}

static inline struct vtd_entry *vtd_iotlb_set(const struct vtd_iotlb *iotlb, uint64_t page)
{
	return &iotlb->entry[(page & iotlb->set_mask) * iotlb->ways];
}

static inline struct vtd_iotlb_stripe *vtd_iotlb_stripe(struct vtd_iotlb *iotlb, uint64_t page)
{
	return &iotlb->stripe[page & iotlb->set_mask & (VTD_IOTLB_STRIPES - 1)];
}

/**
 * Searches the set of a page, for when the hint was wrong; NULL: it is not in, and place says
 * what would be evicted for it. Any thread, with or without the lock.
 */
struct vtd_entry *vtd_iotlb_search(struct vtd_iotlb *iotlb, uint64_t page, uint64_t tag,
				   uint64_t *data, struct vtd_iotlb_place *place);
