/* SPDX-License-Identifier: BSD-3-Clause */
/* Maps and unmaps in a container, one ioctl each, and remembers what could not be unmapped. */
#pragma once

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/queue.h>

#include <linux/vfio.h>

#include "iommu.h"

struct type1_stuck {
	SLIST_ENTRY(type1_stuck) link;
	uint64_t iova;
	uint64_t size;
};

/* Guarded by the domain's lock. */
struct type1_dma {
	int fd;				 /* the container's */
	bool is_failed;			 /* one of the three below */
	bool is_short;			 /* the kernel had less to unmap than we knew of */
	bool is_lost;			 /* no memory to remember a range that is still mapped */
	SLIST_HEAD(, type1_stuck) stuck; /* the kernel refused to unmap these */
};

/** Remembers an unmap that failed (did nothing) or was short. */
void type1_dma_fail(struct type1_dma *dma, uint64_t iova, uint64_t size, bool is_short);

/** Tries again what failed. -EIO: it fails again, or the kernel had less to unmap than was asked.
 */
int type1_dma_retry(struct type1_dma *dma);

/** Forgets failures: nothing is mapped any more. */
void type1_dma_forget(struct type1_dma *dma);

/** Unmaps whatever is there, and forgets failures. */
void type1_dma_unmap_all(struct type1_dma *dma);

/** One VFIO_IOMMU_MAP_DMA; -errno, and then nothing is mapped. */
static inline int type1_dma_map(const struct type1_dma *dma, const struct iommu_mapping *mapping)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = ((mapping->prot & IOMMU_READ) != 0 ? VFIO_DMA_MAP_FLAG_READ : 0) |
			 ((mapping->prot & IOMMU_WRITE) != 0 ? VFIO_DMA_MAP_FLAG_WRITE : 0),
		.vaddr = (uintptr_t)mapping->vaddr,
		.iova = mapping->iova,
		.size = mapping->size,
	};

	if (ioctl(dma->fd, VFIO_IOMMU_MAP_DMA, &map) == 0)
		return 0;
	/* alignment was checked before, so it is a range that the kernel has come to reserve */
	return errno == EINVAL ? -ERANGE : -errno;
}

/** One VFIO_IOMMU_UNMAP_DMA, which invalidates too; a failure is type1_dma_sync()'s to tell. */
static inline void type1_dma_unmap(struct type1_dma *dma, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = size,
	};

	if (ioctl(dma->fd, VFIO_IOMMU_UNMAP_DMA, &unmap) != 0)
		type1_dma_fail(dma, iova, size, false);
	else if (unmap.size != size)
		type1_dma_fail(dma, iova, size, true);
}

/** 0, or what type1_dma_retry() says. */
static inline int type1_dma_sync(struct type1_dma *dma)
{
	return dma->is_failed ? type1_dma_retry(dma) : 0;
}
