/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of the ring of frames: order, room, and the merge of several by time. */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "replay_ring.h"

#define FRAME_MAX 3000
#define FRAMES	  200000

/* A frame of one or two segments, whose bytes follow from its number. */
struct built {
	struct rte_mbuf mbuf[2];
	uint8_t data[FRAME_MAX];
};

static uint32_t size_of(uint64_t number)
{
	uint64_t seed = number;

	return (uint32_t)(unit_random(&seed) % (FRAME_MAX + 1));
}

static struct rte_mbuf *build(struct built *built, uint64_t number)
{
	uint32_t size = size_of(number);
	uint32_t first = number % 2 == 0 ? size : size / 3;

	memset(built->data, (uint8_t)number, size);
	memset(built->mbuf, 0, sizeof(built->mbuf));
	built->mbuf[0].buf_addr = built->data;
	built->mbuf[0].data_len = (uint16_t)first;
	built->mbuf[0].pkt_len = size;
	built->mbuf[0].next = first == size ? NULL : &built->mbuf[1];
	built->mbuf[1].buf_addr = built->data + first;
	built->mbuf[1].data_len = (uint16_t)(size - first);
	return built->mbuf;
}

static void put(struct replay_ring *ring, uint64_t time, uint64_t number)
{
	struct built built;
	struct rte_mbuf *frame = build(&built, number);

	replay_ring_put(ring, time, &frame, 1);
}

static void assert_next(struct replay_ring *ring, uint64_t time, uint64_t number)
{
	const struct replay_ring_frame *frame = replay_ring_peek(ring);

	assert_non_null(frame);
	assert_int_equal(frame->time, time);
	assert_int_equal(frame->size, size_of(number));
	for (uint32_t i = 0; i < frame->size; i++)
		if (frame->data[i] != (uint8_t)number)
			fail_msg("frame %ju differs at byte %u", (uintmax_t)number, i);
	replay_ring_pop(ring, frame);
}

static void frames_come_out_as_they_went_in_over_many_wraps(void **state)
{
	struct replay_ring *ring;
	uint64_t in = 0, out = 0;

	assert_int_equal(replay_ring_create(1 << 14, 1, FRAME_MAX, &ring), 0);
	while (out < 20000) {
		while (replay_ring_has_room(ring)) {
			put(ring, in, in);
			in++;
		}
		assert_true(in > out);
		for (uint64_t n = in % 3; n < 3 && out < in; n++, out++)
			assert_next(ring, out, out);
	}
	assert_int_equal(ring->lost, 0);
	assert_true(ring->full > 0);
	replay_ring_destroy(ring);
}

static void a_frame_without_room_is_counted_and_breaks_nothing(void **state)
{
	struct replay_ring *ring;
	uint64_t kept = 0;

	assert_int_equal(replay_ring_create(1 << 14, 1, FRAME_MAX, &ring), 0);
	for (uint64_t i = 0; i < 100; i++)
		put(ring, i, 1);
	assert_true(ring->lost > 0);
	while (replay_ring_peek(ring) != NULL)
		assert_next(ring, kept++, 1);
	assert_int_equal(kept + ring->lost, 100);
	replay_ring_destroy(ring);
}

struct producer {
	struct replay_ring *ring;
};

static void *produce(void *arg)
{
	struct producer *producer = arg;

	for (uint64_t i = 0; i < FRAMES; i++) {
		while (!replay_ring_has_room(producer->ring))
			sched_yield();
		put(producer->ring, i, i);
	}
	return NULL;
}

static void two_threads_lose_nothing(void **state)
{
	struct producer producer;
	pthread_t thread;

	assert_int_equal(replay_ring_create(1 << 16, 1, FRAME_MAX, &producer.ring), 0);
	assert_int_equal(pthread_create(&thread, NULL, produce, &producer), 0);
	for (uint64_t i = 0; i < FRAMES; i++) {
		while (replay_ring_peek(producer.ring) == NULL)
			sched_yield();
		assert_next(producer.ring, i, i);
	}
	pthread_join(thread, NULL);
	assert_int_equal(producer.ring->lost, 0);
	replay_ring_destroy(producer.ring);
}

static void rings_are_merged_by_time(void **state)
{
	struct replay_ring *rings[3];

	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(replay_ring_create(1 << 20, 1, FRAME_MAX, &rings[i]), 0);
	for (uint64_t time = 0; time < 300; time++)
		put(rings[time * 7 % 3], time, time);
	for (unsigned int i = 0; i < 3; i++)
		replay_ring_advance(rings[i], UINT64_MAX);
	for (uint64_t time = 0; time < 300; time++) {
		struct replay_ring *oldest = replay_ring_oldest(rings, 3);

		assert_ptr_equal(oldest, rings[time * 7 % 3]);
		assert_next(oldest, time, time);
	}
	assert_null(replay_ring_oldest(rings, 3));
	for (unsigned int i = 0; i < 3; i++)
		replay_ring_destroy(rings[i]);
}

static void a_frame_waits_while_an_older_one_may_come(void **state)
{
	struct replay_ring *rings[2];

	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(replay_ring_create(1 << 16, 1, FRAME_MAX, &rings[i]), 0);
	put(rings[0], 100, 1);
	assert_null(replay_ring_oldest(rings, 2));
	replay_ring_advance(rings[1], 99);
	assert_null(replay_ring_oldest(rings, 2));
	put(rings[1], 99, 2);
	assert_ptr_equal(replay_ring_oldest(rings, 2), rings[1]);
	assert_next(rings[1], 99, 2);
	assert_null(replay_ring_oldest(rings, 2));
	replay_ring_advance(rings[1], 100);
	assert_ptr_equal(replay_ring_oldest(rings, 2), rings[0]);
	for (unsigned int i = 0; i < 2; i++)
		replay_ring_destroy(rings[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_come_out_as_they_went_in_over_many_wraps),
		cmocka_unit_test(a_frame_without_room_is_counted_and_breaks_nothing),
		cmocka_unit_test(two_threads_lose_nothing),
		cmocka_unit_test(rings_are_merged_by_time),
		cmocka_unit_test(a_frame_waits_while_an_older_one_may_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
