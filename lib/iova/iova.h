/* SPDX-License-Identifier: BSD-3-Clause */
/* The IOVA plan: which ranges of one address space are free. Pure arithmetic (Linux: iova.c). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct iova_plan;
struct iova_cache;

/** A free or used range, for listings. */
struct iova_range {
	uint64_t iova;
	uint64_t size;
};

/**
 * Creates a plan over [base, limit) in units of 4 KiB; the caller owns it.
 * A plan locks itself with a spinlock: any thread may call any function on it.
 * -EINVAL when base or limit is not a multiple of 4 KiB, or base >= limit.
 */
int iova_plan_create(uint64_t base, uint64_t limit, struct iova_plan **out);
void iova_plan_destroy(struct iova_plan *plan);

/**
 * Takes `size` bytes aligned to `align` from the smallest free range that holds
 * them (best fit; the lowest of equals), at that range's lowest fitting address.
 * -EINVAL: size 0 or not a multiple of 4 KiB, align no power of two >= 4 KiB. -ENOSPC.
 */
int iova_alloc(struct iova_plan *plan, uint64_t size, uint64_t align, uint64_t *iova);

/**
 * Takes exactly [iova, iova + size). -EEXIST: some of it is taken. -ERANGE: outside the plan.
 * -EINVAL: size 0, or iova or size not a multiple of 4 KiB.
 */
int iova_reserve(struct iova_plan *plan, uint64_t iova, uint64_t size);

/**
 * Gives [iova, iova + size) back, merged with free neighbours; it may be a part of what was
 * taken at once, or several such parts. -EINVAL: some of it is free, size 0, or not in multiples
 * of 4 KiB. -ERANGE: outside the plan. -ENOMEM: it stays taken.
 */
int iova_free(struct iova_plan *plan, uint64_t iova, uint64_t size);

/** `count` times iova_alloc() under one lock, ascending where it can be; returns how many. */
unsigned int iova_alloc_batch(struct iova_plan *plan, uint64_t size, uint64_t align,
			      uint64_t *iovas, unsigned int count);

/** iova_free() of each under one lock; returns how many were not refused. */
unsigned int iova_free_batch(struct iova_plan *plan, const uint64_t *iovas, uint64_t size,
			     unsigned int count);

/** Copies up to max free ranges that end above `from`, upwards; returns how many. */
unsigned int iova_free_ranges(struct iova_plan *plan, uint64_t from, struct iova_range *ranges,
			      unsigned int max);

/* What is free of a plan; ranges are as large as they can be: no two of them touch. */
struct iova_usage {
	uint64_t free_bytes;
	uint64_t largest_bytes; /* the largest free range */
	uint64_t free_ranges;
};
void iova_plan_usage(struct iova_plan *plan, struct iova_usage *usage);

/**
 * Creates a cache of ranges of one size (aligned to it when it is a power of two,
 * to 4 KiB otherwise) in front of a plan: a magazine that one lcore uses, refilled and drained
 * in batches (Bonwick, Adams, "Magazines and Vmem", 2001; Linux: iova_rcache).
 */
int iova_cache_create(struct iova_plan *plan, uint64_t size, struct iova_cache **out);

/** Gives everything cached back to the plan. Ranges that are still out stay the caller's. */
void iova_cache_destroy(struct iova_cache *cache);

/** As iova_alloc() with the cache's size and alignment; the owning lcore only. */
int iova_cache_alloc(struct iova_cache *cache, uint64_t *iova);

/**
 * As iova_free() with the cache's size; the owning lcore only. The range may come from another
 * cache of the same plan and size. -EINVAL: iova is not so aligned, or ranges that went back to
 * the plan now were free there: a double free is noticed only then, if at all.
 */
int iova_cache_free(struct iova_cache *cache, uint64_t iova);
