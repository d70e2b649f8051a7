/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of ports, and how a port comes and goes. */
#include "port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>

#include "engine.h"
#include "forward.h"
#include "kernel_watch.h"
#include "options.h"
#include "pmu_watch.h"
#include "port_device.h"
#include "port_memory.h"
#include "port_policy.h"
#include "port_tracker.h"
#include "report.h"
#include "stats.h"
#include "stream.h"

static struct {
	struct port *ports[RTE_MAX_ETHPORTS];
	struct dma_space *space;
} table;

struct port *port_find(uint16_t id)
{
	return id < RTE_DIM(table.ports) ? table.ports[id] : NULL;
}

struct port *port_next(const struct port *prev)
{
	for (unsigned int id = prev == NULL ? 0 : prev->id + 1u; id < RTE_DIM(table.ports); id++)
		if (table.ports[id] != NULL)
			return table.ports[id];
	return NULL;
}

unsigned int port_count(void)
{
	unsigned int count = 0;

	for (struct port *port = NULL; (port = port_next(port)) != NULL;)
		count++;
	return count;
}

bool port_makes_packets(const struct port *port)
{
	return strcmp(port->driver, "net_null") == 0;
}

struct dma_space *port_space(void)
{
	return table.space;
}

bool port_space_is_physical(void)
{
	return table.space != NULL && dma_space_is_physical(table.space);
}

static int make_space(struct base_error *err)
{
	int ret;

	if (table.space != NULL)
		return 0;
	ret = dma_space_create(&table.space, err);
	/* EAL's mode says what DPDK's drivers take an mbuf's address for */
	if (ret != 0 || rte_eal_iova_mode() != RTE_IOVA_PA)
		return ret;
	ret = dma_space_use_physical(table.space, err);
	if (ret != 0) {
		dma_space_destroy(table.space);
		table.space = NULL;
	}
	return ret;
}

static int create_struct(const char *devargs, struct port **out, struct base_error *err)
{
	size_t name_length = strcspn(devargs, ",");
	struct port *port;

	if (name_length == 0 || name_length >= sizeof(port->name) ||
	    strlen(devargs) >= sizeof(port->devargs))
		return base_error_set(err, -EINVAL,
				      "\"%s\": give a device name of at most %zu characters, then "
				      "its arguments",
				      devargs, sizeof(port->name) - 1);
	port = aligned_alloc(RTE_CACHE_LINE_SIZE,
			     RTE_ALIGN_CEIL(sizeof(*port), (size_t)RTE_CACHE_LINE_SIZE));
	if (port == NULL)
		return base_error_set(err, -ENOMEM, "out of memory");
	memset(port, 0, sizeof(*port));
	port->kind = port_device_kind(devargs);
	memcpy(port->name, devargs, name_length);
	strcpy(port->devargs, devargs);
	port->node = SOCKET_ID_ANY;
	port->state = PORT_STOPPED;
	port->needs_configure = true;
	port->engine = engine_find(options_get()->forward_mode);
	TAILQ_INIT(&port->pools);
	LIST_INIT(&port->old_policies);
	port->dma_policy = options_get()->dma_policy;
	*out = port;
	return 0;
}

/* The ethdev is there: learn about it, give it its receive pool and its place in the table. */
static int enter(struct port *port, uint16_t id, struct base_error *err)
{
	int ret;

	if (table.ports[id] != NULL)
		return base_error_set(err, -EBUSY,
				      "port %u was closed and not detached: port detach %u first",
				      id, id);
	port->id = id;
	ret = rte_eth_dev_info_get(id, &port->info);
	if (ret != 0)
		return base_error_set(err, ret, "port %u does not describe itself: %s", id,
				      rte_strerror(-ret));
	snprintf(port->driver, sizeof(port->driver), "%s", port->info.driver_name);
	if (port->node < 0)
		port->node = rte_eth_dev_socket_id(id);
	if (port->arena == NULL) {
		ret = port_memory_create(port, err);
		if (ret != 0)
			return ret;
	}
	ret = port_memory_add_pool(port, err);
	if (ret != 0)
		return ret;
	table.ports[id] = port;
	return 0;
}

static int add_locked(uint16_t id, struct port **out, struct base_error *err)
{
	char name[RTE_ETH_NAME_MAX_LEN];
	struct port *port;
	int ret;

	if (rte_eth_dev_get_name_by_port(id, name) != 0)
		return base_error_set(err, -ENODEV, "there is no port %u", id);
	ret = make_space(err);
	if (ret == 0)
		ret = create_struct(name, &port, err);
	if (ret != 0)
		return ret;
	port->devargs[0] = '\0';
	port->kind = PORT_PLAIN;
	ret = enter(port, id, err);
	if (ret != 0) {
		port_memory_destroy(port);
		free(port);
		return ret;
	}
	*out = port;
	return 0;
}

int port_add(uint16_t id, struct port **out, struct base_error *err)
{
	int ret;

	stats_lock();
	ret = add_locked(id, out, err);
	stats_unlock();
	return ret;
}

static int attach_locked(const char *devargs, struct port **out, struct base_error *err)
{
	char canonical[sizeof(((struct port *)NULL)->devargs)];
	struct port *port;
	uint16_t id;
	int ret = make_space(err);

	if (ret == 0 && port_device_canonical(devargs, canonical, sizeof(canonical)) != 0)
		ret = base_error_set(err, -EINVAL, "\"%.80s...\": too long", devargs);
	if (ret == 0)
		ret = create_struct(canonical, &port, err);
	if (ret != 0)
		return ret;
	if (rte_eth_dev_get_port_by_name(port->name, &id) == 0) {
		ret = base_error_set(err, -EEXIST,
				     "device %s is there already as port %u: name each "
				     "device once, or port detach %u first",
				     port->name, id, id);
		goto free_port;
	}
	port->is_ours = true;
	ret = port_device_attach(port, err);
	if (ret != 0)
		goto free_port;
	/* a driver's probe may do DMA already */
	if (port->device != NULL)
		kernel_watch_begin(port->device);
	pmu_watch_attach(port);
	ret = port_device_plug(port, &id, err);
	if (ret != 0)
		goto detach;
	ret = enter(port, id, err);
	if (ret != 0)
		goto unplug;
	*out = port;
	return 0;

unplug:
	port_device_unplug(port, NULL);
detach:
	pmu_watch_detach(port);
	port_memory_destroy(port);
	port_device_detach(port);
free_port:
	free(port);
	return ret;
}

int port_attach(const char *devargs, struct port **out, struct base_error *err)
{
	int ret;

	stats_lock();
	ret = attach_locked(devargs, out, err);
	stats_unlock();
	return ret;
}

int port_drain_others(const struct port *port, struct base_error *err)
{
	int failed = 0;

	for (struct port *other = NULL; (other = port_next(other)) != NULL;) {
		int ret;

		if (other == port || other->state != PORT_STARTED)
			continue;
		ret = port_stop(other, err);
		if (ret == 0)
			ret = port_resume(other, err);
		if (ret != 0)
			failed = ret;
	}
	return failed;
}

static void forget_unit_of(const struct port *leaving)
{
	const struct iommu_unit *unit = iommu_domain_unit(leaving->domain);

	for (struct port *port = NULL; (port = port_next(port)) != NULL;)
		if (port->domain != NULL && iommu_domain_unit(port->domain) == unit)
			return;
	port_policy_forget_unit(unit);
}

/* What the domain was granted of other ports' buffers goes before the domain does. */
static void revoke_from(const struct port *leaving)
{
	if (leaving->domain == NULL)
		return;
	forget_unit_of(leaving);
	for (struct port *port = NULL; (port = port_next(port)) != NULL;)
		if (port->domain == leaving->domain)
			return;
	for (struct port *port = NULL; (port = port_next(port)) != NULL;)
		if (dma_arena_rights(port->arena, DMA_BUFFERS, leaving->domain) != 0)
			dma_arena_grant(port->arena, DMA_BUFFERS, leaving->domain, 0,
					&port->ledger);
}

static int detach_locked(struct port *port, struct base_error *err)
{
	int ret = 0, drained;

	if (port->state == PORT_STOPPED)
		ret = port_close(port, err);
	if (ret != 0)
		return ret;
	/* the streams of the last run name it */
	stream_destroy_all();
	drained = port_drain_others(port, err);
	ret = port_device_unplug(port, err);
	table.ports[port->id] = NULL;
	report_forget_port(port->id);
	pmu_watch_detach(port);
	port_tracker_forget(port);
	revoke_from(port);
	port_memory_destroy(port);
	port_device_detach(port);
	free(port);
	return ret != 0 ? ret : drained;
}

int port_detach(struct port *port, struct base_error *err)
{
	int ret;

	if (forward_is_running())
		return base_error_set(err, -EBUSY, "forwarding runs: stop first");
	if (port->state == PORT_STARTED)
		return base_error_set(err, -EBUSY, "port %u is started: port stop %u first",
				      port->id, port->id);
	stats_lock();
	ret = detach_locked(port, err);
	stats_unlock();
	return ret;
}

void port_cleanup(void)
{
	struct port *port, *next;

	/* all stop before the first goes: rings hold buffers of other ports */
	for (port = NULL; (port = port_next(port)) != NULL;)
		if (port->state == PORT_STARTED)
			port_stop(port, NULL);
	/* one that does not go stays: trying again would not end */
	for (port = port_next(NULL); port != NULL; port = next) {
		next = port_next(port);
		port_detach(port, NULL);
	}
	port_memory_reap();
	if (table.space != NULL)
		dma_space_destroy(table.space);
	table.space = NULL;
}
