/* SPDX-License-Identifier: BSD-3-Clause */
/* UDP packets between the test addresses of RFC 2544: what txonly and tx_first send. */
#pragma once

#include <assert.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_udp.h>

#include "base_error.h"
#include "options.h"
#include "port.h"

struct packet_headers {
	struct rte_ether_hdr ether;
	struct rte_ipv4_hdr ipv4;
	struct rte_udp_hdr udp;
};

static_assert(sizeof(struct packet_headers) == 42, "as on the wire");

/* One lcore uses it at a time. */
struct packet_template {
	struct packet_headers headers;
	struct rte_mempool *pool;
	uint32_t pkt_len;
	uint8_t segs;
	uint16_t lengths[OPTIONS_SEGS_MAX];
	bool is_multi_flow;
	uint8_t flow;	/* next one's number */
	uint32_t flows; /* of --txonly-flows; 0: the flows above */
	uint64_t random;
};

/** A pool of the port with buffers for what waits in its rings, in caches and in bursts. */
int packet_pool_create(struct port *port, const char *name, struct port_pool **out,
		       struct base_error *err);

/** Headers for what this port sends, as the options ask for; mbufs come from pool. */
int packet_template_init(struct packet_template *template, uint16_t port_id,
			 struct rte_mempool *pool);

/** Makes up to n packets; fewer when the pool runs dry. Hot. */
uint16_t packet_make_burst(struct packet_template *template, struct rte_mbuf **pkts, uint16_t n);
