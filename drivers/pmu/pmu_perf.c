/* SPDX-License-Identifier: BSD-3-Clause */
/* The system calls: perf_event_open, and reading what counters hold. */
#include "pmu_perf.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What read() gives for our read_format (perf_event_open(2)). */
struct reading {
	uint64_t count;
	uint64_t enabled_ns;
	uint64_t running_ns;
};

int pmu_perf_open(struct pmu_counter *counter, int cpu)
{
	long fd = syscall(SYS_perf_event_open, &counter->attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	counter->fd = fd < 0 ? -1 : (int)fd;
	counter->error = fd < 0 ? -errno : 0;
	counter->count = PMU_NA;
	counter->is_scaled = false;
	return counter->error;
}

void pmu_perf_close(struct pmu_counter *counter)
{
	if (counter->fd >= 0)
		close(counter->fd);
	counter->fd = -1;
}

uint64_t pmu_perf_scale(uint64_t count, uint64_t enabled_ns, uint64_t running_ns)
{
	__extension__ unsigned __int128 scaled = count;

	if (running_ns == 0)
		return PMU_NA;
	if (running_ns >= enabled_ns)
		return count;
	scaled = scaled * enabled_ns / running_ns;
	return scaled >= PMU_NA ? PMU_NA - 1 : (uint64_t)scaled;
}

int pmu_perf_read(struct pmu_counter *counter, bool stops)
{
	struct reading reading;
	ssize_t size;

	if (counter->fd < 0)
		return -EBADF;
	if (stops && ioctl(counter->fd, PERF_EVENT_IOC_DISABLE, 0) != 0)
		return -errno;
	size = read(counter->fd, &reading, sizeof(reading));
	if (stops && ioctl(counter->fd, PERF_EVENT_IOC_ENABLE, 0) != 0)
		return -errno;
	/* 0: the kernel has put the event into its error state */
	if (size != sizeof(reading))
		return size < 0 ? -errno : -EIO;
	counter->count = pmu_perf_scale(reading.count, reading.enabled_ns, reading.running_ns);
	counter->is_scaled = reading.running_ns < reading.enabled_ns;
	return 0;
}
