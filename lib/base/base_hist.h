/* SPDX-License-Identifier: BSD-3-Clause */
/* Log-linear histogram of 64-bit values (HdrHistogram's layout): 32 steps per power of two. */
#pragma once

#include <stdint.h>

#define BASE_HIST_SUB_BITS 5
#define BASE_HIST_BUCKETS  ((64 - BASE_HIST_SUB_BITS + 1) << BASE_HIST_SUB_BITS)

/* One thread adds; others may read while it does and see counts a few adds old. */
struct base_hist {
	uint64_t count;
	uint64_t sum;
	uint64_t max;
	uint64_t bucket[BASE_HIST_BUCKETS];
};

/** Bucket of a value: exact below 32, within 1/32 above. */
static inline unsigned int base_hist_index(uint64_t value)
{
	if (value < (1u << BASE_HIST_SUB_BITS))
		return (unsigned int)value;
	unsigned int shift = 63 - (unsigned int)__builtin_clzll(value) - BASE_HIST_SUB_BITS;

	return ((shift + 1) << BASE_HIST_SUB_BITS) +
	       (unsigned int)((value >> shift) & ((1u << BASE_HIST_SUB_BITS) - 1));
}

static inline uint64_t base_hist_read(const uint64_t *field)
{
	return __atomic_load_n(field, __ATOMIC_RELAXED);
}

/* One writer: a relaxed load and store, not a locked add. */
static inline void base_hist_bump(uint64_t *field, uint64_t by)
{
	__atomic_store_n(field, *field + by, __ATOMIC_RELAXED);
}

/** Adds one value; the owning thread only. */
static inline void base_hist_add(struct base_hist *hist, uint64_t value)
{
	base_hist_bump(&hist->count, 1);
	base_hist_bump(&hist->sum, value);
	if (value > hist->max)
		__atomic_store_n(&hist->max, value, __ATOMIC_RELAXED);
	base_hist_bump(&hist->bucket[base_hist_index(value)], 1);
}

/** Adds all of one histogram to another, whose owner may go on adding. */
void base_hist_merge(struct base_hist *into, const struct base_hist *from);

/**
 * Takes off what a histogram held before, of which it has all. Its max is then known to a bucket:
 * the end of the highest that is left.
 */
void base_hist_subtract(struct base_hist *from, const struct base_hist *before);

/**
 * Smallest value v (a bucket's upper end, never above max) such that at least
 * `ppm` millionths of the added values are <= v (0 ppm: the smallest added).
 * 0 when nothing was added.
 */
uint64_t base_hist_quantile(const struct base_hist *hist, uint32_t ppm);

/** Mean of the added values, 0 when there are none. */
uint64_t base_hist_mean(const struct base_hist *hist);
