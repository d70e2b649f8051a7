/* SPDX-License-Identifier: BSD-3-Clause */
/* The DMA mapping layer: arenas, grants, policies and the ledger (Linux: dma-iommu.c). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base_error.h"
#include "base_hist.h"
#include "iommu.h"

struct dma_space;
struct dma_arena;
struct dma_mapper;

/* --- the space: one IOVA plan for the whole process (design 3.4) ---------------------------- */

/** 48-bit plan without the MSI window and without [0x100000000, ...) where EAL puts its own. */
int dma_space_create(struct dma_space **out, struct base_error *err);
/** -EBUSY while it has arenas or mappers. */
int dma_space_destroy(struct dma_space *space);

/** Keeps a unit's holes and everything above its address width out of the plan. */
int dma_space_add_unit(struct dma_space *space, const struct iommu_unit *unit);

/* --- arenas: a port's DMA memory (design 3.3) ----------------------------------------------- */

struct dma_arena_config {
	const char *name;
	size_t ring_size;   /* bytes for descriptor rings; may be 0 */
	size_t buffer_size; /* bytes for packet data */
	size_t page_size;   /* largest page to ask for; 0: the largest that fits */
	int node;	    /* NUMA node, -1: any */
};

enum dma_part {
	DMA_RINGS,   /* descriptor rings: never granted to another device */
	DMA_BUFFERS, /* packet data */
	DMA_PARTS,
};

/* One part: contiguous in IOVA and in the process. */
struct dma_range {
	uint64_t iova;
	void *vaddr;
	size_t size;
	size_t page_size;
};

/**
 * Takes cleared pages from the node and an IOVA range from the plan; maps nothing.
 * Each part starts on a page of its own, so that rights end at a page. Software units get to
 * know the memory when it is granted.
 */
int dma_arena_create(struct dma_space *space, const struct dma_arena_config *config,
		     struct dma_arena **out, struct base_error *err);
/** -EBUSY while any part is granted. */
int dma_arena_destroy(struct dma_arena *arena);

void dma_arena_range(const struct dma_arena *arena, enum dma_part part, struct dma_range *range);
const char *dma_arena_name(const struct dma_arena *arena);
/** Why its pages are smaller than asked for, or "". */
const char *dma_arena_step_back(const struct dma_arena *arena);

/**
 * Makes the domain's rights on a part exactly `prot`, at the arena's own IOVA; 0 revokes, with a
 * completed invalidation. Other rights than before: unmapped, synced and mapped again, so
 * the devices that use the part must be stopped. DMA_RINGS goes to one domain at most (-EPERM).
 * ledger counts it; may be NULL.
 */
struct dma_ledger;
int dma_arena_grant(struct dma_arena *arena, enum dma_part part, struct iommu_domain *domain,
		    uint32_t prot, struct dma_ledger *ledger);

/** The rights that a domain has on a part, 0: none. */
uint32_t dma_arena_rights(const struct dma_arena *arena, enum dma_part part,
			  const struct iommu_domain *domain);

/* --- the ledger: what was mapped and what it cost ------------------------------------------- */

enum dma_policy {
	DMA_STATIC,   /* the arena is mapped once (DPDK's way) */
	DMA_STRICT,   /* mapped at hand-over, unmapped and synced before the program sees it */
	DMA_DEFERRED, /* as strict, syncs gathered */
};

const char *dma_policy_name(enum dma_policy policy);

/* One writer; others may read while it writes. */
struct dma_ledger {
	enum dma_policy policy;
	uint64_t maps;
	uint64_t unmaps;
	uint64_t mapped_bytes;
	uint64_t unmapped_bytes;
	uint64_t invalidations; /* completed syncs */
	struct base_hist map_ns;
	struct base_hist unmap_ns; /* with the sync where the policy waits for it */
};

/* --- mappers: map and unmap of single buffers, one per queue -------------------------------- */

/**
 * A mapper gives buffers of `size` bytes an IOVA of its own in `domain`, and takes it back. It
 * owns an IOVA cache; one lcore uses it. The static policy has no mapper.
 */
int dma_mapper_create(struct dma_space *space, struct iommu_domain *domain, size_t size,
		      struct dma_mapper **out);
/** Everything it mapped must have been unmapped: -EBUSY. */
int dma_mapper_destroy(struct dma_mapper *mapper);

/** Maps one buffer; errors of iommu_map(), and -ENOSPC when the plan is full. */
int dma_map(struct dma_mapper *mapper, void *vaddr, uint32_t prot, uint64_t *iova);

/** Unmaps it and waits for the completed invalidation (strict). Errors of iommu_unmap(). */
int dma_unmap(struct dma_mapper *mapper, uint64_t iova);

const struct dma_ledger *dma_mapper_ledger(const struct dma_mapper *mapper);
