/* SPDX-License-Identifier: BSD-3-Clause */
/* What is mapped in a domain, as ranges of pages of the size that the IOMMU has them in. */
#include "port_tracker_ranges.h"

#include <errno.h>
#include <stdlib.h>

#include "options.h"
#include "port.h"
#include "port_memory.h"

#define CHUNK 64

/*
 * The leaves of a mapping: the largest that the unit has, the memory's pages allow, and to which
 * addresses and size are aligned.
 */
static uint8_t leaf_shift(const struct iommu_limits *limits, const struct iommu_mapping *mapping)
{
	uint64_t low = mapping->iova | mapping->size | (uint64_t)(uintptr_t)mapping->vaddr;
	uint64_t sizes = limits->page_sizes & (mapping->page_size | (mapping->page_size - 1));

	low &= -low;
	sizes &= low | (low - 1);
	return sizes == 0 ? 12 : (uint8_t)(63 - __builtin_clzll(sizes));
}

struct list {
	struct tracker_range *range;
	unsigned int count, capacity;
};

static int add(struct list *list, uint64_t iova, uint64_t size, uint8_t shift)
{
	if (list->count == list->capacity) {
		unsigned int capacity = list->capacity + CHUNK;
		struct tracker_range *more = realloc(list->range, capacity * sizeof(*more));

		if (more == NULL)
			return -ENOMEM;
		list->range = more;
		list->capacity = capacity;
	}
	list->range[list->count++] = (struct tracker_range){iova, size, shift};
	return 0;
}

/*
 * Under strict and deferred buffers come and go one by one, and fresh IOVAs are anywhere: where
 * the plan gives them first, from 4 GiB down, all that is not mapped otherwise is 4 KiB pages.
 */
#define COVER_SIZE (UINT64_C(1) << 30)

/* Bytes of a buffer's pages that are mapped at hand-over in this domain; 0: none are. */
static uint32_t apart_stride(const struct iommu_domain *domain)
{
	for (const struct port *port = NULL; (port = port_next(port)) != NULL;)
		if (port->domain == domain && port->policy != NULL)
			return port_memory_stride((uint16_t)options_get()->mbuf_size, true);
	return 0;
}

/* Adds what of [iova, end) no range has yet. */
static int add_rest(struct list *list, uint64_t iova, uint64_t end)
{
	if (iova >= end)
		return 0;
	for (unsigned int i = 0; i < list->count; i++) {
		const struct tracker_range known = list->range[i];
		int ret;

		if (known.iova >= end || known.iova + known.size <= iova)
			continue;
		ret = add_rest(list, iova, known.iova);
		return ret != 0 ? ret : add_rest(list, known.iova + known.size, end);
	}
	return add(list, iova, end - iova, 12);
}

static int add_arena(struct list *list, const struct dma_arena *arena)
{
	struct dma_range run;
	int ret = 0;

	for (unsigned int i = 0; ret == 0 && dma_arena_run(arena, DMA_BUFFERS, i, &run); i++)
		ret = add_rest(list, run.iova, run.iova + run.size);
	return ret;
}

/* Fixed IOVAs are the arenas', of other ports too, which this one may transmit for. */
static int add_apart(struct list *list)
{
	int ret = add_rest(list, DMA_EAL_BASE - COVER_SIZE, DMA_EAL_BASE);

	for (const struct port *port = NULL; ret == 0 && (port = port_next(port)) != NULL;) {
		const struct port_pool *pool;

		if (port->policy == NULL)
			continue;
		ret = add_arena(list, port->arena);
		TAILQ_FOREACH(pool, &port->pools, link)
			ret = ret != 0 ? ret : add_arena(list, pool->arena);
	}
	return ret;
}

/* A buffer of the moment. */
static bool is_apart(const struct iommu_mapping *mapping, uint32_t stride)
{
	return mapping->size == stride && mapping->page_size == IOMMU_PAGE_SIZE;
}

int tracker_ranges_read(struct iommu_domain *domain, struct tracker_range **out,
			unsigned int *count)
{
	const struct iommu_limits *limits = iommu_unit_limits(iommu_domain_unit(domain));
	uint32_t stride = apart_stride(domain);
	struct iommu_mapping mappings[CHUNK];
	struct list list = {0};
	uint64_t from = 0;
	unsigned int n;
	int ret = 0;

	while (ret == 0 && (n = iommu_mappings(domain, from, mappings, CHUNK)) > 0) {
		for (unsigned int i = 0; ret == 0 && i < n; i++)
			if (stride == 0 || !is_apart(&mappings[i], stride))
				ret = add(&list, mappings[i].iova, mappings[i].size,
					  leaf_shift(limits, &mappings[i]));
		from = mappings[n - 1].iova + mappings[n - 1].size;
	}
	if (ret == 0 && stride != 0)
		ret = add_apart(&list);
	if (ret != 0) {
		free(list.range);
		return ret;
	}
	*out = list.range;
	*count = list.count;
	return 0;
}
