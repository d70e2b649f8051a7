/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive: takes done descriptors, posts new buffers. */
#include <rte_mbuf.h>

#include "dmanic_port.h"

/*
 * The descriptor before `post` is posted, but behind the tail register, so the device never sets
 * its DD: looking for done descriptors ends there at the latest.
 */

/* Posts buffers, DMANIC_REFILL at a time; the ring's size is a multiple of it. */
static void refill(struct dmanic_rxq *rxq)
{
	bool is_posted = false;

	while (rxq->unposted >= DMANIC_REFILL) {
		union dmanic_rx_desc *desc = (union dmanic_rx_desc *)&rxq->ring[rxq->post];
		struct rte_mbuf **mbufs = &rxq->mbufs[rxq->post];
		const uint64_t word0 = (uint64_t)rxq->buf_len << 32;

		if (unlikely(rte_mempool_get_bulk(rxq->pool, (void **)mbufs, DMANIC_REFILL) != 0)) {
			rxq->data->rx_mbuf_alloc_failed += DMANIC_REFILL;
			break;
		}
		for (unsigned int i = 0; i < DMANIC_REFILL; i++) {
			desc[i].word[0] = word0;
			desc[i].word[1] = rte_mbuf_data_iova_default(mbufs[i]);
		}
		rxq->unposted -= DMANIC_REFILL;
		rxq->post += DMANIC_REFILL;
		if (rxq->post == rxq->size)
			rxq->post = 0;
		is_posted = true;
	}
	/* Tail stands one before what is not posted: a full ring is not an empty one. */
	if (is_posted)
		dmanic_rx_doorbell(rxq->device, rxq->queue,
				   rxq->post == 0 ? rxq->size - 1 : rxq->post - 1);
	dmanic_rx_resume(rxq->device, rxq->queue);
}

static inline uint64_t flags_of(uint64_t ol_flags, uint64_t status)
{
	if (status & DMANIC_RSS)
		ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
	if (status & DMANIC_VLAN)
		ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
	return ol_flags;
}

/* The write-back stands in the order of rx_descriptor_fields1: ptype, lengths, tag, hash. */
static inline void fill(struct rte_mbuf *mbuf, uint64_t rearm, uint64_t ol_flags, uint64_t word0,
			uint64_t word1)
{
	uint64_t *rearm_data = (uint64_t *)(uintptr_t)&mbuf->rearm_data;
	uint64_t *fields = (uint64_t *)(uintptr_t)&mbuf->rx_descriptor_fields1;

	*rearm_data = rearm;
	mbuf->ol_flags = flags_of(ol_flags, word0);
	fields[0] = word0 & ~UINT64_C(0xffffffff);
	fields[1] = word1;
}

uint16_t dmanic_rx_burst(void *queue, struct rte_mbuf **mbufs, uint16_t n)
{
	struct dmanic_rxq *rxq = queue;
	/* In registers: what is written through mbufs might be the queue, for all the compiler
	 * knows. */
	const union dmanic_rx_done *ring = rxq->ring;
	struct rte_mbuf **posted = rxq->mbufs;
	const uint64_t rearm = rxq->rearm, ol_flags = rxq->ol_flags;
	const unsigned int size = rxq->size;
	unsigned int taken = 0, refused = 0, next = rxq->next;

	while (taken < n) {
		uint64_t word0 = __atomic_load_n(&ring[next].word[0], __ATOMIC_ACQUIRE);
		struct rte_mbuf *mbuf = posted[next];

		if (!(word0 & DMANIC_DD))
			break;
		rte_prefetch0(posted[next + DMANIC_AHEAD]);
		if (unlikely(word0 & DMANIC_ERR)) {
			rte_mbuf_raw_free(mbuf);
			refused++;
		} else {
			fill(mbuf, rearm, ol_flags, word0, ring[next].word[1]);
			mbufs[taken++] = mbuf;
		}
		if (unlikely(++next == size))
			next = 0;
	}
	rxq->next = next;
	rxq->unposted += taken + refused;
	refill(rxq);
	return taken;
}

/* Appends a buffer to the frame so far; true: the frame is whole. */
static bool gather(struct dmanic_rxq *rxq, struct rte_mbuf *mbuf, uint64_t word0)
{
	if (rxq->head == NULL) {
		rxq->head = mbuf;
	} else {
		rxq->head->nb_segs++;
		rxq->last->next = mbuf;
	}
	rxq->last = mbuf;
	return word0 & DMANIC_EOP;
}

uint16_t dmanic_rx_burst_scattered(void *queue, struct rte_mbuf **mbufs, uint16_t n)
{
	struct dmanic_rxq *rxq = queue;
	uint16_t taken = 0, looked = 0, next = rxq->next;

	while (taken < n) {
		const union dmanic_rx_done *done = &rxq->ring[next];
		uint64_t word0 = __atomic_load_n(&done->word[0], __ATOMIC_ACQUIRE);
		struct rte_mbuf *mbuf = rxq->mbufs[next];

		if (!(word0 & DMANIC_DD))
			break;
		looked++;
		if (++next == rxq->size)
			next = 0;
		if (unlikely(word0 & DMANIC_ERR)) {
			rte_mbuf_raw_free(mbuf);
			continue;
		}
		fill(mbuf, rxq->rearm, rxq->ol_flags, word0, done->word[1]);
		if (gather(rxq, mbuf, word0)) {
			mbufs[taken++] = rxq->head;
			rxq->head = NULL;
		} else {
			/* Only the first segment says how long the frame is. */
			rxq->head->pkt_len = word0 >> 32;
		}
	}
	rxq->next = next;
	rxq->unposted += looked;
	refill(rxq);
	return taken;
}

uint32_t dmanic_rx_queue_count(void *queue)
{
	const struct dmanic_rxq *rxq = queue;
	uint32_t count = 0;
	uint16_t next = rxq->next;

	while (count < rxq->size &&
	       (__atomic_load_n(&rxq->ring[next].word[0], __ATOMIC_ACQUIRE) & DMANIC_DD)) {
		count++;
		if (++next == rxq->size)
			next = 0;
	}
	return count;
}

int dmanic_rx_descriptor_status(void *queue, uint16_t offset)
{
	const struct dmanic_rxq *rxq = queue;
	unsigned int at;

	if (offset >= rxq->size)
		return -EINVAL;
	/* Descriptors behind those that are posted wait for new buffers. */
	if (offset >= rxq->size - rxq->unposted - 1)
		return RTE_ETH_RX_DESC_UNAVAIL;
	at = rxq->next + offset;
	if (at >= rxq->size)
		at -= rxq->size;
	return __atomic_load_n(&rxq->ring[at].word[0], __ATOMIC_ACQUIRE) & DMANIC_DD
		       ? RTE_ETH_RX_DESC_DONE
		       : RTE_ETH_RX_DESC_AVAIL;
}
