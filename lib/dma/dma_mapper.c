/* SPDX-License-Identifier: BSD-3-Clause */
/* Mappers: a buffer gets an IOVA while the device has it, and loses it before it comes back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_branch_prediction.h>

#include "dma_private.h"
#include "dma_waiting.h"

/* One page is what IOMMUs protect at least; a buffer's rights end with its pages. */
#define PAGE UINT64_C(4096)

struct dma_mapper {
	struct dma_space *space;
	struct iommu_domain *domain;
	struct iova_cache *cache; /* NULL: IOVAs are fixed */
	uint64_t size;		  /* of a buffer */
	uint64_t slot;		  /* of its IOVA range */
	uint64_t timeout_ns;
	bool is_gathering; /* unmaps wait; else each is synced */
	/* Kept when a sync fails, so that the next one invalidates that, too. */
	struct iommu_gather gather;
	struct dma_waiting waiting; /* those of gather that no sync has failed for */
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

static bool is_config_valid(size_t size, const struct dma_policy_config *config)
{
	if (size == 0 || size > UINT32_MAX)
		return false;
	if (config->policy == DMA_DEFERRED)
		return config->batch >= 1 && config->batch <= DMA_BATCH_MAX;
	return config->policy == DMA_STRICT;
}

/* --- life ----------------------------------------------------------------------------------- */

static int take_memory(struct dma_mapper *mapper, const struct dma_policy_config *config)
{
	int ret = 0;

	if (mapper->is_gathering)
		ret = dma_waiting_init(&mapper->waiting, config->batch, !config->is_fresh);
	if (ret == 0 && config->is_fresh)
		ret = iova_cache_create(mapper->space->plan, mapper->slot, &mapper->cache);
	if (ret != 0)
		dma_waiting_fini(&mapper->waiting);
	return ret;
}

int dma_mapper_create(struct dma_space *space, struct iommu_domain *domain, size_t size,
		      const struct dma_policy_config *config, struct dma_mapper **out)
{
	struct dma_mapper *mapper;
	void *memory;
	int ret;

	if (!is_config_valid(size, config))
		return -EINVAL;
	if (posix_memalign(&memory, RTE_CACHE_LINE_SIZE, sizeof(*mapper)) != 0)
		return -ENOMEM;
	mapper = memory;
	memset(mapper, 0, sizeof(*mapper));
	mapper->space = space;
	mapper->domain = domain;
	mapper->size = size;
	mapper->slot = slot_of(size);
	mapper->timeout_ns = config->timeout_us * UINT64_C(1000);
	mapper->is_gathering = config->policy == DMA_DEFERRED &&
			       !iommu_unit_limits(iommu_domain_unit(domain))->unmap_syncs;
	mapper->ledger.policy = config->policy;
	ret = take_memory(mapper, config);
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

	if (mapper->ledger.maps != mapper->ledger.unmaps)
		return -EBUSY;
	ret = dma_mapper_flush(mapper);
	if (ret != 0)
		return ret;
	pthread_mutex_lock(&mapper->space->lock);
	mapper->space->mapper_count--;
	pthread_mutex_unlock(&mapper->space->lock);
	iova_cache_destroy(mapper->cache);
	dma_waiting_fini(&mapper->waiting);
	free(mapper);
	return 0;
}

/* --- sync ----------------------------------------------------------------------------------- */

static void set_waiting(struct dma_mapper *mapper)
{
	__atomic_store_n(&mapper->ledger.waiting, mapper->gather.count, __ATOMIC_RELAXED);
}

/* A device may still use what the gather holds: a fresh IOVA of it is never given out again. */
static int lose(struct dma_mapper *mapper, uint32_t count, int code)
{
	base_hist_bump(&mapper->ledger.lost, count);
	dma_waiting_clear(&mapper->waiting);
	set_waiting(mapper);
	return code;
}

static int sync_waiting(struct dma_mapper *mapper)
{
	struct dma_waiting *waiting = &mapper->waiting;
	struct dma_ledger *ledger = &mapper->ledger;
	uint64_t start = rte_rdtsc(), end;
	int ret = iommu_sync(mapper->domain, &mapper->gather);

	if (ret != 0)
		return lose(mapper, waiting->count, ret);
	end = rte_rdtsc();
	base_hist_bump(&ledger->invalidations, 1);
	base_hist_add(&ledger->sync_ns, dma_cycles_ns(end - start));
	for (uint32_t i = 0; i < waiting->count; i++) {
		const struct dma_waiting_entry *entry = &waiting->entry[i];

		base_hist_add(&ledger->window_ns, dma_cycles_ns(end - entry->since));
		if (mapper->cache != NULL)
			iova_cache_free(mapper->cache, entry->iova);
	}
	dma_waiting_clear(waiting);
	set_waiting(mapper);
	return 0;
}

int dma_mapper_flush(struct dma_mapper *mapper)
{
	return mapper->gather.count == 0 ? 0 : sync_waiting(mapper);
}

int dma_mapper_poll(struct dma_mapper *mapper)
{
	const struct dma_waiting *waiting = &mapper->waiting;

	if (waiting->count == 0 || dma_clock_ns(waiting->entry[0].since) < mapper->timeout_ns)
		return 0;
	return sync_waiting(mapper);
}

/* --- map ------------------------------------------------------------------------------------ */

/* Unmaps whose sync failed are in the gather, and not known by their IOVAs any more. */
static bool may_wait_for(const struct dma_mapper *mapper, uint64_t base)
{
	if (mapper->gather.count != mapper->waiting.count)
		return true;
	return mapper->waiting.count != 0 && mapper->waiting.bucket != NULL &&
	       dma_waiting_has(&mapper->waiting, base);
}

/*
 * What a unit's caches still hold of a fixed IOVA has other rights perhaps: entries without a right
 * fault, and are not read again from the tables.
 */
static int settle(struct dma_mapper *mapper, uint64_t base)
{
	return unlikely(may_wait_for(mapper, base)) ? sync_waiting(mapper) : 0;
}

static int choose_iova(struct dma_mapper *mapper, uint64_t offset, const uint64_t *iova,
		       uint64_t *base)
{
	if (mapper->cache != NULL)
		return pages_of(mapper, offset) > mapper->slot
			       ? -EINVAL
			       : iova_cache_alloc(mapper->cache, base);
	if ((*iova & (PAGE - 1)) != offset)
		return -EINVAL;
	*base = *iova - offset;
	return settle(mapper, *base);
}

int dma_map(struct dma_mapper *mapper, void *vaddr, uint32_t prot, uint64_t *iova)
{
	uint64_t start = rte_rdtsc();
	uint64_t offset = (uintptr_t)vaddr & (PAGE - 1);
	uint64_t bytes = pages_of(mapper, offset);
	uint64_t base;
	int ret = choose_iova(mapper, offset, iova, &base);

	if (ret != 0)
		return ret;
	ret = iommu_map(mapper->domain, base, (uint8_t *)vaddr - offset, bytes, PAGE, prot);
	if (ret != 0) {
		if (mapper->cache != NULL)
			iova_cache_free(mapper->cache, base);
		return ret;
	}
	*iova = base + offset;
	dma_ledger_map(&mapper->ledger, bytes, dma_clock_ns(start));
	return 0;
}

/* --- unmap ---------------------------------------------------------------------------------- */

static int unmap_strictly(struct dma_mapper *mapper, uint64_t base, uint64_t bytes, uint64_t start)
{
	struct dma_ledger *ledger = &mapper->ledger;
	int ret = iommu_sync(mapper->domain, &mapper->gather);

	dma_ledger_unmap(ledger, 1, bytes, dma_clock_ns(start));
	if (ret != 0)
		return lose(mapper, 1, ret);
	base_hist_bump(&ledger->invalidations, 1);
	if (mapper->cache != NULL)
		iova_cache_free(mapper->cache, base);
	if (unlikely(ledger->waiting != 0))
		set_waiting(mapper);
	return 0;
}

static int unmap_later(struct dma_mapper *mapper, uint64_t base, uint64_t bytes, uint64_t start)
{
	struct dma_waiting *waiting = &mapper->waiting;

	dma_waiting_add(waiting, base, start);
	set_waiting(mapper);
	dma_ledger_unmap(&mapper->ledger, 1, bytes, dma_clock_ns(start));
	return waiting->count == waiting->capacity ? sync_waiting(mapper) : 0;
}

int dma_unmap(struct dma_mapper *mapper, uint64_t iova)
{
	uint64_t start = rte_rdtsc();
	uint64_t base = iova & ~(PAGE - 1);
	uint64_t bytes = pages_of(mapper, iova);
	int ret = iommu_unmap(mapper->domain, base, bytes, &mapper->gather);

	if (ret != 0)
		return ret;
	if (mapper->is_gathering)
		return unmap_later(mapper, base, bytes, start);
	return unmap_strictly(mapper, base, bytes, start);
}

const struct dma_ledger *dma_mapper_ledger(const struct dma_mapper *mapper)
{
	return &mapper->ledger;
}
