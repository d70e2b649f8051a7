/* SPDX-License-Identifier: BSD-3-Clause */
/* Arenas: the pages and the IOVAs of a port's rings and buffers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dma_private.h"

/* Rings never fill a 1 GiB page; one of 2 MiB holds those of a port. */
#define RING_PAGE_MAX HUGEMEM_2M

static int part_create(struct dma_arena *arena, enum dma_part part,
		       const struct hugemem_request *request, bool is_identity,
		       struct base_error *err)
{
	struct hugemem_region *region;
	int ret;

	if (request->size == 0)
		return 0;
	ret = hugemem_create(request, &region, err);
	if (ret != 0)
		return ret;
	if (is_identity) {
		arena->iova[part] = (uintptr_t)region->vaddr;
		ret = iova_reserve(arena->space->plan, arena->iova[part], region->size);
	} else {
		ret = iova_alloc(arena->space->plan, region->size, region->page_size,
				 &arena->iova[part]);
	}
	if (ret != 0) {
		hugemem_destroy(region);
		return base_error_set(err, ret, "no IOVAs for %zu bytes of arena %s: %s",
				      request->size, arena->name, strerror(-ret));
	}
	arena->region[part] = region;
	return 0;
}

static void part_destroy(struct dma_arena *arena, enum dma_part part)
{
	struct hugemem_region *region = arena->region[part];

	if (region == NULL)
		return;
	iova_free(arena->space->plan, arena->iova[part], region->size);
	hugemem_destroy(region);
}

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
	ret = part_create(arena, DMA_RINGS, &request, config->is_identity, err);
	if (ret != 0)
		return ret;
	request.size = config->buffer_size;
	request.page_size = config->page_size;
	ret = part_create(arena, DMA_BUFFERS, &request, config->is_identity, err);
	if (ret != 0)
		part_destroy(arena, DMA_RINGS);
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
	part_destroy(arena, DMA_BUFFERS);
	part_destroy(arena, DMA_RINGS);
	free(arena);
	return 0;
}

void dma_arena_range(const struct dma_arena *arena, enum dma_part part, struct dma_range *range)
{
	const struct hugemem_region *region = arena->region[part];

	memset(range, 0, sizeof(*range));
	if (region == NULL)
		return;
	range->iova = arena->iova[part];
	range->vaddr = region->vaddr;
	range->size = region->size;
	range->page_size = region->page_size;
}

const char *dma_arena_name(const struct dma_arena *arena)
{
	return arena->name;
}

const char *dma_arena_step_back(const struct dma_arena *arena)
{
	for (int part = DMA_PARTS - 1; part >= 0; part--) {
		if (arena->region[part] != NULL && arena->region[part]->step_back[0] != '\0')
			return arena->region[part]->step_back;
	}
	return "";
}
