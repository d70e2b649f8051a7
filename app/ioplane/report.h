/* SPDX-License-Identifier: BSD-3-Clause */
/* The report: one snapshot of ports, domains and replays for the screen, JSON and telemetry. */
#pragma once

#include <stdint.h>

#include "base_error.h"
#include "stats.h"

struct json_t;
struct port;
struct rte_eth_stats;

/**
 * Opens --stats-json's file, so that one that cannot be written is told before any work. With
 * "-" or --json standard output carries JSON only: what else is printed goes to standard error
 * from now on. main() calls it right after options_parse(); before EAL.
 */
int report_init(struct base_error *err);

/** Registers the telemetry commands: once the ports are there. */
int report_start(struct base_error *err);

/** A snapshot; the caller destroys it. Control threads; takes stats_lock(). -ENOMEM. */
int report_collect(struct stats_report **out);

/**
 * The end: tables on screen (JSON with --json) and --stats-json, from one snapshot. main() calls
 * it once, after forwarding stopped and before port_cleanup(); telemetry's /iommu ends here.
 * Nothing is reported when report_start() was never reached.
 */
int report_finish(struct base_error *err);

/** The device's figures with what a replay could not send counted as errors: for `show`. */
void report_port_stats(const struct port *port, struct rte_eth_stats *stats);

/** Sets the port's counters back to 0 for `show`: `clear port stats`. Main lcore. */
int report_clear_port(uint16_t id);

/** Forgets what report_clear_port() set aside: the port goes. Under stats_lock(). */
void report_forget_port(uint16_t id);

/** Prints an answer of --json, one line of standard output, and gives the reference back. */
void report_print_json(struct json_t *json);
