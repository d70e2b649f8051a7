/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a PMU keeps a field: the texts of sysfs' format folder. */
#pragma once

#include <stdint.h>
#include <linux/perf_event.h>

/* A field: some bits of one word of perf_event_attr. */
struct pmu_format {
	unsigned int word; /* 0 config, 1 config1, 2 config2 */
	uint64_t mask;
};

/**
 * Reads "config1:16-31", "config:18" or "config:0-7,32-35". -EINVAL: it is none of these;
 * -ENOTSUP: a word that this program's kernel headers lack (config3).
 * Format: Linux Documentation/ABI/testing/sysfs-bus-event_source-devices-format.
 */
int pmu_format_parse(const char *text, struct pmu_format *out);

/** Puts a value's bits into the field, lowest first; -ERANGE: it has more than the field. */
int pmu_format_put(const struct pmu_format *format, uint64_t value, struct perf_event_attr *attr);
