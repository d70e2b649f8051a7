/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables with aligned columns: numbers to the right, words to the left. */
#include "stats_table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "stats.h"

struct stats_table {
	unsigned int columns;
	size_t count; /* cells, titles first */
	size_t room;
	char **cells; /* an entry may be NULL: an empty cell */
};

static bool table_push(struct stats_table *table, char *cell)
{
	if (table->count == table->room) {
		size_t room = table->room * 2 + 64;
		char **cells = realloc(table->cells, room * sizeof(*cells));

		if (cells == NULL)
			return false;
		table->cells = cells;
		table->room = room;
	}
	table->cells[table->count++] = cell;
	return true;
}

struct stats_table *stats_table_create(const char *const *titles)
{
	struct stats_table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		return NULL;
	for (; *titles != NULL; titles++) {
		stats_table_add(table, "%s", *titles);
		table->columns++;
	}
	if (table->count == table->columns)
		return table;
	stats_table_destroy(table);
	return NULL;
}

void stats_table_destroy(struct stats_table *table)
{
	if (table == NULL)
		return;
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}

void stats_table_add(struct stats_table *table, const char *format, ...)
{
	char *cell = NULL;
	va_list args;

	if (table == NULL)
		return;
	va_start(args, format);
	if (vasprintf(&cell, format, args) < 0)
		cell = NULL;
	va_end(args);
	if (!table_push(table, cell))
		free(cell);
}

void stats_table_add_u64(struct stats_table *table, uint64_t value)
{
	if (value == STATS_NA)
		stats_table_add(table, "n/a");
	else
		stats_table_add(table, "%" PRIu64, value);
}

bool stats_table_is_empty(const struct stats_table *table)
{
	return table == NULL || table->count == table->columns;
}

static const char *table_cell(const struct stats_table *table, size_t i)
{
	return i < table->count && table->cells[i] != NULL ? table->cells[i] : "";
}

/* A decimal or hexadecimal number, "n/a" or nothing. */
static bool is_number(const char *cell)
{
	if (strcmp(cell, "n/a") == 0 || *cell == '\0')
		return true;
	if (strncmp(cell, "0x", 2) == 0)
		return cell[2 + strspn(cell + 2, "0123456789abcdef")] == '\0';
	return cell[strspn(cell, "-.%0123456789")] == '\0';
}

struct column {
	int width;
	bool is_numeric;
};

static void table_measure(const struct stats_table *table, struct column *columns)
{
	for (unsigned int c = 0; c < table->columns; c++) {
		bool has_digits = false;

		columns[c] = (struct column){.is_numeric = true};
		for (size_t i = c; i < table->count; i += table->columns) {
			const char *cell = table_cell(table, i);

			if ((int)strlen(cell) > columns[c].width)
				columns[c].width = (int)strlen(cell);
			if (i < table->columns)
				continue;
			columns[c].is_numeric &= is_number(cell);
			has_digits |= strcmp(cell, "n/a") != 0;
		}
		columns[c].is_numeric &= has_digits || table->count > table->columns;
	}
}

static void table_print_row(const struct stats_table *table, const struct column *columns,
			    size_t first, FILE *file)
{
	int blanks = 0; /* owed from the cell before: none are printed at the line's end */

	for (unsigned int c = 0; c < table->columns; c++) {
		const char *cell = table_cell(table, first + c);
		int pad = columns[c].width - (int)strlen(cell);

		blanks += 2;
		if (columns[c].is_numeric) {
			blanks += pad;
			pad = 0;
		}
		if (*cell != '\0') {
			fprintf(file, "%*s%s", blanks, "", cell);
			blanks = 0;
		} else {
			pad = columns[c].is_numeric ? 0 : columns[c].width;
		}
		blanks += pad;
	}
	fputc('\n', file);
}

void stats_table_print(const struct stats_table *table, FILE *file)
{
	struct column *columns;

	if (table == NULL)
		return;
	columns = calloc(table->columns, sizeof(*columns));
	if (columns == NULL)
		return;
	table_measure(table, columns);
	for (size_t first = 0; first < table->count; first += table->columns)
		table_print_row(table, columns, first, file);
	free(columns);
}

void stats_table_finish(struct stats_table *table, FILE *file)
{
	stats_table_print(table, file);
	stats_table_destroy(table);
}
