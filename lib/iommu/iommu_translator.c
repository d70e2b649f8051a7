/* SPDX-License-Identifier: BSD-3-Clause */
/* Translators: the right of one queue of a software device to translate. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "iommu_registry.h"

#define IDS_PER_WORD 64

/* The caller's struct stands first, so that its address is the node's. */
struct iommu_translator_node {
	struct iommu_translator translator;
	TAILQ_ENTRY(iommu_translator_node) link;
};

static int id_get(struct iommu_unit *unit, unsigned int *id)
{
	for (unsigned int i = 0; i < RTE_DIM(unit->qsbr_ids); i++) {
		uint64_t vacant = ~unit->qsbr_ids[i];

		if (vacant == 0)
			continue;
		*id = i * IDS_PER_WORD + (unsigned int)__builtin_ctzll(vacant);
		unit->qsbr_ids[i] |= UINT64_C(1) << (*id % IDS_PER_WORD);
		return 0;
	}
	return -ENOSPC;
}

static void id_put(struct iommu_unit *unit, unsigned int id)
{
	unit->qsbr_ids[id / IDS_PER_WORD] &= ~(UINT64_C(1) << (id % IDS_PER_WORD));
}

static int create(struct iommu_device *device, struct iommu_translator *translator)
{
	struct iommu_unit *unit = device->domain->unit;
	int ret = id_get(unit, &translator->qsbr_id);

	if (ret != 0)
		return ret;
	translator->qsbr = unit->qsbr;
	ret = unit->ops->translator_create(translator);
	if (ret != 0) {
		id_put(unit, translator->qsbr_id);
		return ret;
	}
	if (translator->qsbr_id >= unit->qsbr_id_limit)
		__atomic_store_n(&unit->qsbr_id_limit, translator->qsbr_id + 1, __ATOMIC_RELEASE);
	rte_rcu_qsbr_thread_register(unit->qsbr, translator->qsbr_id);
	return 0;
}

int iommu_translator_create(struct iommu_device *device, bool is_rx, uint16_t queue,
			    struct iommu_translator **out)
{
	static uint64_t serial; /* registry lock */
	struct iommu_translator_node *node;
	void *memory;
	int ret;

	if (device->domain->unit->ops->translator_create == NULL)
		return -ENOTSUP;
	if (posix_memalign(&memory, RTE_CACHE_LINE_SIZE, sizeof(*node)) != 0)
		return -ENOMEM;
	node = memory;
	memset(node, 0, sizeof(*node));
	node->translator.device = device;
	node->translator.is_rx = is_rx;
	node->translator.queue = queue;
	iommu_registry_lock();
	ret = create(device, &node->translator);
	if (ret == 0) {
		node->translator.serial = ++serial;
		TAILQ_INSERT_TAIL(&device->translators, node, link);
	}
	iommu_registry_unlock();
	if (ret != 0) {
		free(node);
		return ret;
	}
	*out = &node->translator;
	return 0;
}

void iommu_translator_destroy(struct iommu_translator *translator)
{
	struct iommu_translator_node *node = (struct iommu_translator_node *)translator;
	struct iommu_device *device;
	struct iommu_unit *unit;

	if (translator == NULL)
		return;
	device = translator->device;
	unit = device->domain->unit;
	iommu_registry_lock();
	TAILQ_REMOVE(&device->translators, node, link);
	rte_rcu_qsbr_thread_unregister(unit->qsbr, translator->qsbr_id);
	if (unit->ops->translator_destroy != NULL)
		unit->ops->translator_destroy(translator);
	id_put(unit, translator->qsbr_id);
	iommu_registry_unlock();
	free(node);
}

struct iommu_translator *iommu_translator_next(const struct iommu_device *device,
					       const struct iommu_translator *prev)
{
	const struct iommu_translator_node *node = (const struct iommu_translator_node *)prev;

	iommu_registry_lock();
	node = prev == NULL ? TAILQ_FIRST(&device->translators) : TAILQ_NEXT(node, link);
	iommu_registry_unlock();
	return node == NULL ? NULL : (struct iommu_translator *)&node->translator;
}
