/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of what dmanic's receiver does to frames: filters, tags, hashes, choice of the queue. */
#include <string.h>

#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_thash.h>

#include "dmanic_env.h"
#include "dmanic_rss.h"

#define QUEUES DMANIC_ENV_QUEUES

static struct dmanic_env env;
static uint8_t frame[512];
static uint16_t frame_len;

static const uint8_t key[DMANIC_KEY_SIZE] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static int open_env(void **state)
{
	dmanic_env_open(&env, QUEUES);
	for (unsigned int i = 0; i < QUEUES; i++)
		dmanic_env_post_buffers(&env, 1, i, 32 * i, 32);
	return 0;
}

static int close_env(void **state)
{
	dmanic_env_close(&env);
	return 0;
}

static struct dmanic_filter *filter(void)
{
	env.end[1].device->filter.needs_header = true;
	return &env.end[1].device->filter;
}

/* --- frames: Ethernet, tags, then addresses and ports that count up from `first` -------------- */

static void put16(uint16_t value)
{
	frame[frame_len++] = value >> 8;
	frame[frame_len++] = value & 0xff;
}

static void begin(unsigned int tags, uint16_t tci)
{
	memset(frame, 0, sizeof(frame));
	memcpy(frame, "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02", 12);
	frame_len = 12;
	for (unsigned int i = 0; i < tags; i++) {
		put16(0x8100);
		put16(tci);
	}
}

static void put_v4(uint8_t first, uint8_t proto, uint16_t offset)
{
	uint8_t *ip = frame + frame_len + 2;

	put16(0x0800);
	ip[0] = 0x45;
	ip[6] = offset >> 8;
	ip[7] = offset & 0xff;
	ip[9] = proto;
	for (unsigned int i = 0; i < 8 + 4; i++)
		ip[12 + i] = first + i;
	frame_len += 60;
}

static void put_v6(uint8_t first, uint8_t next)
{
	uint8_t *ip = frame + frame_len + 2;

	put16(0x86dd);
	ip[0] = 0x60;
	ip[6] = next;
	for (unsigned int i = 0; i < 32 + 4; i++)
		ip[8 + i] = first + i;
	frame_len += 80;
}

/* Sends the frame in two segments, cut at a different place each time. */
static void send_from(unsigned int queue, uint16_t flags, uint16_t tci)
{
	static unsigned int serial;
	unsigned int buffer = serial++ % 64;
	uint16_t cut = 1 + serial % (frame_len - 1);
	uint16_t tail = env.end[0].tx_tail[queue];

	memcpy(dmanic_env_buffer(&env, 0, 2 * buffer), frame, cut);
	memcpy(dmanic_env_buffer(&env, 0, 2 * buffer + 1), frame + cut, frame_len - cut);
	dmanic_env_tx(&env, 0, queue, dmanic_env_iova(0, 2 * buffer), cut, flags);
	env.end[0].tx_ring[queue][tail].vlan_tci = tci;
	dmanic_env_tx(&env, 0, queue, dmanic_env_iova(0, 2 * buffer + 1), frame_len - cut,
		      DMANIC_TX_EOP);
	dmanic_env_send(&env, 0, queue);
}

/* The only descriptor done since the last call, and where its frame is. */
static const union dmanic_rx_done *receive(unsigned int *queue, const uint8_t **data)
{
	for (unsigned int i = 0; i < QUEUES; i++) {
		for (unsigned int k = 0; k < 32; k++) {
			union dmanic_rx_desc *desc = &env.end[1].rx_ring[i][k];

			if (!(desc->status & DMANIC_DD))
				continue;
			desc->status &= ~DMANIC_DD;
			*queue = i;
			*data = dmanic_env_buffer(&env, 1, 32 * i + k);
			return (union dmanic_rx_done *)desc;
		}
	}
	return NULL;
}

/* --- choice of the queue ---------------------------------------------------------------------- */

static void without_rss_queue_i_goes_to_queue_i(void **state)
{
	const uint8_t *data;
	unsigned int queue;

	for (unsigned int i = 0; i < QUEUES; i++) {
		begin(0, 0);
		put_v4(i, IPPROTO_UDP, 0);
		send_from(i, 0, 0);
		assert_non_null(receive(&queue, &data));
		assert_int_equal(queue, i);
		assert_memory_equal(data, frame, frame_len);
	}
	env.end[1].device->rx_count = 2;
	send_from(3, 0, 0);
	assert_non_null(receive(&queue, &data));
	assert_int_equal(queue, 1);
}

static uint32_t softrss(const uint8_t *tuple, unsigned int bytes)
{
	uint32_t words[DMANIC_TUPLE_MAX / 4];

	for (unsigned int i = 0; i < bytes / 4; i++)
		words[i] = (uint32_t)tuple[4 * i] << 24 | (uint32_t)tuple[4 * i + 1] << 16 |
			   (uint32_t)tuple[4 * i + 2] << 8 | tuple[4 * i + 3];
	return rte_softrss(words, bytes / 4, key);
}

static void rss_on(uint64_t types)
{
	dmanic_rss_key_set(filter(), key);
	filter()->rss_hf = types;
	filter()->has_rss = true;
	for (unsigned int i = 0; i < DMANIC_RETA_SIZE; i++)
		filter()->reta[i] = (i * 7) % QUEUES;
}

static void expect_hash(uint32_t hash)
{
	const union dmanic_rx_done *done;
	const uint8_t *data;
	unsigned int queue;

	send_from(0, 0, 0);
	done = receive(&queue, &data);
	assert_non_null(done);
	assert_true(done->status & DMANIC_RSS);
	assert_int_equal(done->rss_hash, hash);
	assert_int_equal(queue, (hash % DMANIC_RETA_SIZE * 7) % QUEUES);
}

static void expect_no_hash(void)
{
	const union dmanic_rx_done *done;
	const uint8_t *data;
	unsigned int queue;

	send_from(1, 0, 0);
	done = receive(&queue, &data);
	assert_non_null(done);
	assert_false(done->status & DMANIC_RSS);
	assert_int_equal(queue, 0);
}

static void hash_is_the_one_of_rte_softrss(void **state)
{
	rss_on(RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV6_TCP);
	for (unsigned int i = 0; i < 8; i++) {
		begin(i % 3, 5);
		put_v4(17 * i, IPPROTO_UDP, 0x4000); /* do not fragment: not a fragment */
		expect_hash(softrss(frame + frame_len - 60 + 12, 12));
		begin(i % 3, 5);
		put_v6(31 * i, IPPROTO_TCP);
		expect_hash(softrss(frame + frame_len - 80 + 8, 36));
	}
}

static void only_chosen_types_are_hashed(void **state)
{
	rss_on(RTE_ETH_RSS_NONFRAG_IPV4_UDP);
	begin(0, 0);
	put_v4(1, IPPROTO_TCP, 0);
	expect_no_hash();
	begin(0, 0);
	put_v6(1, IPPROTO_UDP);
	expect_no_hash();
	begin(0, 0);
	put16(0x0806);
	frame_len += 46;
	expect_no_hash();
	begin(3, 9); /* too many tags */
	put_v4(1, IPPROTO_UDP, 0);
	expect_no_hash();
	begin(0, 0);
	put_v4(1, IPPROTO_UDP, 0);
	expect_hash(softrss(frame + 14 + 12, 12));
}

static void fragments_and_other_protocols_are_hashed_by_address(void **state)
{
	rss_on(RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_IPV6);
	begin(0, 0);
	put_v4(1, IPPROTO_UDP, 0x2000);
	expect_hash(softrss(frame + 14 + 12, 8));
	begin(0, 0);
	put_v4(1, IPPROTO_UDP, 5);
	expect_hash(softrss(frame + 14 + 12, 8));
	begin(0, 0);
	put_v4(1, IPPROTO_ICMP, 0);
	expect_hash(softrss(frame + 14 + 12, 8));
	begin(0, 0);
	put_v6(1, IPPROTO_UDP);
	expect_hash(softrss(frame + 14 + 8, 32));
}

static void cut_headers_are_not_hashed(void **state)
{
	rss_on(RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_IPV6);
	begin(0, 0);
	put_v4(1, IPPROTO_UDP, 0);
	frame_len = 14 + 19;
	expect_no_hash();
	begin(0, 0);
	put_v6(1, IPPROTO_UDP);
	frame_len = 14 + 39;
	expect_no_hash();
	frame_len = 13;
	expect_no_hash();
}

/* --- addresses -------------------------------------------------------------------------------- */

static bool arrives_at(const char *address)
{
	const uint8_t *data;
	unsigned int queue;

	begin(0, 0);
	memcpy(frame, address, 6);
	frame_len = 60;
	send_from(0, 0, 0);
	return receive(&queue, &data) != NULL;
}

static void only_our_addresses_are_received(void **state)
{
	const char *own = "\x02\x00\x00\x00\x00\x01", *other = "\x02\x00\x00\x00\x00\x02";
	const char *group = "\x01\x00\x5e\x00\x00\x01", *broadcast = "\xff\xff\xff\xff\xff\xff";

	assert_true(arrives_at(other));
	filter()->is_promiscuous = false;
	memcpy(&filter()->mac[0], own, 6);
	filter()->mac_count = 1;
	assert_true(arrives_at(own));
	assert_false(arrives_at(other));
	assert_true(arrives_at(broadcast));
	assert_false(arrives_at(group));
	assert_int_equal(env.end[1].device->drops[DMANIC_DROP_MAC], 2);
	memcpy(&filter()->mcast[0], group, 6);
	filter()->mcast_count = 1;
	assert_true(arrives_at(group));
	filter()->mcast_count = 0;
	filter()->is_allmulti = true;
	assert_true(arrives_at(group));
	assert_int_equal(env.end[0].device->tx[0].counters.frames, 7);
	assert_int_equal(env.end[1].device->rx[0].counters.frames, 5);
}

/* --- tags ------------------------------------------------------------------------------------- */

static void tag_is_inserted_behind_the_addresses(void **state)
{
	const union dmanic_rx_done *done;
	const uint8_t *data;
	unsigned int queue;

	begin(0, 0);
	put_v4(1, IPPROTO_UDP, 0);
	for (unsigned int i = 0; i < 20; i++) {
		send_from(0, DMANIC_TX_VLAN, 0x6123);
		done = receive(&queue, &data);
		assert_non_null(done);
		assert_int_equal(done->frame_len, frame_len + 4);
		assert_memory_equal(data, frame, 12);
		assert_memory_equal(data + 12, "\x81\x00\x61\x23", 4);
		assert_memory_equal(data + 16, frame + 12, frame_len - 12);
	}
	assert_int_equal(env.end[0].device->tx[0].counters.bytes, 20 * (frame_len + 4));
	assert_int_equal(env.end[1].device->rx[0].counters.bytes, 20 * (frame_len + 4));
}

static void tag_is_stripped_into_the_descriptor(void **state)
{
	const union dmanic_rx_done *done;
	const uint8_t *data;
	unsigned int queue;

	(void)filter();
	env.end[1].device->rx[0].is_stripping = true;
	for (unsigned int i = 0; i < 20; i++) {
		begin(1, 0x2345);
		put_v4(1, IPPROTO_UDP, 0);
		send_from(0, 0, 0);
		done = receive(&queue, &data);
		assert_non_null(done);
		assert_true(done->status & DMANIC_VLAN);
		assert_int_equal(done->vlan_tci, 0x2345);
		assert_int_equal(done->frame_len, frame_len - 4);
		assert_memory_equal(data, frame, 12);
		assert_memory_equal(data + 12, frame + 16, frame_len - 16);
	}
	begin(0, 0);
	put_v4(1, IPPROTO_UDP, 0);
	send_from(0, 0, 0);
	done = receive(&queue, &data);
	assert_false(done->status & DMANIC_VLAN);
	assert_memory_equal(data, frame, frame_len);
	/* Inserted and stripped on the way: never in the data. */
	send_from(0, DMANIC_TX_VLAN, 0x0777);
	done = receive(&queue, &data);
	assert_int_equal(done->vlan_tci, 0x0777);
	assert_int_equal(done->frame_len, frame_len);
	assert_memory_equal(data, frame, frame_len);
}

static bool arrives_in_vlan(unsigned int vlan)
{
	const uint8_t *data;
	unsigned int queue;

	begin(1, 0xe000 | vlan);
	put_v4(1, IPPROTO_UDP, 0);
	send_from(0, 0, 0);
	return receive(&queue, &data) != NULL;
}

static void only_chosen_vlans_are_received(void **state)
{
	const uint8_t *data;
	unsigned int queue;

	filter()->is_vlan_filtering = true;
	filter()->vlan[100 / 64] |= UINT64_C(1) << (100 % 64);
	assert_true(arrives_in_vlan(100));
	assert_false(arrives_in_vlan(101));
	assert_false(arrives_in_vlan(4095));
	assert_int_equal(env.end[1].device->drops[DMANIC_DROP_VLAN], 2);
	begin(0, 0);
	put_v4(1, IPPROTO_UDP, 0);
	send_from(0, 0, 0);
	assert_non_null(receive(&queue, &data));
	send_from(0, DMANIC_TX_VLAN, 101);
	assert_null(receive(&queue, &data));
	assert_int_equal(env.end[1].device->drops[DMANIC_DROP_VLAN], 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_env, close_env)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_rss_queue_i_goes_to_queue_i),
		TEST(hash_is_the_one_of_rte_softrss),
		TEST(only_chosen_types_are_hashed),
		TEST(fragments_and_other_protocols_are_hashed_by_address),
		TEST(cut_headers_are_not_hashed),
		TEST(only_our_addresses_are_received),
		TEST(tag_is_inserted_behind_the_addresses),
		TEST(tag_is_stripped_into_the_descriptor),
		TEST(only_chosen_vlans_are_received),
	};

	return cmocka_run_group_tests_name("dmanic_frame", tests, NULL, NULL);
}
