/* SPDX-License-Identifier: BSD-3-Clause */
/* mac: forwards packets from the transmit port's own MAC address to its peer's. */
#include "engine.h"

#include <rte_ether.h>

#include "forward.h"
#include "stream_burst.h"

static int mac_stream_begin(struct stream *stream, struct base_error *err)
{
	struct rte_ether_addr *addresses = calloc(2, sizeof(*addresses));
	int ret;

	if (addresses == NULL)
		return base_error_set(err, -ENOMEM, "mac: out of memory");
	forward_peer_address(stream->tx_id, &addresses[0]);
	ret = rte_eth_macaddr_get(stream->tx_id, &addresses[1]);
	if (ret != 0) {
		free(addresses);
		return base_error_set(err, ret, "mac: port %u does not tell its MAC address",
				      stream->tx_id);
	}
	stream->data = addresses;
	return 0;
}

static void mac_stream_end(struct stream *stream)
{
	free(stream->data);
	stream->data = NULL;
}

static uint16_t mac_run(struct stream *stream)
{
	const struct rte_ether_addr *addresses = stream->data;
	struct rte_mbuf *pkts[STREAM_BURST_MAX];
	uint64_t bytes;
	uint16_t n = stream_receive(stream, pkts, &bytes);

	if (n == 0)
		return 0;
	for (uint16_t i = 0; i < n; i++) {
		struct rte_ether_hdr *header = rte_pktmbuf_mtod(pkts[i], struct rte_ether_hdr *);

		if (i + 1 < n)
			rte_prefetch0(rte_pktmbuf_mtod(pkts[i + 1], void *));
		if (unlikely(pkts[i]->data_len < sizeof(*header)))
			continue;
		header->dst_addr = addresses[0];
		header->src_addr = addresses[1];
	}
	stream_transmit(stream, pkts, n, bytes);
	return n;
}

const struct engine engine_mac = {
	.name = "mac",
	.flags = ENGINE_RX | ENGINE_TX_PEER,
	.stream_begin = mac_stream_begin,
	.stream_end = mac_stream_end,
	.run = mac_run,
};
