/* SPDX-License-Identifier: BSD-3-Clause */
/* The shape of an IOTLB: entries, ways, what is evicted, and where an address may stand. */
#pragma once

#include <stdint.h>

#include "base_error.h"

#define IOTLB_ENTRIES_MAX 65536
#define IOTLB_NAME_SIZE	  32

enum iotlb_replacement {
	IOTLB_LRU,    /* the entry used longest ago */
	IOTLB_FIFO,   /* the entry filled longest ago */
	IOTLB_RANDOM, /* any */
	IOTLB_FLUSH,  /* all entries at once, as QEMU's intel_iommu.c does */
};

struct iotlb_geometry {
	char name[IOTLB_NAME_SIZE];
	uint32_t entries;
	uint32_t ways; /* entries: fully associative */
	enum iotlb_replacement replacement;
	uint32_t walk_entries; /* paging-structure cache entries for each level; 0: none */
};

/** generic-128: what a unit has when no profile is given; equal to config/iotlb/generic-128.cfg. */
struct iotlb_geometry iotlb_geometry_default(void);

/**
 * -EINVAL, with the reason in err: entries and ways that do not divide into a power of two of
 * sets, too many entries, or `flush` in an IOTLB that is not fully associative.
 */
int iotlb_geometry_check(const struct iotlb_geometry *geometry, struct base_error *err);

static inline uint32_t iotlb_geometry_sets(const struct iotlb_geometry *geometry)
{
	return geometry->entries / geometry->ways;
}

/** Set of a page: the low bits of its number, counted in its own page size. */
static inline uint32_t iotlb_geometry_set(const struct iotlb_geometry *geometry,
					  uint64_t page_number)
{
	return (uint32_t)page_number & (iotlb_geometry_sets(geometry) - 1);
}

/** "lru", "fifo", "random", "flush". */
const char *iotlb_replacement_name(enum iotlb_replacement replacement);

/** -EINVAL when no replacement has this name. */
int iotlb_replacement_parse(const char *name, enum iotlb_replacement *replacement);
