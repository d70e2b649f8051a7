/* SPDX-License-Identifier: BSD-3-Clause */
/* Small files and links of sysfs below a root, which tests put a copy of /sys under. */
#include "host_file.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int join(const char *root, const char *path, char *full)
{
	return snprintf(full, PATH_MAX, "%s%s", root, path) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int host_read_line(const char *root, const char *path, char *text, size_t size)
{
	char full[PATH_MAX];
	FILE *file;
	int ret = join(root, path, full);

	if (ret != 0)
		return ret;
	file = fopen(full, "re");
	if (file == NULL)
		return -errno;
	errno = 0;
	if (fgets(text, (int)size, file) == NULL) {
		ret = ferror(file) ? -errno : 0;
		text[0] = '\0';
	}
	fclose(file);
	text[strcspn(text, "\n")] = '\0';
	return ret;
}

int host_read_number(const char *root, const char *path, uint64_t *value)
{
	char text[64], *end;
	int ret = host_read_line(root, path, text, sizeof(text));

	if (ret != 0)
		return ret;
	errno = 0;
	*value = strtoull(text, &end, 0);
	return errno != 0 || end == text || *end != '\0' ? -EINVAL : 0;
}

int host_read_link(const char *root, const char *path, char *name, size_t size)
{
	char full[PATH_MAX], target[PATH_MAX];
	const char *last;
	ssize_t length;
	int ret = join(root, path, full);

	if (ret != 0)
		return ret;
	length = readlink(full, target, sizeof(target) - 1);
	if (length < 0)
		return -errno;
	target[length] = '\0';
	last = strrchr(target, '/');
	snprintf(name, size, "%s", last == NULL ? target : last + 1);
	return 0;
}

static int is_shown(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

void host_list_free(char **names, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

int host_list(const char *root, const char *path, char ***names, unsigned int *count)
{
	char full[PATH_MAX];
	struct dirent **entries;
	int found, ret = join(root, path, full);

	if (ret != 0)
		return ret;
	found = scandir(full, &entries, is_shown, alphasort);
	if (found < 0)
		return -errno;
	*count = 0;
	*names = calloc((size_t)found + 1, sizeof(**names));
	for (int i = 0; i < found; i++) {
		if (*names != NULL && ((*names)[*count] = strdup(entries[i]->d_name)) != NULL)
			++*count;
		free(entries[i]);
	}
	free(entries);
	if (*names != NULL && *count == (unsigned int)found)
		return 0;
	host_list_free(*names, *names == NULL ? 0 : *count);
	return -ENOMEM;
}
