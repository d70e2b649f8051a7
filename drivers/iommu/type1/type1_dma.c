/* SPDX-License-Identifier: BSD-3-Clause */
/* Unmaps that failed (Linux vfio_iommu_type1.c: they should not). */
#include "type1_dma.h"

#include <stdlib.h>

void type1_dma_fail(struct type1_dma *dma, uint64_t iova, uint64_t size, bool is_short)
{
	struct type1_stuck *stuck;

	dma->is_failed = true;
	if (is_short) {
		dma->is_short = true;
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

static int unmap_again(const struct type1_dma *dma, const struct type1_stuck *stuck)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = stuck->iova,
		.size = stuck->size,
	};

	return ioctl(dma->fd, VFIO_IOMMU_UNMAP_DMA, &unmap);
}

static void drop_first(struct type1_dma *dma)
{
	struct type1_stuck *stuck = SLIST_FIRST(&dma->stuck);

	SLIST_REMOVE_HEAD(&dma->stuck, link);
	free(stuck);
}

int type1_dma_retry(struct type1_dma *dma)
{
	int ret = dma->is_short || dma->is_lost ? -EIO : 0;

	dma->is_short = false;
	while (!SLIST_EMPTY(&dma->stuck)) {
		if (unmap_again(dma, SLIST_FIRST(&dma->stuck)) != 0)
			return -EIO;
		drop_first(dma);
	}
	dma->is_failed = dma->is_lost;
	return ret;
}

void type1_dma_forget(struct type1_dma *dma)
{
	while (!SLIST_EMPTY(&dma->stuck))
		drop_first(dma);
	dma->is_short = false;
	dma->is_lost = false;
	dma->is_failed = false;
}

void type1_dma_unmap_all(struct type1_dma *dma)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = VFIO_DMA_UNMAP_FLAG_ALL,
	};

	/* nobody is left to tell of a failure */
	(void)ioctl(dma->fd, VFIO_IOMMU_UNMAP_DMA, &unmap);
	type1_dma_forget(dma);
}
