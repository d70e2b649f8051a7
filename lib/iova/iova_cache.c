/* SPDX-License-Identifier: BSD-3-Clause */
/* A magazine of ranges of one size in front of a plan, so that most operations take no lock. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "iova.h"

#define UNIT	 UINT64_C(4096)
#define BATCH	 64
#define CAPACITY 512 /* a batch of 256 gathered unmaps comes and goes without the plan */

struct iova_cache {
	struct iova_plan *plan;
	uint64_t size;
	uint64_t align;
	unsigned int count;
	uint64_t
		iova[CAPACITY]; /* the top, iova[count - 1], was used last: its page table is hot */
} __attribute__((aligned(64)));

int iova_cache_create(struct iova_plan *plan, uint64_t size, struct iova_cache **out)
{
	struct iova_cache *cache;

	if (size == 0 || size % UNIT != 0)
		return -EINVAL;
	cache = aligned_alloc(64, sizeof(*cache));
	if (cache == NULL)
		return -ENOMEM;
	memset(cache, 0, sizeof(*cache));
	cache->plan = plan;
	cache->size = size;
	cache->align = (size & (size - 1)) == 0 ? size : UNIT;
	*out = cache;
	return 0;
}

void iova_cache_destroy(struct iova_cache *cache)
{
	if (cache == NULL)
		return;
	iova_free_batch(cache->plan, cache->iova, cache->size, cache->count);
	free(cache);
}

static void refill(struct iova_cache *cache)
{
	uint64_t taken[BATCH];
	unsigned int count;

	/* Reversed, so that they are handed out upwards: neighbours share a page table's line. */
	count = iova_alloc_batch(cache->plan, cache->size, cache->align, taken, BATCH);
	for (unsigned int i = 0; i < count; i++)
		cache->iova[count - 1 - i] = taken[i];
	cache->count = count;
}

static int drain(struct iova_cache *cache)
{
	unsigned int given = iova_free_batch(cache->plan, cache->iova, cache->size, BATCH);

	cache->count -= BATCH;
	memmove(cache->iova, cache->iova + BATCH, cache->count * sizeof(cache->iova[0]));
	return given == BATCH ? 0 : -EINVAL;
}

int iova_cache_alloc(struct iova_cache *cache, uint64_t *iova)
{
	if (cache->count == 0) {
		refill(cache);
		if (cache->count == 0)
			return -ENOSPC;
	}
	*iova = cache->iova[--cache->count];
	return 0;
}

int iova_cache_free(struct iova_cache *cache, uint64_t iova)
{
	int ret = 0;

	if ((iova & (cache->align - 1)) != 0)
		return -EINVAL;
	if (cache->count == CAPACITY)
		ret = drain(cache);
	cache->iova[cache->count++] = iova;
	return ret;
}
