/* SPDX-License-Identifier: BSD-3-Clause */
/* What happens on the main lcore between the begin hooks and the launch. */
#include "forward_prepare.h"

#include <string.h>

#include "forward.h"
#include "options.h"
#include "packet.h"
#include "port_tracker.h"
#include "stream_burst.h"

void forward_pause(void)
{
	struct rte_eth_fc_conf conf = {.mode = RTE_ETH_FC_NONE};

	for (struct stream *s = NULL; (s = stream_next(s)) != NULL;)
		if (s->engine == &engine_replay)
			conf.mode = RTE_ETH_FC_FULL;
	for (struct port *port = NULL; (port = port_next(port)) != NULL;)
		if (port->kind == PORT_DMANIC && port->state != PORT_CLOSED &&
		    strstr(port->devargs, ",pause=") == NULL)
			rte_eth_dev_flow_ctrl_set(port->id, &conf);
}

/* A port that always has packets (net_null) must not keep us: two rings' worth is enough. */
static void flush_queue(struct port *port, uint16_t queue)
{
	struct rte_mbuf *pkts[STREAM_BURST_MAX];
	uint32_t left = 2u * ((uint32_t)port->rxd + port->txd);
	uint64_t bytes;
	struct stream stream = {
		.rx_id = port->id,
		.rx_queue = queue,
		.burst = options_get()->burst,
		.rx = &port->rx[queue],
		.rx_tracker = port_tracker_queue(port, true, queue),
	};

	while (left > 0) {
		uint16_t n = stream_receive(&stream, pkts, &bytes);

		if (n == 0)
			return;
		rte_pktmbuf_free_bulk(pkts, n);
		left -= RTE_MIN(left, n);
	}
}

void forward_flush(void)
{
	for (struct stream *s = NULL; (s = stream_next(s)) != NULL;)
		if (s->rx_port != NULL)
			flush_queue(s->rx_port, s->rx_queue);
}

static void send_bursts(struct port *port, uint16_t queue, struct packet_template *template,
			unsigned int n)
{
	struct rte_mbuf *pkts[STREAM_BURST_MAX];
	struct stream stream = {
		.tx_id = port->id,
		.tx_queue = queue,
		.burst = options_get()->burst,
		.tx = &port->tx[queue],
		.tx_tracker = port_tracker_queue(port, false, queue),
	};

	for (unsigned int i = 0; i < n; i++) {
		uint16_t made = packet_make_burst(template, pkts, stream.burst);

		if (made == 0)
			return;
		stream_transmit(&stream, pkts, made, (uint64_t)made * template->pkt_len);
	}
}

int forward_send_first(unsigned int n, struct base_error *err)
{
	struct port *ports[RTE_MAX_ETHPORTS];
	unsigned int count = forward_ports(ports, RTE_DIM(ports));

	for (unsigned int i = 0; i < count; i++) {
		struct port *port = ports[i];
		struct packet_template template;
		struct port_pool *pool;
		int ret;

		if (port->engine->flags & ENGINE_TX_OWN)
			continue;
		ret = packet_pool_create(port, "tx_first", &pool, err);
		if (ret != 0)
			return ret;
		ret = port_tracker_update(err);
		if (ret != 0) {
			port_pool_destroy(pool);
			return ret;
		}
		ret = packet_template_init(&template, port->id, pool->mempool);
		for (uint16_t q = 0; ret == 0 && q < port->txq; q++)
			if ((port->tx_stopped & (1ull << q)) == 0)
				send_bursts(port, q, &template, n);
		port_pool_destroy(pool);
		if (ret != 0)
			return base_error_set(err, ret, "port %u does not tell its MAC address",
					      port->id);
	}
	return 0;
}
