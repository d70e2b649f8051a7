/* SPDX-License-Identifier: BSD-3-Clause */
/* Takes the memory of a capture from the IOVA plan or from EAL. */
#include "replay_memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_malloc.h>

#include "hugemem.h"

uint64_t replay_memory_place(const struct replay_memory_config *config, uint64_t offset,
			     uint64_t size)
{
	const uint64_t page = HUGEMEM_2M;
	uint64_t end = (offset + page) & ~(page - 1);

	if (config->domain == NULL || offset + size <= end)
		return offset;
	return end;
}

uint64_t replay_memory_iova(const struct replay_memory *memory, uint64_t offset)
{
	if (memory->arena == NULL)
		return memory->iova + offset;
	return dma_arena_iova(memory->arena, DMA_BUFFERS, offset);
}

static int take_arena(const struct replay_memory_config *config, size_t size,
		      struct replay_memory *memory, struct base_error *err)
{
	struct dma_arena_config arena = {
		.name = "replay",
		.buffer_size = size,
		.page_size = config->page_size,
		.node = config->node,
	};
	struct dma_range range;
	int ret;

	/* The rest of one large page is cheaper than an IOTLB entry for each 4 KiB of a capture. */
	if (arena.page_size == 0 && size < HUGEMEM_2M)
		arena.page_size = HUGEMEM_2M;
	ret = dma_arena_create(config->space, &arena, &memory->arena, err);
	if (ret < 0)
		return ret;
	ret = dma_arena_grant(memory->arena, DMA_BUFFERS, config->domain, IOMMU_READ,
			      config->ledger);
	if (ret < 0) {
		base_error_set(err, ret, "cannot map %zu bytes of a capture in domain %u: %s", size,
			       iommu_domain_id(config->domain), strerror(-ret));
		dma_arena_destroy(memory->arena);
		return ret;
	}
	dma_arena_range(memory->arena, DMA_BUFFERS, &range);
	memory->domain = config->domain;
	memory->ledger = config->ledger;
	memory->vaddr = range.vaddr;
	memory->iova = range.iova;
	memory->size = range.size;
	return 0;
}

static int take_eal(const struct replay_memory_config *config, size_t size,
		    struct replay_memory *memory, struct base_error *err)
{
	memory->vaddr = rte_zmalloc_socket("replay", size, RTE_CACHE_LINE_SIZE,
					   config->node < 0 ? SOCKET_ID_ANY : config->node);
	if (memory->vaddr == NULL)
		return base_error_set(err, -ENOMEM,
				      "no %zu MiB of DPDK memory for a capture: reserve more "
				      "hugepages, or give EAL a larger -m",
				      (size >> 20) + 1);
	memory->iova = rte_malloc_virt2iova(memory->vaddr);
	memory->size = size;
	return 0;
}

int replay_memory_create(const struct replay_memory_config *config, size_t size,
			 struct replay_memory *memory, struct base_error *err)
{
	memset(memory, 0, sizeof(*memory));
	if (config->domain != NULL)
		return take_arena(config, size, memory, err);
	return take_eal(config, size, memory, err);
}

void replay_memory_destroy(struct replay_memory *memory)
{
	if (memory->arena != NULL) {
		dma_arena_grant(memory->arena, DMA_BUFFERS, memory->domain, 0, memory->ledger);
		dma_arena_destroy(memory->arena);
	} else {
		rte_free(memory->vaddr);
	}
	memset(memory, 0, sizeof(*memory));
}

static uint64_t available_kb(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];
	uint64_t kb = 0;

	if (file == NULL)
		return 0;
	while (fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "MemAvailable: %ju kB", &kb) == 1)
			break;
	fclose(file);
	return kb;
}

uint64_t replay_memory_available(void)
{
	static const size_t page_sizes[] = {HUGEMEM_2M, HUGEMEM_1G};
	uint64_t bytes = available_kb() << 10;
	uint64_t free_pages, total_pages;

	for (size_t i = 0; i < sizeof(page_sizes) / sizeof(page_sizes[0]); i++)
		if (hugemem_pages(page_sizes[i], -1, &free_pages, &total_pages) == 0)
			bytes += free_pages * page_sizes[i];
	return bytes;
}
