/* SPDX-License-Identifier: BSD-3-Clause */
/* Replay under strict and deferred: each frame goes out in a buffer of its own. */
#include "engine_replay_copy.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_memcpy.h>

#include "options.h"
#include "port_policy.h"
#include "port_replay_load.h"
#include "stream_burst.h"

struct replay_copies {
	struct replay_share *share;
	void (*end)(struct stream *stream, struct replay_share *share);
	struct port_pool *pool;
	struct port_policy_queue *queue;
	uint16_t room;	/* bytes of a frame that a buffer holds */
	uint16_t count; /* copies that the driver has not taken yet */
	struct rte_mbuf *mbufs[STREAM_BURST_MAX];
};

static uint16_t room_of(const struct rte_mempool *mempool)
{
	return (uint16_t)(rte_pktmbuf_data_room_size((struct rte_mempool *)(uintptr_t)mempool) -
			  RTE_PKTMBUF_HEADROOM);
}

static void copy_bytes(struct rte_mbuf *to, const struct rte_mbuf *frame, uint32_t offset,
		       uint16_t length)
{
	uint8_t *data = rte_pktmbuf_mtod(to, uint8_t *);
	const void *from = rte_pktmbuf_read(frame, offset, length, data);

	if (from != data)
		rte_memcpy(data, from, length);
	to->data_len = length;
}

/* NULL: the pool is dry. */
static struct rte_mbuf *copy(const struct replay_copies *copies, const struct rte_mbuf *frame)
{
	uint32_t size = frame->pkt_len;
	struct rte_mbuf *head = NULL, **next = &head;

	for (uint32_t offset = 0; offset < size; offset += copies->room) {
		struct rte_mbuf *mbuf = rte_pktmbuf_alloc(copies->pool->mempool);

		if (unlikely(mbuf == NULL)) {
			rte_pktmbuf_free(head);
			return NULL;
		}
		copy_bytes(mbuf, frame, offset,
			   (uint16_t)RTE_MIN(size - offset, (uint32_t)copies->room));
		*next = mbuf;
		next = &mbuf->next;
		if (mbuf != head)
			head->nb_segs++;
	}
	head->pkt_len = size;
	return head;
}

/* The driver took the copies: what it would have freed of the frames themselves. */
static void give_back(struct rte_mbuf **frames, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++)
		rte_pktmbuf_free(frames[i]);
}

static uint16_t run(struct stream *stream)
{
	struct replay_copies *copies = stream->data;
	struct rte_mbuf *frames[STREAM_BURST_MAX];
	uint16_t n = replay_share_next(copies->share, frames, stream->burst), sent;
	uint64_t bytes;

	if (n == 0) {
		copies->end(stream, copies->share);
		port_policy_poll(copies->queue);
		return 0;
	}
	for (; copies->count < n; copies->count++) {
		copies->mbufs[copies->count] = copy(copies, frames[copies->count]);
		if (copies->mbufs[copies->count] == NULL)
			break;
	}
	/* none, too: it makes the driver free what it has sent */
	sent = stream_offer(stream, copies->mbufs, copies->count);
	if (unlikely(stream->tx_bursts != NULL))
		stream_add(&stream->tx_bursts[sent], 1);
	if (sent == 0)
		return 0;
	bytes = stream_bytes(frames, sent);
	copies->count -= sent;
	memmove(copies->mbufs, &copies->mbufs[sent], copies->count * sizeof(copies->mbufs[0]));
	give_back(frames, sent);
	replay_share_sent(copies->share, sent, bytes);
	stream_add(&stream->tx->packets, sent);
	stream_add(&stream->tx->bytes, bytes);
	return sent;
}

/* A full ring of single segments, and bursts of the longest chains. */
static int make_pool(struct stream *stream, struct replay_copies *copies, struct base_error *err)
{
	struct port *port = stream->tx_port;
	uint16_t room = (uint16_t)options_get()->mbuf_size;
	uint16_t frame_max = port_replay_frame_max(port);
	uint32_t chain = 1 + (uint32_t)frame_max / RTE_MAX(room - RTE_PKTMBUF_HEADROOM, 1);
	int ret;

	if (chain > 1 && (port->conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) == 0)
		return base_error_set(err, -EINVAL,
				      "port %u takes no frame in several buffers: give "
				      "--mbuf-size %u",
				      port->id, frame_max + RTE_PKTMBUF_HEADROOM);
	ret = port_pool_create(port, "copies", port->txd + 2u * stream->burst * chain + 64, room,
			       &copies->pool, err);
	if (ret == 0)
		copies->room = room_of(copies->pool->mempool);
	return ret;
}

int replay_copy_begin(struct stream *stream, struct replay_share *share,
		      void (*end)(struct stream *stream, struct replay_share *share),
		      struct base_error *err)
{
	struct replay_copies *copies = calloc(1, sizeof(*copies));
	int ret;

	if (copies == NULL)
		return base_error_set(err, -ENOMEM, "replay: out of memory");
	ret = make_pool(stream, copies, err);
	if (ret != 0) {
		free(copies);
		return ret;
	}
	copies->share = share;
	copies->end = end;
	copies->queue = port_policy_tx(stream->tx_port, stream->tx_queue);
	stream->data = copies;
	stream->run = run;
	return 0;
}

void replay_copy_end(struct stream *stream)
{
	struct replay_copies *copies = stream->data;

	for (uint16_t i = 0; i < copies->count; i++)
		rte_pktmbuf_free(copies->mbufs[i]);
	port_pool_destroy(copies->pool);
	free(copies);
}
