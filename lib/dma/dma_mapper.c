/* SPDX-License-Identifier: BSD-3-Clause */
/* Mappers: a buffer gets an IOVA while the device has it, and loses it before it comes back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dma_private.h"

/* One page is what IOMMUs protect at least; a buffer's rights end with its pages. */
#define PAGE UINT64_C(4096)

struct dma_mapper {
	struct dma_space *space;
	struct iommu_domain *domain;
	struct iova_cache *cache;
	uint64_t size; /* of a buffer */
	uint64_t slot; /* of its IOVA range */
	/* Kept when a sync fails, so that the next one invalidates that, too. */
	struct iommu_gather gather;
	uint64_t lost; /* unmapped, and the sync failed */
	struct dma_ledger ledger;
};

static uint64_t pages_of(const struct dma_mapper *mapper, uint64_t address)
{
	return ((address & (PAGE - 1)) + mapper->size + PAGE - 1) & ~(PAGE - 1);
}

/* Buffers of a power of two stand aligned to it; others may touch one page more. */
static uint64_t slot_of(uint64_t size)
{
	uint64_t slot = (size + PAGE - 1) & ~(PAGE - 1);

	return (size & (size - 1)) == 0 ? slot : slot + PAGE;
}

int dma_mapper_create(struct dma_space *space, struct iommu_domain *domain, size_t size,
		      struct dma_mapper **out)
{
	struct dma_mapper *mapper;
	void *memory;
	int ret;

	if (size == 0 || size > UINT32_MAX)
		return -EINVAL;
	if (posix_memalign(&memory, RTE_CACHE_LINE_SIZE, sizeof(*mapper)) != 0)
		return -ENOMEM;
	mapper = memory;
	memset(mapper, 0, sizeof(*mapper));
	mapper->space = space;
	mapper->domain = domain;
	mapper->size = size;
	mapper->slot = slot_of(size);
	mapper->ledger.policy = DMA_STRICT;
	ret = iova_cache_create(space->plan, mapper->slot, &mapper->cache);
	if (ret != 0) {
		free(mapper);
		return ret;
	}
	pthread_mutex_lock(&space->lock);
	space->mapper_count++;
	pthread_mutex_unlock(&space->lock);
	*out = mapper;
	return 0;
}

int dma_mapper_destroy(struct dma_mapper *mapper)
{
	int ret;

	if (mapper->ledger.maps != mapper->ledger.unmaps + mapper->lost)
		return -EBUSY;
	ret = iommu_sync(mapper->domain, &mapper->gather);
	if (ret != 0)
		return ret;
	pthread_mutex_lock(&mapper->space->lock);
	mapper->space->mapper_count--;
	pthread_mutex_unlock(&mapper->space->lock);
	iova_cache_destroy(mapper->cache);
	free(mapper);
	return 0;
}

int dma_map(struct dma_mapper *mapper, void *vaddr, uint32_t prot, uint64_t *iova)
{
	uint64_t start = rte_rdtsc();
	uint64_t offset = (uintptr_t)vaddr & (PAGE - 1);
	uint64_t bytes = pages_of(mapper, offset);
	uint64_t base;
	int ret;

	if (bytes > mapper->slot)
		return -EINVAL;
	ret = iova_cache_alloc(mapper->cache, &base);
	if (ret != 0)
		return ret;
	ret = iommu_map(mapper->domain, base, (uint8_t *)vaddr - offset, bytes, PAGE, prot);
	if (ret != 0) {
		iova_cache_free(mapper->cache, base);
		return ret;
	}
	*iova = base + offset;
	dma_ledger_map(&mapper->ledger, bytes, dma_clock_ns(start));
	return 0;
}

int dma_unmap(struct dma_mapper *mapper, uint64_t iova)
{
	uint64_t start = rte_rdtsc();
	uint64_t base = iova & ~(PAGE - 1);
	uint64_t bytes = pages_of(mapper, iova);
	int ret = iommu_unmap(mapper->domain, base, bytes, &mapper->gather);

	if (ret != 0)
		return ret;
	ret = iommu_sync(mapper->domain, &mapper->gather);
	if (ret != 0) {
		/* A device may still use the IOVA: it is never given out again. */
		mapper->lost++;
		return ret;
	}
	iova_cache_free(mapper->cache, base);
	dma_ledger_unmap(&mapper->ledger, 1, bytes, dma_clock_ns(start));
	return 0;
}

const struct dma_ledger *dma_mapper_ledger(const struct dma_mapper *mapper)
{
	return &mapper->ledger;
}
