/* SPDX-License-Identifier: BSD-3-Clause */
/* One part of an arena: its pages, and the runs of IOVAs that they have. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dma_private.h"

static void add_run(struct dma_part_memory *memory, const struct dma_range *run)
{
	struct dma_range *last =
		memory->run_count == 0 ? NULL : &memory->run[memory->run_count - 1];

	if (last != NULL && last->iova + last->size == run->iova)
		last->size += run->size;
	else
		memory->run[memory->run_count++] = *run;
}

/* The kernel's pages, wherever they are: neighbours in the process are seldom so in memory. */
static int find_pages(struct dma_part_memory *memory)
{
	const struct hugemem_region *region = memory->region;

	for (size_t offset = 0; offset < region->size; offset += region->page_size) {
		struct dma_range run = {
			.vaddr = (uint8_t *)region->vaddr + offset,
			.size = region->page_size,
			.page_size = region->page_size,
		};
		int ret = hugemem_virt_to_phys(run.vaddr, &run.iova);

		if (ret != 0)
			return ret;
		add_run(memory, &run);
	}
	return 0;
}

static int find_iovas(struct dma_space *space, struct dma_part_memory *memory)
{
	const struct hugemem_region *region = memory->region;
	struct dma_range *run = &memory->run[0];

	if (space->is_physical && !memory->is_identity)
		return find_pages(memory);
	*run = (struct dma_range){
		.iova = (uintptr_t)region->vaddr,
		.vaddr = region->vaddr,
		.size = region->size,
		.page_size = region->page_size,
	};
	memory->run_count = 1;
	if (memory->is_identity)
		return iova_reserve(space->plan, run->iova, run->size);
	return iova_alloc(space->plan, run->size, run->page_size, &run->iova);
}

static int explain(const struct dma_part_memory *memory, int code, struct base_error *err)
{
	if (code == -EPERM)
		return base_error_set(err, code, DMA_NO_PHYSICAL);
	return base_error_set(err, code, "no IOVAs for %zu bytes: %s", memory->region->size,
			      strerror(-code));
}

int dma_part_create(struct dma_space *space, struct hugemem_request *request, bool is_identity,
		    struct dma_part_memory *memory, struct base_error *err)
{
	size_t run_max;
	int ret;

	memset(memory, 0, sizeof(*memory));
	if (request->size == 0)
		return 0;
	memory->is_identity = is_identity;
	request->needs_huge = space->is_physical && !is_identity;
	ret = hugemem_create(request, &memory->region, err);
	if (ret != 0)
		return ret;
	run_max = request->needs_huge ? memory->region->size / memory->region->page_size : 1;
	memory->run = calloc(run_max, sizeof(*memory->run));
	ret = memory->run == NULL ? -ENOMEM : find_iovas(space, memory);
	if (ret == 0)
		return 0;
	explain(memory, ret, err);
	free(memory->run);
	hugemem_destroy(memory->region);
	memset(memory, 0, sizeof(*memory));
	return ret;
}

void dma_part_destroy(struct dma_space *space, struct dma_part_memory *memory)
{
	if (memory->region == NULL)
		return;
	if (!space->is_physical || memory->is_identity)
		iova_free(space->plan, memory->run[0].iova, memory->run[0].size);
	free(memory->run);
	hugemem_destroy(memory->region);
}
