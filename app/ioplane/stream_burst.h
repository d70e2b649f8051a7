/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive and transmit of one burst with the counters kept: the engines' hot path. */
#pragma once

#include <rte_branch_prediction.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "stream.h"
#include "tracker.h"

/* One writer: a relaxed load and store, not a locked add. */
static inline void stream_add(uint64_t *field, uint64_t by)
{
	__atomic_store_n(field, *field + by, __ATOMIC_RELAXED);
}

/** Bytes of n packets, n <= STREAM_BURST_MAX: a sum that 32 bits hold. */
static inline uint64_t stream_bytes(struct rte_mbuf *const *pkts, uint16_t n)
{
	struct rte_mbuf *const *end = pkts + n, *const *fours = pkts + n / 4 * 4;
	uint32_t a = 0, b = 0, c = 0, d = 0;

	/* By hand: compilers do not unroll it; in 32 bits the load and the addition are one. */
	for (; pkts < fours; pkts += 4) {
		a += pkts[0]->pkt_len;
		b += pkts[1]->pkt_len;
		c += pkts[2]->pkt_len;
		d += pkts[3]->pkt_len;
	}
	for (; pkts < end; pkts++)
		a += pkts[0]->pkt_len;
	return (uint64_t)a + b + c + d;
}

/**
 * Receives and counts a burst; what every engine with ENGINE_RX calls, so that a capture sees
 * the packets first. *bytes is set when it returns more than 0.
 */
static inline uint16_t stream_receive(struct stream *stream, struct rte_mbuf **pkts,
				      uint64_t *bytes)
{
	uint16_t n;

	if (stream->rx_tracker != NULL)
		tracker_prefetch(stream->rx_tracker);
	if (unlikely(stream->capture != NULL))
		n = capture_receive(stream, pkts);
	else
		n = rte_eth_rx_burst(stream->rx_id, stream->rx_queue, pkts, stream->burst);
	if (stream->rx_tracker != NULL)
		tracker_rx(stream->rx_tracker, pkts, n);
	if (unlikely(stream->rx_bursts != NULL))
		stream_add(&stream->rx_bursts[n], 1);
	if (n == 0)
		return 0;
	*bytes = stream_bytes(pkts, n);
	stream_add(&stream->rx->packets, n);
	stream_add(&stream->rx->bytes, *bytes);
	return n;
}

/** Offers a burst to the device; what every engine that transmits calls. */
static inline uint16_t stream_offer(struct stream *stream, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t sent;

	if (stream->tx_tracker == NULL)
		return rte_eth_tx_burst(stream->tx_id, stream->tx_queue, pkts, n);
	tracker_tx_offer(stream->tx_tracker, pkts, n);
	sent = rte_eth_tx_burst(stream->tx_id, stream->tx_queue, pkts, n);
	tracker_tx_commit(stream->tx_tracker, sent);
	return sent;
}

static inline uint16_t stream_retry(struct stream *stream, struct rte_mbuf **pkts, uint16_t sent,
				    uint16_t n)
{
	for (uint16_t i = 0; i < stream->retry_count && sent < n; i++) {
		rte_delay_us(stream->retry_delay_us);
		sent += stream_offer(stream, &pkts[sent], n - sent);
	}
	return sent;
}

/** Transmits and counts n packets of `bytes` bytes; frees what the device does not take. */
static inline void stream_transmit(struct stream *stream, struct rte_mbuf **pkts, uint16_t n,
				   uint64_t bytes)
{
	uint16_t sent = stream_offer(stream, pkts, n);

	if (unlikely(sent < n)) {
		sent = stream_retry(stream, pkts, sent, n);
		bytes -= stream_bytes(&pkts[sent], n - sent);
		stream_add(&stream->tx->drops, n - sent);
		rte_pktmbuf_free_bulk(&pkts[sent], n - sent);
	}
	if (unlikely(stream->tx_bursts != NULL))
		stream_add(&stream->tx_bursts[sent], 1);
	stream_add(&stream->tx->packets, sent);
	stream_add(&stream->tx->bytes, bytes);
}
