/* SPDX-License-Identifier: BSD-3-Clause */
/* The figures of a point, from the report on exit of the process that ran it. */
#include "sweep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#define MIB	   (1024.0 * 1024)
#define QUEUES_MAX 64

/* A member's number; NAN where it is null or absent. */
static double number_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_number(value) ? json_number_value(value) : NAN;
}

/* Over all queues, of the member `key` of their member `part`; NULL: of the queue itself. */
static double sum_of(const json_t *queues, const char *part, const char *key)
{
	double sum = 0;
	json_t *queue;
	size_t i;

	json_array_foreach(queues, i, queue)
		sum += number_of(part != NULL ? json_object_get(queue, part) : queue, key);
	return sum;
}

/* What a model told, for those who want to compare. */
static double sum_of_model(const json_t *queues)
{
	double sum = 0;
	json_t *queue;
	size_t i;

	json_array_foreach(queues, i, queue)
		sum += number_of(json_object_get(json_object_get(queue, "iotlb"), "model"),
				 "predicted_misses");
	return sum;
}

struct cost {
	double ns, count;
};

static int compare_costs(const void *a, const void *b)
{
	const struct cost *left = a, *right = b;

	return left->ns < right->ns ? -1 : left->ns > right->ns;
}

/* The median over queues of their medians, each weighing as much as it has calls. */
static double median_of(const json_t *queues, const char *key)
{
	struct cost costs[QUEUES_MAX];
	unsigned int count = 0;
	double all = 0, seen = 0;
	json_t *queue;
	size_t i;

	json_array_foreach(queues, i, queue) {
		const json_t *hist = json_object_get(json_object_get(queue, "dma"), key);
		struct cost cost = {number_of(hist, "p50"), number_of(hist, "count")};

		if (count == QUEUES_MAX || isnan(cost.ns) || !(cost.count > 0))
			continue;
		costs[count++] = cost;
		all += cost.count;
	}
	qsort(costs, count, sizeof(costs[0]), compare_costs);
	for (i = 0; i < count; i++) {
		seen += costs[i].count;
		if (seen * 2 >= all)
			return costs[i].ns;
	}
	return NAN;
}

static bool is_exact(const json_t *queues)
{
	json_t *queue;
	size_t i;

	json_array_foreach(queues, i, queue) {
		const char *source = json_string_value(
			json_object_get(json_object_get(queue, "iotlb"), "source"));

		if (source == NULL || strcmp(source, "exact") != 0)
			return false;
	}
	return json_array_size(queues) > 0;
}

/* Whole counters as they are, and what is a share with the digits that tables show. */
static void put(struct sweep_row *row, enum sweep_column column, double value)
{
	double scale = pow(10, sweep_column_digits(column));

	row->value[column] = isfinite(value) ? round(value * scale) / scale : NAN;
}

static void put_shares(const struct sweep_plan *plan, struct sweep_row *row)
{
	const double *v = row->value;
	double mib = (v[SWEEP_BYTES] - v[SWEEP_PACKETS] * plan->headers) / MIB;

	put(row, SWEEP_MPPS, v[SWEEP_PACKETS] * 1e3 / v[SWEEP_DURATION]);
	put(row, SWEEP_MISSES_PER_PACKET, v[SWEEP_MISSES] / v[SWEEP_PACKETS]);
	put(row, SWEEP_MISSES_PER_MIB, v[SWEEP_MISSES] / mib);
	put(row, SWEEP_WALK_READS_PER_PACKET, v[SWEEP_WALK_READS] / v[SWEEP_PACKETS]);
	put(row, SWEEP_WALK_READS_PER_MIB, v[SWEEP_WALK_READS] / mib);
	put(row, SWEEP_MODEL_MISSES_PER_PACKET, v[SWEEP_MODEL_MISSES] / v[SWEEP_PACKETS]);
}

static void read_queues(const json_t *queues, struct sweep_row *row)
{
	put(row, SWEEP_PACKETS, sum_of(queues, NULL, "packets"));
	put(row, SWEEP_BYTES, sum_of(queues, NULL, "bytes"));
	put(row, SWEEP_LOOKUPS, sum_of(queues, "iotlb", "lookups"));
	put(row, SWEEP_MISSES, sum_of(queues, "iotlb", "misses"));
	put(row, SWEEP_WALK_READS, sum_of(queues, "iotlb", "walk_reads"));
	put(row, SWEEP_FAULTS, sum_of(queues, "iotlb", "faults"));
	put(row, SWEEP_MAPS, sum_of(queues, "dma", "maps"));
	put(row, SWEEP_UNMAPS, sum_of(queues, "dma", "unmaps"));
	put(row, SWEEP_INVALIDATIONS, sum_of(queues, "dma", "invalidations"));
	put(row, SWEEP_MAP_NS, median_of(queues, "map_ns"));
	put(row, SWEEP_UNMAP_NS, median_of(queues, "unmap_ns"));
	put(row, SWEEP_MODEL_MISSES, sum_of_model(queues));
}

void sweep_point_read(const struct sweep_plan *plan, struct sweep_row *row, const char *json,
		      size_t length)
{
	bool is_rx = plan->side == SWEEP_RX;
	json_error_t why;
	json_t *report = json_loadb(json, length, 0, &why);
	const json_t *port = json_array_get(json_object_get(report, "ports"), is_rx ? 1 : 0);
	const json_t *queues = json_object_get(port, is_rx ? "rx_queues" : "tx_queues");

	if (report == NULL)
		snprintf(row->error, sizeof(row->error), "the report is not JSON: %s", why.text);
	else if (!is_exact(queues))
		snprintf(row->error, sizeof(row->error), "the report has no exact IOTLB figures");
	else {
		read_queues(queues, row);
		put(row, SWEEP_DURATION, number_of(report, "duration_ns"));
		put_shares(plan, row);
		if (!(row->value[SWEEP_PACKETS] > 0))
			snprintf(row->error, sizeof(row->error), "no packet came through");
	}
	json_decref(report);
}
