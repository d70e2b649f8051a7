/* SPDX-License-Identifier: BSD-3-Clause */
/* The ioctls of a mapping (Linux vfio_iommu_type1.c). */
#include "type1_dma.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include <linux/vfio.h>

int type1_dma_map(const struct type1_dma *dma, const struct iommu_mapping *mapping)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.vaddr = (uintptr_t)mapping->vaddr,
		.iova = mapping->iova,
		.size = mapping->size,
	};

	if ((mapping->prot & IOMMU_READ) != 0)
		map.flags |= VFIO_DMA_MAP_FLAG_READ;
	if ((mapping->prot & IOMMU_WRITE) != 0)
		map.flags |= VFIO_DMA_MAP_FLAG_WRITE;
	if (ioctl(dma->fd, VFIO_IOMMU_MAP_DMA, &map) == 0)
		return 0;
	/* alignment was checked before, so it is a range that the kernel has come to reserve */
	return errno == EINVAL ? -ERANGE : -errno;
}

static int unmap(const struct type1_dma *dma, uint64_t iova, uint64_t size, uint64_t *done)
{
	struct vfio_iommu_type1_dma_unmap request = {
		.argsz = sizeof(request),
		.iova = iova,
		.size = size,
	};

	if (ioctl(dma->fd, VFIO_IOMMU_UNMAP_DMA, &request) != 0)
		return -errno;
	*done = request.size;
	return 0;
}

void type1_dma_unmap(struct type1_dma *dma, uint64_t iova, uint64_t size)
{
	struct type1_stuck *stuck;
	uint64_t done = 0;

	if (unmap(dma, iova, size, &done) == 0) {
		dma->is_short |= done != size;
		return;
	}
	stuck = malloc(sizeof(*stuck));
	if (stuck == NULL) {
		dma->is_lost = true;
		return;
	}
	stuck->iova = iova;
	stuck->size = size;
	SLIST_INSERT_HEAD(&dma->stuck, stuck, link);
}

int type1_dma_sync(struct type1_dma *dma)
{
	struct type1_stuck *stuck;
	uint64_t done = 0;
	int ret = dma->is_short || dma->is_lost ? -EIO : 0;

	dma->is_short = false;
	while ((stuck = SLIST_FIRST(&dma->stuck)) != NULL) {
		if (unmap(dma, stuck->iova, stuck->size, &done) != 0)
			return -EIO;
		SLIST_REMOVE_HEAD(&dma->stuck, link);
		free(stuck);
	}
	return ret;
}

void type1_dma_forget(struct type1_dma *dma)
{
	struct type1_stuck *stuck;

	while ((stuck = SLIST_FIRST(&dma->stuck)) != NULL) {
		SLIST_REMOVE_HEAD(&dma->stuck, link);
		free(stuck);
	}
	dma->is_short = false;
	dma->is_lost = false;
}

void type1_dma_unmap_all(struct type1_dma *dma)
{
	struct vfio_iommu_type1_dma_unmap request = {
		.argsz = sizeof(request),
		.flags = VFIO_DMA_UNMAP_FLAG_ALL,
	};

	/* nobody is left to tell of a failure */
	(void)ioctl(dma->fd, VFIO_IOMMU_UNMAP_DMA, &request);
	type1_dma_forget(dma);
}
