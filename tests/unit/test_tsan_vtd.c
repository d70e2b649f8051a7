/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads that translate while another maps, unmaps and syncs; also built with ThreadSanitizer. */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <time.h>

#include "vtd_entry.h"
#include "vtd_env.h"

#define RW	(IOMMU_READ | IOMMU_WRITE)
#define READERS 2
#define SLOTS	16 /* addresses in use */
#define BUFFERS 64 /* pages that take turns behind them */
#define CYCLES	4000
#define LIMIT_S 4 /* for each test: with a sanitizer on a busy machine fewer cycles must do */
#define BURST	32

/* A buffer begins with the number of the slot it is mapped at + 1, or 0 while it is free. */
struct reader {
	struct iommu_translator *translator;
	pthread_t thread;
	uint64_t seed;
	uint64_t accesses;
	uint64_t stale; /* translations that led to a buffer of another slot, or a free one */
};

static struct vtd_env env;
static struct reader readers[READERS];
static bool is_stopping;

static time_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static uint64_t *owner_of(unsigned int buffer)
{
	return (uint64_t *)(void *)(env.memory + buffer * ENV_PAGE);
}

static void set_owner(unsigned int buffer, uint64_t owner)
{
	__atomic_store_n(owner_of(buffer), owner, __ATOMIC_RELEASE);
}

static void read_burst(struct reader *reader)
{
	struct iommu_access accesses[BURST];
	struct iommu_span spans[BURST];
	unsigned int span = 0;

	for (unsigned int i = 0; i < BURST; i++) {
		accesses[i].iova = unit_random(&reader->seed) % SLOTS * ENV_PAGE;
		accesses[i].len = 8;
		accesses[i].prot = IOMMU_READ;
	}
	iommu_burst_begin(reader->translator);
	iommu_translate_burst(reader->translator, accesses, BURST, spans, BURST);
	for (unsigned int i = 0; i < BURST; i++) {
		uint64_t slot = accesses[i].iova / ENV_PAGE;

		if (accesses[i].span_count == 0)
			continue;
		if (__atomic_load_n((uint64_t *)(void *)spans[span++].vaddr, __ATOMIC_ACQUIRE) !=
		    slot + 1)
			reader->stale++;
	}
	iommu_burst_end(reader->translator);
	__atomic_store_n(&reader->accesses, reader->accesses + BURST, __ATOMIC_RELAXED);
}

static void *reader_main(void *arg)
{
	while (!__atomic_load_n(&is_stopping, __ATOMIC_RELAXED))
		read_burst(arg);
	return NULL;
}

static void start_readers(void)
{
	is_stopping = false;
	for (unsigned int i = 0; i < READERS; i++) {
		readers[i] = (struct reader){.seed = i + 1};
		assert_int_equal(
			iommu_translator_create(env.device, false, i, &readers[i].translator), 0);
		assert_int_equal(pthread_create(&readers[i].thread, NULL, reader_main, &readers[i]),
				 0);
	}
}

/* Returns the stale translations, after checking that no access was counted twice or not at all. */
static uint64_t stop_readers(void)
{
	uint64_t stale = 0;

	__atomic_store_n(&is_stopping, true, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < READERS; i++) {
		const struct iommu_counters *counters;

		pthread_join(readers[i].thread, NULL);
		counters = &readers[i].translator->counters;
		assert_int_equal(counters->lookups, readers[i].accesses);
		assert_int_equal(counters->lookups, counters->hits + counters->misses);
		stale += readers[i].stale;
		iommu_translator_destroy(readers[i].translator);
	}
	return stale;
}

static void wait_for_readers(void)
{
	for (unsigned int i = 0; i < READERS; i++) {
		uint64_t from = __atomic_load_n(&readers[i].accesses, __ATOMIC_RELAXED);

		while (__atomic_load_n(&readers[i].accesses, __ATOMIC_RELAXED) < from + 2 * BURST)
			sched_yield();
	}
}

static void map(unsigned int slot, unsigned int buffer)
{
	set_owner(buffer, slot + 1);
	assert_int_equal(iommu_map(env.domain, slot * ENV_PAGE, env.memory + buffer * ENV_PAGE,
				   ENV_PAGE, ENV_PAGE, RW),
			 0);
}

static int open_slots(void **state)
{
	vtd_env_open(&env, NULL, 0, BUFFERS * ENV_PAGE);
	return 0;
}

static int close_slots(void **state)
{
	vtd_env_close(&env);
	return 0;
}

/* Each cycle moves one slot to another buffer; is_synced: the old one is free after the sync. */
static uint64_t move_buffers(bool is_synced)
{
	unsigned int at[SLOTS];
	uint64_t random = 7, stale;
	time_t start;

	for (unsigned int slot = 0; slot < SLOTS; slot++) {
		at[slot] = slot;
		map(slot, slot);
	}
	start_readers();
	wait_for_readers();
	start = now_s();
	for (unsigned int cycle = 0; cycle < (is_synced ? CYCLES : SLOTS); cycle++) {
		unsigned int slot = unit_random(&random) % SLOTS, buffer;
		struct iommu_gather gather = {0};

		do
			buffer = unit_random(&random) % BUFFERS;
		while (*owner_of(buffer) != 0);
		assert_int_equal(iommu_unmap(env.domain, slot * ENV_PAGE, ENV_PAGE, &gather), 0);
		if (is_synced)
			assert_int_equal(iommu_sync(env.domain, &gather), 0);
		set_owner(at[slot], 0);
		if (!is_synced) {
			wait_for_readers();
			assert_int_equal(iommu_sync(env.domain, &gather), 0);
		}
		at[slot] = buffer;
		map(slot, buffer);
		if (now_s() - start > LIMIT_S)
			break;
	}
	stale = stop_readers();
	for (unsigned int slot = 0; slot < SLOTS; slot++)
		vtd_env_unmap(&env, slot * ENV_PAGE, ENV_PAGE);
	return stale;
}

static void no_thread_uses_a_translation_after_unmap_and_sync(void **state)
{
	assert_int_equal(move_buffers(true), 0);
}

/* The negative control: freed before the sync, a buffer is still reached. */
static void a_buffer_freed_before_the_sync_is_still_reached(void **state)
{
	assert_int_not_equal(move_buffers(false), 0);
}

/* All tables of the domain come and go while walks are under way. */
static void tables_can_go_while_threads_walk(void **state)
{
	const unsigned int count = 6;
	time_t start = now_s();

	start_readers();
	for (unsigned int cycle = 0; cycle < CYCLES / 4 && now_s() - start <= LIMIT_S; cycle++) {
		for (unsigned int slot = 0; slot < count; slot++)
			map(slot, slot);
		for (unsigned int slot = 0; slot < count; slot++)
			vtd_env_unmap(&env, slot * ENV_PAGE, ENV_PAGE);
	}
	assert_int_equal(stop_readers(), 0);
}

static void invalidations_of_all_kinds_keep_good_translations_good(void **state)
{
	time_t start = now_s();

	for (unsigned int slot = 0; slot < SLOTS; slot++)
		map(slot, slot);
	start_readers();
	for (unsigned int cycle = 0; cycle < CYCLES / 4 && now_s() - start <= LIMIT_S; cycle++) {
		vtd_unit_invalidate(env.unit);
		if (cycle % 16 == 0)
			wait_for_readers();
	}
	assert_int_equal(stop_readers(), 0);
	assert_int_equal(iommu_faults_total(env.domain), 0);
}

static void memory_can_be_added_and_removed_while_threads_translate(void **state)
{
	uint8_t *page = env.memory + (BUFFERS - 1) * ENV_PAGE;
	time_t start = now_s();

	for (unsigned int slot = 0; slot < SLOTS; slot++)
		map(slot, slot);
	start_readers();
	for (unsigned int cycle = 0; cycle < CYCLES / 8 && now_s() - start <= LIMIT_S; cycle++) {
		assert_int_equal(iommu_memory_remove(env.unit, (uintptr_t)page, ENV_PAGE), 0);
		assert_int_equal(iommu_memory_add(env.unit, (uintptr_t)page, page, ENV_PAGE), 0);
	}
	assert_int_equal(stop_readers(), 0);
	assert_int_equal(iommu_faults_total(env.domain), 0);
}

/* --- one entry ------------------------------------------------------------------------------ */

#define TAGS 4 /* data of tag n is any number whose remainder is n */

static struct vtd_entry entry;
static uint64_t torn;

static void *entry_reader_main(void *arg)
{
	uint64_t found = 0, tag = 0, data;

	while (!__atomic_load_n(&is_stopping, __ATOMIC_RELAXED)) {
		tag = tag % (TAGS - 1) + 1;
		if (!vtd_entry_read(&entry, tag, &data))
			continue;
		found++;
		torn += data % TAGS != tag;
	}
	*(uint64_t *)arg = found;
	return NULL;
}

static void an_entry_read_while_it_is_rewritten_is_whole_or_not_found(void **state)
{
	uint64_t found = 0, order = 0;
	time_t start = now_s();
	pthread_t thread;

	is_stopping = false;
	assert_int_equal(pthread_create(&thread, NULL, entry_reader_main, &found), 0);
	while (now_s() - start <= 1) {
		for (unsigned int i = 0; i < 1000; i++) {
			order++;
			vtd_entry_write(&entry, order % (TAGS - 1) + 1,
					order * TAGS + order % (TAGS - 1) + 1, order, 0);
		}
	}
	__atomic_store_n(&is_stopping, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_int_equal(torn, 0);
	assert_int_not_equal(found, 0);
}

#define on_slots(name) cmocka_unit_test_setup_teardown(name, open_slots, close_slots)

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_slots(no_thread_uses_a_translation_after_unmap_and_sync),
		on_slots(a_buffer_freed_before_the_sync_is_still_reached),
		on_slots(tables_can_go_while_threads_walk),
		on_slots(invalidations_of_all_kinds_keep_good_translations_good),
		cmocka_unit_test(an_entry_read_while_it_is_rewritten_is_whole_or_not_found),
		on_slots(memory_can_be_added_and_removed_while_threads_translate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
