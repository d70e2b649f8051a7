/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports whose buffers are mapped at hand-over: mappers by queue, and when they act. */
#include "port_policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_malloc.h>

#include "options.h"
#include "port_memory.h"
#include "port_tracker.h"

struct queue {
	struct port_policy_queue shared; /* first */
	const struct rte_eth_rxtx_callback *callback;
	struct dma_ledger *cleared; /* what the ledger held then, or NULL */
};

struct port_policy {
	struct dma_policy_config config;
	LIST_ENTRY(port_policy) link; /* among those before that still map something */
	struct queue rx[PORT_QUEUES_MAX];
	struct queue tx[PORT_QUEUES_MAX];
};

/* --- mappers --------------------------------------------------------------------------------- */

static int add_mapper(struct port *port, struct queue *queue, struct base_error *err)
{
	const struct dma_policy_config *config = &port->policy->config;
	struct port_policy_queue *shared = &queue->shared;
	int ret;

	if (port->device == NULL || shared->mapper != NULL)
		return 0;
	shared->domain = iommu_device_domain(port->device);
	shared->is_lazy_fixed = config->policy == DMA_DEFERRED && !config->is_fresh;
	ret = dma_mapper_create(port_space(), iommu_device_domain(port->device),
				port_memory_stride((uint16_t)options_get()->mbuf_size, true),
				config, &shared->mapper);
	if (ret != 0)
		base_error_set(err, ret, "port %u: no mapper for a queue: %s", port->id,
			       strerror(-ret));
	return ret;
}

static int add_mappers(struct port *port, struct base_error *err)
{
	struct port_policy *policy = port->policy;
	int ret = 0;

	for (uint16_t q = 0; ret == 0 && q < port->rxq; q++)
		ret = add_mapper(port, &policy->rx[q], err);
	for (uint16_t q = 0; ret == 0 && q < port->txq; q++)
		ret = add_mapper(port, &policy->tx[q], err);
	for (uint16_t q = 0; ret == 0 && q < port->rxq; q++)
		port_policy_pool_bind(port->queue_pools[q], &policy->rx[q].shared);
	return ret;
}

static int destroy_mapper(struct queue *queue)
{
	int ret = queue->shared.mapper == NULL ? 0 : dma_mapper_destroy(queue->shared.mapper);

	if (ret != 0)
		return ret;
	queue->shared.mapper = NULL;
	free(queue->cleared);
	queue->cleared = NULL;
	return 0;
}

/* -EBUSY: a driver still has buffers that it mapped. */
static int destroy(struct port_policy *policy)
{
	int ret = 0;

	for (unsigned int q = 0; q < PORT_QUEUES_MAX; q++) {
		int rx = destroy_mapper(&policy->rx[q]), tx = destroy_mapper(&policy->tx[q]);

		ret = rx != 0 ? rx : tx != 0 ? tx : ret;
	}
	if (ret == 0)
		free(policy);
	return ret;
}

void port_policy_reap(struct port *port)
{
	struct port_policy *policy = LIST_FIRST(&port->old_policies), *next;

	for (; policy != NULL; policy = next) {
		next = LIST_NEXT(policy, link);
		LIST_REMOVE(policy, link);
		if (destroy(policy) != 0)
			LIST_INSERT_HEAD(&port->old_policies, policy, link);
	}
}

static void retire(struct port *port)
{
	if (port->policy == NULL)
		return;
	LIST_INSERT_HEAD(&port->old_policies, port->policy, link);
	port->policy = NULL;
}

int port_policy_configure(struct port *port, struct base_error *err)
{
	void *memory;

	if (port->policy != NULL && !port_policy_is_same(&port->policy->config, &port->dma_policy))
		retire(port);
	if (!port_policy_is_wanted(port))
		return 0;
	if (port->policy == NULL) {
		if (posix_memalign(&memory, RTE_CACHE_LINE_SIZE, sizeof(*port->policy)) != 0)
			return base_error_set(err, -ENOMEM, "port %u: out of memory", port->id);
		memset(memory, 0, sizeof(*port->policy));
		port->policy = memory;
		port->policy->config = port->dma_policy;
	}
	return add_mappers(port, err);
}

void port_policy_destroy(struct port *port)
{
	retire(port);
	port_policy_reap(port);
	if (!LIST_EMPTY(&port->old_policies))
		fprintf(stderr,
			"port %u (%s): its driver keeps buffers that were mapped for it; they are "
			"unmapped with the domain\n",
			port->id, port->name);
}

static void flush(struct port_policy *policy)
{
	for (unsigned int q = 0; q < PORT_QUEUES_MAX; q++) {
		if (policy->rx[q].shared.mapper != NULL)
			dma_mapper_flush(policy->rx[q].shared.mapper);
		if (policy->tx[q].shared.mapper != NULL)
			dma_mapper_flush(policy->tx[q].shared.mapper);
	}
}

void port_policy_flush_all(void)
{
	for (struct port *port = NULL; (port = port_next(port)) != NULL;) {
		struct port_policy *old;

		if (port->policy != NULL)
			flush(port->policy);
		LIST_FOREACH(old, &port->old_policies, link)
			flush(old);
	}
}

static const char *take_error(struct queue *queue)
{
	int error = __atomic_exchange_n(&queue->shared.error, 0, __ATOMIC_RELAXED);

	return error == 0 ? NULL : strerror(-error);
}

const char *port_policy_error(struct port *port)
{
	const char *found = "";

	for (unsigned int q = 0; port->policy != NULL && q < PORT_QUEUES_MAX; q++) {
		const char *rx = take_error(&port->policy->rx[q]);
		const char *tx = take_error(&port->policy->tx[q]);

		found = rx != NULL ? rx : tx != NULL ? tx : found;
	}
	return found;
}

void port_policy_collect(const struct port *port, bool is_rx, uint16_t queue, struct stats_dma *out)
{
	static const struct dma_ledger unused = {.policy = DMA_STATIC};
	const struct port_policy *policy = port->policy;
	const struct queue *of;

	if (policy == NULL) {
		stats_collect_dma(&unused, NULL, out);
		return;
	}
	of = is_rx ? &policy->rx[queue] : &policy->tx[queue];
	stats_collect_dma(of->shared.mapper == NULL ? &unused
						    : dma_mapper_ledger(of->shared.mapper),
			  of->cleared, out);
	stats_set_policy(out, &policy->config);
}

/* Only its lcore writes a ledger: what it holds now is taken off from now on. */
static void clear(struct queue *queue)
{
	if (queue->shared.mapper == NULL)
		return;
	if (queue->cleared == NULL)
		queue->cleared = malloc(sizeof(*queue->cleared));
	if (queue->cleared != NULL)
		stats_copy_ledger(dma_mapper_ledger(queue->shared.mapper), queue->cleared);
}

void port_policy_clear(const struct port *port)
{
	for (unsigned int q = 0; port->policy != NULL && q < PORT_QUEUES_MAX; q++) {
		clear(&port->policy->rx[q]);
		clear(&port->policy->tx[q]);
	}
}

struct port_policy_queue *port_policy_tx(const struct port *port, uint16_t queue)
{
	return port->policy == NULL ? NULL : &port->policy->tx[queue].shared;
}

void port_policy_track(void)
{
	for (struct port *port = NULL; (port = port_next(port)) != NULL;)
		for (uint16_t q = 0; port->policy != NULL && q < port->txq; q++)
			port->policy->tx[q].shared.tracker = port_tracker_queue(port, false, q);
}

static void forget_trackers(struct port *port)
{
	for (uint16_t q = 0; port->policy != NULL && q < PORT_QUEUES_MAX; q++)
		port->policy->tx[q].shared.tracker = NULL;
}

void port_policy_accompany(struct port *port, uint16_t rx_queue, struct port_policy_queue *tx)
{
	for (uint16_t q = 0; port->policy != NULL && q < PORT_QUEUES_MAX; q++)
		if (rx_queue == UINT16_MAX || q == rx_queue)
			port->policy->rx[q].shared.companion = tx;
	if (tx == NULL)
		forget_trackers(port);
}

/* --- bursts ---------------------------------------------------------------------------------- */

/* A receive queue is polled all the time: its lcore's transmit queue waits no longer either. */
static uint16_t take_back(uint16_t port __rte_unused, uint16_t id __rte_unused,
			  struct rte_mbuf **pkts, uint16_t n, uint16_t max __rte_unused, void *arg)
{
	struct port_policy_queue *queue = arg;

	for (uint16_t i = 0; queue->mapper != NULL && i < n; i++)
		port_policy_unmap_packet(pkts[i]);
	port_policy_poll(queue);
	port_policy_poll(queue->companion);
	return n;
}

/* What cannot be mapped is not offered to the driver: the engine has it still. */
static uint16_t hand_over(uint16_t port __rte_unused, uint16_t id __rte_unused,
			  struct rte_mbuf **pkts, uint16_t n, void *arg)
{
	struct port_policy_queue *queue = arg;
	uint16_t done = 0;
	int ret = 0;

	for (; ret == 0 && done < n; done++)
		for (struct rte_mbuf *m = pkts[done]; ret == 0 && m != NULL; m = m->next)
			ret = port_policy_map_tx(queue, m);
	done = ret == 0 ? done : (uint16_t)(done - 1);
	/* once more: when the stream offered them, they were not where they are now */
	if (queue->tracker != NULL)
		tracker_tx_offer(queue->tracker, pkts, done);
	port_policy_poll(queue);
	return done;
}

static int hook(const struct port *port, struct base_error *err)
{
	struct port_policy *policy = port->policy;
	bool is_whole = true;

	for (uint16_t q = 0; q < port->rxq; q++) {
		policy->rx[q].callback =
			rte_eth_add_rx_callback(port->id, q, take_back, &policy->rx[q].shared);
		is_whole &= policy->rx[q].callback != NULL;
	}
	for (uint16_t q = 0; port->device != NULL && q < port->txq; q++) {
		policy->tx[q].callback =
			rte_eth_add_tx_callback(port->id, q, hand_over, &policy->tx[q].shared);
		is_whole &= policy->tx[q].callback != NULL;
	}
	if (is_whole)
		return 0;
	return base_error_set(err, -rte_errno, "port %u: DPDK takes no callbacks: %s", port->id,
			      rte_strerror(rte_errno));
}

int port_policy_start(struct port *port, struct base_error *err)
{
	int ret = port->policy == NULL ? 0 : hook(port, err);

	if (ret != 0)
		port_policy_stop(port);
	return ret;
}

static void unhook(const struct port *port, struct queue *queue, uint16_t id, bool is_rx)
{
	if (queue->callback == NULL)
		return;
	if (is_rx)
		rte_eth_remove_rx_callback(port->id, id, queue->callback);
	else
		rte_eth_remove_tx_callback(port->id, id, queue->callback);
	/* ethdev leaves that to us, once no lcore is in it */
	rte_free((void *)(uintptr_t)queue->callback);
	queue->callback = NULL;
}

void port_policy_stop(struct port *port)
{
	if (port->policy == NULL)
		return;
	for (uint16_t q = 0; q < PORT_QUEUES_MAX; q++) {
		unhook(port, &port->policy->rx[q], q, true);
		unhook(port, &port->policy->tx[q], q, false);
	}
	/* what others transmit of its buffers may wait with them */
	port_policy_flush_all();
}
