/* SPDX-License-Identifier: BSD-3-Clause */
/* A snapshot of ports, queues, domains and replays, and its forms: JSON, tables, telemetry. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base_hist.h"
#include "dma.h"
#include "iommu.h"
#include "stats_pmu.h"

/* A figure that does not apply: null in JSON, "n/a" on screen, absent in telemetry. */
#define STATS_NA UINT64_MAX

#define STATS_NAME_SIZE IOMMU_NAME_SIZE
#define STATS_WORD_SIZE 32
#define STATS_FILE_SIZE 4096

/* --- what a snapshot holds: plain data, copied once ------------------------------------------ */

struct stats_hist {
	uint64_t count;
	uint64_t mean; /* this and the rest: STATS_NA while count is 0 */
	uint64_t p50;
	uint64_t p99;
	uint64_t max;
};

/* Where IOTLB figures come from; they are never added across sources. */
enum stats_source {
	STATS_SOURCE_NONE,  /* "n/a": no domain, or nothing counts */
	STATS_SOURCE_EXACT, /* counted by a software unit */
	STATS_SOURCE_HW,    /* read from a PMU */
	STATS_SOURCE_MODEL, /* estimated from the addresses used */
};

/* A curve: the miss ratio, in millionths, of an IOTLB with 32, 64 ... 4096 entries. */
#define STATS_CURVE_POINTS     8
#define STATS_CURVE_ENTRIES(n) (UINT64_C(32) << (n))

/*
 * What a queue asks of an IOTLB, estimated from the addresses that it used; source "model". It is
 * never added to what was counted.
 */
struct stats_model {
	bool is_tracked;	    /* false: nobody looks at its addresses, the rest is not set */
	char mode[STATS_WORD_SIZE]; /* "off", "sampled", "full" */
	char unit[STATS_NAME_SIZE]; /* that it shares an IOTLB with: struct stats_unit */
	char profile[STATS_WORD_SIZE]; /* the IOTLB that misses are predicted for */
	bool has_ring;		       /* false: where its descriptors lie is not known */
	uint64_t accesses;	       /* to pages, those to descriptors among them */
	uint64_t ring_accesses;
	uint64_t pages_touched; /* different pages */
	uint64_t working_set;	/* in the last whole second; STATS_NA: there was none yet */
	uint64_t entries_needed;
	uint64_t predicted_misses;
	uint32_t share_ppm; /* of the predicted misses of all queues behind the IOTLB */
	uint64_t beyond;    /* accesses outside what was mapped at the start: not estimated */
	uint32_t alone_ppm[STATS_CURVE_POINTS];	 /* curve, if it had the IOTLB for itself */
	uint32_t shared_ppm[STATS_CURVE_POINTS]; /* curve, among all that share the IOTLB */
};

/* Every u64 may be STATS_NA. What was counted, and beside it the estimate. */
struct stats_iotlb {
	enum stats_source source; /* of these five figures */
	uint64_t lookups;
	uint64_t hits;
	uint64_t misses;
	uint64_t walk_reads;
	uint64_t faults;
	struct stats_model model;
};

struct stats_dma {
	enum dma_policy policy;
	uint64_t batch; /* these two: STATS_NA but for deferred */
	uint64_t timeout_us;
	const char *iova; /* "fixed", "fresh", or NULL: static */
	uint64_t maps;
	uint64_t unmaps;
	uint64_t mapped_bytes;
	uint64_t unmapped_bytes;
	uint64_t invalidations;
	uint64_t waiting; /* unmapped and not synced yet, now */
	uint64_t lost;	  /* unmapped, and their sync failed */
	struct stats_hist map_ns;
	struct stats_hist unmap_ns;
	struct stats_hist sync_ns;   /* deferred: of one sync */
	struct stats_hist window_ns; /* deferred: of one buffer, from unmap to completed sync */
};

struct stats_queue {
	uint16_t queue;
	uint64_t packets; /* these three: STATS_NA where the device does not count them */
	uint64_t bytes;
	uint64_t drops;
	struct stats_iotlb iotlb;
	bool has_dma; /* false: the port has no domain */
	struct stats_dma dma;
};

struct stats_port {
	uint16_t id;
	char name[STATS_NAME_SIZE];
	char driver[STATS_NAME_SIZE];
	uint64_t domain; /* STATS_NA: none */
	int numa;	 /* -1: unknown */
	uint64_t rx_packets, rx_bytes, rx_missed, rx_errors, rx_nombuf;
	uint64_t tx_packets, tx_bytes, tx_errors;
	unsigned int rx_queue_count, tx_queue_count;
	struct stats_queue *rx_queues; /* owned */
	struct stats_queue *tx_queues;
};

struct stats_domain {
	uint32_t id;
	char backend[STATS_NAME_SIZE];
	bool is_protected; /* false: its devices reach all memory, rights are bookkeeping */
	char (*devices)[STATS_NAME_SIZE]; /* owned */
	unsigned int device_count;
	struct iommu_domain_usage usage;
	enum iommu_fault_source faults_source;
	uint64_t faults_total; /* STATS_NA: nobody sees them; from the log: at least */
	uint64_t faults_by_reason[256];
	struct iommu_fault *faults; /* owned; the last ones, oldest first */
	unsigned int fault_count;
};

/* An IOTLB that queues share, of an IOMMU unit: the same estimates for all of them together. */
struct stats_unit {
	char name[STATS_NAME_SIZE]; /* "vtd0", "dmar1" */
	char backend[STATS_NAME_SIZE];
	char mode[STATS_WORD_SIZE];
	char profile[STATS_WORD_SIZE];
	char method[STATS_WORD_SIZE]; /* how misses are predicted */
	uint64_t entries;	      /* of the profile */
	uint64_t accesses;
	uint64_t pages_touched;
	uint64_t working_set; /* in the last whole second; STATS_NA: there was none yet */
	uint64_t entries_needed;
	uint64_t predicted_misses;
	uint64_t lanes; /* lcores that poll its queues */
	uint32_t curve_ppm[STATS_CURVE_POINTS];
};

struct stats_replay {
	uint16_t port;
	char file[STATS_FILE_SIZE];
	uint64_t packets;
	uint64_t bytes;
	uint64_t loops;
	uint64_t elapsed_ns;
	uint64_t requested_pps; /* STATS_NA: as fast as it goes */
	uint64_t achieved_pps;
	bool has_lateness; /* false: it had no schedule to be late for */
	struct stats_hist lateness_ns;
};

/* A kernel tracepoint, counted since the run began. */
struct stats_kernel_event {
	uint64_t count;	     /* STATS_NA: this kernel does not have it */
	uint64_t bytes;	     /* STATS_NA: it has no size */
	uint64_t per_second; /* in the last whole second; STATS_NA: there was none yet */
};

/* What the kernel tells; of the whole machine, whoever caused it. */
struct stats_kernel {
	bool has_log;		 /* false: the kernel's log is not read */
	uint64_t lines_left_out; /* lines about faults that the kernel kept from its log */
	uint64_t records_lost;	 /* of the log, overwritten before we read them */
	uint64_t overflows;	 /* times that an IOMMU had no room for more faults */
	uint64_t unattributed;	 /* faults of devices that the kernel does not name */
	bool has_trace;		 /* false: the kernel's IOMMU events are not counted */
	struct stats_kernel_event map, unmap, submit;
};

struct stats_report {
	uint64_t duration_ns;
	struct stats_port *ports; /* these four owned */
	unsigned int port_count;
	struct stats_domain *domains;
	unsigned int domain_count;
	bool has_iova;		     /* false: there is no plan yet */
	struct dma_space_usage iova; /* the process's one plan, which all domains share */
	struct stats_unit *units;
	unsigned int unit_count;
	struct stats_replay *replays;
	unsigned int replay_count;
	struct stats_kernel kernel;
	struct stats_pmu pmu;
};

/** Frees what the report owns, and the report; NULL is fine. */
void stats_report_destroy(struct stats_report *report);

/** The port of this id, or NULL. */
const struct stats_port *stats_report_port(const struct stats_report *report, uint16_t id);

const char *stats_source_name(enum stats_source source);

/** What stands between a domain's devices and memory: "iommu", or "UNPROTECTED". */
const char *stats_protection_name(bool is_protected);

/** "read" or "write"; NULL: not known. */
const char *stats_access_name(uint32_t access);

/* --- the lock of control threads -------------------------------------------------------------- */

/**
 * Held while ports, queues, domains or devices come and go, and while a snapshot is taken, so
 * that telemetry's thread never sees half of one. Recursive. Never taken by a forwarding lcore.
 */
void stats_lock(void);
void stats_unlock(void);

/* --- collecting: everything here under stats_lock() ------------------------------------------ */

/** Summary of a histogram that its owner may go on filling. */
void stats_collect_hist(const struct base_hist *hist, struct stats_hist *out);

/**
 * IOTLB figures of one queue of the device of this name, less what stats_clear_iommu() set
 * aside; source "n/a" and all figures STATS_NA when no unit counts for it.
 */
void stats_collect_iotlb(const char *device, bool is_rx, uint16_t queue, struct stats_iotlb *out);

/**
 * Figures of a ledger, which its owner may go on writing, since `base` was copied from it (NULL:
 * all). The policy's parameters are the caller's: stats_set_policy().
 */
void stats_collect_dma(const struct dma_ledger *ledger, const struct dma_ledger *base,
		       struct stats_dma *out);
void stats_set_policy(struct stats_dma *dma, const struct dma_policy_config *config);

/** Copies a ledger that its owner may go on writing. */
void stats_copy_ledger(const struct dma_ledger *ledger, struct dma_ledger *out);

/** All domains of the process, into report->domains. -ENOMEM. */
int stats_collect_domains(struct stats_report *report);

/** Clears the IOTLB figures of a device's queues, as stats_clear_iommu() does. -ENODEV. */
int stats_clear_device(const char *device);

/**
 * Clears the IOTLB figures and faults of the domain that a device is in: counters that an lcore
 * writes are not touched, what they hold now is taken off from now on. -ENODEV: no such device.
 */
int stats_clear_iommu(const char *device);

/* --- rendering ---------------------------------------------------------------------------------
 */

struct json_t;

/** The report as design 4 lays it down. The caller owns the reference; NULL: no memory. */
struct json_t *stats_json(const struct stats_report *report);

/** Parts of it, for commands that answer in JSON. */
struct json_t *stats_json_u64(uint64_t value);
struct json_t *stats_json_iova(uint64_t iova);
struct json_t *stats_json_iotlb(const struct stats_iotlb *iotlb);
struct json_t *stats_json_curve(const uint32_t *curve_ppm);
struct json_t *stats_json_unit(const struct stats_unit *unit);
struct json_t *stats_json_dma(const struct stats_queue *queue);
struct json_t *stats_json_port(const struct stats_port *port);
struct json_t *stats_json_domain(const struct stats_domain *domain);
struct json_t *stats_json_iova_plan(const struct stats_report *report);
struct json_t *stats_json_fault(const struct iommu_fault *fault);
struct json_t *stats_json_replay(const struct stats_replay *replay);
struct json_t *stats_json_kernel(const struct stats_kernel *kernel);

/** Writes JSON as one line; -errno of the file. */
int stats_json_dump(const struct json_t *json, FILE *file);
int stats_json_write(const struct stats_report *report, FILE *file);

/** The same figures as aligned tables. */
void stats_text(const struct stats_report *report, FILE *file);

/** The tables of which it consists; a port of NULL means all, a queue below 0 too. */
void stats_text_ports(const struct stats_report *report, FILE *file);
void stats_text_iotlb(const struct stats_report *report, const struct stats_port *port, int queue,
		      FILE *file);
/** Miss ratio by entries, per queue and per unit; with bars for the units where has_plot. */
void stats_text_curves(const struct stats_report *report, const struct stats_port *port, int queue,
		       bool has_plot, FILE *file);
void stats_text_dma(const struct stats_report *report, const struct stats_port *port, int queue,
		    FILE *file);
void stats_text_domains(const struct stats_report *report, FILE *file);
void stats_text_faults(const struct stats_report *report, FILE *file);
void stats_text_replays(const struct stats_report *report, FILE *file);
/** Nothing where the kernel tells nothing. */
void stats_text_kernel(const struct stats_report *report, FILE *file);

/* --- telemetry ---------------------------------------------------------------------------------
 */

/* Who takes a whole snapshot; called on telemetry's thread under stats_lock(). */
struct stats_provider {
	int (*collect)(void *arg, struct stats_report **out);
	void *arg;
};

/**
 * Registers /iommu/domains, /iommu/domain, /iommu/faults, /iommu/queue, /iommu/curve,
 * /iommu/units and /iommu/counters with rte_telemetry.
 * The provider is copied. rte_telemetry cannot unregister: call stats_telemetry_stop() before
 * the provider dies; from then on they answer nothing.
 */
int stats_telemetry_start(const struct stats_provider *provider);
void stats_telemetry_stop(void);
