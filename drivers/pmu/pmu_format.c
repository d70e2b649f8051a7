/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a PMU keeps a field: the texts of sysfs' format folder. */
#include "pmu_format.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	int word; /* or -errno */
} words[] = {
	{"config:", 0},
	{"config1:", 1},
	{"config2:", 2},
	{"config3:", -ENOTSUP},
};

/* Reads a bit's number and goes past it. */
static int parse_bit(const char **text, unsigned int *bit)
{
	char *end;
	unsigned long value;

	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	value = strtoul(*text, &end, 10);
	if (value > 63)
		return -EINVAL;
	*bit = (unsigned int)value;
	*text = end;
	return 0;
}

/* Reads "16-31" or "18" and adds its bits. */
static int parse_range(const char **text, uint64_t *mask)
{
	unsigned int first, last;
	uint64_t bits;

	if (parse_bit(text, &first) != 0)
		return -EINVAL;
	last = first;
	if (**text == '-') {
		++*text;
		if (parse_bit(text, &last) != 0 || last < first)
			return -EINVAL;
	}
	bits = (UINT64_MAX >> (63 - (last - first))) << first;
	if ((*mask & bits) != 0)
		return -EINVAL;
	*mask |= bits;
	return 0;
}

static int parse_ranges(const char *text, uint64_t *mask)
{
	do {
		if (parse_range(&text, mask) != 0)
			return -EINVAL;
	} while (*text++ == ',');
	return text[-1] == '\0' ? 0 : -EINVAL;
}

int pmu_format_parse(const char *text, struct pmu_format *out)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t length = strlen(words[i].name);

		if (strncmp(text, words[i].name, length) != 0)
			continue;
		if (words[i].word < 0)
			return words[i].word;
		*out = (struct pmu_format){.word = (unsigned int)words[i].word};
		return parse_ranges(text + length, &out->mask);
	}
	return -EINVAL;
}

int pmu_format_put(const struct pmu_format *format, uint64_t value, struct perf_event_attr *attr)
{
	/* not pointers: perf_event_attr has unions */
	uint64_t word = format->word == 0   ? attr->config
			: format->word == 1 ? attr->config1
					    : attr->config2;

	word &= ~format->mask;
	for (uint64_t left = format->mask; left != 0; left &= left - 1) {
		if ((value & 1) != 0)
			word |= left & -left;
		value >>= 1;
	}
	if (value != 0)
		return -ERANGE;
	if (format->word == 0)
		attr->config = word;
	else if (format->word == 1)
		attr->config1 = word;
	else
		attr->config2 = word;
	return 0;
}
