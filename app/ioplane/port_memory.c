/* SPDX-License-Identifier: BSD-3-Clause */
/* A port's memory: its arena with a malloc heap over the rings and a mempool over the buffers. */
#include "port_memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_malloc.h>

#include "hugemem.h"
#include "options.h"
#include "port_policy.h"

#define DESCRIPTOR_SIZE 16
/* A ring's alignment and EAL's own elements around it; more than either takes. */
#define RING_OVERHEAD 8192
#define HEAP_OVERHEAD 65536
/*
 * What PCI drivers take on a queue's socket: the longest ring they know at once (4096 descriptors
 * of 32 bytes: i40e), and their own array of as many entries as asked for.
 */
#define PCI_RING_SIZE	   (192u << 10)
#define PCI_ENTRY_SIZE	   64
#define PCI_OWN_RINGS_SIZE (4u << 20)
/* What EAL's memory holds for an mbuf: pool element, mbuf, shared info of its buffer, spread. */
#define HEADER_SIZE	  320
#define MBUFS_MIN	  4096
#define QUEUE_MBUFS_ALIGN 64

/* Where pages are no neighbours for the device, the end of each may be too short for a ring. */
static uint64_t round_for_pages(uint64_t bytes, uint64_t largest)
{
	return port_space_is_physical() ? (bytes / (HUGEMEM_2M - largest) + 1) * HUGEMEM_2M : bytes;
}

static uint64_t ring_bytes(enum port_kind kind, bool has_own_rings)
{
	const struct options *o = options_get();
	uint64_t overhead = kind == PORT_PCI ? PCI_RING_SIZE : RING_OVERHEAD;
	uint64_t entry = kind == PORT_PCI ? PCI_ENTRY_SIZE : DESCRIPTOR_SIZE;
	uint64_t bytes = HEAP_OVERHEAD + (o->rxq + o->txq) * overhead +
			 ((uint64_t)o->rxq * o->rxd + (uint64_t)o->txq * o->txd) * entry;

	if (kind == PORT_PLAIN)
		return 0;
	if (has_own_rings)
		bytes += PCI_OWN_RINGS_SIZE;
	return round_for_pages(bytes, RTE_MAX(o->rxd, o->txd) * entry + overhead);
}

static uint32_t shared_mbufs(const struct options *o)
{
	uint32_t rings = (uint32_t)o->rxq * o->rxd + 2u * o->txq * o->txd;
	uint32_t lcores = (o->nb_cores + 1u) * (o->mbcache * 3u / 2 + o->burst);

	return RTE_MAX(rings + lcores + 512u, (uint32_t)MBUFS_MIN);
}

/*
 * What waits in the ring of a receive queue, in those that transmit it, in bursts and, but for
 * buffers that are mapped one by one, in caches.
 */
static uint32_t queue_mbufs(const struct options *o, bool is_apart)
{
	uint32_t mbufs = o->rxd + 2u * o->txd + 2u * o->burst + 512u;

	if (!is_apart)
		mbufs += (o->nb_cores + 1u) * (o->mbcache * 3u / 2);
	mbufs = RTE_MAX(mbufs, MBUFS_MIN / (uint32_t)o->rxq);
	if (o->total_num_mbufs != 0)
		mbufs = o->total_num_mbufs / o->rxq;
	/* no two pools share a page of 4 KiB */
	return is_apart ? mbufs : RTE_ALIGN_CEIL(mbufs, QUEUE_MBUFS_ALIGN);
}

void port_memory_need(enum port_kind kind, bool has_own_rings, bool is_apart,
		      struct port_need *need)
{
	const struct options *o = options_get();

	need->mbufs = o->total_num_mbufs;
	need->queue_mbufs = 0;
	if (is_apart || o->has_queue_pools) {
		need->queue_mbufs = queue_mbufs(o, is_apart);
		need->mbufs = need->queue_mbufs * o->rxq;
	} else if (need->mbufs == 0) {
		need->mbufs = shared_mbufs(o);
	}
	need->ring_bytes = ring_bytes(kind, has_own_rings);
	need->buffer_bytes = port_memory_pool_size(need->mbufs, (uint16_t)o->mbuf_size, is_apart);
	need->header_bytes = (uint64_t)need->mbufs * HEADER_SIZE;
}

static void need_of(const struct port *port, struct port_need *need)
{
	port_memory_need(port->kind, port->eal_memory == PORT_EAL_MEMORY_HEAP,
			 port_policy_is_wanted(port), need);
}

static int add_pool(struct port *port, const char *name, const struct port_pool_config *config,
		    struct rte_mempool **out, struct base_error *err)
{
	static unsigned int serial;
	char other[RTE_MEMPOOL_NAMESIZE];

	/* renewed memory stands beside the old one for a moment */
	if (rte_mempool_lookup(name) != NULL) {
		snprintf(other, sizeof(other), "mb_pool_%u_%u", port->id, ++serial);
		name = other;
	}
	return port_memory_make_pool(name, config, out, err);
}

/* A pool for each queue: only so its lcore is the one that maps. */
static int add_queue_pools(struct port *port, struct port_pool_config *config, uint32_t each,
			   struct base_error *err)
{
	char name[RTE_MEMPOOL_NAMESIZE];
	int ret = 0;

	config->count = each;
	for (uint16_t q = 0; ret == 0 && q < options_get()->rxq; q++) {
		config->first = q * each;
		snprintf(name, sizeof(name), "mb_pool_%uq%u", port->id, q);
		ret = add_pool(port, name, config, &port->queue_pools[q], err);
		port->queue_pool_count += ret == 0;
	}
	port->mempool = port->queue_pools[0];
	return ret;
}

int port_memory_add_pool(struct port *port, struct base_error *err)
{
	char name[RTE_MEMPOOL_NAMESIZE];
	struct port_pool_config config = {
		.arena = port->arena,
		.data_room = (uint16_t)options_get()->mbuf_size,
		.is_apart = port_policy_is_wanted(port),
		.node = port->node < 0 ? SOCKET_ID_ANY : port->node,
	};
	struct port_need need;

	need_of(port, &need);
	if (options_get()->is_inline && options_get()->has_queue_pools)
		return base_error_set(err, -EINVAL,
				      "--pool-per-queue: headers beside the data lie in one pool: "
				      "give --mbuf-layout split");
	if (need.queue_mbufs != 0)
		return add_queue_pools(port, &config, need.queue_mbufs, err);
	config.count = need.mbufs;
	snprintf(name, sizeof(name), "mb_pool_%u", port->id);
	return add_pool(port, name, &config, &port->mempool, err);
}

/* --- the heap over the rings ------------------------------------------------------------------ */

static int add_heap_memory(const char *heap, const struct dma_arena *arena)
{
	struct dma_range rings;
	rte_iova_t *iovas;
	unsigned int count;
	int ret;

	dma_arena_range(arena, DMA_RINGS, &rings);
	count = (unsigned int)(rings.size / rings.page_size);
	iovas = calloc(count, sizeof(*iovas));
	if (iovas == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < count; i++)
		iovas[i] = dma_arena_iova(arena, DMA_RINGS, i * rings.page_size);
	ret = rte_malloc_heap_memory_add(heap, rings.vaddr, rings.size, iovas, count,
					 rings.page_size);
	free(iovas);
	return ret == 0 ? 0 : -rte_errno;
}

static int create_heap(struct port *port, struct base_error *err)
{
	static unsigned int serial;
	int ret;

	snprintf(port->heap, sizeof(port->heap), "ioplane_%u", serial++);
	if (rte_malloc_heap_create(port->heap) != 0) {
		ret = -rte_errno;
		base_error_set(err, ret,
			       "a malloc heap for the rings of %s cannot be made (%s): DPDK has "
			       "room for 31 such ports",
			       port->name, rte_strerror(-ret));
		goto forget_heap;
	}
	ret = add_heap_memory(port->heap, port->arena);
	if (ret != 0) {
		base_error_set(err, ret, "the ring memory of %s cannot be handed to DPDK: %s",
			       port->name, rte_strerror(-ret));
		goto destroy_heap;
	}
	port->heap_socket = rte_malloc_heap_get_socket(port->heap);
	return 0;

destroy_heap:
	rte_malloc_heap_destroy(port->heap);
forget_heap:
	port->heap[0] = '\0';
	return ret;
}

/* False when rings still stand in it: of a queue that was set up beside others that were not. */
static bool destroy_heap(const struct port_memory *memory)
{
	struct dma_range range;

	if (memory->heap[0] == '\0')
		return true;
	dma_arena_range(memory->arena, DMA_RINGS, &range);
	return rte_malloc_heap_memory_remove(memory->heap, range.vaddr, range.size) == 0 &&
	       rte_malloc_heap_destroy(memory->heap) == 0;
}

/* --- the arena -------------------------------------------------------------------------------- */

static void revoke_all(struct dma_arena *arena, struct dma_ledger *ledger)
{
	struct iommu_domain *domain = NULL;

	while ((domain = iommu_domain_next(domain)) != NULL)
		for (enum dma_part part = 0; part < DMA_PARTS; part++)
			if (dma_arena_rights(arena, part, domain) != 0)
				dma_arena_grant(arena, part, domain, 0, ledger);
}

static void take(struct port *port, struct port_memory *memory)
{
	memory->arena = port->arena;
	memory->mempool = port->mempool;
	memory->heap_socket = port->heap_socket;
	memcpy(memory->queue_pools, port->queue_pools, sizeof(memory->queue_pools));
	memory->queue_pool_count = port->queue_pool_count;
	memcpy(memory->heap, port->heap, sizeof(memory->heap));
	port->arena = NULL;
	port->mempool = NULL;
	memset(port->queue_pools, 0, sizeof(port->queue_pools));
	port->queue_pool_count = 0;
	port->heap[0] = '\0';
}

/* Memory without rights that DPDK still has rings in, and writes into when it frees them. */
struct held_memory {
	LIST_ENTRY(held_memory) link;
	struct port_memory memory;
};

static LIST_HEAD(, held_memory) held_memories = LIST_HEAD_INITIALIZER(held_memories);

static void hold(const struct port_memory *memory)
{
	struct held_memory *held = calloc(1, sizeof(*held));

	/* without room to remember it, it stays until we end */
	if (held == NULL)
		return;
	held->memory = *memory;
	LIST_INSERT_HEAD(&held_memories, held, link);
}

void port_memory_reap(void)
{
	struct held_memory *held = LIST_FIRST(&held_memories), *next;

	for (; held != NULL; held = next) {
		next = LIST_NEXT(held, link);
		if (!destroy_heap(&held->memory))
			continue;
		dma_arena_destroy(held->memory.arena);
		LIST_REMOVE(held, link);
		free(held);
	}
}

void port_memory_drop(struct port *port, struct port_memory *old)
{
	bool is_free;

	if (old->arena == NULL)
		return;
	/* a device may still write where an unmap waits for its sync */
	port_policy_flush_all();
	for (uint16_t q = 0; q < old->queue_pool_count; q++) {
		/* which takes all mbufs out of it */
		port_policy_pool_bind(old->queue_pools[q], NULL);
		rte_mempool_free(old->queue_pools[q]);
	}
	if (old->queue_pool_count == 0)
		rte_mempool_free(old->mempool);
	port_policy_forget_arena(old->arena);
	is_free = destroy_heap(old);
	revoke_all(old->arena, &port->ledger);
	if (is_free)
		dma_arena_destroy(old->arena);
	else
		hold(old);
	port_memory_reap();
}

static int map_part(struct port *port, enum dma_part part, uint32_t rights, struct base_error *err)
{
	struct iommu_domain *domain = iommu_device_domain(port->device);
	struct base_error why = {0};
	struct dma_range range;
	int ret = dma_arena_grant(port->arena, part, domain, rights, &port->ledger);

	if (ret == 0)
		return 0;
	dma_arena_range(port->arena, part, &range);
	iommu_map_error(domain, ret, range.size, &why);
	return base_error_set(err, ret, "mapping the memory of %s in domain %u failed: %s",
			      port->name, iommu_domain_id(domain), why.text);
}

static int map_arena(struct port *port, struct base_error *err)
{
	int ret = map_part(port, DMA_RINGS, IOMMU_READ | IOMMU_WRITE, err);

	/* with the rings the unit knows of the buffers, too, which are mapped at hand-over */
	if (ret != 0 || port_policy_is_wanted(port))
		return ret;
	return map_part(port, DMA_BUFFERS, IOMMU_WRITE, err);
}

int port_memory_create(struct port *port, struct base_error *err)
{
	const struct options *options = options_get();
	struct port_need need;
	struct dma_arena_config config;
	struct port_memory failed;
	int ret;

	need_of(port, &need);
	config = (struct dma_arena_config){
		.name = port->name,
		.ring_size = need.ring_bytes,
		.buffer_size = need.buffer_bytes,
		.page_size = options->page_size,
		.node = port->node,
	};
	if (options->arena_mb != 0) {
		uint64_t size = (uint64_t)options->arena_mb << 20;

		if (size < need.ring_bytes + need.buffer_bytes)
			return base_error_set(
				err, -ENOSPC,
				"--arena-mb %u: %s needs %" PRIu64 " MiB for its "
				"rings and %u buffers; lower --total-num-mbufs",
				options->arena_mb, port->name,
				(need.ring_bytes + need.buffer_bytes + (1u << 20) - 1) >> 20,
				need.mbufs);
		config.buffer_size = size - need.ring_bytes;
	}
	ret = dma_arena_create(port_space(), &config, &port->arena, err);
	if (ret != 0)
		return ret;
	port_tell_step_back(port, dma_arena_step_back(port->arena));
	port->heap_socket = port->node < 0 ? SOCKET_ID_ANY : port->node;
	if (port->device == NULL)
		return 0;
	ret = map_arena(port, err);
	if (ret == 0)
		ret = create_heap(port, err);
	if (ret != 0) {
		take(port, &failed);
		port_memory_drop(port, &failed);
	}
	return ret;
}

void port_tell_step_back(const struct port *port, const char *step_back)
{
	static char told[BASE_ERROR_TEXT_SIZE];

	if (step_back[0] == '\0' || strcmp(told, step_back) == 0)
		return;
	snprintf(told, sizeof(told), "%s", step_back);
	fprintf(stderr, "port %u: smaller pages than asked for: %s\n", port->id, step_back);
}

void port_memory_put_back(struct port *port, struct port_memory *old)
{
	struct port_memory unused;

	take(port, &unused);
	port_memory_drop(port, &unused);
	port->arena = old->arena;
	port->mempool = old->mempool;
	memcpy(port->queue_pools, old->queue_pools, sizeof(port->queue_pools));
	port->queue_pool_count = old->queue_pool_count;
	port->heap_socket = old->heap_socket;
	memcpy(port->heap, old->heap, sizeof(port->heap));
}

bool port_memory_is_enough(const struct port *port)
{
	struct port_need need;
	struct dma_range rings, buffers;

	need_of(port, &need);
	dma_arena_range(port->arena, DMA_RINGS, &rings);
	dma_arena_range(port->arena, DMA_BUFFERS, &buffers);
	if (rings.size < need.ring_bytes || buffers.size < need.buffer_bytes)
		return false;
	if (port_policy_pool_is(port->mempool) != port_policy_is_wanted(port))
		return false;
	if (need.queue_mbufs == 0)
		return port->queue_pool_count == 0 && port->mempool->size >= need.mbufs;
	return port->queue_pool_count >= options_get()->rxq &&
	       port->mempool->size >= need.queue_mbufs;
}

int port_memory_renew(struct port *port, struct port_memory *old, struct base_error *err)
{
	int ret;

	/* the driver holds on to what it took from the heap at its probe */
	if (port->eal_memory == PORT_EAL_MEMORY_HEAP)
		return base_error_set(
			err, -EBUSY,
			"port %u (%s) has no memory for so many queues and rings, and "
			"its driver holds what it has: port detach %u, then port "
			"attach %s",
			port->id, port->name, port->id, port->devargs);
	take(port, old);
	ret = port_memory_create(port, err);
	if (ret == 0)
		ret = port_memory_add_pool(port, err);
	if (ret != 0)
		port_memory_put_back(port, old);
	return ret;
}

void port_memory_destroy(struct port *port)
{
	struct port_memory memory;

	/* first: what waits in its mappers keeps the memory of pools */
	port_policy_destroy(port);
	port_pool_reap(port, true);
	take(port, &memory);
	port_memory_drop(port, &memory);
}
