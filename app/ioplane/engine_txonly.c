/* SPDX-License-Identifier: BSD-3-Clause */
/* txonly: transmits UDP packets as fast as the port takes them. */
#include "engine.h"

#include <rte_malloc.h>

#include "packet.h"
#include "stream_burst.h"

static int txonly_port_begin(struct port *port, struct base_error *err)
{
	struct port_pool *pool;
	int ret = packet_pool_create(port, "txonly", &pool, err);

	if (ret == 0)
		port->engine_data = pool;
	return ret;
}

static void txonly_port_end(struct port *port)
{
	port_pool_destroy(port->engine_data);
	port->engine_data = NULL;
}

static int txonly_stream_begin(struct stream *stream, struct base_error *err)
{
	const struct port_pool *pool = stream->tx_port->engine_data;
	struct packet_template *template;
	int ret;

	template = rte_malloc_socket("txonly", sizeof(*template), RTE_CACHE_LINE_SIZE,
				     stream->tx_port->node);
	if (template == NULL)
		return base_error_set(err, -ENOMEM, "txonly: out of EAL memory");
	ret = packet_template_init(template, stream->tx_id, pool->mempool);
	if (ret != 0) {
		rte_free(template);
		return base_error_set(err, ret, "txonly: port %u does not tell its MAC address",
				      stream->tx_id);
	}
	stream->data = template;
	return 0;
}

static void txonly_stream_end(struct stream *stream)
{
	rte_free(stream->data);
	stream->data = NULL;
}

static uint16_t txonly_run(struct stream *stream)
{
	struct packet_template *template = stream->data;
	struct rte_mbuf *pkts[STREAM_BURST_MAX];
	uint16_t n = packet_make_burst(template, pkts, stream->burst);

	if (likely(n > 0))
		stream_transmit(stream, pkts, n, (uint64_t)n * template->pkt_len);
	return n;
}

const struct engine engine_txonly = {
	.name = "txonly",
	.flags = ENGINE_TX_OWN,
	.port_begin = txonly_port_begin,
	.port_end = txonly_port_end,
	.stream_begin = txonly_stream_begin,
	.stream_end = txonly_stream_end,
	.run = txonly_run,
};
