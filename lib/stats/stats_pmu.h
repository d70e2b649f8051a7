/* SPDX-License-Identifier: BSD-3-Clause */
/* The part of a snapshot that hardware counters of IOMMUs tell. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define STATS_PMU_NAME_SIZE   64
#define STATS_PMU_EVENTS_MAX  16
#define STATS_PMU_PORTS_MAX   32
#define STATS_PMU_REASON_SIZE 512

struct json_t;
struct rte_tel_data;

struct stats_pmu_event {
	char name[STATS_PMU_NAME_SIZE];
	uint64_t count; /* STATS_NA: it never ran */
};

/* What one PMU counted since its port was attached; source "hw", never of a queue. */
struct stats_pmu_unit {
	char pmu[STATS_PMU_NAME_SIZE];	  /* "dmar0" */
	char family[STATS_PMU_NAME_SIZE]; /* "dmar" */
	char device[STATS_PMU_NAME_SIZE]; /* that alone is counted; "": all behind the unit */
	unsigned int port_count;	  /* ports that are counted, among others where it is "" */
	uint16_t ports[STATS_PMU_PORTS_MAX];
	uint64_t lookups, hits, misses; /* STATS_NA: the events do not tell */
	bool is_scaled; /* some figure is an estimate: events took turns on too few counters */
	unsigned int event_count;
	struct stats_pmu_event events[STATS_PMU_EVENTS_MAX];
};

/* Why nothing is counted for a port, or what is missing. */
struct stats_pmu_reason {
	uint16_t port;
	char text[STATS_PMU_REASON_SIZE];
};

struct stats_pmu {
	char reason[STATS_PMU_REASON_SIZE]; /* the same of all of them; "": nothing is missing */
	struct stats_pmu_reason *reasons;   /* owned; of the ports that have one */
	unsigned int reason_count;
	struct stats_pmu_unit *units; /* owned; NULL: nothing is counted */
	unsigned int unit_count;
};

/* A port below 0 means all in the functions here. */

/** {"available", "reason", "units"}; the caller owns the reference, NULL: no memory. */
struct json_t *stats_json_pmu(const struct stats_pmu *pmu, int port);

/** Two tables, units and their events, or one line with the reason. */
void stats_text_pmu(const struct stats_pmu *pmu, int port, FILE *file);

/** What stats_text_pmu() says, in one line a unit, of a port. */
void stats_text_pmu_summary(const struct stats_pmu *pmu, int port, FILE *file);

/** The same straight into dict, units from the number `from` on, 16 a page; -ENOMEM. */
int stats_tel_add_pmu(struct rte_tel_data *dict, const struct stats_pmu *pmu, uint64_t from);
