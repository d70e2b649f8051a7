/* SPDX-License-Identifier: BSD-3-Clause */
/* Which entry goes: exactly the one used longest ago for one thread, about that for several. */
#include <pthread.h>
#include <stdbool.h>

#include "vtd_env.h"

#define ENTRIES	 64
#define PAGES	 256
#define ACCESSES (2 * ENTRIES + 2)
#define AGES	 8 /* that a shared unit tells apart, vtd_clock.c */

/* Bursts after which a thread that met nobody else has the unit to itself again. */
#define BURSTS_ALONE (64 * 17)

static struct vtd_env env;

static int open_unit(void **state)
{
	const struct vtd_config config = {.geometry = {"test", ENTRIES, ENTRIES, IOTLB_LRU, 64}};

	vtd_env_open(&env, &config, 0, PAGES * ENV_PAGE);
	return iommu_map(env.domain, 0, env.memory, PAGES * ENV_PAGE, ENV_PAGE, IOMMU_READ);
}

static int close_unit(void **state)
{
	vtd_env_close(&env);
	return 0;
}

static void *touch(void *arg)
{
	const uint64_t *page = arg;

	assert_non_null(vtd_env_read(&env, *page * ENV_PAGE));
	return NULL;
}

/* One access of a second thread, with the same translator: one thread at a time. */
static void touch_from_elsewhere(uint64_t page)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, touch, &page), 0);
	pthread_join(thread, NULL);
}

static bool does_hit(uint64_t page)
{
	uint64_t hits = env.translator->counters.hits;

	touch(&page);
	return env.translator->counters.hits != hits;
}

/*
 * In one burst: all pages that fit, all of them again in reverse, one more, and page 0 once more,
 * which was used last and so must be there still.
 */
static bool is_order_exact(void)
{
	struct iommu_access accesses[ACCESSES];
	struct iommu_span spans[ACCESSES];
	uint64_t hits;

	for (unsigned int i = 0; i < ACCESSES; i++)
		accesses[i] = (struct iommu_access){.len = 1, .prot = IOMMU_READ};
	for (unsigned int i = 0; i < ENTRIES; i++) {
		accesses[i].iova = i * ENV_PAGE;
		accesses[2 * ENTRIES - 1 - i].iova = i * ENV_PAGE;
	}
	accesses[2 * ENTRIES].iova = ENTRIES * ENV_PAGE;
	vtd_unit_invalidate(env.unit);
	hits = env.translator->counters.hits;
	iommu_burst_begin(env.translator);
	assert_int_equal(iommu_translate_burst(env.translator, accesses, ACCESSES, spans, ACCESSES),
			 ACCESSES);
	iommu_burst_end(env.translator);
	return env.translator->counters.hits == hits + ENTRIES + 1;
}

static void for_one_thread_the_order_is_exact(void **state)
{
	assert_true(is_order_exact());
}

/* A program sets up in one thread and runs in another: that is no sharing. */
static void handing_a_unit_over_keeps_the_order_exact(void **state)
{
	touch_from_elsewhere(0);
	for (unsigned int i = 0; i < 70000; i++)
		vtd_env_read(&env, i % ENTRIES * ENV_PAGE);
	assert_true(is_order_exact());
}

static void two_threads_make_the_order_coarse_until_one_is_alone_again(void **state)
{
	vtd_env_read(&env, 0);
	touch_from_elsewhere(1);
	assert_false(is_order_exact());
	for (unsigned int i = 0; i < BURSTS_ALONE; i++)
		vtd_env_read(&env, 0);
	assert_true(is_order_exact());
}

static void in_a_shared_unit_recently_used_entries_stay(void **state)
{
	vtd_env_read(&env, 0);
	touch_from_elsewhere(1);
	vtd_unit_invalidate(env.unit);
	for (uint64_t page = 0; page < ENTRIES; page++)
		assert_false(does_hit(page));
	/* The eight pages filled first are used again, then as many others come. */
	for (uint64_t page = 0; page < ENTRIES / AGES; page++)
		assert_true(does_hit(page));
	for (uint64_t page = 0; page < ENTRIES / AGES; page++)
		assert_false(does_hit(ENTRIES + page));
	for (uint64_t page = 0; page < ENTRIES / AGES; page++)
		assert_true(does_hit(page));
	/* The negative control: some went, and they were among the oldest. */
	for (uint64_t page = ENTRIES / 2; page < ENTRIES; page++)
		assert_true(does_hit(page));
	assert_false(does_hit(ENTRIES / AGES));
}

#define on_unit(name) cmocka_unit_test_setup_teardown(name, open_unit, close_unit)

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_unit(for_one_thread_the_order_is_exact),
		on_unit(handing_a_unit_over_keeps_the_order_exact),
		on_unit(two_threads_make_the_order_coarse_until_one_is_alone_again),
		on_unit(in_a_shared_unit_recently_used_entries_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
