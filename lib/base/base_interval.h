/* SPDX-License-Identifier: BSD-3-Clause */
/* An ordered set of disjoint closed intervals [start, last], nodes owned by the caller. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <bsd/sys/tree.h>

/* Embed one in the object that the interval stands for. */
struct base_interval {
	uint64_t start;
	uint64_t last; /* inclusive, so that the end of the address space can be held */
	RB_ENTRY(base_interval) link;
};

RB_HEAD(base_interval_tree, base_interval);

/** Adds a node; -EEXIST when any address of it is held already, -EINVAL when last < start. */
int base_interval_insert(struct base_interval_tree *tree, struct base_interval *node);

/** Takes a node out of the tree that holds it. */
void base_interval_remove(struct base_interval_tree *tree, struct base_interval *node);

/** The interval that holds addr, or NULL. */
struct base_interval *base_interval_find(struct base_interval_tree *tree, uint64_t addr);

/** The lowest interval with last >= addr, or NULL: the first one to look at in a range. */
struct base_interval *base_interval_from(struct base_interval_tree *tree, uint64_t addr);

/** The next interval upwards, or NULL. */
struct base_interval *base_interval_next(struct base_interval *node);
