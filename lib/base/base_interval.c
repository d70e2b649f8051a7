/* SPDX-License-Identifier: BSD-3-Clause */
/* Keeps disjoint intervals in a red-black tree. */
#include <errno.h>

#include "base_interval.h"

/*
 * Overlap compares as equal: the intervals held are disjoint, so this orders them, an insert
 * meets whatever it overlaps on its way down, and an address is an interval of one.
 */
static int compare(const struct base_interval *a, const struct base_interval *b)
{
	if (a->last < b->start)
		return -1;
	return a->start > b->last;
}

/* Not RB_GENERATE_STATIC: it needs __unused, which <bsd/sys/cdefs.h> hides on Linux. */
RB_GENERATE_INTERNAL(base_interval_tree, base_interval, link, compare,
		     static __attribute__((unused)))

int base_interval_insert(struct base_interval_tree *tree, struct base_interval *node)
{
	if (node->last < node->start)
		return -EINVAL;
	return RB_INSERT(base_interval_tree, tree, node) == NULL ? 0 : -EEXIST;
}

void base_interval_remove(struct base_interval_tree *tree, struct base_interval *node)
{
	RB_REMOVE(base_interval_tree, tree, node);
}

struct base_interval *base_interval_find(struct base_interval_tree *tree, uint64_t addr)
{
	struct base_interval key = {.start = addr, .last = addr};

	return RB_FIND(base_interval_tree, tree, &key);
}

struct base_interval *base_interval_from(struct base_interval_tree *tree, uint64_t addr)
{
	struct base_interval key = {.start = addr, .last = addr};

	return RB_NFIND(base_interval_tree, tree, &key);
}

struct base_interval *base_interval_next(struct base_interval *node)
{
	return RB_NEXT(base_interval_tree, NULL, node);
}
