/* SPDX-License-Identifier: BSD-3-Clause */
/* A PMU as sysfs tells it: its type, its CPUs, its formats and events, and attrs built of them. */
#include "pmu_sysfs.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host_file.h"
#include "pmu_format.h"

#define TERMS_SIZE 512
#define CPU_MAX	   65535

/* Names come from files, and become parts of paths. */
static bool is_name(const char *text)
{
	return text[0] != '\0' && text[0] != '.' && strchr(text, '/') == NULL;
}

int pmu_source_line(const struct pmu_source *source, const char *file, char *text, size_t size)
{
	char path[PATH_MAX];
	int ret;

	snprintf(path, sizeof(path), PMU_SYSFS_DEVICES "/%s/%s", source->name, file);
	ret = host_read_line(source->root, path, text, size);
	/* a line that fills the space was cut */
	return ret == 0 && strlen(text) == size - 1 ? -EINVAL : ret;
}

/* Reads a whole number as sysfs prints it, and goes past it. */
static int parse_number(const char **text, uint64_t *value)
{
	char *end;

	/* strtoull takes blanks and signs, too */
	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	errno = 0;
	*value = strtoull(*text, &end, 0);
	*text = end;
	return errno != 0 ? -EINVAL : 0;
}

int pmu_cpus_parse(const char *text, int *cpus, unsigned int max, unsigned int *count)
{
	*count = 0;
	do {
		uint64_t first, last;

		if (parse_number(&text, &first) != 0)
			return -EINVAL;
		last = first;
		if (*text == '-') {
			text++;
			if (parse_number(&text, &last) != 0)
				return -EINVAL;
		}
		if (last < first || last > CPU_MAX)
			return -EINVAL;
		for (uint64_t cpu = first; cpu <= last; cpu++) {
			if (*count == max)
				return -E2BIG;
			cpus[(*count)++] = (int)cpu;
		}
	} while (*text++ == ',');
	return text[-1] == '\0' ? 0 : -EINVAL;
}

static int read_cpus(struct pmu_source *source)
{
	char text[TERMS_SIZE];
	int ret = pmu_source_line(source, "cpumask", text, sizeof(text));

	if (ret == -ENOENT) {
		source->cpus[0] = 0;
		source->cpu_count = 1;
		return 0;
	}
	if (ret == 0)
		ret = pmu_cpus_parse(text, source->cpus, PMU_CPUS_MAX, &source->cpu_count);
	/* more sockets than we know: the first ones do */
	return ret == -E2BIG ? 0 : ret;
}

int pmu_source_open(const char *root, const char *name, struct pmu_source *out)
{
	char text[32];
	const char *cursor = text;
	uint64_t type;
	int ret;

	if (!is_name(name) || strlen(name) >= sizeof(out->name))
		return -EINVAL;
	*out = (struct pmu_source){.root = root};
	snprintf(out->name, sizeof(out->name), "%s", name);
	ret = pmu_source_line(out, "type", text, sizeof(text));
	if (ret != 0)
		return ret;
	if (parse_number(&cursor, &type) != 0 || *cursor != '\0' || type > UINT32_MAX)
		return -EINVAL;
	out->type = (uint32_t)type;
	return read_cpus(out);
}

static int read_format(const struct pmu_source *source, const char *name, char *text, size_t size)
{
	char file[PMU_NAME_SIZE + sizeof("format/")];

	if (!is_name(name) || strlen(name) >= PMU_NAME_SIZE)
		return -EINVAL;
	snprintf(file, sizeof(file), "format/%s", name);
	return pmu_source_line(source, file, text, size);
}

bool pmu_source_has_format(const struct pmu_source *source, const char *name)
{
	char text[TERMS_SIZE];

	return read_format(source, name, text, sizeof(text)) == 0;
}

void pmu_source_attr(const struct pmu_source *source, struct perf_event_attr *attr)
{
	memset(attr, 0, sizeof(*attr));
	attr->size = sizeof(*attr);
	attr->type = source->type;
	attr->read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
}

int pmu_source_set(const struct pmu_source *source, const char *name, uint64_t value,
		   struct perf_event_attr *attr)
{
	static const char *const words[] = {"config", "config1", "config2"};
	struct pmu_format format = {0};
	char text[TERMS_SIZE];
	int ret;

	/* as perf does, a word as a whole is a field without a format */
	for (unsigned int i = 0; i < 3; i++) {
		if (strcmp(name, words[i]) == 0) {
			format = (struct pmu_format){.word = i, .mask = UINT64_MAX};
			return pmu_format_put(&format, value, attr);
		}
	}
	ret = read_format(source, name, text, sizeof(text));
	if (ret == 0)
		ret = pmu_format_parse(text, &format);
	return ret == 0 ? pmu_format_put(&format, value, attr) : ret;
}

/* Sets "event=0x40" or "edge". */
static int apply_term(const struct pmu_source *source, char *term, struct perf_event_attr *attr)
{
	char *equals = strchr(term, '=');
	const char *cursor;
	uint64_t value = 1;

	if (equals != NULL) {
		*equals = '\0';
		cursor = equals + 1;
		if (parse_number(&cursor, &value) != 0 || *cursor != '\0')
			return -EINVAL;
	}
	return pmu_source_set(source, term, value, attr);
}

int pmu_source_apply(const struct pmu_source *source, const char *terms,
		     struct perf_event_attr *attr)
{
	char copy[TERMS_SIZE], *cursor = copy, *term;
	int ret = 0;

	if (terms[0] == '\0' || strlen(terms) >= sizeof(copy))
		return -EINVAL;
	snprintf(copy, sizeof(copy), "%s", terms);
	while (ret == 0 && (term = strsep(&cursor, ",")) != NULL)
		ret = apply_term(source, term, attr);
	return ret;
}

int pmu_source_event(const struct pmu_source *source, const char *name,
		     struct perf_event_attr *attr)
{
	char file[PMU_NAME_SIZE + sizeof("events/")], text[TERMS_SIZE];
	int ret;

	if (!is_name(name) || strlen(name) >= PMU_NAME_SIZE)
		return -EINVAL;
	snprintf(file, sizeof(file), "events/%s", name);
	ret = pmu_source_line(source, file, text, sizeof(text));
	if (ret != 0)
		return ret;
	ret = pmu_source_apply(source, text, attr);
	/* -ENOENT is for an event that is not there; this one names a field that is not */
	return ret == -ENOENT ? -EINVAL : ret;
}
