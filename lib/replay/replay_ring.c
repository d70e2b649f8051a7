/* SPDX-License-Identifier: BSD-3-Clause */
/* A single-producer, single-consumer ring of frames, and the merge of several by time. */
#include "replay_ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HEADER sizeof(struct replay_ring_frame)

_Static_assert(sizeof(struct replay_ring_frame) == 16, "frames stay aligned to their header");

static uint64_t space_of(uint32_t size)
{
	return HEADER + RTE_ALIGN_CEIL((uint64_t)size, HEADER);
}

int replay_ring_create(size_t size, uint16_t burst, uint32_t frame_max, struct replay_ring **out)
{
	struct replay_ring *ring = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*ring));

	if (ring == NULL)
		return -ENOMEM;
	memset(ring, 0, sizeof(*ring));
	/* one frame more, for what is left unused at the end of the ring */
	ring->room = ((uint64_t)burst + 1) * space_of(frame_max);
	ring->size = rte_align64pow2(RTE_MAX(size, 4 * ring->room));
	/* Populated, so that the lcore takes no page fault. */
	ring->data = mmap(NULL, ring->size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (ring->data == MAP_FAILED) {
		free(ring);
		return -ENOMEM;
	}
	*out = ring;
	return 0;
}

void replay_ring_destroy(struct replay_ring *ring)
{
	if (ring == NULL)
		return;
	munmap(ring->data, ring->size);
	free(ring);
}

static bool has_room(struct replay_ring *ring, uint64_t tail, uint64_t size)
{
	if (ring->size - (tail - ring->head_seen) >= size)
		return true;
	ring->head_seen = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
	return ring->size - (tail - ring->head_seen) >= size;
}

bool replay_ring_has_room(struct replay_ring *ring)
{
	if (likely(has_room(ring, ring->tail, ring->room)))
		return true;
	__atomic_store_n(&ring->full, ring->full + 1, __ATOMIC_RELAXED);
	return false;
}

static struct replay_ring_frame *frame_at(const struct replay_ring *ring, uint64_t position)
{
	return (struct replay_ring_frame *)(ring->data + (position & (ring->size - 1)));
}

static void copy_frame(const struct rte_mbuf *frame, uint8_t *to)
{
	for (const struct rte_mbuf *m = frame; m != NULL; m = m->next) {
		memcpy(to, rte_pktmbuf_mtod(m, const void *), m->data_len);
		to += m->data_len;
	}
}

/* Puts one frame at *tail and moves it on; false: no room. */
static bool put_frame(struct replay_ring *ring, uint64_t time, const struct rte_mbuf *frame,
		      uint64_t *tail)
{
	uint64_t space = space_of(frame->pkt_len);
	uint64_t to_end = ring->size - (*tail & (ring->size - 1));
	uint64_t skip = to_end < space ? to_end : 0;
	struct replay_ring_frame *at;

	if (unlikely(!has_room(ring, *tail, skip + space)))
		return false;
	if (skip > 0)
		frame_at(ring, *tail)->size = REPLAY_RING_WRAP;
	at = frame_at(ring, *tail + skip);
	at->time = time;
	at->size = frame->pkt_len;
	copy_frame(frame, at->data);
	*tail += skip + space;
	return true;
}

void replay_ring_put(struct replay_ring *ring, uint64_t time, struct rte_mbuf *const *frames,
		     uint16_t n)
{
	uint64_t tail = ring->tail;
	uint64_t lost = 0;

	for (uint16_t i = 0; i < n; i++)
		lost += !put_frame(ring, time, frames[i], &tail);
	__atomic_store_n(&ring->tail, tail, __ATOMIC_RELEASE);
	if (unlikely(lost > 0))
		__atomic_store_n(&ring->lost, ring->lost + lost, __ATOMIC_RELAXED);
}

const struct replay_ring_frame *replay_ring_peek(struct replay_ring *ring)
{
	uint64_t tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
	struct replay_ring_frame *frame;

	if (tail == ring->head)
		return NULL;
	frame = frame_at(ring, ring->head);
	if (frame->size != REPLAY_RING_WRAP)
		return frame;
	__atomic_store_n(&ring->head, RTE_ALIGN_CEIL(ring->head + 1, ring->size), __ATOMIC_RELEASE);
	return frame_at(ring, ring->head);
}

void replay_ring_pop(struct replay_ring *ring, const struct replay_ring_frame *frame)
{
	__atomic_store_n(&ring->head, ring->head + space_of(frame->size), __ATOMIC_RELEASE);
}

struct replay_ring *replay_ring_oldest(struct replay_ring *const *rings, unsigned int count)
{
	struct replay_ring *oldest = NULL;
	uint64_t oldest_time = UINT64_MAX;
	uint64_t limit = UINT64_MAX;

	for (unsigned int i = 0; i < count; i++) {
		/* Before the peek: what is put in between is not older than this. */
		uint64_t until = __atomic_load_n(&rings[i]->until, __ATOMIC_ACQUIRE);
		const struct replay_ring_frame *frame = replay_ring_peek(rings[i]);

		if (frame == NULL) {
			limit = RTE_MIN(limit, until);
		} else if (oldest == NULL || frame->time < oldest_time) {
			oldest = rings[i];
			oldest_time = frame->time;
		}
	}
	/* Equal times: both were received in one go, and the first ring goes first. */
	return oldest != NULL && oldest_time <= limit ? oldest : NULL;
}
