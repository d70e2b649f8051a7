/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames on their way from one lcore to the thread that writes them: copies, in order. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

/* What stands before the bytes of a frame in the ring; aligned to its own size. */
struct replay_ring_frame {
	uint64_t time; /* TSC when its burst was received */
	uint32_t size; /* bytes of the frame; REPLAY_RING_WRAP: go on at the start */
	uint32_t unused;
	uint8_t data[];
};

#define REPLAY_RING_WRAP UINT32_MAX

/* One lcore puts, one thread takes. */
struct replay_ring {
	uint8_t *data;
	uint64_t size; /* a power of two */
	uint64_t room; /* that a burst may need */

	/* putting lcore: write; taking thread: read (acquire) */
	uint64_t tail __rte_cache_aligned; /* bytes put, ever */
	uint64_t until;			   /* TSC before which nothing more will come */
	uint64_t full;			   /* polls put off because there was no room */
	uint64_t lost;			   /* frames that did not fit into the room asked for */
	uint64_t head_seen;

	/* taking thread: write; putting lcore: read (acquire) */
	uint64_t head __rte_cache_aligned; /* bytes taken, ever */
};

/**
 * Makes a ring of at least `size` bytes, and of four bursts of `burst` frames of up to frame_max
 * bytes; present in memory. The caller owns it. -ENOMEM.
 */
int replay_ring_create(size_t size, uint16_t burst, uint32_t frame_max, struct replay_ring **out);
void replay_ring_destroy(struct replay_ring *ring);

/**
 * True when a burst can be put for sure. When not, `full` is counted: leave the packets with the
 * device, whose ring then fills up, and ask again later.
 */
bool replay_ring_has_room(struct replay_ring *ring);

/** Copies a burst received at `time`; frames for which there is no room are counted as lost. */
void replay_ring_put(struct replay_ring *ring, uint64_t time, struct rte_mbuf *const *frames,
		     uint16_t n);

/** Says that what comes from now on has a time of at least `time`; UINT64_MAX: nothing more. */
static inline void replay_ring_advance(struct replay_ring *ring, uint64_t time)
{
	__atomic_store_n(&ring->until, time, __ATOMIC_RELEASE);
}

/** The oldest frame, or NULL; it stays the ring's until replay_ring_pop(). */
const struct replay_ring_frame *replay_ring_peek(struct replay_ring *ring);
void replay_ring_pop(struct replay_ring *ring, const struct replay_ring_frame *frame);

/**
 * The ring of `count` whose oldest frame is the oldest of all, or NULL when there is none or an
 * older one may still come.
 */
struct replay_ring *replay_ring_oldest(struct replay_ring *const *rings, unsigned int count);
