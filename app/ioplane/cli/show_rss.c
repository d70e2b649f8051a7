/* SPDX-License-Identifier: BSD-3-Clause */
/* show port P (rss-hash|rss reta|macs), in testpmd's shapes. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

/* rte_eth_macaddrs_get() is young. */
#define ALLOW_EXPERIMENTAL_API
#include <rte_ethdev.h>

#include "cli_commands.h"
#include "port.h"
#include "report.h"
#include "show.h"

#define KEY_MAX 255

static struct port *open_port(const struct cli_args *args)
{
	struct port *port = cli_port(args->word[2].number);

	return port != NULL && show_is_open(port) ? port : NULL;
}

static void key_text(const struct rte_eth_rss_conf *conf, char *text)
{
	text[0] = '\0';
	for (unsigned int i = 0; conf->rss_key != NULL && i < conf->rss_key_len; i++)
		sprintf(text + 2 * (size_t)i, "%02X", conf->rss_key[i]);
}

static void show_rss_hash(const struct cli_args *args, bool with_key)
{
	uint8_t key[KEY_MAX] = {0};
	struct rte_eth_rss_conf conf = {.rss_key = key};
	char types[512], text[2 * KEY_MAX + 1];
	struct port *port = open_port(args);
	int ret;

	if (port == NULL)
		return;
	conf.rss_key_len = port->info.hash_key_size;
	ret = rte_eth_dev_rss_hash_conf_get(port->id, &conf);
	if (ret != 0) {
		cli_fail("port %u: cannot read its RSS hash: %s", port->id, strerror(-ret));
		return;
	}
	show_rss_types(conf.rss_hf, types, sizeof(types));
	key_text(&conf, text);
	if (show_is_json()) {
		report_print_json(json_pack("{s:i, s:o, s:s}", "port", port->id, "types",
					    show_json_rss_types(conf.rss_hf), "key", text));
	} else if (conf.rss_hf == 0) {
		printf("RSS disabled\n");
	} else {
		printf("RSS functions:\n  %s\n", types);
		if (with_key)
			printf("RSS key:\n%s\n", text);
	}
}

static void run_rss_hash(const struct cli_args *args)
{
	show_rss_hash(args, false);
}

static void run_rss_hash_key(const struct cli_args *args)
{
	show_rss_hash(args, true);
}

/* "(0x3,0xff)": a mask for each 64 entries; -EINVAL. */
static int masks_parse(const char *text, struct rte_eth_rss_reta_entry64 *groups,
		       unsigned int count)
{
	char *end;

	if (*text++ != '(')
		return -EINVAL;
	for (unsigned int i = 0; i < count; i++) {
		errno = 0;
		groups[i].mask = strtoull(text, &end, 16);
		if (errno != 0 || end == text || *end != (i + 1 == count ? ')' : ','))
			return -EINVAL;
		text = end + 1;
	}
	return *text == '\0' ? 0 : -EINVAL;
}

static void print_reta(const struct port *port, const struct rte_eth_rss_reta_entry64 *groups,
		       unsigned int size)
{
	json_t *entries = json_object();
	char name[16];

	for (unsigned int i = 0; i < size; i++) {
		const struct rte_eth_rss_reta_entry64 *group = &groups[i / RTE_ETH_RETA_GROUP_SIZE];
		unsigned int at = i % RTE_ETH_RETA_GROUP_SIZE;

		if (((group->mask >> at) & 1) == 0)
			continue;
		if (!show_is_json())
			printf("RSS RETA configuration: hash index=%u, queue=%u\n", i,
			       group->reta[at]);
		snprintf(name, sizeof(name), "%u", i);
		json_object_set_new(entries, name, json_integer(group->reta[at]));
	}
	if (show_is_json())
		report_print_json(
			json_pack("{s:i, s:o}", "port", port->id, "reta", json_incref(entries)));
	json_decref(entries);
}

static void run_reta(const struct cli_args *args)
{
	struct rte_eth_rss_reta_entry64 groups[RTE_ETH_RSS_RETA_SIZE_512 / RTE_ETH_RETA_GROUP_SIZE];
	struct port *port = open_port(args);
	uint64_t size = args->word[5].number;
	unsigned int count;
	int ret;

	if (port == NULL)
		return;
	if (port->info.reta_size == 0) {
		cli_fail("port %u has no redirection table", port->id);
		return;
	}
	if (size == 0 || size > port->info.reta_size || size > RTE_ETH_RSS_RETA_SIZE_512) {
		cli_fail("port %u: the redirection table has %u entries, not %" PRIu64, port->id,
			 port->info.reta_size, size);
		return;
	}
	memset(groups, 0, sizeof(groups));
	count = ((unsigned int)size + RTE_ETH_RETA_GROUP_SIZE - 1) / RTE_ETH_RETA_GROUP_SIZE;
	if (masks_parse(args->word[6].text, groups, count) != 0) {
		cli_fail("\"%s\": give %u masks of 64 entries each, as (0xff,0x1)",
			 args->word[6].text, count);
		return;
	}
	ret = rte_eth_dev_rss_reta_query(port->id, groups, (uint16_t)size);
	if (ret != 0)
		cli_fail("port %u: cannot read its redirection table: %s", port->id,
			 strerror(-ret));
	else
		print_reta(port, groups, (unsigned int)size);
}

static void run_macs(const struct cli_args *args)
{
	char text[RTE_ETHER_ADDR_FMT_SIZE];
	struct port *port = open_port(args);
	struct rte_ether_addr *macs;
	json_t *array = json_array();
	int count;

	if (port == NULL)
		goto put_array;
	macs = calloc(port->info.max_mac_addrs + 1u, sizeof(*macs));
	if (macs == NULL)
		goto put_array;
	count = rte_eth_macaddrs_get(port->id, macs, port->info.max_mac_addrs);
	if (count < 0) {
		cli_fail("port %u: cannot read its MAC addresses: %s", port->id, strerror(-count));
		goto free_macs;
	}
	for (int i = 0; i < count; i++) {
		if (!rte_is_zero_ether_addr(&macs[i]))
			json_array_append_new(array, json_string(show_mac(&macs[i], text)));
	}
	if (show_is_json()) {
		report_print_json(
			json_pack("{s:i, s:o}", "port", port->id, "macs", json_incref(array)));
		goto free_macs;
	}
	printf("Number of MAC address added: %zu\n", json_array_size(array));
	for (size_t i = 0; i < json_array_size(array); i++)
		printf("  %s\n", json_string_value(json_array_get(array, i)));
free_macs:
	free(macs);
put_array:
	json_decref(array);
}

const struct cli_command cli_show_rss[] = {
	{"display", "show port PORT rss-hash", "which headers receive queues are chosen by",
	 .run = run_rss_hash},
	{"display", "show port PORT rss-hash key", "the same, with the key",
	 .run = run_rss_hash_key},
	{"display", "show port PORT rss reta SIZE <masks>",
	 "the redirection table's entries whose bits are set: (0xff,0x1) for 128", .run = run_reta},
	{"display", "show port PORT macs", "the MAC addresses that a port answers to",
	 .run = run_macs},
	{0},
};
