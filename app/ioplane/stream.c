/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes streams of ports, queues and engines, and shares them out to the lcores. */
#include "stream.h"

#include <stdlib.h>
#include <string.h>

#include <rte_lcore.h>
#include <rte_malloc.h>

#include "forward.h"
#include "options.h"

static struct {
	struct stream *all;
	unsigned int count;
	unsigned int capacity;
	uint64_t tx_taken[RTE_MAX_ETHPORTS]; /* transmit queues that have a stream, a bit each */
} streams;

struct stream *stream_next(const struct stream *prev)
{
	unsigned int next = prev == NULL ? 0 : (unsigned int)(prev - streams.all) + 1;

	return next < streams.count ? &streams.all[next] : NULL;
}

struct stream *stream_first(void)
{
	return streams.all;
}

unsigned int stream_count(void)
{
	return streams.count;
}

static unsigned int peer_index(unsigned int i, unsigned int count)
{
	switch (options_get()->topology) {
	case TOPOLOGY_LOOP:
		return i;
	case TOPOLOGY_CHAINED:
		return (i + 1) % count;
	case TOPOLOGY_PAIRED:
		break;
	}
	return (i ^ 1) < count ? i ^ 1 : i; /* the odd one out sends to itself, as in testpmd */
}

static int allocate_bursts(struct stream *stream, struct base_error *err)
{
	size_t size = sizeof(uint64_t) * (STREAM_BURST_MAX + 1);

	if (!options_get()->records_bursts)
		return 0;
	stream->rx_bursts = rte_zmalloc_socket("bursts", size, RTE_CACHE_LINE_SIZE, SOCKET_ID_ANY);
	stream->tx_bursts = rte_zmalloc_socket("bursts", size, RTE_CACHE_LINE_SIZE, SOCKET_ID_ANY);
	if (stream->rx_bursts == NULL || stream->tx_bursts == NULL)
		return base_error_set(err, -ENOMEM, "streams: out of EAL memory");
	return 0;
}

/* One writer for each transmit queue: what counters and rings rely on. */
static int take_tx(struct port *port, uint16_t queue, const struct engine *engine,
		   struct base_error *err)
{
	if (streams.tx_taken[port->id] & (1ull << queue))
		return base_error_set(err, -EBUSY,
				      "engine %s and another one both transmit on queue %u of port "
				      "%u: change one with set port P fwd, or --port-topology",
				      engine->name, queue, port->id);
	streams.tx_taken[port->id] |= 1ull << queue;
	return 0;
}

static int add_stream(const struct engine *engine, struct port *rx_port, uint16_t rx_queue,
		      struct port *tx_port, uint16_t tx_queue, struct base_error *err)
{
	const struct options *options = options_get();
	struct stream *stream = &streams.all[streams.count];
	int ret;

	RTE_VERIFY(streams.count < streams.capacity);
	if (tx_port != NULL) {
		ret = take_tx(tx_port, tx_queue, engine, err);
		if (ret != 0)
			return ret;
	}
	streams.count++;
	stream->engine = engine;
	stream->run = engine->run;
	stream->burst = options->burst;
	stream->retry_count = options->retries ? options->tx_retry : 0;
	stream->retry_delay_us = options->tx_delay_us;
	stream->rx_port = rx_port;
	stream->tx_port = tx_port;
	if (rx_port != NULL) {
		stream->rx_id = rx_port->id;
		stream->rx_queue = rx_queue;
		stream->rx = &rx_port->rx[rx_queue];
	}
	if (tx_port != NULL) {
		stream->tx_id = tx_port->id;
		stream->tx_queue = tx_queue;
		stream->tx = &tx_port->tx[tx_queue];
	}
	return allocate_bursts(stream, err);
}

static int add_receiving(struct port *port, struct port *peer, struct base_error *err)
{
	const struct engine *engine = port->engine;
	bool is_forwarding = (engine->flags & ENGINE_TX_PEER) != 0;
	int ret;

	if (is_forwarding && peer->txq < port->rxq)
		return base_error_set(err, -EINVAL,
				      "port %u receives on %u queues and port %u transmits on %u: "
				      "each receive queue needs its transmit queue (--txq %u)",
				      port->id, port->rxq, peer->id, peer->txq, port->rxq);
	for (uint16_t q = 0; q < port->rxq; q++) {
		if (port->rx_stopped & (1ull << q))
			continue;
		if (is_forwarding && peer->tx_stopped & (1ull << q))
			continue;
		ret = add_stream(engine, port, q, is_forwarding ? peer : NULL, q, err);
		if (ret != 0)
			return ret;
	}
	return 0;
}

static int add_transmitting(struct port *port, struct base_error *err)
{
	int ret;

	for (uint16_t q = 0; q < port->txq; q++) {
		if (port->tx_stopped & (1ull << q))
			continue;
		ret = add_stream(port->engine, NULL, 0, port, q, err);
		if (ret != 0)
			return ret;
	}
	/* Nobody waits for room in a ring whose packets are made up. */
	if ((port->engine->flags & ENGINE_DRAINS) == 0 || port_makes_packets(port))
		return 0;
	for (uint16_t q = 0; q < port->rxq; q++) {
		if (port->rx_stopped & (1ull << q))
			continue;
		ret = add_stream(&engine_rxonly, port, q, NULL, 0, err);
		if (ret != 0)
			return ret;
	}
	return 0;
}

/* Blocks of streams in order, the later lcores taking one more: testpmd's way. */
static int share_out(struct base_error *err)
{
	unsigned int lcores[RTE_MAX_LCORE], lcore_count, per_lcore, extra, s = 0;
	int ret = forward_lcores(lcores, &lcore_count, err);

	if (ret != 0)
		return ret;
	lcore_count = RTE_MIN(lcore_count, streams.count);
	per_lcore = streams.count / lcore_count;
	extra = streams.count % lcore_count;
	for (unsigned int i = 0; i < lcore_count; i++) {
		unsigned int n = per_lcore + (i >= lcore_count - extra);

		for (unsigned int j = 0; j < n; j++)
			streams.all[s++].lcore = lcores[i];
	}
	return 0;
}

static int fill(struct port **ports, unsigned int count, struct base_error *err)
{
	int ret;

	for (unsigned int i = 0; i < count; i++) {
		struct port *port = ports[i];

		if (port->engine->flags & ENGINE_RX)
			ret = add_receiving(port, ports[peer_index(i, count)], err);
		else
			ret = add_transmitting(port, err);
		if (ret != 0)
			return ret;
	}
	if (streams.count == 0)
		return base_error_set(err, -EINVAL, "there is no queue to forward on");
	return share_out(err);
}

int stream_create_all(struct base_error *err)
{
	struct port *ports[RTE_MAX_ETHPORTS];
	unsigned int count = forward_ports(ports, RTE_DIM(ports));
	unsigned int capacity = 0;
	int ret;

	stream_destroy_all();
	if (count == 0)
		return base_error_set(err, -ENODEV, "there is no port: give EAL a --vdev");
	for (unsigned int i = 0; i < count; i++) {
		if (ports[i]->state != PORT_STARTED)
			return base_error_set(err, -EINVAL,
					      "port %u is not started: port start %u first",
					      ports[i]->id, ports[i]->id);
		capacity += (unsigned int)ports[i]->rxq + ports[i]->txq;
	}
	streams.all = rte_zmalloc_socket("streams", capacity * sizeof(*streams.all),
					 RTE_CACHE_LINE_SIZE, SOCKET_ID_ANY);
	if (streams.all == NULL)
		return base_error_set(err, -ENOMEM, "streams: out of EAL memory");
	streams.capacity = capacity;
	ret = fill(ports, count, err);
	if (ret != 0)
		stream_destroy_all();
	return ret;
}

void stream_destroy_all(void)
{
	for (unsigned int i = 0; i < streams.count; i++) {
		rte_free(streams.all[i].rx_bursts);
		rte_free(streams.all[i].tx_bursts);
	}
	rte_free(streams.all);
	memset(&streams, 0, sizeof(streams));
}

static void copy_counters(struct port_counters *base, const struct port_counters *now)
{
	if (now == NULL)
		return;
	base->packets = __atomic_load_n(&now->packets, __ATOMIC_RELAXED);
	base->bytes = __atomic_load_n(&now->bytes, __ATOMIC_RELAXED);
	base->drops = __atomic_load_n(&now->drops, __ATOMIC_RELAXED);
}

/* The lcore may be counting: what it adds at this moment may stay. */
static void clear_bursts(uint64_t *bursts)
{
	for (unsigned int i = 0; bursts != NULL && i <= STREAM_BURST_MAX; i++)
		__atomic_store_n(&bursts[i], 0, __ATOMIC_RELAXED);
}

void stream_clear(struct stream *stream)
{
	copy_counters(&stream->rx_base, stream->rx);
	copy_counters(&stream->tx_base, stream->tx);
	clear_bursts(stream->rx_bursts);
	clear_bursts(stream->tx_bursts);
	__atomic_store_n(&stream->busy_cycles, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&stream->busy_packets, 0, __ATOMIC_RELAXED);
}
