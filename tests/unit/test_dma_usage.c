/* SPDX-License-Identifier: BSD-3-Clause */
/* What is free of a space, and how it is scattered, against a list that is searched naively. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "dma.h"
#include "fake_iommu.h"

#define K4     UINT64_C(0x1000)
#define ARENAS 64
#define STEPS  2000

struct taken {
	uint64_t start, end;
};

/* All that is not free: what the space keeps out, then the arenas. */
static struct taken taken[2 + ARENAS];
static struct dma_arena *arenas[ARENAS];

static int by_start(const void *a, const void *b)
{
	const struct taken *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static void add_gap(struct dma_space_usage *usage, uint64_t gap)
{
	usage->free_bytes += gap;
	usage->free_ranges += gap != 0;
	if (gap > usage->largest_free_bytes)
		usage->largest_free_bytes = gap;
}

static void expect_usage(struct dma_space *space)
{
	struct taken sorted[2 + ARENAS];
	struct dma_space_usage want = {0}, got;
	uint64_t at = DMA_PLAN_BASE;
	double share;

	memcpy(sorted, taken, sizeof(taken));
	qsort(sorted, 2 + ARENAS, sizeof(sorted[0]), by_start);
	for (unsigned int i = 0; i < 2 + ARENAS; i++) {
		if (sorted[i].end == 0)
			continue;
		add_gap(&want, sorted[i].start - at);
		at = sorted[i].end;
	}
	add_gap(&want, DMA_PLAN_LIMIT - at);
	dma_space_usage(space, &got);
	assert_int_equal(got.free_bytes, want.free_bytes);
	assert_int_equal(got.largest_free_bytes, want.largest_free_bytes);
	assert_int_equal(got.free_ranges, want.free_ranges);
	share = 1e6 * (double)(want.free_bytes - want.largest_free_bytes) / (double)want.free_bytes;
	assert_true(got.fragmentation_ppm <= share && share < got.fragmentation_ppm + 1.0);
}

static void begin(struct dma_space **space)
{
	memset(taken, 0, sizeof(taken));
	memset(arenas, 0, sizeof(arenas));
	taken[0] = (struct taken){0xfee00000, 0xfef00000};
	taken[1] = (struct taken){DMA_EAL_BASE, DMA_EAL_LIMIT};
	assert_int_equal(dma_space_create(space, NULL), 0);
	expect_usage(*space);
}

/* Makes the arena of this place where there is none, and destroys it where there is. */
static void toggle(struct dma_space *space, unsigned int place)
{
	struct dma_arena_config config = {
		.buffer_size = (1 + (uint64_t)rand() % 32) * K4, .page_size = K4, .node = -1};
	struct dma_range range;

	if (arenas[place] != NULL) {
		assert_int_equal(dma_arena_destroy(arenas[place]), 0);
		arenas[place] = NULL;
		taken[2 + place] = (struct taken){0};
		return;
	}
	assert_int_equal(dma_arena_create(space, &config, &arenas[place], NULL), 0);
	dma_arena_range(arenas[place], DMA_BUFFERS, &range);
	taken[2 + place] = (struct taken){range.iova, range.iova + range.size};
}

static void the_figures_are_those_of_a_naive_search(void **state)
{
	struct dma_space *space;

	srand(1);
	begin(&space);
	for (unsigned int step = 0; step < STEPS; step++) {
		toggle(space, (unsigned int)rand() % ARENAS);
		expect_usage(space);
	}
	for (unsigned int place = 0; place < ARENAS; place++)
		if (arenas[place] != NULL)
			toggle(space, place);
	expect_usage(space);
	assert_int_equal(dma_space_destroy(space), 0);
}

static void a_space_of_one_free_range_is_not_fragmented(void **state)
{
	struct dma_space_usage usage;
	struct dma_space *space;
	struct iommu_domain *domain;
	struct iommu_device *device;
	struct iommu_unit *unit;

	fake_reset();
	fake.limits.addr_bits = 31;
	fake_attach(&unit, &domain, &device);
	assert_int_equal(dma_space_create(&space, NULL), 0);
	dma_space_usage(space, &usage);
	assert_true(usage.fragmentation_ppm > 0);
	assert_int_equal(dma_space_add_unit(space, unit), 0);
	dma_space_usage(space, &usage);
	assert_int_equal(usage.free_bytes, (UINT64_C(1) << 31) - DMA_PLAN_BASE);
	assert_int_equal(usage.largest_free_bytes, usage.free_bytes);
	assert_int_equal(usage.free_ranges, 1);
	assert_int_equal(usage.fragmentation_ppm, 0);
	assert_int_equal(dma_space_destroy(space), 0);
	fake_detach(unit, domain, device);
}

static void what_a_mapper_keeps_is_not_free_until_it_goes(void **state)
{
	static const struct dma_policy_config strict = {.policy = DMA_STRICT, .is_fresh = true};
	struct dma_space_usage usage, before;
	struct dma_mapper *mapper;
	struct dma_space *space;
	struct iommu_domain *domain;
	struct iommu_device *device;
	struct iommu_unit *unit;
	uint64_t iova;

	fake_reset();
	fake_attach(&unit, &domain, &device);
	begin(&space);
	dma_space_usage(space, &before);
	assert_int_equal(dma_mapper_create(space, domain, K4, &strict, &mapper), 0);
	assert_int_equal(dma_map(mapper, (void *)0x700000000000, IOMMU_READ, &iova), 0);
	assert_int_equal(dma_unmap(mapper, iova), 0);
	dma_space_usage(space, &usage);
	assert_true(usage.free_bytes < before.free_bytes);
	assert_int_equal(dma_mapper_destroy(mapper), 0);
	expect_usage(space);
	assert_int_equal(dma_space_destroy(space), 0);
	fake_detach(unit, domain, device);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_figures_are_those_of_a_naive_search),
		cmocka_unit_test(a_space_of_one_free_range_is_not_fragmented),
		cmocka_unit_test(what_a_mapper_keeps_is_not_free_until_it_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
