/* SPDX-License-Identifier: BSD-3-Clause */
/* Mempools over an arena's buffer part, with headers apart or beside the data. */
/* rte_pktmbuf_pool_create_extbuf(): since DPDK 20.02 */
#define ALLOW_EXPERIMENTAL_API
#include "port_memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>

#include "hugemem.h"
#include "options.h"

uint32_t port_memory_stride(uint16_t data_room)
{
	return RTE_ALIGN_CEIL((uint32_t)data_room, RTE_CACHE_LINE_SIZE);
}

static uint64_t element_size(uint16_t data_room)
{
	struct rte_mempool_objsz size;

	if (!options_get()->is_inline)
		return port_memory_stride(data_room);
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

uint64_t port_memory_pool_size(uint32_t n, uint16_t data_room)
{
	uint64_t size = element_size(data_room);

	/* each of the pages has a rest where no buffer fits */
	if (options_get()->page_size != HUGEMEM_4K)
		return (n / (HUGEMEM_2M / size) + 1) * HUGEMEM_2M;
	return n * size + (options_get()->is_inline ? RTE_MEMPOOL_ALIGN : 0);
}

static int make_split(const char *name, uint32_t n, uint16_t data_room,
		      const struct dma_arena *arena, int node, struct rte_mempool **out)
{
	uint16_t stride = (uint16_t)port_memory_stride(data_room);
	struct rte_pktmbuf_extmem *memory;
	unsigned int count = 0;
	struct dma_range chunk;

	while (next_chunk(arena, count, &chunk))
		count++;
	memory = calloc(count, sizeof(*memory));
	if (memory == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; next_chunk(arena, i, &chunk); i++)
		memory[i] = (struct rte_pktmbuf_extmem){
			.buf_ptr = chunk.vaddr,
			.buf_iova = chunk.iova,
			.buf_len = chunk.size,
			.elt_size = stride,
		};
	*out = rte_pktmbuf_pool_create_extbuf(name, n, options_get()->mbcache, 0, stride, node,
					      memory, count);
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
static int make_inline(const char *name, uint32_t n, uint16_t data_room,
		       const struct dma_arena *arena, int node, struct rte_mempool **out)
{
	struct rte_pktmbuf_pool_private private = {.mbuf_data_room_size = data_room};
	struct rte_mempool *mempool;
	int ret;

	mempool =
		rte_mempool_create_empty(name, n, (unsigned int)sizeof(struct rte_mbuf) + data_room,
					 options_get()->mbcache, sizeof(private), node, 0);
	if (mempool == NULL)
		return -rte_errno;
	ret = rte_mempool_set_ops_byname(mempool, rte_mbuf_best_mempool_ops(), NULL);
	if (ret != 0)
		goto free_pool;
	rte_pktmbuf_pool_init(mempool, &private);
	ret = populate(mempool, n, arena);
	if (ret != 0)
		goto free_pool;
	rte_mempool_obj_iter(mempool, rte_pktmbuf_init, NULL);
	*out = mempool;
	return 0;

free_pool:
	rte_mempool_free(mempool);
	return ret;
}

int port_memory_make_pool(const char *name, uint32_t n, uint16_t data_room,
			  const struct dma_arena *arena, int node, struct rte_mempool **out,
			  struct base_error *err)
{
	struct dma_range range;
	int ret;

	dma_arena_range(arena, DMA_BUFFERS, &range);
	if (range.size < port_memory_pool_size(n, data_room))
		return base_error_set(err, -ENOSPC,
				      "%u buffers of %u bytes need %" PRIu64 " MiB and the arena "
				      "has %zu: raise --arena-mb or lower --total-num-mbufs",
				      n, data_room, port_memory_pool_size(n, data_room) >> 20,
				      range.size >> 20);
	node = node < 0 ? SOCKET_ID_ANY : node;
	if (options_get()->is_inline)
		ret = make_inline(name, n, data_room, arena, node, out);
	else
		ret = make_split(name, n, data_room, arena, node, out);
	if (ret != 0)
		return base_error_set(err, ret,
				      "mbuf pool %s (%u mbufs) failed: %s; EAL's memory may be "
				      "used up: free huge pages or lower --total-num-mbufs",
				      name, n, rte_strerror(-ret));
	return 0;
}
