/* SPDX-License-Identifier: BSD-3-Clause */
/* macswap: forwards packets with source and destination MAC addresses exchanged. */
#include "engine.h"

#include <rte_ether.h>

#include "stream_burst.h"

static inline void swap_addresses(struct rte_mbuf *pkt)
{
	struct rte_ether_hdr *header = rte_pktmbuf_mtod(pkt, struct rte_ether_hdr *);
	struct rte_ether_addr source = header->src_addr;

	header->src_addr = header->dst_addr;
	header->dst_addr = source;
}

static uint16_t macswap_run(struct stream *stream)
{
	struct rte_mbuf *pkts[STREAM_BURST_MAX];
	uint64_t bytes;
	uint16_t n = stream_receive(stream, pkts, &bytes);

	if (n == 0)
		return 0;
	for (uint16_t i = 0; i < n; i++) {
		if (i + 1 < n)
			rte_prefetch0(rte_pktmbuf_mtod(pkts[i + 1], void *));
		if (likely(pkts[i]->data_len >= sizeof(struct rte_ether_hdr)))
			swap_addresses(pkts[i]);
	}
	stream_transmit(stream, pkts, n, bytes);
	return n;
}

const struct engine engine_macswap = {
	.name = "macswap",
	.flags = ENGINE_RX | ENGINE_TX_PEER,
	.run = macswap_run,
};
