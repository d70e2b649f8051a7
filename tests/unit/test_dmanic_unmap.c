/* SPDX-License-Identifier: BSD-3-Clause */
/* Unmaps the buffer that frames are written into, while they are. */
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "dmanic_env.h"

#define PAGE   4096
#define IOVA   (5 * (uint64_t)DMANIC_ENV_BASE) /* of the buffer that comes and goes */
#define BUFFER 64
#define FRAMES 200 /* enough to be sure that traffic goes on */
#define ROUNDS 30
#define GUARD  0xa5

static struct dmanic_env env;
static bool is_stopping; /* atomic */

/* One buffer posted, one frame sent, again and again: each frame is received or refused. */
static void *traffic(void *arg)
{
	memset(dmanic_env_buffer(&env, 0, 0), 0x11, 64);
	while (!__atomic_load_n(&is_stopping, __ATOMIC_RELAXED)) {
		dmanic_env_rx(&env, 1, 0, IOVA, DMANIC_ENV_BUFFER);
		dmanic_env_post(&env, 1, 0);
		dmanic_env_tx(&env, 0, 0, dmanic_env_iova(0, 0), 64, DMANIC_TX_EOP);
		dmanic_env_send(&env, 0, 0);
	}
	return arg;
}

static uint64_t count(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

/* False: the counter has come to rest. */
static bool goes_on(const uint64_t *counter)
{
	uint64_t until = count(counter) + FRAMES;

	for (unsigned int i = 0; i < 10 * 1000 * 1000 && count(counter) < until; i++)
		sched_yield();
	return count(counter) >= until;
}

static bool is_guarded(const uint8_t *page)
{
	for (unsigned int i = 0; i < PAGE; i++) {
		if (page[i] != GUARD)
			return false;
	}
	return true;
}

static void map_buffer(void)
{
	uint8_t *page = dmanic_env_buffer(&env, 1, BUFFER);

	assert_int_equal(iommu_map(env.end[1].domain, IOVA, page, PAGE, PAGE, IOMMU_WRITE), 0);
}

static void after_unmap_and_sync_frames_fault_and_nothing_is_written(void **state)
{
	const struct dmanic_rx_counters *rx = &env.end[1].device->rx[0].counters;
	uint8_t *page = dmanic_env_buffer(&env, 1, BUFFER);
	struct iommu_domain *domain = env.end[1].domain;

	for (unsigned int round = 0; round < ROUNDS; round++) {
		struct iommu_gather gather = {0};

		memset(page, GUARD, PAGE);
		map_buffer();
		assert_true(goes_on(&rx->frames));
		assert_int_equal(iommu_unmap(domain, IOVA, PAGE, &gather), 0);
		assert_int_equal(iommu_sync(domain, &gather), 0);
		/* The control: frames were written here as long as it was mapped. */
		assert_false(is_guarded(page));
		memset(page, GUARD, PAGE);
		assert_true(goes_on(&rx->refused));
		assert_true(is_guarded(page));
	}
}

static void without_a_sync_the_old_translation_is_still_used(void **state)
{
	const struct dmanic_rx_counters *rx = &env.end[1].device->rx[0].counters;
	uint8_t *page = dmanic_env_buffer(&env, 1, BUFFER);
	struct iommu_gather gather = {0};

	map_buffer();
	assert_true(goes_on(&rx->frames));
	assert_int_equal(iommu_unmap(env.end[1].domain, IOVA, PAGE, &gather), 0);
	assert_true(goes_on(&rx->frames));
	assert_int_equal(iommu_sync(env.end[1].domain, &gather), 0);
	memset(page, GUARD, PAGE);
	assert_true(goes_on(&rx->refused));
	assert_true(is_guarded(page));
}

static pthread_t thread;

static int start(void **state)
{
	is_stopping = false;
	dmanic_env_open(&env, 1);
	return pthread_create(&thread, NULL, traffic, NULL);
}

/* Each refused frame is one fault, of the right kind; the sender saw none. */
static int stop(void **state)
{
	const struct dmanic_rx_counters *rx = &env.end[1].device->rx[0].counters;
	const struct dmanic_tx_counters *tx = &env.end[0].device->tx[0].counters;
	struct iommu_domain *domain = env.end[1].domain;

	__atomic_store_n(&is_stopping, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_int_equal(iommu_faults_total(domain), rx->refused);
	assert_int_equal(iommu_faults_of_reason(domain, 5), rx->refused);
	assert_int_equal(iommu_faults_total(env.end[0].domain), 0);
	assert_int_equal(tx->frames, rx->frames + rx->refused);
	dmanic_env_close(&env);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			after_unmap_and_sync_frames_fault_and_nothing_is_written, start, stop),
		cmocka_unit_test_setup_teardown(without_a_sync_the_old_translation_is_still_used,
						start, stop),
	};

	return cmocka_run_group_tests_name("dmanic_unmap", tests, NULL, NULL);
}
