/* SPDX-License-Identifier: BSD-3-Clause */
/* An lcore that counts while another thread reads, clears, ticks and changes the mode. */
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "tracker.h"
#include "unit.h"

#define PAGE   UINT64_C(4096)
#define BASE   UINT64_C(0x10000000)
#define PAGES  1024
#define BURST  16
#define ROUNDS 300

static struct tracker *tracker;
static struct tracker_queue *rx, *tx;
static bool is_done;

static void *forward(void *arg)
{
	struct rte_mbuf mbufs[BURST], *pkts[BURST];
	uint64_t seed = 1;

	memset(mbufs, 0, sizeof(mbufs));
	for (unsigned int i = 0; i < BURST; i++) {
		pkts[i] = &mbufs[i];
		mbufs[i].nb_segs = 1;
		mbufs[i].buf_len = 2048;
		mbufs[i].data_len = 60;
	}
	while (!__atomic_load_n(&is_done, __ATOMIC_RELAXED)) {
		for (unsigned int i = 0; i < BURST; i++)
			mbufs[i].buf_iova = BASE + unit_random(&seed) % PAGES * PAGE;
		tracker_rx(rx, pkts, BURST);
		tracker_tx_offer(tx, pkts, BURST);
		tracker_tx_commit(tx, BURST - 1);
	}
	return arg;
}

static void figures_are_read_while_the_lcore_counts(void **state)
{
	struct iotlb_geometry profile = iotlb_geometry_default();
	const struct tracker_range range = {BASE, PAGES * PAGE, 12};
	const struct tracker_ring ring = {BASE, 256, 16, 64, false};
	struct tracker_unit_figures unit = {0};
	struct tracker_figures figures = {0};
	struct tracker_domain *domain;
	uint64_t seen = 0;
	pthread_t thread;

	assert_int_equal(tracker_create(&profile, &tracker), 0);
	assert_int_equal(tracker_domain_create(tracker, 1, &range, 1, &domain), 0);
	assert_int_equal(tracker_queue_create(domain, 1, true, 0, &ring, &rx), 0);
	assert_int_equal(tracker_queue_create(domain, 1, false, 0, NULL, &tx), 0);
	assert_int_equal(pthread_create(&thread, NULL, forward, NULL), 0);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		tracker_set_mode(tracker, (enum tracker_mode)(i % 3));
		assert_int_equal(tracker_queue_read(rx, &figures), 0);
		assert_int_equal(tracker_read(tracker, &unit), 0);
		seen += figures.accesses;
		if (i % 10 == 0)
			tracker_tick(tracker);
		if (i % 50 == 49)
			tracker_clear(tracker);
		assert_int_equal(figures.beyond, 0);
	}
	__atomic_store_n(&is_done, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_true(seen > 0);
	tracker_destroy(tracker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures_are_read_while_the_lcore_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
