/* SPDX-License-Identifier: BSD-3-Clause */
/* Arenas: the pages and the IOVAs of a port's rings and buffers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dma_private.h"

/* Rings never fill a 1 GiB page; one of 2 MiB holds those of a port. */
#define RING_PAGE_MAX HUGEMEM_2M

/* hugemem gives cleared pages, and takes them back: nothing of one port reaches another. */
static int parts_create(struct dma_arena *arena, const struct dma_arena_config *config,
			struct base_error *err)
{
	struct hugemem_request request = {
		.size = config->ring_size,
		.page_size = config->page_size,
		.node = config->node,
	};
	int ret;

	if (request.page_size == 0 || request.page_size > RING_PAGE_MAX)
		request.page_size = RING_PAGE_MAX;
	ret = dma_part_create(arena->space, &request, config->is_identity, &arena->part[DMA_RINGS],
			      err);
	if (ret != 0)
		return ret;
	request.size = config->buffer_size;
	request.page_size = config->page_size;
	ret = dma_part_create(arena->space, &request, config->is_identity,
			      &arena->part[DMA_BUFFERS], err);
	if (ret != 0)
		dma_part_destroy(arena->space, &arena->part[DMA_RINGS]);
	return ret;
}

int dma_arena_create(struct dma_space *space, const struct dma_arena_config *config,
		     struct dma_arena **out, struct base_error *err)
{
	const char *name = config->name == NULL ? "" : config->name;
	struct dma_arena *arena;
	int ret;

	if (config->ring_size == 0 && config->buffer_size == 0)
		return base_error_set(err, -EINVAL, "cannot create arena %s: both parts are empty",
				      name);
	arena = calloc(1, sizeof(*arena));
	if (arena == NULL)
		return base_error_set(err, -ENOMEM, "cannot create arena %s: out of memory", name);
	arena->space = space;
	snprintf(arena->name, sizeof(arena->name), "%s", name);
	ret = parts_create(arena, config, err);
	if (ret != 0) {
		free(arena);
		return base_error_set(err, ret, "cannot create arena %s: %s", name, strerror(-ret));
	}
	pthread_mutex_lock(&space->lock);
	space->arena_count++;
	pthread_mutex_unlock(&space->lock);
	*out = arena;
	return 0;
}

int dma_arena_destroy(struct dma_arena *arena)
{
	struct dma_space *space = arena->space;

	pthread_mutex_lock(&space->lock);
	if (!LIST_EMPTY(&arena->grants) || !LIST_EMPTY(&arena->units)) {
		pthread_mutex_unlock(&space->lock);
		return -EBUSY;
	}
	space->arena_count--;
	pthread_mutex_unlock(&space->lock);
	dma_part_destroy(space, &arena->part[DMA_BUFFERS]);
	dma_part_destroy(space, &arena->part[DMA_RINGS]);
	free(arena);
	return 0;
}

void dma_arena_range(const struct dma_arena *arena, enum dma_part part, struct dma_range *range)
{
	const struct dma_part_memory *memory = &arena->part[part];

	memset(range, 0, sizeof(*range));
	if (memory->region == NULL)
		return;
	*range = memory->run[0];
	range->size = memory->region->size;
}

bool dma_arena_run(const struct dma_arena *arena, enum dma_part part, unsigned int n,
		   struct dma_range *run)
{
	const struct dma_part_memory *memory = &arena->part[part];

	if (n >= memory->run_count)
		return false;
	*run = memory->run[n];
	return true;
}

uint64_t dma_arena_iova(const struct dma_arena *arena, enum dma_part part, size_t offset)
{
	const struct dma_part_memory *memory = &arena->part[part];
	const uint8_t *vaddr = (const uint8_t *)memory->region->vaddr + offset;
	unsigned int low = 0, high = memory->run_count;

	while (high - low > 1) {
		unsigned int middle = (low + high) / 2;

		if ((const uint8_t *)memory->run[middle].vaddr <= vaddr)
			low = middle;
		else
			high = middle;
	}
	return memory->run[low].iova + (uint64_t)(vaddr - (const uint8_t *)memory->run[low].vaddr);
}

const char *dma_arena_name(const struct dma_arena *arena)
{
	return arena->name;
}

const char *dma_arena_step_back(const struct dma_arena *arena)
{
	for (int part = DMA_PARTS - 1; part >= 0; part--) {
		const struct hugemem_region *region = arena->part[part].region;

		if (region != NULL && region->step_back[0] != '\0')
			return region->step_back;
	}
	return "";
}
