/* SPDX-License-Identifier: BSD-3-Clause */
/* What a backend implements. Applications include iommu.h; only backends and iommu.c this. */
#pragma once

#include <sys/queue.h>

#include <rte_rcu_qsbr.h>
#include <rte_spinlock.h>

#include "base_interval.h"
#include "iommu.h"

/*
 * All checks on arguments are made by the generic layer before a backend is called: a map is
 * aligned, inside the address width, outside the holes and overlaps nothing; an unmap names a whole
 * mapping. Calls on one domain that change it are serialised by the domain's lock.
 * Optional members are NULL; only the generic layer looks.
 */
struct iommu_ops {
	const char *name;

	/* Fills unit->limits and unit->priv. Promises: on failure nothing is left behind. */
	int (*unit_create)(struct iommu_unit *unit, const void *config, struct base_error *err);
	void (*unit_destroy)(struct iommu_unit *unit);

	/* Optional. Promises: memory that was not added, or was removed, is never touched. */
	int (*memory_add)(struct iommu_unit *unit, uint64_t pa, void *vaddr, size_t size);
	int (*memory_remove)(struct iommu_unit *unit, uint64_t pa, size_t size);

	/* Promises: an empty domain; each access of a device in it is refused. */
	int (*domain_create)(struct iommu_domain *domain, const struct iommu_domain_config *config,
			     struct base_error *err);
	void (*domain_destroy)(struct iommu_domain *domain);

	/* Promises: from return on the device sees this domain's mappings and no other's. */
	int (*attach)(struct iommu_device *device, struct base_error *err);
	/* Promises: from return on each of its accesses is refused. */
	void (*detach)(struct iommu_device *device);

	/*
	 * Promises: on 0 all of the range is reachable with exactly these rights (but
	 * limits.write_implies_read), in the largest leaves that page_size and alignment allow;
	 * on failure none of it is.
	 */
	int (*map)(struct iommu_domain *domain, const struct iommu_mapping *mapping);

	/*
	 * Promises: the tables no longer hold the range; widens gather (iommu_gather_add()) and
	 * chains emptied table pages to its freelist. Cannot fail. gather->count is the generic
	 * layer's: it starts an empty gather at {start UINT64_MAX, last 0, pages 0, no freelist}.
	 * Where limits.unmap_syncs it has invalidated, too, and leaves gather->is_open as it was
	 * unless that failed: nothing is left to sync.
	 */
	void (*unmap)(struct iommu_domain *domain, const struct iommu_mapping *mapping,
		      struct iommu_gather *gather);

	/*
	 * Promises: after return no new burst gets a translation that gather's unmaps removed.
	 * Under the domain's lock; syncs of other domains of the unit may run at the same time.
	 */
	int (*sync)(struct iommu_domain *domain, const struct iommu_gather *gather);

	/*
	 * Optional. Called, under the domain's lock, with a freelist that is not NULL, after all
	 * bursts that began before sync have ended.
	 */
	void (*free_tables)(struct iommu_domain *domain, void *freelist);

	/* Optional: sets err to the cause and the next step of a failed map, or leaves it alone. */
	int (*explain_map)(struct iommu_domain *domain, int code, uint64_t size,
			   struct base_error *err);

	/*
	 * Promises: the answer comes from the tables, or where hardware does not show them from
	 * the ledger; -ENOENT where nothing is mapped.
	 */
	int (*iova_to_phys)(struct iommu_domain *domain, uint64_t iova, uint64_t *pa);

	/* Optional: without it, and on -ENOTSUP, the generic layer answers from its ledger. */
	int (*walk)(struct iommu_device *device, uint64_t iova, struct iommu_walk *walk);
	int (*for_each_leaf)(struct iommu_domain *domain,
			     int (*visit)(const struct iommu_mapping *leaf, void *arg), void *arg);

	/*
	 * Optional, for software devices. Fills translate_burst and priv. Promises of
	 * translate_burst: iommu.h, iommu_translate_burst(); any number of translators may
	 * translate at once, and while map, unmap and sync run.
	 */
	int (*translator_create)(struct iommu_translator *translator);
	void (*translator_destroy)(struct iommu_translator *translator);
};

struct iommu_unit {
	const struct iommu_ops *ops;
	unsigned int id;
	struct iommu_limits limits;
	struct rte_rcu_qsbr *qsbr;
	void *priv;
	TAILQ_ENTRY(iommu_unit) link;
	unsigned int domain_count;
	uint64_t qsbr_ids[16];	    /* ids in use, a bit each */
	unsigned int qsbr_id_limit; /* above all ids ever in use; registry: write, any: read */
};

#define IOMMU_NODE_HINTS       8192 /* a power of two: pages of 32 MiB in a row have one each */
#define IOMMU_NODE_RESTING_MAX 4096

struct iommu_fault_log {
	rte_spinlock_t lock;
	uint64_t total;
	uint64_t by_reason[256];
	struct iommu_fault last[IOMMU_FAULT_LOG]; /* fault n stands at n % IOMMU_FAULT_LOG */
};

struct iommu_domain {
	struct iommu_unit *unit;
	uint32_t id; /* process wide, never reused */
	uint8_t levels;
	uint8_t addr_bits;
	rte_spinlock_t lock;		 /* mappings, usage and the backend's tables */
	struct iommu_domain_usage usage; /* leaves_*: the backend's; the rest the generic layer's */
	struct iommu_fault_log faults;
	TAILQ_HEAD(, iommu_device) devices;
	TAILQ_ENTRY(iommu_domain) link;
	void *priv;

	/* The generic layer's mappings (iommu_node.c); backends see them by map and unmap only. */
	struct base_interval_tree mappings;
	struct iommu_node *node_freelist;
	struct iommu_node_block *node_blocks;
	uint32_t resting_next;
	struct iommu_node *resting[IOMMU_NODE_RESTING_MAX];
	struct iommu_node *node_hints[IOMMU_NODE_HINTS];
};

struct iommu_device {
	struct iommu_domain *domain;
	char name[IOMMU_NAME_SIZE];
	uint16_t source_id;
	TAILQ_HEAD(, iommu_translator_node) translators; /* the generic layer's */
	TAILQ_ENTRY(iommu_device) link;
	void *priv;
};

/** For unmap: adds leaves in [start, last] to what is to be invalidated. */
static inline void iommu_gather_add(struct iommu_gather *gather, uint64_t start, uint64_t last,
				    uint64_t pages)
{
	if (start < gather->start)
		gather->start = start;
	if (last > gather->last)
		gather->last = last;
	gather->pages += pages;
	gather->is_open = true;
}

/**
 * The generic layer's mapping that holds `from`, else the lowest above it; domain locked. While a
 * map or unmap runs its mapping is there. -ENOENT: none.
 */
int iommu_ledger_from(struct iommu_domain *domain, uint64_t from, struct iommu_mapping *mapping);

/** Backends report a refused access here; adds the time and the queue. Any thread. */
void iommu_report_fault(struct iommu_translator *translator, uint64_t iova, uint32_t access,
			uint8_t reason);

/** Returns when all bursts of the unit's translators that began before the call have ended. */
void iommu_wait_for_bursts(const struct iommu_unit *unit);
