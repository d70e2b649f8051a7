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

/* Clear of the first MiB, where PCs have firmware and legacy devices, and easy to recognise. */
#define DMA_PLAN_BASE  UINT64_C(0x10000000)
#define DMA_PLAN_LIMIT (UINT64_C(1) << 48)

/*
 * Where EAL puts its memory (base-virtaddr), which is mapped at its own addresses for drivers that
 * need it: 512 GiB at most (RTE_MAX_MEM_MB), and as much again for gaps and external heaps.
 */
#define DMA_EAL_BASE  UINT64_C(0x100000000)
#define DMA_EAL_LIMIT (UINT64_C(1) << 40)

/**
 * A plan over [256 MiB, 2^48) without the MSI window and without [4 GiB, 1 TiB), where EAL puts
 * its own memory. What is below 4 GiB goes first: domains of three levels reach it, too.
 */
int dma_space_create(struct dma_space **out, struct base_error *err);
/** -EBUSY while it has arenas or mappers. */
int dma_space_destroy(struct dma_space *space);

/**
 * From now on an arena's IOVAs are the physical addresses of its pages, as devices need that no
 * IOMMU stands before; the same in every domain, so that grants work between them and others.
 * Pages are huge ones then, and scattered: dma_arena_run(). -EBUSY: there are arenas or mappers;
 * -EPERM: the kernel hides physical addresses (CAP_SYS_ADMIN).
 */
int dma_space_use_physical(struct dma_space *space, struct base_error *err);
bool dma_space_is_physical(const struct dma_space *space);

/** Keeps a unit's holes and everything above its address width out of the plan. */
int dma_space_add_unit(struct dma_space *space, const struct iommu_unit *unit);

/* Of the whole plan; what mappers keep in their caches is not free. */
struct dma_space_usage {
	uint64_t free_bytes;
	uint64_t largest_free_bytes;
	uint64_t free_ranges;
	uint32_t fragmentation_ppm; /* 1 - largest / free: what the largest range does not hold */
};

/** Any thread. */
void dma_space_usage(struct dma_space *space, struct dma_space_usage *usage);

/* --- arenas: a port's DMA memory (design 3.3) ----------------------------------------------- */

struct dma_arena_config {
	const char *name;
	size_t ring_size;   /* bytes for descriptor rings; may be 0 */
	size_t buffer_size; /* bytes for packet data */
	size_t page_size;   /* largest page to ask for; 0: the largest that fits */
	int node;	    /* NUMA node, -1: any */
	bool is_identity;   /* IOVA = address in the process: for direct units in software */
};

enum dma_part {
	DMA_RINGS,   /* descriptor rings: never granted to another device */
	DMA_BUFFERS, /* packet data */
	DMA_PARTS,
};

/* A part, or a run of it that is contiguous in IOVA, too. */
struct dma_range {
	uint64_t iova;
	void *vaddr;
	size_t size;
	size_t page_size;
};

/**
 * Takes cleared pages from the node and an IOVA range from the plan; maps nothing.
 * Each part starts on a page of its own, so that rights end at a page. Software units get to
 * know the memory when it is granted. Rings take pages of at most 2 MiB.
 */
int dma_arena_create(struct dma_space *space, const struct dma_arena_config *config,
		     struct dma_arena **out, struct base_error *err);
/** -EBUSY while any part is granted, or a unit was added. */
int dma_arena_destroy(struct dma_arena *arena);

/** The whole part, contiguous in the process; iova is that of its first byte. Size 0: empty. */
void dma_arena_range(const struct dma_arena *arena, enum dma_part part, struct dma_range *range);

/**
 * Run n of a part, in the process's order; false past the last. One, but for physical
 * addresses. Runs are whole pages: nothing that a device uses at once may lie in two of them.
 */
bool dma_arena_run(const struct dma_arena *arena, enum dma_part part, unsigned int n,
		   struct dma_range *run);
/** The IOVA of a byte of a part that has it. */
uint64_t dma_arena_iova(const struct dma_arena *arena, enum dma_part part, size_t offset);
const char *dma_arena_name(const struct dma_arena *arena);
/** Why its pages are smaller than asked for, or "". */
const char *dma_arena_step_back(const struct dma_arena *arena);

struct dma_ledger;

/**
 * Makes the domain's rights on a part exactly `prot`, at the arena's own IOVA; 0 revokes, with a
 * completed invalidation. Other rights than before: unmapped, synced and mapped again, so
 * the devices that use the part must be stopped; if that map fails, no rights are left. DMA_RINGS
 * goes to one domain at most (-EPERM). -ENOENT: the part is empty. Revoke before the domain is
 * destroyed. ledger counts it; may be NULL. Else errors of iommu_map().
 */
int dma_arena_grant(struct dma_arena *arena, enum dma_part part, struct iommu_domain *domain,
		    uint32_t prot, struct dma_ledger *ledger);

/** The rights that a domain has on a part, 0: none. */
uint32_t dma_arena_rights(const struct dma_arena *arena, enum dma_part part,
			  const struct iommu_domain *domain);

/**
 * Lets a unit reach the arena's memory without any mapping yet, as strict and deferred
 * need it for buffers that are mapped one by one; errors of iommu_memory_add().
 */
int dma_arena_add_unit(struct dma_arena *arena, struct iommu_unit *unit);
void dma_arena_remove_unit(struct dma_arena *arena, struct iommu_unit *unit);

/* --- policies: when a buffer is mapped, and at which IOVA (design 3.5) ----------------------- */

enum dma_policy {
	DMA_STATIC,   /* the arena is mapped once (DPDK's way) */
	DMA_STRICT,   /* mapped at hand-over, unmapped and synced before the program sees it */
	DMA_DEFERRED, /* as strict, syncs gathered */
};

const char *dma_policy_name(enum dma_policy policy);

#define DMA_BATCH_DEFAULT      128
#define DMA_BATCH_MAX	       4096
#define DMA_TIMEOUT_US_DEFAULT 10000 /* of Linux's flush queue (dma-iommu.c) */

struct dma_policy_config {
	enum dma_policy policy;
	uint32_t batch;	     /* deferred: unmaps gathered for a sync, 1 to DMA_BATCH_MAX */
	uint32_t timeout_us; /* deferred: longest that an unmap waits, as long as it is polled */
	bool is_fresh;	     /* another IOVA each time, as Linux gives; else the buffer's own */
};

/**
 * Reads "static", "strict[,iova=fixed|fresh]" or "deferred[,batch=N][,timeout-us=N][,iova=...]"
 * into out, with defaults for what is left out (fresh). -EINVAL with the reason in err, and out is
 * as it was.
 */
int dma_policy_parse(const char *text, struct dma_policy_config *out, struct base_error *err);

#define DMA_POLICY_TEXT_SIZE 64

/** Writes what dma_policy_parse() reads, with all that matters to the policy; returns text. */
const char *dma_policy_print(const struct dma_policy_config *config,
			     char text[DMA_POLICY_TEXT_SIZE]);

/* --- the ledger: what was mapped and what it cost ------------------------------------------- */

/* One writer; others may read while it writes. */
struct dma_ledger {
	enum dma_policy policy;
	uint64_t maps;
	uint64_t unmaps; /* the tables no longer hold it; under deferred a device's caches may */
	uint64_t mapped_bytes;
	uint64_t unmapped_bytes;
	uint64_t invalidations; /* completed syncs */
	uint64_t waiting;	/* unmapped, and no sync has completed since */
	uint64_t lost; /* unmaps whose sync failed: no window known, fresh IOVAs never reissued */
	struct base_hist map_ns;
	struct base_hist unmap_ns;  /* with the sync where the policy waits for it */
	struct base_hist sync_ns;   /* deferred: of one sync */
	struct base_hist window_ns; /* deferred: of one buffer, from unmap to completed sync */
};

/* --- mappers: map and unmap of single buffers, one per queue -------------------------------- */

/**
 * A mapper maps buffers of `size` bytes in `domain` as config says, and unmaps them; one lcore
 * uses it. Whole 4 KiB pages are mapped. Fresh: buffers whose size is a power of two stand aligned
 * to it (or to 4 KiB). Fixed: no two buffers may share a 4 KiB page, so their stride is a multiple
 * of it. The memory must be known to the unit (dma_arena_add_unit()) and not granted in the
 * domain. -EINVAL: static, a size of 0 or a batch out of range.
 */
int dma_mapper_create(struct dma_space *space, struct iommu_domain *domain, size_t size,
		      const struct dma_policy_config *config, struct dma_mapper **out);
/** Syncs what waits. -EBUSY while anything it mapped is not unmapped; errors of that sync. */
int dma_mapper_destroy(struct dma_mapper *mapper);

/**
 * Maps one buffer. Fresh: iova is set, with the buffer's offset in its page. Fixed: *iova is the
 * buffer's own (dma_arena_iova()), and stays it; when it waits for its sync, that comes first, and
 * its errors; what waits in another mapper of the domain the caller flushes before. Else errors
 * of iommu_map() (-EEXIST: another buffer of the page is mapped, or the part is granted), -ENOSPC
 * when the plan is full, -EINVAL: a buffer touches one page more than an aligned one, or a fixed
 * IOVA has another offset.
 */
int dma_map(struct dma_mapper *mapper, void *vaddr, uint32_t prot, uint64_t *iova);

/**
 * Unmaps it. Strict: the invalidation has completed on return. Deferred: it waits until `batch`
 * wait or dma_mapper_poll() finds the oldest too old; so it does nowhere where each unmap
 * invalidates (iommu_limits.unmap_syncs): as strict, at no more cost. Errors of iommu_unmap(), and
 * of iommu_sync(): the buffers of that sync are unmapped, but a device may still use them.
 */
int dma_unmap(struct dma_mapper *mapper, uint64_t iova);

/** Deferred: syncs when the oldest unmap has waited timeout_us; cheap. Errors of iommu_sync(). */
int dma_mapper_poll(struct dma_mapper *mapper);

/** Syncs all that waits; errors of iommu_sync(). */
int dma_mapper_flush(struct dma_mapper *mapper);

const struct dma_ledger *dma_mapper_ledger(const struct dma_mapper *mapper);
