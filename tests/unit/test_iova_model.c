/* SPDX-License-Identifier: BSD-3-Clause */
/* Random operations on an IOVA plan against a naive one: a sorted array that is scanned. */
#include <errno.h>
#include <string.h>

#include "iova.h"
#include "unit.h"

#define PAGE	   UINT64_C(4096)
#define RANGES	   512
#define CROWD	   400 /* above it, areas are freed whole until fewer are left */
#define OPERATIONS 1000000
#define CHECKPOINT 20000

/* Free ranges in order of address, never touching. */
struct model {
	struct iova_range range[RANGES];
	unsigned int count;
};

struct run {
	struct iova_plan *plan;
	uint64_t base, limit;
	unsigned int size_bits; /* sizes up to PAGE << size_bits */
	uint64_t seed;
	unsigned int done[4]; /* operations that were not refused, so that none is idle */
};

enum { OP_ALLOC, OP_RESERVE, OP_FREE, OP_FREE_ANY };

static struct model model;

static uint64_t end_of(const struct iova_range *range)
{
	return range->iova + range->size;
}

/* Replaces range i by count others. */
static void model_splice(unsigned int i, unsigned int removed, const struct iova_range *with,
			 unsigned int count)
{
	assert_true(model.count - removed + count <= RANGES);
	memmove(&model.range[i + count], &model.range[i + removed],
		(model.count - i - removed) * sizeof(model.range[0]));
	memcpy(&model.range[i], with, count * sizeof(with[0]));
	model.count += count - removed;
}

static void model_cut(unsigned int i, uint64_t iova, uint64_t size)
{
	struct iova_range range = model.range[i], rest[2];
	unsigned int count = 0;

	if (iova > range.iova)
		rest[count++] = (struct iova_range){range.iova, iova - range.iova};
	if (iova + size < end_of(&range))
		rest[count++] = (struct iova_range){iova + size, end_of(&range) - iova - size};
	model_splice(i, 1, rest, count);
}

static int model_alloc(uint64_t size, uint64_t align, uint64_t *iova)
{
	unsigned int best = RANGES;

	for (unsigned int i = 0; i < model.count; i++) {
		const struct iova_range *range = &model.range[i];
		uint64_t start = (range->iova + align - 1) / align * align;

		if (start >= end_of(range) || end_of(range) - start < size)
			continue;
		if (best == RANGES || range->size < model.range[best].size) {
			best = i;
			*iova = start;
		}
	}
	if (best == RANGES)
		return -ENOSPC;
	model_cut(best, *iova, size);
	return 0;
}

static int model_reserve(uint64_t iova, uint64_t size)
{
	for (unsigned int i = 0; i < model.count; i++) {
		if (model.range[i].iova <= iova && iova + size <= end_of(&model.range[i])) {
			model_cut(i, iova, size);
			return 0;
		}
	}
	return -EEXIST;
}

static int model_free(uint64_t iova, uint64_t size)
{
	struct iova_range range = {iova, size};
	unsigned int at = 0, merged = 0;

	while (at < model.count && end_of(&model.range[at]) < iova)
		at++;
	for (unsigned int i = at; i < model.count && model.range[i].iova <= iova + size; i++) {
		if (model.range[i].iova < iova + size && end_of(&model.range[i]) > iova)
			return -EINVAL;
		if (model.range[i].iova < range.iova)
			range.iova = model.range[i].iova;
		range.size += model.range[i].size;
		merged++;
	}
	model_splice(at, merged, &range, 1);
	return 0;
}

/* Some magnitude, then some value of it: small and large sizes are met alike. */
static uint64_t random_size(struct run *run)
{
	uint64_t magnitude = unit_random(&run->seed) % (run->size_bits + 1);

	return PAGE * (1 + (unit_random(&run->seed) & ((UINT64_C(1) << magnitude) - 1)));
}

static uint64_t random_iova(struct run *run)
{
	return run->base + unit_random(&run->seed) % ((run->limit - run->base) / PAGE) * PAGE;
}

/* A piece of a taken area: all of it, its low or high end, or from its middle. */
static bool pick_taken(struct run *run, uint64_t *iova, uint64_t *size)
{
	unsigned int i = (unsigned int)(unit_random(&run->seed) % (model.count + 1));
	uint64_t start = i == 0 ? run->base : end_of(&model.range[i - 1]);
	uint64_t end = i == model.count ? run->limit : model.range[i].iova;
	uint64_t gap;

	if (start == end)
		return false;
	*size = random_size(run);
	if (*size > end - start)
		*size = end - start;
	gap = end - start - *size;
	*iova = start;
	switch (unit_random(&run->seed) % 4) {
	case 0:
		*iova += gap;
		break;
	case 1:
		*iova += gap / PAGE / 2 * PAGE;
		break;
	}
	if (model.count > CROWD || unit_random(&run->seed) % 32 == 0) {
		*iova = start;
		*size = end - start;
	}
	return true;
}

static void step(struct run *run)
{
	uint64_t random = unit_random(&run->seed), size = random_size(run);
	uint64_t align = PAGE << (random >> 32) % (run->size_bits + 1), iova = 0, expected = 0;
	unsigned int op = model.count > CROWD ? OP_FREE
			  : random % 16 < 7   ? OP_ALLOC
			  : random % 16 < 8   ? OP_RESERVE
			  : random % 16 < 15  ? OP_FREE
					      : OP_FREE_ANY;
	int ret;

	if (op == OP_ALLOC) {
		ret = iova_alloc(run->plan, size, align, &iova);
		assert_int_equal(ret, model_alloc(size, align, &expected));
		assert_int_equal(iova, expected);
	} else if (op == OP_RESERVE) {
		iova = random_iova(run);
		if (size > run->limit - iova)
			size = run->limit - iova;
		ret = iova_reserve(run->plan, iova, size);
		assert_int_equal(ret, model_reserve(iova, size));
	} else if (op == OP_FREE) {
		if (!pick_taken(run, &iova, &size))
			return;
		ret = iova_free(run->plan, iova, size);
		assert_int_equal(ret, model_free(iova, size));
		assert_int_equal(ret, 0);
	} else {
		iova = random_iova(run);
		if (size > run->limit - iova)
			size = run->limit - iova;
		ret = iova_free(run->plan, iova, size);
		assert_int_equal(ret, model_free(iova, size));
	}
	run->done[op] += ret == 0;
}

/* Lists the plan in pages of an odd size, as a `show` command would. */
static void compare(struct run *run)
{
	uint64_t from = 0, sum = 0, largest = 0;
	struct iova_usage usage;
	struct iova_range page[37];
	unsigned int count, seen = 0;

	do {
		count = iova_free_ranges(run->plan, from, page, 37);
		assert_true(seen + count <= model.count);
		for (unsigned int i = 0; i < count; i++, seen++) {
			assert_int_equal(page[i].iova, model.range[seen].iova);
			assert_int_equal(page[i].size, model.range[seen].size);
			sum += page[i].size;
			largest = page[i].size > largest ? page[i].size : largest;
			from = end_of(&page[i]);
		}
	} while (count == 37);
	assert_int_equal(seen, model.count);
	iova_plan_usage(run->plan, &usage);
	assert_int_equal(usage.free_bytes, sum);
	assert_int_equal(usage.largest_bytes, largest);
	assert_int_equal(usage.free_ranges, model.count);
}

static void run_random(uint64_t base, uint64_t limit, unsigned int size_bits, uint64_t seed)
{
	struct run run = {.base = base, .limit = limit, .size_bits = size_bits, .seed = seed};
	unsigned int most = 0;

	assert_int_equal(iova_plan_create(base, limit, &run.plan), 0);
	model.count = 1;
	model.range[0] = (struct iova_range){base, limit - base};
	for (unsigned int i = 0; i < OPERATIONS; i++) {
		step(&run);
		most = model.count > most ? model.count : most;
		if (i % CHECKPOINT == 0)
			compare(&run);
	}
	compare(&run);
	print_message("seed %ju: %u allocs, %u reserves, %u frees, %u any; %u free ranges\n",
		      (uintmax_t)seed, run.done[0], run.done[1], run.done[2], run.done[3], most);
	for (unsigned int op = 0; op < 4; op++)
		assert_true(run.done[op] > 1000);
	assert_true(most > 20);
	iova_plan_destroy(run.plan);
}

static void million_operations_on_a_crowded_plan_equal_the_naive_one(void **state)
{
	run_random(0, 1024 * PAGE, 4, 1);
	run_random(0x100000, 0x100000 + 2048 * PAGE, 6, 2);
}

static void million_operations_on_a_48_bit_plan_equal_the_naive_one(void **state)
{
	run_random(PAGE, UINT64_C(1) << 48, 34, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(million_operations_on_a_crowded_plan_equal_the_naive_one),
		cmocka_unit_test(million_operations_on_a_48_bit_plan_equal_the_naive_one),
	};

	return cmocka_run_group_tests_name("iova_model", tests, NULL, NULL);
}
