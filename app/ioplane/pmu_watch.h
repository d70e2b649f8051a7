/* SPDX-License-Identifier: BSD-3-Clause */
/* Hardware counters of the IOMMUs that ports on PCI devices are behind: --pmu. */
#pragma once

#include "stats.h"

struct port;

/**
 * Counts for a port from now on, where it is a PCI device; where that cannot be, the report says
 * why. Main lcore, under stats_lock(), before the device can do DMA.
 */
void pmu_watch_attach(struct port *port);

/** Counts for it no more: its device goes. Main lcore, under stats_lock(). */
void pmu_watch_detach(const struct port *port);

/**
 * Fills out, which the report owns; what was read in the last 0.1 s is not read again. Under
 * stats_lock(). -ENOMEM.
 */
int pmu_watch_collect(struct stats_pmu *out);

/** Closes all. */
void pmu_watch_stop(void);
