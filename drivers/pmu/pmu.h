/* SPDX-License-Identifier: BSD-3-Clause */
/* Hardware counters of IOMMUs, found in sysfs and read with perf_event_open. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <linux/perf_event.h>

#include "base_error.h"
#include "host_pci.h"

#define PMU_NAME_SIZE	 64
#define PMU_COUNTERS_MAX 16
#define PMU_USERS_MAX	 32
#define PMU_NA		 UINT64_MAX /* not counted */

/* What a unit's figures are about; never a queue: no hardware tells queues apart. */
enum pmu_scope {
	PMU_SCOPE_UNIT,	     /* all that passes this IOMMU, or this part of it */
	PMU_SCOPE_REQUESTER, /* one device, by its requester or stream id */
};

/* One event that is counted. */
struct pmu_counter {
	char name[PMU_NAME_SIZE]; /* as sysfs or Intel's event lists have it */
	struct perf_event_attr attr;
	int fd;		/* -1: not open */
	int error;	/* why it is not, -errno; 0: it is, or was not tried */
	uint64_t count; /* as last read, PMU_NA: it never ran */
	bool is_scaled; /* it shared a counter of the hardware with others: an estimate */
};

/* Events of one PMU about one thing. */
struct pmu_unit {
	TAILQ_ENTRY(pmu_unit) link;
	char pmu[PMU_NAME_SIZE]; /* "dmar0" */
	const struct pmu_family *family;
	enum pmu_scope scope;
	char device[HOST_NAME_SIZE]; /* the requester; "" for a unit */
	int cpu;		     /* that the kernel reads the PMU from */
	unsigned int user_count;     /* devices that are behind it */
	char users[PMU_USERS_MAX][HOST_NAME_SIZE];
	unsigned int counter_count;
	struct pmu_counter counters[PMU_COUNTERS_MAX];
};

TAILQ_HEAD(pmu_list, pmu_unit);

/* IOTLB figures as a unit's events tell them; PMU_NA: they do not. */
struct pmu_iotlb {
	uint64_t lookups, hits, misses;
	bool is_scaled;
};

/** "dmar", "iio", "amd" or "smmuv3". */
const char *pmu_unit_family(const struct pmu_unit *unit);

/** What the counts that were last read say of the IOTLB. */
void pmu_unit_iotlb(const struct pmu_unit *unit, struct pmu_iotlb *out);

/** True when the device of this address is behind the unit. */
bool pmu_unit_serves(const struct pmu_unit *unit, const char *address);

/**
 * What counting for a PCI device would open, nothing opened: appended to list, whose units are
 * freed with pmu_plan_free(). root: "" or a folder with a copy of /sys and /proc (for tests).
 * -ENODEV: no such device, or no PMU for it: err says why; -EINVAL: sysfs holds nonsense. With 0
 * err may hold what else went wrong.
 */
int pmu_plan(const char *root, const char *address, struct pmu_list *list, struct base_error *err);
void pmu_plan_free(struct pmu_list *list);

/* Open counters; one thread at a time. */
struct pmu;

int pmu_create(const char *root, struct pmu **out);
void pmu_destroy(struct pmu *pmu);

/**
 * Counts from now on for a PCI device; units that several devices are behind are opened once.
 * Errors of pmu_plan(), and -EACCES or -EPERM with what to change; nothing is open then. With 0
 * err may hold what else went wrong.
 */
int pmu_attach(struct pmu *pmu, const char *address, struct base_error *err);

/** Closes what only this device used; an unknown address is fine. */
void pmu_detach(struct pmu *pmu, const char *address);

/** Reads all counters; each costs an interrupt of the PMU's CPU: at most 10 times a second. */
void pmu_read(struct pmu *pmu);

/** The units in the order they were opened, with the counts that were last read. */
const struct pmu_list *pmu_units(const struct pmu *pmu);
