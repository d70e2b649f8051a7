/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads an IOTLB profile: one [iotlb] section with name, entries, ways, replacement, walk_entries.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cfgfile.h>

#include "tracker_profile.h"

#define SECTION "iotlb"

static int parse_number(const char *text, uint32_t *value)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || number > UINT32_MAX)
		return -EINVAL;
	*value = (uint32_t)number;
	return 0;
}

static int apply(const char *path, const struct rte_cfgfile_entry *entry,
		 struct iotlb_geometry *geometry, struct base_error *err)
{
	int ret = 0;

	if (strcmp(entry->name, "name") == 0)
		snprintf(geometry->name, sizeof(geometry->name), "%s", entry->value);
	else if (strcmp(entry->name, "entries") == 0)
		ret = parse_number(entry->value, &geometry->entries);
	else if (strcmp(entry->name, "ways") == 0)
		ret = parse_number(entry->value, &geometry->ways);
	else if (strcmp(entry->name, "walk_entries") == 0)
		ret = parse_number(entry->value, &geometry->walk_entries);
	else if (strcmp(entry->name, "replacement") == 0)
		ret = iotlb_replacement_parse(entry->value, &geometry->replacement);
	else
		return base_error_set(err, -EINVAL,
				      "IOTLB profile %s: there is no key \"%s\"; keys are name, "
				      "entries, ways, replacement, walk_entries",
				      path, entry->name);
	if (ret != 0)
		return base_error_set(err, ret, "IOTLB profile %s: %s=%s is not %s", path,
				      entry->name, entry->value,
				      strcmp(entry->name, "replacement") == 0
					      ? "lru, fifo, random or flush"
					      : "a number");
	return 0;
}

static int read_section(const char *path, struct rte_cfgfile *file, struct iotlb_geometry *geometry,
			struct base_error *err)
{
	int count = rte_cfgfile_section_num_entries(file, SECTION), ret = 0;
	struct rte_cfgfile_entry *entries;

	if (count <= 0)
		return base_error_set(err, -EINVAL, "IOTLB profile %s has no [%s] section", path,
				      SECTION);
	entries = calloc((size_t)count, sizeof(*entries));
	if (entries == NULL)
		return base_error_set(err, -ENOMEM, "IOTLB profile %s: out of memory", path);
	rte_cfgfile_section_entries(file, SECTION, entries, count);
	for (int i = 0; i < count && ret == 0; i++)
		ret = apply(path, &entries[i], geometry, err);
	free(entries);
	return ret;
}

static int check(const char *path, const struct iotlb_geometry *geometry, struct base_error *err)
{
	struct base_error why = {0};
	int ret = iotlb_geometry_check(geometry, &why);

	return ret == 0 ? 0 : base_error_set(err, ret, "IOTLB profile %s: %s", path, why.text);
}

int tracker_profile_read(const char *path, struct iotlb_geometry *out, struct base_error *err)
{
	struct iotlb_geometry geometry = iotlb_geometry_default();
	struct rte_cfgfile_parameters parameters = {.comment_character = '#'};
	const char *slash = strrchr(path, '/');
	struct rte_cfgfile *file;
	int ret;

	/* rte_cfgfile_load() does not say why. */
	if (access(path, R_OK) != 0) {
		ret = -errno;
		return base_error_set(err, ret, "cannot read IOTLB profile %s: %s", path,
				      strerror(-ret));
	}
	snprintf(geometry.name, sizeof(geometry.name), "%s", slash != NULL ? slash + 1 : path);
	file = rte_cfgfile_load_with_params(path, 0, &parameters);
	if (file == NULL)
		return base_error_set(
			err, -EINVAL,
			"IOTLB profile %s is not a list of key=value lines below [%s]", path,
			SECTION);
	ret = read_section(path, file, &geometry, err);
	rte_cfgfile_close(file);
	if (ret == 0)
		ret = check(path, &geometry, err);
	if (ret == 0)
		*out = geometry;
	return ret;
}
