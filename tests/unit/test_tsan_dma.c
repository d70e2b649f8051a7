/* SPDX-License-Identifier: BSD-3-Clause */
/* A ledger is read while its mapper writes it; also built with ThreadSanitizer. */
#include "unit.h"

#include <pthread.h>

#include "dma.h"
#include "fake_iommu.h"

#define K4    UINT64_C(0x1000)
#define USES  20000
#define BATCH 32

static struct dma_mapper *mapper;
static bool is_done; /* atomic */

static uint64_t load(const uint64_t *field)
{
	return __atomic_load_n(field, __ATOMIC_RELAXED);
}

static void *writer(void *arg)
{
	for (unsigned int i = 0; i < USES; i++) {
		uint64_t iova = UINT64_C(0x40000000) + i % 100 * K4;
		int ret = dma_map(mapper, (uint8_t *)0x700000000000 + i % 100 * K4, IOMMU_WRITE,
				  &iova);

		if (ret != 0 || dma_unmap(mapper, iova) != 0 || dma_mapper_poll(mapper) != 0)
			return "failed";
	}
	__atomic_store_n(&is_done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* What another thread may rely on: nothing goes back, and no more waits than may. */
static void read_until_done(const struct dma_ledger *ledger)
{
	uint64_t unmaps = 0, windows = 0;
	bool is_last;

	do {
		struct base_hist copy = {.count = 0};

		is_last = __atomic_load_n(&is_done, __ATOMIC_ACQUIRE);
		assert_true(load(&ledger->unmaps) >= unmaps);
		unmaps = load(&ledger->unmaps);
		assert_true(load(&ledger->waiting) <= BATCH);
		base_hist_merge(&copy, &ledger->window_ns);
		assert_true(copy.count >= windows && copy.count <= USES);
		windows = copy.count;
		base_hist_merge(&copy, &ledger->map_ns);
		base_hist_merge(&copy, &ledger->unmap_ns);
		base_hist_merge(&copy, &ledger->sync_ns);
	} while (!is_last);
}

static void a_ledger_is_read_while_it_is_written(void **state)
{
	const struct dma_policy_config *config = *state;
	const struct dma_ledger *ledger;
	struct dma_space *space;
	struct iommu_domain *domain;
	struct iommu_device *device;
	struct iommu_unit *unit;
	pthread_t thread;
	void *failure;

	fake_reset();
	is_done = false;
	fake_attach(&unit, &domain, &device);
	assert_int_equal(dma_space_create(&space, NULL), 0);
	assert_int_equal(dma_mapper_create(space, domain, K4, config, &mapper), 0);
	ledger = dma_mapper_ledger(mapper);
	assert_int_equal(pthread_create(&thread, NULL, writer, NULL), 0);
	read_until_done(ledger);
	assert_int_equal(pthread_join(thread, &failure), 0);
	assert_null(failure);
	assert_int_equal(ledger->maps, USES);
	assert_int_equal(ledger->unmaps, USES);
	assert_int_equal(ledger->invalidations, config->policy == DMA_STRICT ? USES : USES / BATCH);
	assert_int_equal(dma_mapper_destroy(mapper), 0);
	assert_int_equal(dma_space_destroy(space), 0);
	fake_detach(unit, domain, device);
}

#define HOUR 3600000000u /* in us */
static struct dma_policy_config strict = {.policy = DMA_STRICT, .is_fresh = true};
static struct dma_policy_config deferred = {
	.policy = DMA_DEFERRED, .batch = BATCH, .timeout_us = HOUR};

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(a_ledger_is_read_while_it_is_written, &strict),
		cmocka_unit_test_prestate(a_ledger_is_read_while_it_is_written, &deferred),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
