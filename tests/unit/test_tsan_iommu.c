/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads that create translators, report faults, map and read figures of one domain at once. */
#include "unit.h"

#include <pthread.h>
#include <string.h>

#include "fake_iommu.h"
#include "iommu_burst.h"

#define THREADS	   4
#define TRANSLATES 500
#define FAULTS	   2000
#define MAPS	   2000
#define K4	   UINT64_C(0x1000)
#define VADDR	   ((uint8_t *)0x700000000000)

static struct iommu_unit *unit;
static struct iommu_domain *domain;
static struct iommu_device *device;

static int setup(void **state)
{
	fake_reset();
	fake_attach(&unit, &domain, &device);
	return 0;
}

static int teardown(void **state)
{
	fake_detach(unit, domain, device);
	return 0;
}

/* A failure in a thread comes back as a number: cmocka's assertions belong to the main thread. */
static void run_threads(void *(*run)(void *))
{
	pthread_t thread[THREADS];
	void *failed;

	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, run, (void *)i), 0);
	for (unsigned int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], &failed);
		assert_null(failed);
	}
}

static void *create_and_destroy(void *arg)
{
	struct iommu_translator *translator;
	struct iommu_gather gather = {0};
	struct iommu_access access = {.iova = K4, .len = 1, .prot = IOMMU_READ};
	uint64_t iova = ((uintptr_t)arg + 1) * 0x1000000;

	for (unsigned int i = 0; i < TRANSLATES; i++) {
		if (iommu_translator_create(device, true, (uint16_t)i, &translator) != 0)
			return arg + 1;
		iommu_burst_begin(translator);
		if (iommu_translate_burst(translator, &access, 1, NULL, 0) != 1)
			return arg + 1;
		iommu_burst_end(translator);
		iommu_translator_destroy(translator);
		/* A sync looks at translators while others come and go. */
		if (iommu_map(domain, iova, VADDR, K4, K4, IOMMU_READ) != 0 ||
		    iommu_unmap(domain, iova, K4, &gather) != 0 || iommu_sync(domain, &gather) != 0)
			return arg + 1;
	}
	return NULL;
}

static void translators_come_and_go_on_four_threads(void **state)
{
	run_threads(create_and_destroy);
	assert_null(iommu_translator_next(device, NULL));
	assert_int_equal(iommu_faults_total(domain), THREADS * TRANSLATES);
	for (unsigned int i = 0; i < 16; i++)
		assert_int_equal(unit->qsbr_ids[i], 0);
}

static void *report_faults(void *arg)
{
	struct iommu_translator *translator;
	struct iommu_fault fault[IOMMU_FAULT_LOG];
	uint64_t last = 0;

	if (iommu_translator_create(device, true, (uint16_t)(uintptr_t)arg, &translator) != 0)
		return arg + 1;
	for (unsigned int i = 0; i < FAULTS; i++) {
		uint64_t total;

		iommu_report_fault(translator, (uintptr_t)arg, IOMMU_READ, (uint8_t)(uintptr_t)arg);
		total = iommu_faults_total(domain);
		if (total <= last)
			return arg + 1;
		last = total;
		if (i % 64 != 0)
			continue;
		for (unsigned int k = iommu_faults(domain, fault, IOMMU_FAULT_LOG); k > 0; k--) {
			/* An entry is one thread's, never a mixture. */
			if (fault[k - 1].iova != fault[k - 1].reason ||
			    fault[k - 1].queue != fault[k - 1].reason)
				return arg + 1;
		}
	}
	iommu_translator_destroy(translator);
	return NULL;
}

static void faults_of_four_threads_are_all_counted_and_whole(void **state)
{
	run_threads(report_faults);
	assert_int_equal(iommu_faults_total(domain), THREADS * FAULTS);
	for (uint8_t i = 0; i < THREADS; i++)
		assert_int_equal(iommu_faults_of_reason(domain, i), FAULTS);
}

static void *map_and_list(void *arg)
{
	struct iommu_mapping mapping[8];
	struct iommu_domain_usage usage;
	struct iommu_gather gather = {0};
	uint64_t base = ((uintptr_t)arg + 1) * 0x1000000;

	for (unsigned int i = 0; i < MAPS; i++) {
		uint64_t iova = base + i % 64 * K4;

		if (iommu_map(domain, iova, VADDR, K4, K4, IOMMU_READ) != 0)
			return arg + 1;
		if (iommu_mappings(domain, iova, mapping, 8) < 1 || mapping[0].iova != iova)
			return arg + 1;
		iommu_domain_usage(domain, &usage);
		if (usage.mappings < 1 || usage.mappings > THREADS ||
		    usage.mapped_bytes != usage.mappings * K4)
			return arg + 1;
		if (iommu_unmap(domain, iova, K4, &gather) != 0 || iommu_sync(domain, &gather) != 0)
			return arg + 1;
	}
	return NULL;
}

static void four_threads_map_in_one_domain(void **state)
{
	struct iommu_domain_usage usage;

	run_threads(map_and_list);
	iommu_domain_usage(domain, &usage);
	assert_int_equal(usage.mappings, 0);
	assert_int_equal(usage.syncs, THREADS * MAPS);
	assert_int_equal(fake.calls[FAKE_MAP], THREADS * MAPS);
	assert_int_equal(fake.calls[FAKE_UNMAP], THREADS * MAPS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(translators_come_and_go_on_four_threads),
		TEST(faults_of_four_threads_are_all_counted_and_whole),
		TEST(four_threads_map_in_one_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
