/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of this folder share: the space, the arena, and the ledger's pen. */
#pragma once

#include <pthread.h>
#include <sys/queue.h>

#include <rte_cycles.h>

#include "dma.h"
#include "hugemem.h"
#include "iova.h"

#define DMA_NAME_SIZE 64

struct dma_space {
	pthread_mutex_t lock; /* arenas, their grants and units, the counts */
	struct iova_plan *plan;
	unsigned int arena_count;
	unsigned int mapper_count;
};

/* A domain's rights on a part. */
struct dma_grant {
	struct iommu_domain *domain;
	enum dma_part part;
	uint32_t prot;
	struct iommu_gather gather; /* not empty: unmapped, and the sync failed */
	LIST_ENTRY(dma_grant) link;
};

/* A unit that knows the arena's memory, and how many grants and users need it to. */
struct dma_unit {
	struct iommu_unit *unit;
	unsigned int users;
	LIST_ENTRY(dma_unit) link;
};

struct dma_arena {
	struct dma_space *space;
	char name[DMA_NAME_SIZE];
	struct hugemem_region *region[DMA_PARTS]; /* NULL: the part is empty */
	uint64_t iova[DMA_PARTS];
	LIST_HEAD(, dma_grant) grants;
	LIST_HEAD(, dma_unit) units;
};

/* With the space's lock held: errors of iommu_memory_add(). */
int dma_unit_get(struct dma_arena *arena, struct iommu_unit *unit);
void dma_unit_put(struct dma_arena *arena, struct iommu_unit *unit);

/* --- the ledger ----------------------------------------------------------------------------- */

/* ns = cycles * dma_ns_scale >> DMA_NS_SHIFT, good for hours. */
#define DMA_NS_SHIFT 20
extern uint64_t dma_ns_scale;

/** Finds out how fast the time stamp counter runs; the first call takes some milliseconds. */
void dma_clock_init(void);

/* Not clock_gettime(): two of them cost more than a map. */
static inline uint64_t dma_clock_ns(uint64_t start)
{
	return ((rte_rdtsc() - start) * dma_ns_scale) >> DMA_NS_SHIFT;
}

static inline void dma_ledger_map(struct dma_ledger *ledger, uint64_t bytes, uint64_t ns)
{
	base_hist_bump(&ledger->maps, 1);
	base_hist_bump(&ledger->mapped_bytes, bytes);
	base_hist_add(&ledger->map_ns, ns);
}

static inline void dma_ledger_unmap(struct dma_ledger *ledger, uint64_t bytes, uint64_t ns)
{
	base_hist_bump(&ledger->unmaps, 1);
	base_hist_bump(&ledger->unmapped_bytes, bytes);
	base_hist_bump(&ledger->invalidations, 1);
	base_hist_add(&ledger->unmap_ns, ns);
}
