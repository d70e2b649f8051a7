/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of struct base_hist: quantiles against a sorted array of the same values. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base_hist.h"
#include "unit.h"

#define VALUES 20011 /* no round number: each quantile rounds up to a whole rank */

static int compare_values(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Values spread over all magnitudes, with both ends of the range. */
static void fill(struct base_hist *hist, uint64_t *values, uint64_t seed)
{
	for (unsigned int i = 0; i < VALUES; i++) {
		values[i] = unit_random(&seed) >> (unit_random(&seed) & 63);
		if (i < 2)
			values[i] = i == 0 ? 0 : UINT64_MAX;
		base_hist_add(hist, values[i]);
	}
	qsort(values, VALUES, sizeof(values[0]), compare_values);
}

static uint64_t exact_quantile(const uint64_t *sorted, uint32_t ppm)
{
	uint64_t need = ((uint64_t)VALUES * ppm + 999999) / 1000000;

	return sorted[need == 0 ? 0 : need - 1];
}

static void quantiles_are_within_a_32nd_above_the_exact_ones(void **state)
{
	const uint32_t ppm[] = {0,	1,	100,	10000,	250000, 500000,
				900000, 990000, 999000, 999900, 999999, 1000000};
	static uint64_t values[VALUES];

	for (uint64_t seed = 1; seed <= 5; seed++) {
		static struct base_hist hist;

		memset(&hist, 0, sizeof(hist));
		fill(&hist, values, seed);
		for (unsigned int i = 0; i < sizeof(ppm) / sizeof(ppm[0]); i++) {
			uint64_t exact = exact_quantile(values, ppm[i]);
			uint64_t read = base_hist_quantile(&hist, ppm[i]);

			assert_true(read >= exact);
			assert_true(read - exact <= exact / 32);
		}
		assert_int_equal(hist.count, VALUES);
		assert_int_equal(hist.max, UINT64_MAX);
	}
}

static void values_below_32_are_exact(void **state)
{
	struct base_hist hist = {0};

	for (uint64_t value = 0; value < 32; value++)
		base_hist_add(&hist, value);
	for (uint32_t i = 1; i <= 32; i++)
		assert_int_equal(base_hist_quantile(&hist, i * 31250), i - 1);
	assert_int_equal(base_hist_mean(&hist), 15);
}

static void bucket_index_never_falls_and_stays_in_range(void **state)
{
	unsigned int before = 0;

	for (unsigned int bit = 0; bit < 64; bit++) {
		for (uint64_t step = 0; step < 64; step++) {
			uint64_t above = bit < 6 ? (step << bit) >> 6 : step << (bit - 6);
			uint64_t value = (UINT64_C(1) << bit) + above;
			unsigned int index = base_hist_index(value);

			assert_true(index >= before && index < BASE_HIST_BUCKETS);
			before = index;
		}
	}
	assert_int_equal(base_hist_index(UINT64_MAX), BASE_HIST_BUCKETS - 1);
}

static void quantile_of_one_value_is_that_value(void **state)
{
	struct base_hist hist = {0};

	base_hist_add(&hist, 1000001);
	assert_int_equal(base_hist_quantile(&hist, 1), 1000001);
	assert_int_equal(base_hist_quantile(&hist, 1000000), 1000001);
	assert_int_equal(base_hist_mean(&hist), 1000001);
}

static void empty_histogram_reads_as_zero(void **state)
{
	struct base_hist hist = {0};

	assert_int_equal(base_hist_quantile(&hist, 500000), 0);
	assert_int_equal(base_hist_mean(&hist), 0);
}

static void merge_equals_adding_both(void **state)
{
	static struct base_hist both, first, second;
	uint64_t seed = 7;

	for (unsigned int i = 0; i < VALUES; i++) {
		uint64_t value = unit_random(&seed) >> 20;

		base_hist_add(&both, value);
		base_hist_add(i % 3 ? &first : &second, value);
	}
	assert_memory_not_equal(&first, &both, sizeof(both));
	base_hist_merge(&first, &second);
	assert_memory_equal(&first, &both, sizeof(both));
}

static void *add_values(void *arg)
{
	for (unsigned int i = 0; i < 50 * VALUES; i++)
		base_hist_add(arg, i % 1000);
	return NULL;
}

/* Under ThreadSanitizer this also shows that reader and writer are no data race. */
static void reader_beside_the_writer_sees_counts_that_only_grow(void **state)
{
	static struct base_hist hist, seen;
	uint64_t before = 0;
	pthread_t writer;

	assert_int_equal(pthread_create(&writer, NULL, add_values, &hist), 0);
	while (before < 50 * VALUES) {
		memset(&seen, 0, sizeof(seen));
		base_hist_merge(&seen, &hist);
		assert_true(seen.count >= before && seen.max < 1000);
		assert_true(base_hist_quantile(&hist, 1000000) < 1000);
		before = seen.count;
	}
	assert_int_equal(pthread_join(writer, NULL), 0);
	assert_int_equal(base_hist_quantile(&hist, 500000), 503); /* 496 to 503 is a bucket */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantiles_are_within_a_32nd_above_the_exact_ones),
		cmocka_unit_test(values_below_32_are_exact),
		cmocka_unit_test(bucket_index_never_falls_and_stays_in_range),
		cmocka_unit_test(quantile_of_one_value_is_that_value),
		cmocka_unit_test(empty_histogram_reads_as_zero),
		cmocka_unit_test(merge_equals_adding_both),
		cmocka_unit_test(reader_beside_the_writer_sees_counts_that_only_grow),
	};

	return cmocka_run_group_tests_name("base_hist", tests, NULL, NULL);
}
