/* SPDX-License-Identifier: BSD-3-Clause */
/* Parses what stands after "--" with the table of options. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "options_table.h"
#include "port_policy.h"

#define OPTION_COUNT_MAX 64
/* What getopt_long() returns for entry i of the table. */
#define OPTION_VALUE(i) (256 + (int)(i))

const struct options *options_get(void)
{
	return &option_values;
}

struct options *options_edit(void)
{
	return &option_values;
}

int option_number(const char *text, uint64_t min, uint64_t max, uint64_t *number)
{
	char *end;
	unsigned long long value;

	/* strtoull() takes signs and spaces that a count must not have */
	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno != 0 || *end != '\0' || value < min || value > max)
		return -EINVAL;
	*number = value;
	return 0;
}

int option_mask(const char *text, uint64_t *mask)
{
	char digits[2 + 16 + 1];

	/* testpmd reads masks as hexadecimal, with 0x or without */
	if (strncmp(text, "0x", 2) == 0)
		text += 2;
	if (strlen(text) > 16 || strchr("0123456789abcdefABCDEF", text[0]) == NULL)
		return -EINVAL;
	snprintf(digits, sizeof(digits), "0x%s", text);
	return option_number(digits, 1, UINT64_MAX, mask);
}

static uint64_t header_size(void)
{
	return sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv4_hdr) +
	       sizeof(struct rte_udp_hdr);
}

int options_set_txpkts(const char *text, struct base_error *err)
{
	uint16_t lengths[OPTIONS_SEGS_MAX];
	uint8_t count = 0;
	uint64_t total = 0, number;
	char copy[128], *rest = copy, *token;

	if (strlen(text) >= sizeof(copy))
		return base_error_set(err, -EINVAL, "txpkts: at most %d lengths", OPTIONS_SEGS_MAX);
	strcpy(copy, text);
	while ((token = strsep(&rest, ",")) != NULL) {
		if (count == OPTIONS_SEGS_MAX)
			return base_error_set(err, -EINVAL, "txpkts: at most %d lengths",
					      OPTIONS_SEGS_MAX);
		if (option_number(token, 1, UINT16_MAX, &number) != 0)
			return base_error_set(err, -EINVAL,
					      "txpkts %s: give lengths in bytes such as 64,128",
					      text);
		lengths[count++] = (uint16_t)number;
		total += number;
	}
	if (lengths[0] < header_size() || total > UINT16_MAX)
		return base_error_set(err, -EINVAL,
				      "txpkts %s: the first segment holds the headers (%u bytes), "
				      "and a packet has at most 65535",
				      text, (unsigned int)header_size());
	memcpy(option_values.txpkts, lengths, count * sizeof(lengths[0]));
	option_values.txpkts_count = count;
	return 0;
}

static int set_value(const struct option_def *def, const char *argument, struct base_error *err)
{
	uint64_t number;

	switch (def->kind) {
	case OPTION_FLAG:
		*(bool *)def->target = true;
		return 0;
	case OPTION_TEXT:
		*(const char **)def->target = argument;
		return 0;
	case OPTION_CALL:
		return def->call(argument, err);
	case OPTION_U16:
	case OPTION_U32:
		break;
	}
	if (option_number(argument, def->min, def->max, &number) != 0)
		return base_error_set(err, -EINVAL, "--%s %s: give a number from %u to %u",
				      def->name, argument, def->min, def->max);
	if (def->kind == OPTION_U16)
		*(uint16_t *)def->target = (uint16_t)number;
	else
		*(uint32_t *)def->target = (uint32_t)number;
	return 0;
}

void options_print_help(void)
{
	printf("ioplane <EAL options> -- <options>\n"
	       "ioplane --sweep FILE.cfg [--sweep-out PREFIX] [--dry-run]\n\n"
	       "  --vdev net_dmanic0 --vdev net_dmanic1,cable=net_dmanic0 among EAL's options\n"
	       "  makes two software NICs with a cable between them;\n"
	       "  -a 0000:03:00.0[,eal-memory=auto|yes|no][,ARGUMENTS OF ITS DRIVER] takes a PCI\n"
	       "  device that is bound to vfio-pci. Ports are numbered in the order of --vdev and "
	       "-a\n"
	       "  on the command line.\n\nOptions:\n");
	for (const struct option_def *def = option_defs; def->name != NULL; def++) {
		char name[64];

		snprintf(name, sizeof(name), "%c%c%s--%s%s%s", def->letter ? '-' : ' ',
			 def->letter ? def->letter : ' ', def->letter ? ", " : "  ", def->name,
			 def->argument ? " " : "", def->argument ? def->argument : "");
		printf("  %-34s %s\n", name, def->help);
	}
	printf("      %-30s this text\n      %-30s version of ioplane and of DPDK\n", "--help",
	       "--version");
}

static const struct option_def *build_getopt(struct option *longs, char *shorts, size_t size)
{
	unsigned int i = 0;
	size_t length = (size_t)snprintf(shorts, size, "+:");

	for (const struct option_def *def = option_defs; def->name != NULL; def++, i++) {
		RTE_VERIFY(i + 1 < OPTION_COUNT_MAX);
		longs[i] = (struct option){.name = def->name,
					   .has_arg = def->argument != NULL,
					   .val = OPTION_VALUE(i)};
		if (def->letter != 0)
			length +=
				(size_t)snprintf(shorts + length, size - length, "%c", def->letter);
	}
	memset(&longs[i], 0, sizeof(longs[i]));
	return option_defs;
}

static const struct option_def *find_def(int value)
{
	if (value >= OPTION_VALUE(0))
		return &option_defs[value - OPTION_VALUE(0)];
	for (const struct option_def *def = option_defs; def->name != NULL; def++)
		if (def->letter == value)
			return def;
	return NULL;
}

int options_parse(int argc, char **argv, struct base_error *err)
{
	struct option longs[OPTION_COUNT_MAX];
	char shorts[OPTION_COUNT_MAX];
	int value, ret;

	build_getopt(longs, shorts, sizeof(shorts));
	optind = 0;
	opterr = 0;
	while ((value = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		const char *word = argv[optind - 1];

		if (value == ':')
			return base_error_set(err, -EINVAL, "option %s needs an argument", word);
		if (value == '?')
			return base_error_set(err, -EINVAL,
					      "option %s is not known or says too little; see "
					      "ioplane --help",
					      word);
		ret = set_value(find_def(value), optarg, err);
		if (ret != 0)
			return ret;
	}
	if (optind < argc)
		return base_error_set(err, -EINVAL, "argument %s is not an option", argv[optind]);
	return port_policy_check_options(&option_values.dma_policy, err);
}
