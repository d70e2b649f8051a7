/* SPDX-License-Identifier: BSD-3-Clause */
/* The device's registers as control threads see them: rings, cable, link. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <rte_pause.h>
#include <rte_spinlock.h>

#include "dmanic_device.h"
#include "dmanic_wire.h"

static rte_spinlock_t free_lock = RTE_SPINLOCK_INITIALIZER;
static struct dmanic_device *free_devices;

struct dmanic_device *dmanic_device_create(void)
{
	rte_spinlock_lock(&free_lock);
	struct dmanic_device *device = free_devices;

	if (device != NULL)
		free_devices = device->next_free;
	rte_spinlock_unlock(&free_lock);
	if (device == NULL) {
		device = aligned_alloc(64, sizeof(*device));
		if (device == NULL)
			return NULL;
		memset(device, 0, sizeof(*device));
		for (unsigned int i = 0; i < DMANIC_QUEUES; i++) {
			device->tx[i].token = 1;
			device->rx[i].token = 1;
		}
	}
	/* A lost pump may read tokens meanwhile: they stay taken, all else is ours. */
	memset(&device->filter, 0, sizeof(device->filter));
	memset(device->drops, 0, sizeof(device->drops));
	device->filter.is_promiscuous = true;
	device->filter.frame_max = DMANIC_FRAME_MAX;
	device->receiver = device;
	__atomic_store_n(&device->sender, device, __ATOMIC_RELEASE);
	device->has_link = false;
	device->is_pausing = true;
	device->rx_count = 0;
	for (unsigned int i = 0; i < DMANIC_QUEUES; i++) {
		memset(&device->tx[i].counters, 0, sizeof(device->tx[i].counters));
		memset(&device->rx[i].counters, 0, sizeof(device->rx[i].counters));
		device->rx[i].is_stripping = false;
	}
	return device;
}

void dmanic_device_destroy(struct dmanic_device *device)
{
	if (device == NULL)
		return;
	rte_spinlock_lock(&free_lock);
	device->next_free = free_devices;
	free_devices = device;
	rte_spinlock_unlock(&free_lock);
}

/* Control may wait: a holder runs to the end of its pump, unless it lost its CPU. */
static void token_wait(uint32_t *token)
{
	for (unsigned int i = 0; !dmanic_token_take(token); i++) {
		if (i % 1024 == 1023)
			sched_yield();
		else
			rte_pause();
	}
}

static int ring_check(uint16_t queue, uint64_t iova, uint16_t size)
{
	if (queue >= DMANIC_QUEUES || size < DMANIC_RING_MIN || size > DMANIC_RING_MAX ||
	    size % DMANIC_FETCH != 0 || iova % DMANIC_RING_ALIGN != 0 ||
	    iova + (uint64_t)size * DMANIC_DESC_SIZE < iova)
		return -EINVAL;
	return 0;
}

/* The count never goes back, so that a stall for an earlier ring is not taken for one of this. */
static void doorbell_reset(uint64_t *doorbell)
{
	dmanic_ring_doorbell(doorbell, 0);
}

int dmanic_tx_ring_start(struct dmanic_device *device, uint16_t queue, uint64_t iova, uint16_t size,
			 struct iommu_translator *translator)
{
	int ret = ring_check(queue, iova, size);

	if (ret != 0)
		return ret;
	struct dmanic_tx_ring *tx = &device->tx[queue];

	if (tx->is_running)
		return -EBUSY;
	tx->translator = translator;
	tx->iova = iova;
	tx->size = size;
	tx->fetch = tx->done = tx->cached = 0;
	tx->bad = 0;
	tx->is_skipping = tx->is_halted = false;
	tx->stalled_on = -1;
	doorbell_reset(&tx->doorbell);
	__atomic_store_n(&tx->is_running, true, __ATOMIC_RELAXED);
	dmanic_token_give(&tx->token);
	return 0;
}

int dmanic_rx_ring_start(struct dmanic_device *device, uint16_t queue, uint64_t iova, uint16_t size,
			 struct iommu_translator *translator)
{
	int ret = ring_check(queue, iova, size);

	if (ret != 0)
		return ret;
	struct dmanic_rx_ring *rx = &device->rx[queue];

	if (rx->is_running)
		return -EBUSY;
	rx->translator = translator;
	rx->iova = iova;
	rx->size = size;
	rx->fetch = rx->done = rx->cached = rx->next = rx->staged = rx->access_count = 0;
	rx->is_halted = false;
	doorbell_reset(&rx->doorbell);
	__atomic_store_n(&rx->is_running, true, __ATOMIC_RELAXED);
	dmanic_token_give(&rx->token);
	return 0;
}

void dmanic_tx_ring_stop(struct dmanic_device *device, uint16_t queue)
{
	struct dmanic_tx_ring *tx = &device->tx[queue];

	if (!tx->is_running)
		return;
	__atomic_store_n(&tx->is_running, false, __ATOMIC_RELAXED);
	token_wait(&tx->token);
	dmanic_stall_clear(device, queue);
	tx->translator = NULL;
}

void dmanic_rx_ring_stop(struct dmanic_device *device, uint16_t queue)
{
	struct dmanic_rx_ring *rx = &device->rx[queue];

	if (!rx->is_running)
		return;
	__atomic_store_n(&rx->is_running, false, __ATOMIC_RELAXED);
	token_wait(&rx->token);
	rx->translator = NULL;
	/* What waited for this ring is dropped from now on. */
	dmanic_rx_resume(device, queue);
}

void dmanic_wire_lock(struct dmanic_device *device)
{
	struct dmanic_device *sender = device->sender;

	for (unsigned int i = 0; i < DMANIC_QUEUES; i++) {
		if (sender->tx[i].is_running)
			token_wait(&sender->tx[i].token);
	}
}

void dmanic_wire_unlock(struct dmanic_device *device)
{
	struct dmanic_device *sender = device->sender;
	uint32_t queues = 0;

	for (unsigned int i = 0; i < DMANIC_QUEUES; i++) {
		if (!sender->tx[i].is_running)
			continue;
		dmanic_stall_clear(sender, i);
		dmanic_token_give(&sender->tx[i].token);
		queues |= 1u << i;
	}
	dmanic_pump(sender, queues);
}

static void cable_set(struct dmanic_device *from, struct dmanic_device *to)
{
	from->receiver = to;
	__atomic_store_n(&to->sender, from, __ATOMIC_RELEASE);
}

static void stalls_clear(struct dmanic_device *device)
{
	for (unsigned int i = 0; i < DMANIC_QUEUES; i++) {
		if (device->tx[i].is_running)
			dmanic_stall_clear(device, i);
	}
}

static void cable_change(struct dmanic_device *a, struct dmanic_device *b, bool is_plugged)
{
	dmanic_wire_lock(a);
	dmanic_wire_lock(b);
	/* Before the change: a stall is noted at the receiver that it waits for. */
	stalls_clear(a);
	stalls_clear(b);
	cable_set(a, is_plugged ? b : a);
	cable_set(b, is_plugged ? a : b);
	a->has_link = b->has_link = false;
	dmanic_wire_unlock(a);
	dmanic_wire_unlock(b);
}

void dmanic_cable_plug(struct dmanic_device *a, struct dmanic_device *b)
{
	cable_change(a, b, true);
}

void dmanic_cable_unplug(struct dmanic_device *a, struct dmanic_device *b)
{
	cable_change(a, b, false);
}
