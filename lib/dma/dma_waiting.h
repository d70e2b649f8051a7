/* SPDX-License-Identifier: BSD-3-Clause */
/* The unmaps that wait for one sync: their IOVAs, and since when (Linux: the flush queue). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dma_waiting_entry {
	uint64_t iova;
	uint64_t since; /* time stamp counter */
	uint32_t next;	/* of the same bucket: 1 + its place, 0: none */
};

struct dma_waiting {
	uint32_t count;
	uint32_t capacity;
	struct dma_waiting_entry *entry; /* oldest first */
	uint32_t *bucket;		 /* 1 + the place of an entry, 0: none; NULL: no index */
	uint32_t shift;			 /* a hash has 64 - shift bits */
};

/**
 * Room for `capacity` unmaps; with an index where dma_waiting_has() will ask. -ENOMEM: fini takes
 * what there is.
 */
int dma_waiting_init(struct dma_waiting *waiting, uint32_t capacity, bool has_index);
void dma_waiting_fini(struct dma_waiting *waiting);

/* Fibonacci hashing (Knuth, volume 3, 6.4): page numbers in a row spread well. */
static inline uint32_t *dma_waiting_bucket(const struct dma_waiting *waiting, uint64_t iova)
{
	return &waiting->bucket[(iova >> 12) * UINT64_C(0x9e3779b97f4a7c15) >> waiting->shift];
}

/** While count is below capacity. */
static inline void dma_waiting_add(struct dma_waiting *waiting, uint64_t iova, uint64_t since)
{
	struct dma_waiting_entry *entry = &waiting->entry[waiting->count++];
	uint32_t *bucket;

	entry->iova = iova;
	entry->since = since;
	if (waiting->bucket == NULL)
		return;
	bucket = dma_waiting_bucket(waiting, iova);
	entry->next = *bucket;
	*bucket = waiting->count;
}

/** Whether this IOVA waits; of a list with an index. */
static inline bool dma_waiting_has(const struct dma_waiting *waiting, uint64_t iova)
{
	uint32_t place = *dma_waiting_bucket(waiting, iova);

	while (place != 0 && waiting->entry[place - 1].iova != iova)
		place = waiting->entry[place - 1].next;
	return place != 0;
}

static inline void dma_waiting_clear(struct dma_waiting *waiting)
{
	for (uint32_t i = 0; waiting->bucket != NULL && i < waiting->count; i++)
		*dma_waiting_bucket(waiting, waiting->entry[i].iova) = 0;
	waiting->count = 0;
}
