/* SPDX-License-Identifier: BSD-3-Clause */
/* replay: transmits a capture that was loaded before, as often as asked, and ends. */
#include "engine.h"

#include <errno.h>

#include "engine_replay_copy.h"
#include "port_replay.h"
#include "replay_share.h"
#include "stream_burst.h"

static unsigned int count_streams(const struct port *port, const struct stream *until)
{
	unsigned int count = 0;

	for (const struct stream *s = stream_next(NULL); s != NULL && s != until;
	     s = stream_next(s))
		count += s->tx_port == port && s->engine == &engine_replay;
	return count;
}

static int replay_port_begin(struct port *port, struct base_error *err)
{
	struct replay_split *split;
	int ret = port_replay_begin(port, count_streams(port, NULL), &split, err);

	if (ret == 0)
		port->engine_data = split;
	return ret;
}

static void replay_port_end(struct port *port)
{
	port_replay_end(port);
	port->engine_data = NULL;
}

static void end(struct stream *stream, struct replay_share *share)
{
	if (stream->is_done)
		return;
	share->end_tsc = rte_rdtsc();
	__atomic_store_n(&stream->is_done, 1, __ATOMIC_RELEASE);
}

static int replay_stream_begin(struct stream *stream, struct base_error *err)
{
	struct replay_split *split = stream->tx_port->engine_data;
	struct replay_share *share = &split->shares[count_streams(stream->tx_port, stream)];

	/* one frame waits in a ring many times, and an mbuf has one IOVA */
	if (stream->tx_port->policy != NULL)
		return replay_copy_begin(stream, share, end, err);
	stream->data = share;
	return 0;
}

static void replay_stream_end(struct stream *stream)
{
	if (stream->tx_port->policy != NULL)
		replay_copy_end(stream);
	stream->data = NULL;
}

/* What the device does not take stays where it is, for the next call: nothing is dropped. */
static uint16_t replay_run(struct stream *stream)
{
	struct replay_share *share = stream->data;
	struct rte_mbuf *pkts[STREAM_BURST_MAX];
	uint16_t n = replay_share_next(share, pkts, stream->burst);
	uint16_t sent;
	uint64_t bytes;

	if (unlikely(n == 0)) {
		end(stream, share);
		return 0;
	}
	bytes = stream_bytes(pkts, n);
	sent = stream_offer(stream, pkts, n);
	if (unlikely(stream->tx_bursts != NULL))
		stream_add(&stream->tx_bursts[sent], 1);
	if (unlikely(sent < n)) {
		bytes -= stream_bytes(&pkts[sent], n - sent);
		if (sent == 0)
			return 0;
	}
	replay_share_sent(share, sent, bytes);
	stream_add(&stream->tx->packets, sent);
	stream_add(&stream->tx->bytes, bytes);
	return sent;
}

const struct engine engine_replay = {
	.name = "replay",
	.flags = ENGINE_TX_OWN | ENGINE_DRAINS | ENGINE_ENDS,
	.port_begin = replay_port_begin,
	.port_end = replay_port_end,
	.stream_begin = replay_stream_begin,
	.stream_end = replay_stream_end,
	.run = replay_run,
};
