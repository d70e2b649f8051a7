/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory for the bytes of a capture: an arena that one domain may read, or EAL's own memory. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base_error.h"
#include "dma.h"

struct replay_memory_config {
	struct dma_space *space;
	struct iommu_domain *domain; /* NULL: no device does DMA, EAL's memory will do */
	struct dma_ledger *ledger;   /* counts the mapping; may be NULL */
	size_t page_size;	     /* largest page to ask for; 0: the largest that fits */
	int node;		     /* NUMA, -1: any */
};

struct replay_memory {
	void *vaddr;
	uint64_t iova; /* of its first byte */
	size_t size;
	struct dma_arena *arena; /* NULL: EAL's */
	struct iommu_domain *domain;
	struct dma_ledger *ledger;
};

/**
 * Where the next `size` bytes that a device uses at once can lie, from `offset` on: in one huge
 * page. Two cost two entries of an IOTLB, and at physical addresses they are no neighbours.
 */
uint64_t replay_memory_place(const struct replay_memory_config *config, uint64_t offset,
			     uint64_t size);

uint64_t replay_memory_iova(const struct replay_memory *memory, uint64_t offset);

/**
 * Takes `size` cleared bytes, contiguous in the process. With a domain they are mapped in it
 * for reading only: its device cannot change what it sends. -ENOMEM with the next step in err.
 */
int replay_memory_create(const struct replay_memory_config *config, size_t size,
			 struct replay_memory *memory, struct base_error *err);

/** Unmaps and frees; the device must be done with it. */
void replay_memory_destroy(struct replay_memory *memory);

/** Bytes that can be had: free huge pages and what the kernel calls available. */
uint64_t replay_memory_available(void);
