/* SPDX-License-Identifier: BSD-3-Clause */
/* What the commands that show something share. */
#pragma once

#include <stdbool.h>

#include <rte_ethdev.h>

struct cli_args;
struct json_t;
struct port;
struct stats_report;

/** True when answers are JSON: --json. */
bool show_is_json(void);

/** Prints an array with what make() gives for each port that the word names. */
void show_json_ports(const char *word, struct json_t *(*make)(struct port *port));

/** Calls print for each port that the word names. */
void show_text_ports(const char *word, void (*print)(struct port *port));

/** A snapshot to show; NULL, and the command has failed. */
struct stats_report *show_report(void);

/** False for a port that is closed, and the command has failed. */
bool show_is_open(const struct port *port);

/** "02:00:00:00:00:01" into text[RTE_ETHER_ADDR_FMT_SIZE]. */
const char *show_mac(const struct rte_ether_addr *addr, char *text);

/** "10 Gbps" and so on into text; Mbit/s as ethdev gives them. */
void show_speed(uint32_t mbps, char *text, size_t size);

/** Names of the RSS types in hf, two blanks between them; or as an array. */
void show_rss_types(uint64_t hf, char *text, size_t size);
struct json_t *show_json_rss_types(uint64_t hf);

/** show iommu counters [P|all]: as show_groups(). */
void show_counters(const struct cli_args *args, bool has_word);

/** show iommu groups [P|all]: word 3 names ports when it is there. */
void show_groups(const struct cli_args *args, bool has_word);
