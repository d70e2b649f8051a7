/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs a trace through LRU lists. */
#include <stdlib.h>

#include "accuracy_lru.h"
#include "accuracy_port.h"
#include "accuracy_truth.h"
#include "iotlb_curve.h"

/* Keys with a number each: open addressing. */
struct pages {
	struct page {
		uint64_t key;  /* + 1; 0: none */
		uint64_t last; /* lookup, + 1 */
	} * page;
	uint64_t count;
	uint64_t size;
};

static struct page *pages_find(const struct pages *pages, uint64_t key)
{
	uint64_t at = (key * UINT64_C(0x9e3779b97f4a7c15)) >> 20;

	while (pages->page[at & (pages->size - 1)].key != 0 &&
	       pages->page[at & (pages->size - 1)].key != key + 1)
		at++;
	return &pages->page[at & (pages->size - 1)];
}

static void pages_grow(struct pages *pages)
{
	struct pages larger = {.count = pages->count,
			       .size = pages->size == 0 ? 64 : 2 * pages->size};

	larger.page = calloc(larger.size, sizeof(*larger.page));
	accuracy_check(larger.page != NULL);
	for (uint64_t i = 0; i < pages->size; i++)
		if (pages->page[i].key != 0)
			*pages_find(&larger, pages->page[i].key - 1) = pages->page[i];
	free(pages->page);
	*pages = larger;
}

/* The page of a key, with last 0 when it is new. */
static struct page *pages_use(struct pages *pages, uint64_t key)
{
	struct page *page;

	if (2 * pages->count >= pages->size)
		pages_grow(pages);
	page = pages_find(pages, key);
	pages->count += page->key == 0;
	page->key = key + 1;
	return page;
}

static struct accuracy_lru *lru_of(uint32_t entries)
{
	struct accuracy_lru *lru = accuracy_lru_create(entries);

	accuracy_check(lru != NULL);
	return lru;
}

static void find_shared(const struct accuracy_trace *trace, unsigned int size,
			struct accuracy_truth *truth)
{
	struct accuracy_lru *lru = lru_of(accuracy_entries(size));

	for (uint64_t i = 0; i < trace->count; i++) {
		const struct accuracy_lookup *lookup = &trace->lookup[i];

		if (accuracy_lru_use(lru, accuracy_lookup_key(lookup)))
			continue;
		truth->misses[size]++;
		truth->queue[lookup->queue].misses[size]++;
	}
	accuracy_lru_destroy(lru);
}

static void find_alone(const struct accuracy_trace *trace, unsigned int size,
		       struct accuracy_truth *truth)
{
	struct accuracy_lru *lru[ACCURACY_QUEUES] = {NULL};

	for (uint64_t i = 0; i < trace->count; i++) {
		const struct accuracy_lookup *lookup = &trace->lookup[i];
		uint16_t queue = lookup->queue;

		if (lru[queue] == NULL)
			lru[queue] = lru_of(accuracy_entries(size));
		if (!accuracy_lru_use(lru[queue], accuracy_lookup_key(lookup)))
			truth->queue[queue].alone[size]++;
	}
	for (unsigned int i = 0; i < ACCURACY_QUEUES; i++)
		accuracy_lru_destroy(lru[i]);
}

static void find_pages(const struct accuracy_trace *trace, struct accuracy_truth *truth)
{
	struct pages *pages = calloc(ACCURACY_QUEUES, sizeof(*pages));

	accuracy_check(pages != NULL);
	for (uint64_t i = 0; i < trace->count; i++) {
		const struct accuracy_lookup *lookup = &trace->lookup[i];

		truth->queue[lookup->queue].lookups++;
		pages_use(&pages[lookup->queue], accuracy_lookup_key(lookup));
	}
	for (unsigned int i = 0; i < ACCURACY_QUEUES; i++) {
		truth->queue[i].pages = pages[i].count;
		free(pages[i].page);
	}
	free(pages);
}

static void find_estimate(const struct accuracy_trace *trace, struct accuracy_truth *truth)
{
	struct iotlb_reuse *reuse = calloc(1, sizeof(*reuse));
	struct iotlb_load load = {.reuse = reuse, .weight = 1, .scale = 1};
	struct pages pages = {0};

	accuracy_check(reuse != NULL);
	for (uint64_t i = 0; i < trace->count; i++) {
		struct page *page = pages_use(&pages, accuracy_lookup_key(&trace->lookup[i]));

		if (page->last == 0)
			iotlb_reuse_add_cold(reuse);
		else
			iotlb_reuse_add(reuse, (uint32_t)(i + 1 - page->last));
		page->last = i + 1;
	}
	for (unsigned int size = 0; size < ACCURACY_SIZES; size++)
		truth->estimate[size] = iotlb_miss_ratio(
			&load, iotlb_eviction_time(&load, 1, accuracy_entries(size)));
	free(pages.page);
	free(reuse);
}

struct accuracy_truth *accuracy_truth_find(const struct accuracy_trace *trace)
{
	struct accuracy_truth *truth = calloc(1, sizeof(*truth));

	accuracy_check(truth != NULL && trace->count <= trace->size && trace->strange == 0);
	truth->lookups = trace->count;
	find_pages(trace, truth);
	find_estimate(trace, truth);
	for (unsigned int size = 0; size < ACCURACY_SIZES; size++) {
		find_shared(trace, size, truth);
		find_alone(trace, size, truth);
	}
	return truth;
}

uint64_t accuracy_truth_misses(const struct accuracy_trace *trace, uint32_t entries)
{
	struct accuracy_lru *lru = lru_of(entries);
	uint64_t misses = 0;

	accuracy_check(trace->count <= trace->size && trace->strange == 0);
	for (uint64_t i = 0; i < trace->count; i++)
		misses += !accuracy_lru_use(lru, accuracy_lookup_key(&trace->lookup[i]));
	accuracy_lru_destroy(lru);
	return misses;
}
