/* SPDX-License-Identifier: BSD-3-Clause */
/* The receive half of the DMA engine: takes posted buffers, writes payload, writes back. */
#include <string.h>

#include <rte_branch_prediction.h>

#include "dmanic_wire.h"
#include "iommu_burst.h"

enum take {
	TAKEN,
	NO_ROOM,   /* the driver has posted too few buffers */
	NO_STAGE,  /* write back first, then go on */
	TOO_LARGE, /* needs more buffers than a frame may have */
	SPOILT,	   /* ran into a bad descriptor: those taken are lost with the frame */
};

/* A bad descriptor is counted when it is fetched, and marked by its length. */
static void check_fetched(struct dmanic_rx_ring *rx, uint16_t count)
{
	for (unsigned int i = rx->cached; i < (unsigned int)rx->cached + count; i++) {
		union dmanic_rx_desc *desc = &rx->cache[i];

		if (likely(desc->buf_len > 0 && desc->iova + desc->buf_len >= desc->iova))
			continue;
		desc->buf_len = 0;
		base_hist_bump(&rx->counters.desc_errors, 1);
	}
}

bool dmanic_rx_fetch(struct dmanic_rx_ring *rx, uint16_t keep)
{
	uint64_t doorbell = __atomic_load_n(&rx->doorbell, __ATOMIC_ACQUIRE);
	uint16_t count = dmanic_ring_pending(doorbell, rx->fetch, rx->size);
	uint16_t kept = rx->cached - keep;

	if (count > DMANIC_FETCH)
		count = DMANIC_FETCH;
	if (count > DMANIC_RX_CACHE - kept)
		count = DMANIC_RX_CACHE - kept;
	if (count == 0 || rx->is_halted)
		return false;
	if (kept > 0)
		memmove(rx->cache, &rx->cache[keep], kept * DMANIC_DESC_SIZE);
	rx->cached = kept;
	rx->next -= keep;

	const struct dmanic_ring_range range = {rx->iova, rx->size, rx->fetch, count};

	if (unlikely(!dmanic_ring_fetch(rx->translator, &range, &rx->cache[kept]))) {
		rx->is_halted = true;
		return false;
	}
	check_fetched(rx, count);
	rx->cached += count;
	rx->fetch = dmanic_ring_add(rx->fetch, count, rx->size);
	return true;
}

/* Completes the bad descriptors in front of a frame; the frame goes to the next good one. */
static void skip_bad(struct dmanic_rx_ring *rx)
{
	while (rx->next < rx->cached && rx->cache[rx->next].buf_len == 0 &&
	       rx->staged < DMANIC_RX_CACHE) {
		rx->back[rx->staged].word[0] = DMANIC_DD | DMANIC_EOP | DMANIC_ERR;
		rx->back[rx->staged].word[1] = 0;
		rx->frame[rx->staged++] = DMANIC_NO_FRAME;
		rx->next++;
	}
}

/* Takes buffers for len bytes; whatever it does not take it leaves in the cache. */
static enum take take(struct dmanic_rx_ring *rx, uint8_t frame, uint32_t len, uint8_t *count)
{
	uint16_t start, staged, accesses;

	do {
		skip_bad(rx);
		if (rx->staged + DMANIC_FETCH > DMANIC_RX_CACHE)
			return NO_STAGE;
	} while (rx->next == rx->cached && dmanic_rx_fetch(rx, rx->next));
	start = rx->next;
	staged = rx->staged;
	accesses = rx->access_count;
	for (*count = 0; len > 0; (*count)++) {
		if (rx->next == rx->cached) {
			uint16_t taken = rx->next - start;

			if (!dmanic_rx_fetch(rx, start)) {
				rx->next = start;
				rx->staged = staged;
				rx->access_count = accesses;
				return NO_ROOM;
			}
			start = rx->next - taken;
		}
		const union dmanic_rx_desc *desc = &rx->cache[rx->next];

		if (unlikely(*count == DMANIC_FETCH)) {
			rx->next = start;
			rx->staged = staged;
			rx->access_count = accesses;
			return TOO_LARGE;
		}
		uint32_t part = len < desc->buf_len ? len : desc->buf_len;
		struct iommu_access *access = &rx->access[rx->access_count];

		rx->next++;
		rx->frame[rx->staged] = frame;
		rx->back[rx->staged++].data_len = part;
		if (unlikely(part == 0)) {
			rx->access_count = accesses;
			(*count)++;
			return SPOILT;
		}
		rx->access_count++;
		access->iova = desc->iova;
		access->len = part;
		access->prot = IOMMU_WRITE;
		len -= part;
	}
	return TAKEN;
}

/* Write-back of the descriptors of one frame, all of it or as an error; returns bytes received. */
static uint32_t settle(struct dmanic_rx_ring *rx, unsigned int first, unsigned int count,
		       const struct dmanic_frame *frame, bool is_bad)
{
	uint64_t status = is_bad ? DMANIC_DD | DMANIC_ERR : DMANIC_DD | frame->status;
	uint32_t len = frame->len + (frame->is_tagging ? RTE_VLAN_HLEN : 0) -
		       (frame->is_stripping ? RTE_VLAN_HLEN : 0);

	for (unsigned int i = 0; i < count; i++) {
		union dmanic_rx_done *back = &rx->back[first + i];
		uint64_t data_len = is_bad ? 0 : back->data_len;

		back->word[0] = status | (i + 1 == count ? DMANIC_EOP : 0) | (uint64_t)len << 32;
		back->word[1] =
			data_len | (uint64_t)frame->vlan_tci << 16 | (uint64_t)frame->hash << 32;
	}
	return is_bad ? 0 : len;
}

unsigned int dmanic_rx_reach(struct dmanic_rx_ring *rx, uint16_t count,
			     struct iommu_span spans[DMANIC_RING_SPANS])
{
	const struct dmanic_ring_range range = {rx->iova, rx->size, rx->done, count};
	unsigned int span_count = dmanic_ring_reach(rx->translator, &range, IOMMU_WRITE, spans);

	rx->is_halted |= span_count == 0;
	__atomic_store_n(&rx->done, dmanic_ring_add(rx->done, count, rx->size), __ATOMIC_RELAXED);
	return span_count;
}

static void write_back(struct dmanic_rx_ring *rx)
{
	const union dmanic_rx_done *back = rx->back;

	for (uint16_t left = rx->staged, count; left > 0 && !rx->is_halted; left -= count) {
		struct iommu_span spans[DMANIC_RING_SPANS];
		unsigned int span_count;

		count = left < DMANIC_FETCH ? left : DMANIC_FETCH;
		span_count = dmanic_rx_reach(rx, count, spans);
		for (unsigned int i = 0; i < span_count; i++) {
			union dmanic_rx_done *desc = (void *)spans[i].vaddr;

			for (unsigned int k = 0; k < spans[i].len / DMANIC_DESC_SIZE; k++)
				dmanic_rx_write(&desc[k], *back++);
		}
	}
	rx->staged = 0;
	rx->access_count = 0;
}

/* Translates all staged buffers, moves the payload, and hands the descriptors back. */
static void flush(struct dmanic_batch *batch, struct dmanic_rx_ring *rx)
{
	struct iommu_span spans[DMANIC_RX_SPANS];
	const struct iommu_access *access = rx->access;
	uint64_t frames = 0, bytes = 0, refused = 0;
	unsigned int span = 0;

	if (rx->access_count > 0)
		iommu_translate_burst(rx->translator, rx->access, rx->access_count, spans,
				      DMANIC_RX_SPANS);
	for (unsigned int i = 0; i < rx->staged;) {
		if (unlikely(rx->frame[i] == DMANIC_NO_FRAME)) {
			i++;
			continue;
		}
		struct dmanic_frame *frame = &batch->frame[rx->frame[i]];
		unsigned int span_count = 0;
		bool is_refused = false;

		for (unsigned int k = 0; k < frame->rx_count; k++, access++) {
			is_refused |= access->span_count == 0;
			span_count += access->span_count;
		}
		if (likely(!is_refused))
			dmanic_frame_copy(batch, frame, &spans[span], span_count);
		frames += !is_refused;
		refused += is_refused;
		bytes += settle(rx, i, frame->rx_count, frame, is_refused);
		span += span_count;
		i += frame->rx_count;
	}
	write_back(rx);
	if (unlikely(rx->is_halted)) {
		/* The driver never hears of them. */
		refused += frames;
		frames = bytes = 0;
	}
	base_hist_bump(&rx->counters.frames, frames);
	base_hist_bump(&rx->counters.bytes, bytes);
	if (unlikely(refused > 0))
		base_hist_bump(&rx->counters.refused, refused);
}

bool dmanic_rx_hold(struct dmanic_batch *batch, struct dmanic_rx_ring *rx, unsigned int queue)
{
	if (batch->held & 1u << queue)
		return true;
	if (!dmanic_token_take(&rx->token)) {
		/* Told first, tried again then: the holder sees one or we get the other. */
		__atomic_fetch_or(&rx->stalled, 1u << batch->queue, __ATOMIC_SEQ_CST);
		if (!dmanic_token_take(&rx->token)) {
			batch->tx->stalled_on = queue;
			batch->tx->is_stalled_for_room = false;
			return false;
		}
		__atomic_fetch_and(&rx->stalled, ~(1u << batch->queue), __ATOMIC_SEQ_CST);
	}
	batch->held |= 1u << queue;
	/* On the same unit the transmit translator's burst keeps our translations good as well. */
	if (rx->translator->qsbr != batch->tx->translator->qsbr)
		iommu_burst_begin(rx->translator);
	return true;
}

static void stall_for_room(struct dmanic_batch *batch, struct dmanic_rx_ring *rx,
			   unsigned int queue, uint64_t doorbell)
{
	__atomic_fetch_or(&rx->stalled, 1u << batch->queue, __ATOMIC_SEQ_CST);
	batch->tx->stalled_on = queue;
	batch->tx->is_stalled_for_room = true;
	batch->tx->stall_doorbell = doorbell;
}

/* A frame with buffers that were spoilt by a bad descriptor among them. */
static void spoil(struct dmanic_rx_ring *rx, const struct dmanic_frame *frame, uint8_t count)
{
	unsigned int first = rx->staged - count;

	settle(rx, first, count, frame, true);
	memset(&rx->frame[first], DMANIC_NO_FRAME, count);
	base_hist_bump(&rx->counters.refused, 1);
}

/* Gives a frame its buffers, or drops it; false: it waits. */
static bool place(struct dmanic_batch *batch, uint8_t index, unsigned int queue)
{
	struct dmanic_device *to = batch->receiver;
	struct dmanic_frame *frame = &batch->frame[index];
	struct dmanic_rx_ring *rx = &to->rx[queue];
	uint64_t doorbell = __atomic_load_n(&rx->doorbell, __ATOMIC_ACQUIRE);
	uint32_t len = frame->len + (frame->is_tagging ? RTE_VLAN_HLEN : 0);
	enum take result;

	if (!__atomic_load_n(&rx->is_running, __ATOMIC_RELAXED)) {
		batch->drops[DMANIC_DROP_STOPPED]++;
		return true;
	}
	if (!dmanic_rx_hold(batch, rx, queue))
		return false;
	if (unlikely(rx->is_halted)) {
		base_hist_bump(&rx->counters.missed, 1);
		return true;
	}
	if (frame->is_stripping)
		len -= RTE_VLAN_HLEN;
	result = len <= to->filter.frame_max ? take(rx, index, len, &frame->rx_count) : TOO_LARGE;
	if (likely(result == TAKEN))
		return true;
	if (result == NO_STAGE) {
		batch->is_full = true;
		return false;
	}
	if (result == TOO_LARGE) {
		base_hist_bump(&rx->counters.oversize, 1);
	} else if (result == SPOILT) {
		spoil(rx, frame, frame->rx_count);
	} else if (to->is_pausing && !rx->is_halted) {
		stall_for_room(batch, rx, queue, doorbell);
		return false;
	} else {
		base_hist_bump(&rx->counters.missed, 1);
	}
	return true;
}

uint8_t dmanic_deliver(struct dmanic_batch *batch)
{
	struct dmanic_device *to = batch->receiver;
	uint8_t i;

	for (i = 0; i < batch->frame_count; i++) {
		struct dmanic_frame *frame = &batch->frame[i];
		int queue;

		if (unlikely(frame->is_refused))
			continue;
		queue = unlikely(to->filter.needs_header)
				? dmanic_classify(batch, frame)
				: (int)(batch->queue % (to->rx_count ? to->rx_count : 1));
		if (queue >= 0 && !place(batch, i, queue))
			break;
	}
	for (uint32_t held = batch->held; held != 0; held &= held - 1) {
		struct dmanic_rx_ring *rx = &to->rx[__builtin_ctz(held)];

		if (rx->staged > 0)
			flush(batch, rx);
	}
	return i;
}

void dmanic_deliver_end(struct dmanic_batch *batch)
{
	for (uint32_t held = batch->held; held != 0; held &= held - 1) {
		struct dmanic_rx_ring *rx = &batch->receiver->rx[__builtin_ctz(held)];

		if (rx->translator->qsbr != batch->tx->translator->qsbr)
			iommu_burst_end(rx->translator);
		dmanic_token_give(&rx->token);
	}
	for (unsigned int i = 0; i < DMANIC_DROPS; i++) {
		if (unlikely(batch->drops[i] > 0))
			__atomic_fetch_add(&batch->receiver->drops[i], batch->drops[i],
					   __ATOMIC_RELAXED);
	}
}
