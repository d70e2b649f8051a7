/* SPDX-License-Identifier: BSD-3-Clause */
/* What the command line after "--" asked for; testpmd's names where testpmd has the thing. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base_error.h"
#include "dma.h"
#include "tracker.h"

#define OPTIONS_SPECS_MAX 64
#define OPTIONS_SEGS_MAX  8

enum options_topology {
	TOPOLOGY_PAIRED,
	TOPOLOGY_CHAINED,
	TOPOLOGY_LOOP,
};

/* Fixed once main() has parsed it, but for what says "runtime". Strings are argv's. */
struct options {
	bool is_interactive;
	bool is_auto_start;
	bool is_json; /* every show answers in JSON */
	bool is_dry_run;
	bool keeps_going;   /* a failed script line does not end the script */
	bool flushes_rx;    /* runtime: drain receive queues at start */
	bool is_inline;	    /* --mbuf-layout inline: headers beside the data */
	bool shares_domain; /* --domain shared */

	/* ports and queues; runtime: `port config all` */
	uint16_t rxq, txq, rxd, txd;
	uint32_t max_pkt_len;
	uint32_t mbuf_size;	  /* bytes of a data buffer with its headroom */
	uint32_t total_num_mbufs; /* 0: computed */
	bool has_queue_pools;	  /* --pool-per-queue */
	uint16_t mbcache;	  /* buffers a lcore keeps; fixed */
	uint64_t rss_hf;

	/* memory and IOMMU */
	uint64_t page_size; /* 0: the largest that fits */
	uint32_t arena_mb;  /* 0: computed */
	const char *iotlb_file;
	struct dma_policy_config dma_policy; /* --dma-policy, of all ports at their attach */
	enum tracker_mode tracker;	     /* runtime */
	bool traces_kernel;		     /* --kernel-trace */
	bool uses_pmu;			     /* not --pmu off */

	/* forwarding; runtime: the set commands */
	const char *forward_mode;
	bool is_mode_given;
	bool retries; /* set fwd M retry */
	uint16_t tx_retry;
	uint32_t tx_delay_us;
	enum options_topology topology;
	uint16_t burst;
	uint16_t nb_cores;
	uint16_t nb_ports;	     /* 0: all */
	uint64_t portmask, coremask; /* 0: not given */
	const char *portlist;
	bool is_tx_first;
	uint16_t txpkts[OPTIONS_SEGS_MAX];
	uint8_t txpkts_count;
	bool is_multi_flow;
	uint32_t tx_flows; /* --txonly-flows; 0: not given */
	bool records_cycles;
	bool records_bursts;

	uint32_t rx_loss_ppm; /* rxloss: frames that the network lost */
	uint32_t rx_hold;     /* rxloss: frames of a queue until it is sent again */
	uint32_t warm_up_ms;  /* what is counted before it ends is forgotten */
	uint32_t duration_ms; /* of forwarding behind it; 0: until told */
	uint32_t min_packets; /* received in the warm-up, and again in the duration */

	/* input and output */
	uint32_t stats_period_s;
	const char *cmdline_file;
	const char *sweep_file;
	const char *sweep_out;	     /* NULL: the file's name, in the current folder */
	const char *stats_json_file; /* "-": standard output */
	const char *replay[OPTIONS_SPECS_MAX];
	uint16_t replay_count;
	const char *capture[OPTIONS_SPECS_MAX];
	uint16_t capture_count;
};

/** Parses argv after "--" (argv[0] is the program); -EINVAL: exit status 2. Main lcore, once. */
int options_parse(int argc, char **argv, struct base_error *err);

void options_print_help(void);

/** The program's options; valid from options_parse() on. */
const struct options *options_get(void);

/** For the commands that change what is marked "runtime"; main lcore only. */
struct options *options_edit(void);

/** Lengths of the segments that txonly sends, "64" or "64,128,256"; the option and the command. */
int options_set_txpkts(const char *text, struct base_error *err);
