/* SPDX-License-Identifier: BSD-3-Clause */
/* Grants: which domain may do what with which part, and which units know the memory. */
#include <errno.h>
#include <stdlib.h>

#include "dma_private.h"

/* --- units that know the memory ------------------------------------------------------------- */

static void memory_remove(struct dma_arena *arena, struct iommu_unit *unit, int parts)
{
	for (int part = parts - 1; part >= 0; part--) {
		const struct hugemem_region *region = arena->part[part].region;

		if (region != NULL)
			iommu_memory_remove(unit, (uintptr_t)region->vaddr, region->size);
	}
}

/* Hardware knows all memory by itself (-ENOTSUP). */
static int memory_add(struct dma_arena *arena, struct iommu_unit *unit)
{
	for (int part = 0; part < DMA_PARTS; part++) {
		const struct hugemem_region *region = arena->part[part].region;
		int ret;

		if (region == NULL)
			continue;
		ret = iommu_memory_add(unit, (uintptr_t)region->vaddr, region->vaddr, region->size);
		if (ret != 0 && ret != -ENOTSUP) {
			memory_remove(arena, unit, part);
			return ret;
		}
	}
	return 0;
}

static struct dma_unit *find_unit(struct dma_arena *arena, const struct iommu_unit *unit)
{
	struct dma_unit *known;

	LIST_FOREACH(known, &arena->units, link) {
		if (known->unit == unit)
			return known;
	}
	return NULL;
}

int dma_unit_get(struct dma_arena *arena, struct iommu_unit *unit)
{
	struct dma_unit *known = find_unit(arena, unit);
	int ret;

	if (known != NULL) {
		known->users++;
		return 0;
	}
	known = calloc(1, sizeof(*known));
	if (known == NULL)
		return -ENOMEM;
	ret = memory_add(arena, unit);
	if (ret != 0) {
		free(known);
		return ret;
	}
	known->unit = unit;
	known->users = 1;
	LIST_INSERT_HEAD(&arena->units, known, link);
	return 0;
}

void dma_unit_put(struct dma_arena *arena, struct iommu_unit *unit)
{
	struct dma_unit *known = find_unit(arena, unit);

	if (--known->users != 0)
		return;
	LIST_REMOVE(known, link);
	memory_remove(arena, unit, DMA_PARTS);
	free(known);
}

int dma_arena_add_unit(struct dma_arena *arena, struct iommu_unit *unit)
{
	int ret;

	pthread_mutex_lock(&arena->space->lock);
	ret = dma_unit_get(arena, unit);
	pthread_mutex_unlock(&arena->space->lock);
	return ret;
}

void dma_arena_remove_unit(struct dma_arena *arena, struct iommu_unit *unit)
{
	pthread_mutex_lock(&arena->space->lock);
	dma_unit_put(arena, unit);
	pthread_mutex_unlock(&arena->space->lock);
}

/* --- grants --------------------------------------------------------------------------------- */

static struct dma_grant *find_grant(const struct dma_arena *arena, enum dma_part part,
				    const struct iommu_domain *domain)
{
	struct dma_grant *grant;

	LIST_FOREACH(grant, &arena->grants, link) {
		if (grant->part == part && grant->domain == domain)
			return grant;
	}
	return NULL;
}

static bool is_granted_elsewhere(const struct dma_arena *arena, enum dma_part part,
				 const struct iommu_domain *domain)
{
	const struct dma_grant *grant;

	LIST_FOREACH(grant, &arena->grants, link) {
		if (grant->part == part && grant->domain != domain)
			return true;
	}
	return false;
}

/* Repeats what is left of a revocation that failed, too. */
static int unmap_part(struct dma_arena *arena, struct dma_grant *grant, struct dma_ledger *ledger)
{
	const struct iommu_limits *limits = iommu_unit_limits(iommu_domain_unit(grant->domain));
	const struct dma_part_memory *memory = &arena->part[grant->part];
	uint64_t start = rte_rdtsc();
	uint32_t unmaps;
	int ret;

	while (grant->mapped > 0) {
		const struct dma_range *run = &memory->run[grant->mapped - 1];

		ret = iommu_unmap(grant->domain, run->iova, run->size, &grant->gather);
		if (ret != 0)
			return ret;
		grant->mapped--;
		grant->gathered += run->size;
	}
	unmaps = grant->gather.count;
	ret = iommu_sync(grant->domain, &grant->gather);
	if (ret != 0)
		return ret;
	if (ledger != NULL && unmaps > 0) {
		dma_ledger_unmap(ledger, unmaps, grant->gathered, dma_clock_ns(start));
		base_hist_bump(&ledger->invalidations, limits->unmap_syncs ? unmaps : 1);
	}
	grant->gathered = 0;
	grant->prot = 0;
	return 0;
}

/* Where it fails part of the way, and taking that back fails too, a device may use some of it. */
static int map_part(struct dma_arena *arena, struct dma_grant *grant, uint32_t prot,
		    struct dma_ledger *ledger)
{
	const struct dma_part_memory *memory = &arena->part[grant->part];

	grant->prot = prot;
	while (grant->mapped < memory->run_count) {
		const struct dma_range *run = &memory->run[grant->mapped];
		uint64_t start = rte_rdtsc();
		int ret = iommu_map(grant->domain, run->iova, run->vaddr, run->size, run->page_size,
				    prot);

		if (ret != 0) {
			unmap_part(arena, grant, ledger);
			return ret;
		}
		grant->mapped++;
		if (ledger != NULL)
			dma_ledger_map(ledger, run->size, dma_clock_ns(start));
	}
	return 0;
}

static void grant_destroy(struct dma_arena *arena, struct dma_grant *grant)
{
	LIST_REMOVE(grant, link);
	dma_unit_put(arena, iommu_domain_unit(grant->domain));
	free(grant);
}

static int grant_create(struct dma_arena *arena, enum dma_part part, struct iommu_domain *domain,
			struct dma_grant **out)
{
	struct dma_grant *grant = calloc(1, sizeof(*grant));
	int ret;

	if (grant == NULL)
		return -ENOMEM;
	ret = dma_unit_get(arena, iommu_domain_unit(domain));
	if (ret != 0) {
		free(grant);
		return ret;
	}
	grant->domain = domain;
	grant->part = part;
	LIST_INSERT_HEAD(&arena->grants, grant, link);
	*out = grant;
	return 0;
}

/* A grant whose sync failed has rights that a device may still use, and no mapping. */
static bool is_as_asked(const struct dma_arena *arena, const struct dma_grant *grant, uint32_t prot)
{
	if (grant == NULL)
		return prot == 0;
	return grant->prot == prot && grant->gather.count == 0 &&
	       grant->mapped == arena->part[grant->part].run_count;
}

static int change(struct dma_arena *arena, enum dma_part part, struct iommu_domain *domain,
		  uint32_t prot, struct dma_ledger *ledger)
{
	struct dma_grant *grant = find_grant(arena, part, domain);
	int ret = 0;

	if (is_as_asked(arena, grant, prot))
		return 0;
	if (part == DMA_RINGS && is_granted_elsewhere(arena, part, domain))
		return -EPERM;
	if (grant == NULL)
		ret = grant_create(arena, part, domain, &grant);
	else
		ret = unmap_part(arena, grant, ledger);
	if (ret != 0)
		return ret;
	if (prot != 0)
		ret = map_part(arena, grant, prot, ledger);
	if (grant->prot == 0)
		grant_destroy(arena, grant);
	return ret;
}

int dma_arena_grant(struct dma_arena *arena, enum dma_part part, struct iommu_domain *domain,
		    uint32_t prot, struct dma_ledger *ledger)
{
	int ret;

	if ((prot & ~(IOMMU_READ | IOMMU_WRITE)) != 0)
		return -EINVAL;
	if (arena->part[part].region == NULL)
		return -ENOENT;
	pthread_mutex_lock(&arena->space->lock);
	ret = change(arena, part, domain, prot, ledger);
	pthread_mutex_unlock(&arena->space->lock);
	return ret;
}

uint32_t dma_arena_rights(const struct dma_arena *arena, enum dma_part part,
			  const struct iommu_domain *domain)
{
	const struct dma_grant *grant;
	uint32_t prot;

	pthread_mutex_lock(&arena->space->lock);
	grant = find_grant(arena, part, domain);
	prot = grant == NULL ? 0 : grant->prot;
	pthread_mutex_unlock(&arena->space->lock);
	return prot;
}
