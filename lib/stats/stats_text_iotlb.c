/* SPDX-License-Identifier: BSD-3-Clause */
/* What queues ask of an IOTLB as tables: what was counted, and apart from it what is estimated. */
#include <inttypes.h>
#include <string.h>

#include "stats.h"
#include "stats_place.h"
#include "stats_table.h"

#define PLOT_WIDTH 50

static void row_iotlb(struct stats_table *table, const struct stats_place *place)
{
	const struct stats_queue *queue = place->queue;
	const struct stats_iotlb *iotlb = &queue->iotlb;

	stats_place_add(table, place);
	stats_table_add_u64(table, queue->packets);
	stats_table_add_u64(table, queue->bytes);
	stats_table_add_u64(table, queue->drops);
	stats_table_add(table, "%s", stats_source_name(iotlb->source));
	stats_table_add_u64(table, iotlb->lookups);
	stats_table_add_u64(table, iotlb->hits);
	stats_table_add_u64(table, iotlb->misses);
	stats_table_add_u64(table, iotlb->walk_reads);
	stats_table_add_u64(table, iotlb->faults);
}

static void row_model(struct stats_table *table, const struct stats_place *place)
{
	const struct stats_model *model = &place->queue->iotlb.model;

	if (!model->is_tracked)
		return;
	stats_place_add(table, place);
	stats_table_add(table, "%s", model->unit);
	stats_table_add(table, "%s", stats_source_name(STATS_SOURCE_MODEL));
	stats_table_add(table, "%s", model->mode);
	stats_table_add_u64(table, model->accesses);
	stats_table_add_u64(table, model->ring_accesses);
	stats_table_add_u64(table, model->pages_touched);
	stats_table_add_u64(table, model->working_set);
	stats_table_add_u64(table, model->entries_needed);
	stats_table_add(table, "%s", model->profile);
	stats_table_add_u64(table, model->predicted_misses);
	stats_table_add(table, "%" PRIu32, model->share_ppm);
	stats_table_add_u64(table, model->beyond);
}

static void row_ring(struct stats_table *table, const struct stats_place *place)
{
	if (place->queue->iotlb.model.is_tracked && !place->queue->iotlb.model.has_ring)
		stats_place_add(table, place);
}

static void row_tracked(struct stats_table *table, const struct stats_place *place)
{
	if (place->queue->iotlb.model.is_tracked)
		stats_place_add(table, place);
}

static bool is_any(const struct stats_report *report, const struct stats_port *port, int queue,
		   void (*row)(struct stats_table *table, const struct stats_place *place))
{
	static const char *const titles[] = {"port", "queue", NULL};
	struct stats_table *table = stats_table_create(titles);
	bool is_empty;

	stats_place_each(report, port, queue, row, table);
	is_empty = stats_table_is_empty(table);
	stats_table_destroy(table);
	return !is_empty;
}

static void text_model(const struct stats_report *report, const struct stats_port *port, int queue,
		       FILE *file)
{
	static const char *const titles[] = {"port",	       "queue",		"unit",
					     "source",	       "mode",		"page-accesses",
					     "ring-accesses",  "pages-touched", "working-set",
					     "entries-needed", "profile",	"predicted-misses",
					     "share-ppm",      "beyond",	NULL};
	static const char *const ring_titles[] = {"port", "queue", NULL};
	struct stats_table *table = stats_table_create(titles);

	stats_place_each(report, port, queue, row_model, table);
	fprintf(file, "IOTLB model (estimated from the addresses that queues used)\n");
	stats_table_finish(table, file);
	if (!is_any(report, port, queue, row_ring))
		return;
	table = stats_table_create(ring_titles);
	stats_place_each(report, port, queue, row_ring, table);
	fprintf(file, "rings: not known (their descriptors are not in the model)\n");
	stats_table_finish(table, file);
}

void stats_text_iotlb(const struct stats_report *report, const struct stats_port *port, int queue,
		      FILE *file)
{
	static const char *const titles[] = {"port",   "queue",	     "packets",	      "bytes",
					     "drops",  "source",     "iotlb-lookups", "hits",
					     "misses", "walk-reads", "faults",	      NULL};
	struct stats_table *table = stats_table_create(titles);

	stats_place_each(report, port, queue, row_iotlb, table);
	fprintf(file, "Queues and their IOTLB\n");
	stats_table_finish(table, file);
	if (is_any(report, port, queue, row_tracked))
		text_model(report, port, queue, file);
}

/* --- curves ---------------------------------------------------------------------------------- */

static struct stats_table *create_curves(const char *first, const char *second, const char *third)
{
	const char *titles[3 + STATS_CURVE_POINTS + 1] = {first, second, third};
	char text[STATS_CURVE_POINTS][24];

	for (unsigned int i = 0; i < STATS_CURVE_POINTS; i++) {
		snprintf(text[i], sizeof(text[i]), "%" PRIu64, STATS_CURVE_ENTRIES(i));
		titles[3 + i] = text[i];
	}
	return stats_table_create(titles);
}

static void add_curve(struct stats_table *table, const uint32_t *curve_ppm)
{
	for (unsigned int i = 0; i < STATS_CURVE_POINTS; i++)
		stats_table_add(table, "%" PRIu32 ".%06" PRIu32, curve_ppm[i] / 1000000,
				curve_ppm[i] % 1000000);
}

static void row_curves(struct stats_table *table, const struct stats_place *place)
{
	const struct stats_model *model = &place->queue->iotlb.model;

	if (!model->is_tracked)
		return;
	stats_place_add(table, place);
	stats_table_add(table, "alone");
	add_curve(table, model->alone_ppm);
	stats_place_add(table, place);
	stats_table_add(table, "shared");
	add_curve(table, model->shared_ppm);
}

static void text_units(const struct stats_report *report, FILE *file)
{
	static const char *const titles[] = {"unit",
					     "backend",
					     "source",
					     "mode",
					     "profile",
					     "entries",
					     "method",
					     "lanes",
					     "page-accesses",
					     "pages-touched",
					     "working-set",
					     "entries-needed",
					     "predicted-misses",
					     NULL};
	struct stats_table *table = stats_table_create(titles);

	for (unsigned int i = 0; i < report->unit_count; i++) {
		const struct stats_unit *unit = &report->units[i];

		stats_table_add(table, "%s", unit->name);
		stats_table_add(table, "%s", unit->backend);
		stats_table_add(table, "%s", stats_source_name(STATS_SOURCE_MODEL));
		stats_table_add(table, "%s", unit->mode);
		stats_table_add(table, "%s", unit->profile);
		stats_table_add_u64(table, unit->entries);
		stats_table_add(table, "%s", unit->method);
		stats_table_add_u64(table, unit->lanes);
		stats_table_add_u64(table, unit->accesses);
		stats_table_add_u64(table, unit->pages_touched);
		stats_table_add_u64(table, unit->working_set);
		stats_table_add_u64(table, unit->entries_needed);
		stats_table_add_u64(table, unit->predicted_misses);
	}
	fprintf(file, "IOTLB model by unit (all queues behind it together)\n");
	stats_table_finish(table, file);
	table = create_curves("unit", "source", "queues");
	for (unsigned int i = 0; i < report->unit_count; i++) {
		stats_table_add(table, "%s", report->units[i].name);
		stats_table_add(table, "%s", stats_source_name(STATS_SOURCE_MODEL));
		stats_table_add(table, "all");
		add_curve(table, report->units[i].curve_ppm);
	}
	fprintf(file, "Miss ratio by IOTLB entries, by unit (model)\n");
	stats_table_finish(table, file);
}

static void plot(const struct stats_unit *unit, FILE *file)
{
	static const char bar[PLOT_WIDTH + 1] =
		"##################################################";

	fprintf(file, "Miss ratio of unit %s by IOTLB entries (model)\n", unit->name);
	for (unsigned int i = 0; i < STATS_CURVE_POINTS; i++) {
		uint64_t width = ((uint64_t)unit->curve_ppm[i] * PLOT_WIDTH + 999999) / 1000000;

		fprintf(file, "  %6" PRIu64 " |%-*.*s| %5.1f %%\n", STATS_CURVE_ENTRIES(i),
			PLOT_WIDTH, (int)(width < PLOT_WIDTH ? width : PLOT_WIDTH), bar,
			(double)unit->curve_ppm[i] / 1e4);
	}
}

void stats_text_curves(const struct stats_report *report, const struct stats_port *port, int queue,
		       bool has_plot, FILE *file)
{
	struct stats_table *table = create_curves("port", "queue", "iotlb");

	stats_place_each(report, port, queue, row_curves, table);
	fprintf(file, "Miss ratio by IOTLB entries, by queue (model)\n");
	stats_table_finish(table, file);
	text_units(report, file);
	for (unsigned int i = 0; has_plot && i < report->unit_count; i++)
		plot(&report->units[i], file);
}
