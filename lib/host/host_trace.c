/* SPDX-License-Identifier: BSD-3-Clause */
/* Counts the kernel's IOMMU tracepoints in a tracefs instance of our own. */
#include "host_trace.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOUNTS	 "/proc/mounts"
#define INSTANCE "ioplane-"

struct host_trace {
	char path[HOST_TRACE_PATH_SIZE]; /* of the instance */
};

/*
 * A histogram with one entry adds up inside the kernel (Documentation/trace/histogram.rst): the
 * event's own type is the same in all of its records. Nothing is written to a ring buffer, and
 * nothing is lost when nobody reads.
 */
static const struct event {
	const char *folder;
	const char *trigger;
	const char *value;
	size_t offset; /* in struct host_trace_counts */
} events[] = {
	{"iommu/map", "hist:keys=common_type:vals=size", "size",
	 offsetof(struct host_trace_counts, map)},
	{"iommu/unmap", "hist:keys=common_type:vals=unmapped_size", "unmapped_size",
	 offsetof(struct host_trace_counts, unmap)},
	{"intel_iommu/qi_submit", "hist:keys=common_type", NULL,
	 offsetof(struct host_trace_counts, submit)},
};

#define EVENTS (sizeof(events) / sizeof(events[0]))

/* --- text ------------------------------------------------------------------------------------ */

/* One word of /proc/mounts: blanks and tabs are written \040, \011. */
static const char *read_word(const char *from, char *to, size_t size)
{
	size_t used = 0;

	while (*from != '\0' && *from != ' ' && *from != '\n') {
		char c = *from++;

		if (c == '\\' && isdigit((unsigned char)from[0]) &&
		    isdigit((unsigned char)from[1]) && isdigit((unsigned char)from[2])) {
			c = (char)((from[0] - '0') << 6 | (from[1] - '0') << 3 | (from[2] - '0'));
			from += 3;
		}
		if (used + 1 < size)
			to[used++] = c;
	}
	to[used] = '\0';
	return *from == ' ' ? from + 1 : from;
}

int host_trace_mount(const char *mounts, char *path, size_t size)
{
	char type[16];

	while (*mounts != '\0') {
		const char *next = strchrnul(mounts, '\n');

		mounts = read_word(mounts, path, size); /* the device, which has no meaning here */
		mounts = read_word(mounts, path, size);
		read_word(mounts, type, sizeof(type));
		if (strcmp(type, "tracefs") == 0)
			return 0;
		mounts = *next == '\0' ? next : next + 1;
	}
	return -ENOENT;
}

/* The number after `key` and blanks; 0 where the key is not. */
static uint64_t number_after(const char *text, const char *key)
{
	const char *found = text == NULL ? NULL : strstr(text, key);

	return found == NULL ? 0 : strtoull(found + strlen(key), NULL, 10);
}

int host_trace_sums(const char *text, const char *value, uint64_t *count, uint64_t *bytes)
{
	const char *totals = strstr(text, "\nTotals:");
	const char *entry = strstr(text, "\n{ ");
	char key[32];

	*count = *bytes = 0;
	if (totals == NULL || strstr(totals, "Hits: ") == NULL)
		return -EINVAL;
	*count = number_after(totals, "Hits: ");
	if (value == NULL || entry == NULL || entry > totals)
		return 0;
	snprintf(key, sizeof(key), "  %s: ", value);
	*bytes = number_after(entry, key);
	return 0;
}

int host_trace_owner(const char *name)
{
	const char *number = name + strlen(INSTANCE);
	char *end;
	long pid;

	if (strncmp(name, INSTANCE, strlen(INSTANCE)) != 0 || !isdigit((unsigned char)*number))
		return 0;
	pid = strtol(number, &end, 10);
	return *end == '\0' && pid > 0 && pid <= INT32_MAX ? (int)pid : 0;
}

/* --- files ----------------------------------------------------------------------------------- */

static int read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t got = 0;

	if (fd < 0)
		return -errno;
	while (used + 1 < size && (got = read(fd, text + used, size - used - 1)) > 0)
		used += (size_t)got;
	text[used] = '\0';
	close(fd);
	return got < 0 ? -errno : 0;
}

static int write_file(const char *folder, const char *name, const char *text)
{
	char path[2 * HOST_TRACE_PATH_SIZE];
	int fd, ret = 0;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* A process that was killed leaves its instance behind. */
static void remove_stale(const char *instances)
{
	DIR *folder = opendir(instances);
	char path[2 * HOST_TRACE_PATH_SIZE];
	struct dirent *entry;

	if (folder == NULL)
		return;
	while ((entry = readdir(folder)) != NULL) {
		int owner = host_trace_owner(entry->d_name);

		if (owner == 0 || kill(owner, 0) == 0 || errno != ESRCH)
			continue;
		snprintf(path, sizeof(path), "%s/%s", instances, entry->d_name);
		rmdir(path);
	}
	closedir(folder);
}

/* Those that this kernel does not have are left out. */
static int set_triggers(const struct host_trace *trace)
{
	char name[64];
	int ret = 0;

	/* nothing goes to the ring buffer: let it be as small as it gets */
	write_file(trace->path, "buffer_size_kb", "1");
	for (size_t i = 0; i < EVENTS; i++) {
		int set;

		snprintf(name, sizeof(name), "events/%s/trigger", events[i].folder);
		set = write_file(trace->path, name, events[i].trigger);
		if (set != 0 && set != -ENOENT)
			ret = set;
	}
	return ret;
}

static int find_instances(char *path, size_t size)
{
	char mounts[16384], mount[HOST_TRACE_PATH_SIZE];
	int ret = read_file(MOUNTS, mounts, sizeof(mounts));

	if (ret == 0)
		ret = host_trace_mount(mounts, mount, sizeof(mount));
	if (ret != 0)
		return ret;
	return snprintf(path, size, "%s/instances", mount) < (int)size ? 0 : -ENAMETOOLONG;
}

int host_trace_create(struct host_trace **out, struct base_error *err)
{
	char instances[HOST_TRACE_PATH_SIZE - 32];
	struct host_trace *trace;
	int ret = find_instances(instances, sizeof(instances));

	if (ret != 0)
		return base_error_set(err, ret,
				      "no tracefs is mounted: mount -t tracefs nodev "
				      "/sys/kernel/tracing");
	trace = calloc(1, sizeof(*trace));
	if (trace == NULL)
		return base_error_set(err, -ENOMEM, "out of memory");
	remove_stale(instances);
	snprintf(trace->path, sizeof(trace->path), "%s/" INSTANCE "%d", instances, (int)getpid());
	if (mkdir(trace->path, 0700) != 0) {
		ret = -errno;
		goto free_trace;
	}
	ret = set_triggers(trace);
	if (ret != 0)
		goto remove_instance;
	*out = trace;
	return 0;

remove_instance:
	rmdir(trace->path);
free_trace:
	base_error_set(err, ret, "the tracefs instance %s cannot be made: %s%s", trace->path,
		       strerror(-ret), ret == -EACCES || ret == -EPERM ? "; run as root" : "");
	free(trace);
	return ret;
}

void host_trace_destroy(struct host_trace *trace)
{
	if (trace == NULL)
		return;
	rmdir(trace->path);
	free(trace);
}

int host_trace_read(const struct host_trace *trace, struct host_trace_counts *out)
{
	char path[2 * HOST_TRACE_PATH_SIZE], text[4096];

	*out = (struct host_trace_counts){0};
	for (size_t i = 0; i < EVENTS; i++) {
		struct host_trace_event *event =
			(struct host_trace_event *)((char *)out + events[i].offset);
		int ret;

		snprintf(path, sizeof(path), "%s/events/%s/hist", trace->path, events[i].folder);
		ret = read_file(path, text, sizeof(text));
		if (ret == -ENOENT)
			continue;
		if (ret == 0)
			ret = host_trace_sums(text, events[i].value, &event->count, &event->bytes);
		if (ret != 0)
			return ret;
		event->is_there = true;
	}
	return 0;
}
