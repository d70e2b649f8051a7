/* SPDX-License-Identifier: BSD-3-Clause */
/* A thread that reads the kernel's log for faults of our devices and gives them to their domains.
 */
#pragma once

#include "iommu.h"
#include "stats.h"

/**
 * Watches from now on for faults of a device that is attached; the first real device opens the
 * kernel's log, a software one does nothing. A log that may not be read is said once. Main lcore,
 * under stats_lock(), before the device can do DMA.
 */
void kernel_watch_begin(const struct iommu_device *device);

/** Waits, at most half a second, until the kernel prints nothing more. Before the last report. */
void kernel_watch_drain(void);

/** What the kernel told so far, the log read up to now. Under stats_lock(). */
void kernel_watch_collect(struct stats_kernel *out);

/** Ends the thread. Not under stats_lock(). */
void kernel_watch_stop(void);
