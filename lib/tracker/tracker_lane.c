/* SPDX-License-Identifier: BSD-3-Clause */
/* Lanes: what the queues of one lcore share, and when they count. */
#include <errno.h>
#include <stdlib.h>

#include <rte_cycles.h>

#include "tracker_private.h"

#define WINDOW	     (UINT32_C(1) << 18) /* accesses; longer than any ring's turn */
#define PAUSE	     15			 /* windows of time without counting after one with */
#define PAUSES_A_SEC 10			 /* at least, however slow the traffic */
#define PAUSE_BURSTS 32			 /* between looks at the time */
#define AGE_MAX	     (UINT32_C(1) << 30) /* a quarter of what a stamp tells apart */

/* The shadow sees one access of 16, in a row. What it held before is from another time. */
#define SHADOW_LEAST   (UINT32_C(1) << 13)
#define SHADOW_ENTRIES 16 /* accesses in a row, in entries of the IOTLB */
#define SHADOW_WARM    4  /* of these are not counted */
#define SHADOW_REST    15

/* --- control -------------------------------------------------------------------------------- */

static int lane_create(struct tracker *tracker, unsigned int lcore, struct tracker_lane **out)
{
	const struct iotlb_geometry *profile = &tracker->profile;
	struct tracker_lane *lane;
	void *memory;
	int ret = 0;

	if (posix_memalign(&memory, RTE_CACHE_LINE_SIZE, sizeof(*lane)) != 0)
		return -ENOMEM;
	lane = memory;
	*lane = (struct tracker_lane){.tracker = tracker, .lcore = lcore, .flushed = 1};
	lane->is_flushing = profile->replacement == IOTLB_FLUSH;
	if (!lane->is_flushing &&
	    (profile->replacement != IOTLB_LRU || profile->ways != profile->entries))
		ret = iotlb_shadow_create(profile, &lane->shadow);
	if (ret != 0) {
		free(lane);
		return ret;
	}
	lane->next = tracker->lanes;
	tracker->lanes = lane;
	*out = lane;
	return 0;
}

static void lane_destroy(struct tracker_lane *lane)
{
	struct tracker_lane **link = &lane->tracker->lanes;

	while (*link != lane)
		link = &(*link)->next;
	*link = lane->next;
	while (lane->stamps != NULL) {
		struct tracker_stamps *stamps = lane->stamps;

		lane->stamps = stamps->next;
		free(stamps->stamp);
		free(stamps);
	}
	iotlb_shadow_destroy(lane->shadow);
	free(lane);
}

static int stamps_take(struct tracker_lane *lane, struct tracker_domain *domain, uint32_t **stamp)
{
	struct tracker_stamps *stamps = lane->stamps;

	while (stamps != NULL && stamps->domain != domain)
		stamps = stamps->next;
	if (stamps == NULL) {
		stamps = calloc(1, sizeof(*stamps));
		if (stamps == NULL)
			return -ENOMEM;
		stamps->stamp = calloc(domain->pages + 1, sizeof(*stamps->stamp));
		if (stamps->stamp == NULL) {
			free(stamps);
			return -ENOMEM;
		}
		stamps->domain = domain;
		stamps->next = lane->stamps;
		lane->stamps = stamps;
	}
	*stamp = stamps->stamp;
	return 0;
}

int tracker_lane_take(struct tracker_domain *domain, unsigned int lcore, struct tracker_lane **out,
		      uint32_t **stamp)
{
	struct tracker_lane *lane = domain->tracker->lanes;
	int ret = 0;

	while (lane != NULL && lane->lcore != lcore)
		lane = lane->next;
	if (lane == NULL)
		ret = lane_create(domain->tracker, lcore, &lane);
	if (ret != 0)
		return ret;
	lane->users++;
	ret = stamps_take(lane, domain, stamp);
	if (ret != 0) {
		tracker_lane_give(lane);
		return ret;
	}
	*out = lane;
	return 0;
}

void tracker_lane_give(struct tracker_lane *lane)
{
	if (--lane->users == 0)
		lane_destroy(lane);
}

void tracker_lanes_forget(const struct tracker_domain *domain)
{
	for (struct tracker_lane *lane = domain->tracker->lanes; lane != NULL; lane = lane->next) {
		struct tracker_stamps **link = &lane->stamps, *stamps;

		while (*link != NULL && (*link)->domain != domain)
			link = &(*link)->next;
		stamps = *link;
		if (stamps == NULL)
			continue;
		*link = stamps->next;
		free(stamps->stamp);
		free(stamps);
	}
}

void tracker_lane_settle(struct tracker_lane *lane)
{
	struct tracker_probe *probe = lane->tracker->probes;

	for (; probe != NULL; probe = probe->next) {
		if (probe->lane != lane)
			continue;
		if (probe->is_waiting)
			tracker_burst_count_sent(probe);
		probe->is_linked = false;
		probe->waiting = NULL;
		probe->offered = 0;
	}
	lane->polled = NULL;
	lane->waiting = NULL;
}

/* --- the polling lcore ---------------------------------------------------------------------- */

static uint32_t shadow_period(const struct tracker_lane *lane)
{
	uint32_t accesses = SHADOW_ENTRIES * lane->tracker->profile.entries;

	return accesses < SHADOW_LEAST ? SHADOW_LEAST : accesses;
}

static void shadow_turn(struct tracker_lane *lane)
{
	bool is_first = lane->shadow_turn == 0;

	lane->is_shadowing = !lane->is_shadowing;
	lane->shadow_turn =
		lane->clock + shadow_period(lane) * (lane->is_shadowing ? 1 : SHADOW_REST);
	if (lane->is_shadowing && !is_first)
		lane->shadow_warm = SHADOW_WARM * lane->tracker->profile.entries;
}

static void set_turn(struct tracker_lane *lane)
{
	lane->turn = lane->since + (lane->is_sampling ? WINDOW : AGE_MAX);
	if (lane->shadow != NULL && (int32_t)(lane->shadow_turn - lane->turn) < 0)
		lane->turn = lane->shadow_turn;
}

static void rest(struct tracker_lane *lane)
{
	uint64_t now = rte_rdtsc(), pause = (now - lane->window_start) * PAUSE;
	uint64_t longest = rte_get_tsc_hz() / PAUSES_A_SEC; /* 0 where there is no EAL */

	if (longest != 0 && pause > longest)
		pause = longest;
	lane->window_next = now + pause;
	lane->pause = PAUSE_BURSTS;
	lane->is_counting = false;
}

void tracker_lane_turn(struct tracker_lane *lane)
{
	if (lane->is_sampling && lane->clock - lane->since >= WINDOW) {
		rest(lane);
		return;
	}
	/* Stamps older than that could be taken for newer ones soon. */
	if (lane->clock - lane->since >= AGE_MAX)
		lane->since = lane->clock - AGE_MAX / 2;
	if (lane->clock - lane->flushed >= AGE_MAX)
		lane->flushed = lane->clock - AGE_MAX / 2;
	if (lane->shadow != NULL && (int32_t)(lane->clock - lane->shadow_turn) >= 0)
		shadow_turn(lane);
	set_turn(lane);
}

static void window_begin(struct tracker_lane *lane)
{
	lane->is_first = lane->clock == 0;
	lane->clock += TRACKER_GAP;
	lane->since = lane->clock;
	lane->window_start = rte_rdtsc();
	lane->is_counting = true;
	if (lane->shadow != NULL && lane->shadow_turn == 0)
		shadow_turn(lane);
	set_turn(lane);
}

bool tracker_lane_wakes(struct tracker_lane *lane, uint32_t mode)
{
	/* Queues hear of a change one after the other: the newest counts. */
	if ((int32_t)(mode - lane->mode) > 0) {
		lane->mode = mode;
		lane->is_sampling = (mode & 3) == TRACKER_SAMPLED;
		window_begin(lane);
		return true;
	}
	if (lane->is_counting)
		return true;
	if (--lane->pause > 0)
		return false;
	lane->pause = PAUSE_BURSTS;
	if ((int64_t)(rte_rdtsc() - lane->window_next) < 0)
		return false;
	window_begin(lane);
	return true;
}
