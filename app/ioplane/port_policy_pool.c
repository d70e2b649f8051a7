/* SPDX-License-Identifier: BSD-3-Clause */
/* Pools whose buffers are mapped one by one: a ring of mbufs that maps what is taken. */
#include "port_policy_pool.h"

#include <errno.h>
#include <stdio.h>

#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_ring.h>

/* What the pool of a receive queue, or of what an engine transmits, has beside mbufs. */
struct policy_pool {
	/* any lcore frees, whatever lcore takes */
	struct rte_ring *ring;
	struct port_policy_queue *rx; /* maps what is taken, or NULL */
	bool is_shared;		      /* several queues transmit its buffers */
	bool has_records;	      /* false: its mbufs are still being made */
};

static inline struct port_policy_buffer *buffer_of(struct rte_mbuf *mbuf)
{
	return rte_mbuf_to_priv(mbuf);
}

/* --- a buffer ------------------------------------------------------------------------------- */

static int map(struct port_policy_queue *queue, struct rte_mbuf *mbuf, uint32_t prot)
{
	struct port_policy_buffer *buffer = buffer_of(mbuf);
	uint64_t iova = buffer->own_iova;
	int ret = dma_map(queue->mapper, mbuf->buf_addr, prot, &iova);

	if (unlikely(ret != 0)) {
		__atomic_store_n(&queue->error, ret, __ATOMIC_RELAXED);
		return ret;
	}
	buffer->queue = queue;
	buffer->iova = iova;
	rte_mbuf_iova_set(mbuf, iova);
	return 0;
}

/* What a sync that fails leaves behind, the mapper counts as lost. */
static void unmap(struct rte_mbuf *mbuf)
{
	struct port_policy_buffer *buffer = buffer_of(mbuf);
	struct port_policy_queue *queue = buffer->queue;

	buffer->queue = NULL;
	dma_unmap(queue->mapper, buffer->iova);
}

void port_policy_unmap_packet(struct rte_mbuf *packet)
{
	for (; packet != NULL; packet = packet->next)
		if (buffer_of(packet)->queue != NULL)
			unmap(packet);
}

/* The pool's receive queue is in the same domain: its fixed IOVAs are those of transmitting. */
static inline bool is_loop(const struct policy_pool *pool, const struct port_policy_queue *queue)
{
	return pool->rx != NULL && pool->rx != queue && pool->rx->domain == queue->domain;
}

int port_policy_map_tx(struct port_policy_queue *queue, struct rte_mbuf *segment)
{
	const struct port_policy_buffer *buffer = buffer_of(segment);
	const struct policy_pool *pool = segment->pool->pool_data;

	if (unlikely(!port_policy_pool_is(segment->pool) || rte_mbuf_refcnt_read(segment) != 1)) {
		__atomic_store_n(&queue->error, -ENOTSUP, __ATOMIC_RELAXED);
		return -ENOTSUP;
	}
	if (unlikely(buffer->queue != NULL)) {
		if (buffer->queue == queue)
			return 0;
		unmap(segment);
	}
	/* What this lcore received may wait for its sync at the very IOVA. */
	if (unlikely(is_loop(pool, queue)) && pool->rx->is_lazy_fixed)
		dma_mapper_flush(pool->rx->mapper);
	return map(queue, segment, IOMMU_READ);
}

/* --- the mempool ops ------------------------------------------------------------------------ */

static int pool_alloc(struct rte_mempool *mempool)
{
	struct policy_pool *pool;
	char name[RTE_RING_NAMESIZE];

	if (snprintf(name, sizeof(name), RTE_MEMPOOL_MZ_FORMAT, mempool->name) >= (int)sizeof(name))
		return -ENAMETOOLONG;
	pool = rte_zmalloc_socket("policy_pool", sizeof(*pool), RTE_CACHE_LINE_SIZE,
				  mempool->socket_id);
	if (pool == NULL)
		return -ENOMEM;
	pool->ring =
		rte_ring_create(name, rte_align32pow2(mempool->size + 1), mempool->socket_id, 0);
	if (pool->ring == NULL) {
		rte_free(pool);
		return -rte_errno;
	}
	mempool->pool_data = pool;
	return 0;
}

static void pool_free(struct rte_mempool *mempool)
{
	struct policy_pool *pool = mempool->pool_data;

	rte_ring_free(pool->ring);
	rte_free(pool);
}

static int pool_enqueue(struct rte_mempool *mempool, void *const *mbufs, unsigned int n)
{
	const struct policy_pool *pool = mempool->pool_data;
	struct port_policy_queue *lazy = NULL;

	for (unsigned int i = 0; pool->has_records && i < n; i++) {
		struct port_policy_queue *queue = buffer_of(mbufs[i])->queue;

		if (queue == NULL)
			continue;
		unmap(mbufs[i]);
		if (queue->is_lazy_fixed && (pool->is_shared || is_loop(pool, queue)))
			lazy = queue;
	}
	/* Another lcore may take them next, and map the very IOVAs. */
	if (unlikely(lazy != NULL))
		dma_mapper_flush(lazy->mapper);
	return rte_ring_enqueue_bulk(pool->ring, mbufs, n, NULL) == 0 ? -ENOBUFS : 0;
}

static int pool_dequeue(struct rte_mempool *mempool, void **mbufs, unsigned int n)
{
	const struct policy_pool *pool = mempool->pool_data;
	unsigned int done = 0;
	int ret = 0;

	if (rte_ring_dequeue_bulk(pool->ring, mbufs, n, NULL) == 0)
		return -ENOBUFS;
	if (pool->rx == NULL)
		return 0;
	for (; ret == 0 && done < n; done++)
		ret = map(pool->rx, mbufs[done], IOMMU_WRITE);
	if (likely(ret == 0))
		return 0;
	/* All or none: the last one was not mapped. */
	while (--done > 0)
		unmap(mbufs[done - 1]);
	rte_ring_enqueue_bulk(pool->ring, mbufs, n, NULL);
	return ret;
}

static unsigned int pool_get_count(const struct rte_mempool *mempool)
{
	const struct policy_pool *pool = mempool->pool_data;

	return rte_ring_count(pool->ring);
}

static const struct rte_mempool_ops policy_ops = {
	.name = PORT_POLICY_OPS,
	.alloc = pool_alloc,
	.free = pool_free,
	.enqueue = pool_enqueue,
	.dequeue = pool_dequeue,
	.get_count = pool_get_count,
};

static int policy_ops_index = -1;

RTE_INIT(register_policy_ops)
{
	policy_ops_index = rte_mempool_register_ops(&policy_ops);
}

/* --- a pool --------------------------------------------------------------------------------- */

bool port_policy_pool_is(const struct rte_mempool *pool)
{
	return pool->ops_index == policy_ops_index;
}

static void init_buffer(struct rte_mempool *mempool __rte_unused, void *arg __rte_unused,
			void *mbuf, unsigned int index __rte_unused)
{
	*buffer_of(mbuf) = (struct port_policy_buffer){.own_iova = rte_mbuf_iova_get(mbuf)};
}

void port_policy_pool_init(struct rte_mempool *mempool)
{
	struct policy_pool *pool = mempool->pool_data;

	rte_mempool_obj_iter(mempool, init_buffer, NULL);
	pool->has_records = true;
}

void port_policy_pool_share(struct rte_mempool *mempool)
{
	struct policy_pool *pool = mempool->pool_data;

	pool->is_shared = true;
}

void port_policy_pool_bind(struct rte_mempool *mempool, struct port_policy_queue *rx)
{
	struct policy_pool *pool = mempool->pool_data;

	pool->rx = rx != NULL && rx->mapper != NULL ? rx : NULL;
}
