/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of dealing frames to queues: all of a flow on one, in order, and every frame once. */
#include "unit.h"

#include <string.h>

#include <rte_eal.h>

#include "replay_capture.h"
#include "replay_flow.h"
#include "replay_share.h"

#define FRAMES 4000
#define FLOWS  200
#define QUEUES 4

static struct capture_frame frames[FRAMES];
static uint32_t flow_of[FRAMES];

/* Flows of 40 hosts; each frame goes in either direction. */
static void make_frames(bool has_fragments)
{
	uint64_t seed = 7;

	for (unsigned int i = 0; i < FRAMES; i++) {
		uint32_t flow = (uint32_t)(unit_random(&seed) % FLOWS);
		unsigned int way = unit_random(&seed) & 1;

		flow_of[i] = flow;
		frames[i] = (struct capture_frame){.size = 100};
		frames[i].hosts[way] = 0x0a000001 + flow % 40;
		frames[i].hosts[!way] = 0x0a640001 + flow % 7;
		frames[i].ports[way] = (uint16_t)(1000 + flow);
		frames[i].ports[!way] = 53;
		/* the flows of one pair of hosts send fragments, and whole datagrams too */
		frames[i].is_fragment = has_fragments && flow % 40 == 3 && i % 2 == 0;
	}
}

static struct replay_store *load(void)
{
	const struct replay_store_config config = {
		.frame_max = 1518,
		.segment_size = 1920,
		.memory = {.node = -1},
	};

	return capture_load(frames, FRAMES, config);
}

/* The queue of each flow, and each queue's frames in the file's order. */
static void assert_dealt_by_flow(const struct replay_store *store, const struct replay_split *split,
				 unsigned int *used)
{
	uint8_t queue_of[FLOWS];
	uint64_t next[QUEUES] = {0};
	uint64_t total = 0;

	memset(queue_of, 0xff, sizeof(queue_of));
	*used = 0;
	for (unsigned int i = 0; i < FRAMES; i++) {
		const struct rte_mbuf *frame = replay_store_frame(store, i);
		unsigned int q = 0;

		while (q < QUEUES && (next[q] == split->shares[q].count ||
				      split->shares[q].frames[next[q]] != frame))
			q++;
		assert_in_range(q, 0, QUEUES - 1);
		next[q]++;
		if (queue_of[flow_of[i]] == 0xff)
			queue_of[flow_of[i]] = (uint8_t)q;
		assert_int_equal(queue_of[flow_of[i]], q);
	}
	for (unsigned int q = 0; q < QUEUES; q++) {
		total += split->shares[q].count;
		*used += split->shares[q].count > 0;
	}
	assert_int_equal(total, FRAMES);
}

static void assert_four_queues_are_dealt(bool has_fragments)
{
	struct replay_store *store;
	struct replay_split *split;
	unsigned int used;

	make_frames(has_fragments);
	store = load();
	assert_int_equal(replay_split_create(store, QUEUES, &split, NULL), 0);
	assert_dealt_by_flow(store, split, &used);
	assert_int_equal(used, QUEUES);
	replay_split_destroy(split);
	assert_int_equal(replay_store_destroy(store), 0);
}

static void both_directions_of_a_flow_go_to_one_queue(void **state)
{
	assert_four_queues_are_dealt(false);
}

static void fragments_stay_with_the_datagrams_of_their_hosts(void **state)
{
	assert_four_queues_are_dealt(true);
}

static void one_queue_keeps_the_whole_order(void **state)
{
	struct replay_store *store;
	struct replay_split *split;

	make_frames(true);
	store = load();
	assert_int_equal(replay_split_create(store, 1, &split, NULL), 0);
	assert_int_equal(split->shares[0].count, FRAMES);
	for (unsigned int i = 0; i < FRAMES; i++)
		assert_ptr_equal(split->shares[0].frames[i], replay_store_frame(store, i));
	replay_split_destroy(split);
	assert_int_equal(replay_store_destroy(store), 0);
}

/* Negative control: ports do count where there are no fragments. */
static void flows_of_the_same_hosts_can_part(void **state)
{
	struct replay_flow flows[2];
	struct replay_store *store;

	memset(frames, 0, sizeof(frames));
	for (unsigned int i = 0; i < FRAMES; i++)
		frames[i] = (struct capture_frame){
			.size = 100, .hosts = {1, 2}, .ports = {(uint16_t)i, 53}};
	store = load();
	replay_flow_find(replay_store_frame(store, 0), &flows[0]);
	replay_flow_find(replay_store_frame(store, 1), &flows[1]);
	assert_int_equal(flows[0].hosts, flows[1].hosts);
	assert_int_not_equal(flows[0].ports, flows[1].ports);
	assert_int_equal(replay_store_destroy(store), 0);
}

static void a_frame_of_any_length_has_a_flow(void **state)
{
	struct replay_flow flow;
	struct replay_store *store;

	for (unsigned int i = 0; i < FRAMES; i++)
		frames[i] = (struct capture_frame){
			.size = 1 + i % 60, .hosts = {1, 2}, .ports = {3, 4}};
	store = load();
	for (unsigned int i = 0; i < FRAMES; i++)
		replay_flow_find(replay_store_frame(store, i), &flow);
	assert_int_equal(replay_store_destroy(store), 0);
}

int main(void)
{
	char *args[] = {"test",		  "--no-huge",	      "-m", "64", "--no-pci", "--no-shconf",
			"--no-telemetry", "--log-level=error"};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_directions_of_a_flow_go_to_one_queue),
		cmocka_unit_test(fragments_stay_with_the_datagrams_of_their_hosts),
		cmocka_unit_test(one_queue_keeps_the_whole_order),
		cmocka_unit_test(flows_of_the_same_hosts_can_part),
		cmocka_unit_test(a_frame_of_any_length_has_a_flow),
	};

	if (rte_eal_init(sizeof(args) / sizeof(args[0]), args) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
