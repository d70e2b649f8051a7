/* SPDX-License-Identifier: BSD-3-Clause */
/* A thread that reads the kernel's log for faults of our devices and gives them to their domains.
 */
#include "kernel_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "host_kmsg.h"
#include "port.h"

#define LOG_PATH   "/dev/kmsg"
#define QUIET_MS   100 /* an IOMMU's interrupt and the kernel's print take far less */
#define DRAIN_MS   500
#define READ_MAX   256 /* records read in one go: others wait for the lock meanwhile */
#define TELL_EVERY UINT64_C(10000000000) /* ns between two lines about one port */

_Static_assert(HOST_KMSG_READ == IOMMU_READ && HOST_KMSG_WRITE == IOMMU_WRITE &&
		       HOST_KMSG_REASON_OTHER == IOMMU_REASON_OTHER,
	       "what the parser says needs no translation");

/* What was said on the screen of a port's faults. */
struct told {
	char device[IOMMU_NAME_SIZE];
	uint64_t next_ns; /* when the next line may come */
	uint64_t unsaid;  /* faults since the last line */
};

/* All under stats_lock(), but for the descriptors, which stay while the thread runs. */
static struct {
	bool was_tried; /* the log was opened, or is not to be had */
	bool is_running;
	int log, wake;
	pthread_t thread;
	struct host_kmsg kmsg;
	uint64_t unattributed;
	bool has_told_loss;
	struct told told[RTE_MAX_ETHPORTS];
} watch = {.log = -1, .wake = -1};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static const struct port *find_port(const char *device)
{
	const struct port *port = NULL;

	while ((port = port_next(port)) != NULL) {
		if (strcmp(port->name, device) == 0)
			break;
	}
	return port;
}

/* A device that keeps doing it must not flood the screen. */
static void tell(const struct host_kmsg_fault *fault)
{
	static const char *const accesses[] = {"DMA", "read", "write", "DMA"};
	const struct port *port = find_port(fault->device);
	struct told *told;
	uint64_t now = now_ns();

	if (port == NULL)
		return;
	told = &watch.told[port->id];
	if (strcmp(told->device, fault->device) != 0)
		*told = (struct told){0};
	snprintf(told->device, sizeof(told->device), "%s", fault->device);
	told->unsaid++;
	if (now < told->next_ns)
		return;
	fprintf(stderr,
		"ioplane: port %u (%s): the IOMMU refused a %s at 0x%" PRIx64
		" (reason %u, %s)%s; show iommu faults %u lists them, show iommu maps %u what the "
		"port may reach\n",
		port->id, port->name, accesses[fault->access & 3], fault->iova, fault->reason,
		fault->text, told->unsaid > 1 ? ", and others since the last line" : "", port->id,
		port->id);
	told->next_ns = now + TELL_EVERY;
	told->unsaid = 0;
}

static void take_fault(const struct host_kmsg_fault *fault, void *arg __rte_unused)
{
	if (fault->device[0] == '\0')
		watch.unattributed++;
	else if (iommu_report_device_fault(fault->device, fault->iova, fault->access, fault->reason,
					   fault->text) == 0)
		tell(fault);
}

/* Reads what is there. Under stats_lock(). */
static void read_log(void)
{
	char record[HOST_KMSG_RECORD_MAX];
	ssize_t size;

	for (unsigned int i = 0; i < READ_MAX; i++) {
		size = read(watch.log, record, sizeof(record));
		if (size > 0)
			host_kmsg_read(&watch.kmsg, record, (size_t)size, take_fault, NULL);
		/* EPIPE: some were overwritten before they were read; their numbers say how many */
		else if (size == 0 || (errno != EPIPE && errno != EINTR))
			break;
	}
	if (watch.kmsg.lost != 0 && !watch.has_told_loss) {
		fprintf(stderr,
			"ioplane: %" PRIu64 " records of the kernel's log were overwritten before "
			"they could be read: faults may be missing; boot with a larger "
			"log_buf_len=\n",
			watch.kmsg.lost);
		watch.has_told_loss = true;
	}
}

static void *run(void *arg __rte_unused)
{
	struct pollfd fds[2] = {{.fd = watch.log, .events = POLLIN},
				{.fd = watch.wake, .events = POLLIN}};

	while ((fds[1].revents & POLLIN) == 0) {
		/* lines of an event follow each other at once, or not at all */
		int ready = poll(fds, 2, watch.kmsg.event.unit[0] != '\0' ? QUIET_MS : -1);

		stats_lock();
		if (ready > 0)
			read_log();
		else if (ready == 0)
			host_kmsg_flush(&watch.kmsg, take_fault, NULL);
		stats_unlock();
	}
	return NULL;
}

static int open_log(void)
{
	struct stat info;

	watch.log = open(LOG_PATH, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (watch.log < 0 || fstat(watch.log, &info) != 0)
		return -errno;
	/* containers put something else there (Documentation/admin-guide/devices.txt: 1, 11) */
	if (!S_ISCHR(info.st_mode) || info.st_rdev != makedev(1, 11))
		return -ENODEV;
	if (lseek(watch.log, 0, SEEK_END) < 0)
		return -errno;
	watch.wake = eventfd(0, EFD_CLOEXEC);
	return watch.wake < 0 ? -errno : 0;
}

static void close_log(void)
{
	if (watch.log >= 0)
		close(watch.log);
	if (watch.wake >= 0)
		close(watch.wake);
	watch.log = watch.wake = -1;
}

static const char *next_step(int error)
{
	if (error == -EPERM || error == -EACCES)
		return "run as root, with CAP_SYSLOG, or after sysctl kernel.dmesg_restrict=0";
	return "it has to be the kernel's own (mknod /dev/kmsg c 1 11), which containers often "
	       "lack";
}

void kernel_watch_begin(const struct iommu_device *device)
{
	const struct iommu_domain *domain = iommu_device_domain(device);
	int ret;

	/* a software unit counts by itself; where there is no IOMMU nothing is refused */
	if (watch.was_tried || iommu_faults_source(domain) == IOMMU_FAULTS_EXACT ||
	    !iommu_unit_limits(iommu_domain_unit(domain))->is_protected)
		return;
	watch.was_tried = true;
	ret = open_log();
	if (ret == 0) {
		ret = -pthread_create(&watch.thread, NULL, run, NULL);
		watch.is_running = ret == 0;
	}
	iommu_faults_watch(watch.is_running);
	if (watch.is_running) {
		pthread_setname_np(watch.thread, "kernel-watch");
		return;
	}
	close_log();
	fprintf(stderr,
		"ioplane: faults of real devices are not seen: cannot read " LOG_PATH ": %s; %s\n",
		strerror(-ret), next_step(ret));
}

void kernel_watch_drain(void)
{
	struct pollfd log = {.fd = watch.log, .events = POLLIN};
	uint64_t end = now_ns() + DRAIN_MS * UINT64_C(1000000);

	if (!watch.is_running)
		return;
	while (now_ns() < end && poll(&log, 1, QUIET_MS) > 0) {
		stats_lock();
		read_log();
		stats_unlock();
	}
	stats_lock();
	host_kmsg_flush(&watch.kmsg, take_fault, NULL);
	stats_unlock();
}

void kernel_watch_collect(struct stats_kernel *out)
{
	*out = (struct stats_kernel){.has_log = watch.is_running};
	if (!watch.is_running)
		return;
	read_log();
	out->lines_left_out = watch.kmsg.lines_dropped;
	out->records_lost = watch.kmsg.lost;
	out->overflows = watch.kmsg.overflows;
	out->unattributed = watch.unattributed;
}

void kernel_watch_stop(void)
{
	const uint64_t one = 1;

	if (!watch.is_running)
		return;
	if (write(watch.wake, &one, sizeof(one)) == sizeof(one))
		pthread_join(watch.thread, NULL);
	watch.is_running = false;
	watch.was_tried = false;
	iommu_faults_watch(false);
	close_log();
}
