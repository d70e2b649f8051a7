/* SPDX-License-Identifier: BSD-3-Clause */
/* Solves the average-eviction-time model over one or several histograms of reuse times. */
#include "iotlb_curve.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* P at the end of each bucket, of all loads with the same scale; linear in between. */
struct group {
	double scale;
	double weight;
	double above[IOTLB_REUSE_BUCKETS];
	unsigned int next; /* bucket, in a walk */
};

/* All groups on their way through time: P falls from `start` to `end` between the two moments. */
struct walk {
	struct group *groups;
	unsigned int count;
	double start_time, end_time;
	double start, end;
	double entries; /* distinct pages up to start_time, but for the correction below */
};

/* Adds a load's survival, by Kaplan and Meier: those whose end was not seen leave the risk. */
static void add_survival(double above[IOTLB_REUSE_BUCKETS], const struct iotlb_reuse *reuse,
			 double weight)
{
	double at_risk = (double)reuse->cold, survival = 1;

	for (unsigned int i = 0; i < IOTLB_REUSE_BUCKETS; i++)
		at_risk += (double)(reuse->count[i] + reuse->fresh[i]);
	for (unsigned int i = 0; i < IOTLB_REUSE_BUCKETS; i++) {
		/* There is no time 0: what was noted as such is the shortest there is. */
		double ended =
			(double)(i == 1 ? reuse->count[0] + reuse->count[1] : reuse->count[i]);
		double left = (double)reuse->fresh[i];

		if (i == 0)
			ended = 0;
		/* Within a bucket those that leave do so halfway. */
		if (at_risk - left / 2 > 0)
			survival *= fmax(0, 1 - ended / (at_risk - left / 2));
		at_risk -= ended + left;
		above[i] += weight * survival;
	}
}

/* Loads of one scale are one: then there are as many groups as threads, not as queues. */
static int walk_begin(struct walk *walk, const struct iotlb_load *loads, unsigned int n)
{
	*walk = (struct walk){.groups = calloc(n + 1, sizeof(*walk->groups)), .start = 1, .end = 0};
	if (walk->groups == NULL)
		return -1;
	for (unsigned int i = 0; i < n; i++) {
		unsigned int g = 0;

		if (loads[i].reuse->accesses == 0 || loads[i].weight <= 0)
			continue;
		while (g < walk->count && walk->groups[g].scale != loads[i].scale)
			g++;
		walk->groups[g].scale = loads[i].scale;
		walk->groups[g].weight += loads[i].weight;
		walk->count += g == walk->count;
		add_survival(walk->groups[g].above, loads[i].reuse, loads[i].weight);
		walk->end += loads[i].weight;
	}
	walk->start = walk->end;
	return 0;
}

static void walk_end(struct walk *walk)
{
	free(walk->groups);
}

static double bucket_start(const struct group *group)
{
	return group->next == 0 ? 0 : iotlb_reuse_end(group->next - 1) * group->scale;
}

static double bucket_end(const struct group *group)
{
	return iotlb_reuse_end(group->next) * group->scale;
}

/* P of a group, weighted, at a moment in its bucket. */
static double group_at(const struct group *group, double time)
{
	double start = bucket_start(group), end = bucket_end(group);
	double before = group->next == 0 ? group->weight : group->above[group->next - 1];

	if (end <= start)
		return group->above[group->next];
	return before + (group->above[group->next] - before) * (time - start) / (end - start);
}

/* To the next moment at which any group's slope changes; false: there is none. */
static bool walk_step(struct walk *walk)
{
	double next = INFINITY;

	walk->entries += (walk->start + walk->end) / 2 * (walk->end_time - walk->start_time);
	walk->start_time = walk->end_time;
	walk->start = walk->end;
	for (unsigned int g = 0; g < walk->count; g++) {
		const struct group *group = &walk->groups[g];

		if (group->next < IOTLB_REUSE_BUCKETS)
			next = fmin(next, bucket_end(group));
	}
	if (next == INFINITY)
		return false;
	walk->end_time = next;
	walk->end = 0;
	for (unsigned int g = 0; g < walk->count; g++) {
		struct group *group = &walk->groups[g];

		if (group->next == IOTLB_REUSE_BUCKETS) {
			walk->end += group->above[IOTLB_REUSE_BUCKETS - 1];
			continue;
		}
		walk->end += group_at(group, next);
		while (group->next < IOTLB_REUSE_BUCKETS && bucket_end(group) <= next)
			group->next++;
	}
	return true;
}

static double walk_ratio(const struct walk *walk, double time)
{
	double width = walk->end_time - walk->start_time;

	return width <= 0 ? walk->end
			  : walk->start +
				    (walk->end - walk->start) * (time - walk->start_time) / width;
}

/*
 * Distinct pages up to a moment of this step. P is a staircase of whole accesses, whose sum is more
 * than the area below the line through its lower corners, by half of how far it has come down.
 */
static double walk_entries(const struct walk *walk, double time)
{
	double ratio = walk_ratio(walk, time);

	return walk->entries + (walk->start + ratio) / 2 * (time - walk->start_time) +
	       (1 - ratio) / 2;
}

static double solve(const struct walk *walk, double entries)
{
	double low = walk->start_time, high = walk->end_time;

	for (unsigned int i = 0; i < 60; i++) {
		double middle = (low + high) / 2;

		if (walk_entries(walk, middle) < entries)
			low = middle;
		else
			high = middle;
	}
	return high;
}

double iotlb_eviction_time(const struct iotlb_load *loads, unsigned int n, uint32_t entries)
{
	struct walk walk;
	double time;

	if (walk_begin(&walk, loads, n) != 0)
		return NAN;
	time = INFINITY;
	while (time == INFINITY && walk_step(&walk)) {
		if (walk_entries(&walk, walk.end_time) >= entries)
			time = solve(&walk, entries);
	}
	/* Beyond the longest reuse time there are only new pages. */
	if (time == INFINITY && walk.end > 0)
		time = walk.end_time + (entries - walk_entries(&walk, walk.end_time)) / walk.end;
	walk_end(&walk);
	return time;
}

double iotlb_miss_ratio(const struct iotlb_load *load, double time)
{
	double above[IOTLB_REUSE_BUCKETS] = {0};
	double own = time / load->scale, before, start;
	uint32_t index;

	if (load->reuse->accesses == 0)
		return 0;
	add_survival(above, load->reuse, 1);
	/* NAN too, the time of an IOTLB that no memory was left to solve. */
	if (!(own < IOTLB_REUSE_MAX))
		return above[IOTLB_REUSE_BUCKETS - 1];
	index = own < 1 ? 0 : iotlb_reuse_index((uint32_t)own);
	while (iotlb_reuse_end(index) < own)
		index++;
	before = index == 0 ? 1 : above[index - 1];
	start = index == 0 ? 0 : iotlb_reuse_end(index - 1);
	return before + (above[index] - before) * (own - start) / (iotlb_reuse_end(index) - start);
}

static double never_seen_again(const struct walk *walk)
{
	double ratio = 0;

	for (unsigned int g = 0; g < walk->count; g++)
		ratio += walk->groups[g].above[IOTLB_REUSE_BUCKETS - 1];
	return ratio;
}

uint64_t iotlb_entries_for(const struct iotlb_load *loads, unsigned int n, double ratio)
{
	struct walk walk;
	double entries = 0, limit, width;

	if (walk_begin(&walk, loads, n) != 0 || walk.count == 0) {
		walk_end(&walk);
		return 0;
	}
	limit = never_seen_again(&walk);
	limit += ratio * (walk.start - limit);
	while (walk_step(&walk)) {
		if (walk.end > limit)
			continue;
		width = walk.end_time - walk.start_time;
		entries = walk_entries(&walk,
				       walk.start <= limit || walk.start <= walk.end
					       ? walk.start_time
					       : walk.start_time + width * (walk.start - limit) /
									   (walk.start - walk.end));
		break;
	}
	walk_end(&walk);
	return (uint64_t)ceil(entries - 1e-6);
}
