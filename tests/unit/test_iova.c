/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of the IOVA plan and its caches, one guarantee each. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "iova.h"
#include "unit.h"

#define PAGE  UINT64_C(4096)
#define SIZE2 (UINT64_C(1) << 21)

static struct iova_plan *plan_of(uint64_t base, uint64_t limit)
{
	struct iova_plan *plan;

	assert_int_equal(iova_plan_create(base, limit, &plan), 0);
	return plan;
}

static uint64_t free_bytes(struct iova_plan *plan)
{
	struct iova_usage usage;

	iova_plan_usage(plan, &usage);
	return usage.free_bytes;
}

static void plan_refuses_bad_bounds(void **state)
{
	struct iova_plan *plan;

	assert_int_equal(iova_plan_create(0, 0, &plan), -EINVAL);
	assert_int_equal(iova_plan_create(PAGE, PAGE, &plan), -EINVAL);
	assert_int_equal(iova_plan_create(2 * PAGE, PAGE, &plan), -EINVAL);
	assert_int_equal(iova_plan_create(1, PAGE, &plan), -EINVAL);
	assert_int_equal(iova_plan_create(0, PAGE + 1, &plan), -EINVAL);
	iova_plan_destroy(NULL);
}

static void bad_sizes_and_alignments_are_refused(void **state)
{
	struct iova_plan *plan = plan_of(0, 64 * PAGE);
	uint64_t iova;

	assert_int_equal(iova_alloc(plan, 0, PAGE, &iova), -EINVAL);
	assert_int_equal(iova_alloc(plan, PAGE + 1, PAGE, &iova), -EINVAL);
	assert_int_equal(iova_alloc(plan, PAGE, 0, &iova), -EINVAL);
	assert_int_equal(iova_alloc(plan, PAGE, 2048, &iova), -EINVAL);
	assert_int_equal(iova_alloc(plan, PAGE, 3 * PAGE, &iova), -EINVAL);
	assert_int_equal(iova_alloc(plan, PAGE, UINT64_C(1) << 63, &iova), 0); /* at 0 */
	assert_int_equal(iova_alloc(plan, PAGE, UINT64_C(1) << 63, &iova), -ENOSPC);
	assert_int_equal(iova_alloc(plan, -PAGE, PAGE, &iova), -ENOSPC);
	assert_int_equal(iova_reserve(plan, 1, PAGE), -EINVAL);
	assert_int_equal(iova_reserve(plan, PAGE, 0), -EINVAL);
	assert_int_equal(iova_reserve(plan, PAGE, 12), -EINVAL);
	assert_int_equal(iova_free(plan, 1, PAGE), -EINVAL);
	assert_int_equal(iova_free(plan, 0, 0), -EINVAL);
	assert_int_equal(iova_alloc_batch(plan, 0, PAGE, &iova, 1), 0);
	assert_int_equal(free_bytes(plan), 63 * PAGE);
	iova_plan_destroy(plan);
}

static void ranges_outside_the_plan_are_refused(void **state)
{
	struct iova_plan *plan = plan_of(4 * PAGE, 8 * PAGE);

	assert_int_equal(iova_reserve(plan, 3 * PAGE, PAGE), -ERANGE);
	assert_int_equal(iova_reserve(plan, 3 * PAGE, 2 * PAGE), -ERANGE);
	assert_int_equal(iova_reserve(plan, 8 * PAGE, PAGE), -ERANGE);
	assert_int_equal(iova_reserve(plan, 7 * PAGE, 2 * PAGE), -ERANGE);
	assert_int_equal(iova_reserve(plan, 7 * PAGE, -PAGE), -ERANGE);
	assert_int_equal(iova_free(plan, 3 * PAGE, PAGE), -ERANGE);
	assert_int_equal(iova_free(plan, 7 * PAGE, -PAGE), -ERANGE);
	assert_int_equal(iova_reserve(plan, 4 * PAGE, 4 * PAGE), 0);
	assert_int_equal(iova_free(plan, 4 * PAGE, 4 * PAGE), 0);
	iova_plan_destroy(plan);
}

static void taken_range_is_not_reserved_again(void **state)
{
	struct iova_plan *plan = plan_of(0, 16 * PAGE);

	assert_int_equal(iova_reserve(plan, 4 * PAGE, 4 * PAGE), 0);
	assert_int_equal(iova_reserve(plan, 4 * PAGE, 4 * PAGE), -EEXIST);
	assert_int_equal(iova_reserve(plan, 7 * PAGE, 2 * PAGE), -EEXIST);
	assert_int_equal(iova_reserve(plan, 3 * PAGE, 2 * PAGE), -EEXIST);
	assert_int_equal(iova_reserve(plan, 0, 16 * PAGE), -EEXIST);
	assert_int_equal(free_bytes(plan), 12 * PAGE);
	assert_int_equal(iova_reserve(plan, 3 * PAGE, PAGE), 0);
	assert_int_equal(iova_reserve(plan, 8 * PAGE, PAGE), 0);
	iova_plan_destroy(plan);
}

static void free_of_a_free_or_half_free_range_is_refused(void **state)
{
	struct iova_plan *plan = plan_of(0, 16 * PAGE);
	uint64_t iova;

	assert_int_equal(iova_alloc(plan, 8 * PAGE, PAGE, &iova), 0);
	assert_int_equal(iova, 0);
	assert_int_equal(iova_free(plan, 7 * PAGE, 2 * PAGE), -EINVAL);
	assert_int_equal(iova_free(plan, 2 * PAGE, PAGE), 0);
	assert_int_equal(iova_free(plan, 2 * PAGE, PAGE), -EINVAL);
	assert_int_equal(iova_free(plan, 0, 8 * PAGE), -EINVAL);
	assert_int_equal(iova_free(plan, PAGE, 2 * PAGE), -EINVAL);
	assert_int_equal(free_bytes(plan), 9 * PAGE);
	assert_int_equal(iova_free(plan, 0, 2 * PAGE), 0);
	assert_int_equal(iova_free(plan, 3 * PAGE, 5 * PAGE), 0);
	assert_int_equal(iova_free(plan, 0, 16 * PAGE), -EINVAL);
	assert_int_equal(free_bytes(plan), 16 * PAGE);
	iova_plan_destroy(plan);
}

static void smallest_free_range_that_fits_is_used_first(void **state)
{
	struct iova_plan *plan = plan_of(0, 64 * PAGE);
	uint64_t iova;

	/* Free: 4 pages at 0, 2 at 8, 2 at 12, the rest from 16. */
	assert_int_equal(iova_reserve(plan, 4 * PAGE, 4 * PAGE), 0);
	assert_int_equal(iova_reserve(plan, 10 * PAGE, 2 * PAGE), 0);
	assert_int_equal(iova_reserve(plan, 14 * PAGE, 2 * PAGE), 0);
	assert_int_equal(iova_alloc(plan, 2 * PAGE, PAGE, &iova), 0);
	assert_int_equal(iova, 8 * PAGE);
	assert_int_equal(iova_alloc(plan, 2 * PAGE, PAGE, &iova), 0);
	assert_int_equal(iova, 12 * PAGE);
	assert_int_equal(iova_alloc(plan, 2 * PAGE, PAGE, &iova), 0);
	assert_int_equal(iova, 0);
	assert_int_equal(iova_alloc(plan, 3 * PAGE, PAGE, &iova), 0);
	assert_int_equal(iova, 16 * PAGE);
	iova_plan_destroy(plan);
}

static void large_pages_in_a_48_bit_plan_are_aligned_and_avoid_holes(void **state)
{
	const uint64_t msi = 0xfee00000, limit = UINT64_C(1) << 48;
	struct iova_plan *plan = plan_of(PAGE, limit);
	uint64_t iova, gig = UINT64_C(1) << 30;

	assert_int_equal(iova_reserve(plan, msi, UINT64_C(1) << 20), 0);
	assert_int_equal(iova_alloc(plan, 3 * SIZE2, SIZE2, &iova), 0);
	assert_int_equal(iova, SIZE2); /* best fit: below the MSI window */
	assert_int_equal(iova_alloc(plan, 4 * gig, gig, &iova), 0);
	assert_int_equal(iova, 4 * gig); /* 0xfef00000 upwards, at the next GiB */
	assert_int_equal(iova_reserve(plan, limit - gig, gig), 0);
	assert_int_equal(iova_reserve(plan, limit - gig, gig), -EEXIST);
	assert_int_equal(iova_reserve(plan, limit - gig, 2 * gig), -ERANGE);
	assert_int_equal(iova_alloc(plan, limit / 2, limit / 2, &iova), -ENOSPC);
	assert_int_equal(iova_alloc(plan, limit / 2, limit / 4, &iova), 0);
	assert_int_equal(iova, limit / 4);
	iova_plan_destroy(plan);
}

static void end_of_a_64_bit_plan_can_be_taken(void **state)
{
	struct iova_plan *plan = plan_of(0, -PAGE);
	uint64_t iova;

	assert_int_equal(iova_reserve(plan, 0, UINT64_C(1) << 63), 0);
	assert_int_equal(iova_alloc(plan, PAGE, UINT64_C(1) << 62, &iova), 0);
	assert_int_equal(iova, UINT64_C(1) << 63);
	assert_int_equal(iova_alloc(plan, UINT64_C(1) << 62, UINT64_C(1) << 62, &iova), -ENOSPC);
	assert_int_equal(iova_alloc(plan, PAGE, UINT64_C(1) << 63, &iova), -ENOSPC); /* wraps */
	assert_int_equal(iova_reserve(plan, -2 * PAGE, PAGE), 0);
	assert_int_equal(iova_free(plan, -2 * PAGE, PAGE), 0);
	assert_int_equal(iova_free(plan, UINT64_C(1) << 63, PAGE), 0);
	assert_int_equal(iova_free(plan, 0, UINT64_C(1) << 63), 0);
	assert_int_equal(free_bytes(plan), -PAGE);
	iova_plan_destroy(plan);
}

static void batches_take_and_give_back_what_they_can(void **state)
{
	struct iova_plan *plan = plan_of(0, 10 * PAGE);
	uint64_t iovas[16];

	assert_int_equal(iova_alloc_batch(plan, 2 * PAGE, PAGE, iovas, 16), 5);
	assert_int_equal(iovas[4], 8 * PAGE);
	assert_int_equal(iova_free(plan, iovas[2], PAGE), 0);
	assert_int_equal(iova_free_batch(plan, iovas, 2 * PAGE, 5), 4);
	assert_int_equal(free_bytes(plan), 9 * PAGE);
	iova_plan_destroy(plan);
}

static void cache_hands_out_upwards_and_returns_all_it_holds(void **state)
{
	struct iova_plan *plan = plan_of(0, 4096 * PAGE);
	struct iova_cache *cache;
	uint64_t iovas[1000];

	assert_int_equal(iova_cache_create(plan, 100, &cache), -EINVAL);
	assert_int_equal(iova_cache_create(plan, 0, &cache), -EINVAL);
	assert_int_equal(iova_cache_create(plan, 4 * PAGE, &cache), 0);
	for (unsigned int i = 0; i < 1000; i++) {
		assert_int_equal(iova_cache_alloc(cache, &iovas[i]), 0);
		assert_int_equal(iovas[i], i * 4 * PAGE);
	}
	assert_int_equal(iova_cache_free(cache, iovas[0] + PAGE), -EINVAL);
	for (unsigned int i = 0; i < 1000; i++)
		assert_int_equal(iova_cache_free(cache, iovas[i]), 0);
	assert_int_equal(iova_cache_alloc(cache, &iovas[0]), 0);
	assert_int_equal(iovas[0], 999 * 4 * PAGE); /* the one used last */
	assert_int_equal(iova_cache_free(cache, iovas[0]), 0);
	assert_true(free_bytes(plan) < 4096 * PAGE);
	iova_cache_destroy(cache);
	assert_int_equal(free_bytes(plan), 4096 * PAGE);
	iova_plan_destroy(plan);
}

static void cache_of_an_exhausted_plan_says_so_and_recovers(void **state)
{
	struct iova_plan *plan = plan_of(0, 10 * PAGE);
	struct iova_cache *cache;
	uint64_t iova;

	assert_int_equal(iova_cache_create(plan, 3 * PAGE, &cache), 0);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(iova_cache_alloc(cache, &iova), 0);
		assert_int_equal(iova, i * 3 * PAGE);
	}
	assert_int_equal(iova_cache_alloc(cache, &iova), -ENOSPC);
	assert_int_equal(iova_cache_free(cache, 3 * PAGE), 0);
	assert_int_equal(iova_cache_alloc(cache, &iova), 0);
	assert_int_equal(iova, 3 * PAGE);
	iova_cache_destroy(cache);
	iova_plan_destroy(plan);
}

static void double_free_is_noticed_when_the_cache_drains(void **state)
{
	struct iova_plan *plan = plan_of(0, 4096 * PAGE);
	struct iova_cache *cache;
	unsigned int refused = 0;
	uint64_t iova;

	assert_int_equal(iova_reserve(plan, 0, 2048 * PAGE), 0);
	assert_int_equal(iova_cache_create(plan, PAGE, &cache), 0);
	assert_int_equal(iova_cache_free(cache, 7 * PAGE), 0);
	assert_int_equal(iova_cache_free(cache, 7 * PAGE), 0);
	for (iova = 8 * PAGE; iova < 2048 * PAGE; iova += PAGE)
		refused += iova_cache_free(cache, iova) == -EINVAL;
	assert_int_equal(refused, 1);
	iova_cache_destroy(cache);
	assert_int_equal(free_bytes(plan), 4089 * PAGE);
	iova_plan_destroy(plan);
}

#define SHARED_PAGES 4096
#define HELD	     300

/* One thread's work on a plan that both use: owner counts who holds a page. */
struct worker {
	struct iova_plan *plan;
	atomic_uchar *owner;
	uint64_t seed;
	unsigned int taken;
	unsigned int errors;
};

static void claim(struct worker *worker, uint64_t iova, unsigned int pages)
{
	for (unsigned int i = 0; i < pages; i++)
		worker->errors += atomic_exchange(&worker->owner[iova / PAGE + i], 1) != 0;
	worker->taken++;
}

static void disown(struct worker *worker, uint64_t iova, unsigned int pages)
{
	for (unsigned int i = 0; i < pages; i++)
		worker->errors += atomic_exchange(&worker->owner[iova / PAGE + i], 0) != 1;
}

static void use_plan(struct worker *worker)
{
	uint64_t iova;

	if (iova_alloc(worker->plan, 4 * PAGE, 4 * PAGE, &iova) != 0)
		return;
	claim(worker, iova, 4);
	disown(worker, iova, 4);
	worker->errors += iova_free(worker->plan, iova, 4 * PAGE) != 0;
}

static void *run_worker(void *arg)
{
	struct worker *worker = arg;
	struct iova_cache *cache;
	uint64_t held[HELD];
	unsigned int count = 0;

	if (iova_cache_create(worker->plan, PAGE, &cache) != 0)
		return NULL;
	for (unsigned int i = 0; i < 200000; i++) {
		unsigned int pick = (unsigned int)(unit_random(&worker->seed) % (2 * HELD));

		if (pick % 64 == 0) {
			use_plan(worker);
		} else if (pick >= count) {
			if (count < HELD && iova_cache_alloc(cache, &held[count]) == 0)
				claim(worker, held[count++], 1);
		} else {
			disown(worker, held[pick], 1);
			worker->errors += iova_cache_free(cache, held[pick]) != 0;
			held[pick] = held[--count];
		}
	}
	while (count > 0) {
		disown(worker, held[--count], 1);
		worker->errors += iova_cache_free(cache, held[count]) != 0;
	}
	iova_cache_destroy(cache);
	return NULL;
}

static void two_threads_with_a_cache_each_never_get_the_same_range(void **state)
{
	static atomic_uchar owner[SHARED_PAGES];
	struct iova_plan *plan = plan_of(0, SHARED_PAGES * PAGE);
	struct worker workers[2];
	pthread_t threads[2];

	for (unsigned int i = 0; i < 2; i++) {
		workers[i] = (struct worker){.plan = plan, .owner = owner, .seed = i + 1};
		assert_int_equal(pthread_create(&threads[i], NULL, run_worker, &workers[i]), 0);
	}
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(workers[i].errors, 0);
		assert_true(workers[i].taken > 50000);
	}
	assert_int_equal(free_bytes(plan), SHARED_PAGES * PAGE);
	iova_plan_destroy(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plan_refuses_bad_bounds),
		cmocka_unit_test(bad_sizes_and_alignments_are_refused),
		cmocka_unit_test(ranges_outside_the_plan_are_refused),
		cmocka_unit_test(taken_range_is_not_reserved_again),
		cmocka_unit_test(free_of_a_free_or_half_free_range_is_refused),
		cmocka_unit_test(smallest_free_range_that_fits_is_used_first),
		cmocka_unit_test(large_pages_in_a_48_bit_plan_are_aligned_and_avoid_holes),
		cmocka_unit_test(end_of_a_64_bit_plan_can_be_taken),
		cmocka_unit_test(batches_take_and_give_back_what_they_can),
		cmocka_unit_test(cache_hands_out_upwards_and_returns_all_it_holds),
		cmocka_unit_test(cache_of_an_exhausted_plan_says_so_and_recovers),
		cmocka_unit_test(double_free_is_noticed_when_the_cache_drains),
		cmocka_unit_test(two_threads_with_a_cache_each_never_get_the_same_range),
	};

	return cmocka_run_group_tests_name("iova", tests, NULL, NULL);
}
