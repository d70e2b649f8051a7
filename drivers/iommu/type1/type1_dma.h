/* SPDX-License-Identifier: BSD-3-Clause */
/* Maps and unmaps in a container, one ioctl each, and remembers what could not be unmapped. */
#pragma once

#include <sys/queue.h>

#include "iommu.h"

struct type1_stuck {
	SLIST_ENTRY(type1_stuck) link;
	uint64_t iova;
	uint64_t size;
};

/* Guarded by the domain's lock. */
struct type1_dma {
	int fd;				 /* the container's */
	bool is_short;			 /* the kernel had less to unmap than we knew of */
	bool is_lost;			 /* no memory to remember a range that is still mapped */
	SLIST_HEAD(, type1_stuck) stuck; /* the kernel refused to unmap these */
};

/** One VFIO_IOMMU_MAP_DMA; -errno, and then nothing is mapped. */
int type1_dma_map(const struct type1_dma *dma, const struct iommu_mapping *mapping);

/** One VFIO_IOMMU_UNMAP_DMA, which invalidates too; a failure is type1_dma_sync()'s to tell. */
void type1_dma_unmap(struct type1_dma *dma, uint64_t iova, uint64_t size);

/** Tries again what failed. -EIO: it fails again, or the kernel had less to unmap than was asked.
 */
int type1_dma_sync(struct type1_dma *dma);

/** Forgets failures: nothing is mapped any more. */
void type1_dma_forget(struct type1_dma *dma);

/** Unmaps whatever is there, and forgets failures. */
void type1_dma_unmap_all(struct type1_dma *dma);
