/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of struct base_interval_tree: random operations against an array that is scanned. */
#include <errno.h>
#include <stdbool.h>

#include "base_interval.h"
#include "unit.h"

#define NODES	   256
#define OPERATIONS 100000

/* The naive model: node i is held when held[i]. */
struct model {
	struct base_interval node[NODES];
	bool held[NODES];
};

static bool model_overlaps(const struct model *model, uint64_t start, uint64_t last)
{
	for (unsigned int i = 0; i < NODES; i++) {
		if (model->held[i] && model->node[i].start <= last && model->node[i].last >= start)
			return true;
	}
	return false;
}

static const struct base_interval *model_from(const struct model *model, uint64_t addr)
{
	const struct base_interval *best = NULL;

	for (unsigned int i = 0; i < NODES; i++) {
		const struct base_interval *node = &model->node[i];

		if (model->held[i] && node->last >= addr && (!best || node->start < best->start))
			best = node;
	}
	return best;
}

static void insert_random(struct base_interval_tree *tree, struct model *model, unsigned int i,
			  uint64_t start, uint64_t size)
{
	struct base_interval *node = &model->node[i];
	uint64_t last = start + size;
	int expected;

	if (last < start)
		last = UINT64_MAX;
	expected = model_overlaps(model, start, last) ? -EEXIST : 0;
	node->start = start;
	node->last = last;
	assert_int_equal(base_interval_insert(tree, node), expected);
	model->held[i] = expected == 0;
}

static void check_order(struct base_interval_tree *tree, const struct model *model)
{
	struct base_interval *node = base_interval_from(tree, 0);
	unsigned int held = 0, met = 0;

	for (unsigned int i = 0; i < NODES; i++)
		held += model->held[i];
	while (node) {
		struct base_interval *next = base_interval_next(node);

		assert_true(!next || node->last < next->start);
		node = next;
		met++;
	}
	assert_int_equal(met, held);
}

/* scale: shift of the address range, so that both crowded and huge addresses are met. */
static void run_random(uint64_t seed, unsigned int scale)
{
	struct base_interval_tree tree = RB_INITIALIZER(&tree);
	static struct model model;

	model = (struct model){0};
	for (unsigned int op = 0; op < OPERATIONS; op++) {
		unsigned int i = (unsigned int)(unit_random(&seed) % NODES);
		uint64_t addr = unit_random(&seed) >> scale;
		const struct base_interval *from = model_from(&model, addr);

		assert_ptr_equal(base_interval_from(&tree, addr), from);
		assert_ptr_equal(base_interval_find(&tree, addr),
				 from && from->start <= addr ? from : NULL);
		if (model.held[i]) {
			base_interval_remove(&tree, &model.node[i]);
			model.held[i] = false;
		} else {
			insert_random(&tree, &model, i, addr,
				      (unit_random(&seed) >> scale) / (NODES / 2));
		}
		if (op % 1000 == 0)
			check_order(&tree, &model);
	}
	check_order(&tree, &model);
}

static void random_operations_leave_it_equal_to_a_scanned_array(void **state)
{
	run_random(1, 0);
	run_random(2, 32);
	run_random(3, 54);
}

static void insert_refuses_every_overlap_and_takes_every_gap(void **state)
{
	const struct {
		uint64_t start, last;
		int expected;
	} cases[] = {
		{100, 199, -EEXIST},	  /* the same */
		{99, 100, -EEXIST},	  /* lower edge */
		{199, 200, -EEXIST},	  /* upper edge */
		{150, 150, -EEXIST},	  /* inside */
		{0, UINT64_MAX, -EEXIST}, /* around */
		{199, UINT64_MAX, -EEXIST}, {0, 100, -EEXIST}, {150, 149, -EINVAL}, {0, 99, 0},
		{200, UINT64_MAX, 0},
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct base_interval_tree tree = RB_INITIALIZER(&tree);
		struct base_interval held = {.start = 100, .last = 199};
		struct base_interval node = {.start = cases[i].start, .last = cases[i].last};

		assert_int_equal(base_interval_insert(&tree, &held), 0);
		assert_int_equal(base_interval_insert(&tree, &node), cases[i].expected);
		assert_ptr_equal(base_interval_find(&tree, 150), &held);
	}
}

static void both_ends_of_the_address_space_can_be_held(void **state)
{
	struct base_interval_tree tree = RB_INITIALIZER(&tree);
	struct base_interval low = {.start = 0, .last = 0};
	struct base_interval high = {.start = UINT64_MAX, .last = UINT64_MAX};
	struct base_interval all = {.start = 0, .last = UINT64_MAX};

	assert_int_equal(base_interval_insert(&tree, &high), 0);
	assert_int_equal(base_interval_insert(&tree, &low), 0);
	assert_int_equal(base_interval_insert(&tree, &all), -EEXIST);
	assert_ptr_equal(base_interval_find(&tree, 0), &low);
	assert_null(base_interval_find(&tree, 1));
	assert_ptr_equal(base_interval_from(&tree, 1), &high);
	assert_ptr_equal(base_interval_find(&tree, UINT64_MAX), &high);
	assert_null(base_interval_next(&high));
	base_interval_remove(&tree, &low);
	base_interval_remove(&tree, &high);
	assert_int_equal(base_interval_insert(&tree, &all), 0);
	assert_ptr_equal(base_interval_find(&tree, UINT64_MAX), &all);
	assert_ptr_equal(base_interval_find(&tree, 0), &all);
}

static void empty_tree_has_nothing(void **state)
{
	struct base_interval_tree tree = RB_INITIALIZER(&tree);

	assert_null(base_interval_find(&tree, 0));
	assert_null(base_interval_from(&tree, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations_leave_it_equal_to_a_scanned_array),
		cmocka_unit_test(insert_refuses_every_overlap_and_takes_every_gap),
		cmocka_unit_test(both_ends_of_the_address_space_can_be_held),
		cmocka_unit_test(empty_tree_has_nothing),
	};

	return cmocka_run_group_tests_name("base_interval", tests, NULL, NULL);
}
