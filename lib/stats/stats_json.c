/* SPDX-License-Identifier: BSD-3-Clause */
/* A snapshot as JSON: the keys are an interface that scripts rely on. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#include "stats.h"

/* json_pack() frees what it was given and returns NULL when one of its "o" is NULL. */

json_t *stats_json_u64(uint64_t value)
{
	if (value == STATS_NA)
		return json_null();
	/* jansson's integers are signed: a counter never gets there, garbage must not turn
	 * negative. */
	return json_integer(value > LLONG_MAX ? LLONG_MAX : (json_int_t)value);
}

json_t *stats_json_iova(uint64_t iova)
{
	return json_sprintf("0x%" PRIx64, iova);
}

/* A file name may be any bytes; JSON holds UTF-8 only. */
static json_t *json_text(const char *text)
{
	json_t *string = json_string(text);
	char *copy;

	if (string != NULL)
		return string;
	copy = strdup(text);
	if (copy == NULL)
		return NULL;
	for (char *c = copy; *c != '\0'; c++) {
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	}
	string = json_string(copy);
	free(copy);
	return string;
}

static json_t *json_hist(const struct stats_hist *hist)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "count", stats_json_u64(hist->count), "mean",
			 stats_json_u64(hist->mean), "p50", stats_json_u64(hist->p50), "p99",
			 stats_json_u64(hist->p99), "max", stats_json_u64(hist->max));
}

json_t *stats_json_curve(const uint32_t *curve_ppm)
{
	json_t *curve = json_array();

	for (unsigned int i = 0; i < STATS_CURVE_POINTS; i++)
		json_array_append_new(curve,
				      json_pack("[o, f]", stats_json_u64(STATS_CURVE_ENTRIES(i)),
						(double)curve_ppm[i] / 1e6));
	return curve;
}

static json_t *json_model(const struct stats_model *model)
{
	if (!model->is_tracked)
		return json_null();
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:b, s:o, s:o, s:o, s:i, s:o, s:o}",
			 "unit", model->unit, "mode", model->mode, "source",
			 stats_source_name(STATS_SOURCE_MODEL), "profile", model->profile,
			 "accesses", stats_json_u64(model->accesses), "ring_accesses",
			 stats_json_u64(model->ring_accesses), "rings_known", model->has_ring,
			 "working_set", stats_json_u64(model->working_set), "entries_needed",
			 stats_json_u64(model->entries_needed), "predicted_misses",
			 stats_json_u64(model->predicted_misses), "share_ppm",
			 (int)model->share_ppm, "shared_curve", stats_json_curve(model->shared_ppm),
			 "beyond", stats_json_u64(model->beyond));
}

json_t *stats_json_iotlb(const struct stats_iotlb *iotlb)
{
	const struct stats_model *model = &iotlb->model;

	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "source",
			 stats_source_name(iotlb->source), "lookups",
			 stats_json_u64(iotlb->lookups), "hits", stats_json_u64(iotlb->hits),
			 "misses", stats_json_u64(iotlb->misses), "walk_reads",
			 stats_json_u64(iotlb->walk_reads), "faults", stats_json_u64(iotlb->faults),
			 "pages_touched",
			 stats_json_u64(model->is_tracked ? model->pages_touched : STATS_NA),
			 "miss_ratio_curve",
			 model->is_tracked ? stats_json_curve(model->alone_ppm) : json_null(),
			 "model", json_model(model));
}

json_t *stats_json_unit(const struct stats_unit *unit)
{
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name",
		unit->name, "backend", unit->backend, "source",
		stats_source_name(STATS_SOURCE_MODEL), "mode", unit->mode, "profile", unit->profile,
		"entries", stats_json_u64(unit->entries), "method", unit->method, "lanes",
		stats_json_u64(unit->lanes), "accesses", stats_json_u64(unit->accesses),
		"pages_touched", stats_json_u64(unit->pages_touched), "working_set",
		stats_json_u64(unit->working_set), "entries_needed",
		stats_json_u64(unit->entries_needed), "predicted_misses",
		stats_json_u64(unit->predicted_misses), "curve", stats_json_curve(unit->curve_ppm));
}

static json_t *json_iova_kind(const struct stats_dma *dma)
{
	return dma->iova == NULL ? json_null() : json_string(dma->iova);
}

json_t *stats_json_dma(const struct stats_queue *queue)
{
	const struct stats_dma *dma = &queue->dma;

	if (!queue->has_dma)
		return json_null();
	return json_pack(
		"{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"policy", dma_policy_name(dma->policy), "batch", stats_json_u64(dma->batch),
		"timeout_us", stats_json_u64(dma->timeout_us), "iova", json_iova_kind(dma), "maps",
		stats_json_u64(dma->maps), "unmaps", stats_json_u64(dma->unmaps), "mapped_bytes",
		stats_json_u64(dma->mapped_bytes), "unmapped_bytes",
		stats_json_u64(dma->unmapped_bytes), "invalidations",
		stats_json_u64(dma->invalidations), "waiting", stats_json_u64(dma->waiting), "lost",
		stats_json_u64(dma->lost), "map_ns", json_hist(&dma->map_ns), "unmap_ns",
		json_hist(&dma->unmap_ns), "sync_ns", json_hist(&dma->sync_ns), "window_ns",
		json_hist(&dma->window_ns));
}

static json_t *json_queues(const struct stats_queue *queues, unsigned int count)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < count; i++) {
		const struct stats_queue *queue = &queues[i];

		json_array_append_new(array, json_pack("{s:i, s:o, s:o, s:o, s:o, s:o}", "queue",
						       queue->queue, "packets",
						       stats_json_u64(queue->packets), "bytes",
						       stats_json_u64(queue->bytes), "drops",
						       stats_json_u64(queue->drops), "iotlb",
						       stats_json_iotlb(&queue->iotlb), "dma",
						       stats_json_dma(queue)));
	}
	return array;
}

static json_t *json_port_stats(const struct stats_port *port)
{
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "rx_packets",
		stats_json_u64(port->rx_packets), "rx_bytes", stats_json_u64(port->rx_bytes),
		"rx_missed", stats_json_u64(port->rx_missed), "rx_errors",
		stats_json_u64(port->rx_errors), "rx_nombuf", stats_json_u64(port->rx_nombuf),
		"tx_packets", stats_json_u64(port->tx_packets), "tx_bytes",
		stats_json_u64(port->tx_bytes), "tx_errors", stats_json_u64(port->tx_errors));
}

json_t *stats_json_port(const struct stats_port *port)
{
	return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", port->id, "name",
			 json_text(port->name), "driver", json_text(port->driver), "domain",
			 stats_json_u64(port->domain), "numa",
			 port->numa < 0 ? json_null() : json_integer(port->numa), "stats",
			 json_port_stats(port), "rx_queues",
			 json_queues(port->rx_queues, port->rx_queue_count), "tx_queues",
			 json_queues(port->tx_queues, port->tx_queue_count));
}

json_t *stats_json_fault(const struct iommu_fault *fault)
{
	bool has_queue = fault->queue != IOMMU_QUEUE_UNKNOWN;
	const char *access = stats_access_name(fault->access);

	return json_pack("{s:o, s:o, s:o, s:o, s:i, s:o}", "device", json_text(fault->device),
			 "queue", stats_json_u64(has_queue ? fault->queue : STATS_NA), "iova",
			 stats_json_iova(fault->iova), "access",
			 access == NULL ? json_null() : json_string(access), "reason",
			 fault->reason, "text", json_text(iommu_fault_words(fault)));
}

static json_t *json_reasons(const struct stats_domain *domain)
{
	json_t *reasons = json_object();
	char key[8];

	for (unsigned int reason = 0; reason < 256; reason++) {
		if (domain->faults_by_reason[reason] == 0)
			continue;
		snprintf(key, sizeof(key), "%u", reason);
		json_object_set_new(reasons, key, stats_json_u64(domain->faults_by_reason[reason]));
	}
	return reasons;
}

json_t *stats_json_domain(const struct stats_domain *domain)
{
	const struct iommu_domain_usage *usage = &domain->usage;
	json_t *devices = json_array(), *faults = json_array();

	for (unsigned int i = 0; i < domain->device_count; i++)
		json_array_append_new(devices, json_text(domain->devices[i]));
	for (unsigned int i = 0; i < domain->fault_count; i++)
		json_array_append_new(faults, stats_json_fault(&domain->faults[i]));
	return json_pack(
		"{s:I, s:s, s:s, s:o, s:o, s:o, s:{s:o, s:o, s:o}, s:o, s:o, s:o, s:o, s:o, s:s, "
		"s:o, s:o, s:o}",
		"id", (json_int_t)domain->id, "backend", domain->backend, "protection",
		stats_protection_name(domain->is_protected), "devices", devices, "mappings",
		stats_json_u64(usage->mappings), "mapped_bytes",
		stats_json_u64(usage->mapped_bytes), "page_sizes", "4096",
		stats_json_u64(usage->leaves_4k), "2097152", stats_json_u64(usage->leaves_2m),
		"1073741824", stats_json_u64(usage->leaves_1g), "entries_used",
		stats_json_u64(usage->entries_used), "entries_limit",
		usage->entries_limit == 0 ? json_null() : stats_json_u64(usage->entries_limit),
		"maps", stats_json_u64(usage->maps), "unmaps", stats_json_u64(usage->unmaps),
		"invalidations", stats_json_u64(usage->syncs), "faults_source",
		iommu_fault_source_name(domain->faults_source), "faults_total",
		stats_json_u64(domain->faults_total), "faults_by_reason", json_reasons(domain),
		"faults", faults);
}

json_t *stats_json_iova_plan(const struct stats_report *report)
{
	const struct dma_space_usage *usage = &report->iova;

	if (!report->has_iova)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o}", "free_bytes", stats_json_u64(usage->free_bytes),
			 "largest_free_bytes", stats_json_u64(usage->largest_free_bytes),
			 "free_ranges", stats_json_u64(usage->free_ranges), "fragmentation_ppm",
			 stats_json_u64(usage->fragmentation_ppm));
}

json_t *stats_json_replay(const struct stats_replay *replay)
{
	return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "port", replay->port,
			 "file", json_text(replay->file), "packets",
			 stats_json_u64(replay->packets), "bytes", stats_json_u64(replay->bytes),
			 "loops", stats_json_u64(replay->loops), "elapsed_ns",
			 stats_json_u64(replay->elapsed_ns), "requested_pps",
			 stats_json_u64(replay->requested_pps), "achieved_pps",
			 stats_json_u64(replay->achieved_pps), "lateness_ns",
			 replay->has_lateness ? json_hist(&replay->lateness_ns) : json_null());
}

static json_t *json_event(const struct stats_kernel_event *event)
{
	if (event->count == STATS_NA)
		return json_null();
	return json_pack("{s:o, s:o, s:o}", "count", stats_json_u64(event->count), "bytes",
			 stats_json_u64(event->bytes), "per_second",
			 stats_json_u64(event->per_second));
}

json_t *stats_json_kernel(const struct stats_kernel *kernel)
{
	json_t *log = json_null(), *trace = json_null();

	if (!kernel->has_log && !kernel->has_trace)
		return json_null();
	if (kernel->has_log)
		log = json_pack("{s:o, s:o, s:o, s:o}", "lines_left_out",
				stats_json_u64(kernel->lines_left_out), "records_lost",
				stats_json_u64(kernel->records_lost), "overflows",
				stats_json_u64(kernel->overflows), "unattributed",
				stats_json_u64(kernel->unattributed));
	if (kernel->has_trace)
		trace = json_pack("{s:o, s:o, s:o}", "map", json_event(&kernel->map), "unmap",
				  json_event(&kernel->unmap), "qi_submit",
				  json_event(&kernel->submit));
	return json_pack("{s:o, s:o}", "fault_log", log, "trace", trace);
}

json_t *stats_json(const struct stats_report *report)
{
	json_t *ports = json_array(), *domains = json_array();
	json_t *units = json_array(), *replays = json_array();

	for (unsigned int i = 0; i < report->port_count; i++)
		json_array_append_new(ports, stats_json_port(&report->ports[i]));
	for (unsigned int i = 0; i < report->domain_count; i++)
		json_array_append_new(domains, stats_json_domain(&report->domains[i]));
	for (unsigned int i = 0; i < report->unit_count; i++)
		json_array_append_new(units, stats_json_unit(&report->units[i]));
	for (unsigned int i = 0; i < report->replay_count; i++)
		json_array_append_new(replays, stats_json_replay(&report->replays[i]));
	return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "version", 1,
			 "duration_ns", stats_json_u64(report->duration_ns), "ports", ports,
			 "domains", domains, "iova", stats_json_iova_plan(report), "units", units,
			 "replay", replays, "kernel", stats_json_kernel(&report->kernel), "pmu",
			 stats_json_pmu(&report->pmu, -1));
}

int stats_json_write(const struct stats_report *report, FILE *file)
{
	json_t *json = stats_json(report);
	int ret;

	if (json == NULL)
		return -ENOMEM;
	ret = stats_json_dump(json, file);
	json_decref(json);
	return ret;
}

int stats_json_dump(const json_t *json, FILE *file)
{
	errno = 0;
	/* Ratios are millionths: six digits say all of them. */
	if (json_dumpf(json, file, JSON_COMPACT | JSON_REAL_PRECISION(6)) == 0 &&
	    fputc('\n', file) != EOF && fflush(file) == 0)
		return 0;
	return errno != 0 ? -errno : -EIO;
}
