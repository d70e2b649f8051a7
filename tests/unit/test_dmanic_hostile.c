/* SPDX-License-Identifier: BSD-3-Clause */
/* A million hostile descriptors: nothing outside the allowed buffers changes, all are counted. */
#include <stdlib.h>
#include <string.h>

#include "dmanic_env.h"

#define DESCRIPTORS   1000000
#define READ_REFUSED  0x06
#define WRITE_REFUSED 0x05
#define BEYOND_WIDTH  0x04
#define TX_BUFFERS    32 /* of the sender, with what it sends */
#define RX_BUFFERS    64 /* of the receiver, and posted */

/* What a descriptor does to its device, as the specification of dmanic has it. */
enum outcome {
	GOOD,
	DESC_ERROR,
	FAULT_READ,
	FAULT_WRITE,
	FAULT_WIDTH,
};

struct descriptor {
	uint64_t iova;
	uint16_t len;
	enum outcome outcome;
	unsigned int buffer; /* of those that are GOOD */
	uint16_t room;	     /* bytes of its address that may be written after all */
};

static struct dmanic_env env;
static uint64_t seed = 2026;
static uint8_t *image[2];   /* what the memory of each end has to be */
static uint8_t header[256]; /* stands for an mbuf header: ours, and mapped for nobody */
static uint64_t faults[2][256];
static uint64_t frames, tx_errors, tx_refused, rx_errors, rx_refused;

static unsigned int pick(unsigned int n)
{
	return unit_random(&seed) % n;
}

static struct descriptor bad_address(unsigned int end, bool is_write)
{
	enum outcome refused = is_write ? FAULT_WRITE : FAULT_READ;
	uint64_t forbidden = is_write ? dmanic_env_read_only(end) : dmanic_env_write_only(end);
	uint16_t len = is_write ? DMANIC_ENV_BUFFER : 64 + pick(1400);
	unsigned int room = 1 + pick(63);

	switch (pick(9)) {
	case 0: /* the other device's buffers */
		return (struct descriptor){dmanic_env_iova(!end, pick(TX_BUFFERS)), len,
					   .outcome = refused};
	case 1: /* the other device's rings */
		return (struct descriptor){DMANIC_ENV_BASE * (2u - end), len, .outcome = refused};
	case 2: /* an address of the process */
		return (struct descriptor){(uintptr_t)header, len, .outcome = refused};
	case 3: /* the wrong right */
		return (struct descriptor){forbidden + pick(2048), len, .outcome = refused};
	case 4: /* from a page of ours into one that is not mapped */
		return (struct descriptor){
			(is_write ? dmanic_env_write_only(end) : dmanic_env_read_only(end)) + 4096 -
				room,
			len, refused, .room = room};
	case 5:
		return (struct descriptor){(UINT64_C(1) << 48) + pick(1u << 30), len,
					   .outcome = FAULT_WIDTH};
	case 6:
		return (struct descriptor){UINT64_MAX - pick(63), len, .outcome = DESC_ERROR};
	case 7:
		return (struct descriptor){dmanic_env_iova(end, pick(RX_BUFFERS)), 0,
					   .outcome = DESC_ERROR};
	default:
		return (struct descriptor){(UINT64_C(1) << 47) - 2 * len, len, .outcome = refused};
	}
}

static struct descriptor tx_descriptor(void)
{
	unsigned int buffer = pick(TX_BUFFERS);

	if (pick(16) == 0)
		return (struct descriptor){dmanic_env_iova(0, buffer), 65535,
					   .outcome = DESC_ERROR};
	if (pick(3) > 0)
		return bad_address(0, false);
	return (struct descriptor){dmanic_env_iova(0, buffer), 1 + pick(DMANIC_ENV_BUFFER), GOOD,
				   .buffer = buffer};
}

static struct descriptor rx_descriptor(unsigned int buffer)
{
	if (pick(3) > 0)
		return bad_address(1, true);
	/* A length that is not true does no harm as long as what is written is mapped. */
	return (struct descriptor){dmanic_env_iova(1, buffer), pick(8) ? DMANIC_ENV_BUFFER : 65535,
				   GOOD, .buffer = buffer};
}

static void count(unsigned int end, const struct descriptor *desc)
{
	static const uint8_t reasons[] = {[FAULT_READ] = READ_REFUSED,
					  [FAULT_WRITE] = WRITE_REFUSED,
					  [FAULT_WIDTH] = BEYOND_WIDTH};

	if (desc->outcome > DESC_ERROR)
		faults[end][reasons[desc->outcome]]++;
}

/* What the receiver has posted and not yet got back, oldest first. */
static struct descriptor posted[DMANIC_ENV_RING];
static unsigned int posted_first, posted_count;

static void post_some(void)
{
	while (posted_count < RX_BUFFERS) {
		unsigned int at = (posted_first + posted_count) % DMANIC_ENV_RING;
		struct descriptor desc = rx_descriptor(at % RX_BUFFERS);

		posted[at] = desc;
		posted_count++;
		dmanic_env_rx(&env, 1, 0, desc.iova, desc.len);
	}
	dmanic_env_post(&env, 1, 0);
}

static struct descriptor take_posted(unsigned int *index)
{
	*index = posted_first;
	posted_first = (posted_first + 1) % DMANIC_ENV_RING;
	posted_count--;
	return posted[*index];
}

/* A frame that left the sender meets the next descriptor that is not in error. */
static void expect_frame(const struct descriptor *tx)
{
	struct descriptor rx;
	unsigned int index;

	while ((rx = take_posted(&index)).outcome == DESC_ERROR)
		rx_errors++;
	if (rx.outcome != GOOD && tx->len > rx.room) {
		count(1, &rx);
		rx_refused++;
		return;
	}
	frames++;
	memcpy(image[1] + (rx.iova - 2 * DMANIC_ENV_BASE), dmanic_env_buffer(&env, 0, tx->buffer),
	       tx->len);
}

/* Rings belong to the device as well: what it wrote there is looked at, then taken over. */
static void check_rings(unsigned int tx_first, const struct descriptor *sent, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		uint16_t status = env.end[0].tx_ring[0][(tx_first + i) % DMANIC_ENV_RING].status;

		assert_int_equal(status,
				 sent[i].outcome == GOOD ? DMANIC_DD : DMANIC_DD | DMANIC_ERR);
	}
	for (unsigned int end = 0; end < 2; end++)
		memcpy(image[end], env.end[end].memory, 2 * 4096);
}

static void check_memory(void)
{
	static const uint8_t zero[sizeof(header)];

	for (unsigned int end = 0; end < 2; end++)
		assert_memory_equal(env.end[end].memory, image[end], dmanic_env_memory_size());
	assert_memory_equal(header, zero, sizeof(header));
}

static void one_round(unsigned int n)
{
	struct descriptor sent[DMANIC_FETCH];
	unsigned int first = env.end[0].tx_tail[0];

	post_some();
	for (unsigned int i = 0; i < n; i++) {
		sent[i] = tx_descriptor();
		dmanic_env_tx(&env, 0, 0, sent[i].iova, sent[i].len, DMANIC_TX_EOP);
	}
	dmanic_env_send(&env, 0, 0);
	for (unsigned int i = 0; i < n; i++) {
		count(0, &sent[i]);
		tx_errors += sent[i].outcome == DESC_ERROR;
		tx_refused += sent[i].outcome > DESC_ERROR;
		if (sent[i].outcome == GOOD)
			expect_frame(&sent[i]);
	}
	check_rings(first, sent, n);
}

static void check_counters(void)
{
	const struct dmanic_tx_counters *tx = &env.end[0].device->tx[0].counters;
	const struct dmanic_rx_counters *rx = &env.end[1].device->rx[0].counters;

	assert_int_equal(tx->desc_errors, tx_errors);
	assert_int_equal(tx->refused, tx_refused);
	assert_int_equal(tx->frames, frames + rx_refused);
	assert_int_equal(rx->frames, frames);
	assert_int_equal(rx->refused, rx_refused);
	for (unsigned int end = 0; end < 2; end++) {
		uint64_t total = 0;

		for (unsigned int reason = 0; reason < 256; reason++) {
			total += faults[end][reason];
			assert_int_equal(iommu_faults_of_reason(env.end[end].domain, reason),
					 faults[end][reason]);
		}
		assert_int_equal(iommu_faults_total(env.end[end].domain), total);
		assert_true(total > 0);
	}
	assert_int_equal(env.end[0].tx_translator[0]->counters.faults, tx_refused);
	assert_int_equal(env.end[1].rx_translator[0]->counters.faults, rx_refused);
}

static void a_million_hostile_descriptors_change_nothing_and_all_are_counted(void **state)
{
	unsigned int done = 0;

	for (unsigned int i = 0; i < TX_BUFFERS; i++)
		memset(dmanic_env_buffer(&env, 0, i), 1 + i, DMANIC_ENV_BUFFER);
	for (unsigned int end = 0; end < 2; end++) {
		image[end] = malloc(dmanic_env_memory_size());
		assert_non_null(image[end]);
		memcpy(image[end], env.end[end].memory, dmanic_env_memory_size());
	}
	for (unsigned int round = 0; done < DESCRIPTORS; round++) {
		unsigned int n = 1 + pick(8);

		one_round(n);
		done += n;
		if (round % 64 == 0)
			check_memory();
	}
	check_memory();
	check_counters();
	assert_true(frames > DESCRIPTORS / 20);
	free(image[0]);
	free(image[1]);
}

/* The control: were the receiver's rights wider, the same check would see the write. */
static void the_check_sees_a_write_that_is_allowed(void **state)
{
	uint8_t before = 0x5a;
	uint8_t *page = env.end[1].memory + (dmanic_env_write_only(1) - 2 * DMANIC_ENV_BASE);

	*page = before;
	memset(dmanic_env_buffer(&env, 0, 0), 0xa5, 64);
	dmanic_env_rx(&env, 1, 0, dmanic_env_write_only(1), 2048);
	dmanic_env_post(&env, 1, 0);
	dmanic_env_tx(&env, 0, 0, dmanic_env_iova(0, 0), 64, DMANIC_TX_EOP);
	dmanic_env_send(&env, 0, 0);
	assert_int_equal(*page, 0xa5);
	assert_int_equal(iommu_faults_total(env.end[1].domain), 0);
}

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_million_hostile_descriptors_change_nothing_and_all_are_counted, open_env,
			close_env),
		cmocka_unit_test_setup_teardown(the_check_sees_a_write_that_is_allowed, open_env,
						close_env),
	};

	return cmocka_run_group_tests_name("dmanic_hostile", tests, NULL, NULL);
}
