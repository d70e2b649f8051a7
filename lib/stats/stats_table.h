/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables with aligned columns: numbers to the right, words to the left. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct stats_table;

/** A table with these titles, which end with NULL and are copied; NULL: no memory. */
struct stats_table *stats_table_create(const char *const *titles);
void stats_table_destroy(struct stats_table *table);

/**
 * Adds one cell; a row is full when it has as many as there are titles. Without memory the cell
 * stays empty. table may be NULL in all functions here: nothing happens.
 */
void stats_table_add(struct stats_table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** Adds a number, "n/a" for STATS_NA. */
void stats_table_add_u64(struct stats_table *table, uint64_t value);

/** True when it has titles only. */
bool stats_table_is_empty(const struct stats_table *table);

/** Prints titles and rows, each with two blanks before it, and no blanks at a line's end. */
void stats_table_print(const struct stats_table *table, FILE *file);

/** The same, then destroys it. */
void stats_table_finish(struct stats_table *table, FILE *file);
