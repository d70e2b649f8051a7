/* SPDX-License-Identifier: BSD-3-Clause */
/* Trackers on the queues of ports: one for each IOMMU unit, fed by the streams. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base_error.h"
#include "port.h"
#include "stats.h"
#include "tracker.h"

/**
 * Gives every queue of the ports behind an IOMMU its tracker, with what is mapped for it now, and
 * to the streams those of their queues. Figures of before stay, unless a queue's memory has
 * another page size than it had. Main lcore, at a start of forwarding, under stats_lock().
 */
int port_tracker_bind(struct base_error *err);

/** Takes up what was mapped since port_tracker_bind(), before the lcores poll. Main lcore. */
int port_tracker_update(struct base_error *err);

/** Completes the figures, once the lcores have stopped. Main lcore. */
void port_tracker_settle(void);

/** The tracker of a queue, or NULL: for what the main lcore sends before the lcores do. */
struct tracker_queue *port_tracker_queue(const struct port *port, bool is_rx, uint16_t queue);

/** --tracker and `set tracker`: also while traffic runs. Main lcore. */
void port_tracker_set_mode(enum tracker_mode mode);
const char *port_tracker_mode_name(enum tracker_mode mode);
/** -EINVAL: no mode has this name. */
int port_tracker_mode_parse(const char *name, enum tracker_mode *mode);

/** Begins anew for the unit that this port stands behind. Under stats_lock(). */
void port_tracker_clear(const struct port *port);

/** Figures of a queue, not tracked ones too; under stats_lock(). */
void port_tracker_collect_queue(const struct port *port, bool is_rx, uint16_t queue,
				struct stats_model *out);
/** All units into report->units; -ENOMEM. Under stats_lock(). */
int port_tracker_collect_units(struct stats_report *report);

/** Forgets a port that goes; nobody polls it. Under stats_lock(). */
void port_tracker_forget(const struct port *port);

/** Ends the thread that closes windows once a second. Not under stats_lock(). */
void port_tracker_stop(void);
