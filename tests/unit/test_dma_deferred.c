/* SPDX-License-Identifier: BSD-3-Clause */
/* Deferred: unmaps are gathered, one sync completes a batch, and nothing is reused before it. */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "dma.h"
#include "fake_iommu.h"

#define K4    UINT64_C(0x1000)
#define RW    (IOMMU_READ | IOMMU_WRITE)
#define BATCH 8
#define HOUR  3600000000u /* in us: no test waits that long */

/* Never dereferenced by the fake backend. */
#define VADDR ((uint8_t *)0x700000000000)
/* Where the buffers of fixed IOVAs have theirs. */
#define FIXED UINT64_C(0x40000000)

static struct iommu_unit *unit;
static struct iommu_domain *domain;
static struct dma_space *space;

static int setup(void **state)
{
	fake_reset();
	assert_int_equal(iommu_unit_create(&fake_ops, 0, NULL, &unit, NULL), 0);
	assert_int_equal(iommu_domain_create(unit, NULL, &domain, NULL), 0);
	assert_int_equal(dma_space_create(&space, NULL), 0);
	return 0;
}

static int teardown(void **state)
{
	assert_int_equal(dma_space_destroy(space), 0);
	assert_int_equal(iommu_domain_destroy(domain), 0);
	assert_int_equal(iommu_unit_destroy(unit), 0);
	return 0;
}

static struct dma_mapper *create_with(uint32_t batch, uint32_t timeout_us, bool is_fresh)
{
	const struct dma_policy_config config = {
		.policy = DMA_DEFERRED,
		.batch = batch,
		.timeout_us = timeout_us,
		.is_fresh = is_fresh,
	};
	struct dma_mapper *mapper;

	assert_int_equal(dma_mapper_create(space, domain, K4, &config, &mapper), 0);
	return mapper;
}

static uint64_t map(struct dma_mapper *mapper, unsigned int buffer)
{
	uint64_t iova = FIXED + buffer * K4;

	assert_int_equal(dma_map(mapper, VADDR + buffer * K4, RW, &iova), 0);
	return iova;
}

static uint64_t map_and_unmap(struct dma_mapper *mapper, unsigned int buffer)
{
	uint64_t iova = map(mapper, buffer);

	assert_int_equal(dma_unmap(mapper, iova), 0);
	return iova;
}

/* --- gathering ------------------------------------------------------------------------------ */

static void one_sync_completes_a_batch(void **state)
{
	struct dma_mapper *mapper = create_with(BATCH, HOUR, true);
	const struct dma_ledger *ledger = dma_mapper_ledger(mapper);

	for (unsigned int i = 1; i <= 100 * BATCH; i++) {
		map_and_unmap(mapper, i);
		assert_int_equal(fake.calls[FAKE_UNMAP], i);
		assert_int_equal(fake.calls[FAKE_SYNC], i / BATCH);
		assert_int_equal(ledger->waiting, i % BATCH);
		assert_int_equal(ledger->invalidations, i / BATCH);
		assert_int_equal(ledger->window_ns.count, i - i % BATCH);
	}
	assert_int_equal(ledger->sync_ns.count, 100);
	assert_int_equal(dma_mapper_destroy(mapper), 0);
}

static void a_batch_of_one_is_synced_at_once(void **state)
{
	struct dma_mapper *mapper = create_with(1, HOUR, true);

	for (unsigned int i = 1; i <= 10; i++) {
		map_and_unmap(mapper, i);
		assert_int_equal(fake.calls[FAKE_SYNC], i);
	}
	assert_int_equal(dma_mapper_destroy(mapper), 0);
}

static void what_waits_is_in_no_table(void **state)
{
	struct dma_mapper *mapper = create_with(BATCH, HOUR, true);
	struct iommu_domain_usage usage;

	for (unsigned int i = 0; i + 1 < BATCH; i++)
		map_and_unmap(mapper, i);
	iommu_domain_usage(domain, &usage);
	assert_int_equal(usage.mappings, 0);
	assert_int_equal(usage.syncs, 0);
	assert_int_equal(dma_mapper_ledger(mapper)->waiting, BATCH - 1);
	assert_int_equal(dma_mapper_destroy(mapper), 0);
	assert_int_equal(fake.calls[FAKE_SYNC], 1);
}

static void a_poll_syncs_when_the_oldest_is_too_old(void **state)
{
	const struct timespec moment = {.tv_nsec = 3000000};
	struct dma_mapper *mapper = create_with(BATCH, 2000, true);
	const struct dma_ledger *ledger = dma_mapper_ledger(mapper);

	assert_int_equal(dma_mapper_poll(mapper), 0);
	map_and_unmap(mapper, 0);
	nanosleep(&moment, NULL);
	/* Only the age of the oldest counts. */
	map_and_unmap(mapper, 1);
	assert_int_equal(fake.calls[FAKE_SYNC], 0);
	assert_int_equal(dma_mapper_poll(mapper), 0);
	assert_int_equal(fake.calls[FAKE_SYNC], 1);
	assert_int_equal(ledger->waiting, 0);
	assert_int_equal(ledger->window_ns.count, 2);
	assert_true(ledger->window_ns.max >= 2900000);
	/* Nothing waits: there is nothing to sync, however old. */
	nanosleep(&moment, NULL);
	assert_int_equal(dma_mapper_poll(mapper), 0);
	assert_int_equal(fake.calls[FAKE_SYNC], 1);
	assert_int_equal(dma_mapper_destroy(mapper), 0);
}

static void a_poll_before_the_timeout_does_nothing(void **state)
{
	struct dma_mapper *mapper = create_with(BATCH, HOUR, true);

	map_and_unmap(mapper, 0);
	for (unsigned int i = 0; i < 1000; i++)
		assert_int_equal(dma_mapper_poll(mapper), 0);
	assert_int_equal(fake.calls[FAKE_SYNC], 0);
	assert_int_equal(dma_mapper_flush(mapper), 0);
	assert_int_equal(fake.calls[FAKE_SYNC], 1);
	assert_int_equal(dma_mapper_flush(mapper), 0);
	assert_int_equal(fake.calls[FAKE_SYNC], 1);
	assert_int_equal(dma_mapper_destroy(mapper), 0);
}

static void where_each_unmap_invalidates_nothing_waits(void **state)
{
	struct iommu_unit *other;
	struct iommu_domain *elsewhere;
	const struct dma_policy_config config = {
		.policy = DMA_DEFERRED, .batch = BATCH, .timeout_us = HOUR, .is_fresh = true};
	struct dma_mapper *mapper;
	uint64_t iova;

	fake.limits.unmap_syncs = true;
	assert_int_equal(iommu_unit_create(&fake_ops, 1, NULL, &other, NULL), 0);
	assert_int_equal(iommu_domain_create(other, NULL, &elsewhere, NULL), 0);
	assert_int_equal(dma_mapper_create(space, elsewhere, K4, &config, &mapper), 0);
	for (unsigned int i = 1; i <= 3; i++) {
		assert_int_equal(dma_map(mapper, VADDR, RW, &iova), 0);
		assert_int_equal(dma_unmap(mapper, iova), 0);
		assert_int_equal(dma_mapper_ledger(mapper)->waiting, 0);
		assert_int_equal(dma_mapper_ledger(mapper)->invalidations, i);
	}
	assert_int_equal(dma_mapper_ledger(mapper)->policy, DMA_DEFERRED);
	assert_int_equal(dma_mapper_ledger(mapper)->window_ns.count, 0);
	assert_int_equal(dma_mapper_destroy(mapper), 0);
	assert_int_equal(iommu_domain_destroy(elsewhere), 0);
	assert_int_equal(iommu_unit_destroy(other), 0);
}

/* --- IOVAs ---------------------------------------------------------------------------------- */

static void a_fresh_iova_is_not_reissued_before_the_sync(void **state)
{
	struct dma_mapper *mapper = create_with(BATCH, HOUR, true);
	uint64_t seen[BATCH];

	for (unsigned int i = 0; i < BATCH; i++) {
		seen[i] = map(mapper, i);
		for (unsigned int j = 0; j < i; j++)
			assert_int_not_equal(seen[i], seen[j]);
		assert_int_equal(dma_unmap(mapper, seen[i]), 0);
	}
	/* The control: after it the last one is what the cache gives next. */
	assert_int_equal(fake.calls[FAKE_SYNC], 1);
	assert_int_equal(map_and_unmap(mapper, 0), seen[BATCH - 1]);
	assert_int_equal(dma_mapper_destroy(mapper), 0);
}

static void a_fixed_iova_is_the_buffers_own(void **state)
{
	struct dma_mapper *mapper = create_with(BATCH, HOUR, false);
	uint64_t iova = FIXED + 256;

	assert_int_equal(dma_map(mapper, VADDR + 256, IOMMU_WRITE, &iova), 0);
	assert_int_equal(iova, FIXED + 256);
	assert_int_equal(fake.mapping.iova, FIXED);
	assert_ptr_equal(fake.mapping.vaddr, VADDR);
	assert_int_equal(fake.mapping.size, 2 * K4);
	assert_int_equal(dma_unmap(mapper, iova), 0);
	/* Another place in its page is another buffer's IOVA. */
	iova = FIXED + 128;
	assert_int_equal(dma_map(mapper, VADDR + 256, IOMMU_WRITE, &iova), -EINVAL);
	assert_int_equal(dma_mapper_destroy(mapper), 0);
}

static void a_fixed_iova_that_waits_is_synced_before_it_is_mapped(void **state)
{
	struct dma_mapper *mapper = create_with(BATCH, HOUR, false);

	map_and_unmap(mapper, 3);
	map_and_unmap(mapper, 4);
	/* Another one goes by. */
	map_and_unmap(mapper, 5);
	assert_int_equal(fake.calls[FAKE_SYNC], 0);
	fake.trace_count = 0;
	map_and_unmap(mapper, 4);
	assert_int_equal(fake.trace[0], FAKE_SYNC);
	assert_int_equal(fake.trace[1], FAKE_MAP);
	assert_int_equal(fake.calls[FAKE_SYNC], 1);
	/* The sync was for all: this one waits no more. */
	map_and_unmap(mapper, 3);
	assert_int_equal(fake.calls[FAKE_SYNC], 1);
	assert_int_equal(dma_mapper_ledger(mapper)->waiting, 2);
	assert_int_equal(dma_mapper_destroy(mapper), 0);
}

static void two_fixed_buffers_of_one_page_are_refused(void **state)
{
	const struct dma_policy_config config = {.policy = DMA_STRICT};
	struct dma_mapper *mapper;
	uint64_t first = FIXED, second = FIXED + 2048;

	assert_int_equal(dma_mapper_create(space, domain, 2048, &config, &mapper), 0);
	assert_int_equal(dma_map(mapper, VADDR, RW, &first), 0);
	assert_int_equal(dma_map(mapper, VADDR + 2048, RW, &second), -EEXIST);
	assert_int_equal(dma_unmap(mapper, first), 0);
	assert_int_equal(dma_map(mapper, VADDR + 2048, RW, &second), 0);
	assert_int_equal(dma_unmap(mapper, second), 0);
	assert_int_equal(dma_mapper_destroy(mapper), 0);
}

/* --- failures ------------------------------------------------------------------------------- */

static void fresh_iovas_whose_sync_failed_are_not_given_out(void **state)
{
	struct dma_mapper *mapper = create_with(BATCH, HOUR, true);
	const struct dma_ledger *ledger = dma_mapper_ledger(mapper);
	uint64_t lost[BATCH], iova[600];

	for (unsigned int i = 0; i < BATCH; i++)
		lost[i] = map(mapper, i);
	fake_fail(FAKE_SYNC, EIO, 0);
	for (unsigned int i = 0; i < BATCH; i++)
		assert_int_equal(dma_unmap(mapper, lost[i]), i + 1 == BATCH ? -EIO : 0);
	assert_int_equal(ledger->unmaps, BATCH);
	assert_int_equal(ledger->lost, BATCH);
	assert_int_equal(ledger->waiting, BATCH);
	assert_int_equal(ledger->invalidations, 0);
	assert_int_equal(ledger->window_ns.count, 0);
	assert_int_equal(dma_mapper_destroy(mapper), -EIO);
	fake_fail(FAKE_SYNC, 0, 0);
	assert_int_equal(dma_mapper_flush(mapper), 0);
	assert_int_equal(ledger->waiting, 0);
	assert_int_equal(ledger->invalidations, 1);
	for (unsigned int i = 0; i < 600; i++) {
		iova[i] = map(mapper, i);
		for (unsigned int j = 0; j < BATCH; j++)
			assert_int_not_equal(iova[i], lost[j]);
	}
	for (unsigned int i = 0; i < 600; i++)
		assert_int_equal(dma_unmap(mapper, iova[i]), 0);
	assert_int_equal(dma_mapper_destroy(mapper), 0);
}

static void no_fixed_iova_is_mapped_while_a_sync_fails(void **state)
{
	struct dma_mapper *mapper = create_with(2, HOUR, false);
	uint64_t iova = FIXED + K4, other = FIXED + 7 * K4;

	map(mapper, 0);
	map(mapper, 1);
	assert_int_equal(dma_unmap(mapper, FIXED), 0);
	fake_fail(FAKE_SYNC, EIO, 0);
	assert_int_equal(dma_unmap(mapper, iova), -EIO);
	/* Its own memory, but a device may still write there: not while nobody can stop it. */
	assert_int_equal(dma_map(mapper, VADDR + K4, RW, &iova), -EIO);
	assert_int_equal(dma_map(mapper, VADDR + 7 * K4, RW, &other), -EIO);
	assert_int_equal(fake.calls[FAKE_MAP], 2);
	fake_fail(FAKE_SYNC, 0, 0);
	assert_int_equal(dma_map(mapper, VADDR + K4, RW, &iova), 0);
	assert_int_equal(dma_mapper_ledger(mapper)->waiting, 0);
	assert_int_equal(dma_unmap(mapper, iova), 0);
	assert_int_equal(dma_mapper_destroy(mapper), 0);
}

static void a_mapper_with_buffers_out_is_busy_and_syncs_what_waits(void **state)
{
	struct dma_mapper *mapper = create_with(BATCH, HOUR, true);
	uint64_t iova = map(mapper, 0);

	map_and_unmap(mapper, 1);
	assert_int_equal(dma_mapper_destroy(mapper), -EBUSY);
	assert_int_equal(dma_unmap(mapper, iova), 0);
	assert_int_equal(fake.calls[FAKE_SYNC], 0);
	assert_int_equal(dma_mapper_destroy(mapper), 0);
	assert_int_equal(fake.calls[FAKE_SYNC], 1);
}

static void what_no_mapper_can_do_is_refused(void **state)
{
	struct dma_policy_config config = {.policy = DMA_STATIC, .batch = 1};
	struct dma_mapper *mapper;

	assert_int_equal(dma_mapper_create(space, domain, K4, &config, &mapper), -EINVAL);
	config.policy = DMA_DEFERRED;
	config.batch = 0;
	assert_int_equal(dma_mapper_create(space, domain, K4, &config, &mapper), -EINVAL);
	config.batch = DMA_BATCH_MAX + 1;
	assert_int_equal(dma_mapper_create(space, domain, K4, &config, &mapper), -EINVAL);
	config.batch = DMA_BATCH_MAX;
	assert_int_equal(dma_mapper_create(space, domain, 0, &config, &mapper), -EINVAL);
	assert_int_equal(dma_mapper_create(space, domain, K4, &config, &mapper), 0);
	assert_int_equal(dma_mapper_destroy(mapper), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_sync_completes_a_batch),
		TEST(a_batch_of_one_is_synced_at_once),
		TEST(what_waits_is_in_no_table),
		TEST(a_poll_syncs_when_the_oldest_is_too_old),
		TEST(a_poll_before_the_timeout_does_nothing),
		TEST(where_each_unmap_invalidates_nothing_waits),
		TEST(a_fresh_iova_is_not_reissued_before_the_sync),
		TEST(a_fixed_iova_is_the_buffers_own),
		TEST(a_fixed_iova_that_waits_is_synced_before_it_is_mapped),
		TEST(two_fixed_buffers_of_one_page_are_refused),
		TEST(fresh_iovas_whose_sync_failed_are_not_given_out),
		TEST(no_fixed_iova_is_mapped_while_a_sync_fails),
		TEST(a_mapper_with_buffers_out_is_busy_and_syncs_what_waits),
		TEST(what_no_mapper_can_do_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
