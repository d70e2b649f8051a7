/* SPDX-License-Identifier: BSD-3-Clause */
/* Probes of queues, fed with mbufs as a device's driver hands them over. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "iotlb_shadow.h"
#include "tracker.h"
#include "unit.h"

#define PAGE  UINT64_C(4096)
#define BASE  UINT64_C(0x10000000)
#define PAGES 4096
#define BURST 32

static struct tracker *tracker;
static struct tracker_domain *domain;
static struct rte_mbuf mbufs[BURST];
static struct rte_mbuf *pkts[BURST];

static const struct iotlb_geometry lru = {"lru-128", 128, 128, IOTLB_LRU, 0};

static void open_with(const struct iotlb_geometry *profile, uint8_t page_shift)
{
	const struct tracker_range range = {BASE, PAGES * PAGE, page_shift};

	memset(mbufs, 0, sizeof(mbufs));
	for (unsigned int i = 0; i < BURST; i++) {
		pkts[i] = &mbufs[i];
		mbufs[i].nb_segs = 1;
		mbufs[i].data_off = 128;
		mbufs[i].buf_len = 2048;
		mbufs[i].data_len = 60;
		mbufs[i].pkt_len = 60;
	}
	assert_int_equal(tracker_create(profile, &tracker), 0);
	assert_int_equal(tracker_domain_create(tracker, 1, &range, 1, &domain), 0);
	tracker_set_mode(tracker, TRACKER_FULL);
}

static int open_tracker(void **state)
{
	open_with(&lru, 12);
	return 0;
}

static int close_tracker(void **state)
{
	tracker_destroy(tracker);
	return 0;
}

static struct tracker_queue *make_queue(bool is_rx, uint16_t number)
{
	struct tracker_queue *queue;

	assert_int_equal(tracker_queue_create(domain, 1, is_rx, number, NULL, &queue), 0);
	return queue;
}

static struct tracker_figures read_queue(struct tracker_queue *queue)
{
	struct tracker_figures figures;

	tracker_settle(tracker);
	assert_int_equal(tracker_queue_read(queue, &figures), 0);
	return figures;
}

static struct tracker_unit_figures read_unit(void)
{
	struct tracker_unit_figures figures;

	tracker_settle(tracker);
	assert_int_equal(tracker_read(tracker, &figures), 0);
	return figures;
}

/* Receives n packets in buffers of 2 KiB, the first at `buffer`. */
static void receive(struct tracker_queue *queue, uint64_t buffer, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++)
		mbufs[i].buf_iova = BASE + (buffer + i) * 2048;
	tracker_rx(queue, pkts, n);
}

static void send(struct tracker_queue *queue, uint64_t buffer, uint16_t n, uint16_t sent)
{
	for (uint16_t i = 0; i < n; i++)
		mbufs[i].buf_iova = BASE + (buffer + i) * 2048;
	tracker_tx_offer(queue, pkts, n);
	tracker_tx_commit(queue, sent);
}

/* --- what is counted ------------------------------------------------------------------------ */

static void each_packet_is_an_access_and_each_page_is_touched(void **state)
{
	struct tracker_queue *rx = make_queue(true, 0);
	struct tracker_figures figures;

	receive(rx, 0, 32);
	receive(rx, 16, 16);
	figures = read_queue(rx);
	assert_int_equal(figures.packets, 48);
	assert_int_equal(figures.accesses, 48);
	assert_int_equal(figures.pages_touched, 16);
	assert_int_equal(figures.cold, 16);
	assert_int_equal(figures.ring_accesses, 0);
	assert_int_equal(figures.beyond, 0);
}

static void what_the_device_did_not_take_is_not_counted(void **state)
{
	struct tracker_queue *tx = make_queue(false, 0);
	struct tracker_figures figures;

	send(tx, 0, 32, 10);
	figures = read_queue(tx);
	assert_int_equal(figures.packets, 10);
	assert_int_equal(figures.accesses, 10);
	assert_int_equal(figures.pages_touched, 5);
	send(tx, 0, 32, 0);
	assert_int_equal(read_queue(tx).accesses, 10);
}

static void a_buffer_across_two_pages_is_two_accesses(void **state)
{
	struct tracker_queue *rx = make_queue(true, 0);
	struct tracker_figures figures;

	mbufs[0].buf_iova = BASE + PAGE - 256;
	mbufs[0].data_len = 128;
	tracker_rx(rx, pkts, 1);
	assert_int_equal(read_queue(rx).accesses, 1);
	mbufs[0].data_len = 129;
	tracker_rx(rx, pkts, 1);
	figures = read_queue(rx);
	assert_int_equal(figures.accesses, 3);
	assert_int_equal(figures.packets, 2);
	assert_int_equal(figures.pages_touched, 2);
}

static void a_chain_is_an_access_for_each_segment(void **state)
{
	struct tracker_queue *tx = make_queue(false, 0);

	for (unsigned int i = 0; i < 6; i++)
		mbufs[i].buf_iova = BASE + i * PAGE;
	mbufs[0].nb_segs = 2;
	mbufs[0].next = &mbufs[4];
	mbufs[1].nb_segs = 2;
	mbufs[1].next = &mbufs[5];
	tracker_tx_offer(tx, pkts, 4);
	tracker_tx_commit(tx, 3);
	assert_int_equal(read_queue(tx).accesses, 5);
	assert_int_equal(read_queue(tx).pages_touched, 5);
}

static void an_address_outside_all_ranges_is_told_apart(void **state)
{
	struct tracker_queue *rx = make_queue(true, 0);
	struct tracker_figures figures;

	mbufs[0].buf_iova = BASE - PAGE;
	mbufs[1].buf_iova = BASE;
	mbufs[2].buf_iova = BASE + PAGES * PAGE;
	tracker_rx(rx, pkts, 3);
	figures = read_queue(rx);
	assert_int_equal(figures.accesses, 1);
	assert_int_equal(figures.beyond, 2);
	assert_int_equal(figures.packets, 3);
}

static void a_range_that_comes_later_counts_from_then_on(void **state)
{
	const struct tracker_range more = {BASE + PAGES * PAGE, PAGE, 12};
	struct tracker_queue *rx = make_queue(true, 0);

	assert_int_equal(tracker_domain_add_range(domain, &more), 0);
	mbufs[0].buf_iova = more.iova;
	tracker_rx(rx, pkts, 1);
	assert_int_equal(read_queue(rx).accesses, 1);
	assert_int_equal(tracker_domain_add_range(domain, &more), -EINVAL);
}

/* --- rings ---------------------------------------------------------------------------------- */

/* 64 descriptors of 16 bytes, by cache lines: a burst of 6 from 2 on touches 2 of them, twice. */
static void descriptors_count_by_the_lines_that_hold_them(void **state)
{
	const struct tracker_ring ring = {BASE + 64 * PAGE, 64, 16, 64, false};
	struct tracker_queue *rx;

	assert_int_equal(tracker_queue_create(domain, 1, true, 0, &ring, &rx), 0);
	receive(rx, 0, 2);
	assert_int_equal(read_queue(rx).ring_accesses, 2);
	receive(rx, 0, 6);
	assert_int_equal(read_queue(rx).ring_accesses, 6);
	assert_int_equal(read_queue(rx).accesses, 14);
	assert_int_equal(read_queue(rx).pages_touched, 4);
}

/*
 * dmanic takes 32 descriptors to receive into at once, and the next when a burst needs more than it
 * has left; it hands them back from wherever it stands, in two pieces across the end.
 */
static void a_fetch_begins_where_the_device_stands(void **state)
{
	const struct tracker_ring ring = {BASE + 64 * PAGE, 64, 16, 512, false};
	struct tracker_queue *rx;

	assert_int_equal(tracker_queue_create(domain, 1, true, 0, &ring, &rx), 0);
	receive(rx, 0, 10);
	receive(rx, 0, 32);
	assert_int_equal(read_queue(rx).ring_accesses, 4);
	receive(rx, 0, 32);
	assert_int_equal(read_queue(rx).ring_accesses, 7);
}

static void a_ring_over_several_pages_touches_each(void **state)
{
	const struct tracker_ring ring = {BASE + 64 * PAGE, 1024, 16, 512, false};
	struct tracker_queue *rx;

	assert_int_equal(tracker_queue_create(domain, 1, true, 0, &ring, &rx), 0);
	for (unsigned int i = 0; i < 1024 / 32; i++)
		receive(rx, 0, 32);
	assert_int_equal(read_queue(rx).pages_touched, 16 + 4);
	assert_int_equal(read_queue(rx).ring_accesses, 2 * 32);
}

static void a_ring_outside_all_ranges_is_refused(void **state)
{
	const struct tracker_ring outside = {BASE + (PAGES - 1) * PAGE, 512, 16, 64, false};
	const struct tracker_ring crooked = {BASE, 512, 16, 48, false};
	struct tracker_queue *rx;

	assert_int_equal(tracker_queue_create(domain, 1, true, 0, &outside, &rx), -EINVAL);
	assert_int_equal(tracker_queue_create(domain, 1, true, 0, &crooked, &rx), -EINVAL);
}

/* --- figures -------------------------------------------------------------------------------- */

/* 400 pages in order, again and again: all miss below, none above. */
static void a_ring_of_buffers_has_a_wall_at_its_size(void **state)
{
	struct tracker_queue *rx = make_queue(true, 0);
	struct tracker_figures figures;
	struct tracker_unit_figures unit;

	for (unsigned int i = 0; i < 20000; i++)
		receive(rx, i % 25 * 32, 32);
	figures = read_queue(rx);
	assert_int_equal(figures.pages_touched, 400);
	assert_in_range(figures.entries_needed, 395, 405);
	/* Every second access is to the page of the one before it. */
	assert_in_range(figures.alone_ppm[2], 495000, 505000);
	assert_in_range(figures.alone_ppm[4], 0, 1000);
	assert_in_range(figures.predicted_misses, 316000, 324000);
	assert_int_equal(figures.share_ppm, 1000000);
	unit = read_unit();
	assert_string_equal(unit.method, "curve");
	assert_int_equal(unit.predicted_misses, figures.predicted_misses);
	assert_int_equal(unit.lanes, 1);
	assert_int_equal(unit.accesses, 640000);
}

static void shares_of_all_queues_are_the_whole(void **state)
{
	struct tracker_queue *queues[5];
	uint64_t seed = 1, sum = 0, misses = 0;

	for (uint16_t i = 0; i < 5; i++)
		queues[i] = make_queue(i % 2 == 0, i);
	for (unsigned int round = 0; round < 4000; round++) {
		for (unsigned int i = 0; i < 5; i++) {
			uint64_t buffer = i * 1024 + unit_random(&seed) % (100 + 100 * i);

			if (i % 2 == 0)
				receive(queues[i], buffer, (uint16_t)(8 + i));
			else
				send(queues[i], buffer, (uint16_t)(8 + i), (uint16_t)(8 + i));
		}
	}
	for (unsigned int i = 0; i < 5; i++) {
		struct tracker_figures figures = read_queue(queues[i]);

		assert_true(figures.share_ppm > 0);
		sum += figures.share_ppm;
		misses += figures.predicted_misses;
	}
	assert_in_range(sum, 1000000 - 5, 1000000 + 5);
	assert_in_range(read_unit().predicted_misses, misses - 5, misses + 5);
}

/* A buffer that is forwarded is read after the device has filled the rings of all other queues. */
static void a_forwarded_buffer_is_read_when_all_queues_were_polled(void **state)
{
	struct tracker_queue *rx[8], *tx[8];

	for (uint16_t i = 0; i < 8; i++) {
		rx[i] = make_queue(true, i);
		tx[i] = make_queue(false, i);
	}
	for (unsigned int round = 0; round < 2000; round++) {
		for (unsigned int i = 0; i < 8; i++) {
			uint64_t buffer = i * 1024 + round % 32 * 32;

			receive(rx[i], buffer, 32);
			send(tx[i], buffer, 32, 32);
		}
	}
	/* 16 pages of each of 8 queues pass in between. */
	assert_in_range(read_queue(tx[0]).shared_ppm[1], 490000, 510000);
	assert_in_range(read_queue(tx[0]).shared_ppm[3], 0, 10000);
}

static void pages_touched_are_told_as_ranges(void **state)
{
	struct tracker_queue *rx = make_queue(true, 0), *other = make_queue(true, 1);
	struct tracker_range range;
	uint32_t page = 0;

	receive(rx, 0, 3);
	receive(rx, 2 * (PAGES - 1), 2);
	receive(other, 100, 1);
	assert_true(tracker_queue_touched(rx, &page, &range));
	assert_int_equal(range.iova, BASE);
	assert_int_equal(range.size, 2 * PAGE);
	assert_int_equal(range.page_shift, 12);
	assert_true(tracker_queue_touched(rx, &page, &range));
	assert_int_equal(range.iova, BASE + (PAGES - 1) * PAGE);
	assert_int_equal(range.size, PAGE);
	assert_false(tracker_queue_touched(rx, &page, &range));
	tracker_clear(tracker);
	page = 0;
	assert_false(tracker_queue_touched(rx, &page, &range));
}

static void the_window_is_what_was_touched_between_two_ticks(void **state)
{
	struct tracker_queue *a = make_queue(true, 0), *b = make_queue(true, 1);

	receive(a, 0, 32);
	receive(b, 16, 32);
	assert_true(read_queue(a).working_set == TRACKER_NONE);
	assert_true(read_unit().working_set == TRACKER_NONE);
	tracker_tick(tracker);
	assert_int_equal(read_queue(a).working_set, 16);
	assert_int_equal(read_queue(b).working_set, 16);
	assert_int_equal(read_unit().working_set, 24);
	receive(a, 100, 4);
	for (unsigned int i = 0; i < 300; i++)
		tracker_tick(tracker);
	assert_int_equal(read_queue(a).working_set, 0);
	assert_int_equal(read_queue(a).pages_touched, 18);
	assert_int_equal(read_unit().pages_touched, 26);
}

static void clear_begins_anew_but_pages_stay_seen(void **state)
{
	struct tracker_queue *rx = make_queue(true, 0);
	struct tracker_figures figures;

	receive(rx, 0, 32);
	tracker_clear(tracker);
	figures = read_queue(rx);
	assert_int_equal(figures.accesses, 0);
	assert_int_equal(figures.packets, 0);
	assert_int_equal(figures.pages_touched, 0);
	receive(rx, 0, 4);
	figures = read_queue(rx);
	assert_int_equal(figures.accesses, 4);
	assert_int_equal(figures.pages_touched, 2);
	assert_int_equal(figures.cold, 0);
}

static void off_counts_nothing_and_what_it_missed_is_not_made_up(void **state)
{
	struct tracker_queue *rx = make_queue(true, 0);

	receive(rx, 0, 32);
	tracker_set_mode(tracker, TRACKER_OFF);
	receive(rx, 0, 32);
	assert_int_equal(read_queue(rx).packets, 32);
	tracker_set_mode(tracker, TRACKER_FULL);
	receive(rx, 0, 32);
	assert_int_equal(read_queue(rx).packets, 64);
	/* Reuse times across the gap are not known; pages are not new either. */
	assert_int_equal(read_queue(rx).cold, 16);
}

/* --- other replacements --------------------------------------------------------------------- */

static int open_flush(void **state)
{
	open_with(&(const struct iotlb_geometry){"qemu", 64, 64, IOTLB_FLUSH, 0}, 12);
	return 0;
}

/* What QEMU's vtd_update_iotlb() does, on 96 pages in any order. */
static void flush_is_predicted_exactly(void **state)
{
	struct tracker_queue *rx = make_queue(true, 0);
	bool is_in[PAGES] = {false};
	uint64_t misses = 0, filled = 0, seed = 9;

	for (unsigned int i = 0; i < 50000; i++) {
		uint64_t page = unit_random(&seed) % 96;

		receive(rx, 2 * page, 1);
		if (is_in[page])
			continue;
		misses++;
		if (filled == 64) {
			memset(is_in, 0, sizeof(is_in));
			filled = 0;
		}
		filled++;
		is_in[page] = true;
	}
	assert_int_equal(read_queue(rx).predicted_misses, misses);
	assert_string_equal(read_unit().method, "flush");
}

static int open_sets(void **state)
{
	const struct iotlb_geometry geometry = iotlb_geometry_default();

	open_with(&geometry, 12);
	return 0;
}

/* 160 pages in any order, in an IOTLB of 16 sets of 8: what one of its geometry misses. */
static void sets_are_predicted_by_a_shadow_of_the_profile(void **state)
{
	const struct iotlb_geometry geometry = iotlb_geometry_default();
	struct tracker_queue *rx = make_queue(true, 0);
	struct iotlb_shadow *shadow;
	uint64_t seed = 2, misses = 0, predicted;

	assert_int_equal(iotlb_shadow_create(&geometry, &shadow), 0);
	for (unsigned int i = 0; i < 1000000; i++) {
		/* The mode changes again and again: the shadow goes on. */
		if (i % 100000 == 0)
			tracker_set_mode(tracker, TRACKER_FULL);
		uint64_t page = unit_random(&seed) % 160;

		receive(rx, 2 * page, 1);
		misses += !iotlb_shadow_access(shadow, iotlb_shadow_page(1, 12, page));
	}
	predicted = read_queue(rx).predicted_misses;
	assert_in_range(predicted, misses * 97 / 100, misses * 103 / 100);
	assert_string_equal(read_unit().method, "shadow");
	iotlb_shadow_destroy(shadow);
}

/* Pages that are seen once cannot be scaled up by what the shadow sees of them. */
static void a_shadow_does_not_take_the_first_accesses_for_the_rule(void **state)
{
	struct tracker_queue *rx = make_queue(true, 0);

	for (unsigned int i = 0; i < 40000; i++)
		receive(rx, i % 2 * 32, 32);
	assert_in_range(read_queue(rx).predicted_misses, 32, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_tracker, close_tracker)
		TEST(each_packet_is_an_access_and_each_page_is_touched),
		TEST(what_the_device_did_not_take_is_not_counted),
		TEST(a_buffer_across_two_pages_is_two_accesses),
		TEST(a_chain_is_an_access_for_each_segment),
		TEST(an_address_outside_all_ranges_is_told_apart),
		TEST(a_range_that_comes_later_counts_from_then_on),
		TEST(descriptors_count_by_the_lines_that_hold_them),
		TEST(a_fetch_begins_where_the_device_stands),
		TEST(a_ring_over_several_pages_touches_each),
		TEST(a_ring_outside_all_ranges_is_refused),
		TEST(a_ring_of_buffers_has_a_wall_at_its_size),
		TEST(shares_of_all_queues_are_the_whole),
		TEST(a_forwarded_buffer_is_read_when_all_queues_were_polled),
		TEST(pages_touched_are_told_as_ranges),
		TEST(the_window_is_what_was_touched_between_two_ticks),
		TEST(clear_begins_anew_but_pages_stay_seen),
		TEST(off_counts_nothing_and_what_it_missed_is_not_made_up),
		cmocka_unit_test_setup_teardown(flush_is_predicted_exactly, open_flush,
						close_tracker),
		cmocka_unit_test_setup_teardown(sets_are_predicted_by_a_shadow_of_the_profile,
						open_sets, close_tracker),
		cmocka_unit_test_setup_teardown(
			a_shadow_does_not_take_the_first_accesses_for_the_rule, open_sets,
			close_tracker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
