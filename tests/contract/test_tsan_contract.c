/* SPDX-License-Identifier: BSD-3-Clause */
/* Promises that need several threads: bursts while mappings and memory come and go. */
#include "contract.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define THREADS 2
#define ROUNDS	2000
#define POISON	0xee

struct worker {
	struct contract *c;
	struct iommu_translator *translator;
	const bool *is_done;
	bool is_running; /* the first burst was begun */
	uint64_t iova;
	uint64_t granted;
	uint64_t refused;
	uint64_t poisoned;
};

static bool load(const bool *flag)
{
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static void store(bool *flag)
{
	__atomic_store_n(flag, true, __ATOMIC_RELEASE);
}

/* --- one burst, one sync -------------------------------------------------------------------- */

struct pair {
	struct contract *c;
	bool is_holding;
	bool may_end;
	bool is_synced;
	int byte;
};

static void *hold_a_span(void *arg)
{
	struct pair *pair = arg;
	struct contract *c = pair->c;
	struct iommu_access access = {.iova = c->iova, .len = 64, .prot = IOMMU_READ};
	struct iommu_span spans[CONTRACT_SPANS];

	iommu_burst_begin(c->translator);
	iommu_translate_burst(c->translator, &access, 1, spans, CONTRACT_SPANS);
	store(&pair->is_holding);
	while (!load(&pair->may_end))
		usleep(100);
	pair->byte = access.span_count == 1 ? spans[0].vaddr[63] : -1;
	iommu_burst_end(c->translator);
	return NULL;
}

static void *sync_domain(void *arg)
{
	struct pair *pair = arg;
	struct iommu_gather gather = {0};

	if (iommu_unmap(pair->c->domain, pair->c->iova, K4, &gather) != 0 ||
	    iommu_sync(pair->c->domain, &gather) != 0)
		return NULL;
	store(&pair->is_synced);
	memset(pair->c->memory, POISON, K4);
	return NULL;
}

static void a_sync_returns_after_the_burst_that_holds_the_translation(void **state)
{
	struct contract *c = *state;
	struct pair pair = {.c = c};
	pthread_t thread[2];
	bool is_early;

	memset(c->memory, 0x11, K4);
	assert_int_equal(contract_map(c, 0, K4, K4, RW), 0);
	assert_int_equal(pthread_create(&thread[0], NULL, hold_a_span, &pair), 0);
	while (!load(&pair.is_holding))
		usleep(100);
	assert_int_equal(pthread_create(&thread[1], NULL, sync_domain, &pair), 0);
	usleep(50000);
	is_early = load(&pair.is_synced);
	store(&pair.may_end);
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);
	assert_false(is_early);
	assert_true(pair.is_synced);
	assert_int_equal(pair.byte, 0x11);
	/* The control: with nobody in a burst, a sync does not wait. */
	pair.is_synced = false;
	assert_int_equal(contract_map(c, 0, K4, K4, RW), 0);
	sync_domain(&pair);
	assert_true(pair.is_synced);
}

/* --- many bursts ---------------------------------------------------------------------------- */

static void *read_for_ever(void *arg)
{
	struct worker *worker = arg;
	struct iommu_span spans[CONTRACT_SPANS];

	while (!load(worker->is_done)) {
		struct iommu_access access = {
			.iova = worker->iova + 64, .len = 64, .prot = IOMMU_READ};

		iommu_burst_begin(worker->translator);
		iommu_translate_burst(worker->translator, &access, 1, spans, CONTRACT_SPANS);
		store(&worker->is_running);
		if (access.span_count == 0) {
			worker->refused++;
		} else {
			worker->granted++;
			for (unsigned int i = 0; i < 64; i++)
				worker->poisoned += spans[0].vaddr[i] == POISON;
		}
		iommu_burst_end(worker->translator);
	}
	return NULL;
}

static void start(struct contract *c, struct worker *workers, pthread_t *threads, bool *is_done)
{
	for (unsigned int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.c = c, .is_done = is_done, .iova = c->iova};
		assert_int_equal(iommu_translator_create(c->device, true, (uint16_t)i,
							 &workers[i].translator),
				 0);
		assert_int_equal(pthread_create(&threads[i], NULL, read_for_ever, &workers[i]), 0);
		while (!load(&workers[i].is_running))
			usleep(100);
	}
}

static void stop(struct worker *workers, pthread_t *threads, bool *is_done, uint64_t *granted,
		 uint64_t *refused)
{
	store(is_done);
	*granted = 0;
	*refused = 0;
	for (unsigned int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(workers[i].poisoned, 0);
		assert_int_equal(workers[i].translator->counters.faults, workers[i].refused);
		*granted += workers[i].granted;
		*refused += workers[i].refused;
		iommu_translator_destroy(workers[i].translator);
	}
}

/* On two busy cores a burst can take a time slice: rounds end with the time, too. */
static bool goes_on(unsigned int round, const struct timespec *began)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return round < ROUNDS && now.tv_sec - began->tv_sec < 3;
}

static void no_burst_reads_a_page_that_was_unmapped_and_synced(void **state)
{
	struct contract *c = *state;
	struct worker workers[THREADS];
	pthread_t threads[THREADS];
	struct timespec began;
	uint64_t granted, refused;
	bool is_done = false;

	memset(c->memory, POISON, CONTRACT_MEMORY);
	start(c, workers, threads, &is_done);
	clock_gettime(CLOCK_MONOTONIC, &began);
	for (unsigned int round = 0; goes_on(round, &began); round++) {
		uint8_t *page = c->memory + round % CONTRACT_PAGES * K4;
		struct iommu_gather gather = {0};

		memset(page, 1, K4);
		assert_int_equal(iommu_map(c->domain, c->iova, page, K4, K4, RW), 0);
		if (round % 4 == 0)
			usleep(10);
		assert_int_equal(iommu_unmap(c->domain, c->iova, K4, &gather), 0);
		assert_int_equal(iommu_sync(c->domain, &gather), 0);
		memset(page, POISON, K4);
	}
	stop(workers, threads, &is_done, &granted, &refused);
	assert_true(granted > 0);
	assert_int_equal(iommu_faults_total(c->domain), refused);
}

static void no_burst_touches_memory_that_was_removed(void **state)
{
	struct contract *c = *state;
	struct worker workers[THREADS];
	pthread_t threads[THREADS];
	struct timespec began;
	uint64_t granted, refused, pa = (uintptr_t)c->memory;
	bool is_done = false;

	memset(c->memory, 1, K4);
	assert_int_equal(contract_map(c, 0, K4, K4, RW), 0);
	start(c, workers, threads, &is_done);
	clock_gettime(CLOCK_MONOTONIC, &began);
	for (unsigned int round = 0; goes_on(round, &began); round++) {
		assert_int_equal(iommu_memory_remove(c->unit, pa, CONTRACT_MEMORY), 0);
		memset(c->memory, POISON, K4);
		if (round % 4 == 0)
			usleep(10);
		memset(c->memory, 1, K4);
		assert_int_equal(iommu_memory_add(c->unit, pa, c->memory, CONTRACT_MEMORY), 0);
		if (round % 4 == 0)
			usleep(10);
	}
	stop(workers, threads, &is_done, &granted, &refused);
	assert_true(granted > 0);
	assert_int_equal(iommu_faults_total(c->domain), refused);
}

static void mappings_beside_are_not_disturbed(void **state)
{
	struct contract *c = *state;
	struct worker workers[THREADS];
	pthread_t threads[THREADS];
	struct timespec began;
	uint64_t granted, refused;
	bool is_done = false;

	memset(c->memory, 1, K4);
	assert_int_equal(contract_map(c, 0, K4, K4, RW), 0);
	start(c, workers, threads, &is_done);
	clock_gettime(CLOCK_MONOTONIC, &began);
	for (unsigned int round = 0; goes_on(round, &began); round++) {
		uint64_t size = round % 2 == 0 ? K4 : M2;

		assert_int_equal(contract_map(c, M2, size, size, RW), 0);
		contract_unmap(c, M2, size);
		assert_int_equal(contract_map(c, K4, K4, K4, RW), 0);
		contract_unmap(c, K4, K4);
	}
	stop(workers, threads, &is_done, &granted, &refused);
	assert_true(granted > 0);
	assert_int_equal(refused, 0);
}

int main(void)
{
	static const struct contract_test tests[] = {
		CONTRACT_TEST_OF(SOFTWARE,
				 a_sync_returns_after_the_burst_that_holds_the_translation),
		CONTRACT_TEST_OF(TRANSLATION, no_burst_reads_a_page_that_was_unmapped_and_synced),
		CONTRACT_TEST_OF(SOFTWARE, no_burst_touches_memory_that_was_removed),
		CONTRACT_TEST_OF(SOFTWARE, mappings_beside_are_not_disturbed),
	};

	return contract_run(tests, sizeof(tests) / sizeof(tests[0]));
}
