/* SPDX-License-Identifier: BSD-3-Clause */
/* Transmit: writes descriptors, rings the doorbell, gives mbufs back. */
#include <rte_mbuf.h>

#include "dmanic_port.h"

/* Returns mbufs to their pools, those of one pool together. */
static void free_mbufs(struct rte_mbuf **mbufs, unsigned int count)
{
	struct rte_mbuf *same[DMANIC_FETCH];
	unsigned int n = 0;

	for (unsigned int i = 0; i < count; i++) {
		struct rte_mbuf *mbuf = rte_pktmbuf_prefree_seg(mbufs[i]);

		if (mbuf == NULL)
			continue;
		if (n == DMANIC_FETCH || (n > 0 && mbuf->pool != same[0]->pool)) {
			rte_mempool_put_bulk(same[0]->pool, (void **)same, n);
			n = 0;
		}
		same[n++] = mbuf;
	}
	if (n > 0)
		rte_mempool_put_bulk(same[0]->pool, (void **)same, n);
}

/* Gets done descriptors back from `clean` on; they go once round the ring at most. */
static void reclaim(struct dmanic_txq *txq)
{
	uint16_t used = txq->size - 1 - txq->vacant;

	while (used > 0) {
		uint16_t first = txq->clean, at = first;
		uint16_t last = used < txq->size - first ? first + used : txq->size;

		while (at < last &&
		       (__atomic_load_n(&txq->ring[at].word[0], __ATOMIC_ACQUIRE) & DMANIC_DD))
			at++;
		if (at == first)
			return;
		if (txq->is_fast_free)
			rte_mempool_put_bulk(txq->mbufs[first]->pool, (void **)&txq->mbufs[first],
					     at - first);
		else
			free_mbufs(&txq->mbufs[first], at - first);
		txq->vacant += at - first;
		used -= at - first;
		txq->clean = at == txq->size ? 0 : at;
		if (at < last)
			return;
	}
}

static inline void post(union dmanic_tx_desc *desc, const struct rte_mbuf *mbuf, uint16_t flags,
			uint16_t vlan_tci)
{
	desc->word[0] = dmanic_tx_word(mbuf->data_len, flags, vlan_tci);
	desc->word[1] = rte_mbuf_data_iova(mbuf);
}

static inline uint16_t flags_of(const struct rte_mbuf *mbuf)
{
	return mbuf->ol_flags & RTE_MBUF_F_TX_VLAN ? DMANIC_TX_VLAN : 0;
}

/* Returns the index behind the chain. */
static unsigned int post_chain(struct dmanic_txq *txq, struct rte_mbuf *mbuf, unsigned int tail)
{
	uint16_t vlan_tci = mbuf->vlan_tci;
	uint16_t flags = flags_of(mbuf);

	while (mbuf != NULL) {
		struct rte_mbuf *next = mbuf->next;

		post(&txq->ring[tail], mbuf, next == NULL ? flags | DMANIC_TX_EOP : flags,
		     vlan_tci);
		txq->mbufs[tail] = mbuf;
		if (++tail == txq->size)
			tail = 0;
		flags = 0;
		/* Fast free puts it into its pool as it is. */
		if (txq->is_fast_free) {
			mbuf->next = NULL;
			mbuf->nb_segs = 1;
		}
		mbuf = next;
	}
	return tail;
}

uint16_t dmanic_tx_burst(void *queue, struct rte_mbuf **mbufs, uint16_t n)
{
	struct dmanic_txq *txq = queue;

	if (txq->vacant < n)
		reclaim(txq);

	/* In registers: see dmanic_rx_burst(). */
	union dmanic_tx_desc *ring = txq->ring;
	struct rte_mbuf **posted = txq->mbufs;
	const unsigned int size = txq->size;
	unsigned int tail = txq->tail, vacant = txq->vacant, sent;

	for (sent = 0; sent < n; sent++) {
		struct rte_mbuf *mbuf = mbufs[sent];

		if (unlikely(mbuf->nb_segs > vacant))
			break;
		vacant -= mbuf->nb_segs;
		if (unlikely(mbuf->nb_segs != 1)) {
			tail = post_chain(txq, mbuf, tail);
			continue;
		}
		post(&ring[tail], mbuf, flags_of(mbuf) | DMANIC_TX_EOP, mbuf->vlan_tci);
		posted[tail] = mbuf;
		if (unlikely(++tail == size))
			tail = 0;
	}
	txq->tail = tail;
	txq->vacant = vacant;
	/* A stopped device may have left frames behind: ring even when nothing is new. */
	dmanic_tx_doorbell(txq->device, txq->queue, tail);
	/* The mbufs of what we pumped ourselves are still in our cache. */
	reclaim(txq);
	return sent;
}

uint16_t dmanic_tx_prepare(void *queue __rte_unused, struct rte_mbuf **mbufs, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		if (mbufs[i]->nb_segs > DMANIC_FETCH || mbufs[i]->pkt_len > DMANIC_FRAME_MAX) {
			rte_errno = EINVAL;
			return i;
		}
		if (mbufs[i]->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK & ~RTE_MBUF_F_TX_VLAN) {
			rte_errno = ENOTSUP;
			return i;
		}
	}
	return n;
}

int dmanic_tx_descriptor_status(void *queue, uint16_t offset)
{
	const struct dmanic_txq *txq = queue;
	unsigned int at = txq->tail + offset;

	if (offset >= txq->size)
		return -EINVAL;
	/* Offset 0 is the next to be filled; those in use end just before it. */
	if (offset < txq->vacant)
		return RTE_ETH_TX_DESC_DONE;
	if (at >= txq->size)
		at -= txq->size;
	return __atomic_load_n(&txq->ring[at].word[0], __ATOMIC_ACQUIRE) & DMANIC_DD
		       ? RTE_ETH_TX_DESC_DONE
		       : RTE_ETH_TX_DESC_FULL;
}

int dmanic_tx_done_cleanup(void *queue, uint32_t count __rte_unused)
{
	struct dmanic_txq *txq = queue;
	uint16_t before = txq->vacant;

	reclaim(txq);
	return txq->vacant - before;
}
