/* SPDX-License-Identifier: BSD-3-Clause */
/* A tracker: its mode, its windows, and beginning anew. */
#include "tracker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracker_private.h"

int tracker_create(const struct iotlb_geometry *profile, struct tracker **out)
{
	struct tracker *tracker;
	int ret = iotlb_geometry_check(profile, NULL);

	if (ret != 0)
		return ret;
	tracker = calloc(1, sizeof(*tracker));
	if (tracker == NULL)
		return -ENOMEM;
	tracker->profile = *profile;
	tracker->window = TRACKER_WINDOW_FIRST;
	tracker->working_set = TRACKER_NONE;
	*out = tracker;
	return 0;
}

void tracker_destroy(struct tracker *tracker)
{
	if (tracker == NULL)
		return;
	while (tracker->domains != NULL)
		tracker_domain_destroy(tracker->domains);
	free(tracker);
}

void tracker_set_mode(struct tracker *tracker, enum tracker_mode mode)
{
	/* A new number each time: a lane that was off and on meanwhile knows that it was. */
	tracker->mode = ((tracker->mode >> 2) + 1) << 2 | mode;
	for (struct tracker_probe *probe = tracker->probes; probe != NULL; probe = probe->next)
		__atomic_store_n(&probe->queue.mode, mode == TRACKER_OFF ? 0 : tracker->mode,
				 __ATOMIC_RELAXED);
}

enum tracker_mode tracker_mode(const struct tracker *tracker)
{
	return (enum tracker_mode)(tracker->mode & 3);
}

void tracker_settle(struct tracker *tracker)
{
	for (struct tracker_lane *lane = tracker->lanes; lane != NULL; lane = lane->next)
		tracker_lane_settle(lane);
}

/* --- windows of the working set ------------------------------------------------------------- */

#define BLOCK 4096 /* pages that are looked at together */

/* The lcore may touch the page meanwhile: then it keeps what the lcore wrote. */
static void replace_byte(uint8_t *touched, uint8_t seen, uint8_t by)
{
	__atomic_compare_exchange_n(touched, &seen, by, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/*
 * Counts the pages of a block that a queue touched in the window, marks them in `all`, and takes
 * out of the way what would be taken for touched once the windows' numbers come round.
 */
static uint64_t close_block(struct tracker_probe *probe, uint32_t first, uint32_t count,
			    uint8_t window, uint8_t all[BLOCK])
{
	const uint8_t next = probe->domain->tracker->window;
	uint8_t *touched = &probe->touched[first];
	uint64_t pages = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint8_t seen = __atomic_load_n(&touched[i], __ATOMIC_RELAXED);

		if (seen <= TRACKER_EARLIER || seen == next)
			continue;
		if (seen == window) {
			pages++;
			all[i] = 1;
		}
		replace_byte(&touched[i], seen, TRACKER_EARLIER);
	}
	return pages;
}

static uint64_t close_domain(struct tracker_domain *domain, uint8_t window)
{
	struct tracker_probe *probes = domain->tracker->probes;
	uint64_t pages = 0;

	for (uint32_t first = 0; first < domain->pages; first += BLOCK) {
		uint32_t count = domain->pages - first < BLOCK ? domain->pages - first : BLOCK;
		uint8_t all[BLOCK] = {0};

		for (struct tracker_probe *probe = probes; probe != NULL; probe = probe->next) {
			if (probe->domain == domain)
				probe->working_set += close_block(probe, first, count, window, all);
		}
		for (uint32_t i = 0; i < count; i++)
			pages += all[i];
	}
	return pages;
}

void tracker_tick(struct tracker *tracker)
{
	uint8_t window = tracker->window;
	uint8_t next = window == UINT8_MAX ? TRACKER_WINDOW_FIRST : (uint8_t)(window + 1);

	__atomic_store_n(&tracker->window, next, __ATOMIC_RELAXED);
	tracker->working_set = 0;
	for (struct tracker_probe *probe = tracker->probes; probe != NULL; probe = probe->next)
		probe->working_set = 0;
	for (struct tracker_domain *domain = tracker->domains; domain != NULL;
	     domain = domain->next)
		tracker->working_set += close_domain(domain, window);
}

/* --- begin anew ----------------------------------------------------------------------------- */

static void clear_probe(struct tracker_probe *probe)
{
	tracker_probe_rebase(probe);
	probe->working_set = TRACKER_NONE;
	for (uint32_t page = 0; page < probe->domain->pages; page++) {
		uint8_t seen = __atomic_load_n(&probe->touched[page], __ATOMIC_RELAXED);

		if (seen != 0)
			replace_byte(&probe->touched[page], seen, 0);
	}
}

void tracker_clear(struct tracker *tracker)
{
	tracker->working_set = TRACKER_NONE;
	for (struct tracker_probe *probe = tracker->probes; probe != NULL; probe = probe->next)
		clear_probe(probe);
}
