/* SPDX-License-Identifier: BSD-3-Clause */
/* The IOVA plan of the process and what is kept out of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dma_private.h"

/* A write there is an interrupt (Intel SDM, message signalled interrupts). */
#define MSI_WINDOW	UINT64_C(0xfee00000)
#define MSI_WINDOW_SIZE UINT64_C(0x100000)

#define RANGES_PER_CALL 32

/* Takes what is still free in [start, limit): holes of several units overlap. */
static int keep_out(struct iova_plan *plan, uint64_t start, uint64_t limit)
{
	struct iova_range range[RANGES_PER_CALL];

	while (start < limit) {
		unsigned int count = iova_free_ranges(plan, start, range, RANGES_PER_CALL);

		if (count == 0)
			return 0;
		for (unsigned int i = 0; i < count; i++) {
			uint64_t from = range[i].iova < start ? start : range[i].iova;
			uint64_t end = range[i].iova + range[i].size;
			int ret;

			if (from >= limit)
				return 0;
			end = end < limit ? end : limit;
			ret = iova_reserve(plan, from, end - from);
			if (ret != 0)
				return ret;
			start = end;
		}
	}
	return 0;
}

int dma_space_create(struct dma_space **out, struct base_error *err)
{
	struct dma_space *space = calloc(1, sizeof(*space));
	int ret = -ENOMEM;

	if (space == NULL)
		goto fail;
	ret = iova_plan_create(DMA_PLAN_BASE, DMA_PLAN_LIMIT, &space->plan);
	if (ret != 0)
		goto free_space;
	ret = keep_out(space->plan, MSI_WINDOW, MSI_WINDOW + MSI_WINDOW_SIZE);
	if (ret == 0)
		ret = keep_out(space->plan, DMA_EAL_BASE, DMA_EAL_LIMIT);
	if (ret != 0)
		goto destroy_plan;
	pthread_mutex_init(&space->lock, NULL);
	dma_clock_init();
	*out = space;
	return 0;

destroy_plan:
	iova_plan_destroy(space->plan);
free_space:
	free(space);
fail:
	return base_error_set(err, ret, "cannot plan IOVAs: %s", strerror(-ret));
}

int dma_space_destroy(struct dma_space *space)
{
	bool is_used;

	pthread_mutex_lock(&space->lock);
	is_used = space->arena_count != 0 || space->mapper_count != 0;
	pthread_mutex_unlock(&space->lock);
	if (is_used)
		return -EBUSY;
	pthread_mutex_destroy(&space->lock);
	iova_plan_destroy(space->plan);
	free(space);
	return 0;
}

int dma_space_add_unit(struct dma_space *space, const struct iommu_unit *unit)
{
	const struct iommu_limits *limits = iommu_unit_limits(unit);
	uint64_t page = IOMMU_PAGE_SIZE;
	int ret = 0;

	for (unsigned int i = 0; i < limits->hole_count && ret == 0; i++) {
		uint64_t start = limits->hole[i].iova & ~(page - 1);
		uint64_t end = limits->hole[i].iova + limits->hole[i].size;

		/* A hole may end with the address space. */
		end = end < start ? DMA_PLAN_LIMIT : (end + page - 1) & ~(page - 1);
		ret = keep_out(space->plan, start, end < DMA_PLAN_LIMIT ? end : DMA_PLAN_LIMIT);
	}
	if (ret == 0 && limits->addr_bits < 48)
		ret = keep_out(space->plan, UINT64_C(1) << limits->addr_bits, DMA_PLAN_LIMIT);
	return ret;
}

/* Nothing that the plan gives out may be the address of some memory. */
int dma_space_use_physical(struct dma_space *space, struct base_error *err)
{
	uint64_t end;
	int ret = hugemem_physical_end(&end);

	if (ret == -EPERM)
		return base_error_set(err, ret, DMA_NO_PHYSICAL);
	if (ret != 0)
		return base_error_set(err, ret, "/proc/iomem does not tell where memory ends: %s",
				      strerror(-ret));
	pthread_mutex_lock(&space->lock);
	if (space->arena_count != 0 || space->mapper_count != 0)
		ret = base_error_set(err, -EBUSY, "IOVAs of another kind are in use already");
	else
		ret = keep_out(space->plan, 0, end < DMA_PLAN_LIMIT ? end : DMA_PLAN_LIMIT);
	space->is_physical = ret == 0;
	pthread_mutex_unlock(&space->lock);
	return ret;
}

void dma_space_usage(struct dma_space *space, struct dma_space_usage *usage)
{
	struct iova_usage plan;
	uint64_t rest;

	iova_plan_usage(space->plan, &plan);
	rest = plan.free_bytes - plan.largest_bytes;
	*usage = (struct dma_space_usage){
		.free_bytes = plan.free_bytes,
		.largest_free_bytes = plan.largest_bytes,
		.free_ranges = plan.free_ranges,
	};
	if (plan.free_bytes != 0)
		usage->fragmentation_ppm =
			(uint32_t)((unsigned __int128)rest * 1000000 / plan.free_bytes);
}

bool dma_space_is_physical(const struct dma_space *space)
{
	return space->is_physical;
}
