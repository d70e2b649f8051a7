/* SPDX-License-Identifier: BSD-3-Clause */
/* rxonly: receives, counts and frees. */
#include "engine.h"

#include "stream_burst.h"

static uint16_t rxonly_run(struct stream *stream)
{
	struct rte_mbuf *pkts[STREAM_BURST_MAX];
	uint64_t bytes;
	uint16_t n = stream_receive(stream, pkts, &bytes);

	if (n > 0)
		rte_pktmbuf_free_bulk(pkts, n);
	return n;
}

const struct engine engine_rxonly = {
	.name = "rxonly",
	.flags = ENGINE_RX,
	.run = rxonly_run,
};
