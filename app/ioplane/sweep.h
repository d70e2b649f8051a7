/* SPDX-License-Identifier: BSD-3-Clause */
/* --sweep: the product of some choices, each point a process of its own, into table and plot. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base_error.h"

#define SWEEP_VALUES_MAX 16
#define SWEEP_TEXT_SIZE	 48
#define SWEEP_POINTS_MAX 4096
#define SWEEP_PATH_SIZE	 4096

/* What may have several values; the last varies fastest. */
enum sweep_axis {
	SWEEP_PAGE_SIZE,
	SWEEP_QUEUES,
	SWEEP_RING,
	SWEEP_POLICY,
	SWEEP_PACKET_SIZE,
	SWEEP_LOSS,
	SWEEP_AXES,
};

enum sweep_side {
	SWEEP_RX,
	SWEEP_TX,
};

/* What a file asks for; plain data. */
struct sweep_plan {
	char name[SWEEP_TEXT_SIZE]; /* of the file, without folder and ".cfg" */
	char title[128];
	unsigned int counts[SWEEP_AXES];
	char values[SWEEP_AXES][SWEEP_VALUES_MAX][SWEEP_TEXT_SIZE];
	bool is_given[SWEEP_AXES];
	enum sweep_side side;	       /* whose queues are tabled */
	char iotlb[SWEEP_PATH_SIZE];   /* a profile; "": the built-in one */
	char tracker[SWEEP_TEXT_SIZE]; /* "off": the packet rate is the traffic's alone */
	double duration_s, warm_up_s;
	uint32_t buffer_size, cache, flows, lcores, hold, min_packets;
	uint32_t headers; /* bytes of a frame that a MiB is not counted in */
	bool has_queue_pools;
};

/* A point: for each axis the number of its value. */
struct sweep_point {
	unsigned int value[SWEEP_AXES];
};

enum sweep_column {
	SWEEP_PACKETS,
	SWEEP_BYTES,
	SWEEP_DURATION,
	SWEEP_MPPS,
	SWEEP_LOOKUPS,
	SWEEP_MISSES,
	SWEEP_MISSES_PER_PACKET,
	SWEEP_MISSES_PER_MIB,
	SWEEP_WALK_READS,
	SWEEP_WALK_READS_PER_PACKET,
	SWEEP_WALK_READS_PER_MIB,
	SWEEP_FAULTS,
	SWEEP_MAPS,
	SWEEP_UNMAPS,
	SWEEP_INVALIDATIONS,
	SWEEP_MAP_NS,
	SWEEP_UNMAP_NS,
	SWEEP_MODEL_MISSES,
	SWEEP_MODEL_MISSES_PER_PACKET,
	SWEEP_COLUMNS,
};

/* What came of a point; NAN where a figure does not apply. */
struct sweep_row {
	struct sweep_point point;
	bool is_done;	 /* false: not run */
	char error[256]; /* "": it ran */
	double value[SWEEP_COLUMNS];
};

/** Runs the file that the options name; the program's exit status. Main thread, before EAL. */
int sweep_run(void);

/* --- sweep_plan.c --------------------------------------------------------------------------- */

/** Reads a file; -EINVAL names the key that is wrong. */
int sweep_plan_load(const char *path, struct sweep_plan *plan, struct base_error *err);
unsigned int sweep_plan_points(const struct sweep_plan *plan);
struct sweep_point sweep_plan_point(const struct sweep_plan *plan, unsigned int n);
/** The value of an axis at a point, as the file has it. */
const char *sweep_plan_value(const struct sweep_plan *plan, const struct sweep_point *point,
			     enum sweep_axis axis);
/** "page-size": the key in the file; "page_size": the name of the column. */
const char *sweep_axis_key(enum sweep_axis axis);
const char *sweep_axis_column(enum sweep_axis axis);
/** "4k pages, 32 queues, rings of 1024, static, 1514 B, 3 % loss" */
void sweep_point_text(const struct sweep_plan *plan, const struct sweep_point *point, char *text,
		      size_t size);

/* --- sweep_point.c -------------------------------------------------------------------------- */

/**
 * Runs a point in a process of its own and fills in the row; -EINTR: *is_stopping was set
 * meanwhile, the process is gone and the row is not done. A point that fails is 0, with row->error.
 */
int sweep_point_run(const struct sweep_plan *plan, struct sweep_row *row,
		    const volatile int *is_stopping);
/** Fills in the row from a report on exit, JSON of `length` bytes; else row->error. */
void sweep_point_read(const struct sweep_plan *plan, struct sweep_row *row, const char *json,
		      size_t length);

/* --- sweep_table.c, sweep_plot.c ------------------------------------------------------------ */

/** Name and digits behind the point (0: a whole number) of a column. */
const char *sweep_column_name(enum sweep_column column);
int sweep_column_digits(enum sweep_column column);

/** Write the rows that are done; -errno. */
int sweep_table_csv(const struct sweep_plan *plan, const struct sweep_row *rows, unsigned int count,
		    FILE *file);
int sweep_table_json(const struct sweep_plan *plan, const struct sweep_row *rows,
		     unsigned int count, FILE *file);
int sweep_plot_svg(const struct sweep_plan *plan, const struct sweep_row *rows, unsigned int count,
		   FILE *file);

/** The smallest of 1, 2, 2.5, 5 times a power of ten that is at least `value`; 1 for 0. */
double sweep_plot_round_up(double value);
