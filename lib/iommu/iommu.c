/* SPDX-License-Identifier: BSD-3-Clause */
/* Units: the registry of backend instances and the memory they know. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "iommu_registry.h"

#define TRANSLATORS_MAX (sizeof(((struct iommu_unit *)NULL)->qsbr_ids) * 8)

static TAILQ_HEAD(, iommu_unit) units = TAILQ_HEAD_INITIALIZER(units);
static pthread_mutex_t registry_mutex = PTHREAD_MUTEX_INITIALIZER;

void iommu_registry_lock(void)
{
	pthread_mutex_lock(&registry_mutex);
}

void iommu_registry_unlock(void)
{
	pthread_mutex_unlock(&registry_mutex);
}

static struct iommu_unit *find(const struct iommu_ops *ops, unsigned int id)
{
	struct iommu_unit *unit;

	TAILQ_FOREACH(unit, &units, link) {
		if (unit->ops == ops && unit->id == id)
			return unit;
	}
	return NULL;
}

/* Not from rte_malloc: units are made before EAL is ready, and by programs without it. */
static struct rte_rcu_qsbr *qsbr_create(void)
{
	size_t size = rte_rcu_qsbr_get_memsize(TRANSLATORS_MAX);
	void *memory;

	if (posix_memalign(&memory, RTE_CACHE_LINE_SIZE, size) != 0)
		return NULL;
	memset(memory, 0, size);
	rte_rcu_qsbr_init(memory, TRANSLATORS_MAX);
	return memory;
}

static int create(const struct iommu_ops *ops, unsigned int id, const void *config,
		  struct iommu_unit **out, struct base_error *err)
{
	struct iommu_unit *unit;
	int ret;

	if (find(ops, id) != NULL)
		return base_error_set(err, -EEXIST, "cannot create IOMMU unit %u of %s: it exists",
				      id, ops->name);
	unit = calloc(1, sizeof(*unit));
	if (unit == NULL)
		goto no_memory;
	unit->ops = ops;
	unit->id = id;
	unit->qsbr = qsbr_create();
	if (unit->qsbr == NULL)
		goto free_unit;
	ret = ops->unit_create(unit, config, err);
	if (ret != 0) {
		free(unit->qsbr);
		free(unit);
		return base_error_set(err, ret, "cannot create IOMMU unit %u of %s: %s", id,
				      ops->name, strerror(-ret));
	}
	TAILQ_INSERT_TAIL(&units, unit, link);
	*out = unit;
	return 0;

free_unit:
	free(unit);
no_memory:
	return base_error_set(err, -ENOMEM, "cannot create IOMMU unit %u of %s: out of memory", id,
			      ops->name);
}

int iommu_unit_create(const struct iommu_ops *ops, unsigned int id, const void *config,
		      struct iommu_unit **out, struct base_error *err)
{
	int ret;

	iommu_registry_lock();
	ret = create(ops, id, config, out, err);
	iommu_registry_unlock();
	return ret;
}

int iommu_unit_destroy(struct iommu_unit *unit)
{
	iommu_registry_lock();
	if (unit->domain_count != 0) {
		iommu_registry_unlock();
		return -EBUSY;
	}
	TAILQ_REMOVE(&units, unit, link);
	iommu_registry_unlock();
	unit->ops->unit_destroy(unit);
	free(unit->qsbr);
	free(unit);
	return 0;
}

struct iommu_unit *iommu_unit_find(const struct iommu_ops *ops, unsigned int id)
{
	struct iommu_unit *unit;

	iommu_registry_lock();
	unit = find(ops, id);
	iommu_registry_unlock();
	return unit;
}

const char *iommu_unit_backend(const struct iommu_unit *unit)
{
	return unit->ops->name;
}

unsigned int iommu_unit_id(const struct iommu_unit *unit)
{
	return unit->id;
}

const struct iommu_limits *iommu_unit_limits(const struct iommu_unit *unit)
{
	return &unit->limits;
}

int iommu_memory_add(struct iommu_unit *unit, uint64_t pa, void *vaddr, size_t size)
{
	if (unit->ops->memory_add == NULL)
		return -ENOTSUP;
	if (size == 0 || vaddr == NULL || pa + (size - 1) < pa)
		return -EINVAL;
	if (((pa | (uintptr_t)vaddr | size) & (IOMMU_PAGE_SIZE - 1)) != 0)
		return -ENXIO;
	return unit->ops->memory_add(unit, pa, vaddr, size);
}

int iommu_memory_remove(struct iommu_unit *unit, uint64_t pa, size_t size)
{
	if (unit->ops->memory_remove == NULL)
		return -ENOTSUP;
	return unit->ops->memory_remove(unit, pa, size);
}
