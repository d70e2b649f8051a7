/* SPDX-License-Identifier: BSD-3-Clause */
/* Random maps and unmaps: the domain always holds what a naive array of pages says. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "fake_iommu.h"

#define K4    UINT64_C(0x1000)
#define BASE  UINT64_C(0x40000000)
#define VADDR ((uint8_t *)0x700000000000)
#define PAGES 512
#define STEPS 1000000

/* page_owner: 1 + first page of the mapping that holds the page, 0: none. */
struct model {
	struct iommu_domain *domain;
	uint16_t owner[PAGES];
	uint16_t size[PAGES]; /* of the mapping that begins here */
	uint64_t mappings;
};

static bool is_free(const struct model *model, unsigned int first, unsigned int count)
{
	for (unsigned int i = first; i < first + count; i++) {
		if (model->owner[i] != 0)
			return false;
	}
	return true;
}

static void step_map(struct model *model, unsigned int first, unsigned int count)
{
	int expected = is_free(model, first, count) ? 0 : -EEXIST;
	int ret = iommu_map(model->domain, BASE + first * K4, VADDR + first * K4, count * K4, K4,
			    IOMMU_READ);

	assert_int_equal(ret, expected);
	if (ret != 0)
		return;
	for (unsigned int i = first; i < first + count; i++)
		model->owner[i] = (uint16_t)(first + 1);
	model->size[first] = (uint16_t)count;
	model->mappings++;
}

static void step_unmap(struct model *model, unsigned int first, unsigned int count)
{
	struct iommu_gather gather = {0};
	int expected = -EINVAL;
	int ret = iommu_unmap(model->domain, BASE + first * K4, count * K4, &gather);

	if (is_free(model, first, count))
		expected = -ENOENT;
	else if (model->owner[first] == first + 1 && model->size[first] == count)
		expected = 0;
	assert_int_equal(ret, expected);
	if (ret != 0)
		return;
	assert_int_equal(gather.start, BASE + first * K4);
	assert_int_equal(gather.last, BASE + (first + count) * K4 - 1);
	memset(&model->owner[first], 0, count * sizeof(model->owner[0]));
	model->mappings--;
}

static void compare(struct model *model)
{
	static struct iommu_mapping mapping[PAGES];
	struct iommu_domain_usage usage;
	unsigned int count = iommu_mappings(model->domain, 0, mapping, PAGES);

	iommu_domain_usage(model->domain, &usage);
	assert_int_equal(count, model->mappings);
	assert_int_equal(usage.mappings, model->mappings);
	for (unsigned int i = 0; i < count; i++) {
		uint64_t first = (mapping[i].iova - BASE) / K4;

		assert_int_equal(model->owner[first], first + 1);
		assert_int_equal(mapping[i].size, model->size[first] * K4);
		assert_ptr_equal(mapping[i].vaddr, VADDR + first * K4);
		if (i > 0)
			assert_true(mapping[i - 1].iova < mapping[i].iova);
	}
}

static void random_steps(struct model *model, unsigned int size_max)
{
	uint64_t seed = size_max;

	for (unsigned int i = 0; i < STEPS; i++) {
		uint64_t random = unit_random(&seed);
		unsigned int count = 1 + (unsigned int)(random >> 32) % size_max;
		unsigned int first = (unsigned int)(random >> 8) % (PAGES - count);

		if ((random & 1) != 0)
			step_map(model, first, count);
		else
			step_unmap(model, first, count);
		if (i % 4096 == 0)
			compare(model);
	}
	compare(model);
}

static void run(unsigned int size_max)
{
	static struct model model;
	struct iommu_unit *unit;

	fake_reset();
	memset(&model, 0, sizeof(model));
	assert_int_equal(iommu_unit_create(&fake_ops, 0, NULL, &unit, NULL), 0);
	assert_int_equal(iommu_domain_create(unit, NULL, &model.domain, NULL), 0);
	random_steps(&model, size_max);
	/* What was mapped and unmapped in the backend is what is left to unmap. */
	fake.calls[FAKE_UNMAP] = 0;
	assert_int_equal(iommu_domain_destroy(model.domain), 0);
	assert_int_equal(fake.calls[FAKE_UNMAP], model.mappings);
	assert_int_equal(iommu_unit_destroy(unit), 0);
}

static void a_million_maps_and_unmaps_of_single_pages(void **state)
{
	run(1);
}

static void a_million_maps_and_unmaps_of_mixed_sizes(void **state)
{
	run(9);
}

/* Ranges that never come again must not pile up in the tree, nor hide a live one. */
static void fresh_ranges_for_ever(void **state)
{
	struct iommu_unit *unit;
	struct iommu_domain *domain;
	struct iommu_mapping mapping[2];

	fake_reset();
	assert_int_equal(iommu_unit_create(&fake_ops, 0, NULL, &unit, NULL), 0);
	assert_int_equal(iommu_domain_create(unit, NULL, &domain, NULL), 0);
	assert_int_equal(iommu_map(domain, BASE - K4, VADDR, K4, K4, IOMMU_READ), 0);
	for (uint64_t i = 0; i < 100000; i++) {
		struct iommu_gather gather = {0};

		assert_int_equal(iommu_map(domain, BASE + i * K4, VADDR, K4, K4, IOMMU_READ), 0);
		assert_int_equal(iommu_unmap(domain, BASE + i * K4, K4, &gather), 0);
		assert_int_equal(iommu_sync(domain, &gather), 0);
	}
	assert_int_equal(iommu_mappings(domain, 0, mapping, 2), 1);
	assert_int_equal(mapping[0].iova, BASE - K4);
	/* One mapping over all the ranges that rest: they give way. */
	assert_int_equal(iommu_map(domain, BASE, VADDR, 100000 * K4, K4, IOMMU_READ), 0);
	assert_int_equal(iommu_mappings(domain, 0, mapping, 2), 2);
	assert_int_equal(mapping[1].size, 100000 * K4);
	assert_int_equal(iommu_domain_destroy(domain), 0);
	assert_int_equal(iommu_unit_destroy(unit), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_million_maps_and_unmaps_of_single_pages),
		cmocka_unit_test(a_million_maps_and_unmaps_of_mixed_sizes),
		cmocka_unit_test(fresh_ranges_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
