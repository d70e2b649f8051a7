/* SPDX-License-Identifier: BSD-3-Clause */
/* The transmit half of the DMA engine: fetches descriptors, reads payload, writes back. */
#include <string.h>

#include <rte_atomic.h>
#include <rte_branch_prediction.h>

#include "dmanic_wire.h"
#include "iommu_burst.h"

void dmanic_stall_clear(struct dmanic_device *device, unsigned int queue)
{
	struct dmanic_tx_ring *tx = &device->tx[queue];

	if (tx->stalled_on < 0)
		return;
	__atomic_fetch_and(&device->receiver->rx[tx->stalled_on].stalled, ~(1u << queue),
			   __ATOMIC_SEQ_CST);
	tx->stalled_on = -1;
}

/* Tops the cache up to DMANIC_FETCH descriptors. */
static void fetch(struct dmanic_tx_ring *tx)
{
	uint64_t doorbell = __atomic_load_n(&tx->doorbell, __ATOMIC_ACQUIRE);
	uint16_t count = dmanic_ring_pending(doorbell, tx->fetch, tx->size);

	if (count > DMANIC_FETCH - tx->cached)
		count = DMANIC_FETCH - tx->cached;
	if (count == 0)
		return;

	const struct dmanic_ring_range range = {tx->iova, tx->size, tx->fetch, count};

	if (unlikely(!dmanic_ring_fetch(tx->translator, &range, &tx->cache[tx->cached]))) {
		tx->is_halted = true;
		return;
	}
	tx->cached += count;
	tx->fetch = dmanic_ring_add(tx->fetch, count, tx->size);
}

static bool desc_is_bad(const union dmanic_tx_desc *desc)
{
	return desc->len == 0 || desc->len > DMANIC_FRAME_MAX ||
	       desc->iova + desc->len < desc->iova;
}

/* Takes one frame out of the cache; false: its end is not there yet. */
static bool frame_parse(struct dmanic_batch *batch, unsigned int first)
{
	struct dmanic_tx_ring *tx = batch->tx;
	struct dmanic_frame *frame = &batch->frame[batch->frame_count];
	bool is_counted = tx->bad & (1u << first);
	bool is_bad = is_counted || tx->is_skipping;
	unsigned int i = first;
	uint32_t len = 0;

	for (;; i++) {
		if (i == tx->cached) {
			/* A chain that fills the cache from its start never ends for us. */
			if (first > 0 || tx->cached < DMANIC_FETCH)
				return false;
			is_bad = true;
			break;
		}
		is_bad |= desc_is_bad(&tx->cache[i]);
		len += tx->cache[i].len;
		if (tx->cache[i].flags & DMANIC_TX_EOP) {
			i++;
			break;
		}
	}
	bool is_whole = tx->cache[i - 1].flags & DMANIC_TX_EOP;

	is_bad |= len > DMANIC_FRAME_MAX;
	if (unlikely(is_bad && !is_counted)) {
		if (!tx->is_skipping)
			base_hist_bump(&tx->counters.desc_errors, 1);
		tx->bad |= 1u << first;
	}
	tx->is_skipping = !is_whole;
	memset(frame, 0, sizeof(*frame));
	frame->first = first;
	frame->desc_count = i - first;
	frame->is_refused = is_bad;
	frame->is_tagging = tx->cache[first].flags & DMANIC_TX_VLAN;
	frame->vlan_tci = tx->cache[first].vlan_tci;
	frame->len = len;
	batch->frame_count++;
	return true;
}

/* One access a segment of each frame that is still good. */
static void frame_accesses(struct dmanic_batch *batch, struct dmanic_frame *frame)
{
	const union dmanic_tx_desc *desc = &batch->tx->cache[frame->first];
	struct iommu_access *access = &batch->access[batch->access_count];

	frame->access = batch->access_count;
	for (unsigned int i = 0; i < frame->desc_count; i++) {
		access[i].iova = desc[i].iova;
		access[i].len = desc[i].len;
		access[i].prot = IOMMU_READ;
	}
	batch->access_count += frame->desc_count;
}

/* A frame is refused when any of its segments is, and then its spans are not used. */
static void frames_settle(struct dmanic_batch *batch)
{
	struct dmanic_tx_ring *tx = batch->tx;
	uint16_t span = 0;

	for (unsigned int i = 0; i < batch->frame_count; i++) {
		struct dmanic_frame *frame = &batch->frame[i];

		if (unlikely(frame->is_refused))
			continue;
		frame->span = span;
		for (unsigned int k = 0; k < frame->desc_count; k++) {
			uint16_t count = batch->access[frame->access + k].span_count;

			frame->is_refused |= count == 0;
			span += count;
		}
		frame->span_count = span - frame->span;
		if (unlikely(frame->is_refused)) {
			base_hist_bump(&tx->counters.refused, 1);
			tx->bad |= 1u << frame->first;
		}
	}
}

/* Without RSS all frames go to one ring: what has no buffer there need not be translated yet. */
static unsigned int frames_wanted(const struct dmanic_batch *batch)
{
	const struct dmanic_device *to = batch->receiver;

	if (!batch->sender->has_link || !to->is_pausing || to->filter.has_rss || to->rx_count == 0)
		return DMANIC_FETCH;
	const struct dmanic_rx_ring *rx = &to->rx[batch->queue % to->rx_count];

	if (!__atomic_load_n(&rx->is_running, __ATOMIC_RELAXED))
		return DMANIC_FETCH;
	uint64_t doorbell = __atomic_load_n(&rx->doorbell, __ATOMIC_RELAXED);
	uint16_t done = __atomic_load_n(&rx->done, __ATOMIC_RELAXED);
	uint16_t size = __atomic_load_n(&rx->size, __ATOMIC_RELAXED);
	unsigned int room = dmanic_ring_pending(doorbell, done, size);

	/* One at least, so that it is the delivery that finds out that it has to wait. */
	return room < 1 ? 1 : room;
}

/* The first frames of the cache, `wanted` at most; is_translated: their accesses are already. */
static void frames_read(struct dmanic_batch *batch, unsigned int wanted, bool is_translated)
{
	struct dmanic_tx_ring *tx = batch->tx;
	unsigned int first = 0;

	batch->frame_count = 0;
	batch->access_count = 0;
	while (first < tx->cached && batch->frame_count < wanted && frame_parse(batch, first)) {
		struct dmanic_frame *frame = &batch->frame[batch->frame_count - 1];

		if (likely(!frame->is_refused))
			frame_accesses(batch, frame);
		first += frame->desc_count;
	}
	if (!batch->sender->has_link || batch->access_count == 0)
		return;
	if (!is_translated)
		iommu_translate_burst(tx->translator, batch->access, batch->access_count,
				      batch->span, DMANIC_TX_SPANS);
	frames_settle(batch);
}

unsigned int dmanic_tx_reach(struct dmanic_tx_ring *tx, uint16_t count,
			     struct iommu_span spans[DMANIC_RING_SPANS])
{
	const struct dmanic_ring_range range = {tx->iova, tx->size, tx->done, count};
	unsigned int span_count = dmanic_ring_reach(tx->translator, &range, IOMMU_WRITE, spans);

	tx->is_halted |= span_count == 0;
	return span_count;
}

void dmanic_tx_advance(struct dmanic_tx_ring *tx, uint16_t count)
{
	tx->done = dmanic_ring_add(tx->done, count, tx->size);
	tx->cached -= count;
	tx->bad = count < 32 ? tx->bad >> count : 0;
	if (unlikely(tx->cached > 0))
		memmove(tx->cache, &tx->cache[count], tx->cached * DMANIC_DESC_SIZE);
}

static void write_back(struct dmanic_tx_ring *tx, const uint64_t *word, uint16_t count)
{
	struct iommu_span spans[DMANIC_RING_SPANS];
	unsigned int span_count = dmanic_tx_reach(tx, count, spans);

	for (unsigned int i = 0; i < span_count; i++) {
		union dmanic_tx_desc *desc = (void *)spans[i].vaddr;

		for (unsigned int k = 0; k < spans[i].len / DMANIC_DESC_SIZE; k++)
			__atomic_store_n(&desc[k].word[0], *word++, __ATOMIC_RELEASE);
	}
}

/* Counts the frames that left, hands their descriptors back and drops them from the cache. */
static void complete(struct dmanic_batch *batch, unsigned int frame_count)
{
	struct dmanic_tx_ring *tx = batch->tx;
	uint64_t word[DMANIC_FETCH];
	uint64_t frames = 0, bytes = 0;
	unsigned int descs = 0;

	for (unsigned int i = 0; i < frame_count; i++) {
		const struct dmanic_frame *frame = &batch->frame[i];
		uint64_t status = frame->is_refused ? DMANIC_DD | DMANIC_ERR : DMANIC_DD;

		for (unsigned int k = 0; k < frame->desc_count; k++, descs++)
			word[descs] = (tx->cache[descs].word[0] & ~UINT64_C(0xffff)) | status;
		if (likely(!frame->is_refused)) {
			frames++;
			bytes += frame->len + (frame->is_tagging ? RTE_VLAN_HLEN : 0);
		}
	}
	if (descs == 0)
		return;
	write_back(tx, word, descs);
	if (likely(batch->sender->has_link)) {
		base_hist_bump(&tx->counters.frames, frames);
		base_hist_bump(&tx->counters.bytes, bytes);
	} else {
		base_hist_bump(&tx->counters.link_drops, frames);
	}
	dmanic_tx_advance(tx, descs);
}

/* All frames of a batch that are plain and can go at once; false: none went. */
static bool pump_plain(struct dmanic_batch *batch, unsigned int n, bool *is_translated)
{
	*is_translated = false;
	if (!batch->sender->has_link || batch->receiver->filter.needs_header ||
	    !dmanic_plain_parse(batch, n))
		return false;
	iommu_translate_burst(batch->tx->translator, batch->access, n, batch->span,
			      DMANIC_TX_SPANS);
	*is_translated = true;
	if (!dmanic_plain_deliver(batch, n))
		return false;
	dmanic_plain_complete(batch, n);
	return true;
}

/* Moves up to DMANIC_FETCH descriptors; false when there is nothing more that can move. */
static bool pump_step(struct dmanic_batch *batch)
{
	struct dmanic_tx_ring *tx = batch->tx;
	unsigned int wanted, done;
	bool is_translated;

	fetch(tx);
	if (tx->cached == 0)
		return false;
	wanted = RTE_MIN(frames_wanted(batch), (unsigned int)tx->cached);
	if (likely(pump_plain(batch, wanted, &is_translated)))
		return !tx->is_halted;
	/* Another lcore has the receive ring, and will look at us when it is done. */
	if (tx->stalled_on >= 0)
		return false;
	frames_read(batch, wanted, is_translated);
	batch->is_full = false;
	done = likely(batch->sender->has_link) ? dmanic_deliver(batch) : batch->frame_count;
	complete(batch, done);
	return (done > 0 || batch->is_full) && tx->stalled_on < 0 && !tx->is_halted;
}

/* Still waiting for the same full ring: nothing to look at. */
static bool is_still_stalled(const struct dmanic_device *device, const struct dmanic_tx_ring *tx)
{
	if (tx->stalled_on < 0 || !tx->is_stalled_for_room)
		return false;
	const struct dmanic_rx_ring *rx = &device->receiver->rx[tx->stalled_on];

	return __atomic_load_n(&rx->is_running, __ATOMIC_RELAXED) &&
	       __atomic_load_n(&rx->doorbell, __ATOMIC_ACQUIRE) == tx->stall_doorbell;
}

/* After the tokens are given back: which queues were rung or freed meanwhile? */
static uint32_t look_again(const struct dmanic_batch *batch, int8_t stalled_on, bool is_for_room,
			   uint64_t stall_doorbell, uint64_t seen)
{
	struct dmanic_device *to = batch->receiver;
	uint32_t own = 1u << batch->queue;
	uint32_t again = 0;

	if (stalled_on < 0) {
		if (__atomic_load_n(&batch->tx->doorbell, __ATOMIC_RELAXED) != seen)
			again |= own;
	} else {
		struct dmanic_rx_ring *rx = &to->rx[stalled_on];

		if (is_for_room ? __atomic_load_n(&rx->doorbell, __ATOMIC_RELAXED) != stall_doorbell
				: __atomic_load_n(&rx->token, __ATOMIC_RELAXED) == 0)
			again |= own;
	}
	for (uint32_t held = batch->held; held != 0; held &= held - 1) {
		struct dmanic_rx_ring *rx = &to->rx[__builtin_ctz(held)];

		again |= __atomic_load_n(&rx->stalled, __ATOMIC_RELAXED) & ~own;
	}
	return again;
}

/* Pumps one queue dry, or until it has to wait; returns queues that want another look. */
static uint32_t pump_queue(struct dmanic_device *device, uint16_t queue)
{
	struct dmanic_tx_ring *tx = &device->tx[queue];
	struct dmanic_batch batch;

	if (!dmanic_token_take(&tx->token))
		return 0;
	if (tx->is_halted || is_still_stalled(device, tx)) {
		dmanic_token_give(&tx->token);
		return 0;
	}
	dmanic_stall_clear(device, queue);
	batch.sender = device;
	batch.receiver = device->receiver;
	batch.tx = tx;
	batch.queue = queue;
	batch.held = 0;
	memset(batch.drops, 0, sizeof(batch.drops));

	uint64_t seen = __atomic_load_n(&tx->doorbell, __ATOMIC_RELAXED);

	iommu_burst_begin(tx->translator);
	while (pump_step(&batch))
		;
	dmanic_deliver_end(&batch);
	iommu_burst_end(tx->translator);

	int8_t stalled_on = tx->is_halted ? -1 : tx->stalled_on;
	bool is_for_room = tx->is_stalled_for_room;
	uint64_t stall_doorbell = tx->stall_doorbell;

	dmanic_token_give(&tx->token);
	/* Our giving must be seen before we read what others wrote in vain of it. */
	rte_smp_mb();
	return look_again(&batch, stalled_on, is_for_room, stall_doorbell, seen);
}

void dmanic_pump(struct dmanic_device *device, uint32_t queues)
{
	while (queues != 0) {
		unsigned int queue = __builtin_ctz(queues);

		queues &= queues - 1;
		queues |= pump_queue(device, queue);
	}
}
