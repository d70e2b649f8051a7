/* SPDX-License-Identifier: BSD-3-Clause */
/* A PMU as sysfs tells it: its type, its CPUs, its formats and events, and attrs built of them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/perf_event.h>

#include "pmu.h"

#define PMU_SYSFS_DEVICES "/sys/bus/event_source/devices"
#define PMU_CPUS_MAX	  64

struct pmu_source {
	const char *root; /* borrowed */
	char name[PMU_NAME_SIZE];
	uint32_t type;
	unsigned int cpu_count; /* at least 1: without a cpumask it is CPU 0 */
	int cpus[PMU_CPUS_MAX]; /* of the cpumask, in its order */
};

/** Reads a PMU's type and cpumask. -ENOENT: there is no such PMU; -EINVAL: nonsense in them. */
int pmu_source_open(const char *root, const char *name, struct pmu_source *out);

/** Reads one line of a file of the PMU ("die0"); 0 or -errno, -EINVAL: it does not fit. */
int pmu_source_line(const struct pmu_source *source, const char *file, char *text, size_t size);

/** True when the PMU has this format; its text may be malformed. */
bool pmu_source_has_format(const struct pmu_source *source, const char *name);

/** A counting attr of this PMU with no event in it yet: its size, type and read_format. */
void pmu_source_attr(const struct pmu_source *source, struct perf_event_attr *attr);

/** Sets one field by the PMU's format of this name. -ENOENT: it has none; -EINVAL, -ERANGE. */
int pmu_source_set(const struct pmu_source *source, const char *name, uint64_t value,
		   struct perf_event_attr *attr);

/** Sets all of "event=0x40,umask=0x20"; a name alone is 1. Errors of pmu_source_set(). */
int pmu_source_apply(const struct pmu_source *source, const char *terms,
		     struct perf_event_attr *attr);

/** Sets what events/<name> says. -ENOENT: there is no such event. */
int pmu_source_event(const struct pmu_source *source, const char *name,
		     struct perf_event_attr *attr);

/** Reads "0,28" or "0-3,8"; -EINVAL; -E2BIG: more than max. */
int pmu_cpus_parse(const char *text, int *cpus, unsigned int max, unsigned int *count);
