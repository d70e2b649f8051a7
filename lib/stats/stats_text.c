/* SPDX-License-Identifier: BSD-3-Clause */
/* A snapshot as aligned tables on a screen. */
#include <inttypes.h>
#include <string.h>

#include "stats.h"
#include "stats_place.h"
#include "stats_table.h"

void stats_text_ports(const struct stats_report *report, FILE *file)
{
	static const char *const titles[] = {"port",	  "name",	"driver",     "domain",
					     "numa",	  "rx-packets", "rx-bytes",   "rx-missed",
					     "rx-errors", "rx-nombuf",	"tx-packets", "tx-bytes",
					     "tx-errors", NULL};
	struct stats_table *table = stats_table_create(titles);

	for (unsigned int i = 0; i < report->port_count; i++) {
		const struct stats_port *port = &report->ports[i];

		stats_table_add(table, "%u", port->id);
		stats_table_add(table, "%s", port->name);
		stats_table_add(table, "%s", port->driver);
		stats_table_add_u64(table, port->domain);
		stats_table_add_u64(table, port->numa < 0 ? STATS_NA : (uint64_t)port->numa);
		stats_table_add_u64(table, port->rx_packets);
		stats_table_add_u64(table, port->rx_bytes);
		stats_table_add_u64(table, port->rx_missed);
		stats_table_add_u64(table, port->rx_errors);
		stats_table_add_u64(table, port->rx_nombuf);
		stats_table_add_u64(table, port->tx_packets);
		stats_table_add_u64(table, port->tx_bytes);
		stats_table_add_u64(table, port->tx_errors);
	}
	fprintf(file, "Ports\n");
	stats_table_finish(table, file);
}

static void add_devices(struct stats_table *table, const struct stats_domain *domain)
{
	char names[1024] = "";
	size_t used = 0;

	for (unsigned int i = 0; i < domain->device_count && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
					 i == 0 ? "" : ",", domain->devices[i]);
	stats_table_add(table, "%s", domain->device_count == 0 ? "-" : names);
}

void stats_text_domains(const struct stats_report *report, FILE *file)
{
	static const char *const titles[] = {
		"domain",   "backend",	     "protection",    "devices",
		"mappings", "mapped-bytes",  "4K-pages",      "2M-pages",
		"1G-pages", "entries-used",  "entries-limit", "maps",
		"unmaps",   "invalidations", "faults",	      NULL};
	struct stats_table *table = stats_table_create(titles);

	for (unsigned int i = 0; i < report->domain_count; i++) {
		const struct stats_domain *domain = &report->domains[i];
		const struct iommu_domain_usage *usage = &domain->usage;

		stats_table_add(table, "%u", domain->id);
		stats_table_add(table, "%s", domain->backend);
		stats_table_add(table, "%s", stats_protection_name(domain->is_protected));
		add_devices(table, domain);
		stats_table_add_u64(table, usage->mappings);
		stats_table_add_u64(table, usage->mapped_bytes);
		stats_table_add_u64(table, usage->leaves_4k);
		stats_table_add_u64(table, usage->leaves_2m);
		stats_table_add_u64(table, usage->leaves_1g);
		stats_table_add_u64(table, usage->entries_used);
		stats_table_add_u64(table,
				    usage->entries_limit == 0 ? STATS_NA : usage->entries_limit);
		stats_table_add_u64(table, usage->maps);
		stats_table_add_u64(table, usage->unmaps);
		stats_table_add_u64(table, usage->syncs);
		if (domain->faults_source == IOMMU_FAULTS_LOG && domain->faults_total != 0)
			stats_table_add(table, ">=%" PRIu64, domain->faults_total);
		else
			stats_table_add_u64(table, domain->faults_total);
	}
	fprintf(file, "Domains\n");
	stats_table_finish(table, file);
	if (report->has_iova)
		fprintf(file,
			"  IOVA plan: %" PRIu64 " bytes free in %" PRIu64 " ranges, %" PRIu64
			" bytes in the largest, %" PRIu32 " ppm fragmented\n",
			report->iova.free_bytes, report->iova.free_ranges,
			report->iova.largest_free_bytes, report->iova.fragmentation_ppm);
	for (unsigned int i = 0; i < report->domain_count; i++)
		if (!report->domains[i].is_protected)
			fprintf(file,
				"  domain %u is UNPROTECTED: no IOMMU stands between its devices "
				"and memory, all of which they reach; rights are bookkeeping\n",
				report->domains[i].id);
}

static void print_reasons(const struct stats_domain *domain, FILE *file)
{
	const char *bound = domain->faults_source == IOMMU_FAULTS_LOG ? "at least " : "";

	if (domain->faults_source == IOMMU_FAULTS_UNSEEN)
		fprintf(file, "  domain %u: n/a, %s\n", domain->id,
			domain->is_protected ? "the kernel's log is not read"
					     : "nothing refuses an access there");
	for (unsigned int reason = 0; reason < 256; reason++) {
		if (domain->faults_by_reason[reason] == 0)
			continue;
		fprintf(file, "  domain %u: %s%" PRIu64 " of reason %u, %s\n", domain->id, bound,
			domain->faults_by_reason[reason], reason,
			iommu_fault_text((uint8_t)reason));
	}
}

/* Why the figures of real devices are lower bounds, and by how much as far as it is known. */
static void print_left_out(const struct stats_report *report, FILE *file)
{
	const struct stats_kernel *kernel = &report->kernel;
	bool has_faults = kernel->lines_left_out + kernel->records_lost + kernel->overflows +
				  kernel->unattributed !=
			  0;

	for (unsigned int i = 0; i < report->domain_count; i++)
		has_faults |= report->domains[i].faults_source == IOMMU_FAULTS_LOG &&
			      report->domains[i].faults_total != 0;
	if (!kernel->has_log || !has_faults)
		return;
	fprintf(file,
		"  the kernel's log tells of a part: it left out %" PRIu64 " lines, %" PRIu64
		" records were lost unread, an IOMMU's fault log was full %" PRIu64
		" times, %" PRIu64 " faults name no device\n",
		kernel->lines_left_out, kernel->records_lost, kernel->overflows,
		kernel->unattributed);
}

static void add_fault(struct stats_table *table, uint32_t domain, const struct iommu_fault *fault)
{
	const char *access = stats_access_name(fault->access);

	stats_table_add(table, "%u", domain);
	stats_table_add(table, "%s", fault->device);
	if (fault->queue == IOMMU_QUEUE_UNKNOWN)
		stats_table_add(table, "n/a");
	else
		stats_table_add(table, "%s%u", fault->is_rx ? "rx" : "tx", fault->queue);
	stats_table_add(table, "0x%" PRIx64, fault->iova);
	stats_table_add(table, "%s", access == NULL ? "n/a" : access);
	stats_table_add(table, "%u", fault->reason);
	stats_table_add(table, "%s", iommu_fault_words(fault));
}

void stats_text_faults(const struct stats_report *report, FILE *file)
{
	static const char *const titles[] = {"domain", "device", "queue", "iova",
					     "access", "reason", "text",  NULL};
	struct stats_table *table = stats_table_create(titles);
	unsigned int shown = 0;

	for (unsigned int i = 0; i < report->domain_count; i++) {
		const struct stats_domain *domain = &report->domains[i];

		for (unsigned int f = 0; f < domain->fault_count; f++, shown++)
			add_fault(table, domain->id, &domain->faults[f]);
	}
	fprintf(file, "Faults%s\n", shown == 0 ? ": none" : " (the last of each domain)");
	for (unsigned int i = 0; i < report->domain_count; i++)
		print_reasons(&report->domains[i], file);
	print_left_out(report, file);
	if (shown != 0)
		stats_table_print(table, file);
	stats_table_destroy(table);
}

void stats_text_replays(const struct stats_report *report, FILE *file)
{
	static const char *const titles[] = {"port",	     "packets",
					     "bytes",	     "loops",
					     "elapsed-ns",   "requested-pps",
					     "achieved-pps", "lateness-ns-count",
					     "mean",	     "p50",
					     "p99",	     "max",
					     "file",	     NULL};
	struct stats_table *table = stats_table_create(titles);

	for (unsigned int i = 0; i < report->replay_count; i++) {
		const struct stats_replay *replay = &report->replays[i];

		stats_table_add(table, "%u", replay->port);
		stats_table_add_u64(table, replay->packets);
		stats_table_add_u64(table, replay->bytes);
		stats_table_add_u64(table, replay->loops);
		stats_table_add_u64(table, replay->elapsed_ns);
		stats_table_add_u64(table, replay->requested_pps);
		stats_table_add_u64(table, replay->achieved_pps);
		stats_place_hist(table, replay->has_lateness ? &replay->lateness_ns : NULL);
		stats_table_add(table, "%s", replay->file);
	}
	fprintf(file, "Replays\n");
	stats_table_finish(table, file);
}

static void row_event(struct stats_table *table, const char *name,
		      const struct stats_kernel_event *event)
{
	stats_table_add(table, "%s", name);
	stats_table_add_u64(table, event->count);
	stats_table_add_u64(table, event->bytes);
	stats_table_add_u64(table, event->per_second);
}

void stats_text_kernel(const struct stats_report *report, FILE *file)
{
	static const char *const titles[] = {"event", "count", "bytes", "per-second", NULL};
	const struct stats_kernel *kernel = &report->kernel;
	struct stats_table *table;

	if (!kernel->has_trace)
		return;
	table = stats_table_create(titles);
	row_event(table, "iommu:map", &kernel->map);
	row_event(table, "iommu:unmap", &kernel->unmap);
	row_event(table, "intel_iommu:qi_submit", &kernel->submit);
	fprintf(file, "Kernel, all devices (the whole machine's, since the run began)\n");
	stats_table_finish(table, file);
}

void stats_text(const struct stats_report *report, FILE *file)
{
	bool has_dma = false;

	for (unsigned int i = 0; i < report->port_count; i++)
		has_dma |= report->ports[i].domain != STATS_NA;
	fprintf(file, "\nReport over %" PRIu64 " ns (%.3f s)\n\n", report->duration_ns,
		(double)report->duration_ns / 1e9);
	stats_text_ports(report, file);
	fputc('\n', file);
	stats_text_iotlb(report, NULL, -1, file);
	if (report->unit_count != 0) {
		fputc('\n', file);
		stats_text_curves(report, NULL, -1, false, file);
	}
	if (has_dma) {
		fputc('\n', file);
		stats_text_dma(report, NULL, -1, file);
	}
	if (report->pmu.unit_count != 0) {
		fputc('\n', file);
		stats_text_pmu(&report->pmu, -1, file);
	}
	if (report->kernel.has_trace) {
		fputc('\n', file);
		stats_text_kernel(report, file);
	}
	if (report->domain_count != 0) {
		fputc('\n', file);
		stats_text_domains(report, file);
		fputc('\n', file);
		stats_text_faults(report, file);
	}
	if (report->replay_count != 0) {
		fputc('\n', file);
		stats_text_replays(report, file);
	}
}
