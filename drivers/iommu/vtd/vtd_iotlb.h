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
	bool is_plain;	/* what is evicted is what is oldest */
	uint8_t *sizes; /* for each domain id: page sizes that may have entries, a bit each */
	const uint64_t *generation; /* the unit's count of invalidations */
	struct iotlb_geometry geometry;
	struct vtd_iotlb_stripe stripe[VTD_IOTLB_STRIPES];
};

/* The pages of one size of a domain, ready to be looked up. */
struct vtd_view {
	uint64_t key;	   /* vtd_tag_key() */
	uint64_t hint_key; /* spreads domains and sizes over the hints */
	uint32_t shift;
	uint16_t domain_id;
	uint8_t size;
};

/* A page that was looked up: where it stands or would go, as its set was at that moment. */
struct vtd_probe {
	uint64_t tag;
	uint16_t *hint;
	struct vtd_entry *set;
	struct vtd_iotlb_stripe *stripe;
	uint64_t order;		 /* of the stripe */
	struct vtd_entry *place; /* the page's entry, or the one to evict for it */
};

int vtd_iotlb_init(struct vtd_iotlb *iotlb, const struct iotlb_geometry *geometry,
		   const uint64_t *generation);
void vtd_iotlb_fini(struct vtd_iotlb *iotlb);

/**
 * Searches the set of a page, for when its hint was wrong: its entry and data, or NULL, with the
 * probe that a fill needs. Any thread, with or without the stripe's lock.
 */
struct vtd_entry *vtd_iotlb_probe(struct vtd_iotlb *iotlb, const struct vtd_view *view,
				  uint64_t iova, struct vtd_probe *probe, uint64_t *data);

/**
 * Puts the translation of a probed page in, unless an invalidation came since generation, which
 * was read before the walk began. Any thread.
 */
void vtd_iotlb_fill(struct vtd_iotlb *iotlb, const struct vtd_view *view, struct vtd_probe *probe,
		    uint64_t data, uint64_t stamp, uint64_t generation);

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

static inline struct vtd_view vtd_view_of(uint16_t domain_id, unsigned int size)
{
	return (struct vtd_view){
		.key = vtd_tag_key(domain_id, size),
		/* Pages of one domain and size stay neighbours. */
		.hint_key = (uint64_t)domain_id * 0x9e5 + size * 0x3b1,
		.shift = vtd_size_shift(size),
		.domain_id = domain_id,
		.size = (uint8_t)size,
	};
}

static inline uint64_t vtd_view_tag(const struct vtd_view *view, uint64_t iova)
{
	return iova >> view->shift << view->shift | view->key;
}

static inline uint16_t *vtd_iotlb_hint(const struct vtd_iotlb *iotlb, const struct vtd_view *view,
				       uint64_t iova)
{
	return &iotlb->hint[((iova >> view->shift) + view->hint_key) & iotlb->hint_mask];
}
