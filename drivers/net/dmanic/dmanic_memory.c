/* SPDX-License-Identifier: BSD-3-Clause */
/* Units, domains and mappings that dmanic makes for itself. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal_memconfig.h>
#include <rte_errno.h>
#include <rte_memory.h>

#include "dmanic_port.h"
#include "vtd.h"

#define SOURCE_ID_FIRST 0x0008 /* 00:01.0; function 0 of each made-up device */
#define SOURCE_ID_STEP	8

/* Memory that a unit was told of, once for all the ports that map it. */
struct range {
	struct iommu_unit *unit;
	void *addr;
	size_t len;
	unsigned int users;
	bool is_ours; /* false: the application had told the unit already */
	TAILQ_ENTRY(range) link;
};

/*
 * Taken inside EAL's memory lock by the event callback: nothing that holds it may call EAL's
 * allocator, nor take EAL's memory lock.
 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static TAILQ_HEAD(, dmanic_memory) mapping_eal = TAILQ_HEAD_INITIALIZER(mapping_eal);
static TAILQ_HEAD(, range) ranges = TAILQ_HEAD_INITIALIZER(ranges);
static struct {
	bool is_ours;
	unsigned int users;
} units[DMANIC_UNITS]; /* control threads */
static bool has_events;
static unsigned int event_users;

static int range_get(struct iommu_unit *unit, void *addr, size_t len)
{
	struct range *range;
	int ret;

	TAILQ_FOREACH(range, &ranges, link) {
		if (range->unit == unit && range->addr == addr && range->len == len) {
			range->users++;
			return 0;
		}
	}
	range = calloc(1, sizeof(*range));
	if (range == NULL)
		return -ENOMEM;
	ret = iommu_memory_add(unit, (uintptr_t)addr, addr, len);
	if (ret != 0 && ret != -EEXIST) {
		free(range);
		return ret;
	}
	range->unit = unit;
	range->addr = addr;
	range->len = len;
	range->users = 1;
	range->is_ours = ret == 0;
	TAILQ_INSERT_TAIL(&ranges, range, link);
	return 0;
}

static void range_put(struct iommu_unit *unit, void *addr, size_t len)
{
	struct range *range;

	TAILQ_FOREACH(range, &ranges, link) {
		if (range->unit == unit && range->addr == addr && range->len == len)
			break;
	}
	if (range == NULL || --range->users > 0)
		return;
	TAILQ_REMOVE(&ranges, range, link);
	if (range->is_ours)
		iommu_memory_remove(unit, (uintptr_t)addr, len);
	free(range);
}

/* --- runs of pages: as much as is mapped, and one day unmapped, in one piece ----------------- */

struct run {
	struct dmanic_memory *memory;
	int (*act)(struct dmanic_memory *memory, const struct run *run);
	struct iommu_gather *gather;
	uint8_t *addr;
	uint64_t iova;
	uint64_t len;
	uint64_t page_size;
};

static int run_end(struct run *run)
{
	int ret = run->len > 0 ? run->act(run->memory, run) : 0;

	run->len = 0;
	return ret;
}

static int run_add(struct run *run, const struct rte_memseg_list *list,
		   const struct rte_memseg *seg)
{
	/* EAL takes its own memory back by the page, external memory as it was given. */
	bool is_whole = list->external || !has_events;

	if (seg->iova == RTE_BAD_IOVA)
		return -EFAULT;
	if (run->len == 0 || !is_whole || run->page_size != list->page_sz ||
	    run->addr + run->len != seg->addr || run->iova + run->len != seg->iova) {
		int ret = run_end(run);

		if (ret != 0)
			return ret;
		run->addr = seg->addr;
		run->iova = seg->iova;
		run->page_size = list->page_sz;
	}
	run->len += seg->len;
	return 0;
}

static int run_map(struct dmanic_memory *memory, const struct run *run)
{
	int ret = iommu_map(memory->domain, run->iova, run->addr, run->len, run->page_size,
			    IOMMU_READ | IOMMU_WRITE);

	if (ret != 0)
		DMANIC_LOG(ERR,
			   "cannot map EAL memory %p, IOVA 0x%" PRIx64 ", %" PRIu64 " bytes: %s",
			   (void *)run->addr, run->iova, run->len, strerror(-ret));
	return ret;
}

static int run_unmap(struct dmanic_memory *memory, const struct run *run)
{
	iommu_unmap(memory->domain, run->iova, run->len, run->gather);
	return 0;
}

static int run_each(struct run *run, void *addr, size_t len)
{
	const struct rte_memseg_list *list = rte_mem_virt2memseg_list(addr);
	int ret = 0;

	if (list == NULL)
		return -EFAULT;
	for (size_t at = 0; at < len && ret == 0; at += list->page_sz) {
		const struct rte_memseg *seg = rte_mem_virt2memseg((uint8_t *)addr + at, list);

		ret = seg == NULL ? -EFAULT : run_add(run, list, seg);
	}
	return ret == 0 ? run_end(run) : ret;
}

/* --- EAL's memory: under EAL's lock and ours ------------------------------------------------- */

static void memory_alloc(struct dmanic_memory *memory, void *addr, size_t len)
{
	const struct rte_memseg_list *list = rte_mem_virt2memseg_list(addr);
	struct run run = {.memory = memory, .act = run_map};

	/* The unit knows all address space that EAL has set aside; external memory comes new. */
	if (list == NULL || (list->external && range_get(memory->unit, list->base_va, list->len)))
		DMANIC_LOG(ERR, "%s cannot reach new memory at %p",
			   iommu_device_name(memory->device), addr);
	else
		run_each(&run, addr, len);
}

static void memory_free(struct dmanic_memory *memory, void *addr, size_t len)
{
	const struct rte_memseg_list *list = rte_mem_virt2memseg_list(addr);
	struct iommu_gather gather = {0};
	struct run run = {.memory = memory, .act = run_unmap, .gather = &gather};

	run_each(&run, addr, len);
	iommu_sync(memory->domain, &gather);
	if (list != NULL && list->external)
		range_put(memory->unit, list->base_va, list->len);
}

static void memory_event(enum rte_mem_event event, const void *addr, size_t len,
			 void *arg __rte_unused)
{
	struct dmanic_memory *memory;

	pthread_mutex_lock(&lock);
	TAILQ_FOREACH(memory, &mapping_eal, link) {
		if (event == RTE_MEM_EVENT_ALLOC)
			memory_alloc(memory, (void *)(uintptr_t)addr, len);
		else
			memory_free(memory, (void *)(uintptr_t)addr, len);
	}
	pthread_mutex_unlock(&lock);
}

/* Memory registered with rte_extmem_register() is the application's to map. */
static bool is_eal_memory(const struct rte_memseg_list *list)
{
	return !list->external || list->heap;
}

static int list_get(const struct rte_memseg_list *list, void *arg)
{
	struct dmanic_memory *memory = arg;

	return is_eal_memory(list) ? range_get(memory->unit, list->base_va, list->len) : 0;
}

static int list_put(const struct rte_memseg_list *list, void *arg)
{
	struct dmanic_memory *memory = arg;

	if (is_eal_memory(list))
		range_put(memory->unit, list->base_va, list->len);
	return 0;
}

static int segment_map(const struct rte_memseg_list *list, const struct rte_memseg *seg, void *arg)
{
	return is_eal_memory(list) ? run_add(arg, list, seg) : 0;
}

static void events_subscribe(void)
{
	if (event_users++ == 0)
		has_events = rte_mem_event_callback_register("net_dmanic", memory_event, NULL) == 0;
}

static void events_unsubscribe(void)
{
	if (--event_users == 0 && has_events) {
		rte_mem_event_callback_unregister("net_dmanic", NULL);
		has_events = false;
	}
}

static int eal_map(struct dmanic_memory *memory)
{
	struct run run = {.memory = memory, .act = run_map};
	int ret;

	/* EAL's lock keeps its memory as it is from the walk until we listen to events. */
	events_subscribe();
	rte_mcfg_mem_read_lock();
	pthread_mutex_lock(&lock);
	ret = rte_memseg_list_walk_thread_unsafe(list_get, memory);
	if (ret == 0)
		ret = rte_memseg_walk_thread_unsafe(segment_map, &run);
	if (ret == 0)
		ret = run_end(&run);
	if (ret == 0)
		TAILQ_INSERT_TAIL(&mapping_eal, memory, link);
	else
		rte_memseg_list_walk_thread_unsafe(list_put, memory);
	pthread_mutex_unlock(&lock);
	rte_mcfg_mem_read_unlock();
	if (ret != 0) {
		events_unsubscribe();
		return ret;
	}
	memory->is_mapping_eal = true;
	return 0;
}

static void eal_unmap(struct dmanic_memory *memory)
{
	if (!memory->is_mapping_eal)
		return;
	rte_mcfg_mem_read_lock();
	pthread_mutex_lock(&lock);
	TAILQ_REMOVE(&mapping_eal, memory, link);
	pthread_mutex_unlock(&lock);
	rte_mcfg_mem_read_unlock();
	events_unsubscribe();
}

static void eal_forget(struct dmanic_memory *memory)
{
	if (!memory->is_mapping_eal)
		return;
	rte_mcfg_mem_read_lock();
	pthread_mutex_lock(&lock);
	rte_memseg_list_walk_thread_unsafe(list_put, memory);
	pthread_mutex_unlock(&lock);
	rte_mcfg_mem_read_unlock();
	memory->is_mapping_eal = false;
}

/* --- units and domains ------------------------------------------------------------------------ */

static int unit_get(unsigned int id, struct iommu_unit **unit, struct base_error *err)
{
	int ret = 0;

	*unit = iommu_unit_find(&vtd_ops, id);
	if (*unit == NULL) {
		ret = iommu_unit_create(&vtd_ops, id, NULL, unit, err);
		units[id].is_ours = ret == 0;
		units[id].users = 0;
	}
	if (ret == 0)
		units[id].users++;
	return ret;
}

static void unit_put(unsigned int id, struct iommu_unit *unit)
{
	if (--units[id].users == 0 && units[id].is_ours)
		iommu_unit_destroy(unit);
}

static int attach_anywhere(struct dmanic_memory *memory, const char *name, struct base_error *err)
{
	int ret = -EBUSY;

	for (uint32_t id = SOURCE_ID_FIRST; id < 0x10000 && ret == -EBUSY; id += SOURCE_ID_STEP) {
		memset(err, 0, sizeof(*err));
		ret = iommu_attach(memory->domain, name, id, &memory->device, err);
	}
	return ret;
}

int dmanic_memory_attach(struct dmanic_memory *memory, const char *name,
			 const struct dmanic_args *args)
{
	const struct iommu_domain_config config = {.levels = args->levels};
	struct base_error err = {0};
	int ret;

	memset(memory, 0, sizeof(*memory));
	memory->device = iommu_device_find(name);
	if (memory->device != NULL) {
		memory->unit = iommu_domain_unit(iommu_device_domain(memory->device));
		return 0;
	}
	ret = unit_get(args->unit, &memory->unit, &err);
	if (ret != 0)
		goto report;
	ret = iommu_domain_create(memory->unit, &config, &memory->domain, &err);
	if (ret != 0)
		goto put_unit;
	ret = attach_anywhere(memory, name, &err);
	if (ret != 0)
		goto destroy_domain;
	memory->unit_id = args->unit;
	if (args->is_mapping_eal)
		ret = eal_map(memory);
	if (ret != 0)
		goto detach;
	return 0;

detach:
	iommu_detach(memory->device);
destroy_domain:
	iommu_domain_destroy(memory->domain);
put_unit:
	unit_put(args->unit, memory->unit);
report:
	DMANIC_LOG(ERR, "%s has no IOMMU domain: %s", name,
		   err.text[0] != '\0' ? err.text : strerror(-ret));
	memory->domain = NULL;
	return ret;
}

void dmanic_memory_detach(struct dmanic_memory *memory)
{
	if (memory->domain == NULL)
		return;
	eal_unmap(memory);
	iommu_detach(memory->device);
	iommu_domain_destroy(memory->domain);
	memory->domain = NULL;
	eal_forget(memory);
	unit_put(memory->unit_id, memory->unit);
}

/* --- rte_dev_dma_map() ------------------------------------------------------------------------ */

int dmanic_memory_map(struct dmanic_memory *memory, void *addr, uint64_t iova, size_t len)
{
	const struct rte_memseg_list *list = rte_mem_virt2memseg_list(addr);
	int ret;

	if (list == NULL)
		return -EINVAL;
	pthread_mutex_lock(&lock);
	ret = range_get(memory->unit, list->base_va, list->len);
	if (ret == 0) {
		ret = iommu_map(iommu_device_domain(memory->device), iova, addr, len, list->page_sz,
				IOMMU_READ | IOMMU_WRITE);
		if (ret != 0)
			range_put(memory->unit, list->base_va, list->len);
	}
	pthread_mutex_unlock(&lock);
	return ret;
}

int dmanic_memory_unmap(struct dmanic_memory *memory, void *addr, uint64_t iova, size_t len)
{
	struct iommu_domain *domain = iommu_device_domain(memory->device);
	struct iommu_gather gather = {0};
	const struct rte_memseg_list *list = rte_mem_virt2memseg_list(addr);
	int ret;

	if (list == NULL)
		return -EINVAL;
	pthread_mutex_lock(&lock);
	ret = iommu_unmap(domain, iova, len, &gather);
	if (ret == 0)
		ret = iommu_sync(domain, &gather);
	if (ret == 0)
		range_put(memory->unit, list->base_va, list->len);
	pthread_mutex_unlock(&lock);
	return ret;
}
