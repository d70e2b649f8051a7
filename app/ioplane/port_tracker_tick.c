/* SPDX-License-Identifier: BSD-3-Clause */
/* A thread that closes the trackers' windows once a second. */
#include "port_tracker_tick.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "port_tracker.h"
#include "port_tracker_unit.h"
#include "stats.h"
#include "stream.h"

#define PERIOD_MS 1000

static struct {
	bool is_running;
	int wake;
	pthread_t thread;
} tick;

static void *run(void *arg __rte_unused)
{
	struct pollfd wake = {.fd = tick.wake, .events = POLLIN};

	while (poll(&wake, 1, PERIOD_MS) == 0) {
		stats_lock();
		/* what the last second of traffic used stays to be seen after a stop */
		if (forward_is_running())
			for (struct tracked_unit *u = NULL; (u = tracked_unit_next(u)) != NULL;)
				tracker_tick(u->tracker);
		stats_unlock();
	}
	return NULL;
}

int port_tracker_tick_start(struct base_error *err)
{
	int ret;

	if (tick.is_running)
		return 0;
	tick.wake = eventfd(0, EFD_CLOEXEC);
	if (tick.wake < 0)
		return base_error_set(err, -errno, "the thread of the tracker: %s",
				      strerror(errno));
	ret = pthread_create(&tick.thread, NULL, run, NULL);
	if (ret != 0) {
		close(tick.wake);
		return base_error_set(err, -ret, "the thread of the tracker cannot be started: %s",
				      strerror(ret));
	}
	pthread_setname_np(tick.thread, "tracker");
	tick.is_running = true;
	return 0;
}

void port_tracker_stop(void)
{
	uint64_t one = 1;

	if (!tick.is_running)
		return;
	/* cannot fail: the counter is at 0 */
	if (write(tick.wake, &one, sizeof(one)) == sizeof(one))
		pthread_join(tick.thread, NULL);
	close(tick.wake);
	tick.is_running = false;
}
