/* SPDX-License-Identifier: BSD-3-Clause */
/* Trackers on the queues of ports: one for each IOMMU unit, fed by the streams. */
#include "port_tracker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_lcore.h>

#include "options.h"
#include "port_ring.h"
#include "port_tracker_tick.h"
#include "port_tracker_unit.h"
#include "stats.h"
#include "stream.h"

struct queue {
	struct tracker_queue *tracked; /* NULL: none yet */
	struct tracker_ring ring;      /* that it is bound to, with the lcore */
	unsigned int lcore;
	bool has_ring;
};

struct queues {
	struct tracked_domain *domain;
	uint32_t starts; /* of the port: each has its rings begin at their first descriptors */
	struct queue rx[PORT_QUEUES_MAX];
	struct queue tx[PORT_QUEUES_MAX];
};

static struct queues *queues_of[RTE_MAX_ETHPORTS];

static struct queue *find_queue(const struct port *port, bool is_rx, uint16_t queue)
{
	struct queues *queues = queues_of[port->id];

	if (queues == NULL)
		return NULL;
	return is_rx ? &queues->rx[queue] : &queues->tx[queue];
}

struct tracker_queue *port_tracker_queue(const struct port *port, bool is_rx, uint16_t queue)
{
	const struct queue *found = find_queue(port, is_rx, queue);

	return found == NULL ? NULL : found->tracked;
}

const struct tracked_unit *port_tracker_unit(const struct port *port)
{
	return queues_of[port->id] == NULL ? NULL : queues_of[port->id]->domain->unit;
}

bool port_tracker_has_ring(const struct port *port, bool is_rx, uint16_t queue)
{
	const struct queue *found = find_queue(port, is_rx, queue);

	return found != NULL && found->has_ring;
}

/* --- modes ----------------------------------------------------------------------------------- */

static const char *const mode_names[] = {
	[TRACKER_OFF] = "off",
	[TRACKER_SAMPLED] = "sampled",
	[TRACKER_FULL] = "full",
};

const char *port_tracker_mode_name(enum tracker_mode mode)
{
	return mode_names[mode];
}

int port_tracker_mode_parse(const char *name, enum tracker_mode *mode)
{
	for (unsigned int i = 0; i < RTE_DIM(mode_names); i++)
		if (strcmp(name, mode_names[i]) == 0) {
			*mode = (enum tracker_mode)i;
			return 0;
		}
	return -EINVAL;
}

void port_tracker_set_mode(enum tracker_mode mode)
{
	stats_lock();
	options_edit()->tracker = mode;
	for (struct tracked_unit *unit = NULL; (unit = tracked_unit_next(unit)) != NULL;)
		tracker_set_mode(unit->tracker, mode);
	stats_unlock();
}

/* --- binding --------------------------------------------------------------------------------- */

/* What nobody polls is the main lcore's: it sends the first packets and drains what waits. */
static unsigned int lcore_of(const struct port *port, bool is_rx, uint16_t queue)
{
	for (struct stream *s = NULL; (s = stream_next(s)) != NULL;) {
		if (is_rx ? s->rx_port == port && s->rx_queue == queue
			  : s->tx_port == port && s->tx_queue == queue)
			return s->lcore;
	}
	return rte_get_main_lcore();
}

static int attach(struct queues *queues, bool is_rx, uint16_t number, struct queue *queue)
{
	const struct tracker_ring *ring = queue->has_ring ? &queue->ring : NULL;

	if (queue->tracked != NULL)
		return tracker_queue_bind(queue->tracked, queue->lcore, ring);
	return tracker_queue_create(queues->domain->tracked, queue->lcore, is_rx, number, ring,
				    &queue->tracked);
}

static int bind_queue(struct queues *queues, const struct port *port, bool is_rx, uint16_t number,
		      struct base_error *err)
{
	struct queue *queue = is_rx ? &queues->rx[number] : &queues->tx[number];
	unsigned int lcore = lcore_of(port, is_rx, number);
	struct tracker_ring ring;
	bool has_ring = port_ring_find(port, is_rx, number, &ring);
	int ret;

	if (queue->tracked != NULL && queues->starts == port->starts && queue->lcore == lcore &&
	    memcmp(&queue->ring, &ring, sizeof(ring)) == 0)
		return 0;
	queue->ring = ring;
	queue->lcore = lcore;
	queue->has_ring = has_ring;
	ret = attach(queues, is_rx, number, queue);
	/* outside of what is mapped: not where we take it to be */
	if (ret == -EINVAL && has_ring) {
		queue->has_ring = false;
		ret = attach(queues, is_rx, number, queue);
	}
	if (ret != 0)
		return base_error_set(err, ret, "queue %u of port %u cannot be tracked: %s", number,
				      port->id, strerror(-ret));
	return 0;
}

static int bind_port(const struct port *port, struct base_error *err)
{
	struct queues *queues = queues_of[port->id];
	int ret = 0;

	if (queues == NULL) {
		queues = calloc(1, sizeof(*queues));
		if (queues == NULL)
			return base_error_set(err, -ENOMEM, "out of memory");
		ret = tracked_domain_get(port, &queues->domain, err);
		if (ret != 0) {
			free(queues);
			return ret;
		}
		queues_of[port->id] = queues;
	}
	for (uint16_t q = 0; ret == 0 && q < port->rxq; q++)
		ret = bind_queue(queues, port, true, q, err);
	for (uint16_t q = 0; ret == 0 && q < port->txq; q++)
		ret = bind_queue(queues, port, false, q, err);
	queues->starts = port->starts;
	return ret;
}

/* An IOTLB that translates nothing has no figures. */
static bool is_behind_iommu(const struct port *port)
{
	return port->device != NULL && port->state == PORT_STARTED &&
	       iommu_unit_limits(iommu_domain_unit(port->domain))->is_protected;
}

static void forget_domain(const struct tracked_domain *domain)
{
	for (struct port *port = NULL; (port = port_next(port)) != NULL;)
		if (queues_of[port->id] != NULL && queues_of[port->id]->domain == domain)
			port_tracker_forget(port);
}

static int update(bool may_forget, struct base_error *err)
{
	for (struct port *port = NULL; (port = port_next(port)) != NULL;) {
		struct queues *queues = queues_of[port->id];
		int ret = queues == NULL ? 0 : tracked_domain_update(queues->domain);

		if (ret == -EEXIST && may_forget)
			forget_domain(queues->domain);
		else if (ret != 0 && ret != -EEXIST)
			return base_error_set(err, ret,
					      "the pages of port %u cannot be tracked: %s",
					      port->id, strerror(-ret));
	}
	return 0;
}

/* Streams have their queues by now: pages count in the size that they had. */
int port_tracker_update(struct base_error *err)
{
	return update(false, err);
}

int port_tracker_bind(struct base_error *err)
{
	int ret = update(true, err);

	for (struct port *port = NULL; ret == 0 && (port = port_next(port)) != NULL;)
		if (is_behind_iommu(port))
			ret = bind_port(port, err);
	for (struct stream *s = NULL; ret == 0 && (s = stream_next(s)) != NULL;) {
		if (s->rx_port != NULL)
			s->rx_tracker = port_tracker_queue(s->rx_port, true, s->rx_queue);
		if (s->tx_port != NULL)
			s->tx_tracker = port_tracker_queue(s->tx_port, false, s->tx_queue);
	}
	return ret == 0 ? port_tracker_tick_start(err) : ret;
}

void port_tracker_settle(void)
{
	for (struct tracked_unit *unit = NULL; (unit = tracked_unit_next(unit)) != NULL;)
		tracker_settle(unit->tracker);
}

void port_tracker_clear(const struct port *port)
{
	if (queues_of[port->id] != NULL)
		tracker_clear(queues_of[port->id]->domain->unit->tracker);
}

void port_tracker_forget(const struct port *port)
{
	struct queues *queues = queues_of[port->id];

	if (queues == NULL)
		return;
	for (unsigned int q = 0; q < PORT_QUEUES_MAX; q++) {
		if (queues->rx[q].tracked != NULL)
			tracker_queue_destroy(queues->rx[q].tracked);
		if (queues->tx[q].tracked != NULL)
			tracker_queue_destroy(queues->tx[q].tracked);
	}
	tracked_domain_put(queues->domain);
	free(queues);
	queues_of[port->id] = NULL;
}
