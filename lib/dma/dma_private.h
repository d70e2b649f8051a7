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
	bool is_physical; /* set before there are arenas, never again */
	unsigned int arena_count;
	unsigned int mapper_count;
};

/* A domain's rights on a part. */
struct dma_grant {
	struct iommu_domain *domain;
	enum dma_part part;
	uint32_t prot;
	unsigned int mapped;	    /* how many of the part's runs */
	struct iommu_gather gather; /* not empty: unmapped, and the sync failed */
	uint64_t gathered;	    /* bytes of that */
	LIST_ENTRY(dma_grant) link;
};

/* A unit that knows the arena's memory, and how many grants and users need it to. */
struct dma_unit {
	struct iommu_unit *unit;
	unsigned int users;
	LIST_ENTRY(dma_unit) link;
};

struct dma_part_memory {
	struct hugemem_region *region; /* NULL: the part is empty */
	struct dma_range *run;	       /* in the process's order, the whole region */
	unsigned int run_count;
	bool is_identity;
};

struct dma_arena {
	struct dma_space *space;
	char name[DMA_NAME_SIZE];
	struct dma_part_memory part[DMA_PARTS];
	LIST_HEAD(, dma_grant) grants;
	LIST_HEAD(, dma_unit) units;
};

/* With the space's lock held: errors of iommu_memory_add(). */
int dma_unit_get(struct dma_arena *arena, struct iommu_unit *unit);
void dma_unit_put(struct dma_arena *arena, struct iommu_unit *unit);

/* Why a physical address is not to be had, and the next step. */
#define DMA_NO_PHYSICAL                                                                         \
	"the kernel hides physical addresses, which a device without IOMMU needs: run as root " \
	"(CAP_SYS_ADMIN), or put the device behind an IOMMU"

/* Takes pages and IOVAs; on failure nothing is left. Nothing for a request of 0 bytes. */
int dma_part_create(struct dma_space *space, struct hugemem_request *request, bool is_identity,
		    struct dma_part_memory *memory, struct base_error *err);
void dma_part_destroy(struct dma_space *space, struct dma_part_memory *memory);

/* --- the ledger ----------------------------------------------------------------------------- */

/* ns = cycles * dma_ns_scale >> DMA_NS_SHIFT, good for hours. */
#define DMA_NS_SHIFT 20
extern uint64_t dma_ns_scale;

/** Finds out how fast the time stamp counter runs; the first call takes some milliseconds. */
void dma_clock_init(void);

static inline uint64_t dma_cycles_ns(uint64_t cycles)
{
	return (cycles * dma_ns_scale) >> DMA_NS_SHIFT;
}

/* Not clock_gettime(): two of them cost more than a map. */
static inline uint64_t dma_clock_ns(uint64_t start)
{
	return dma_cycles_ns(rte_rdtsc() - start);
}

static inline void dma_ledger_map(struct dma_ledger *ledger, uint64_t bytes, uint64_t ns)
{
	base_hist_bump(&ledger->maps, 1);
	base_hist_bump(&ledger->mapped_bytes, bytes);
	base_hist_add(&ledger->map_ns, ns);
}

static inline void dma_ledger_unmap(struct dma_ledger *ledger, uint64_t unmaps, uint64_t bytes,
				    uint64_t ns)
{
	base_hist_bump(&ledger->unmaps, unmaps);
	base_hist_bump(&ledger->unmapped_bytes, bytes);
	base_hist_add(&ledger->unmap_ns, ns);
}
