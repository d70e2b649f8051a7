/* SPDX-License-Identifier: BSD-3-Clause */
/* Batches of plain frames, which need no state for each: one segment to one buffer of one ring. */
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_memcpy.h>

#include "dmanic_wire.h"

static bool is_plain(const union dmanic_tx_desc *desc)
{
	uint32_t len = desc->len;

	return desc->flags == DMANIC_TX_EOP && len - 1 < DMANIC_FRAME_MAX &&
	       desc->iova + len >= desc->iova;
}

bool dmanic_plain_parse(struct dmanic_batch *batch, unsigned int n)
{
	const struct dmanic_tx_ring *tx = batch->tx;

	if (unlikely(tx->bad != 0 || tx->is_skipping))
		return false;
	for (unsigned int i = 0; i < n; i++) {
		const union dmanic_tx_desc *desc = &tx->cache[i];

		if (unlikely(!is_plain(desc)))
			return false;
		batch->access[i].iova = desc->iova;
		batch->access[i].len = desc->len;
		batch->access[i].prot = IOMMU_READ;
	}
	return true;
}

/* Also false when one of them was refused. */
static bool all_in_one_span(const struct iommu_access *access, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		if (unlikely(access[i].span_count != 1))
			return false;
	}
	return true;
}

/* The next n buffers of a ring take the frames, or one of them does not. */
static bool buffers_take(const struct dmanic_batch *batch, struct dmanic_rx_ring *rx,
			 unsigned int n)
{
	uint32_t frame_max = batch->receiver->filter.frame_max;

	if (rx->cached - rx->next < (int)n && !dmanic_rx_fetch(rx, rx->next))
		return false;
	if (rx->cached - rx->next < (int)n)
		return false;
	for (unsigned int i = 0; i < n; i++) {
		const union dmanic_rx_desc *desc = &rx->cache[rx->next + i];
		uint32_t len = batch->access[i].len;

		/* A bad descriptor has no length left. */
		if (unlikely(len > desc->buf_len || len > frame_max))
			return false;
		rx->access[i].iova = desc->iova;
		rx->access[i].len = len;
		rx->access[i].prot = IOMMU_WRITE;
	}
	return true;
}

static inline void copy(uint8_t *to, const uint8_t *from, uint32_t len)
{
	if (likely(len == 64))
		rte_mov64(to, from);
	else
		memcpy(to, from, len);
}

/* A buffer on several pages takes its frame in parts; a refused one has none. */
static void copy_parts(const struct iommu_span *span, unsigned int count, const uint8_t *from)
{
	for (unsigned int i = 0; i < count; i++) {
		memcpy(span[i].vaddr, from, span[i].len);
		from += span[i].len;
	}
}

static void copy_all(const struct dmanic_batch *batch, const struct dmanic_rx_ring *rx,
		     const struct iommu_span *span, unsigned int n)
{
	if (likely(all_in_one_span(rx->access, n))) {
		for (unsigned int i = 0; i < n; i++)
			copy(span[i].vaddr, batch->span[i].vaddr, batch->access[i].len);
		return;
	}
	for (unsigned int i = 0; i < n; i++) {
		copy_parts(span, rx->access[i].span_count, batch->span[i].vaddr);
		span += rx->access[i].span_count;
	}
}

/* Writes n descriptors back and counts what they hold. */
static void write_back(struct dmanic_rx_ring *rx, unsigned int n)
{
	struct iommu_span spans[DMANIC_RING_SPANS];
	unsigned int span_count = dmanic_rx_reach(rx, n, spans);
	const struct iommu_access *access = rx->access;
	uint64_t frames = 0, bytes = 0;

	for (unsigned int i = 0; i < span_count; i++) {
		union dmanic_rx_done *desc = (void *)spans[i].vaddr;

		for (unsigned int k = 0; k < spans[i].len / DMANIC_DESC_SIZE; k++, access++) {
			bool is_good = access->span_count > 0;
			uint64_t len = is_good ? access->len : 0;
			uint64_t status = DMANIC_DD | DMANIC_EOP | (is_good ? 0 : DMANIC_ERR);
			const union dmanic_rx_done back = {.word = {status | len << 32, len}};

			dmanic_rx_write(&desc[k], back);
			frames += is_good;
			bytes += len;
		}
	}
	base_hist_bump(&rx->counters.frames, frames);
	base_hist_bump(&rx->counters.bytes, bytes);
	if (unlikely(frames < n))
		base_hist_bump(&rx->counters.refused, n - frames);
}

bool dmanic_plain_deliver(struct dmanic_batch *batch, unsigned int n)
{
	struct dmanic_device *to = batch->receiver;
	struct iommu_span span[DMANIC_TX_SPANS];
	unsigned int queue;

	if (to->rx_count == 0 || unlikely(!all_in_one_span(batch->access, n)))
		return false;
	queue = batch->queue % to->rx_count;

	struct dmanic_rx_ring *rx = &to->rx[queue];

	if (!__atomic_load_n(&rx->is_running, __ATOMIC_RELAXED) ||
	    !dmanic_rx_hold(batch, rx, queue) || rx->is_halted || !buffers_take(batch, rx, n))
		return false;
	iommu_translate_burst(rx->translator, rx->access, n, span, DMANIC_TX_SPANS);
	rx->next += n;
	copy_all(batch, rx, span, n);
	write_back(rx, n);
	return true;
}

void dmanic_plain_complete(struct dmanic_batch *batch, unsigned int n)
{
	struct dmanic_tx_ring *tx = batch->tx;
	struct iommu_span spans[DMANIC_RING_SPANS];
	unsigned int span_count = dmanic_tx_reach(tx, n, spans);
	const union dmanic_tx_desc *from = tx->cache;
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < n; i++)
		bytes += batch->access[i].len;
	for (unsigned int i = 0; i < span_count; i++) {
		union dmanic_tx_desc *desc = (void *)spans[i].vaddr;

		for (unsigned int k = 0; k < spans[i].len / DMANIC_DESC_SIZE; k++, from++)
			__atomic_store_n(&desc[k].word[0],
					 (from->word[0] & ~UINT64_C(0xffff)) | DMANIC_DD,
					 __ATOMIC_RELEASE);
	}
	base_hist_bump(&tx->counters.frames, n);
	base_hist_bump(&tx->counters.bytes, bytes);
	dmanic_tx_advance(tx, n);
}
