/* SPDX-License-Identifier: BSD-3-Clause */
/* What policies need to know of streams: who transmits whose buffers, and who polls which queue. */
#include "port_policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream.h"

/* --- units that reach buffers without a grant ------------------------------------------------- */

struct known_unit {
	LIST_ENTRY(known_unit) link;
	struct dma_arena *arena;
	struct iommu_unit *unit;
};

static LIST_HEAD(, known_unit) known_units = LIST_HEAD_INITIALIZER(known_units);

int port_policy_add_unit(struct dma_arena *arena, struct iommu_unit *unit)
{
	struct known_unit *known;
	int ret;

	LIST_FOREACH(known, &known_units, link) {
		if (known->arena == arena && known->unit == unit)
			return 0;
	}
	known = calloc(1, sizeof(*known));
	if (known == NULL)
		return -ENOMEM;
	ret = dma_arena_add_unit(arena, unit);
	if (ret != 0) {
		free(known);
		return ret;
	}
	known->arena = arena;
	known->unit = unit;
	LIST_INSERT_HEAD(&known_units, known, link);
	return 0;
}

static void forget(const struct dma_arena *arena, const struct iommu_unit *unit)
{
	struct known_unit *known = LIST_FIRST(&known_units), *next;

	for (; known != NULL; known = next) {
		next = LIST_NEXT(known, link);
		if (known->arena != arena && known->unit != unit)
			continue;
		dma_arena_remove_unit(known->arena, known->unit);
		LIST_REMOVE(known, link);
		free(known);
	}
}

void port_policy_forget_arena(struct dma_arena *arena)
{
	forget(arena, NULL);
}

void port_policy_forget_unit(const struct iommu_unit *unit)
{
	forget(NULL, unit);
}

/* --- streams ---------------------------------------------------------------------------------- */

static const char *policy_name(const struct port *port)
{
	return dma_policy_name(port->policy == NULL ? DMA_STATIC : port->dma_policy.policy);
}

/* A static port transmits what its domain was granted, another one what it can map. */
static int check(const struct port *from, const struct port *to, struct base_error *err)
{
	if (to->device == NULL || (from->policy == NULL) == (to->policy == NULL))
		return 0;
	return base_error_set(
		err, -EINVAL,
		"port %u has the %s policy and port %u, which transmits its buffers, the %s one: "
		"static goes with static only; give both --dma-policy, or port stop %u and set "
		"dma policy",
		from->id, policy_name(from), to->id, policy_name(to),
		from->device != NULL ? from->id : to->id);
}

static int begin(const struct stream *stream, struct base_error *err)
{
	struct port *from = stream->rx_port, *to = stream->tx_port;
	struct port_policy_queue *tx;
	int ret;

	if (from == NULL || to == NULL)
		return 0;
	ret = check(from, to, err);
	if (ret != 0 || to->policy == NULL)
		return ret;
	tx = port_policy_tx(to, stream->tx_queue);
	port_policy_accompany(from, stream->rx_queue, tx);
	if (to->device == NULL)
		return 0;
	ret = port_policy_add_unit(from->arena, iommu_domain_unit(iommu_device_domain(to->device)));
	if (ret != 0)
		base_error_set(err, ret,
			       "the IOMMU of port %u does not take the memory of port "
			       "%u: %s",
			       to->id, from->id, strerror(-ret));
	return ret;
}

int port_policy_begin(struct base_error *err)
{
	int ret = 0;

	for (struct stream *s = NULL; ret == 0 && (s = stream_next(s)) != NULL;)
		ret = begin(s, err);
	return ret;
}

void port_policy_end(void)
{
	for (struct port *port = NULL; (port = port_next(port)) != NULL;) {
		const char *error;

		port_policy_accompany(port, UINT16_MAX, NULL);
		error = port_policy_error(port);
		if (error[0] != '\0')
			fprintf(stderr, "port %u: buffers could not be mapped at hand-over: %s\n",
				port->id, error);
	}
	port_policy_flush_all();
}
