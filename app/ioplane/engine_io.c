/* SPDX-License-Identifier: BSD-3-Clause */
/* io: forwards packets as they are, without looking at them. */
#include "engine.h"

#include "stream_burst.h"

static uint16_t io_run(struct stream *stream)
{
	struct rte_mbuf *pkts[STREAM_BURST_MAX];
	uint64_t bytes;
	uint16_t n = stream_receive(stream, pkts, &bytes);

	if (likely(n > 0))
		stream_transmit(stream, pkts, n, bytes);
	return n;
}

const struct engine engine_io = {
	.name = "io",
	.flags = ENGINE_RX | ENGINE_TX_PEER,
	.run = io_run,
};
