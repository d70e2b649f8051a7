/* SPDX-License-Identifier: BSD-3-Clause */
/* The eviction-time model against exact LRU lists, and its parts on traces that one can count. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "iotlb_curve.h"
#include "unit.h"

#define PAGES 8192

static struct iotlb_reuse reuse;
static uint32_t stamp[PAGES];
static uint32_t clock_now;

static int begin(void **state)
{
	memset(&reuse, 0, sizeof(reuse));
	memset(stamp, 0, sizeof(stamp));
	clock_now = 0;
	return 0;
}

static void access_page(uint32_t page)
{
	clock_now++;
	if (stamp[page] == 0)
		iotlb_reuse_add_cold(&reuse);
	else
		iotlb_reuse_add(&reuse, clock_now - stamp[page]);
	stamp[page] = clock_now;
}

static double miss_ratio(uint32_t entries)
{
	const struct iotlb_load load = {&reuse, 1, 1};

	return iotlb_miss_ratio(&load, iotlb_eviction_time(&load, 1, entries));
}

static void buckets_are_exact_below_64_and_within_a_32nd_above(void **state)
{
	uint64_t seed = 1;

	for (uint32_t time = 1; time < 64; time++)
		assert_int_equal(iotlb_reuse_end(iotlb_reuse_index(time)), time);
	for (unsigned int i = 0; i < 100000; i++) {
		uint32_t time = 1 + (((uint32_t)unit_random(&seed) & 0xffffff) >> (i % 18));
		uint32_t index = iotlb_reuse_index(time), end = iotlb_reuse_end(index);

		assert_in_range(index, 0, IOTLB_REUSE_BUCKETS - 1);
		assert_true(end >= time && end - time < 1 + time / 32);
		assert_true(index == 0 || iotlb_reuse_end(index - 1) < time);
	}
	assert_in_range(iotlb_reuse_index(IOTLB_REUSE_MAX), 0, IOTLB_REUSE_BUCKETS - 1);
	assert_int_equal(iotlb_reuse_end(IOTLB_REUSE_BUCKETS - 1), UINT32_MAX);
}

static void a_ring_of_pages_misses_always_or_never(void **state)
{
	for (unsigned int i = 0; i < 60 * 1000; i++)
		access_page(i % 60);
	assert_float_equal(miss_ratio(59), 1, 1e-9);
	assert_float_equal(miss_ratio(60), 60.0 / 60000, 1e-9);
	assert_float_equal(miss_ratio(4096), 60.0 / 60000, 1e-9);
}

static void cold_accesses_miss_at_every_size(void **state)
{
	for (unsigned int i = 0; i < 1000; i++)
		access_page(i);
	assert_float_equal(miss_ratio(4096), 1, 1e-9);
}

static void random_pages_miss_by_what_does_not_fit(void **state)
{
	uint64_t seed = 7;

	for (unsigned int i = 0; i < 1000000; i++)
		access_page((uint32_t)(unit_random(&seed) % 512));
	assert_float_equal(miss_ratio(128), 0.75, 0.005);
	assert_float_equal(miss_ratio(256), 0.5, 0.005);
	assert_float_equal(miss_ratio(448), 0.125, 0.005);
}

static void entries_needed_are_the_pages_of_a_ring(void **state)
{
	const struct iotlb_load load = {&reuse, 1, 1};

	assert_int_equal(iotlb_entries_for(&load, 1, 0.01), 0);
	for (unsigned int i = 0; i < 50 * 100; i++)
		access_page(i % 50);
	assert_int_equal(iotlb_entries_for(&load, 1, 0.01), 50);
}

/* Two rings of 40 pages in turn: as one of 80; alone each needs 40. */
static void loads_that_share_an_iotlb_press_on_each_other(void **state)
{
	struct iotlb_load loads[2];

	for (unsigned int i = 0; i < 40 * 1000; i++)
		access_page(i % 40);
	loads[0] = loads[1] = (struct iotlb_load){&reuse, 0.5, 2};
	assert_float_equal(iotlb_miss_ratio(&loads[0], iotlb_eviction_time(loads, 2, 64)), 1, 0.01);
	assert_float_equal(iotlb_miss_ratio(&loads[0], iotlb_eviction_time(loads, 2, 81)), 0.001,
			   0.001);
	assert_float_equal(miss_ratio(40), 0.001, 1e-6);
}

/* A slow queue of few pages beside a fast one of many: its pages grow old between its accesses. */
static void a_slow_load_loses_its_pages_to_a_fast_one(void **state)
{
	static struct iotlb_reuse slow;
	struct iotlb_load loads[2];

	for (unsigned int i = 0; i < 1000 * 200; i++)
		access_page(i % 1000);
	for (unsigned int i = 0; i < 10000; i++)
		iotlb_reuse_add(&slow, 10);
	loads[0] = (struct iotlb_load){&reuse, 0.99, 1 / 0.99};
	loads[1] = (struct iotlb_load){&slow, 0.01, 100};
	assert_float_equal(iotlb_miss_ratio(&loads[1], iotlb_eviction_time(loads, 2, 512)), 1,
			   1e-6);
	loads[1] = (struct iotlb_load){&slow, 1, 1};
	assert_float_equal(iotlb_miss_ratio(&loads[1], iotlb_eviction_time(&loads[1], 1, 512)), 0,
			   1e-6);
}

/* Half of the accesses are seen for 100 accesses only, as in a window that has just begun. */
static void times_that_were_not_seen_to_their_end_do_not_bias(void **state)
{
	uint64_t seed = 3;

	for (unsigned int i = 0; i < 400000; i++) {
		uint32_t time = 1 + (uint32_t)(unit_random(&seed) % 200);

		if (i % 2 == 0 || time <= 100)
			iotlb_reuse_add(&reuse, time);
		else
			iotlb_reuse_add_fresh(&reuse, 100);
	}
	for (uint32_t time = 50; time < 200; time += 50) {
		const struct iotlb_load load = {&reuse, 1, 1};

		assert_float_equal(iotlb_miss_ratio(&load, time), 1 - time / 200.0, 0.005);
	}
}

static void a_merge_less_its_part_is_the_other_part(void **state)
{
	static struct iotlb_reuse both;

	access_page(1);
	access_page(1);
	iotlb_reuse_add_fresh(&reuse, 5);
	iotlb_reuse_merge(&both, &reuse);
	iotlb_reuse_merge(&both, &reuse);
	assert_int_equal(both.accesses, 6);
	iotlb_reuse_subtract(&both, &reuse);
	assert_memory_equal(&both, &reuse, sizeof(both));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_are_exact_below_64_and_within_a_32nd_above),
		cmocka_unit_test_setup(a_ring_of_pages_misses_always_or_never, begin),
		cmocka_unit_test_setup(cold_accesses_miss_at_every_size, begin),
		cmocka_unit_test_setup(random_pages_miss_by_what_does_not_fit, begin),
		cmocka_unit_test_setup(entries_needed_are_the_pages_of_a_ring, begin),
		cmocka_unit_test_setup(loads_that_share_an_iotlb_press_on_each_other, begin),
		cmocka_unit_test_setup(a_slow_load_loses_its_pages_to_a_fast_one, begin),
		cmocka_unit_test_setup(times_that_were_not_seen_to_their_end_do_not_bias, begin),
		cmocka_unit_test_setup(a_merge_less_its_part_is_the_other_part, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
