/* SPDX-License-Identifier: BSD-3-Clause */
/* Reuse times of pages: how many accesses pass from one to a page to the next to the same. */
#pragma once

#include <stdint.h>

#define IOTLB_REUSE_SUB_BITS 7 /* 128 steps per power of two: exact below 256 */
#define IOTLB_REUSE_BUCKETS  (32 << IOTLB_REUSE_SUB_BITS)
#define IOTLB_REUSE_MAX	     INT32_MAX /* the longest time that has a bucket; the shortest is 1 */

/*
 * One writer; others may read while it writes and see counts a few accesses old. A page that is
 * used in each access has a reuse time of 1.
 */
struct iotlb_reuse {
	uint64_t accesses;		     /* all of those below */
	uint64_t cold;			     /* the first ever to their page: no reuse time */
	uint64_t count[IOTLB_REUSE_BUCKETS]; /* by reuse time */
	uint64_t fresh[IOTLB_REUSE_BUCKETS]; /* reuse time not known, but above this */
};

/**
 * Bucket of a reuse time, 1 to IOTLB_REUSE_MAX: the exponent and first bits of the number as a
 * float, which is the cheapest logarithm there is. Above 2^24 it may round up at a bucket's end.
 */
static inline uint32_t iotlb_reuse_index(uint32_t time)
{
	union {
		float number;
		uint32_t bits;
	} as = {.number = (float)(int32_t)time};

	return (as.bits >> (23 - IOTLB_REUSE_SUB_BITS)) - (UINT32_C(127) << IOTLB_REUSE_SUB_BITS);
}

/** The longest reuse time of a bucket; several have the same where they are finer than 1. */
static inline uint32_t iotlb_reuse_end(uint32_t index)
{
	const uint64_t steps = UINT64_C(1) << IOTLB_REUSE_SUB_BITS;
	uint64_t next = (steps + index % steps + 1) << (index >> IOTLB_REUSE_SUB_BITS);

	return (uint32_t)((next + steps - 1) / steps - 1);
}

/* One writer: a relaxed load and store, not a locked add. */
static inline void iotlb_reuse_bump(uint64_t *field, uint64_t by)
{
	__atomic_store_n(field, *field + by, __ATOMIC_RELAXED);
}

/** An access to a page that was used `time` accesses ago; the owning thread, as the next two. */
static inline void iotlb_reuse_add(struct iotlb_reuse *reuse, uint32_t time)
{
	iotlb_reuse_bump(&reuse->accesses, 1);
	iotlb_reuse_bump(&reuse->count[iotlb_reuse_index(time)], 1);
}

/** An access to a page that never was used before: it misses in an IOTLB of any size. */
static inline void iotlb_reuse_add_cold(struct iotlb_reuse *reuse)
{
	iotlb_reuse_bump(&reuse->accesses, 1);
	iotlb_reuse_bump(&reuse->cold, 1);
}

/** An access to a page that was not used in the last `age` accesses, since one began to look. */
static inline void iotlb_reuse_add_fresh(struct iotlb_reuse *reuse, uint32_t age)
{
	iotlb_reuse_bump(&reuse->accesses, 1);
	iotlb_reuse_bump(&reuse->fresh[iotlb_reuse_index(age | 1)], 1);
}

/** Adds all of one to another, whose owner may go on adding; `into` is the caller's. */
void iotlb_reuse_merge(struct iotlb_reuse *into, const struct iotlb_reuse *from);

/** Takes away what was counted up to an earlier moment. */
void iotlb_reuse_subtract(struct iotlb_reuse *from, const struct iotlb_reuse *earlier);
