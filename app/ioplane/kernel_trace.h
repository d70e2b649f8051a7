/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's own maps, unmaps and invalidations, a second at a time: --kernel-trace. */
#pragma once

#include "stats.h"

/** Counts from now on; where that cannot be, one line on stderr says why. Main lcore, once. */
void kernel_trace_start(void);

/** Fills the part of out that is about tracepoints. Under stats_lock(). */
void kernel_trace_collect(struct stats_kernel *out);

/** Removes what start made. Not under stats_lock(); also when it was never started. */
void kernel_trace_stop(void);
