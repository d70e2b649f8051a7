/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of descriptors and accesses that dmanic's device side has to refuse. */
#include <string.h>

#include "dmanic_env.h"

#define READ_REFUSED  0x06
#define WRITE_REFUSED 0x05

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

static unsigned int tx_status(unsigned int index)
{
	return env.end[0].tx_ring[0][index % DMANIC_ENV_RING].status;
}

static void tx(uint64_t iova, uint16_t len, uint16_t flags)
{
	dmanic_env_tx(&env, 0, 0, iova, len, flags);
}

static void good(void)
{
	tx(dmanic_env_iova(0, 0), 64, DMANIC_TX_EOP);
}

static void send_all(void)
{
	dmanic_env_send(&env, 0, 0);
}

static const struct dmanic_tx_counters *sent(void)
{
	return &env.end[0].device->tx[0].counters;
}

static const struct dmanic_rx_counters *received(void)
{
	return &env.end[1].device->rx[0].counters;
}

static void bad_transmit_descriptors_are_counted_and_good_ones_go_on(void **state)
{
	dmanic_env_post_buffers(&env, 1, 0, 0, 10);
	tx(dmanic_env_iova(0, 0), 0, DMANIC_TX_EOP);
	good();
	tx(dmanic_env_iova(0, 0), 65535, DMANIC_TX_EOP);
	tx(UINT64_MAX - 20, 64, DMANIC_TX_EOP);
	good();
	send_all();
	assert_int_equal(sent()->desc_errors, 3);
	assert_int_equal(sent()->frames, 2);
	assert_int_equal(received()->frames, 2);
	assert_int_equal(iommu_faults_total(env.end[0].domain), 0);
	assert_int_equal(tx_status(0), DMANIC_DD | DMANIC_ERR);
	assert_int_equal(tx_status(1), DMANIC_DD);
	assert_int_equal(tx_status(2), DMANIC_DD | DMANIC_ERR);
	assert_int_equal(tx_status(3), DMANIC_DD | DMANIC_ERR);
	assert_int_equal(tx_status(4), DMANIC_DD);
}

static void refused_payload_is_one_fault_and_its_frame_is_dropped(void **state)
{
	dmanic_env_post_buffers(&env, 1, 0, 0, 10);
	tx(dmanic_env_iova(0, 0), 100, 0);
	tx(0x7f0000000000, 100, 0); /* a segment in the middle */
	tx(dmanic_env_iova(0, 1), 100, DMANIC_TX_EOP);
	good();
	send_all();
	assert_int_equal(sent()->refused, 1);
	assert_int_equal(sent()->frames, 1);
	assert_int_equal(received()->frames, 1);
	assert_int_equal(dmanic_env_done(&env, 1, 0, 0)->frame_len, 64);
	assert_int_equal(iommu_faults_total(env.end[0].domain), 1);
	assert_int_equal(iommu_faults_of_reason(env.end[0].domain, READ_REFUSED), 1);
	assert_int_equal(env.end[0].tx_translator[0]->counters.faults, 1);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(tx_status(i), DMANIC_DD | DMANIC_ERR);
}

static void refused_frames_that_wait_behind_others_are_counted_once(void **state)
{
	/* The first frame needs more buffers than there are, so all of them are seen again. */
	env.end[1].device->filter.frame_max = DMANIC_FRAME_MAX;
	env.end[1].device->filter.has_rss = true; /* no limit by posted buffers */
	tx(dmanic_env_iova(0, 0), 3000, DMANIC_TX_EOP);
	tx(0x7f0000000000, 64, DMANIC_TX_EOP);
	tx(dmanic_env_iova(0, 0), 0, DMANIC_TX_EOP);
	send_all();
	dmanic_env_post_buffers(&env, 1, 0, 0, 1);
	dmanic_rx_resume(env.end[1].device, 0);
	assert_int_equal(tx_status(0), 0);
	dmanic_env_post_buffers(&env, 1, 0, 1, 3);
	dmanic_rx_resume(env.end[1].device, 0);
	assert_int_equal(sent()->frames, 1);
	assert_int_equal(sent()->refused, 1);
	assert_int_equal(sent()->desc_errors, 1);
	assert_int_equal(iommu_faults_total(env.end[0].domain), 1);
}

static void chain_without_an_end_waits_for_it(void **state)
{
	dmanic_env_post_buffers(&env, 1, 0, 0, 2);
	tx(dmanic_env_iova(0, 0), 100, 0);
	send_all();
	assert_int_equal(tx_status(0), 0);
	assert_int_equal(sent()->desc_errors, 0);
	tx(dmanic_env_iova(0, 1), 100, DMANIC_TX_EOP);
	send_all();
	assert_int_equal(sent()->frames, 1);
	assert_int_equal(dmanic_env_done(&env, 1, 0, 0)->frame_len, 200);
}

static void chain_that_is_too_long_is_one_error_up_to_its_end(void **state)
{
	dmanic_env_post_buffers(&env, 1, 0, 0, 2);
	for (unsigned int i = 0; i < 40; i++)
		tx(dmanic_env_iova(0, 0), 20, 0);
	tx(dmanic_env_iova(0, 0), 20, DMANIC_TX_EOP);
	good();
	send_all();
	assert_int_equal(sent()->desc_errors, 1);
	assert_int_equal(sent()->frames, 1);
	assert_int_equal(received()->frames, 1);
	assert_int_equal(tx_status(40), DMANIC_DD | DMANIC_ERR);
	assert_int_equal(tx_status(41), DMANIC_DD);
}

static void chain_of_32_descriptors_is_sent(void **state)
{
	dmanic_env_post_buffers(&env, 1, 0, 0, 2);
	for (unsigned int i = 0; i < 32; i++)
		tx(dmanic_env_iova(0, 0), 20, i == 31 ? DMANIC_TX_EOP : 0);
	send_all();
	assert_int_equal(sent()->frames, 1);
	assert_int_equal(dmanic_env_done(&env, 1, 0, 0)->frame_len, 640);
}

static void frame_above_the_largest_is_an_error_also_in_parts(void **state)
{
	dmanic_env_post_buffers(&env, 1, 0, 0, 20);
	tx(dmanic_env_iova(0, 0), DMANIC_FRAME_MAX, DMANIC_TX_EOP);
	tx(dmanic_env_iova(0, 0), DMANIC_FRAME_MAX + 1, DMANIC_TX_EOP);
	tx(dmanic_env_iova(0, 0), DMANIC_FRAME_MAX, 0);
	tx(dmanic_env_iova(0, 0), 1, DMANIC_TX_EOP);
	send_all();
	assert_int_equal(sent()->frames, 1);
	assert_int_equal(sent()->desc_errors, 2);
}

static void frame_above_the_receivers_mtu_is_oversize(void **state)
{
	env.end[1].device->filter.frame_max = 1522;
	dmanic_env_post_buffers(&env, 1, 0, 0, 20);
	tx(dmanic_env_iova(0, 0), 1522, DMANIC_TX_EOP);
	tx(dmanic_env_iova(0, 0), 1523, DMANIC_TX_EOP);
	send_all();
	assert_int_equal(received()->frames, 1);
	assert_int_equal(received()->oversize, 1);
}

static void frame_that_needs_too_many_buffers_is_oversize_and_uses_none(void **state)
{
	for (unsigned int i = 0; i < 40; i++)
		dmanic_env_rx(&env, 1, 0, dmanic_env_iova(1, i), 40);
	dmanic_env_post(&env, 1, 0);
	tx(dmanic_env_iova(0, 0), 32 * 40 + 1, DMANIC_TX_EOP);
	tx(dmanic_env_iova(0, 0), 32 * 40, DMANIC_TX_EOP);
	send_all();
	assert_int_equal(received()->oversize, 1);
	assert_int_equal(received()->frames, 1);
	assert_int_equal(dmanic_env_done(&env, 1, 0, 31)->status, DMANIC_DD | DMANIC_EOP);
}

static void bad_receive_descriptor_is_passed_over(void **state)
{
	dmanic_env_rx(&env, 1, 0, dmanic_env_iova(1, 0), 0);
	dmanic_env_rx(&env, 1, 0, UINT64_MAX - 20, 2048);
	dmanic_env_post_buffers(&env, 1, 0, 2, 1);
	good();
	send_all();
	assert_int_equal(received()->desc_errors, 2);
	assert_int_equal(received()->frames, 1);
	assert_int_equal(dmanic_env_done(&env, 1, 0, 0)->status,
			 DMANIC_DD | DMANIC_EOP | DMANIC_ERR);
	assert_int_equal(dmanic_env_done(&env, 1, 0, 1)->status,
			 DMANIC_DD | DMANIC_EOP | DMANIC_ERR);
	assert_int_equal(dmanic_env_done(&env, 1, 0, 2)->status, DMANIC_DD | DMANIC_EOP);
	assert_int_equal(iommu_faults_total(env.end[1].domain), 0);
}

static void bad_receive_descriptor_inside_a_frame_costs_the_frame(void **state)
{
	dmanic_env_rx(&env, 1, 0, dmanic_env_iova(1, 0), 100);
	dmanic_env_rx(&env, 1, 0, dmanic_env_iova(1, 1), 0);
	dmanic_env_post_buffers(&env, 1, 0, 2, 1);
	tx(dmanic_env_iova(0, 0), 150, DMANIC_TX_EOP);
	good();
	send_all();
	assert_int_equal(received()->desc_errors, 1);
	assert_int_equal(received()->refused, 1);
	assert_int_equal(received()->frames, 1);
	assert_int_equal(dmanic_env_done(&env, 1, 0, 0)->status, DMANIC_DD | DMANIC_ERR);
	assert_int_equal(dmanic_env_done(&env, 1, 0, 1)->status,
			 DMANIC_DD | DMANIC_EOP | DMANIC_ERR);
	assert_int_equal(dmanic_env_done(&env, 1, 0, 2)->frame_len, 64);
}

static void refused_receive_buffer_costs_its_frame(void **state)
{
	dmanic_env_rx(&env, 1, 0, dmanic_env_read_only(1), 2048);
	dmanic_env_post_buffers(&env, 1, 0, 1, 1);
	good();
	good();
	send_all();
	assert_int_equal(received()->refused, 1);
	assert_int_equal(received()->frames, 1);
	assert_int_equal(dmanic_env_done(&env, 1, 0, 0)->status,
			 DMANIC_DD | DMANIC_EOP | DMANIC_ERR);
	assert_int_equal(dmanic_env_done(&env, 1, 0, 1)->status, DMANIC_DD | DMANIC_EOP);
	assert_int_equal(iommu_faults_of_reason(env.end[1].domain, WRITE_REFUSED), 1);
	assert_int_equal(env.end[1].rx_translator[0]->counters.faults, 1);
}

static void frame_with_one_refused_buffer_writes_none_of_them(void **state)
{
	uint8_t *first = dmanic_env_buffer(&env, 1, 0);

	memset(first, 0xee, 100);
	dmanic_env_rx(&env, 1, 0, dmanic_env_iova(1, 0), 100);
	dmanic_env_rx(&env, 1, 0, dmanic_env_read_only(1), 2048);
	dmanic_env_post(&env, 1, 0);
	tx(dmanic_env_iova(0, 0), 150, DMANIC_TX_EOP);
	send_all();
	assert_int_equal(received()->refused, 1);
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(first[i], 0xee);
}

static void unreachable_ring_halts_its_queue_with_one_fault(void **state)
{
	struct iommu_gather gather = {0};
	uint64_t rings = DMANIC_ENV_BASE;

	dmanic_env_post_buffers(&env, 1, 0, 0, 10);
	assert_int_equal(iommu_unmap(env.end[0].domain, rings, 8 * 4096, &gather), 0);
	assert_int_equal(iommu_sync(env.end[0].domain, &gather), 0);
	good();
	send_all();
	good();
	send_all();
	assert_int_equal(sent()->frames, 0);
	assert_int_equal(iommu_faults_total(env.end[0].domain), 1);
}

static void rings_become_read_only(unsigned int end)
{
	struct iommu_gather gather = {0};
	uint64_t rings = DMANIC_ENV_BASE * (end + 1u);

	assert_int_equal(iommu_unmap(env.end[end].domain, rings, 8 * 4096, &gather), 0);
	assert_int_equal(iommu_sync(env.end[end].domain, &gather), 0);
	assert_int_equal(iommu_map(env.end[end].domain, rings, env.end[end].memory, 8 * 4096, 4096,
				   IOMMU_READ),
			 0);
}

static void frames_that_cannot_be_written_back_do_not_count_as_received(void **state)
{
	dmanic_env_post_buffers(&env, 1, 0, 0, 10);
	rings_become_read_only(1);
	good();
	good();
	/* Once as plain frames, once as frames whose header is looked at. */
	env.end[1].device->filter.needs_header = *state != NULL;
	send_all();
	assert_int_equal(sent()->frames, 2);
	assert_int_equal(received()->frames, 0);
	assert_int_equal(received()->bytes, 0);
	assert_int_equal(received()->refused, 2);
	assert_int_equal(iommu_faults_total(env.end[1].domain), 1);
	good();
	send_all();
	assert_int_equal(sent()->frames, 3);
	assert_int_equal(received()->missed, 1);
	assert_int_equal(iommu_faults_total(env.end[1].domain), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_env, close_env)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bad_transmit_descriptors_are_counted_and_good_ones_go_on),
		TEST(refused_payload_is_one_fault_and_its_frame_is_dropped),
		TEST(refused_frames_that_wait_behind_others_are_counted_once),
		TEST(chain_without_an_end_waits_for_it),
		TEST(chain_that_is_too_long_is_one_error_up_to_its_end),
		TEST(chain_of_32_descriptors_is_sent),
		TEST(frame_above_the_largest_is_an_error_also_in_parts),
		TEST(frame_above_the_receivers_mtu_is_oversize),
		TEST(frame_that_needs_too_many_buffers_is_oversize_and_uses_none),
		TEST(bad_receive_descriptor_is_passed_over),
		TEST(bad_receive_descriptor_inside_a_frame_costs_the_frame),
		TEST(refused_receive_buffer_costs_its_frame),
		TEST(frame_with_one_refused_buffer_writes_none_of_them),
		TEST(unreachable_ring_halts_its_queue_with_one_fault),
		TEST(frames_that_cannot_be_written_back_do_not_count_as_received),
		cmocka_unit_test_prestate_setup_teardown(
			frames_that_cannot_be_written_back_do_not_count_as_received, open_env,
			close_env, &env),
	};

	return cmocka_run_group_tests_name("dmanic_errors", tests, NULL, NULL);
}
