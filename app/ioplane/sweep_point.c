/* SPDX-License-Identifier: BSD-3-Clause */
/* One point of a sweep: the program anew, with a point's options, so that EAL starts clean. */
#include "sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_ether.h>

#define WORDS_MAX   64
#define RX_RING	    128 /* of a receiver that is not tabled: the default */
#define QUEUE_SPARE 64	/* received and not yet posted anew: two refills */
/* Starting, loading and reporting, on a machine that has other things to do. */
#define SPARE_S	   60
#define POLL_MS	   100
#define OUTPUT_MAX (64u << 20)

/* --- the command line ----------------------------------------------------------------------- */

struct command {
	char *word[WORDS_MAX + 1];
	unsigned int count;
};

__attribute__((format(printf, 2, 3))) static void add(struct command *command, const char *format,
						      ...)
{
	va_list arguments;

	RTE_VERIFY(command->count < WORDS_MAX);
	va_start(arguments, format);
	if (vasprintf(&command->word[command->count], format, arguments) >= 0)
		command->count++;
	va_end(arguments);
}

static void free_command(struct command *command)
{
	while (command->count > 0)
		free(command->word[--command->count]);
}

/* Lcores that may run on any CPU that we may: a busy one does not stop a point. */
static void add_lcores(struct command *command, unsigned int workers)
{
	char cpus[1024] = "";
	size_t length = 0;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return;
	for (unsigned int cpu = 0; cpu < CPU_SETSIZE && length + 8 < sizeof(cpus); cpu++)
		if (CPU_ISSET(cpu, &set))
			length += (size_t)snprintf(cpus + length, sizeof(cpus) - length, "%s%u",
						   length > 0 ? "," : "", cpu);
	add(command, "--lcores");
	add(command, "(0-%u)@(%s)", workers, cpus);
}

static unsigned int number_at(const struct sweep_plan *plan, const struct sweep_point *point,
			      enum sweep_axis axis)
{
	return (unsigned int)strtoul(sweep_plan_value(plan, point, axis), NULL, 10);
}

static bool is_losing(const struct sweep_plan *plan, const struct sweep_point *point)
{
	return strtod(sweep_plan_value(plan, point, SWEEP_LOSS), NULL) > 0;
}

/* Full rings, what is held and what lies in caches and bursts: buffers go round in no more. */
static unsigned int buffers_of(const struct sweep_plan *plan, const struct sweep_point *point)
{
	bool is_rx = plan->side == SWEEP_RX;
	unsigned int queues = is_rx ? number_at(plan, point, SWEEP_QUEUES) : 1;
	unsigned int ring = is_rx ? number_at(plan, point, SWEEP_RING) : RX_RING;
	unsigned int held = is_losing(plan, point) ? plan->hold + QUEUE_SPARE : 0;

	return queues * (ring + held + QUEUE_SPARE) + (plan->lcores + 1) * plan->cache * 3 / 2;
}

/*
 * Port 0 sends to port 1 over a cable, each behind a unit of its own: what port 1's unit counts is
 * the receiver's alone. A full ring holds frames back, so that none is lost.
 */
static void add_options(const struct sweep_plan *plan, const struct sweep_point *point,
			struct command *command)
{
	const char *packet = sweep_plan_value(plan, point, SWEEP_PACKET_SIZE);
	unsigned long frame = strtoul(packet, NULL, 10) + RTE_ETHER_CRC_LEN;
	bool is_rx = plan->side == SWEEP_RX;

	add(command, "--vdev=net_dmanic0,unit=0,pause=on");
	add(command, "--vdev=net_dmanic1,cable=net_dmanic0,unit=1,pause=on");
	add(command, "--");
	add(command, "--page-size=%s", sweep_plan_value(plan, point, SWEEP_PAGE_SIZE));
	add(command, "--%s=%s", is_rx ? "rxq" : "txq", sweep_plan_value(plan, point, SWEEP_QUEUES));
	add(command, "--%s=%s", is_rx ? "rxd" : "txd", sweep_plan_value(plan, point, SWEEP_RING));
	add(command, "--dma-policy=%s", sweep_plan_value(plan, point, SWEEP_POLICY));
	add(command, "--txpkts=%s", packet);
	add(command, "--max-pkt-len=%lu", RTE_MAX(frame, (unsigned long)RTE_ETHER_MAX_LEN));
	add(command, "--txonly-flows=%u", plan->flows);
	add(command, "--mbuf-size=%u", plan->buffer_size);
	if (plan->has_queue_pools)
		add(command, "--pool-per-queue");
	add(command, "--mbcache=%u", plan->cache);
	add(command, "--total-num-mbufs=%u", buffers_of(plan, point));
	add(command, "--rx-loss=%s", sweep_plan_value(plan, point, SWEEP_LOSS));
	add(command, "--rx-hold=%u", plan->hold);
	add(command, "--nb-cores=%u", plan->lcores);
	add(command, "--warm-up=%.3f", plan->warm_up_s);
	add(command, "--duration=%.3f", plan->duration_s);
	if (plan->min_packets > 0)
		add(command, "--min-packets=%u", plan->min_packets);
	if (plan->iotlb[0] != '\0')
		add(command, "--iotlb=%s", plan->iotlb);
	add(command, "--tracker=%s", plan->tracker);
	add(command, "--stats-json=-");
}

static void make_command(const struct sweep_plan *plan, const struct sweep_point *point, int script,
			 struct command *command)
{
	add(command, "ioplane");
	add_lcores(command, plan->lcores);
	add(command, "--no-telemetry");
	add_options(plan, point, command);
	add(command, "--cmdline-file=/proc/self/fd/%d", script);
}

/* A file without a name, which the process inherits. */
static int make_script(const struct sweep_plan *plan, const struct sweep_point *point, int *script)
{
	char lines[128];
	int length =
		snprintf(lines, sizeof(lines), "set port 0 fwd txonly\nset port 1 fwd %s\nstart\n",
			 is_losing(plan, point) ? "rxloss" : "rxonly");
	int fd = memfd_create("sweep", 0);

	if (fd < 0)
		return -errno;
	if (write(fd, lines, (size_t)length) != length || lseek(fd, 0, SEEK_SET) != 0) {
		close(fd);
		return -EIO;
	}
	*script = fd;
	return 0;
}

/* --- the process ---------------------------------------------------------------------------- */

struct output {
	char *text;
	size_t length;
	int fd; /* -1: it has ended */
};

struct child {
	pid_t pid;
	struct output report, said; /* its standard output and error */
};

static void run_child(const struct command *command, const int out[2], const int error[2])
{
	int null = open("/dev/null", O_RDONLY);

	/* Ctrl-C is for us, and whatever ends us ends it. */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out[1], STDOUT_FILENO) < 0 ||
	    dup2(error[1], STDERR_FILENO) < 0)
		_exit(EXIT_FAILURE);
	execv("/proc/self/exe", command->word);
	fprintf(stderr, "the program cannot be run again: %s\n", strerror(errno));
	_exit(EXIT_FAILURE);
}

static int start_child(const struct command *command, struct child *child)
{
	int out[2], error[2], ret;

	if (pipe2(out, O_CLOEXEC) != 0)
		return -errno;
	if (pipe2(error, O_CLOEXEC) != 0) {
		ret = -errno;
		goto close_out;
	}
	child->pid = fork();
	if (child->pid < 0) {
		ret = -errno;
		goto close_error;
	}
	if (child->pid == 0)
		run_child(command, out, error);
	close(out[1]);
	close(error[1]);
	child->report = (struct output){.fd = out[0]};
	child->said = (struct output){.fd = error[0]};
	return 0;

close_error:
	close(error[0]);
	close(error[1]);
close_out:
	close(out[0]);
	close(out[1]);
	return ret;
}

/* Takes what there is; false: the end. */
static bool take(struct output *output)
{
	char part[65536], *text;
	ssize_t length = read(output->fd, part, sizeof(part));

	if (length < 0)
		return errno == EINTR;
	if (length == 0 || output->length + (size_t)length > OUTPUT_MAX)
		return false;
	text = realloc(output->text, output->length + (size_t)length + 1);
	if (text == NULL)
		return false;
	memcpy(text + output->length, part, (size_t)length);
	output->text = text;
	output->length += (size_t)length;
	text[output->length] = '\0';
	return true;
}

static void end_output(struct output *output)
{
	if (output->fd >= 0)
		close(output->fd);
	output->fd = -1;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

/* Reads both outputs to their ends; -EINTR: told to stop, -ETIMEDOUT. */
static int read_outputs(struct child *child, uint64_t end_ms, const volatile int *is_stopping)
{
	while (child->report.fd >= 0 || child->said.fd >= 0) {
		struct pollfd fds[] = {{.fd = child->report.fd, .events = POLLIN},
				       {.fd = child->said.fd, .events = POLLIN}};

		poll(fds, RTE_DIM(fds), POLL_MS);
		if (*is_stopping)
			return -EINTR;
		if (now_ms() > end_ms)
			return -ETIMEDOUT;
		if (fds[0].revents != 0 && !take(&child->report))
			end_output(&child->report);
		if (fds[1].revents != 0 && !take(&child->said))
			end_output(&child->said);
	}
	return 0;
}

static int wait_child(const struct child *child)
{
	int status;

	while (waitpid(child->pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

/* The last line that it said, without the program's name. */
static void last_line(const struct output *said, char *text, size_t size)
{
	const char *line = "", *end;

	snprintf(text, size, "it says nothing");
	if (said->text == NULL)
		return;
	end = said->text + said->length;
	while (end > said->text && (end[-1] == '\n' || end[-1] == ' '))
		end--;
	for (line = end; line > said->text && line[-1] != '\n';)
		line--;
	if (end - line > 9 && strncmp(line, "ioplane: ", 9) == 0)
		line += 9;
	if (end > line)
		snprintf(text, size, "%.*s", (int)(end - line), line);
	/* JSON and SVG hold UTF-8 only, and a cut may have left half a character */
	for (char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f)
			*c = '?';
}

static void judge(const struct sweep_plan *plan, struct child *child, int status, int ret,
		  struct sweep_row *row)
{
	char line[sizeof(row->error)];

	last_line(&child->said, line, sizeof(line));
	if (ret == -ETIMEDOUT)
		snprintf(row->error, sizeof(row->error), "it does not end");
	else if (WIFSIGNALED(status))
		snprintf(row->error, sizeof(row->error), "ended by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		snprintf(row->error, sizeof(row->error), "%s", line);
	else if (child->report.length == 0)
		snprintf(row->error, sizeof(row->error), "there is no report");
	else
		sweep_point_read(plan, row, child->report.text, child->report.length);
	row->is_done = true;
}

static int run_command(const struct sweep_plan *plan, const struct command *command,
		       struct sweep_row *row, const volatile int *is_stopping)
{
	uint64_t limit_ms = (uint64_t)((plan->warm_up_s + plan->duration_s + SPARE_S) * 1000);
	struct child child = {0};
	int ret = start_child(command, &child), status;

	if (ret != 0) {
		snprintf(row->error, sizeof(row->error), "no process for it: %s", strerror(-ret));
		row->is_done = true;
		return 0;
	}
	ret = read_outputs(&child, now_ms() + limit_ms, is_stopping);
	if (ret != 0)
		kill(child.pid, SIGKILL);
	status = wait_child(&child);
	if (ret != -EINTR)
		judge(plan, &child, status, ret, row);
	end_output(&child.report);
	end_output(&child.said);
	free(child.report.text);
	free(child.said.text);
	return ret == -EINTR ? ret : 0;
}

int sweep_point_run(const struct sweep_plan *plan, struct sweep_row *row,
		    const volatile int *is_stopping)
{
	struct command command = {0};
	int script = -1, ret = make_script(plan, &row->point, &script);

	row->error[0] = '\0';
	for (unsigned int i = 0; i < SWEEP_COLUMNS; i++)
		row->value[i] = __builtin_nan("");
	if (ret != 0) {
		snprintf(row->error, sizeof(row->error), "no script for it: %s", strerror(-ret));
		row->is_done = true;
		return 0;
	}
	make_command(plan, &row->point, script, &command);
	ret = run_command(plan, &command, row, is_stopping);
	free_command(&command);
	close(script);
	return ret;
}
