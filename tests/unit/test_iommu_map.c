/* SPDX-License-Identifier: BSD-3-Clause */
/* Map, unmap and sync: each check has its errno, and a failure leaves nothing behind. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "fake_iommu.h"

#define K4   UINT64_C(0x1000)
#define IOVA UINT64_C(0x40000000)
#define RW   (IOMMU_READ | IOMMU_WRITE)

/* Never dereferenced by the fake backend. */
#define VADDR ((void *)0x700000000000)

struct state {
	struct iommu_unit *unit;
	struct iommu_domain *domain;
};

static int setup(void **arg)
{
	static struct state state;

	fake_reset();
	assert_int_equal(iommu_unit_create(&fake_ops, 0, NULL, &state.unit, NULL), 0);
	assert_int_equal(iommu_domain_create(state.unit, NULL, &state.domain, NULL), 0);
	*arg = &state;
	return 0;
}

static int teardown(void **arg)
{
	struct state *state = *arg;

	assert_int_equal(iommu_domain_destroy(state->domain), 0);
	assert_int_equal(iommu_unit_destroy(state->unit), 0);
	return 0;
}

static int map(struct state *state, uint64_t iova, uint64_t size)
{
	return iommu_map(state->domain, iova, VADDR, size, K4, RW);
}

static void a_mapping_reaches_the_backend_as_it_was_asked_for(void **arg)
{
	struct state *state = *arg;

	assert_int_equal(iommu_map(state->domain, IOVA, VADDR, 4 * K4, 1 << 21, IOMMU_READ), 0);
	assert_int_equal(fake.calls[FAKE_MAP], 1);
	assert_int_equal(fake.mapping.iova, IOVA);
	assert_ptr_equal(fake.mapping.vaddr, VADDR);
	assert_int_equal(fake.mapping.size, 4 * K4);
	assert_int_equal(fake.mapping.page_size, 1 << 21);
	assert_int_equal(fake.mapping.prot, IOMMU_READ);
}

static void size_zero_and_no_rights_are_invalid(void **arg)
{
	struct state *state = *arg;

	assert_int_equal(iommu_map(state->domain, IOVA, VADDR, 0, K4, RW), -EINVAL);
	assert_int_equal(iommu_map(state->domain, IOVA, VADDR, K4, K4, 0), -EINVAL);
	assert_int_equal(iommu_map(state->domain, IOVA, VADDR, K4, K4, 4), -EINVAL);
	assert_int_equal(iommu_map(state->domain, IOVA, VADDR, K4, 0, RW), -EINVAL);
	assert_int_equal(iommu_map(state->domain, IOVA, VADDR, K4, 5000, RW), -EINVAL);
	assert_int_equal(fake.calls[FAKE_MAP], 0);
}

static void what_is_not_aligned_to_4k_is_refused(void **arg)
{
	struct state *state = *arg;

	assert_int_equal(iommu_map(state->domain, IOVA + 1, VADDR, K4, K4, RW), -ENXIO);
	assert_int_equal(iommu_map(state->domain, IOVA, (char *)VADDR + 64, K4, K4, RW), -ENXIO);
	assert_int_equal(iommu_map(state->domain, IOVA, VADDR, K4 + 8, K4, RW), -ENXIO);
	assert_int_equal(fake.calls[FAKE_MAP], 0);
}

static void what_ends_past_the_width_is_out_of_range(void **arg)
{
	struct state *state = *arg;
	uint64_t end = UINT64_C(1) << 48;

	assert_int_equal(map(state, end, K4), -ERANGE);
	assert_int_equal(map(state, end - K4, 2 * K4), -ERANGE);
	assert_int_equal(map(state, UINT64_MAX - K4 + 1, K4), -ERANGE);
	assert_int_equal(map(state, UINT64_MAX - K4 + 1, 2 * K4), -ERANGE);
	assert_int_equal(fake.calls[FAKE_MAP], 0);
	assert_int_equal(map(state, end - K4, K4), 0);
}

static void a_domain_of_three_levels_ends_at_39_bits(void **arg)
{
	struct state *state = *arg;
	const struct iommu_domain_config config = {.levels = 3};
	struct iommu_domain *domain;
	uint64_t end = UINT64_C(1) << 39;

	assert_int_equal(iommu_domain_create(state->unit, &config, &domain, NULL), 0);
	assert_int_equal(iommu_map(domain, end, VADDR, K4, K4, RW), -ERANGE);
	assert_int_equal(iommu_map(domain, end - K4, VADDR, K4, K4, RW), 0);
	assert_int_equal(iommu_domain_destroy(domain), 0);
}

static void a_hole_cannot_be_mapped(void **arg)
{
	struct state *state = *arg;

	assert_int_equal(map(state, 0xfee00000, K4), -ERANGE);
	assert_int_equal(map(state, 0xfeeff000, K4), -ERANGE);
	assert_int_equal(map(state, 0xfedff000, 2 * K4), -ERANGE);
	assert_int_equal(map(state, 0xfe000000, 0x2000000), -ERANGE);
	assert_int_equal(map(state, 0xfedff000, K4), 0);
	assert_int_equal(map(state, 0xfef00000, K4), 0);
}

static void a_hole_may_end_with_the_address_space(void **arg)
{
	const uint64_t hole = UINT64_MAX - 0xffffff;
	struct iommu_domain *domain;
	struct iommu_unit *unit;

	fake.limits.addr_bits = 64;
	fake.limits.hole_count = 1;
	fake.limits.hole[0].iova = hole;
	fake.limits.hole[0].size = 0x1000000;
	assert_int_equal(iommu_unit_create(&fake_ops, 1, NULL, &unit, NULL), 0);
	assert_int_equal(iommu_domain_create(unit, NULL, &domain, NULL), 0);
	assert_int_equal(iommu_map(domain, hole, VADDR, K4, K4, RW), -ERANGE);
	assert_int_equal(iommu_map(domain, UINT64_MAX - 0xfff, VADDR, K4, K4, RW), -ERANGE);
	assert_int_equal(iommu_map(domain, hole - K4, VADDR, K4, K4, RW), 0);
	assert_int_equal(iommu_domain_destroy(domain), 0);
	assert_int_equal(iommu_unit_destroy(unit), 0);
}

static void overlap_is_refused_and_neighbours_are_not(void **arg)
{
	struct state *state = *arg;

	assert_int_equal(map(state, IOVA, 2 * K4), 0);
	assert_int_equal(map(state, IOVA, 2 * K4), -EEXIST);
	assert_int_equal(map(state, IOVA + K4, K4), -EEXIST);
	assert_int_equal(map(state, IOVA - K4, 2 * K4), -EEXIST);
	assert_int_equal(map(state, IOVA - K4, 4 * K4), -EEXIST);
	assert_int_equal(fake.calls[FAKE_MAP], 1);
	assert_int_equal(map(state, IOVA - K4, K4), 0);
	assert_int_equal(map(state, IOVA + 2 * K4, K4), 0);
}

static void a_map_that_the_backend_refuses_leaves_nothing(void **arg)
{
	struct state *state = *arg;
	struct iommu_domain_usage usage;
	struct iommu_mapping mapping;

	fake_fail(FAKE_MAP, EFAULT, 0);
	assert_int_equal(map(state, IOVA, K4), -EFAULT);
	iommu_domain_usage(state->domain, &usage);
	assert_int_equal(usage.mappings, 0);
	assert_int_equal(usage.mapped_bytes, 0);
	assert_int_equal(usage.entries_used, 0);
	assert_int_equal(iommu_mappings(state->domain, 0, &mapping, 1), 0);
	fake_fail(FAKE_MAP, 0, 0);
	assert_int_equal(map(state, IOVA, K4), 0);
}

static void entries_run_out_at_the_limit(void **arg)
{
	struct iommu_unit *unit;
	struct iommu_domain *domain;
	struct iommu_gather gather = {0};

	fake.limits.entries_limit = 2;
	assert_int_equal(iommu_unit_create(&fake_ops, 1, NULL, &unit, NULL), 0);
	assert_int_equal(iommu_domain_create(unit, NULL, &domain, NULL), 0);
	assert_int_equal(iommu_map(domain, IOVA, VADDR, K4, K4, RW), 0);
	assert_int_equal(iommu_map(domain, IOVA + K4, VADDR, K4, K4, RW), 0);
	assert_int_equal(iommu_map(domain, IOVA + 2 * K4, VADDR, K4, K4, RW), -ENOSPC);
	assert_int_equal(iommu_unmap(domain, IOVA, K4, &gather), 0);
	assert_int_equal(iommu_map(domain, IOVA + 2 * K4, VADDR, K4, K4, RW), 0);
	assert_int_equal(iommu_domain_destroy(domain), 0);
	assert_int_equal(iommu_unit_destroy(unit), 0);
}

static void unmap_of_half_a_mapping_is_refused(void **arg)
{
	struct state *state = *arg;
	struct iommu_gather gather = {0};

	assert_int_equal(map(state, IOVA, 2 * K4), 0);
	assert_int_equal(iommu_unmap(state->domain, IOVA, K4, &gather), -EINVAL);
	assert_int_equal(iommu_unmap(state->domain, IOVA + K4, K4, &gather), -EINVAL);
	assert_int_equal(iommu_unmap(state->domain, IOVA, 3 * K4, &gather), -EINVAL);
	assert_int_equal(iommu_unmap(state->domain, IOVA - K4, 3 * K4, &gather), -EINVAL);
	assert_int_equal(iommu_unmap(state->domain, IOVA, 0, &gather), -EINVAL);
	assert_int_equal(fake.calls[FAKE_UNMAP], 0);
	assert_int_equal(gather.count, 0);
	assert_int_equal(iommu_unmap(state->domain, IOVA, 2 * K4, &gather), 0);
}

static void unmap_of_nothing_and_a_second_unmap_find_nothing(void **arg)
{
	struct state *state = *arg;
	struct iommu_gather gather = {0};

	assert_int_equal(iommu_unmap(state->domain, IOVA, K4, &gather), -ENOENT);
	assert_int_equal(map(state, IOVA, K4), 0);
	assert_int_equal(iommu_unmap(state->domain, IOVA + K4, K4, &gather), -ENOENT);
	assert_int_equal(iommu_unmap(state->domain, IOVA - K4, K4, &gather), -ENOENT);
	assert_int_equal(iommu_unmap(state->domain, IOVA, K4, &gather), 0);
	assert_int_equal(iommu_unmap(state->domain, IOVA, K4, &gather), -ENOENT);
	assert_int_equal(iommu_unmap(state->domain, UINT64_MAX, 0, &gather), -ENOENT);
	assert_int_equal(iommu_unmap(state->domain, UINT64_MAX, UINT64_MAX, &gather), -ENOENT);
}

static void a_gather_widens_over_its_unmaps(void **arg)
{
	struct state *state = *arg;
	struct iommu_gather gather = {0};

	assert_int_equal(map(state, IOVA, 2 * K4), 0);
	assert_int_equal(map(state, IOVA + 16 * K4, K4), 0);
	assert_int_equal(iommu_unmap(state->domain, IOVA + 16 * K4, K4, &gather), 0);
	assert_int_equal(iommu_unmap(state->domain, IOVA, 2 * K4, &gather), 0);
	assert_int_equal(gather.count, 2);
	assert_int_equal(gather.start, IOVA);
	assert_int_equal(gather.last, IOVA + 17 * K4 - 1);
	assert_int_equal(gather.pages, 3);
	assert_int_equal(iommu_sync(state->domain, &gather), 0);
	assert_int_equal(gather.count, 0);
	assert_int_equal(fake.calls[FAKE_SYNC], 1);
}

static void a_sync_of_nothing_asks_the_backend_nothing(void **arg)
{
	struct state *state = *arg;
	struct iommu_gather gather = {0};

	assert_int_equal(iommu_sync(state->domain, &gather), 0);
	assert_int_equal(fake.calls[FAKE_SYNC], 0);
}

static void table_pages_are_freed_after_the_sync(void **arg)
{
	struct state *state = *arg;
	struct iommu_gather gather = {0};
	int page;

	assert_int_equal(map(state, IOVA, K4), 0);
	fake.freelist = &page;
	assert_int_equal(iommu_unmap(state->domain, IOVA, K4, &gather), 0);
	assert_int_equal(fake.calls[FAKE_FREE_TABLES], 0);
	fake.trace_count = 0;
	assert_int_equal(iommu_sync(state->domain, &gather), 0);
	assert_int_equal(fake.trace_count, 2);
	assert_int_equal(fake.trace[0], FAKE_SYNC);
	assert_int_equal(fake.trace[1], FAKE_FREE_TABLES);
	assert_null(gather.freelist);
	fake.freelist = NULL;
}

static void a_sync_that_fails_keeps_the_gather(void **arg)
{
	struct state *state = *arg;
	struct iommu_gather gather = {0};
	int page;

	assert_int_equal(map(state, IOVA, K4), 0);
	fake.freelist = &page;
	assert_int_equal(iommu_unmap(state->domain, IOVA, K4, &gather), 0);
	fake_fail(FAKE_SYNC, EIO, 0);
	assert_int_equal(iommu_sync(state->domain, &gather), -EIO);
	assert_int_equal(gather.count, 1);
	assert_ptr_equal(gather.freelist, &page);
	assert_int_equal(fake.calls[FAKE_FREE_TABLES], 0);
	fake_fail(FAKE_SYNC, 0, 0);
	assert_int_equal(iommu_sync(state->domain, &gather), 0);
	assert_int_equal(fake.calls[FAKE_FREE_TABLES], 1);
	fake.freelist = NULL;
}

static void listings_go_on_where_they_stopped(void **arg)
{
	struct state *state = *arg;
	struct iommu_mapping mapping[4];

	for (unsigned int i = 0; i < 6; i++)
		assert_int_equal(map(state, IOVA + i * 2 * K4, 2 * K4), 0);
	assert_int_equal(iommu_mappings(state->domain, 0, mapping, 4), 4);
	assert_int_equal(mapping[3].iova, IOVA + 6 * K4);
	assert_int_equal(iommu_mappings(state->domain, mapping[3].iova + 2 * K4, mapping, 4), 2);
	assert_int_equal(mapping[0].iova, IOVA + 8 * K4);
	assert_int_equal(iommu_mappings(state->domain, IOVA + 11 * K4, mapping, 4), 1);
	assert_int_equal(iommu_mappings(state->domain, IOVA + 12 * K4, mapping, 4), 0);
}

static void usage_counts_what_is_mapped(void **arg)
{
	struct state *state = *arg;
	struct iommu_domain_usage usage;
	struct iommu_gather gather = {0};

	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(map(state, IOVA + i * K4, K4), 0);
	iommu_domain_usage(state->domain, &usage);
	assert_int_equal(usage.mappings, 1000);
	assert_int_equal(usage.mapped_bytes, 1000 * K4);
	assert_int_equal(usage.entries_used, 1000);
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(iommu_unmap(state->domain, IOVA + i * K4, K4, &gather), 0);
	assert_int_equal(iommu_sync(state->domain, &gather), 0);
	iommu_domain_usage(state->domain, &usage);
	assert_int_equal(usage.mappings, 0);
	assert_int_equal(usage.mapped_bytes, 0);
	assert_int_equal(usage.maps, 1000);
	assert_int_equal(usage.unmaps, 1000);
	assert_int_equal(usage.syncs, 1);
}

/* Maps and unmaps two ranges, and syncs once; how many syncs the backend was asked for. */
static unsigned int syncs_of_two_unmaps(struct iommu_domain *domain, int expected)
{
	struct iommu_gather gather = {0};
	unsigned int before = fake.calls[FAKE_SYNC];

	for (uint64_t i = 0; i < 2; i++)
		assert_int_equal(iommu_map(domain, IOVA + i * K4, VADDR, K4, K4, RW), 0);
	for (uint64_t i = 0; i < 2; i++)
		assert_int_equal(iommu_unmap(domain, IOVA + i * K4, K4, &gather), 0);
	assert_int_equal(iommu_sync(domain, &gather), expected);
	if (expected != 0) {
		fake_fail(FAKE_SYNC, 0, 0);
		assert_int_equal(iommu_sync(domain, &gather), 0);
	}
	return fake.calls[FAKE_SYNC] - before;
}

static void a_backend_that_invalidates_in_unmap_syncs_only_what_failed(void **arg)
{
	struct state *state = *arg;
	struct iommu_domain_usage usage;
	struct iommu_domain *domain;
	struct iommu_unit *unit;

	fake.limits.unmap_syncs = true;
	assert_int_equal(iommu_unit_create(&fake_ops, 1, NULL, &unit, NULL), 0);
	assert_int_equal(iommu_domain_create(unit, NULL, &domain, NULL), 0);
	assert_int_equal(syncs_of_two_unmaps(domain, 0), 0);
	iommu_domain_usage(domain, &usage);
	assert_int_equal(usage.syncs, 2);
	/* The first of two failed: the gather stays open, and its sync tells. */
	fake_fail(FAKE_UNMAP, EIO, 0);
	fake_fail(FAKE_SYNC, EIO, 0);
	assert_int_equal(syncs_of_two_unmaps(domain, -EIO), 2);
	fake_fail(FAKE_UNMAP, 0, 0);
	/* The control: elsewhere it is the sync that invalidates. */
	assert_int_equal(syncs_of_two_unmaps(state->domain, 0), 1);
	assert_int_equal(iommu_domain_destroy(domain), 0);
	assert_int_equal(iommu_unit_destroy(unit), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_mapping_reaches_the_backend_as_it_was_asked_for),
		TEST(size_zero_and_no_rights_are_invalid),
		TEST(what_is_not_aligned_to_4k_is_refused),
		TEST(what_ends_past_the_width_is_out_of_range),
		TEST(a_domain_of_three_levels_ends_at_39_bits),
		TEST(a_hole_cannot_be_mapped),
		TEST(a_hole_may_end_with_the_address_space),
		TEST(overlap_is_refused_and_neighbours_are_not),
		TEST(a_map_that_the_backend_refuses_leaves_nothing),
		TEST(entries_run_out_at_the_limit),
		TEST(unmap_of_half_a_mapping_is_refused),
		TEST(unmap_of_nothing_and_a_second_unmap_find_nothing),
		TEST(a_gather_widens_over_its_unmaps),
		TEST(a_sync_of_nothing_asks_the_backend_nothing),
		TEST(table_pages_are_freed_after_the_sync),
		TEST(a_sync_that_fails_keeps_the_gather),
		TEST(listings_go_on_where_they_stopped),
		TEST(usage_counts_what_is_mapped),
		TEST(a_backend_that_invalidates_in_unmap_syncs_only_what_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
