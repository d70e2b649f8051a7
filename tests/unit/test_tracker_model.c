/* SPDX-License-Identifier: BSD-3-Clause */
/* The tracker, full and sampled, against exact LRU lists on the pages of rings of buffers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracker.h"
#include "unit.h"

#define BASE	   UINT64_C(0x10000000)
#define STRIDE	   2048
#define BURST	   32
#define QUEUES_MAX 16
#define RING	   512 /* buffers posted of each queue */
#define SPARE	   128 /* and not posted */
#define BUFFERS	   (RING + SPARE)
#define PAGES_MAX  (QUEUES_MAX * BUFFERS)
#define POINTS	   5 /* 32 to 512 entries */
#define ACCESSES   1000000
#define WINDOWS	   10000000 /* accesses of a sampled run: some windows */

struct trace {
	const char *name;
	unsigned int queues;
	bool is_shuffled;
	uint8_t page_shift;
};

static const struct trace traces[] = {
	{"1 queue, FIFO, 4 KiB", 1, false, 12},	      {"4 queues, FIFO, 4 KiB", 4, false, 12},
	{"1 queue, shuffled, 4 KiB", 1, true, 12},    {"4 queues, shuffled, 4 KiB", 4, true, 12},
	{"16 queues, shuffled, 4 KiB", 16, true, 12}, {"16 queues, shuffled, 2 MiB", 16, true, 21},
};

/* --- buffers -------------------------------------------------------------------------------- */

struct queue {
	struct tracker_queue *rx;
	uint16_t posted[RING];
	uint16_t spare[SPARE];
	unsigned int next;
	unsigned int next_spare;
};

static struct queue queues[QUEUES_MAX];
static uint64_t seed;

static void reset(void)
{
	seed = 1;
	for (unsigned int q = 0; q < QUEUES_MAX; q++) {
		queues[q].next = queues[q].next_spare = 0;
		for (unsigned int i = 0; i < RING; i++)
			queues[q].posted[i] = (uint16_t)i;
		for (unsigned int i = 0; i < SPARE; i++)
			queues[q].spare[i] = (uint16_t)(RING + i);
	}
}

/* The address of the buffer that the next packet is in; another one is posted in its place. */
static uint64_t next_buffer(const struct trace *trace, unsigned int q)
{
	struct queue *queue = &queues[q];
	uint16_t *posted = &queue->posted[queue->next++ % RING], buffer = *posted;
	unsigned int spare =
		trace->is_shuffled ? unit_random(&seed) % SPARE : queue->next_spare++ % SPARE;

	*posted = queue->spare[spare];
	queue->spare[spare] = buffer;
	return ((uint64_t)q * BUFFERS + buffer) * STRIDE;
}

/* --- the truth ------------------------------------------------------------------------------ */

/* A list in the order of use; 0 is its head. */
struct lru {
	uint32_t size, used;
	uint64_t misses;
	uint32_t next[PAGES_MAX + 2], last[PAGES_MAX + 2];
	bool is_in[PAGES_MAX + 2];
};

static struct lru lists[POINTS];

static void unlink_page(struct lru *lru, uint32_t page)
{
	lru->next[lru->last[page]] = lru->next[page];
	lru->last[lru->next[page]] = lru->last[page];
}

static void use_page(struct lru *lru, uint32_t page)
{
	if (lru->is_in[page]) {
		unlink_page(lru, page);
	} else {
		lru->misses++;
		lru->is_in[page] = true;
		if (lru->used == lru->size) {
			uint32_t oldest = lru->last[0];

			unlink_page(lru, oldest);
			lru->is_in[oldest] = false;
		} else {
			lru->used++;
		}
	}
	lru->next[page] = lru->next[0];
	lru->last[lru->next[0]] = page;
	lru->next[0] = page;
	lru->last[page] = 0;
}

static void find_truth(const struct trace *trace, double ratio[POINTS])
{
	memset(lists, 0, sizeof(lists));
	for (unsigned int i = 0; i < POINTS; i++)
		lists[i].size = tracker_curve_entries(i);
	reset();
	for (unsigned int n = 0; n < ACCESSES; n++) {
		uint64_t at = next_buffer(trace, n / BURST % trace->queues);

		for (unsigned int i = 0; i < POINTS; i++)
			use_page(&lists[i], 1 + (uint32_t)(at >> trace->page_shift));
	}
	for (unsigned int i = 0; i < POINTS; i++)
		ratio[i] = (double)lists[i].misses / ACCESSES;
}

/* --- the model ------------------------------------------------------------------------------ */

static void find_model(const struct trace *trace, enum tracker_mode mode, unsigned int accesses,
		       double ratio[POINTS])
{
	const struct iotlb_geometry profile = iotlb_geometry_default();
	const struct tracker_range range = {BASE, UINT64_C(64) << 20, trace->page_shift};
	struct rte_mbuf mbufs[BURST], *pkts[BURST];
	struct tracker_unit_figures figures;
	struct tracker_domain *domain;
	struct tracker *tracker;

	memset(mbufs, 0, sizeof(mbufs));
	assert_int_equal(tracker_create(&profile, &tracker), 0);
	assert_int_equal(tracker_domain_create(tracker, 1, &range, 1, &domain), 0);
	tracker_set_mode(tracker, mode);
	reset();
	for (unsigned int q = 0; q < trace->queues; q++)
		assert_int_equal(
			tracker_queue_create(domain, 0, true, (uint16_t)q, NULL, &queues[q].rx), 0);
	for (unsigned int n = 0; n < accesses / BURST; n++) {
		unsigned int q = n % trace->queues;

		for (unsigned int i = 0; i < BURST; i++) {
			pkts[i] = &mbufs[i];
			mbufs[i].nb_segs = 1;
			mbufs[i].buf_len = 2048;
			mbufs[i].data_len = 60;
			mbufs[i].buf_iova = BASE + next_buffer(trace, q);
		}
		tracker_rx(queues[q].rx, pkts, BURST);
	}
	assert_int_equal(tracker_read(tracker, &figures), 0);
	for (unsigned int i = 0; i < POINTS; i++)
		ratio[i] = figures.miss_ppm[i] / 1e6;
	/* Scaled up to all packets, whatever part was counted. */
	assert_in_range(figures.accesses, accesses - 2 * BURST, accesses);
	tracker_destroy(tracker);
}

static double compare(enum tracker_mode mode, unsigned int accesses, double *worst)
{
	const unsigned int count = sizeof(traces) / sizeof(traces[0]);
	double sum = 0;

	*worst = 0;
	for (unsigned int t = 0; t < count; t++) {
		double truth[POINTS], model[POINTS];

		find_truth(&traces[t], truth);
		find_model(&traces[t], mode, accesses, model);
		for (unsigned int i = 0; i < POINTS; i++) {
			double error = fabs(model[i] - truth[i]);

			sum += error;
			*worst = fmax(*worst, error);
			if (error > 0.02)
				printf("# %s, %u entries: %.4f, is %.4f\n", traces[t].name,
				       tracker_curve_entries(i), model[i], truth[i]);
		}
	}
	return sum / (count * POINTS);
}

static void full_is_within_half_a_percent_of_lru(void **state)
{
	double worst, mean = compare(TRACKER_FULL, ACCESSES, &worst);

	printf("# full: mean %.4f, worst %.4f\n", mean, worst);
	assert_true(mean <= 0.005);
	assert_true(worst <= 0.02);
}

static void sampled_is_within_a_percent_and_a_half_of_lru(void **state)
{
	double worst, mean = compare(TRACKER_SAMPLED, WINDOWS, &worst);

	printf("# sampled: mean %.4f, worst %.4f\n", mean, worst);
	assert_true(mean <= 0.015);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_is_within_half_a_percent_of_lru),
		cmocka_unit_test(sampled_is_within_a_percent_and_a_half_of_lru),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
