/* SPDX-License-Identifier: BSD-3-Clause */
/* Keeps the free ranges of an address space in two trees, by address and by size. */
#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base_interval.h"
#include "iova.h"

#define UNIT	     UINT64_C(4096)
#define BLOCK_RANGES 256

struct range {
	struct base_interval at;
	RB_ENTRY(range) by_size;
	struct range *next_unused;
};

RB_HEAD(size_tree, range);

/* Nodes come in blocks that live as long as the plan: no malloc() for most operations. */
struct block {
	struct block *next;
	struct range range[BLOCK_RANGES];
};

struct iova_plan {
	atomic_flag lock; /* guards all below but base and limit, which do not change */
	uint64_t base;
	uint64_t limit;
	struct base_interval_tree free_by_start;
	struct size_tree free_by_size;
	uint64_t free_bytes;
	uint64_t free_ranges;
	struct range *unused;
	struct block *blocks;
};

static struct range *range_of(struct base_interval *at)
{
	static_assert(offsetof(struct range, at) == 0, "NULL stays NULL");
	return (struct range *)at;
}

static uint64_t range_size(const struct range *range)
{
	return range->at.last - range->at.start + 1;
}

static int compare_size(const struct range *a, const struct range *b)
{
	uint64_t size_a = range_size(a), size_b = range_size(b);

	if (size_a != size_b)
		return size_a < size_b ? -1 : 1;
	return a->at.start < b->at.start ? -1 : a->at.start > b->at.start;
}

RB_GENERATE_INTERNAL(size_tree, range, by_size, compare_size, static __attribute__((unused)))

static void lock(struct iova_plan *plan)
{
	while (atomic_flag_test_and_set_explicit(&plan->lock, memory_order_acquire)) {
#if defined(__x86_64__)
		__builtin_ia32_pause();
#elif defined(__aarch64__)
		__asm__ volatile("yield");
#endif
	}
}

static void unlock(struct iova_plan *plan)
{
	atomic_flag_clear_explicit(&plan->lock, memory_order_release);
}

static struct range *get_node(struct iova_plan *plan)
{
	struct range *range = plan->unused;
	struct block *block;

	if (range == NULL) {
		block = malloc(sizeof(*block));
		if (block == NULL)
			return NULL;
		block->next = plan->blocks;
		plan->blocks = block;
		for (unsigned int i = 0; i < BLOCK_RANGES; i++) {
			block->range[i].next_unused = range;
			range = &block->range[i];
		}
	}
	plan->unused = range->next_unused;
	return range;
}

static void add_range(struct iova_plan *plan, struct range *range, uint64_t start, uint64_t last)
{
	int ret;

	range->at.start = start;
	range->at.last = last;
	ret = base_interval_insert(&plan->free_by_start, &range->at);
	assert(ret == 0);
	(void)ret;
	RB_INSERT(size_tree, &plan->free_by_size, range);
	plan->free_ranges++;
}

static void remove_range(struct iova_plan *plan, struct range *range)
{
	base_interval_remove(&plan->free_by_start, &range->at);
	RB_REMOVE(size_tree, &plan->free_by_size, range);
	range->next_unused = plan->unused;
	plan->unused = range;
	plan->free_ranges--;
}

/* A range that grows or shrinks between its neighbours keeps its place in the tree by start. */
static void resize_range(struct iova_plan *plan, struct range *range, uint64_t start, uint64_t last)
{
	RB_REMOVE(size_tree, &plan->free_by_size, range);
	range->at.start = start;
	range->at.last = last;
	RB_INSERT(size_tree, &plan->free_by_size, range);
}

/* Cuts [start, last] out of the free range that holds it. */
static int take(struct iova_plan *plan, struct range *range, uint64_t start, uint64_t last)
{
	uint64_t range_last = range->at.last;
	bool has_head = range->at.start < start, has_tail = last < range_last;
	struct range *tail;

	if (has_head && has_tail) {
		tail = get_node(plan);
		if (tail == NULL)
			return -ENOMEM;
		resize_range(plan, range, range->at.start, start - 1);
		add_range(plan, tail, last + 1, range_last);
	} else if (has_head) {
		resize_range(plan, range, range->at.start, start - 1);
	} else if (has_tail) {
		resize_range(plan, range, last + 1, range_last);
	} else {
		remove_range(plan, range);
	}
	plan->free_bytes -= last - start + 1;
	return 0;
}

static int give(struct iova_plan *plan, uint64_t start, uint64_t last)
{
	struct range *after = range_of(base_interval_from(&plan->free_by_start, start));
	struct range *before = NULL, *range;
	uint64_t size = last - start + 1;

	if (after != NULL && after->at.start <= last)
		return -EINVAL;
	if (start > plan->base)
		before = range_of(base_interval_find(&plan->free_by_start, start - 1));
	if (after != NULL && after->at.start - 1 != last)
		after = NULL;

	if (before != NULL && after != NULL) {
		last = after->at.last;
		remove_range(plan, after);
		resize_range(plan, before, before->at.start, last);
	} else if (before != NULL) {
		resize_range(plan, before, before->at.start, last);
	} else if (after != NULL) {
		resize_range(plan, after, start, after->at.last);
	} else {
		range = get_node(plan);
		if (range == NULL)
			return -ENOMEM;
		add_range(plan, range, start, last);
	}
	plan->free_bytes += size;
	return 0;
}

/* Ranges too small for the alignment's gap are walked over: few, while sizes are like aligns. */
static int take_best(struct iova_plan *plan, uint64_t size, uint64_t align, uint64_t *iova)
{
	struct range key = {.at = {.start = 0, .last = size - 1}};
	struct range *range = RB_NFIND(size_tree, &plan->free_by_size, &key);
	uint64_t start;
	int ret;

	for (; range != NULL; range = RB_NEXT(size_tree, NULL, range)) {
		start = (range->at.start + align - 1) & ~(align - 1);
		if (start < range->at.start || start > range->at.last ||
		    range->at.last - start < size - 1)
			continue;
		ret = take(plan, range, start, start + size - 1);
		if (ret == 0)
			*iova = start;
		return ret;
	}
	return -ENOSPC;
}

static bool is_request_valid(uint64_t size, uint64_t align)
{
	return size != 0 && size % UNIT == 0 && align >= UNIT && (align & (align - 1)) == 0;
}

static int check_span(const struct iova_plan *plan, uint64_t iova, uint64_t size)
{
	if (!is_request_valid(size, UNIT) || iova % UNIT != 0)
		return -EINVAL;
	if (iova < plan->base || iova >= plan->limit || size > plan->limit - iova)
		return -ERANGE;
	return 0;
}

int iova_plan_create(uint64_t base, uint64_t limit, struct iova_plan **out)
{
	struct iova_plan *plan;

	if (base % UNIT != 0 || limit % UNIT != 0 || base >= limit)
		return -EINVAL;
	plan = calloc(1, sizeof(*plan));
	if (plan == NULL)
		return -ENOMEM;
	atomic_flag_clear(&plan->lock);
	plan->base = base;
	plan->limit = limit;
	RB_INIT(&plan->free_by_start);
	RB_INIT(&plan->free_by_size);
	if (give(plan, base, limit - 1) != 0) {
		free(plan);
		return -ENOMEM;
	}
	*out = plan;
	return 0;
}

void iova_plan_destroy(struct iova_plan *plan)
{
	if (plan == NULL)
		return;
	while (plan->blocks != NULL) {
		struct block *block = plan->blocks;

		plan->blocks = block->next;
		free(block);
	}
	free(plan);
}

int iova_alloc(struct iova_plan *plan, uint64_t size, uint64_t align, uint64_t *iova)
{
	int ret;

	if (!is_request_valid(size, align))
		return -EINVAL;
	lock(plan);
	ret = take_best(plan, size, align, iova);
	unlock(plan);
	return ret;
}

unsigned int iova_alloc_batch(struct iova_plan *plan, uint64_t size, uint64_t align,
			      uint64_t *iovas, unsigned int count)
{
	unsigned int done = 0;

	if (!is_request_valid(size, align))
		return 0;
	lock(plan);
	while (done < count && take_best(plan, size, align, &iovas[done]) == 0)
		done++;
	unlock(plan);
	return done;
}

int iova_reserve(struct iova_plan *plan, uint64_t iova, uint64_t size)
{
	struct range *range;
	int ret = check_span(plan, iova, size);

	if (ret != 0)
		return ret;
	lock(plan);
	range = range_of(base_interval_find(&plan->free_by_start, iova));
	if (range == NULL || range->at.last - iova < size - 1)
		ret = -EEXIST;
	else
		ret = take(plan, range, iova, iova + size - 1);
	unlock(plan);
	return ret;
}

int iova_free(struct iova_plan *plan, uint64_t iova, uint64_t size)
{
	int ret = check_span(plan, iova, size);

	if (ret != 0)
		return ret;
	lock(plan);
	ret = give(plan, iova, iova + size - 1);
	unlock(plan);
	return ret;
}

unsigned int iova_free_batch(struct iova_plan *plan, const uint64_t *iovas, uint64_t size,
			     unsigned int count)
{
	unsigned int done = 0;

	lock(plan);
	for (unsigned int i = 0; i < count; i++) {
		if (check_span(plan, iovas[i], size) == 0 &&
		    give(plan, iovas[i], iovas[i] + size - 1) == 0)
			done++;
	}
	unlock(plan);
	return done;
}

unsigned int iova_free_ranges(struct iova_plan *plan, uint64_t from, struct iova_range *ranges,
			      unsigned int max)
{
	struct base_interval *at;
	unsigned int count = 0;

	lock(plan);
	at = base_interval_from(&plan->free_by_start, from);
	for (; at != NULL && count < max; at = base_interval_next(at)) {
		ranges[count].iova = at->start;
		ranges[count].size = at->last - at->start + 1;
		count++;
	}
	unlock(plan);
	return count;
}

void iova_plan_usage(struct iova_plan *plan, struct iova_usage *usage)
{
	struct range *largest;

	lock(plan);
	largest = RB_MAX(size_tree, &plan->free_by_size);
	usage->free_bytes = plan->free_bytes;
	usage->largest_bytes = largest == NULL ? 0 : range_size(largest);
	usage->free_ranges = plan->free_ranges;
	unlock(plan);
}
