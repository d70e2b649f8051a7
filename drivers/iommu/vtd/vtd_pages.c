/* SPDX-License-Identifier: BSD-3-Clause */
/* The allocator of table pages: a free list over 2 MiB regions. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vtd_format.h"
#include "vtd_pages.h"

#define REGION_PAGES (VTD_REGION_SIZE / VTD_PAGE_SIZE)
#define INFO_SIZE    (REGION_PAGES * sizeof(struct vtd_page_info))

static_assert(INFO_SIZE % VTD_PAGE_SIZE == 0, "infos fill whole pages");

void vtd_pages_init(struct vtd_pages *pages, struct vtd_memory *memory)
{
	memset(pages, 0, sizeof(*pages));
	rte_spinlock_init(&pages->lock);
	pages->memory = memory;
}

void vtd_pages_fini(struct vtd_pages *pages)
{
	struct vtd_page_region *region;

	while ((region = pages->regions) != NULL) {
		pages->regions = region->next;
		hugemem_destroy(region->memory);
		free(region);
	}
}

/* A region of small pages is aligned to 4 KiB only: twice the size holds an aligned one. */
static int region_memory(struct vtd_page_region *region)
{
	const struct hugemem_request large = {.size = VTD_REGION_SIZE,
					      .page_size = VTD_REGION_SIZE,
					      .is_exact = true,
					      .node = -1};
	const struct hugemem_request small = {
		.size = 2 * VTD_REGION_SIZE, .page_size = HUGEMEM_4K, .node = -1};
	uintptr_t base;

	if (hugemem_create(&large, &region->memory, NULL) != 0 &&
	    hugemem_create(&small, &region->memory, NULL) != 0)
		return -ENOMEM;
	base = (uintptr_t)region->memory->vaddr + VTD_REGION_SIZE - 1;
	region->base = (uint8_t *)(base & ~(uintptr_t)(VTD_REGION_SIZE - 1));
	return 0;
}

static struct vtd_page_region *region_create(struct vtd_pages *pages)
{
	struct vtd_page_region *region = calloc(1, sizeof(*region));
	uint8_t *first;

	if (region == NULL)
		return NULL;
	if (region_memory(region) != 0)
		goto free_region;
	first = region->base + INFO_SIZE;
	if (vtd_memory_add(pages->memory, (uintptr_t)first, first, VTD_REGION_SIZE - INFO_SIZE) !=
	    0)
		goto free_memory;
	return region;

free_memory:
	hugemem_destroy(region->memory);
free_region:
	free(region);
	return NULL;
}

/* Regions are made without the lock, for that takes system calls; one too many does no harm. */
static int grow(struct vtd_pages *pages)
{
	struct vtd_page_region *region = region_create(pages);

	if (region == NULL)
		return -ENOMEM;
	rte_spinlock_lock(&pages->lock);
	region->next = pages->regions;
	pages->regions = region;
	for (size_t offset = VTD_REGION_SIZE; offset > INFO_SIZE; offset -= VTD_PAGE_SIZE) {
		void *page = region->base + offset - VTD_PAGE_SIZE;

		vtd_page_info(page)->next = pages->free_list;
		pages->free_list = page;
		pages->free_count++;
	}
	rte_spinlock_unlock(&pages->lock);
	return 0;
}

static void take(struct vtd_pages *pages, uint32_t count, void **chain)
{
	void *last = NULL;

	*chain = pages->free_list;
	for (uint32_t i = 0; i < count; i++) {
		last = pages->free_list;
		pages->free_list = vtd_page_info(last)->next;
	}
	if (last != NULL)
		vtd_page_info(last)->next = NULL;
	else
		*chain = NULL;
	pages->free_count -= count;
	pages->used_count += count;
}

int vtd_pages_get(struct vtd_pages *pages, uint32_t count, void **chain)
{
	for (;;) {
		rte_spinlock_lock(&pages->lock);
		if (pages->free_count >= count) {
			take(pages, count, chain);
			rte_spinlock_unlock(&pages->lock);
			return 0;
		}
		rte_spinlock_unlock(&pages->lock);
		if (grow(pages) != 0)
			return -ENOMEM;
	}
}

void vtd_pages_put(struct vtd_pages *pages, void *chain)
{
	if (chain == NULL)
		return;
	rte_spinlock_lock(&pages->lock);
	while (chain != NULL) {
		struct vtd_page_info *info = vtd_page_info(chain);
		void *next = info->next;

		assert(info->used == 0);
		info->next = pages->free_list;
		pages->free_list = chain;
		chain = next;
		pages->free_count++;
		pages->used_count--;
	}
	rte_spinlock_unlock(&pages->lock);
}
