/* SPDX-License-Identifier: BSD-3-Clause */
/* rxloss: receives as rxonly, but as TCP does behind a network that loses frames. */
#include "engine.h"

#include <string.h>

#include <rte_jhash.h>
#include <rte_malloc.h>

#include "options.h"
#include "packet.h"
#include "stream_burst.h"

#define FLOWS 64 /* a power of two; flows that share one lose together */

/*
 * A flow that has lost a frame keeps all that follows, in its out-of-order queue, until the frame
 * is sent again and comes in; then all of it is read, and its buffers go back at once. So buffers
 * come back in another order than they went out. What comes in later is counted in frames of the
 * queue: --rx-hold of them.
 */
struct flow {
	struct rte_mbuf *first, *last; /* held, a chain; or NULL */
	bool is_holding;
};

struct rxloss {
	uint32_t loss; /* of 2^32 frames */
	uint32_t hold;
	uint64_t random;
	uint64_t received;
	/* flows that hold, the longest first, and when each stops */
	uint32_t head, count;
	uint8_t holding[FLOWS];
	uint64_t until[FLOWS];
	struct flow flow[FLOWS];
};

static int rxloss_stream_begin(struct stream *stream, struct base_error *err)
{
	struct rxloss *state = rte_zmalloc_socket("rxloss", sizeof(*state), RTE_CACHE_LINE_SIZE,
						  stream->rx_port->node);

	if (state == NULL)
		return base_error_set(err, -ENOMEM, "rxloss: out of EAL memory");
	state->loss = (uint32_t)(options_get()->rx_loss_ppm * (UINT64_C(1) << 32) / 1000000);
	state->hold = options_get()->rx_hold;
	state->random = UINT64_C(0x9e3779b97f4a7c15) * (stream->rx_queue + 1u);
	stream->data = state;
	return 0;
}

static void rxloss_stream_end(struct stream *stream)
{
	struct rxloss *state = stream->data;

	for (unsigned int i = 0; i < FLOWS; i++)
		rte_pktmbuf_free(state->flow[i].first);
	rte_free(state);
	stream->data = NULL;
}

static inline uint32_t draw(struct rxloss *state)
{
	state->random ^= state->random << 13;
	state->random ^= state->random >> 7;
	state->random ^= state->random << 17;
	return (uint32_t)(state->random >> 32);
}

/* By the device's hash where it has made one: a queue alone is not hashed for. */
static inline uint32_t flow_of(const struct rte_mbuf *mbuf)
{
	const struct packet_headers *headers;
	uint32_t hash;

	if (mbuf->ol_flags & RTE_MBUF_F_RX_RSS_HASH)
		/* the low bits have chosen the queue */
		return rte_jhash_1word(mbuf->hash.rss, 0) % FLOWS;
	if (mbuf->data_len < sizeof(*headers))
		return 0;
	headers = rte_pktmbuf_mtod(mbuf, const struct packet_headers *);
	memcpy(&hash, &headers->ipv4.src_addr, sizeof(hash));
	return rte_jhash_1word(hash, 0) % FLOWS;
}

static inline void begin_hold(struct rxloss *state, uint32_t number)
{
	uint32_t at = (state->head + state->count++) % FLOWS;

	state->flow[number].is_holding = true;
	state->holding[at] = (uint8_t)number;
	state->until[at] = state->received + state->hold;
}

static inline void keep(struct flow *flow, struct rte_mbuf *mbuf)
{
	struct rte_mbuf *last = rte_pktmbuf_lastseg(mbuf);

	if (flow->first == NULL)
		flow->first = mbuf;
	else
		flow->last->next = mbuf;
	flow->last = last;
}

/* Frees what belongs to flows whose lost frame has come in. */
static inline void end_holds(struct rxloss *state)
{
	while (state->count > 0 && state->until[state->head] <= state->received) {
		struct flow *flow = &state->flow[state->holding[state->head]];

		rte_pktmbuf_free(flow->first);
		flow->first = NULL;
		flow->is_holding = false;
		state->head = (state->head + 1) % FLOWS;
		state->count--;
	}
}

static uint16_t rxloss_run(struct stream *stream)
{
	struct rxloss *state = stream->data;
	struct rte_mbuf *pkts[STREAM_BURST_MAX];
	uint64_t bytes;
	uint16_t n = stream_receive(stream, pkts, &bytes), read = 0;

	for (uint16_t i = 0; i < n; i++) {
		uint32_t number = flow_of(pkts[i]);
		struct flow *flow = &state->flow[number];

		state->received++;
		if (!flow->is_holding && draw(state) < state->loss)
			begin_hold(state, number);
		if (flow->is_holding)
			keep(flow, pkts[i]);
		else
			pkts[read++] = pkts[i];
	}
	if (read > 0)
		rte_pktmbuf_free_bulk(pkts, read);
	end_holds(state);
	return n;
}

const struct engine engine_rxloss = {
	.name = "rxloss",
	.flags = ENGINE_RX,
	.stream_begin = rxloss_stream_begin,
	.stream_end = rxloss_stream_end,
	.run = rxloss_run,
};
