/* SPDX-License-Identifier: BSD-3-Clause */
/* Zeroed 4 KiB pages for tables, cut from hugemem regions that the unit can reach. */
#pragma once

#include <stdint.h>

#include <rte_spinlock.h>

#include "hugemem.h"
#include "vtd_memory.h"

#define VTD_REGION_SIZE HUGEMEM_2M

/* Beside each page, in the first pages of its region. */
struct vtd_page_info {
	void *next;	   /* page: on a free list, or waiting for a sync */
	uint32_t used;	   /* entries that are not zero */
	uint32_t reserved; /* keeps the struct at 16 bytes */
};

struct vtd_page_region {
	struct vtd_page_region *next;
	struct hugemem_region *memory;
	uint8_t *base; /* VTD_REGION_SIZE, aligned to it */
};

struct vtd_pages {
	rte_spinlock_t lock;
	uint32_t free_count;
	uint32_t used_count;
	void *free_list;
	struct vtd_page_region *regions;
	struct vtd_memory *memory;
};

void vtd_pages_init(struct vtd_pages *pages, struct vtd_memory *memory);

/** Gives all regions back, whether or not their pages are in use. */
void vtd_pages_fini(struct vtd_pages *pages);

/**
 * Takes `count` pages, chained by their info's next; all or -ENOMEM. Each is zero and its physical
 * address is its address here. Any thread.
 */
int vtd_pages_get(struct vtd_pages *pages, uint32_t count, void **chain);

/** Gives a chain back; all its pages must be zero again. */
void vtd_pages_put(struct vtd_pages *pages, void *chain);

static inline struct vtd_page_info *vtd_page_info(const void *page)
{
	uintptr_t base = (uintptr_t)page & ~(uintptr_t)(VTD_REGION_SIZE - 1);

	return (struct vtd_page_info *)base + (((uintptr_t)page - base) >> 12);
}
