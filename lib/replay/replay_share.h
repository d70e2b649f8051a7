/* SPDX-License-Identifier: BSD-3-Clause */
/* What one transmit queue sends of a capture, and how far it is. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>
#include <rte_mbuf.h>

#include "base_error.h"
#include "replay_store.h"

/* The sending lcore: write; any thread: read `sent` and `bytes` (relaxed). */
struct replay_share {
	struct rte_mbuf **frames; /* in the order of the file */
	uint64_t count;
	uint64_t position; /* of the next frame */
	uint64_t left;	   /* frames until the references are renewed, or the end */
	uint64_t cycle;	   /* frames sent since they were */
	uint64_t laps;	   /* to send; 0: for ever */
	uint64_t sent;	   /* frames, all laps */
	uint64_t bytes;
	uint64_t end_tsc; /* when it was through, 0: it is not; the engine sets it */
} __rte_cache_aligned;

/* All shares of one store. */
struct replay_split {
	struct rte_mbuf **frames;
	unsigned int count;
	struct replay_share *shares;
};

/**
 * Deals a store's frames to `count` queues (1 to 64): all of a flow, in both directions, go to one
 * queue in the file's order. With one queue the whole order is kept. The caller owns the split;
 * a store has one at a time. -ENOMEM.
 */
int replay_split_create(const struct replay_store *store, unsigned int count,
			struct replay_split **out, struct base_error *err);
void replay_split_destroy(struct replay_split *split);

/** Goes back to the first frame, to send all `laps` times; the sending lcore must be stopped. */
void replay_share_rewind(struct replay_share *share, uint64_t laps);

/** All laps have been taken by the driver. */
static inline bool replay_share_is_done(const struct replay_share *share)
{
	return share->left == 0;
}

/**
 * Gives up to max frames to transmit, without counting them as sent. The driver frees them as it
 * frees any mbuf, but for MBUF_FAST_FREE, which must be off: it ignores reference counts.
 */
static inline uint16_t replay_share_next(const struct replay_share *share, struct rte_mbuf **frames,
					 uint16_t max)
{
	uint16_t n = (uint16_t)RTE_MIN(share->left, (uint64_t)max);
	uint64_t at = share->position;

	for (uint16_t i = 0; i < n; i++) {
		frames[i] = share->frames[at];
		if (++at == share->count)
			at = 0;
	}
	return n;
}

/* Starts the next cycle when there are laps left. */
void replay_share_renew(struct replay_share *share);

/** Counts the first n (at least 1) of the frames of replay_share_next() as taken by the driver. */
static inline void replay_share_sent(struct replay_share *share, uint16_t n, uint64_t bytes)
{
	share->position += n;
	if (unlikely(share->position >= share->count))
		share->position %= share->count;
	share->cycle += n;
	share->left -= n;
	__atomic_store_n(&share->bytes, share->bytes + bytes, __ATOMIC_RELAXED);
	__atomic_store_n(&share->sent, share->sent + n, __ATOMIC_RELAXED);
	if (unlikely(share->left == 0))
		replay_share_renew(share);
}
