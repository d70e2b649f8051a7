/* SPDX-License-Identifier: BSD-3-Clause */
/* Two dmanic devices without a driver: rings and buffers that a test fills in as it likes. */
#include <stdlib.h>
#include <string.h>

#include "dmanic_env.h"
#include "vtd.h"

#define PAGE	 UINT64_C(4096)
#define RINGS	 (2 * DMANIC_ENV_QUEUES * PAGE)
#define BUFFERS	 ((uint64_t)DMANIC_ENV_BUFFER * DMANIC_ENV_COUNT)
#define SPECIALS (RINGS + BUFFERS + PAGE) /* a page that is not mapped lies between */

size_t dmanic_env_memory_size(void)
{
	return SPECIALS + 4 * PAGE;
}

static uint64_t base_of(unsigned int end)
{
	return (uint64_t)DMANIC_ENV_BASE * (end + 1);
}

uint64_t dmanic_env_iova(unsigned int end, unsigned int buffer)
{
	return base_of(end) + RINGS + (uint64_t)buffer * DMANIC_ENV_BUFFER;
}

uint8_t *dmanic_env_buffer(struct dmanic_env *env, unsigned int end, unsigned int buffer)
{
	return env->end[end].memory + RINGS + (size_t)buffer * DMANIC_ENV_BUFFER;
}

uint64_t dmanic_env_read_only(unsigned int end)
{
	return base_of(end) + SPECIALS;
}

uint64_t dmanic_env_write_only(unsigned int end)
{
	return base_of(end) + SPECIALS + 2 * PAGE;
}

static void map(struct dmanic_env_end *end, unsigned int number, uint64_t offset, uint64_t size,
		uint32_t prot)
{
	assert_int_equal(iommu_map(end->domain, base_of(number) + offset, end->memory + offset,
				   size, PAGE, prot),
			 0);
}

static void end_open(struct dmanic_env *env, unsigned int number, unsigned int queues)
{
	struct dmanic_env_end *end = &env->end[number];
	const char *names[] = {"left", "right"};

	end->memory = aligned_alloc(PAGE, dmanic_env_memory_size());
	assert_non_null(end->memory);
	memset(end->memory, 0, dmanic_env_memory_size());
	assert_int_equal(iommu_memory_add(env->unit, (uintptr_t)end->memory, end->memory,
					  dmanic_env_memory_size()),
			 0);
	assert_int_equal(iommu_domain_create(env->unit, NULL, &end->domain, NULL), 0);
	assert_int_equal(
		iommu_attach(end->domain, names[number], 8 * (number + 1), &end->iommu, NULL), 0);
	map(end, number, 0, RINGS, IOMMU_READ | IOMMU_WRITE);
	map(end, number, RINGS, BUFFERS, IOMMU_READ | IOMMU_WRITE);
	map(end, number, SPECIALS, PAGE, IOMMU_READ);
	map(end, number, SPECIALS + 2 * PAGE, PAGE, IOMMU_WRITE);
	end->device = dmanic_device_create();
	assert_non_null(end->device);
	for (unsigned int i = 0; i < queues; i++) {
		uint64_t tx = 2 * i * PAGE, rx = tx + PAGE;

		end->tx_ring[i] = (void *)(end->memory + tx);
		end->rx_ring[i] = (void *)(end->memory + rx);
		assert_int_equal(
			iommu_translator_create(end->iommu, false, i, &end->tx_translator[i]), 0);
		assert_int_equal(
			iommu_translator_create(end->iommu, true, i, &end->rx_translator[i]), 0);
		assert_int_equal(dmanic_tx_ring_start(end->device, i, base_of(number) + tx,
						      DMANIC_ENV_RING, end->tx_translator[i]),
				 0);
		assert_int_equal(dmanic_rx_ring_start(end->device, i, base_of(number) + rx,
						      DMANIC_ENV_RING, end->rx_translator[i]),
				 0);
	}
	end->device->rx_count = queues;
}

void dmanic_env_open(struct dmanic_env *env, unsigned int queues)
{
	memset(env, 0, sizeof(*env));
	assert_int_equal(iommu_unit_create(&vtd_ops, 0, NULL, &env->unit, NULL), 0);
	end_open(env, 0, queues);
	end_open(env, 1, queues);
	dmanic_cable_plug(env->end[0].device, env->end[1].device);
	env->end[0].device->has_link = env->end[1].device->has_link = true;
}

void dmanic_env_close(struct dmanic_env *env)
{
	dmanic_cable_unplug(env->end[0].device, env->end[1].device);
	for (unsigned int n = 0; n < 2; n++) {
		struct dmanic_env_end *end = &env->end[n];

		for (unsigned int i = 0; i < DMANIC_ENV_QUEUES; i++) {
			dmanic_tx_ring_stop(end->device, i);
			dmanic_rx_ring_stop(end->device, i);
			iommu_translator_destroy(end->tx_translator[i]);
			iommu_translator_destroy(end->rx_translator[i]);
		}
		dmanic_device_destroy(end->device);
		assert_int_equal(iommu_detach(end->iommu), 0);
		assert_int_equal(iommu_domain_destroy(end->domain), 0);
	}
	assert_int_equal(iommu_unit_destroy(env->unit), 0);
	free(env->end[0].memory);
	free(env->end[1].memory);
}

void dmanic_env_tx(struct dmanic_env *env, unsigned int end, unsigned int queue, uint64_t iova,
		   uint16_t len, uint16_t flags)
{
	struct dmanic_env_end *at = &env->end[end];
	union dmanic_tx_desc *desc = &at->tx_ring[queue][at->tx_tail[queue]];

	desc->word[0] = dmanic_tx_word(len, flags, 0);
	desc->iova = iova;
	at->tx_tail[queue] = (at->tx_tail[queue] + 1) % DMANIC_ENV_RING;
}

void dmanic_env_rx(struct dmanic_env *env, unsigned int end, unsigned int queue, uint64_t iova,
		   uint16_t len)
{
	struct dmanic_env_end *at = &env->end[end];
	union dmanic_rx_desc *desc = &at->rx_ring[queue][at->rx_tail[queue]];

	desc->word[0] = (uint64_t)len << 32;
	desc->iova = iova;
	at->rx_tail[queue] = (at->rx_tail[queue] + 1) % DMANIC_ENV_RING;
}

void dmanic_env_send(struct dmanic_env *env, unsigned int end, unsigned int queue)
{
	dmanic_tx_doorbell(env->end[end].device, queue, env->end[end].tx_tail[queue]);
}

void dmanic_env_post(struct dmanic_env *env, unsigned int end, unsigned int queue)
{
	dmanic_rx_doorbell(env->end[end].device, queue, env->end[end].rx_tail[queue]);
}

void dmanic_env_post_buffers(struct dmanic_env *env, unsigned int end, unsigned int queue,
			     unsigned int first, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		dmanic_env_rx(env, end, queue, dmanic_env_iova(end, first + i), DMANIC_ENV_BUFFER);
	dmanic_env_post(env, end, queue);
}

const union dmanic_rx_done *dmanic_env_done(const struct dmanic_env *env, unsigned int end,
					    unsigned int queue, unsigned int index)
{
	return (const union dmanic_rx_done *)&env->end[end].rx_ring[queue][index % DMANIC_ENV_RING];
}
