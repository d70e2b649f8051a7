/* SPDX-License-Identifier: BSD-3-Clause */
/* The model IOTLB against the software VT-d unit: hit for hit, on the same trace. */
#include <errno.h>

#include "iotlb_shadow.h"
#include "vtd_env.h"

#define PAGES	 256
#define ACCESSES 20000

static bool unit_hits(struct vtd_env *env, uint64_t page)
{
	uint64_t hits = env->translator->counters.hits;

	assert_non_null(vtd_env_read(env, page * ENV_PAGE));
	return env->translator->counters.hits != hits;
}

/* Pages near each other more often than not, as bursts of a ring are. */
static uint64_t next_page(uint64_t *seed)
{
	static uint64_t page;
	uint64_t number = unit_random(seed);

	page = number % 4 == 0 ? number / 4 % PAGES : (page + number % 3) % PAGES;
	return page;
}

static void compare(uint32_t entries, uint32_t ways, enum iotlb_replacement replacement)
{
	const struct vtd_config config = {.geometry = {"test", entries, ways, replacement, 64}};
	struct iotlb_shadow *shadow;
	uint64_t seed = entries + ways, hits = 0;
	struct vtd_env env;

	vtd_env_open(&env, &config, 0, PAGES * ENV_PAGE);
	assert_int_equal(
		iommu_map(env.domain, 0, env.memory, PAGES * ENV_PAGE, ENV_PAGE, IOMMU_READ), 0);
	assert_int_equal(iotlb_shadow_create(&config.geometry, &shadow), 0);
	for (unsigned int i = 0; i < ACCESSES; i++) {
		uint64_t page = next_page(&seed);
		bool is_hit = iotlb_shadow_access(shadow, iotlb_shadow_page(1, 12, page));

		assert_int_equal(is_hit, unit_hits(&env, page));
		hits += is_hit;
	}
	/* Neither all nor nothing: there was something to compare. */
	assert_in_range(hits, ACCESSES / 10, ACCESSES * 9 / 10);
	iotlb_shadow_destroy(shadow);
	vtd_env_close(&env);
}

static void lru_hits_what_the_unit_hits(void **state)
{
	compare(128, 8, IOTLB_LRU);
	compare(64, 4, IOTLB_LRU);
	compare(100, 100, IOTLB_LRU);
	compare(64, 1, IOTLB_LRU);
}

static void fifo_hits_what_the_unit_hits(void **state)
{
	compare(128, 8, IOTLB_FIFO);
	compare(64, 64, IOTLB_FIFO);
}

static void flush_hits_what_the_unit_hits(void **state)
{
	compare(64, 64, IOTLB_FLUSH);
}

static void random_misses_as_often_as_does_not_fit(void **state)
{
	const struct iotlb_geometry geometry = {"test", 64, 64, IOTLB_RANDOM, 0};
	struct iotlb_shadow *shadow;
	uint64_t seed = 5, hits = 0;

	assert_int_equal(iotlb_shadow_create(&geometry, &shadow), 0);
	for (unsigned int i = 0; i < 200000; i++)
		hits += iotlb_shadow_access(shadow,
					    iotlb_shadow_page(0, 12, unit_random(&seed) % 128));
	assert_in_range(hits, 98000, 102000);
	iotlb_shadow_destroy(shadow);
}

static void a_page_of_another_domain_or_size_is_another_page(void **state)
{
	const struct iotlb_geometry geometry = {"test", 64, 8, IOTLB_LRU, 0};
	struct iotlb_shadow *shadow;

	assert_int_equal(iotlb_shadow_create(&geometry, &shadow), 0);
	assert_false(iotlb_shadow_access(shadow, iotlb_shadow_page(1, 12, 5)));
	assert_false(iotlb_shadow_access(shadow, iotlb_shadow_page(2, 12, 5)));
	assert_false(iotlb_shadow_access(shadow, iotlb_shadow_page(1, 21, 5)));
	assert_false(iotlb_shadow_access(shadow, iotlb_shadow_page(1, 30, 5)));
	assert_true(iotlb_shadow_access(shadow, iotlb_shadow_page(1, 12, 5)));
	assert_true(iotlb_shadow_access(shadow, iotlb_shadow_page(2, 12, 5)));
	iotlb_shadow_destroy(shadow);
}

static void a_geometry_that_cannot_be_is_refused(void **state)
{
	const struct iotlb_geometry geometry = {"test", 8, 3, IOTLB_LRU, 0};
	struct iotlb_shadow *shadow;

	assert_int_equal(iotlb_shadow_create(&geometry, &shadow), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lru_hits_what_the_unit_hits),
		cmocka_unit_test(fifo_hits_what_the_unit_hits),
		cmocka_unit_test(flush_hits_what_the_unit_hits),
		cmocka_unit_test(random_misses_as_often_as_does_not_fit),
		cmocka_unit_test(a_page_of_another_domain_or_size_is_another_page),
		cmocka_unit_test(a_geometry_that_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
