/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's own maps, unmaps and invalidations, a second at a time: --kernel-trace. */
#include "kernel_trace.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "host_trace.h"

#define PERIOD_MS 1000

/* A moment's counts. */
struct sample {
	uint64_t time_ns;
	struct host_trace_counts counts;
};

/* Under stats_lock(), but for the descriptor, which stays while the thread runs. */
static struct {
	struct host_trace *trace; /* NULL: nothing is counted */
	pthread_t thread;
	int wake;
	unsigned int sample_count;
	struct sample before, last; /* a period apart */
} tracing = {.wake = -1};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void take_sample(void)
{
	struct sample now = {.time_ns = now_ns()};

	if (host_trace_read(tracing.trace, &now.counts) != 0)
		return;
	tracing.before = tracing.last;
	tracing.last = now;
	tracing.sample_count++;
}

static void *run(void *arg)
{
	struct pollfd wake = {.fd = tracing.wake, .events = POLLIN};

	(void)arg;
	do {
		stats_lock();
		take_sample();
		stats_unlock();
	} while (poll(&wake, 1, PERIOD_MS) == 0);
	return NULL;
}

static int start_thread(void)
{
	int ret;

	tracing.wake = eventfd(0, EFD_CLOEXEC);
	if (tracing.wake < 0)
		return -errno;
	ret = -pthread_create(&tracing.thread, NULL, run, NULL);
	if (ret == 0)
		pthread_setname_np(tracing.thread, "kernel-trace");
	else
		close(tracing.wake);
	return ret;
}

void kernel_trace_start(void)
{
	struct base_error err = {0};
	int ret = host_trace_create(&tracing.trace, &err);

	if (ret == 0) {
		ret = start_thread();
		if (ret == 0)
			return;
		host_trace_destroy(tracing.trace);
		base_error_set(&err, ret, "its thread does not start: %s", strerror(-ret));
	}
	tracing.trace = NULL;
	fprintf(stderr, "ioplane: the kernel's maps are not counted: %s\n", err.text);
}

static void fill(const struct host_trace_event *now, const struct host_trace_event *before,
		 const struct host_trace_event *last, bool has_bytes,
		 struct stats_kernel_event *out)
{
	uint64_t elapsed_ns = tracing.last.time_ns - tracing.before.time_ns;

	*out = (struct stats_kernel_event){STATS_NA, STATS_NA, STATS_NA};
	if (!now->is_there)
		return;
	out->count = now->count;
	if (has_bytes)
		out->bytes = now->bytes;
	if (tracing.sample_count > 1 && elapsed_ns != 0)
		out->per_second = (last->count - before->count) * UINT64_C(1000000000) / elapsed_ns;
}

void kernel_trace_collect(struct stats_kernel *out)
{
	const struct host_trace_counts *before = &tracing.before.counts;
	const struct host_trace_counts *last = &tracing.last.counts;
	struct host_trace_counts now;

	if (tracing.trace == NULL || host_trace_read(tracing.trace, &now) != 0)
		return;
	out->has_trace = true;
	fill(&now.map, &before->map, &last->map, true, &out->map);
	fill(&now.unmap, &before->unmap, &last->unmap, true, &out->unmap);
	fill(&now.submit, &before->submit, &last->submit, false, &out->submit);
}

void kernel_trace_stop(void)
{
	const uint64_t one = 1;

	if (tracing.trace == NULL)
		return;
	if (write(tracing.wake, &one, sizeof(one)) == sizeof(one))
		pthread_join(tracing.thread, NULL);
	close(tracing.wake);
	host_trace_destroy(tracing.trace);
	tracing.trace = NULL;
}
