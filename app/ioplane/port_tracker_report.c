/* SPDX-License-Identifier: BSD-3-Clause */
/* What trackers estimate, as a snapshot has it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port_tracker.h"
#include "port_tracker_unit.h"

_Static_assert(TRACKER_CURVE_POINTS == STATS_CURVE_POINTS, "the same points");

static void copy_word(char *to, const char *from)
{
	snprintf(to, STATS_WORD_SIZE, "%s", from);
}

void port_tracker_collect_queue(const struct port *port, bool is_rx, uint16_t queue,
				struct stats_model *out)
{
	struct tracker_queue *tracked = port_tracker_queue(port, is_rx, queue);
	const struct tracked_unit *unit = port_tracker_unit(port);
	struct tracker_figures figures;

	*out = (struct stats_model){0};
	if (tracked == NULL || tracker_queue_read(tracked, &figures) != 0)
		return;
	/* never looked at: that is not the same as 0 */
	if (figures.mode == TRACKER_OFF && figures.accesses == 0)
		return;
	*out = (struct stats_model){
		.is_tracked = true,
		.has_ring = port_tracker_has_ring(port, is_rx, queue),
		.accesses = figures.accesses,
		.ring_accesses = figures.ring_accesses,
		.pages_touched = figures.pages_touched,
		.working_set = figures.working_set,
		.entries_needed = figures.entries_needed,
		.predicted_misses = figures.predicted_misses,
		.share_ppm = figures.share_ppm,
		.beyond = figures.beyond,
	};
	snprintf(out->unit, sizeof(out->unit), "%s", unit->name);
	copy_word(out->mode, port_tracker_mode_name(figures.mode));
	copy_word(out->profile, unit->profile.name);
	memcpy(out->alone_ppm, figures.alone_ppm, sizeof(out->alone_ppm));
	memcpy(out->shared_ppm, figures.shared_ppm, sizeof(out->shared_ppm));
}

static void collect_unit(const struct tracked_unit *unit, struct stats_unit *out)
{
	struct tracker_unit_figures figures = {.working_set = TRACKER_NONE};

	/* without memory to compose them the unit is there, and its figures are 0 */
	if (tracker_read(unit->tracker, &figures) != 0)
		figures.method = "n/a";
	*out = (struct stats_unit){
		.entries = unit->profile.entries,
		.accesses = figures.accesses,
		.pages_touched = figures.pages_touched,
		.working_set = figures.working_set,
		.entries_needed = figures.entries_needed,
		.predicted_misses = figures.predicted_misses,
		.lanes = figures.lanes,
	};
	snprintf(out->name, sizeof(out->name), "%s", unit->name);
	snprintf(out->backend, sizeof(out->backend), "%s", unit->backend);
	copy_word(out->mode, port_tracker_mode_name(tracker_mode(unit->tracker)));
	copy_word(out->profile, unit->profile.name);
	copy_word(out->method, figures.method);
	memcpy(out->curve_ppm, figures.miss_ppm, sizeof(out->curve_ppm));
}

int port_tracker_collect_units(struct stats_report *report)
{
	unsigned int count = 0;

	for (struct tracked_unit *unit = NULL; (unit = tracked_unit_next(unit)) != NULL;)
		count++;
	if (count == 0)
		return 0;
	report->units = calloc(count, sizeof(*report->units));
	if (report->units == NULL)
		return -ENOMEM;
	for (struct tracked_unit *unit = NULL; (unit = tracked_unit_next(unit)) != NULL;)
		collect_unit(unit, &report->units[report->unit_count++]);
	return 0;
}
