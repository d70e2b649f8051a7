/* SPDX-License-Identifier: BSD-3-Clause */
/* Sets models and the unit against exact LRU, workload by workload; one line of JSON a figure. */
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "accuracy_model.h"
#include "accuracy_truth.h"

#define FULL	0 /* models by number */
#define SAMPLED 1

static struct {
	const char *captures;
	const char *load; /* NULL: all */
	uint64_t accesses;
	uint64_t unit_accesses;
	enum accuracy_blindness blindness;
	bool is_quick;
} options = {
	.captures = ".",
	.accesses = 8000000,
	.unit_accesses = 400000,
};

static struct accuracy_rig rig;
static struct accuracy_trace trace;

/* --- traffic -------------------------------------------------------------------------------- */

static bool is_enough(uint64_t wanted)
{
	return __atomic_load_n(&trace.count, __ATOMIC_RELAXED) >= wanted;
}

static int poll_second(void *wanted)
{
	while (!is_enough(*(uint64_t *)wanted))
		accuracy_rig_round(&rig, 1);
	return 0;
}

/* Until so many lookups were made; what moves nothing would go on for ever. */
static void run(uint64_t wanted)
{
	unsigned int worker = rte_get_next_lcore(-1, 1, 0), idle = 0;

	accuracy_rig_inject(&rig);
	if (rig.load->lcores > 1)
		accuracy_check(rte_eal_remote_launch(poll_second, &wanted, worker) == 0);
	while (!is_enough(wanted)) {
		uint64_t before = trace.count;

		accuracy_rig_round(&rig, 0);
		idle = trace.count == before ? idle + 1 : 0;
		accuracy_check(idle < 1000000);
	}
	rte_eal_mp_wait_lcore();
}

/* --- the unit ------------------------------------------------------------------------------- */

static void measure_unit(const struct accuracy_load *load, unsigned int size)
{
	struct iotlb_geometry geometry = {.name = "accuracy", .replacement = IOTLB_LRU};
	struct iommu_counters counters;
	uint32_t entries = accuracy_entries(size);
	uint64_t misses;

	geometry.entries = geometry.ways = entries;
	accuracy_rig_create(load, &geometry, options.captures, &trace, &rig);
	trace.count = 0;
	run(options.unit_accesses);
	accuracy_rig_counters(&rig, &counters);
	accuracy_check(counters.faults == 0 && counters.lookups == trace.count);
	misses = accuracy_truth_misses(&trace, entries);
	printf("{\"what\":\"unit\",\"load\":\"%s\",\"entries\":%u,\"lookups\":%" PRIu64
	       ",\"unit\":%" PRIu64 ",\"lru\":%" PRIu64 "}\n",
	       load->name, entries, trace.count, counters.misses, misses);
	accuracy_rig_destroy(&rig);
}

/* --- the models ----------------------------------------------------------------------------- */

static double ratio(uint64_t part, uint64_t whole)
{
	return whole == 0 ? 0 : (double)part / (double)whole;
}

static void print_curve(const struct accuracy_truth *truth, struct tracker *const *tracker)
{
	struct tracker_unit_figures full, sampled;

	accuracy_check(tracker_read(tracker[FULL], &full) == 0);
	accuracy_check(tracker_read(tracker[SAMPLED], &sampled) == 0);
	for (unsigned int size = 0; size < ACCURACY_SIZES; size++)
		printf("{\"what\":\"%s\",\"load\":\"%s\",\"entries\":%u,\"exact\":%.6f,"
		       "\"estimate\":%.6f,\"full\":%.6f,\"sampled\":%.6f}\n",
		       rig.load->lcores > 1 ? "lanes"
		       : rig.load->is_hard  ? "hard"
					    : "curve",
		       rig.load->name, accuracy_entries(size),
		       ratio(truth->misses[size], truth->lookups), truth->estimate[size],
		       full.miss_ppm[size] / 1e6, sampled.miss_ppm[size] / 1e6);
}

static void print_profile(struct tracker *const *tracker, const struct iommu_counters *counters)
{
	static const char *const names[ACCURACY_MODELS] = {"full", "sampled"};

	for (unsigned int i = 0; i < ACCURACY_MODELS; i++) {
		struct tracker_unit_figures figures;

		accuracy_check(tracker_read(tracker[i], &figures) == 0);
		printf("{\"what\":\"profile\",\"load\":\"%s\",\"mode\":\"%s\","
		       "\"method\":\"%s\",\"lookups\":%" PRIu64 ",\"accesses\":%" PRIu64
		       ",\"misses\":%" PRIu64 ",\"predicted\":%" PRIu64 "}\n",
		       rig.load->name, names[i], figures.method, counters->lookups,
		       figures.accesses, counters->misses, figures.predicted_misses);
	}
}

/* The translator of a stream's queue: what the unit counted for it. */
static const struct iommu_translator *translator_of(const struct accuracy_port *port,
						    uint16_t queue, bool is_rx)
{
	const struct iommu_translator *translator = NULL;

	while ((translator = iommu_translator_next(port->device, translator)) != NULL)
		if (translator->queue == queue && translator->is_rx == is_rx)
			return translator;
	accuracy_fail(__FILE__, __LINE__, "a queue without translator");
}

static void print_queue(const struct accuracy_truth *truth, const struct accuracy_port *port,
			uint16_t queue, bool is_rx, struct tracker_queue *const *probe,
			const struct iommu_counters *unit)
{
	static const char *const names[ACCURACY_MODELS] = {"full", "sampled"};
	const struct iommu_translator *translator = translator_of(port, queue, is_rx);
	const struct accuracy_queue_truth *exact = &truth->queue[translator->qsbr_id];

	for (unsigned int i = 0; i < ACCURACY_MODELS; i++) {
		struct tracker_figures figures;

		if (probe[i] == NULL)
			continue;
		accuracy_check(tracker_queue_read(probe[i], &figures) == 0);
		printf("{\"what\":\"queue\",\"load\":\"%s\",\"mode\":\"%s\",\"queue\":\"%s %u %u\","
		       "\"lookups\":%" PRIu64 ",\"accesses\":%" PRIu64 ",\"pages\":%" PRIu64
		       ",\"touched\":%" PRIu64 ",\"beyond\":%" PRIu64
		       ",\"share\":[%.6f,%.6f],\"shared\":[",
		       rig.load->name, names[i], is_rx ? "rx" : "tx", port->config.number, queue,
		       exact->lookups, figures.accesses, exact->pages, figures.pages_touched,
		       figures.beyond, ratio(translator->counters.misses, unit->misses),
		       figures.share_ppm / 1e6);
		for (unsigned int size = 0; size < ACCURACY_SIZES; size++)
			printf("%s[%.6f,%.6f]", size == 0 ? "" : ",",
			       ratio(exact->misses[size], exact->lookups),
			       figures.shared_ppm[size] / 1e6);
		printf("],\"alone\":[");
		for (unsigned int size = 0; size < ACCURACY_SIZES; size++)
			printf("%s[%.6f,%.6f]", size == 0 ? "" : ",",
			       ratio(exact->alone[size], exact->lookups),
			       figures.alone_ppm[size] / 1e6);
		printf("]}\n");
	}
}

static void print_queues(const struct accuracy_truth *truth, const struct iommu_counters *unit)
{
	for (unsigned int i = 0; i < rig.stream_count; i++) {
		const struct accuracy_stream *stream = &rig.stream[i];

		if (stream->rx->config.unit != rig.unit)
			continue;
		print_queue(truth, stream->rx, stream->queue, true, stream->rx_probe, unit);
		if (stream->tx != NULL)
			print_queue(truth, stream->tx, stream->queue, false, stream->tx_probe,
				    unit);
	}
}

static void measure_models(const struct accuracy_load *load)
{
	const struct iotlb_geometry profile = iotlb_geometry_default();
	struct accuracy_model_config config = {.profile = &profile};
	struct tracker *tracker[ACCURACY_MODELS];
	struct iommu_counters counters;
	struct accuracy_truth *truth;

	accuracy_rig_create(load, &profile, options.captures, &trace, &rig);
	for (unsigned int i = 0; i < ACCURACY_MODELS; i++) {
		config.number = i;
		config.mode = i == FULL ? TRACKER_FULL : TRACKER_SAMPLED;
		config.blindness = options.blindness;
		tracker[i] = accuracy_model_create(&rig, &config);
	}
	trace.count = 0;
	run(options.accesses);
	for (unsigned int i = 0; i < ACCURACY_MODELS; i++)
		tracker_settle(tracker[i]);
	accuracy_rig_counters(&rig, &counters);
	accuracy_check(counters.faults == 0 && counters.lookups == trace.count);
	truth = accuracy_truth_find(&trace);
	print_curve(truth, tracker);
	print_profile(tracker, &counters);
	print_queues(truth, &counters);
	free(truth);
	for (unsigned int i = 0; i < ACCURACY_MODELS; i++)
		tracker_destroy(tracker[i]);
	accuracy_rig_destroy(&rig);
}

/* --- all ------------------------------------------------------------------------------------ */

static const char *why_not(const struct accuracy_load *load)
{
	static char why[512];

	if (load->capture != NULL) {
		snprintf(why, sizeof(why), "%s/%s", options.captures, load->capture);
		if (access(why, R_OK) != 0)
			return strcat(why, " is not there");
	}
	if (load->page_size > 4096 && rte_eal_has_hugepages() == 0)
		return "no huge pages";
	if (load->lcores > rte_lcore_count())
		return "one CPU only";
	return NULL;
}

static void measure(const struct accuracy_load *load)
{
	const char *why = why_not(load);

	if (why != NULL) {
		printf("{\"what\":\"skipped\",\"load\":\"%s\",\"why\":\"%s\"}\n", load->name, why);
		return;
	}
	accuracy_check(accuracy_trace_create(options.accesses + (options.accesses >> 4) + 65536,
					     (uint8_t)__builtin_ctz(load->page_size), &trace) == 0);
	measure_models(load);
	/* Two lcores have no exact order. */
	for (unsigned int size = 0; size < ACCURACY_SIZES && load->lcores < 2; size++)
		measure_unit(load, size);
	accuracy_trace_destroy(&trace);
}

static void parse(int argc, char **argv)
{
	static const struct option words[] = {
		{"captures", required_argument, NULL, 'c'},
		{"load", required_argument, NULL, 'l'},
		{"accesses", required_argument, NULL, 'n'},
		{"unit-accesses", required_argument, NULL, 'u'},
		{"blind", required_argument, NULL, 'b'},
		{"quick", no_argument, NULL, 'q'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", words, NULL)) != -1) {
		if (option == 'c')
			options.captures = optarg;
		else if (option == 'l')
			options.load = optarg;
		else if (option == 'n')
			options.accesses = strtoull(optarg, NULL, 10);
		else if (option == 'u')
			options.unit_accesses = strtoull(optarg, NULL, 10);
		else if (option == 'b')
			options.blindness = strcmp(optarg, "half") == 0 ? ACCURACY_SEES_HALF
									: ACCURACY_SEES_SMALL_PAGES;
		else if (option == 'q')
			options.is_quick = true;
		else
			exit(2);
	}
}

/* Two lcores on two CPUs where there are as many. */
static void start_eal(const char *name)
{
	char lcores[64] = "", *eal[] = {(char *)(uintptr_t)name,
					"--in-memory",
					"--no-pci",
					"--iova-mode=va",
					"--no-telemetry",
					"--log-level=error",
					"--lcores",
					lcores,
					NULL};
	cpu_set_t set;
	unsigned int n = 0;

	accuracy_check(sched_getaffinity(0, sizeof(set), &set) == 0);
	for (unsigned int cpu = 0; cpu < CPU_SETSIZE && n < 2; cpu++)
		if (CPU_ISSET(cpu, &set))
			snprintf(lcores + strlen(lcores), sizeof(lcores) - strlen(lcores),
				 "%s%u@%u", n == 0 ? "" : ",", n, cpu),
				n++;
	accuracy_check(rte_eal_init(RTE_DIM(eal) - 1, eal) >= 0);
}

int main(int argc, char **argv)
{
	unsigned int found = 0;

	parse(argc, argv);
	start_eal(argv[0]);
	for (unsigned int i = 0; i < accuracy_load_count; i++) {
		const struct accuracy_load *load = &accuracy_loads[i];

		if (options.load != NULL ? strcmp(load->name, options.load) != 0
					 : options.is_quick && !load->is_quick)
			continue;
		measure(load);
		fflush(stdout);
		found++;
	}
	rte_eal_cleanup();
	return found > 0 ? 0 : 2;
}
