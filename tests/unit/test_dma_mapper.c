/* SPDX-License-Identifier: BSD-3-Clause */
/* Mappers: a buffer has an IOVA of its own from map to unmap, and none after. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "dma.h"
#include "fake_iommu.h"

#define K4 UINT64_C(0x1000)
#define RW (IOMMU_READ | IOMMU_WRITE)

/* Never dereferenced by the fake backend. */
#define VADDR ((uint8_t *)0x700000000000)

static const struct dma_policy_config strict = {.policy = DMA_STRICT, .is_fresh = true};

struct state {
	struct iommu_unit *unit;
	struct iommu_domain *domain;
	struct dma_space *space;
	struct dma_mapper *mapper;
};

static int setup(void **arg)
{
	static struct state state;

	fake_reset();
	assert_int_equal(iommu_unit_create(&fake_ops, 0, NULL, &state.unit, NULL), 0);
	assert_int_equal(iommu_domain_create(state.unit, NULL, &state.domain, NULL), 0);
	assert_int_equal(dma_space_create(&state.space, NULL), 0);
	assert_int_equal(dma_mapper_create(state.space, state.domain, 2048, &strict, &state.mapper),
			 0);
	*arg = &state;
	return 0;
}

static int teardown(void **arg)
{
	struct state *state = *arg;

	assert_int_equal(dma_mapper_destroy(state->mapper), 0);
	assert_int_equal(dma_space_destroy(state->space), 0);
	assert_int_equal(iommu_domain_destroy(state->domain), 0);
	assert_int_equal(iommu_unit_destroy(state->unit), 0);
	return 0;
}

static void a_buffer_keeps_its_place_in_its_page(void **arg)
{
	struct state *state = *arg;
	uint64_t iova;

	assert_int_equal(dma_map(state->mapper, VADDR + 2048, IOMMU_WRITE, &iova), 0);
	assert_int_equal(iova % K4, 2048);
	assert_int_equal(fake.mapping.iova, iova - 2048);
	assert_ptr_equal(fake.mapping.vaddr, VADDR);
	assert_int_equal(fake.mapping.size, K4);
	assert_int_equal(fake.mapping.page_size, K4);
	assert_int_equal(fake.mapping.prot, IOMMU_WRITE);
	assert_int_equal(dma_unmap(state->mapper, iova), 0);
}

static void two_buffers_of_one_page_have_two_iovas(void **arg)
{
	struct state *state = *arg;
	uint64_t iova[2];

	assert_int_equal(dma_map(state->mapper, VADDR, RW, &iova[0]), 0);
	assert_int_equal(dma_map(state->mapper, VADDR + 2048, RW, &iova[1]), 0);
	assert_int_not_equal(iova[0] / K4, iova[1] / K4);
	assert_int_equal(dma_unmap(state->mapper, iova[0]), 0);
	assert_int_equal(dma_unmap(state->mapper, iova[1]), 0);
}

static void unmap_waits_for_the_invalidation_before_the_iova_is_free(void **arg)
{
	struct state *state = *arg;
	uint64_t iova, again;

	assert_int_equal(dma_map(state->mapper, VADDR, RW, &iova), 0);
	fake.trace_count = 0;
	assert_int_equal(dma_unmap(state->mapper, iova), 0);
	assert_int_equal(fake.trace_count, 2);
	assert_int_equal(fake.trace[0], FAKE_UNMAP);
	assert_int_equal(fake.trace[1], FAKE_SYNC);
	/* The control: freed, it is what the cache gives next. */
	assert_int_equal(dma_map(state->mapper, VADDR, RW, &again), 0);
	assert_int_equal(again, iova);
	assert_int_equal(dma_unmap(state->mapper, again), 0);
}

static void an_iova_whose_invalidation_failed_is_not_given_out(void **arg)
{
	struct state *state = *arg;
	struct dma_mapper *mapper;
	uint64_t lost, iova[512];

	assert_int_equal(dma_mapper_create(state->space, state->domain, 4096, &strict, &mapper), 0);
	assert_int_equal(dma_map(mapper, VADDR, RW, &lost), 0);
	fake_fail(FAKE_SYNC, EIO, 0);
	assert_int_equal(dma_unmap(mapper, lost), -EIO);
	assert_int_equal(dma_mapper_destroy(mapper), -EIO);
	fake_fail(FAKE_SYNC, 0, 0);
	for (unsigned int i = 0; i < 512; i++) {
		assert_int_equal(dma_map(mapper, VADDR, RW, &iova[i]), 0);
		assert_int_not_equal(iova[i], lost);
	}
	for (unsigned int i = 0; i < 512; i++)
		assert_int_equal(dma_unmap(mapper, iova[i]), 0);
	assert_int_equal(dma_mapper_destroy(mapper), 0);
}

static void a_double_unmap_is_refused(void **arg)
{
	struct state *state = *arg;
	uint64_t iova;

	assert_int_equal(dma_map(state->mapper, VADDR, RW, &iova), 0);
	assert_int_equal(dma_unmap(state->mapper, iova), 0);
	assert_int_equal(dma_unmap(state->mapper, iova), -ENOENT);
	assert_int_equal(dma_mapper_ledger(state->mapper)->unmaps, 1);
}

static void a_map_that_fails_gives_its_iova_back(void **arg)
{
	struct state *state = *arg;
	struct iommu_domain_usage usage;
	uint64_t first, second;

	assert_int_equal(dma_map(state->mapper, VADDR, RW, &first), 0);
	assert_int_equal(dma_unmap(state->mapper, first), 0);
	fake_fail(FAKE_MAP, EFAULT, 0);
	assert_int_equal(dma_map(state->mapper, VADDR, RW, &second), -EFAULT);
	assert_int_equal(dma_map(state->mapper, VADDR, 0, &second), -EINVAL);
	fake_fail(FAKE_MAP, 0, 0);
	iommu_domain_usage(state->domain, &usage);
	assert_int_equal(usage.mappings, 0);
	assert_int_equal(dma_mapper_ledger(state->mapper)->maps, 1);
	assert_int_equal(dma_map(state->mapper, VADDR, RW, &second), 0);
	assert_int_equal(second, first);
	assert_int_equal(dma_unmap(state->mapper, second), 0);
}

static void a_mapper_with_buffers_out_is_busy(void **arg)
{
	struct state *state = *arg;
	uint64_t iova;

	assert_int_equal(dma_map(state->mapper, VADDR, RW, &iova), 0);
	assert_int_equal(dma_mapper_destroy(state->mapper), -EBUSY);
	assert_int_equal(dma_unmap(state->mapper, iova), 0);
}

static void an_unaligned_power_of_two_that_touches_one_page_more_is_refused(void **arg)
{
	struct state *state = *arg;
	uint64_t iova;

	assert_int_equal(dma_map(state->mapper, VADDR + 2049, RW, &iova), -EINVAL);
	assert_int_equal(dma_map(state->mapper, VADDR + 1024, RW, &iova), 0);
	assert_int_equal(dma_unmap(state->mapper, iova), 0);
}

static void other_sizes_may_start_anywhere(void **arg)
{
	struct state *state = *arg;
	struct dma_mapper *mapper;
	uint64_t iova;

	assert_int_equal(dma_mapper_create(state->space, state->domain, 2176, &strict, &mapper), 0);
	for (uint64_t offset = 0; offset < K4; offset += 64) {
		uint64_t pages = offset + 2176 > K4 ? 2 : 1;

		assert_int_equal(dma_map(mapper, VADDR + offset, RW, &iova), 0);
		assert_int_equal(fake.mapping.size, pages * K4);
		assert_int_equal(dma_unmap(mapper, iova), 0);
	}
	assert_int_equal(dma_mapper_destroy(mapper), 0);
}

static void the_ledger_counts_each_map_and_unmap(void **arg)
{
	struct state *state = *arg;
	const struct dma_ledger *ledger = dma_mapper_ledger(state->mapper);
	uint64_t iova[100];

	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(dma_map(state->mapper, VADDR + i * 2048, RW, &iova[i]), 0);
	for (unsigned int i = 0; i < 60; i++)
		assert_int_equal(dma_unmap(state->mapper, iova[i]), 0);
	assert_int_equal(ledger->policy, DMA_STRICT);
	assert_int_equal(ledger->maps, 100);
	assert_int_equal(ledger->mapped_bytes, 100 * K4);
	assert_int_equal(ledger->map_ns.count, 100);
	assert_int_equal(ledger->unmaps, 60);
	assert_int_equal(ledger->unmapped_bytes, 60 * K4);
	assert_int_equal(ledger->unmap_ns.count, 60);
	assert_int_equal(ledger->invalidations, 60);
	assert_true(ledger->map_ns.max < 1000000000);
	for (unsigned int i = 60; i < 100; i++)
		assert_int_equal(dma_unmap(state->mapper, iova[i]), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_buffer_keeps_its_place_in_its_page),
		TEST(two_buffers_of_one_page_have_two_iovas),
		TEST(unmap_waits_for_the_invalidation_before_the_iova_is_free),
		TEST(an_iova_whose_invalidation_failed_is_not_given_out),
		TEST(a_double_unmap_is_refused),
		TEST(a_map_that_fails_gives_its_iova_back),
		TEST(a_mapper_with_buffers_out_is_busy),
		TEST(an_unaligned_power_of_two_that_touches_one_page_more_is_refused),
		TEST(other_sizes_may_start_anywhere),
		TEST(the_ledger_counts_each_map_and_unmap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
