/* SPDX-License-Identifier: BSD-3-Clause */
/* The report: one snapshot of ports, domains and replays for the screen, JSON and telemetry. */
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <jansson.h>

#include "kernel_trace.h"
#include "kernel_watch.h"
#include "options.h"
#include "pmu_watch.h"
#include "port.h"
#include "port_policy.h"
#include "port_replay.h"
#include "port_tracker.h"
#include "stream.h"

/* Ethdev keeps figures of this many queues a port, whatever the port has. */
#define ETHDEV_QUEUES RTE_ETHDEV_QUEUE_STAT_CNTRS

static FILE *file_out; /* of --stats-json F, or NULL */
static FILE *json_out; /* standard output where it carries JSON only, or NULL */
static bool is_started;

/* What a port's own counters held when they were cleared: only the lcores may write them. */
struct base {
	uint64_t unsent; /* frames of a replay that its path could not take */
	struct port_counters rx[PORT_QUEUES_MAX];
	struct port_counters tx[PORT_QUEUES_MAX];
};

static struct base *bases[RTE_MAX_ETHPORTS];

static bool is_stdout(const char *path)
{
	return path != NULL && strcmp(path, "-") == 0;
}

static int file_error(const char *path, int code, struct base_error *err)
{
	return base_error_set(err, code,
			      "cannot write the report to %s: %s; name a file in a folder that can "
			      "be written, or - for standard output",
			      path, strerror(-code));
}

/* Keeps standard output for JSON alone, so that it can be piped: the rest is for people. */
static int take_stdout(void)
{
	int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	int ret;

	if (fd < 0)
		return -errno;
	fflush(stdout);
	if (dup2(STDERR_FILENO, STDOUT_FILENO) >= 0) {
		json_out = fdopen(fd, "w");
		if (json_out != NULL)
			return 0;
	}
	ret = -errno;
	close(fd);
	return ret;
}

int report_init(struct base_error *err)
{
	const char *path = options_get()->stats_json_file;
	int ret;

	if (options_get()->is_json || is_stdout(path)) {
		ret = take_stdout();
		if (ret != 0)
			return file_error("standard output", ret, err);
	}
	if (path == NULL || is_stdout(path))
		return 0;
	file_out = fopen(path, "we");
	return file_out != NULL ? 0 : file_error(path, -errno, err);
}

void report_print_json(json_t *json)
{
	if (json == NULL)
		return;
	stats_json_dump(json, json_out != NULL ? json_out : stdout);
	json_decref(json);
}

static void counters_read(const struct port_counters *from, const struct port_counters *base,
			  struct stats_queue *out)
{
	static const struct port_counters zero;
	uint64_t packets = __atomic_load_n(&from->packets, __ATOMIC_RELAXED);
	uint64_t bytes = __atomic_load_n(&from->bytes, __ATOMIC_RELAXED);
	uint64_t drops = __atomic_load_n(&from->drops, __ATOMIC_RELAXED);

	/* Lower than the base: cleared since, at a start. */
	if (base == NULL || packets < base->packets || drops < base->drops)
		base = &zero;
	out->packets = packets - base->packets;
	out->bytes = bytes - base->bytes;
	out->drops = drops - base->drops;
}

/* True when the device's figures by queue add up to those of the port: it counts them. */
static bool counts_by_queue(const struct port *port, const struct rte_eth_stats *stats)
{
	uint64_t ipackets = 0, opackets = 0;

	if (port->rxq > ETHDEV_QUEUES || port->txq > ETHDEV_QUEUES)
		return false;
	for (unsigned int q = 0; q < ETHDEV_QUEUES; q++) {
		ipackets += stats->q_ipackets[q];
		opackets += stats->q_opackets[q];
	}
	return ipackets == stats->ipackets && opackets == stats->opackets;
}

static void collect_queue(const struct port *port, uint16_t queue, bool is_rx,
			  const struct rte_eth_stats *stats, struct stats_queue *out)
{
	const struct base *base = bases[port->id];

	out->queue = queue;
	if (is_rx)
		counters_read(&port->rx[queue], base != NULL ? &base->rx[queue] : NULL, out);
	else
		counters_read(&port->tx[queue], base != NULL ? &base->tx[queue] : NULL, out);
	if (counts_by_queue(port, stats)) {
		out->packets = is_rx ? stats->q_ipackets[queue] : stats->q_opackets[queue];
		out->bytes = is_rx ? stats->q_ibytes[queue] : stats->q_obytes[queue];
		if (is_rx)
			out->drops = stats->q_errors[queue];
	}
	stats_collect_iotlb(port->name, is_rx, queue, &out->iotlb);
	port_tracker_collect_queue(port, is_rx, queue, &out->iotlb.model);
	out->has_dma = port->device != NULL;
	if (out->has_dma)
		port_policy_collect(port, is_rx, queue, &out->dma);
}

static int collect_queues(const struct port *port, const struct rte_eth_stats *stats,
			  struct stats_port *out)
{
	out->rx_queues = calloc(port->rxq + 1u, sizeof(*out->rx_queues));
	out->tx_queues = calloc(port->txq + 1u, sizeof(*out->tx_queues));
	if (out->rx_queues == NULL || out->tx_queues == NULL)
		return -ENOMEM;
	for (uint16_t q = 0; q < port->rxq; q++)
		collect_queue(port, q, true, stats, &out->rx_queues[out->rx_queue_count++]);
	for (uint16_t q = 0; q < port->txq; q++)
		collect_queue(port, q, false, stats, &out->tx_queues[out->tx_queue_count++]);
	return 0;
}

void report_port_stats(const struct port *port, struct rte_eth_stats *stats)
{
	const struct base *base = bases[port->id];
	uint64_t unsent = port_replay_unsent(port);

	*stats = (struct rte_eth_stats){0};
	rte_eth_stats_get(port->id, stats);
	/* Lower than the base: a replay began since. */
	stats->oerrors += unsent - (base != NULL && base->unsent <= unsent ? base->unsent : 0);
}

static int collect_port(const struct port *port, struct stats_port *out)
{
	struct rte_eth_stats stats;

	out->id = port->id;
	snprintf(out->name, sizeof(out->name), "%s", port->name);
	snprintf(out->driver, sizeof(out->driver), "%s", port->driver);
	out->domain = port->device == NULL ? STATS_NA
					   : iommu_domain_id(iommu_device_domain(port->device));
	out->numa = port->node;
	/* One call for the port and its queues, so that sums are of one moment. */
	report_port_stats(port, &stats);
	out->rx_packets = stats.ipackets;
	out->rx_bytes = stats.ibytes;
	out->rx_missed = stats.imissed;
	out->rx_errors = stats.ierrors;
	out->rx_nombuf = stats.rx_nombuf;
	out->tx_packets = stats.opackets;
	out->tx_bytes = stats.obytes;
	/* Frames that the path does not take never reach the device. */
	out->tx_errors = stats.oerrors;
	return collect_queues(port, &stats, out);
}

static int collect_ports(struct stats_report *report)
{
	const struct port *port = NULL;
	int ret;

	report->ports = calloc(port_count() + 1u, sizeof(*report->ports));
	if (report->ports == NULL)
		return -ENOMEM;
	while ((port = port_next(port)) != NULL) {
		if (port->state == PORT_CLOSED)
			continue;
		ret = collect_port(port, &report->ports[report->port_count++]);
		if (ret != 0)
			return ret;
	}
	return 0;
}

int report_collect(struct stats_report **out)
{
	struct stats_report *report = calloc(1, sizeof(*report));
	int ret;

	if (report == NULL)
		return -ENOMEM;
	stats_lock();
	/* first: faults that the log holds by now go to the domains */
	kernel_watch_collect(&report->kernel);
	kernel_trace_collect(&report->kernel);
	report->duration_ns = forward_duration_ns();
	report->has_iova = port_space() != NULL;
	if (report->has_iova)
		dma_space_usage(port_space(), &report->iova);
	ret = pmu_watch_collect(&report->pmu);
	if (ret == 0)
		ret = collect_ports(report);
	if (ret == 0)
		ret = stats_collect_domains(report);
	if (ret == 0)
		ret = port_tracker_collect_units(report);
	if (ret == 0)
		ret = port_replay_collect(report);
	stats_unlock();
	if (ret != 0)
		stats_report_destroy(report);
	else
		*out = report;
	return ret;
}

static int collect_for_telemetry(void *arg __rte_unused, struct stats_report **out)
{
	return report_collect(out);
}

int report_start(struct base_error *err)
{
	const struct stats_provider provider = {.collect = collect_for_telemetry};
	int ret = stats_telemetry_start(&provider);

	is_started = ret == 0;
	if (ret == 0)
		return 0;
	return base_error_set(err, ret, "cannot register the /iommu telemetry commands: %s",
			      strerror(-ret));
}

static int write_json(const struct stats_report *report, struct base_error *err)
{
	const char *path = options_get()->stats_json_file;
	int ret = 0;

	if (json_out != NULL)
		ret = stats_json_write(report, json_out);
	if (ret != 0)
		return file_error("standard output", ret, err);
	if (file_out == NULL)
		return 0;
	ret = stats_json_write(report, file_out);
	if (fclose(file_out) != 0 && ret == 0)
		ret = -errno;
	file_out = NULL;
	return ret == 0 ? 0 : file_error(path, ret, err);
}

int report_finish(struct base_error *err)
{
	struct stats_report *report;
	int ret, written;

	if (!is_started)
		return 0;
	is_started = false;
	stats_telemetry_stop();
	kernel_watch_drain();
	ret = report_collect(&report);
	if (ret != 0)
		return base_error_set(err, ret, "cannot take the report: out of memory");
	if (!options_get()->is_json)
		stats_text(report, stdout);
	if (fflush(stdout) != 0 || ferror(stdout))
		ret = file_error("standard output", errno != 0 ? -errno : -EIO, err);
	/* a reader of the screen that has gone away does not cost the file */
	written = write_json(report, ret == 0 ? err : NULL);
	stats_report_destroy(report);
	return ret == 0 ? written : ret;
}

int report_clear_port(uint16_t id)
{
	const struct port *port = port_find(id);
	struct base *base;

	if (port == NULL || port->state == PORT_CLOSED)
		return -ENODEV;
	base = calloc(1, sizeof(*base));
	if (base == NULL)
		return -ENOMEM;
	base->unsent = port_replay_unsent(port);
	for (unsigned int q = 0; q < PORT_QUEUES_MAX; q++) {
		base->rx[q].packets = __atomic_load_n(&port->rx[q].packets, __ATOMIC_RELAXED);
		base->rx[q].bytes = __atomic_load_n(&port->rx[q].bytes, __ATOMIC_RELAXED);
		base->rx[q].drops = __atomic_load_n(&port->rx[q].drops, __ATOMIC_RELAXED);
		base->tx[q].packets = __atomic_load_n(&port->tx[q].packets, __ATOMIC_RELAXED);
		base->tx[q].bytes = __atomic_load_n(&port->tx[q].bytes, __ATOMIC_RELAXED);
		base->tx[q].drops = __atomic_load_n(&port->tx[q].drops, __ATOMIC_RELAXED);
	}
	stats_lock();
	free(bases[id]);
	bases[id] = base;
	/* The driver's own IOTLB figures, its xstats, go back to 0 too. */
	if (port->device != NULL)
		stats_clear_device(port->name);
	port_tracker_clear(port);
	port_policy_clear(port);
	stats_unlock();
	return rte_eth_stats_reset(id);
}

void report_forget_port(uint16_t id)
{
	free(bases[id]);
	bases[id] = NULL;
}
