/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of where drivers keep their descriptors: names as DPDK 22.11 makes them. */
#include <string.h>

#include "port_ring.h"
#include "unit.h"

static void expect(const char *driver, bool is_rx, uint16_t queue, const char *want)
{
	char name[64] = "";

	assert_true(port_ring_zone(driver, 3, is_rx, queue, name, sizeof(name)));
	assert_string_equal(name, want);
}

static void ethdev_s_zones_carry_port_queue_and_ring(void **state)
{
	expect("net_dmanic", true, 0, "eth_p3_q0_rx_ring");
	expect("net_dmanic", false, 12, "eth_p3_q12_tx_ring");
	expect("net_e1000_em", true, 0, "eth_p3_q0_rx_ring");
	expect("net_e1000_igb", false, 2, "eth_p3_q2_tx_ring");
	expect("net_vmxnet3", true, 1, "eth_p3_q1_rxdesc");
	expect("net_vmxnet3", false, 1, "eth_p3_q1_txdesc");
}

static void virtio_counts_both_directions_on(void **state)
{
	expect("net_virtio", true, 0, "port3_vq0");
	expect("net_virtio", false, 0, "port3_vq1");
	expect("net_virtio", true, 2, "port3_vq4");
	expect("net_virtio", false, 2, "port3_vq5");
}

static void a_driver_that_is_not_known_has_no_ring(void **state)
{
	struct port port = {.driver = "net_null"};
	struct tracker_ring ring;
	char name[64];

	assert_false(port_ring_zone("net_null", 0, true, 0, name, sizeof(name)));
	assert_false(port_ring_zone("net_e1000", 0, true, 0, name, sizeof(name)));
	memset(&ring, 0xff, sizeof(ring));
	assert_false(port_ring_find(&port, true, 0, &ring));
	assert_int_equal(ring.size, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ethdev_s_zones_carry_port_queue_and_ring),
		cmocka_unit_test(virtio_counts_both_directions_on),
		cmocka_unit_test(a_driver_that_is_not_known_has_no_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
