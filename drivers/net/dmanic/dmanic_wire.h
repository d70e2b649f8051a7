/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the DMA engine share: tokens, and the batch that one pump step works on. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dmanic_device.h"
#include "base_hist.h"

/* A descriptor touches at most DMANIC_FRAME_MAX bytes, so at most 4 pages of 4 KiB. */
#define DMANIC_TX_SPANS (4 * DMANIC_FETCH + 17)
#define DMANIC_RX_SPANS (4 * DMANIC_RX_CACHE + 17)
#define DMANIC_HEADER	128 /* bytes that filters and RSS may look at */
#define DMANIC_NO_FRAME 0xff

/** Tries to become the one lcore that works on a ring; a full barrier either way. */
static inline bool dmanic_token_take(uint32_t *token)
{
	return __atomic_exchange_n(token, 1, __ATOMIC_SEQ_CST) == 0;
}

static inline void dmanic_token_give(uint32_t *token)
{
	__atomic_store_n(token, 0, __ATOMIC_RELEASE);
}

/** Index in a ring, one step or less than a ring ahead. */
static inline uint16_t dmanic_ring_add(uint16_t index, uint16_t count, uint16_t size)
{
	unsigned int sum = (unsigned int)index + count;

	return sum >= size ? sum - size : sum;
}

/** Descriptors from index up to the tail register; a tail outside the ring is taken as empty. */
static inline uint16_t dmanic_ring_pending(uint64_t doorbell, uint16_t index, uint16_t size)
{
	uint16_t tail = doorbell & 0xffff;

	if (tail >= size)
		return 0;
	return tail >= index ? tail - index : tail + size - index;
}

/* Some descriptors of a ring, across its end or not. */
struct dmanic_ring_range {
	uint64_t iova; /* of the ring */
	uint16_t size; /* of the ring, in descriptors */
	uint16_t index;
	uint16_t count;
};

/* Two accesses of 512 bytes at most, each on two pages at most; the rest is for the backend. */
#define DMANIC_RING_SPANS (4 + 17)

/** Translates a range: one access, two across the ring's end. Spans used, 0: refused. */
unsigned int dmanic_ring_reach(struct iommu_translator *translator,
			       const struct dmanic_ring_range *range, uint16_t prot,
			       struct iommu_span spans[DMANIC_RING_SPANS]);

/** Copies the descriptors of a range to `to`, once; false: refused. */
bool dmanic_ring_fetch(struct iommu_translator *translator, const struct dmanic_ring_range *range,
		       void *to);

/** Writes a receive descriptor back: DD last, for the driver reads it first. */
static inline void dmanic_rx_write(union dmanic_rx_done *desc, union dmanic_rx_done back)
{
	desc->word[1] = back.word[1];
	__atomic_store_n(&desc->word[0], back.word[0], __ATOMIC_RELEASE);
}

/* One frame of a batch. */
struct dmanic_frame {
	uint8_t first; /* its first descriptor in the cache */
	uint8_t desc_count;
	uint8_t rx_count;  /* receive descriptors it takes */
	bool is_refused;   /* dropped: its descriptors get ERR */
	bool is_dropped;   /* by the receiver: nothing to deliver, nothing wrong */
	bool is_tagging;   /* vlan_tci is inserted */
	bool is_stripping; /* the tag is taken out and handed over in the descriptor */
	uint8_t access;	   /* first of its accesses */
	uint16_t span;	   /* first of its spans */
	uint16_t span_count;
	uint16_t vlan_tci;
	uint16_t status; /* DMANIC_RSS, DMANIC_VLAN */
	uint32_t len;	 /* bytes read from buffers */
	uint32_t hash;
};

/* What one step of a pump moves; on the stack of whoever holds the tx token. */
struct dmanic_batch {
	struct dmanic_device *sender;
	struct dmanic_device *receiver;
	struct dmanic_tx_ring *tx;
	uint16_t queue;
	uint8_t frame_count;
	uint8_t access_count;
	bool is_full;  /* the delivery stopped to write back: go on */
	uint32_t held; /* receive tokens, a bit each */
	uint64_t drops[DMANIC_DROPS];
	struct dmanic_frame frame[DMANIC_FETCH];
	struct iommu_access access[DMANIC_FETCH];
	struct iommu_span span[DMANIC_TX_SPANS];
};

/*
 * Plain frames: one segment, no tag, all to one ring, a buffer for each. Most are, and then a batch
 * needs no state for each frame.
 */

/** Writes the accesses of the first n cached descriptors; false: not all of them are plain. */
bool dmanic_plain_parse(struct dmanic_batch *batch, unsigned int n);
/** Delivers n translated plain frames, all or none; false: none, and the usual way is open. */
bool dmanic_plain_deliver(struct dmanic_batch *batch, unsigned int n);
/** Hands back the transmit descriptors of n plain frames. */
void dmanic_plain_complete(struct dmanic_batch *batch, unsigned int n);

/** Takes a receive ring's token for the rest of the pump; false: frames for it wait. */
bool dmanic_rx_hold(struct dmanic_batch *batch, struct dmanic_rx_ring *rx, unsigned int queue);
/** Fetches descriptors behind what is cached from `keep` on; false: there are none. */
bool dmanic_rx_fetch(struct dmanic_rx_ring *rx, uint16_t keep);
/** Translates `count` descriptors from rx->done on for a write-back; 0: the ring is halted. */
unsigned int dmanic_rx_reach(struct dmanic_rx_ring *rx, uint16_t count,
			     struct iommu_span spans[DMANIC_RING_SPANS]);
/** The same for transmit descriptors from tx->done on. */
unsigned int dmanic_tx_reach(struct dmanic_tx_ring *tx, uint16_t count,
			     struct iommu_span spans[DMANIC_RING_SPANS]);
/** Drops `count` descriptors that were written back from the cache. */
void dmanic_tx_advance(struct dmanic_tx_ring *tx, uint16_t count);

/** Forgets that a transmit queue waits; the token is held, or the ring is stopped. */
void dmanic_stall_clear(struct dmanic_device *device, unsigned int queue);

/**
 * Hands frames to the receiver's rings, in order, and returns how many were dealt with. Fewer than
 * there are: the first that was not waits, and tx->stalled_on says for which ring, if any.
 */
uint8_t dmanic_deliver(struct dmanic_batch *batch);

/** Gives back the receive tokens that a pump took. */
void dmanic_deliver_end(struct dmanic_batch *batch);

/** Chooses the receive queue of a frame (its hash and tag go into it), or -1: dropped, counted. */
int dmanic_classify(struct dmanic_batch *batch, struct dmanic_frame *frame);

/** First bytes of a frame, contiguous: in place, or gathered into buf. */
const uint8_t *dmanic_frame_header(const struct dmanic_batch *batch,
				   const struct dmanic_frame *frame, uint8_t buf[DMANIC_HEADER]);

/** Copies a frame, with its tag inserted or taken out, over the given spans. */
void dmanic_frame_copy(const struct dmanic_batch *batch, const struct dmanic_frame *frame,
		       const struct iommu_span *spans, unsigned int span_count);

/** Hash of a frame's addresses and ports; false: no type of it is hashed. */
bool dmanic_rss_hash(const struct dmanic_filter *filter, const uint8_t *header, uint32_t len,
		     uint32_t *hash);
