/* SPDX-License-Identifier: BSD-3-Clause */
/* Pools whose buffers are mapped one by one, at hand-over to a device (design 3.5). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "dma.h"

struct tracker_queue;

/* The name of the mempool ops, which a constructor registers. */
#define PORT_POLICY_OPS "ioplane_policy"

/*
 * A queue's mapper. Who polls the queue uses it: a receive queue's when the driver takes buffers
 * and when they come back, a transmit queue's when packets are offered and when the driver frees
 * them. That is the lcore of the queue's stream; at start and stop of ports, while lcores stand
 * still, the main one.
 */
struct port_policy_queue {
	struct dma_mapper *mapper; /* NULL: a port without a domain */
	const struct iommu_domain *domain;
	struct port_policy_queue *companion; /* transmit queue of the same stream, or NULL */
	struct tracker_queue *tracker; /* of a transmit queue: sees what was mapped; or NULL */
	bool is_lazy_fixed;	       /* an IOVA may wait for its sync when it is due again */
	int error;		       /* of the last map that failed; user: write */
} __rte_cache_aligned;

/* What a buffer remembers; beside its mbuf, where no device writes. Who has the mbuf: write. */
struct port_policy_buffer {
	struct port_policy_queue *queue; /* whose mapper has mapped it, or NULL */
	uint64_t iova;			 /* where it is mapped */
	uint64_t own_iova;		 /* its place in the plan */
};

/** True when the pool's buffers are mapped one by one. */
bool port_policy_pool_is(const struct rte_mempool *pool);

/**
 * Makes a new pool of PORT_POLICY_OPS ready: its mbufs remember where they are. Their IOVAs are
 * still those of the plan.
 */
void port_policy_pool_init(struct rte_mempool *pool);

/** Says that several queues transmit the pool's buffers. Stopped. */
void port_policy_pool_share(struct rte_mempool *pool);

/** From now on what is taken from the pool is mapped for writing; NULL: it is not. Stopped. */
void port_policy_pool_bind(struct rte_mempool *pool, struct port_policy_queue *rx);

/**
 * Maps a segment that is offered to a transmit queue for reading; one that was offered before and
 * not taken stays mapped. -ENOTSUP: it is not alone or not of such a pool; else as dma_map().
 */
int port_policy_map_tx(struct port_policy_queue *queue, struct rte_mbuf *segment);

/** Unmaps all segments that are mapped; their buf_iova stays what it was. */
void port_policy_unmap_packet(struct rte_mbuf *packet);
