/* SPDX-License-Identifier: BSD-3-Clause */
/* The system calls: perf_event_open, and reading what counters hold. */
#pragma once

#include "pmu.h"

/** Opens a counter on a CPU for all processes. 0 or -errno, kept in counter->error, too. */
int pmu_perf_open(struct pmu_counter *counter, int cpu);
void pmu_perf_close(struct pmu_counter *counter);

/**
 * Reads an open counter into count and is_scaled. stops: the counter is stopped meanwhile, so
 * that what passes in some microseconds is not counted.
 */
int pmu_perf_read(struct pmu_counter *counter, bool stops);

/** count for the whole time when it ran for a part of it; PMU_NA: it never ran. */
uint64_t pmu_perf_scale(uint64_t count, uint64_t enabled_ns, uint64_t running_ns);
