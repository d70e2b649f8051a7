/* SPDX-License-Identifier: BSD-3-Clause */
/* Figures: from what the probes have counted to curves, misses and shares. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "iotlb_curve.h"
#include "tracker_private.h"

#define HIT_RATIO_WANTED 0.99
#define PPM		 1e6

#define SHADOW_ACCESSES_LEAST 4096

/* --- snapshots ------------------------------------------------------------------------------ */

static uint64_t load(const uint64_t *field)
{
	return __atomic_load_n(field, __ATOMIC_RELAXED);
}

/* All of a struct of counters. */
static void load_all(uint64_t *to, const uint64_t *from, size_t size)
{
	for (size_t i = 0; i < size / sizeof(*to); i++)
		to[i] = load(&from[i]);
}

static void snapshot(const struct tracker_probe *probe, struct tracker_counts *counts,
		     struct iotlb_reuse *reuse)
{
	load_all((uint64_t *)counts, (const uint64_t *)&probe->counts, sizeof(*counts));
	load_all(reuse->fresh, probe->fresh, sizeof(reuse->fresh));
	reuse->cold = counts->cold;
	reuse->accesses = reuse->cold;
	for (unsigned int i = 0; i < IOTLB_REUSE_BUCKETS; i++) {
		reuse->count[i] = 0;
		for (unsigned int copy = 0; copy < TRACKER_COPIES; copy++)
			reuse->count[i] += load(&probe->count[copy][i]);
		reuse->accesses += reuse->count[i] + reuse->fresh[i];
	}
	reuse->count[iotlb_reuse_index(1)] += counts->repeated;
	reuse->accesses += counts->repeated;
}

void tracker_probe_snapshot(const struct tracker_probe *probe, struct tracker_counts *counts,
			    struct iotlb_reuse *reuse)
{
	const uint64_t *base = (const uint64_t *)&probe->base;
	uint64_t *since = (uint64_t *)counts;

	snapshot(probe, counts, reuse);
	iotlb_reuse_subtract(reuse, &probe->base_reuse);
	for (size_t i = 0; i < sizeof(*counts) / sizeof(*since); i++)
		since[i] -= base[i];
}

void tracker_probe_rebase(struct tracker_probe *probe)
{
	snapshot(probe, &probe->base, &probe->base_reuse);
}

/* --- the unit ------------------------------------------------------------------------------- */

struct lane_model {
	const struct tracker_lane *lane;
	struct iotlb_reuse reuse;
	double accesses; /* scaled up by what was not counted */
};

/* Everything behind the unit at one moment. */
struct model {
	struct tracker *tracker;
	struct lane_model *lane;
	struct iotlb_load *load;
	unsigned int lanes;
	double accesses;
	double time[TRACKER_CURVE_POINTS]; /* eviction times, in accesses of all */
	double profile_time;
	const char *method;
};

/* A queue at one moment. */
struct sample {
	struct tracker_counts counts;
	struct iotlb_reuse reuse;
	double factor; /* accesses for each that was counted */
};

static void take_sample(const struct tracker_probe *probe, struct sample *sample)
{
	const struct tracker_counts *counts = &sample->counts;

	tracker_probe_snapshot(probe, &sample->counts, &sample->reuse);
	sample->factor =
		counts->counted == 0 ? 1 : fmax(1, (double)counts->packets / counts->counted);
}

static struct lane_model *find_lane(const struct model *model, const struct tracker_lane *lane)
{
	for (unsigned int i = 0; i < model->lanes; i++) {
		if (model->lane[i].lane == lane)
			return &model->lane[i];
	}
	return NULL;
}

static int gather(struct model *model)
{
	struct tracker *tracker = model->tracker;
	struct sample *sample = malloc(sizeof(*sample));
	unsigned int lanes = 0;

	for (struct tracker_lane *lane = tracker->lanes; lane != NULL; lane = lane->next)
		lanes++;
	model->lane = calloc(lanes + 1, sizeof(*model->lane));
	model->load = calloc(lanes + 1, sizeof(*model->load));
	if (sample == NULL || model->lane == NULL || model->load == NULL) {
		free(sample);
		return -ENOMEM;
	}
	for (struct tracker_probe *probe = tracker->probes; probe != NULL; probe = probe->next) {
		struct lane_model *lane = find_lane(model, probe->lane);

		take_sample(probe, sample);
		/* Counted one after the other: either may lag behind. */
		if (sample->reuse.accesses == 0 || sample->counts.accesses == 0)
			continue;
		if (lane == NULL) {
			lane = &model->lane[model->lanes++];
			lane->lane = probe->lane;
		}
		iotlb_reuse_merge(&lane->reuse, &sample->reuse);
		lane->accesses += (double)sample->counts.accesses * sample->factor;
		model->accesses += (double)sample->counts.accesses * sample->factor;
	}
	free(sample);
	return 0;
}

static const char *method_of(const struct model *model)
{
	const struct iotlb_geometry *profile = &model->tracker->profile;

	/* What depends on the order of single accesses is known within a lane only. */
	if (model->lanes != 1)
		return "curve";
	if (profile->replacement == IOTLB_FLUSH)
		return "flush";
	return profile->replacement == IOTLB_LRU && profile->ways == profile->entries ? "curve"
										      : "shadow";
}

static void model_fini(struct model *model)
{
	free(model->lane);
	free(model->load);
}

static int model_init(struct model *model, struct tracker *tracker)
{
	int ret;

	*model = (struct model){.tracker = tracker};
	ret = gather(model);
	if (ret != 0) {
		model_fini(model);
		return ret;
	}
	for (unsigned int i = 0; i < model->lanes; i++)
		model->load[i] = (struct iotlb_load){
			.reuse = &model->lane[i].reuse,
			.weight = model->lane[i].accesses / model->accesses,
			.scale = model->accesses / model->lane[i].accesses,
		};
	for (unsigned int i = 0; i < TRACKER_CURVE_POINTS; i++)
		model->time[i] =
			iotlb_eviction_time(model->load, model->lanes, tracker_curve_entries(i));
	model->profile_time =
		iotlb_eviction_time(model->load, model->lanes, tracker->profile.entries);
	model->method = method_of(model);
	return 0;
}

/* --- a queue -------------------------------------------------------------------------------- */

static double predict(const struct model *model, const struct sample *sample,
		      const struct iotlb_load *shared)
{
	const struct tracker_counts *counts = &sample->counts;
	double accesses = (double)counts->accesses * sample->factor;
	double cold = (double)counts->cold, ratio;

	if (model->method[0] == 'f')
		return (double)counts->flush_misses * sample->factor;
	/* Of a queue that the shadow has seen little of yet the curve tells more. */
	if (model->method[0] == 's' && counts->shadow_accesses >= SHADOW_ACCESSES_LEAST) {
		ratio = (double)counts->shadow_misses / (double)counts->shadow_accesses;
		return cold + ratio * (accesses - cold);
	}
	ratio = iotlb_miss_ratio(shared, model->profile_time);
	/* The cold ones are in the ratio, but not to be scaled up: there are no others. */
	return ratio * accesses - cold * (sample->factor - 1);
}

static uint32_t to_ppm(double ratio)
{
	return (uint32_t)lrint(fmin(fmax(ratio, 0), 1) * PPM);
}

static struct iotlb_load shared_load(const struct model *model, const struct tracker_probe *probe,
				     const struct iotlb_reuse *reuse)
{
	const struct lane_model *lane = find_lane(model, probe->lane);

	return (struct iotlb_load){
		.reuse = reuse,
		.weight = 1,
		.scale = lane == NULL ? 1 : model->accesses / lane->accesses,
	};
}

/* As if the others were not there: times shrink to the queue's part of its lane's accesses. */
static struct iotlb_load alone_load(const struct model *model, const struct tracker_probe *probe,
				    const struct sample *sample)
{
	const struct lane_model *lane = find_lane(model, probe->lane);
	double own = (double)sample->counts.accesses * sample->factor;

	return (struct iotlb_load){
		.reuse = &sample->reuse,
		.weight = 1,
		.scale = lane == NULL || own == 0 ? 1 : own / lane->accesses,
	};
}

static double predict_all(const struct model *model, struct sample *sample)
{
	double misses = 0;

	for (struct tracker_probe *probe = model->tracker->probes; probe != NULL;
	     probe = probe->next) {
		struct iotlb_load shared;

		take_sample(probe, sample);
		shared = shared_load(model, probe, &sample->reuse);
		misses += predict(model, sample, &shared);
	}
	return misses;
}

static uint64_t pages_touched(const struct tracker_probe *probe)
{
	uint64_t pages = 0;

	for (uint32_t page = 0; page < probe->domain->pages; page++)
		pages += __atomic_load_n(&probe->touched[page], __ATOMIC_RELAXED) != 0;
	return pages;
}

static void fill_queue(const struct model *model, const struct tracker_probe *probe,
		       struct sample *sample, struct tracker_figures *out)
{
	const struct tracker_counts *counts = &sample->counts;
	double all = predict_all(model, sample), misses;
	struct iotlb_load shared, alone;

	take_sample(probe, sample);
	shared = shared_load(model, probe, &sample->reuse);
	alone = alone_load(model, probe, sample);
	misses = predict(model, sample, &shared);
	*out = (struct tracker_figures){
		.mode = tracker_mode(model->tracker),
		.packets = counts->packets,
		.accesses = (uint64_t)llrint((double)counts->accesses * sample->factor),
		.ring_accesses = (uint64_t)llrint((double)counts->ring_accesses * sample->factor),
		.cold = counts->cold,
		.pages_touched = pages_touched(probe),
		.working_set = probe->working_set,
		.entries_needed = iotlb_entries_for(&alone, 1, 1 - HIT_RATIO_WANTED),
		.predicted_misses = (uint64_t)llrint(misses),
		.share_ppm = all > 0 ? to_ppm(misses / all) : 0,
		.beyond = (uint64_t)llrint((double)counts->beyond * sample->factor),
	};
	for (unsigned int i = 0; i < TRACKER_CURVE_POINTS; i++) {
		double time = iotlb_eviction_time(&alone, 1, tracker_curve_entries(i));

		out->alone_ppm[i] = to_ppm(iotlb_miss_ratio(&alone, time));
		out->shared_ppm[i] = to_ppm(iotlb_miss_ratio(&shared, model->time[i]));
	}
}

int tracker_queue_read(struct tracker_queue *queue, struct tracker_figures *out)
{
	struct tracker_probe *probe = tracker_probe(queue);
	struct sample *sample = malloc(sizeof(*sample));
	struct model model;
	int ret;

	if (sample == NULL)
		return -ENOMEM;
	ret = model_init(&model, probe->domain->tracker);
	if (ret == 0) {
		fill_queue(&model, probe, sample, out);
		model_fini(&model);
	}
	free(sample);
	return ret;
}

/* --- all queues ----------------------------------------------------------------------------- */

static uint64_t domain_pages_touched(const struct tracker_domain *domain)
{
	uint64_t pages = 0;

	for (uint32_t page = 0; page < domain->pages; page++) {
		const struct tracker_probe *probe = domain->tracker->probes;

		while (probe != NULL &&
		       (probe->domain != domain ||
			__atomic_load_n(&probe->touched[page], __ATOMIC_RELAXED) == 0))
			probe = probe->next;
		pages += probe != NULL;
	}
	return pages;
}

static void fill_unit(const struct model *model, struct sample *sample,
		      struct tracker_unit_figures *out)
{
	const struct tracker *tracker = model->tracker;

	*out = (struct tracker_unit_figures){
		.mode = tracker_mode(tracker),
		.lanes = model->lanes,
		.accesses = (uint64_t)llrint(model->accesses),
		.working_set = tracker->working_set,
		.entries_needed =
			iotlb_entries_for(model->load, model->lanes, 1 - HIT_RATIO_WANTED),
		.predicted_misses = (uint64_t)llrint(predict_all(model, sample)),
		.method = model->method,
		.profile = tracker->profile,
	};
	for (struct tracker_probe *probe = tracker->probes; probe != NULL; probe = probe->next) {
		take_sample(probe, sample);
		out->packets += sample->counts.packets;
		out->beyond += (uint64_t)llrint((double)sample->counts.beyond * sample->factor);
	}
	for (struct tracker_domain *domain = tracker->domains; domain != NULL;
	     domain = domain->next)
		out->pages_touched += domain_pages_touched(domain);
	for (unsigned int i = 0; i < TRACKER_CURVE_POINTS; i++) {
		double ratio = 0;

		for (unsigned int n = 0; n < model->lanes; n++)
			ratio += model->load[n].weight *
				 iotlb_miss_ratio(&model->load[n], model->time[i]);
		out->miss_ppm[i] = to_ppm(ratio);
	}
}

int tracker_read(struct tracker *tracker, struct tracker_unit_figures *out)
{
	struct sample *sample = malloc(sizeof(*sample));
	struct model model;
	int ret;

	if (sample == NULL)
		return -ENOMEM;
	ret = model_init(&model, tracker);
	if (ret == 0) {
		fill_unit(&model, sample, out);
		model_fini(&model);
	}
	free(sample);
	return ret;
}
