/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of a sweep, as CSV and as JSON: the same columns and the same numbers. */
#include "sweep.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <jansson.h>

#include <rte_common.h>

static const struct {
	const char *name;
	int digits;
} columns[SWEEP_COLUMNS] = {
	[SWEEP_PACKETS] = {"packets", 0},
	[SWEEP_BYTES] = {"bytes", 0},
	[SWEEP_DURATION] = {"duration_ns", 0},
	[SWEEP_MPPS] = {"mpps", 3},
	[SWEEP_LOOKUPS] = {"lookups", 0},
	[SWEEP_MISSES] = {"misses", 0},
	[SWEEP_MISSES_PER_PACKET] = {"misses_per_packet", 4},
	[SWEEP_MISSES_PER_MIB] = {"misses_per_mib", 1},
	[SWEEP_WALK_READS] = {"walk_reads", 0},
	[SWEEP_WALK_READS_PER_PACKET] = {"walk_reads_per_packet", 4},
	[SWEEP_WALK_READS_PER_MIB] = {"walk_reads_per_mib", 1},
	[SWEEP_FAULTS] = {"faults", 0},
	[SWEEP_MAPS] = {"maps", 0},
	[SWEEP_UNMAPS] = {"unmaps", 0},
	[SWEEP_INVALIDATIONS] = {"invalidations", 0},
	[SWEEP_MAP_NS] = {"map_p50_ns", 0},
	[SWEEP_UNMAP_NS] = {"unmap_p50_ns", 0},
	[SWEEP_MODEL_MISSES] = {"model_misses", 0},
	[SWEEP_MODEL_MISSES_PER_PACKET] = {"model_misses_per_packet", 4},
};

const char *sweep_column_name(enum sweep_column column)
{
	return columns[column].name;
}

int sweep_column_digits(enum sweep_column column)
{
	return columns[column].digits;
}

static int end_file(FILE *file)
{
	return fflush(file) != 0 || ferror(file) ? -EIO : 0;
}

/* --- CSV (RFC 4180, but for lines that end as files here do) -------------------------------- */

static void put_text(const char *text, FILE *file)
{
	if (strpbrk(text, ",\"\n\r") == NULL) {
		fputs(text, file);
		return;
	}
	fputc('"', file);
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '"')
			fputc('"', file);
		fputc(*c, file);
	}
	fputc('"', file);
}

static void put_row(const struct sweep_plan *plan, const struct sweep_row *row, FILE *file)
{
	for (unsigned int axis = 0; axis < SWEEP_AXES; axis++) {
		put_text(sweep_plan_value(plan, &row->point, axis), file);
		fputc(',', file);
	}
	for (unsigned int i = 0; i < SWEEP_COLUMNS; i++) {
		if (!isnan(row->value[i]))
			fprintf(file, "%.*f", columns[i].digits, row->value[i]);
		fputc(',', file);
	}
	put_text(row->error, file);
	fputc('\n', file);
}

int sweep_table_csv(const struct sweep_plan *plan, const struct sweep_row *rows, unsigned int count,
		    FILE *file)
{
	for (unsigned int axis = 0; axis < SWEEP_AXES; axis++)
		fprintf(file, "%s,", sweep_axis_column(axis));
	for (unsigned int i = 0; i < SWEEP_COLUMNS; i++)
		fprintf(file, "%s,", columns[i].name);
	fputs("error\n", file);
	for (unsigned int i = 0; i < count; i++)
		if (rows[i].is_done)
			put_row(plan, &rows[i], file);
	return end_file(file);
}

/* --- JSON ----------------------------------------------------------------------------------- */

static json_t *json_of(double value, int digits)
{
	if (isnan(value))
		return json_null();
	return digits == 0 ? json_integer((json_int_t)value) : json_real(value);
}

/* Numbers where an axis has them, and words where it has words. */
static json_t *json_value(enum sweep_axis axis, const char *text)
{
	if (axis == SWEEP_PAGE_SIZE || axis == SWEEP_POLICY)
		return json_string(text);
	if (axis == SWEEP_LOSS)
		return json_real(strtod(text, NULL));
	return json_integer(strtol(text, NULL, 10));
}

static json_t *json_row(const struct sweep_plan *plan, const struct sweep_row *row)
{
	json_t *object = json_object();

	for (unsigned int axis = 0; axis < SWEEP_AXES; axis++)
		json_object_set_new(object, sweep_axis_column(axis),
				    json_value(axis, sweep_plan_value(plan, &row->point, axis)));
	for (unsigned int i = 0; i < SWEEP_COLUMNS; i++)
		json_object_set_new(object, columns[i].name,
				    json_of(row->value[i], columns[i].digits));
	json_object_set_new(object, "error",
			    row->error[0] == '\0' ? json_null() : json_string(row->error));
	return object;
}

int sweep_table_json(const struct sweep_plan *plan, const struct sweep_row *rows,
		     unsigned int count, FILE *file)
{
	json_t *points = json_array();
	json_t *all = json_pack("{s:i, s:s, s:s, s:s, s:s, s:o, s:f, s:f, s:i, s:i, s:i, s:i, s:o}",
				"version", 1, "sweep", plan->name, "title", plan->title, "source",
				"exact", "side", plan->side == SWEEP_RX ? "rx" : "tx", "iotlb",
				plan->iotlb[0] != '\0' ? json_string(plan->iotlb) : json_null(),
				"duration_s", plan->duration_s, "warm_up_s", plan->warm_up_s,
				"buffer", (int)plan->buffer_size, "headers", (int)plan->headers,
				"flows", (int)plan->flows, "points_planned",
				(int)sweep_plan_points(plan), "points", points);
	int ret;

	if (all == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < count; i++)
		if (rows[i].is_done)
			json_array_append_new(points, json_row(plan, &rows[i]));
	ret = json_dumpf(all, file, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
	fputc('\n', file);
	json_decref(all);
	return ret != 0 ? -EIO : end_file(file);
}
