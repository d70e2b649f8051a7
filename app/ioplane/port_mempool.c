/* SPDX-License-Identifier: BSD-3-Clause */
/* Mempools over an arena's buffer part, with headers apart or beside the data. */
/* rte_pktmbuf_pool_create_extbuf(): since DPDK 20.02 */
#define ALLOW_EXPERIMENTAL_API
#include "port_memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>

#include "hugemem.h"
#include "options.h"
#include "port_policy.h"

uint32_t port_memory_stride(uint16_t data_room, bool is_apart)
{
	return RTE_ALIGN_CEIL((uint32_t)data_room,
			      is_apart ? PORT_POLICY_PAGE : RTE_CACHE_LINE_SIZE);
}

static uint64_t element_size(uint16_t data_room, bool is_apart)
{
	struct rte_mempool_objsz size;

	if (is_apart || !options_get()->is_inline)
		return port_memory_stride(data_room, is_apart);
	return rte_mempool_calc_obj_size((uint32_t)sizeof(struct rte_mbuf) + data_room, 0, &size);
}

/*
 * No buffer lies in two huge pages: with physical addresses they are no neighbours, it would take
 * two entries of an IOTLB, and QEMU's NICs do not send it where the host's pages are apart.
 */
static bool next_chunk(const struct dma_arena *arena, unsigned int n, struct dma_range *chunk)
{
	for (unsigned int i = 0; dma_arena_run(arena, DMA_BUFFERS, i, chunk); i++) {
		size_t page = chunk->page_size < HUGEMEM_2M ? chunk->size : chunk->page_size;
		size_t pages = chunk->size / page;

		if (n < pages) {
			chunk->vaddr = RTE_PTR_ADD(chunk->vaddr, n * page);
			chunk->iova += n * page;
			chunk->size = page;
			return true;
		}
		n -= (unsigned int)pages;
	}
	return false;
}

uint64_t port_memory_pool_size(uint32_t n, uint16_t data_room, bool is_apart)
{
	uint64_t size = element_size(data_room, is_apart);

	/* each of the pages has a rest where no buffer fits */
	if (options_get()->page_size != HUGEMEM_4K)
		return (n / (HUGEMEM_2M / size) + 1) * HUGEMEM_2M;
	return n * size + (options_get()->is_inline ? RTE_MEMPOOL_ALIGN : 0);
}

/* The pool's share of each chunk; returns how many chunks it has one of. */
static unsigned int list_memory(const struct port_pool_config *config,
				struct rte_pktmbuf_extmem *memory)
{
	uint16_t stride = (uint16_t)port_memory_stride(config->data_room, config->is_apart);
	uint64_t before = config->first, left = config->count;
	unsigned int count = 0;
	struct dma_range chunk;

	for (unsigned int i = 0; left > 0 && next_chunk(config->arena, i, &chunk); i++) {
		uint64_t skipped = RTE_MIN(before, chunk.size / stride);
		uint64_t taken = RTE_MIN(left, chunk.size / stride - skipped);

		before -= skipped;
		left -= taken;
		if (taken == 0)
			continue;
		if (memory != NULL)
			memory[count] = (struct rte_pktmbuf_extmem){
				.buf_ptr = RTE_PTR_ADD(chunk.vaddr, skipped * stride),
				.buf_iova = chunk.iova + skipped * stride,
				.buf_len = taken * stride,
				.elt_size = stride,
			};
		count++;
	}
	return count;
}

static struct rte_mempool *create_split(const char *name, const struct port_pool_config *config,
					const struct rte_pktmbuf_extmem *memory, unsigned int count)
{
	uint16_t room = (uint16_t)port_memory_stride(config->data_room, false);

	return rte_pktmbuf_pool_create_extbuf(
		name, config->count, config->is_apart ? 0 : options_get()->mbcache,
		config->is_apart ? (uint16_t)sizeof(struct port_policy_buffer) : 0, room,
		config->node, memory, count);
}

/* Pools of pinned buffers take their ops from one place only: it is ours for a moment. */
static struct rte_mempool *create_apart(const char *name, const struct port_pool_config *config,
					const struct rte_pktmbuf_extmem *memory, unsigned int count)
{
	char before[RTE_MEMPOOL_OPS_NAMESIZE];
	struct rte_mempool *mempool;
	int ret;

	snprintf(before, sizeof(before), "%s", rte_mbuf_best_mempool_ops());
	ret = rte_mbuf_set_user_mempool_ops(PORT_POLICY_OPS);
	if (ret != 0) {
		rte_errno = -ret;
		return NULL;
	}
	mempool = create_split(name, config, memory, count);
	rte_mbuf_set_user_mempool_ops(before);
	if (mempool != NULL)
		port_policy_pool_init(mempool);
	return mempool;
}

static int make_split(const char *name, const struct port_pool_config *config,
		      struct rte_mempool **out)
{
	unsigned int count = list_memory(config, NULL);
	struct rte_pktmbuf_extmem *memory = calloc(count, sizeof(*memory));

	if (memory == NULL)
		return -ENOMEM;
	list_memory(config, memory);
	*out = config->is_apart ? create_apart(name, config, memory, count)
				: create_split(name, config, memory, count);
	free(memory);
	return *out == NULL ? -rte_errno : 0;
}

static int populate(struct rte_mempool *mempool, uint32_t n, const struct dma_arena *arena)
{
	struct dma_range chunk;
	uint32_t objects = 0;

	for (unsigned int i = 0; objects < n && next_chunk(arena, i, &chunk); i++) {
		int ret = rte_mempool_populate_iova(mempool, chunk.vaddr, chunk.iova, chunk.size,
						    NULL, NULL);

		if (ret < 0)
			return ret;
		objects += (uint32_t)ret;
	}
	return objects < n ? -ENOSPC : 0;
}

/* As rte_pktmbuf_pool_create(), on memory of the arena. */
static int make_inline(const char *name, const struct port_pool_config *config,
		       struct rte_mempool **out)
{
	uint16_t data_room = config->data_room;
	struct rte_pktmbuf_pool_private private = {.mbuf_data_room_size = data_room};
	struct rte_mempool *mempool;
	int ret;

	mempool = rte_mempool_create_empty(
		name, config->count, (unsigned int)sizeof(struct rte_mbuf) + data_room,
		options_get()->mbcache, sizeof(private), config->node, 0);
	if (mempool == NULL)
		return -rte_errno;
	ret = rte_mempool_set_ops_byname(mempool, rte_mbuf_best_mempool_ops(), NULL);
	if (ret != 0)
		goto free_pool;
	rte_pktmbuf_pool_init(mempool, &private);
	ret = populate(mempool, config->count, config->arena);
	if (ret != 0)
		goto free_pool;
	rte_mempool_obj_iter(mempool, rte_pktmbuf_init, NULL);
	*out = mempool;
	return 0;

free_pool:
	rte_mempool_free(mempool);
	return ret;
}

int port_memory_make_pool(const char *name, const struct port_pool_config *config,
			  struct rte_mempool **out, struct base_error *err)
{
	uint64_t size = port_memory_pool_size(config->first + config->count, config->data_room,
					      config->is_apart);
	struct dma_range range;
	int ret;

	dma_arena_range(config->arena, DMA_BUFFERS, &range);
	if (range.size < size)
		return base_error_set(err, -ENOSPC,
				      "%u buffers of %u bytes need %" PRIu64 " MiB and the arena "
				      "has %zu: raise --arena-mb or lower --total-num-mbufs",
				      config->first + config->count, config->data_room, size >> 20,
				      range.size >> 20);
	if (options_get()->is_inline)
		ret = make_inline(name, config, out);
	else
		ret = make_split(name, config, out);
	if (ret != 0)
		return base_error_set(err, ret,
				      "mbuf pool %s (%u mbufs) failed: %s; EAL's memory may be "
				      "used up: free huge pages or lower --total-num-mbufs",
				      name, config->count, rte_strerror(-ret));
	return 0;
}
