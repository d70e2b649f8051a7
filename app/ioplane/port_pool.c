/* SPDX-License-Identifier: BSD-3-Clause */
/* Pools that a port transmits from: an arena each, which its domain may only read. */
#include "port_memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "port_policy.h"
#include "stats.h"

static void free_pool(struct port_pool *pool)
{
	struct port *port = pool->port;

	TAILQ_REMOVE(&port->pools, pool, link);
	/* a device may still read where an unmap waits for its sync */
	port_policy_flush_all();
	rte_mempool_free(pool->mempool);
	port_policy_forget_arena(pool->arena);
	if (port->domain != NULL)
		dma_arena_grant(pool->arena, DMA_BUFFERS, port->domain, 0, &port->ledger);
	dma_arena_destroy(pool->arena);
	free(pool);
}

void port_pool_reap(struct port *port, bool is_final)
{
	struct port_pool *pool, *next;

	for (pool = TAILQ_FIRST(&port->pools); pool != NULL; pool = next) {
		next = TAILQ_NEXT(pool, link);
		if (is_final || (pool->is_retired && rte_mempool_full(pool->mempool)))
			free_pool(pool);
	}
}

static int grant_pool(struct port_pool *pool, struct base_error *err)
{
	struct port *port = pool->port;
	int ret;

	if (port->domain == NULL)
		return 0;
	if (port->policy != NULL)
		ret = port_policy_add_unit(pool->arena, iommu_domain_unit(port->domain));
	else
		ret = dma_arena_grant(pool->arena, DMA_BUFFERS, port->domain, IOMMU_READ,
				      &port->ledger);
	if (ret != 0)
		return base_error_set(err, ret, "mapping buffers for %s failed: %s", port->name,
				      strerror(-ret));
	return 0;
}

/* All buffers have one size for the queues' mappers. */
static int fit_room(const struct port *port, uint16_t *data_room, struct base_error *err)
{
	uint16_t room = (uint16_t)options_get()->mbuf_size;

	if (port->policy == NULL)
		return 0;
	if (*data_room > port_memory_stride(room, true))
		return base_error_set(err, -EINVAL,
				      "port %u: under strict and deferred all buffers have one "
				      "size, and %u bytes are needed: give --mbuf-size %u",
				      port->id, *data_room, *data_room);
	*data_room = RTE_MAX(*data_room, room);
	return 0;
}

static int make_pool(struct port_pool *pool, const char *name, uint32_t n, uint16_t data_room,
		     struct base_error *err)
{
	static unsigned int serial;
	const struct port *port = pool->port;
	char pool_name[RTE_MEMPOOL_NAMESIZE];
	const struct port_pool_config config = {
		.arena = pool->arena,
		.count = n,
		.data_room = data_room,
		.is_apart = port->policy != NULL,
		.node = port->node < 0 ? SOCKET_ID_ANY : port->node,
	};

	snprintf(pool_name, sizeof(pool_name), "%s_%u_%u", name, port->id, serial++ % 10000);
	return port_memory_make_pool(pool_name, &config, &pool->mempool, err);
}

int port_pool_create(struct port *port, const char *name, uint32_t n, uint16_t data_room,
		     struct port_pool **out, struct base_error *err)
{
	struct dma_arena_config config = {
		.name = name,
		.page_size = options_get()->page_size,
		.node = port->node,
	};
	struct port_pool *pool;
	int ret = fit_room(port, &data_room, err);

	if (ret != 0)
		return ret;
	config.buffer_size = port_memory_pool_size(n, data_room, port->policy != NULL);
	port_pool_reap(port, false);
	pool = calloc(1, sizeof(*pool));
	if (pool == NULL)
		return base_error_set(err, -ENOMEM, "out of memory");
	pool->port = port;
	ret = dma_arena_create(port_space(), &config, &pool->arena, err);
	if (ret != 0)
		goto free_pool;
	port_tell_step_back(port, dma_arena_step_back(pool->arena));
	ret = grant_pool(pool, err);
	if (ret != 0)
		goto destroy_arena;
	ret = make_pool(pool, name, n, data_room, err);
	if (ret != 0)
		goto revoke;
	TAILQ_INSERT_TAIL(&port->pools, pool, link);
	*out = pool;
	return 0;

revoke:
	port_policy_forget_arena(pool->arena);
	if (port->domain != NULL)
		dma_arena_grant(pool->arena, DMA_BUFFERS, port->domain, 0, &port->ledger);
destroy_arena:
	dma_arena_destroy(pool->arena);
free_pool:
	free(pool);
	return ret;
}

void port_pool_destroy(struct port_pool *pool)
{
	if (pool == NULL)
		return;
	stats_lock();
	pool->is_retired = true;
	port_pool_reap(pool->port, false);
	stats_unlock();
}
