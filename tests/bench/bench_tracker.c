/* SPDX-License-Identifier: BSD-3-Clause */
/* Times the probes of queues: cycles for each access, by mode, page size and number of queues. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "tracker.h"

#define BURST	32
#define BUFFERS 1024 /* of a queue, 2 KiB each */
#define QUEUES	64
#define BASE	UINT64_C(0x10000000)
#define BURSTS	(UINT32_C(1) << 12) /* of a round: so short that most are not interrupted */
#define ROUNDS	301

struct queue {
	struct tracker_queue *rx;
	struct tracker_queue *tx;
	uint32_t next; /* buffer */
	uint16_t order[BUFFERS];
};

static struct queue queues[QUEUES];
static struct rte_mbuf mbufs[BURST];
static struct rte_mbuf *pkts[BURST];
static struct tracker *tracker;
static unsigned int turn;

static void check(int ret)
{
	if (ret != 0) {
		fprintf(stderr, "bench_tracker: error %d\n", ret);
		exit(1);
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Buffers in the order in which a pool gives them after some time: any. */
static void shuffle(struct queue *queue, uint64_t seed)
{
	for (unsigned int i = 0; i < BUFFERS; i++)
		queue->order[i] = (uint16_t)i;
	for (unsigned int i = BUFFERS - 1; i > 0; i--) {
		unsigned int other;
		uint16_t kept = queue->order[i];

		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		other = (unsigned int)((seed >> 33) % (i + 1));
		queue->order[i] = queue->order[other];
		queue->order[other] = kept;
	}
}

static void open_queues(unsigned int count, uint8_t page_shift)
{
	const struct iotlb_geometry profile = iotlb_geometry_default();
	const uint64_t rings = BASE + (UINT64_C(256) << 20);
	const struct tracker_range ranges[] = {{BASE, UINT64_C(256) << 20, page_shift},
					       {rings, UINT64_C(4) << 20, page_shift}};
	struct tracker_domain *domain;

	check(tracker_create(&profile, &tracker));
	check(tracker_domain_create(tracker, 0, ranges, 2, &domain));
	for (unsigned int i = 0; i < count; i++) {
		struct tracker_ring ring = {rings + i * 32768, 1024, 16, 512, true};

		check(tracker_queue_create(domain, 0, true, (uint16_t)i, &ring, &queues[i].rx));
		ring.iova += 16384;
		check(tracker_queue_create(domain, 0, false, (uint16_t)i, &ring, &queues[i].tx));
		shuffle(&queues[i], i);
	}
}

/* Receives and sends; the buffers' addresses are written in any mode, so that they cost nothing. */
static void forward(unsigned int index)
{
	struct queue *queue = &queues[index];
	const uint16_t *order = &queue->order[queue->next];

	for (unsigned int i = 0; i < BURST; i++)
		mbufs[i].buf_iova = BASE + ((uint64_t)index * BUFFERS + order[i]) * 2048;
	queue->next = (queue->next + BURST) % BUFFERS;
	tracker_rx(queue->rx, pkts, BURST);
	tracker_tx_offer(queue->tx, pkts, BURST);
	tracker_tx_commit(queue->tx, BURST);
}

static uint64_t run(unsigned int count, unsigned int bursts)
{
	uint64_t start = rte_rdtsc();

	for (unsigned int i = 0; i < bursts; i++) {
		forward(turn);
		if (++turn >= count)
			turn = 0;
	}
	return rte_rdtsc() - start;
}

/*
 * Cycles an access: rounds with the probes on, each less one with them off right after it. What was
 * switched on has forgotten all pages: it sees every buffer once before it is timed.
 */
static double measure_full(unsigned int count)
{
	static double cycles[ROUNDS];
	const double accesses = (double)BURSTS * (2 * BURST + 4);

	turn = 0;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t on, off;

		tracker_set_mode(tracker, TRACKER_FULL);
		run(count, count * BUFFERS / BURST);
		on = run(count, BURSTS);
		tracker_set_mode(tracker, TRACKER_OFF);
		off = run(count, BURSTS);
		cycles[i] = ((double)on - (double)off) / accesses;
	}
	qsort(cycles, ROUNDS, sizeof(*cycles), compare);
	return cycles[ROUNDS / 2];
}

/* Sampling is a mean over windows and pauses: one long round, the median of some. */
static double measure_sampled(unsigned int count)
{
	enum { REPEAT = 9, LONG = 400 };
	double cycles[REPEAT];
	const double accesses = (double)BURSTS * LONG * (2 * BURST + 4);

	for (unsigned int i = 0; i < REPEAT; i++) {
		uint64_t on = 0, off = 0;

		tracker_set_mode(tracker, TRACKER_SAMPLED);
		for (unsigned int n = 0; n < LONG; n++)
			on += run(count, BURSTS);
		tracker_set_mode(tracker, TRACKER_OFF);
		for (unsigned int n = 0; n < LONG / 10; n++)
			off += 10 * run(count, BURSTS);
		cycles[i] = ((double)on - (double)off) / accesses;
	}
	qsort(cycles, REPEAT, sizeof(*cycles), compare);
	return cycles[REPEAT / 2];
}

static void time_queues(const char *name, unsigned int count, uint8_t page_shift)
{
	open_queues(count, page_shift);
	printf("tracker-full-%s %.2f cycles\n", name, measure_full(count));
	printf("tracker-sampled-%s %.2f cycles\n", name, measure_sampled(count));
	tracker_destroy(tracker);
}

int main(void)
{
	for (unsigned int i = 0; i < BURST; i++) {
		pkts[i] = &mbufs[i];
		mbufs[i].nb_segs = 1;
		mbufs[i].data_off = 128;
		mbufs[i].buf_len = 2048;
		mbufs[i].data_len = 60;
	}
	time_queues("4k", 1, 12);
	time_queues("4k-64", 64, 12);
	time_queues("2m", 1, 21);
	time_queues("2m-64", 64, 21);
	return 0;
}
