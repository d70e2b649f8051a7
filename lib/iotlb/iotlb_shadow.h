/* SPDX-License-Identifier: BSD-3-Clause */
/* A model IOTLB of any geometry, fed with page numbers: sets, FIFO, random, a flush of all. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "iotlb_geometry.h"

struct iotlb_shadow;

/** An empty one; one thread uses it. -EINVAL as iotlb_geometry_check() has it, -ENOMEM. */
int iotlb_shadow_create(const struct iotlb_geometry *geometry, struct iotlb_shadow **out);
void iotlb_shadow_destroy(struct iotlb_shadow *shadow);

/** The name of a page: its number in its own page size, that size (12, 21, 30), its domain. */
static inline uint64_t iotlb_shadow_page(uint16_t domain_id, unsigned int page_shift,
					 uint64_t page_number)
{
	return UINT64_C(1) << 63 | (uint64_t)domain_id << 47 | (uint64_t)(page_shift / 10) << 45 |
	       page_number;
}

/**
 * Looks a page up and fills it in if it is not there, by the geometry's set index and replacement;
 * with lru and fifo hit for hit what the software VT-d unit does for one thread. true: a hit.
 */
bool iotlb_shadow_access(struct iotlb_shadow *shadow, uint64_t page);
