/* SPDX-License-Identifier: BSD-3-Clause */
/* One run of the program once EAL is there: ports, commands or forwarding, report. */
#include "run.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"
#include "cli/cli.h"
#include "engine.h"
#include "forward.h"
#include "hugemem.h"
#include "kernel_trace.h"
#include "options.h"
#include "port.h"
#include "port_link.h"
#include "port_pci.h"
#include "port_replay.h"
#include "report.h"
#include "stream.h"

#define POLL_MS 20

int run_check_outputs(struct base_error *err)
{
	return report_init(err);
}

/* --- before ---------------------------------------------------------------------------------- */

static int add_ports(const struct eal_args *args, struct base_error *err)
{
	struct port *port;
	uint16_t id;
	int ret = 0;

	/* what EAL has plugged by itself */
	RTE_ETH_FOREACH_DEV(id)
		if (ret == 0)
			ret = port_add(id, &port, err);
	for (unsigned int i = 0; ret == 0 && i < args->device_count; i++)
		ret = port_attach(args->devices[i], &port, err);
	return ret;
}

static int start_ports(struct base_error *err)
{
	for (struct port *port = NULL; (port = port_next(port)) != NULL;) {
		int ret = port_start(port, err);

		if (ret != 0)
			return ret;
	}
	return 0;
}

/* Ports that transmit nothing receive and count, unless a mode was asked for. */
static int set_replays(struct base_error *err)
{
	const struct options *options = options_get();
	int ret = 0;

	for (struct port *port = NULL; (port = port_next(port)) != NULL;)
		if (options->replay_count > 0 && !options->is_mode_given)
			port->engine = &engine_rxonly;
	/* a file that cannot be written is told before a long load */
	for (unsigned int i = 0; ret == 0 && i < options->capture_count; i++)
		ret = capture_set(options->capture[i], err);
	for (unsigned int i = 0; ret == 0 && i < options->replay_count; i++)
		ret = port_replay_set(options->replay[i], err);
	return ret;
}

static int choose(struct base_error *err)
{
	const struct options *options = options_get();
	unsigned int lcores[RTE_MAX_LCORE], count;
	int ret = 0;

	if (options->nb_ports > port_count())
		return base_error_set(err, -EINVAL, "--nb-ports %u: there are %u ports",
				      options->nb_ports, port_count());
	if (options->portmask != 0)
		ret = forward_set_port_mask(options->portmask, err);
	if (ret == 0 && options->portlist != NULL)
		ret = forward_set_ports(options->portlist, err);
	if (ret == 0 && options->coremask != 0)
		ret = forward_set_lcore_mask(options->coremask, err);
	/* one is the default: a run that does not forward needs none */
	if (ret == 0 && options->nb_cores > 1)
		ret = forward_lcores(lcores, &count, err);
	return ret;
}

static void print_pci_ports(void)
{
	for (struct port *port = NULL; (port = port_next(port)) != NULL;) {
		char text[128];

		if (port->kind != PORT_PCI)
			continue;
		port_pci_eal_memory_text(port, text, sizeof(text));
		printf("port %u: %s, %s, in domain %u; eal-memory %s\n", port->id, port->name,
		       port->driver, iommu_domain_id(iommu_device_domain(port->device)), text);
	}
}

/* Pages, IOVA mode and why, page size, node, entries: in one line (design 3.9). */
static void print_start(const struct eal_args *args, const struct eal_memory *memory)
{
	const struct port *first = port_next(NULL);
	struct iommu_domain_usage usage, all = {0};
	struct iommu_domain *domain = NULL;
	struct dma_range range;
	unsigned int domains = 0;

	while ((domain = iommu_domain_next(domain)) != NULL) {
		iommu_domain_usage(domain, &usage);
		all.entries_used += usage.entries_used;
		all.entries_limit += usage.entries_limit;
		domains++;
	}
	printf("ioplane %s: DPDK on %s; IOVA mode %s", IOPLANE_VERSION, memory->why,
	       args->iova_why);
	if (first != NULL) {
		dma_arena_range(first->arena, DMA_BUFFERS, &range);
		printf("; DMA memory in pages of %s", hugemem_page_size_name(range.page_size));
		if (range.page_size == HUGEMEM_4K)
			printf(", which cost up to 512 times the IOTLB misses of 2 MiB");
		if (first->node >= 0)
			printf(" on node %d", first->node);
		else
			printf(" on any node");
	}
	printf("; %u domain%s, %" PRIu64 " entries used", domains, domains == 1 ? "" : "s",
	       all.entries_used);
	if (all.entries_limit == 0)
		printf(" of any number");
	else
		printf(" of %" PRIu64, all.entries_limit);
	while ((domain = iommu_domain_next(domain)) != NULL)
		if (!iommu_unit_limits(iommu_domain_unit(domain))->is_protected)
			printf("; domain %u is UNPROTECTED: its devices reach all memory",
			       iommu_domain_id(domain));
	printf("\n");
	print_pci_ports();
}

int run_prepare(const struct eal_args *args, const struct eal_memory *memory,
		struct base_error *err)
{
	int ret = cli_create();

	if (ret != 0)
		return base_error_set(err, ret, "the grammar of commands cannot be made: %s",
				      strerror(-ret));
	/* before the ports, whose arenas are mapped as they come */
	if (options_get()->traces_kernel)
		kernel_trace_start();
	ret = add_ports(args, err);
	if (ret == 0)
		ret = choose(err);
	if (ret == 0)
		ret = start_ports(err);
	if (ret == 0)
		ret = port_link_check_cables(err);
	if (ret == 0)
		ret = report_start(err);
	if (ret == 0)
		port_link_wait();
	if (ret == 0 && !options_get()->is_json)
		print_start(args, memory);
	return ret == 0 ? set_replays(err) : ret;
}

/* --- forwarding without commands -------------------------------------------------------------- */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

/* testpmd's "Press enter to exit"; a replay ends by itself, and all else by a signal. */
static bool has_pressed_enter(void)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

	if (options_get()->replay_count > 0 || !isatty(STDIN_FILENO)) {
		poll(NULL, 0, POLL_MS);
		return false;
	}
	return poll(&input, 1, POLL_MS) > 0;
}

/* The screen of --stats-period. */
static void show_stats(uint64_t *next_ms)
{
	uint32_t period_ms = options_get()->stats_period_s * 1000u;

	if (period_ms == 0 || now_ms() < *next_ms)
		return;
	*next_ms += period_ms;
	if (isatty(STDOUT_FILENO))
		printf("\033[2J\033[1;1H");
	cli_run_line("show port stats all");
}

/* What was counted until now is not of the measurement. */
static void forget_counts(void)
{
	for (struct port *port = NULL; (port = port_next(port)) != NULL;)
		report_clear_port(port->id);
	forward_clear_stats();
	forward_restart_clock();
}

/* Since the start, or since counts were forgotten. */
static uint64_t received(void)
{
	uint64_t packets = 0;

	for (struct stream *s = NULL; (s = stream_next(s)) != NULL;)
		if (s->rx != NULL)
			packets += __atomic_load_n(&s->rx->packets, __ATOMIC_RELAXED) -
				   s->rx_base.packets;
	return packets;
}

/* A time that has a length (0: it has none) is over, and enough has come through in it. */
static bool is_over(uint64_t start_ms, uint32_t length_ms)
{
	return length_ms != 0 && now_ms() - start_ms >= length_ms &&
	       received() >= options_get()->min_packets;
}

static void wait_for_end(void)
{
	const struct options *options = options_get();
	uint64_t next_ms = now_ms() + options->stats_period_s * 1000u, start_ms = now_ms();
	bool is_warm = options->warm_up_ms == 0;

	if (isatty(STDIN_FILENO) && options->replay_count == 0)
		printf("Press enter to exit\n");
	while (!cli_is_quitting() && !has_pressed_enter()) {
		if (port_replay_is_over() || (is_warm && is_over(start_ms, options->duration_ms)))
			return;
		show_stats(&next_ms);
		if (is_warm || !is_over(start_ms, options->warm_up_ms))
			continue;
		is_warm = true;
		forget_counts();
		start_ms = now_ms();
	}
}

static int start_forwarding(struct base_error *err)
{
	return forward_start(options_get()->is_tx_first ? 1 : 0, err);
}

int run_all(struct base_error *err)
{
	const struct options *options = options_get();
	int ret = 0;

	if (options->cmdline_file != NULL) {
		ret = cli_run_file(options->cmdline_file) == 0 ? 0 : -ECANCELED;
		if (ret != 0 && !options->keeps_going)
			return ret;
	}
	if (cli_is_quitting())
		return ret;
	if (options->is_interactive) {
		if (options->is_auto_start && start_forwarding(err) != 0)
			return err->code;
		return cli_run_stdin() == 0 ? ret : -ECANCELED;
	}
	/* a script without start says by itself what is to be done */
	if (!forward_is_running() &&
	    (options->cmdline_file == NULL || options->is_auto_start ||
	     options->replay_count > 0) &&
	    start_forwarding(err) != 0)
		return err->code;
	if (forward_is_running())
		wait_for_end();
	return ret;
}

int run_finish(struct base_error *err)
{
	int ret = forward_is_running() ? forward_stop(err) : 0;
	int reported = report_finish(err);

	kernel_trace_stop();
	cli_destroy();
	return ret != 0 ? ret : reported;
}
