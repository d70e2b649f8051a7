/* SPDX-License-Identifier: BSD-3-Clause */
/* Moves the frames of a workload, and tells the trackers what was moved. */
#include <rte_ethdev.h>

#include "accuracy_frames.h"
#include "accuracy_rig.h"
#include "tracker.h"

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static uint16_t burst_of(struct accuracy_rig *rig, unsigned int lcore)
{
	if (!rig->load->is_varied)
		return ACCURACY_BURST;
	return 1 + next_random(&rig->random[lcore]) % ACCURACY_BURST;
}

/* Sends what is due; a frame that goes out stays ours. */
static void send_burst(struct accuracy_source *source, uint16_t n)
{
	struct rte_mbuf *frames[ACCURACY_BURST];
	uint16_t sent;

	for (uint16_t i = 0; i < n; i++) {
		frames[i] = source->frames[(source->next + i) % source->count];
		for (struct rte_mbuf *segment = frames[i]; segment != NULL; segment = segment->next)
			rte_mbuf_refcnt_update(segment, 1);
	}
	sent = rte_eth_tx_burst(source->port, source->queue, frames, n);
	for (uint16_t i = sent; i < n; i++)
		rte_pktmbuf_free(frames[i]);
	source->next = (source->next + sent) % source->count;
}

static void transmit(struct accuracy_stream *stream, struct rte_mbuf **frames, uint16_t n)
{
	uint16_t sent;

	for (unsigned int i = 0; i < ACCURACY_MODELS; i++)
		if (stream->tx_probe[i] != NULL)
			tracker_tx_offer(stream->tx_probe[i], frames, n);
	sent = rte_eth_tx_burst(stream->tx->id, stream->queue, frames, n);
	for (unsigned int i = 0; i < ACCURACY_MODELS; i++)
		if (stream->tx_probe[i] != NULL)
			tracker_tx_commit(stream->tx_probe[i], sent);
	rte_pktmbuf_free_bulk(&frames[sent], n - sent);
}

static void move(struct accuracy_stream *stream, uint16_t burst)
{
	struct rte_mbuf *frames[ACCURACY_BURST];
	uint16_t n = rte_eth_rx_burst(stream->rx->id, stream->queue, frames, burst);

	for (unsigned int i = 0; i < ACCURACY_MODELS; i++)
		if (stream->rx_probe[i] != NULL)
			tracker_rx(stream->rx_probe[i], frames, n);
	if (n == 0)
		return;
	if (stream->tx != NULL)
		transmit(stream, frames, n);
	else
		rte_pktmbuf_free_bulk(frames, n);
}

/* What a pool gives out next comes into another order. */
static void churn(struct accuracy_rig *rig, struct accuracy_churn *churn, unsigned int lcore)
{
	struct rte_mbuf *mbufs[ACCURACY_BURST];

	if (rte_mempool_get_bulk(churn->pool, (void **)mbufs, ACCURACY_BURST) != 0)
		return;
	for (unsigned int i = 0; i < ACCURACY_BURST; i++) {
		unsigned int other = next_random(&rig->random[lcore]) % churn->count;
		struct rte_mbuf *mbuf = mbufs[i];

		mbufs[i] = churn->held[other];
		churn->held[other] = mbuf;
	}
	rte_mempool_put_bulk(churn->pool, (void **)mbufs, ACCURACY_BURST);
}

void accuracy_rig_round(struct accuracy_rig *rig, unsigned int lcore)
{
	if (lcore == 0)
		for (unsigned int i = 0; i < rig->source_count; i++)
			send_burst(&rig->source[i], burst_of(rig, lcore));
	for (unsigned int i = 0; i < rig->stream_count; i++) {
		struct accuracy_stream *stream = &rig->stream[i];

		if (stream->lcore == lcore)
			move(stream, ACCURACY_BURST);
	}
	for (unsigned int i = 0; i < rig->churn_count && lcore == 0; i++)
		for (unsigned int k = 0; k < rig->load->queues; k++)
			churn(rig, &rig->churn[i], lcore);
}

void accuracy_rig_inject(struct accuracy_rig *rig)
{
	for (unsigned int i = 0; i < rig->stream_count; i++) {
		struct accuracy_stream *stream = &rig->stream[i];

		for (unsigned int k = 0; k < rig->load->under_way; k++) {
			struct rte_mbuf *frame =
				accuracy_frame_make(stream->rx->pool, rig->load->frame);

			transmit(stream, &frame, 1);
		}
	}
}
