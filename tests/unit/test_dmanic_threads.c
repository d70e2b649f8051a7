/* SPDX-License-Identifier: BSD-3-Clause */
/* Two threads transmit into one receive queue, a third polls it: nothing lost, all in order. */
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "dmanic_env.h"
#include "dmanic_rss.h"

#define SENDERS	    2
#define FRAMES	    100000 /* of each sender */
#define SENDER_BUFS 64
#define POSTED	    64

static struct dmanic_env env;
static bool is_stopping; /* atomic */

struct word {
	uint32_t sender;
	uint32_t serial;
};

/* Descriptors done since `clean`, as a driver reclaims them. */
static unsigned int reclaim(unsigned int queue, unsigned int clean, unsigned int sent)
{
	while (clean < sent) {
		union dmanic_tx_desc *desc = &env.end[0].tx_ring[queue][clean % DMANIC_ENV_RING];

		if (!(__atomic_load_n(&desc->word[0], __ATOMIC_ACQUIRE) & DMANIC_DD))
			break;
		clean++;
	}
	return clean;
}

static void *transmit(void *arg)
{
	unsigned int queue = (unsigned int)(uintptr_t)arg, clean = 0;

	for (unsigned int sent = 0; sent < FRAMES || clean < sent;) {
		unsigned int n = 0;

		clean = reclaim(queue, clean, sent);
		for (; n < 16 && sent < FRAMES && sent - clean < SENDER_BUFS; n++, sent++) {
			unsigned int buffer = queue * SENDER_BUFS + sent % SENDER_BUFS;
			struct word word = {queue, sent};

			memcpy(dmanic_env_buffer(&env, 0, buffer), &word, sizeof(word));
			dmanic_env_tx(&env, 0, queue, dmanic_env_iova(0, buffer), sizeof(word),
				      DMANIC_TX_EOP);
		}
		if (n > 0)
			dmanic_env_send(&env, 0, queue);
		else
			sched_yield();
	}
	return NULL;
}

/* Returns how many frames of both senders came, all in order. */
static void *receive(void *arg)
{
	uint32_t next[SENDERS] = {0};
	uintptr_t taken = 0;

	dmanic_env_post_buffers(&env, 1, 0, 0, POSTED);
	while (taken < SENDERS * FRAMES && !__atomic_load_n(&is_stopping, __ATOMIC_RELAXED)) {
		union dmanic_rx_desc *desc = &env.end[1].rx_ring[0][taken % DMANIC_ENV_RING];
		unsigned int buffer = taken % POSTED;
		struct word word;

		if (!(__atomic_load_n(&desc->word[0], __ATOMIC_ACQUIRE) & DMANIC_DD)) {
			dmanic_rx_resume(env.end[1].device, 0);
			sched_yield();
			continue;
		}
		memcpy(&word, dmanic_env_buffer(&env, 1, buffer), sizeof(word));
		if (word.sender >= SENDERS || word.serial != next[word.sender]++)
			break;
		taken++;
		dmanic_env_rx(&env, 1, 0, dmanic_env_iova(1, buffer), DMANIC_ENV_BUFFER);
		if (taken % 16 == 0) {
			dmanic_env_post(&env, 1, 0);
			dmanic_rx_resume(env.end[1].device, 0);
		}
	}
	return (void *)taken;
}

static void two_senders_and_a_poller_lose_nothing_and_keep_order(void **state)
{
	pthread_t senders[SENDERS], receiver;
	void *taken;

	/* Both transmit queues end in receive queue 0. */
	env.end[1].device->rx_count = 1;
	assert_int_equal(pthread_create(&receiver, NULL, receive, NULL), 0);
	for (uintptr_t i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_create(&senders[i], NULL, transmit, (void *)i), 0);
	for (unsigned int i = 0; i < SENDERS; i++)
		pthread_join(senders[i], NULL);
	pthread_join(receiver, &taken);
	assert_int_equal((uintptr_t)taken, SENDERS * FRAMES);
	for (unsigned int i = 0; i < SENDERS; i++)
		assert_int_equal(env.end[0].device->tx[i].counters.frames, FRAMES);
	assert_int_equal(env.end[1].device->rx[0].counters.frames, SENDERS * FRAMES);
	assert_int_equal(env.end[1].device->rx[0].counters.missed, 0);
}

/* Control changes filters and unmaps buffers of its own while frames fly. */
static void *disturb(void *arg)
{
	static const uint8_t key[DMANIC_KEY_SIZE] = {1, 2, 3};
	struct dmanic_device *device = env.end[1].device;
	uint64_t spare = 5 * (uint64_t)DMANIC_ENV_BASE;

	while (!__atomic_load_n(&is_stopping, __ATOMIC_RELAXED)) {
		struct iommu_gather gather = {0};

		dmanic_wire_lock(device);
		dmanic_rss_key_set(&device->filter, key);
		device->filter.rss_hf ^= 1;
		dmanic_wire_unlock(device);
		if (iommu_map(env.end[1].domain, spare, env.end[1].memory, 4096, 4096,
			      IOMMU_READ) != 0 ||
		    iommu_unmap(env.end[1].domain, spare, 4096, &gather) != 0 ||
		    iommu_sync(env.end[1].domain, &gather) != 0)
			return arg;
		sched_yield();
	}
	return NULL;
}

static void control_may_change_things_while_frames_fly(void **state)
{
	pthread_t sender, receiver, control;
	void *taken, *failed;

	env.end[1].device->rx_count = 1;
	assert_int_equal(pthread_create(&control, NULL, disturb, (void *)1), 0);
	assert_int_equal(pthread_create(&receiver, NULL, receive, NULL), 0);
	assert_int_equal(pthread_create(&sender, NULL, transmit, (void *)0), 0);
	pthread_join(sender, NULL);
	/* The receiver waits for the other sender's frames, which nobody sends. */
	__atomic_store_n(&is_stopping, true, __ATOMIC_RELAXED);
	pthread_join(receiver, &taken);
	pthread_join(control, &failed);
	assert_null(failed);
	assert_int_equal(env.end[1].device->rx[0].counters.frames, FRAMES);
	assert_true((uintptr_t)taken <= FRAMES);
}

/* Takes the receiver's ring and the cable away from frames on their way, and gives them back. */
static void *interrupt(void *arg)
{
	struct dmanic_env_end *end = &env.end[1];

	for (unsigned int round = 0; !__atomic_load_n(&is_stopping, __ATOMIC_RELAXED); round++) {
		dmanic_rx_ring_stop(end->device, 0);
		memset(end->rx_ring[0], 0, DMANIC_ENV_RING * DMANIC_DESC_SIZE);
		end->rx_tail[0] = 0;
		if (dmanic_rx_ring_start(end->device, 0, 2 * DMANIC_ENV_BASE + 4096,
					 DMANIC_ENV_RING, end->rx_translator[0]) != 0)
			return arg;
		dmanic_env_post_buffers(&env, 1, 0, 0, POSTED);
		if (round % 4 == 0) {
			dmanic_cable_unplug(env.end[0].device, end->device);
			sched_yield();
			dmanic_cable_plug(env.end[0].device, end->device);
		}
		dmanic_wire_lock(end->device);
		env.end[0].device->has_link = round % 2;
		dmanic_wire_unlock(end->device);
		sched_yield();
	}
	return NULL;
}

static uint64_t arrived_at(const struct dmanic_device *device)
{
	uint64_t sum = device->drops[DMANIC_DROP_STOPPED];

	for (unsigned int i = 0; i < SENDERS; i++)
		sum += device->rx[i].counters.frames + device->rx[i].counters.missed;
	return sum;
}

static void rings_and_cable_may_go_while_frames_fly_and_each_is_counted(void **state)
{
	const struct dmanic_tx_counters *sent = &env.end[0].device->tx[0].counters;
	pthread_t sender, control;
	void *failed;

	env.end[0].device->is_pausing = env.end[1].device->is_pausing = false;
	assert_int_equal(pthread_create(&control, NULL, interrupt, (void *)1), 0);
	assert_int_equal(pthread_create(&sender, NULL, transmit, (void *)0), 0);
	pthread_join(sender, NULL);
	__atomic_store_n(&is_stopping, true, __ATOMIC_RELAXED);
	pthread_join(control, &failed);
	assert_null(failed);
	assert_int_equal(sent->frames + sent->link_drops, FRAMES);
	assert_int_equal(arrived_at(env.end[0].device) + arrived_at(env.end[1].device),
			 sent->frames);
	assert_int_equal(sent->refused + sent->desc_errors, 0);
}

static int open_env(void **state)
{
	is_stopping = false;
	dmanic_env_open(&env, SENDERS);
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
			two_senders_and_a_poller_lose_nothing_and_keep_order, open_env, close_env),
		cmocka_unit_test_setup_teardown(control_may_change_things_while_frames_fly,
						open_env, close_env),
		cmocka_unit_test_setup_teardown(
			rings_and_cable_may_go_while_frames_fly_and_each_is_counted, open_env,
			close_env),
	};

	return cmocka_run_group_tests_name("dmanic_threads", tests, NULL, NULL);
}
