/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of dmanic's device side: how frames get from descriptors of one end to those of the other.
 */
#include <string.h>

#include "dmanic_env.h"

static struct dmanic_env env;

static int open_env(void **state)
{
	dmanic_env_open(&env, 1);
	return 0;
}

static int close_env(void **state)
{
	dmanic_env_close(&env);
	return 0;
}

static void fill(unsigned int buffer, unsigned int len, uint8_t seed)
{
	uint8_t *data = dmanic_env_buffer(&env, 0, buffer);

	for (unsigned int i = 0; i < len; i++)
		data[i] = (uint8_t)(seed + i * 7);
}

static void send_frame(unsigned int buffer, uint16_t len, uint8_t seed)
{
	fill(buffer, len, seed);
	dmanic_env_tx(&env, 0, 0, dmanic_env_iova(0, buffer), len, DMANIC_TX_EOP);
	dmanic_env_send(&env, 0, 0);
}

static unsigned int tx_status(unsigned int index)
{
	return env.end[0].tx_ring[0][index % DMANIC_ENV_RING].status;
}

static void frame_of_each_length_arrives_byte_for_byte(void **state)
{
	for (unsigned int len = 1; len <= 1500; len++) {
		const union dmanic_rx_done *done = dmanic_env_done(&env, 1, 0, len - 1);
		uint8_t *to = dmanic_env_buffer(&env, 1, 0);

		memset(to, 0xee, DMANIC_ENV_BUFFER);
		dmanic_env_post_buffers(&env, 1, 0, 0, 1);
		send_frame(3, len, len);
		assert_int_equal(done->status, DMANIC_DD | DMANIC_EOP);
		assert_int_equal(done->data_len, len);
		assert_int_equal(done->frame_len, len);
		assert_memory_equal(to, dmanic_env_buffer(&env, 0, 3), len);
		assert_int_equal(to[len], 0xee);
		assert_int_equal(tx_status(len - 1), DMANIC_DD);
	}
	assert_int_equal(env.end[0].device->tx[0].counters.frames, 1500);
	assert_int_equal(env.end[1].device->rx[0].counters.frames, 1500);
	assert_int_equal(env.end[1].device->rx[0].counters.bytes, 1500 * 1501 / 2);
}

static void segments_arrive_as_one_frame(void **state)
{
	static const uint16_t lens[] = {1, 1000, 13, 300};
	uint8_t whole[1314];
	unsigned int at = 0;

	dmanic_env_post_buffers(&env, 1, 0, 0, 4);
	for (unsigned int i = 0; i < 4; i++) {
		fill(i, lens[i], i);
		memcpy(whole + at, dmanic_env_buffer(&env, 0, i), lens[i]);
		at += lens[i];
		dmanic_env_tx(&env, 0, 0, dmanic_env_iova(0, i), lens[i],
			      i == 3 ? DMANIC_TX_EOP : 0);
	}
	dmanic_env_send(&env, 0, 0);
	assert_int_equal(dmanic_env_done(&env, 1, 0, 0)->frame_len, sizeof(whole));
	assert_memory_equal(dmanic_env_buffer(&env, 1, 0), whole, sizeof(whole));
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(tx_status(i), DMANIC_DD);
	assert_int_equal(dmanic_env_done(&env, 1, 0, 1)->status, 0);
}

static void large_frame_is_spread_over_buffers(void **state)
{
	const unsigned int len = 9000;

	dmanic_env_post_buffers(&env, 1, 0, 0, 8);
	fill(0, len, 5);
	dmanic_env_tx(&env, 0, 0, dmanic_env_iova(0, 0), len, DMANIC_TX_EOP);
	dmanic_env_send(&env, 0, 0);
	for (unsigned int i = 0, at = 0; i < 5; i++) {
		const union dmanic_rx_done *done = dmanic_env_done(&env, 1, 0, i);
		unsigned int part = len - at < DMANIC_ENV_BUFFER ? len - at : DMANIC_ENV_BUFFER;

		assert_int_equal(done->status, i == 4 ? DMANIC_DD | DMANIC_EOP : DMANIC_DD);
		assert_int_equal(done->data_len, part);
		assert_int_equal(done->frame_len, len);
		assert_memory_equal(dmanic_env_buffer(&env, 1, i),
				    dmanic_env_buffer(&env, 0, 0) + at, part);
		at += part;
	}
	assert_int_equal(dmanic_env_done(&env, 1, 0, 5)->status, 0);
}

static void frame_waits_until_it_has_all_its_buffers(void **state)
{
	dmanic_env_post_buffers(&env, 1, 0, 0, 2);
	fill(0, 6000, 9);
	dmanic_env_tx(&env, 0, 0, dmanic_env_iova(0, 0), 6000, DMANIC_TX_EOP);
	dmanic_env_send(&env, 0, 0);
	assert_int_equal(tx_status(0), 0);
	assert_int_equal(dmanic_env_done(&env, 1, 0, 0)->status, 0);
	dmanic_env_post_buffers(&env, 1, 0, 2, 1);
	dmanic_rx_resume(env.end[1].device, 0);
	assert_int_equal(tx_status(0), DMANIC_DD);
	assert_int_equal(dmanic_env_done(&env, 1, 0, 2)->status, DMANIC_DD | DMANIC_EOP);
	assert_memory_equal(dmanic_env_buffer(&env, 1, 2),
			    dmanic_env_buffer(&env, 0, 0) + 2 * DMANIC_ENV_BUFFER,
			    6000 - 2 * DMANIC_ENV_BUFFER);
}

static void paused_frames_wait_and_come_in_order(void **state)
{
	for (unsigned int i = 0; i < 100; i++)
		send_frame(i, 64, i);
	assert_int_equal(env.end[0].device->tx[0].counters.frames, 0);
	dmanic_env_post_buffers(&env, 1, 0, 0, 40);
	dmanic_rx_resume(env.end[1].device, 0);
	assert_int_equal(env.end[0].device->tx[0].counters.frames, 40);
	dmanic_env_post_buffers(&env, 1, 0, 40, 80);
	dmanic_rx_resume(env.end[1].device, 0);
	assert_int_equal(env.end[0].device->tx[0].counters.frames, 100);
	assert_int_equal(env.end[1].device->rx[0].counters.missed, 0);
	for (unsigned int i = 0; i < 100; i++)
		assert_memory_equal(dmanic_env_buffer(&env, 1, i), dmanic_env_buffer(&env, 0, i),
				    64);
}

static void without_pause_frames_without_a_buffer_are_missed_and_counted(void **state)
{
	env.end[1].device->is_pausing = false;
	dmanic_env_post_buffers(&env, 1, 0, 0, 10);
	for (unsigned int i = 0; i < 64; i++)
		send_frame(i, 64, i);
	assert_int_equal(env.end[0].device->tx[0].counters.frames, 64);
	assert_int_equal(env.end[1].device->rx[0].counters.frames, 10);
	assert_int_equal(env.end[1].device->rx[0].counters.missed, 54);
	assert_int_equal(tx_status(63), DMANIC_DD);
}

static void burst_of_32_costs_one_fetch_and_one_write_back_at_each_end(void **state)
{
	struct iommu_counters *tx = &env.end[0].tx_translator[0]->counters;
	struct iommu_counters *rx = &env.end[1].rx_translator[0]->counters;

	dmanic_env_post_buffers(&env, 1, 0, 0, 32);
	for (unsigned int i = 0; i < 32; i++)
		dmanic_env_tx(&env, 0, 0, dmanic_env_iova(0, i), 64, DMANIC_TX_EOP);
	dmanic_env_send(&env, 0, 0);
	assert_int_equal(tx->lookups, 1 + 32 + 1);
	assert_int_equal(rx->lookups, 1 + 32 + 1);
	assert_int_equal(tx->faults + rx->faults, 0);
}

static void chains_and_bursts_go_across_the_end_of_the_ring(void **state)
{
	unsigned int sent = 0;

	/* 7 does not divide the ring's size. */
	for (unsigned int round = 0; round < 100; round++) {
		dmanic_env_post_buffers(&env, 1, 0, 7 * (round % 8), 7);
		for (unsigned int i = 0; i < 7; i++) {
			fill(i, 100, round + i);
			dmanic_env_tx(&env, 0, 0, dmanic_env_iova(0, i), 100,
				      i % 2 ? DMANIC_TX_EOP : 0);
		}
		/* The last one begins a chain that the next descriptor ends. */
		dmanic_env_tx(&env, 0, 0, dmanic_env_iova(0, 7), 50, DMANIC_TX_EOP);
		dmanic_env_send(&env, 0, 0);
		sent += 4;
		assert_int_equal(env.end[0].device->tx[0].counters.frames, sent);
		assert_int_equal(dmanic_env_done(&env, 1, 0, 7 * round)->frame_len, 200);
		assert_int_equal(dmanic_env_done(&env, 1, 0, 7 * round + 3)->frame_len, 150);
		/* Three buffers of this round are left: take them out by using them up. */
		for (unsigned int i = 0; i < 3; i++, sent++)
			send_frame(i, 60, 0);
	}
	assert_int_equal(env.end[1].device->rx[0].counters.frames, sent);
}

static void without_a_link_frames_are_dropped_and_counted(void **state)
{
	env.end[0].device->has_link = false;
	dmanic_env_post_buffers(&env, 1, 0, 0, 10);
	send_frame(0, 64, 0);
	assert_int_equal(tx_status(0), DMANIC_DD);
	assert_int_equal(env.end[0].device->tx[0].counters.frames, 0);
	assert_int_equal(env.end[0].device->tx[0].counters.link_drops, 1);
	assert_int_equal(dmanic_env_done(&env, 1, 0, 0)->status, 0);
}

static void without_a_cable_a_device_hears_itself(void **state)
{
	dmanic_cable_unplug(env.end[0].device, env.end[1].device);
	env.end[0].device->has_link = true;
	dmanic_env_post_buffers(&env, 0, 0, 100, 2);
	send_frame(0, 64, 77);
	assert_int_equal(dmanic_env_done(&env, 0, 0, 0)->status, DMANIC_DD | DMANIC_EOP);
	assert_memory_equal(dmanic_env_buffer(&env, 0, 100), dmanic_env_buffer(&env, 0, 0), 64);
	assert_int_equal(dmanic_env_done(&env, 1, 0, 0)->status, 0);
}

static void frames_that_wait_are_dropped_when_their_queue_stops(void **state)
{
	for (unsigned int i = 0; i < 5; i++)
		send_frame(i, 64, i);
	assert_int_equal(tx_status(0), 0);
	dmanic_rx_ring_stop(env.end[1].device, 0);
	assert_int_equal(tx_status(4), DMANIC_DD);
	assert_int_equal(env.end[1].device->drops[DMANIC_DROP_STOPPED], 5);
}

static void stopped_ring_starts_again_empty(void **state)
{
	struct dmanic_env_end *end = &env.end[1];

	dmanic_env_post_buffers(&env, 1, 0, 0, 10);
	send_frame(0, 64, 1);
	dmanic_rx_ring_stop(end->device, 0);
	memset(end->rx_ring[0], 0, DMANIC_ENV_RING * DMANIC_DESC_SIZE);
	end->rx_tail[0] = 0;
	assert_int_equal(dmanic_rx_ring_start(end->device, 0, 2 * DMANIC_ENV_BASE + 4096,
					      DMANIC_ENV_RING, end->rx_translator[0]),
			 0);
	send_frame(1, 64, 2);
	assert_int_equal(tx_status(1), 0);
	dmanic_env_post_buffers(&env, 1, 0, 20, 1);
	dmanic_rx_resume(end->device, 0);
	assert_int_equal(tx_status(1), DMANIC_DD);
	assert_memory_equal(dmanic_env_buffer(&env, 1, 20), dmanic_env_buffer(&env, 0, 1), 64);
}

static void ring_of_wrong_size_or_place_is_refused(void **state)
{
	struct dmanic_device *device = dmanic_device_create();

	assert_int_equal(dmanic_tx_ring_start(device, 0, 4096, 32, NULL), -EINVAL);
	assert_int_equal(dmanic_tx_ring_start(device, 0, 4096, 8192, NULL), -EINVAL);
	assert_int_equal(dmanic_tx_ring_start(device, 0, 4096, 100, NULL), -EINVAL);
	assert_int_equal(dmanic_tx_ring_start(device, 0, 4096 + 64, 64, NULL), -EINVAL);
	assert_int_equal(dmanic_rx_ring_start(device, 0, UINT64_MAX - 127, 64, NULL), -EINVAL);
	assert_int_equal(dmanic_rx_ring_start(device, DMANIC_QUEUES, 4096, 64, NULL), -EINVAL);
	dmanic_device_destroy(device);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_env, close_env)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(frame_of_each_length_arrives_byte_for_byte),
		TEST(segments_arrive_as_one_frame),
		TEST(large_frame_is_spread_over_buffers),
		TEST(frame_waits_until_it_has_all_its_buffers),
		TEST(paused_frames_wait_and_come_in_order),
		TEST(without_pause_frames_without_a_buffer_are_missed_and_counted),
		TEST(burst_of_32_costs_one_fetch_and_one_write_back_at_each_end),
		TEST(chains_and_bursts_go_across_the_end_of_the_ring),
		TEST(without_a_link_frames_are_dropped_and_counted),
		TEST(without_a_cable_a_device_hears_itself),
		TEST(frames_that_wait_are_dropped_when_their_queue_stops),
		TEST(stopped_ring_starts_again_empty),
		cmocka_unit_test(ring_of_wrong_size_or_place_is_refused),
	};

	return cmocka_run_group_tests_name("dmanic_device", tests, NULL, NULL);
}
