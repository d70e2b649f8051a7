/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of loaded captures: the bytes, the counts, the memory, and sending over and over. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>

#include "fake_iommu.h"
#include "replay_capture.h"
#include "replay_share.h"

#define FRAMES	  500
#define FRAME_MAX 9622
#define SEGMENT	  1920

static struct replay_store_config config_of(const char *path)
{
	return (struct replay_store_config){
		.path = path,
		.frame_max = FRAME_MAX,
		.segment_size = SEGMENT,
		.memory = {.node = -1, .page_size = 4096},
	};
}

static struct replay_store *load(const struct capture_frame *frames, size_t count)
{
	return capture_load(frames, count, config_of(NULL));
}

static void assert_frame(const struct rte_mbuf *mbuf, const struct capture_frame *frame,
			 uint32_t number)
{
	static uint8_t expected[256 * 1024], buffer[256 * 1024];
	uint32_t size = capture_frame_build(frame, number, expected);
	const uint8_t *bytes;

	assert_int_equal(mbuf->pkt_len, size);
	assert_int_equal(mbuf->nb_segs, (size + SEGMENT - 1) / SEGMENT);
	assert_int_equal(rte_mbuf_check(mbuf, 1, &(const char *){NULL}), 0);
	bytes = rte_pktmbuf_read(mbuf, 0, size, buffer);
	assert_non_null(bytes);
	assert_memory_equal(bytes, expected, size);
}

static void frames_hold_the_bytes_of_the_file_in_its_order(void **state)
{
	struct capture_frame frames[FRAMES] = {0};
	struct replay_store *store;
	uint64_t seed = 1, bytes = 0;

	for (unsigned int i = 0; i < FRAMES; i++) {
		frames[i].size = 1 + (uint32_t)(unit_random(&seed) % FRAME_MAX);
		bytes += frames[i].size;
	}
	store = load(frames, FRAMES);
	assert_int_equal(replay_store_info(store)->records, FRAMES);
	assert_int_equal(replay_store_info(store)->frames, FRAMES);
	assert_int_equal(replay_store_info(store)->frame_bytes, bytes);
	for (unsigned int i = 0; i < FRAMES; i++)
		assert_frame(replay_store_frame(store, i), &frames[i], i);
	assert_int_equal(replay_store_destroy(store), 0);
}

static void what_cannot_be_sent_is_counted_and_the_rest_is_whole(void **state)
{
	const struct capture_frame frames[] = {
		{.size = 60}, {.size = FRAME_MAX + 1}, {.size = FRAME_MAX},
		{.size = 0},  {.size = 256 * 1024},    {.size = 61},
	};
	struct replay_store *store = load(frames, 6);
	const struct replay_info *info = replay_store_info(store);

	assert_int_equal(info->records, 6);
	assert_int_equal(info->oversize, 2);
	assert_int_equal(info->empty, 1);
	assert_int_equal(info->frames, 3);
	assert_int_equal(info->largest, 256 * 1024);
	assert_frame(replay_store_frame(store, 0), &frames[0], 0);
	assert_frame(replay_store_frame(store, 1), &frames[2], 2);
	assert_frame(replay_store_frame(store, 2), &frames[5], 5);
	assert_int_equal(replay_store_destroy(store), 0);
}

static void a_capture_without_a_frame_to_send_is_refused(void **state)
{
	const struct capture_frame large = {.size = FRAME_MAX + 1};

	for (size_t count = 0; count < 2; count++) {
		char *path = capture_write(&large, count);
		struct replay_store_config config = config_of(path);
		struct base_error err = {0};
		struct replay_store *store;

		assert_int_equal(replay_store_create(&config, &store, &err), -ENODATA);
		assert_non_null(strstr(err.text, count == 0 ? "holds no packets" : "max-pkt-len"));
		unlink(path);
		free(path);
	}
}

static int give_up(void *arg, uint64_t done, uint64_t total)
{
	assert_true(done <= total);
	return --*(int *)arg == 0;
}

static void loading_can_be_given_up_in_either_pass(void **state)
{
	static struct capture_frame frames[5000];
	struct base_error err;
	struct replay_store *store;
	char *path;

	for (unsigned int i = 0; i < 5000; i++)
		frames[i].size = 60;
	path = capture_write(frames, 5000);
	for (int calls = 1; calls <= 3; calls++) {
		struct replay_store_config config = config_of(path);
		int left = calls;
		int ret;

		config.progress = give_up;
		config.arg = &left;
		err.code = 0;
		ret = replay_store_create(&config, &store, &err);
		assert_int_equal(ret, calls <= 2 ? -ECANCELED : 0);
		if (ret == 0)
			assert_int_equal(replay_store_destroy(store), 0);
	}
	unlink(path);
	free(path);
}

/* Sends all of a share as a driver with a ring of `ring` frames does: it frees the oldest. */
static uint64_t send_all(struct replay_share *share, unsigned int ring, uint64_t *seed)
{
	static struct rte_mbuf *held[4096];
	struct rte_mbuf *burst[32];
	uint64_t sent = 0, freed = 0;

	while (!replay_share_is_done(share)) {
		uint16_t n = replay_share_next(share, burst, 32);
		uint16_t taken = (uint16_t)(unit_random(seed) % (n + 1u));

		for (uint16_t i = 0; i < taken; i++) {
			assert_ptr_equal(burst[i], share->frames[sent % share->count]);
			if (sent - freed == ring)
				rte_pktmbuf_free(held[freed++ % ring]);
			held[sent++ % ring] = burst[i];
		}
		if (taken > 0)
			replay_share_sent(share, taken, 0);
	}
	while (freed < sent)
		rte_pktmbuf_free(held[freed++ % ring]);
	return sent;
}

static void loops_multiply_exactly_and_give_every_frame_back(void **state)
{
	const struct capture_frame frames[] = {{.size = 60}, {.size = 5000}, {.size = 61}};
	static const uint64_t loops[] = {1,
					 2,
					 REPLAY_CREDITS - 1,
					 REPLAY_CREDITS,
					 REPLAY_CREDITS + 1,
					 3 * REPLAY_CREDITS + 7};
	struct replay_store *store = load(frames, 3);
	struct replay_split *split;
	uint64_t seed = 1;

	assert_int_equal(replay_split_create(store, 1, &split, NULL), 0);
	for (size_t i = 0; i < sizeof(loops) / sizeof(loops[0]); i++) {
		replay_share_rewind(&split->shares[0], loops[i]);
		assert_int_equal(send_all(&split->shares[0], 512, &seed), 3 * loops[i]);
		assert_int_equal(split->shares[0].sent, 3 * loops[i]);
	}
	for (uint32_t i = 0; i < 3; i++)
		assert_frame(replay_store_frame(store, i), &frames[i], i);
	replay_split_destroy(split);
	assert_int_equal(replay_store_destroy(store), 0);
}

static void an_endless_share_outlives_its_references(void **state)
{
	const struct capture_frame frame = {.size = 60};
	struct replay_store *store = load(&frame, 1);
	struct replay_split *split;
	struct rte_mbuf *burst[32];

	assert_int_equal(replay_split_create(store, 1, &split, NULL), 0);
	replay_share_rewind(&split->shares[0], 0);
	for (unsigned int i = 0; i < 10000; i++) {
		uint16_t n = replay_share_next(&split->shares[0], burst, 32);

		assert_true(n > 0);
		for (uint16_t j = 0; j < n; j++)
			rte_pktmbuf_free(burst[j]);
		replay_share_sent(&split->shares[0], n, 0);
	}
	replay_split_destroy(split);
	assert_int_equal(replay_store_destroy(store), 0);
}

static void a_store_whose_frames_are_in_flight_stays(void **state)
{
	const struct capture_frame frames[] = {{.size = 60}, {.size = 60}};
	struct replay_store *store = load(frames, 2);
	struct replay_split *split;
	struct rte_mbuf *burst[1] = {NULL};

	assert_int_equal(replay_split_create(store, 1, &split, NULL), 0);
	replay_share_rewind(&split->shares[0], 5);
	assert_int_equal(replay_share_next(&split->shares[0], burst, 1), 1);
	replay_share_sent(&split->shares[0], 1, 60);
	replay_split_destroy(split);
	assert_int_equal(replay_store_destroy(store), -EBUSY);
	rte_pktmbuf_free(burst[0]);
	assert_int_equal(replay_store_destroy(store), 0);
}

static void the_domain_may_read_a_capture_and_nothing_else(void **state)
{
	const struct capture_frame frame = {.size = 100};
	char *path = capture_write(&frame, 1);
	struct replay_store_config config = config_of(path);
	struct iommu_domain_usage usage;
	struct replay_store *store;
	struct iommu_unit *unit;

	fake_reset();
	assert_int_equal(iommu_unit_create(&fake_ops, 0, NULL, &unit, NULL), 0);
	assert_int_equal(iommu_domain_create(unit, NULL, &config.memory.domain, NULL), 0);
	assert_int_equal(dma_space_create(&config.memory.space, NULL), 0);
	assert_int_equal(dma_space_add_unit(config.memory.space, unit), 0);
	assert_int_equal(replay_store_create(&config, &store, NULL), 0);
	assert_int_equal(fake.mapping.prot, IOMMU_READ);
	assert_int_equal(rte_mbuf_data_iova(replay_store_frame(store, 0)), fake.mapping.iova);
	assert_ptr_equal(rte_pktmbuf_mtod(replay_store_frame(store, 0), void *),
			 fake.mapping.vaddr);
	iommu_domain_usage(config.memory.domain, &usage);
	assert_int_equal(usage.mappings, 1);
	assert_int_equal(replay_store_destroy(store), 0);
	iommu_domain_usage(config.memory.domain, &usage);
	assert_int_equal(usage.mappings, 0);
	assert_int_equal(dma_space_destroy(config.memory.space), 0);
	assert_int_equal(iommu_domain_destroy(config.memory.domain), 0);
	assert_int_equal(iommu_unit_destroy(unit), 0);
	unlink(path);
	free(path);
}

int main(void)
{
	char *args[] = {"test",		  "--no-huge",	      "-m", "64", "--no-pci", "--no-shconf",
			"--no-telemetry", "--log-level=error"};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_hold_the_bytes_of_the_file_in_its_order),
		cmocka_unit_test(what_cannot_be_sent_is_counted_and_the_rest_is_whole),
		cmocka_unit_test(a_capture_without_a_frame_to_send_is_refused),
		cmocka_unit_test(loading_can_be_given_up_in_either_pass),
		cmocka_unit_test(loops_multiply_exactly_and_give_every_frame_back),
		cmocka_unit_test(an_endless_share_outlives_its_references),
		cmocka_unit_test(a_store_whose_frames_are_in_flight_stays),
		cmocka_unit_test(the_domain_may_read_a_capture_and_nothing_else),
	};

	if (rte_eal_init(sizeof(args) / sizeof(args[0]), args) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
