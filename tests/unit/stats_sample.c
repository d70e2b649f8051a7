/* SPDX-License-Identifier: BSD-3-Clause */
/* A snapshot with a different value in every field, so that no two can be mistaken. */
#include "stats_sample.h"

#include "stats.h"

#include <stdlib.h>
#include <string.h>

static uint64_t next_value = 1000;
static uint64_t next_policy_value = 70000;

static uint64_t value(void)
{
	return next_value++;
}

/* Of policies that map at hand-over. */
static uint64_t policy_value(void)
{
	return next_policy_value++;
}

static struct stats_hist hist_of(uint64_t (*next)(void))
{
	struct stats_hist hist;

	hist.count = next();
	hist.mean = next();
	hist.p50 = next();
	hist.p99 = next();
	hist.max = next();
	return hist;
}

static struct stats_hist hist(void)
{
	return hist_of(value);
}

static struct stats_hist policy_hist(void)
{
	return hist_of(policy_value);
}

static void fill_queue(struct stats_queue *queue, uint16_t number)
{
	queue->queue = number;
	queue->packets = value();
	queue->bytes = value();
	queue->drops = value();
	queue->iotlb.source = STATS_SOURCE_EXACT;
	queue->iotlb.lookups = value();
	queue->iotlb.hits = value();
	queue->iotlb.misses = value();
	queue->iotlb.walk_reads = value();
	queue->iotlb.faults = value();
	queue->has_dma = true;
	queue->dma.policy = DMA_DEFERRED;
	queue->dma.batch = policy_value();
	queue->dma.timeout_us = policy_value();
	queue->dma.iova = "fresh";
	queue->dma.maps = value();
	queue->dma.unmaps = value();
	queue->dma.mapped_bytes = value();
	queue->dma.unmapped_bytes = value();
	queue->dma.invalidations = value();
	queue->dma.waiting = policy_value();
	queue->dma.lost = policy_value();
	queue->dma.map_ns = hist();
	queue->dma.unmap_ns = hist();
	queue->dma.sync_ns = policy_hist();
	queue->dma.window_ns = policy_hist();
}

static void fill_curve(uint32_t *curve_ppm)
{
	for (unsigned int i = 0; i < STATS_CURVE_POINTS; i++)
		curve_ppm[i] = (uint32_t)(900000 - value());
}

static void fill_model(struct stats_model *model)
{
	model->is_tracked = true;
	strcpy(model->unit, "vtd0");
	strcpy(model->mode, "sampled");
	strcpy(model->profile, "generic-128");
	model->has_ring = true;
	model->accesses = value();
	model->ring_accesses = value();
	model->pages_touched = value();
	model->working_set = value();
	model->entries_needed = value();
	model->predicted_misses = value();
	model->share_ppm = (uint32_t)value();
	model->beyond = value();
	fill_curve(model->alone_ppm);
	model->alone_ppm[STATS_CURVE_POINTS - 1] = 1;
	fill_curve(model->shared_ppm);
}

static void fill_unit(struct stats_unit *unit)
{
	strcpy(unit->name, "vtd0");
	strcpy(unit->backend, "vtd");
	strcpy(unit->mode, "full");
	strcpy(unit->profile, "qemu");
	strcpy(unit->method, "flush");
	unit->entries = value();
	unit->accesses = value();
	unit->pages_touched = value();
	unit->working_set = value();
	unit->entries_needed = value();
	unit->predicted_misses = value();
	unit->lanes = value();
	fill_curve(unit->curve_ppm);
}

static void fill_port(struct stats_port *port)
{
	strcpy(port->name, "net_dmanic0");
	strcpy(port->driver, "net_dmanic");
	port->domain = 0;
	port->numa = 0;
	port->rx_packets = value();
	port->rx_bytes = value();
	port->rx_missed = value();
	port->rx_errors = value();
	port->rx_nombuf = value();
	port->tx_packets = value();
	port->tx_bytes = value();
	port->tx_errors = value();
	port->rx_queue_count = 2;
	port->rx_queues = calloc(2, sizeof(*port->rx_queues));
	port->tx_queue_count = 1;
	port->tx_queues = calloc(1, sizeof(*port->tx_queues));
	fill_queue(&port->rx_queues[0], 0);
	fill_queue(&port->rx_queues[1], 1);
	fill_model(&port->rx_queues[1].iotlb.model);
	fill_queue(&port->tx_queues[0], 0);
	fill_model(&port->tx_queues[0].iotlb.model);
	port->tx_queues[0].iotlb.model.has_ring = false;
}

/* A port without a domain whose driver counts nothing by queue. */
static void fill_plain_port(struct stats_port *port)
{
	struct stats_iotlb none = {
		.source = STATS_SOURCE_NONE,
		.lookups = STATS_NA,
		.hits = STATS_NA,
		.misses = STATS_NA,
		.walk_reads = STATS_NA,
		.faults = STATS_NA,
	};

	port->id = 7;
	strcpy(port->name, "net_null0");
	strcpy(port->driver, "net_null");
	port->domain = STATS_NA;
	port->numa = -1;
	port->rx_queue_count = 1;
	port->rx_queues = calloc(1, sizeof(*port->rx_queues));
	port->rx_queues[0].packets = STATS_NA;
	port->rx_queues[0].bytes = STATS_NA;
	port->rx_queues[0].drops = STATS_NA;
	port->rx_queues[0].iotlb = none;
}

static void fill_domain(struct stats_domain *domain)
{
	strcpy(domain->backend, "vtd");
	domain->is_protected = true;
	domain->device_count = 2;
	domain->devices = calloc(2, sizeof(*domain->devices));
	strcpy(domain->devices[0], "net_dmanic0");
	strcpy(domain->devices[1], "net_dmanic1");
	domain->usage.mappings = value();
	domain->usage.mapped_bytes = value();
	domain->usage.leaves_4k = value();
	domain->usage.leaves_2m = value();
	domain->usage.leaves_1g = value();
	domain->usage.entries_used = value();
	domain->usage.entries_limit = value();
	domain->faults_source = IOMMU_FAULTS_EXACT;
	domain->faults_total = 3;
	domain->faults_by_reason[5] = 1;
	domain->faults_by_reason[6] = 2;
	domain->fault_count = 2;
	domain->faults = calloc(2, sizeof(*domain->faults));
	domain->faults[0] = (struct iommu_fault){.iova = 0xdead0000,
						 .device = "net_dmanic0",
						 .queue = 1,
						 .is_rx = true,
						 .access = IOMMU_WRITE,
						 .reason = 5};
	domain->faults[1] = (struct iommu_fault){
		.iova = UINT64_MAX, .device = "net_dmanic1", .access = IOMMU_READ, .reason = 6};
}

/* A domain of a real device: its faults come from the kernel's log. */
static void fill_real_domain(struct stats_domain *domain)
{
	domain->id = 4;
	strcpy(domain->backend, "type1");
	domain->is_protected = true;
	domain->faults_source = IOMMU_FAULTS_LOG;
	domain->faults_total = 2;
	domain->faults_by_reason[6] = 1;
	domain->faults_by_reason[IOMMU_REASON_OTHER] = 1;
	domain->fault_count = 2;
	domain->faults = calloc(2, sizeof(*domain->faults));
	domain->faults[0] = (struct iommu_fault){.iova = 0x80001000,
						 .device = "0000:00:02.0",
						 .queue = IOMMU_QUEUE_UNKNOWN,
						 .access = IOMMU_READ,
						 .reason = 6};
	domain->faults[1] = (struct iommu_fault){.device = "0000:00:02.0",
						 .text = "C_BAD_STE (0x04)",
						 .queue = IOMMU_QUEUE_UNKNOWN,
						 .reason = IOMMU_REASON_OTHER};
}

static void fill_kernel(struct stats_kernel *kernel)
{
	*kernel = (struct stats_kernel){
		.has_log = true,
		.lines_left_out = 51,
		.records_lost = 2,
		.overflows = 1,
		.unattributed = 4,
		.has_trace = true,
		.map = {.count = 10, .bytes = 40960, .per_second = 5},
		.unmap = {.count = 9, .bytes = 36864, .per_second = STATS_NA},
		.submit = {.count = STATS_NA, .bytes = STATS_NA, .per_second = STATS_NA},
	};
}

static void fill_pmu_unit(struct stats_pmu_unit *unit)
{
	strcpy(unit->pmu, "dmar0");
	strcpy(unit->family, "dmar");
	unit->port_count = 1;
	unit->ports[0] = 7;
	unit->lookups = value();
	unit->hits = value();
	unit->misses = value();
	unit->event_count = 2;
	strcpy(unit->events[0].name, "iotlb_hit");
	unit->events[0].count = value();
	strcpy(unit->events[1].name, "iotlb_lookup");
	unit->events[1].count = value();
}

static void fill_pmu(struct stats_pmu *pmu)
{
	pmu->reason_count = 1;
	pmu->reasons = calloc(1, sizeof(*pmu->reasons));
	strcpy(pmu->reasons[0].text, "net_dmanic0 is no PCI device");
	pmu->unit_count = 2;
	pmu->units = calloc(2, sizeof(*pmu->units));
	fill_pmu_unit(&pmu->units[0]);
	strcpy(pmu->units[0].device, "0000:18:00.1");
	pmu->units[0].events[0].count = STATS_NA;
	fill_pmu_unit(&pmu->units[1]);
	pmu->units[1].is_scaled = true;
}

struct stats_report *stats_sample_create(void)
{
	struct stats_report *report = calloc(1, sizeof(*report));

	next_policy_value = 70000;
	next_value = 1000;
	report->duration_ns = 1234567890;
	report->port_count = 2;
	report->ports = calloc(2, sizeof(*report->ports));
	fill_port(&report->ports[0]);
	fill_plain_port(&report->ports[1]);
	report->domain_count = 4;
	report->domains = calloc(4, sizeof(*report->domains));
	fill_domain(&report->domains[0]);
	fill_real_domain(&report->domains[1]);
	report->domains[2].id = 5;
	report->domains[2].faults_total = STATS_NA;
	report->domains[2].is_protected = true;
	strcpy(report->domains[2].backend, "type1");
	report->domains[3].id = 6;
	report->domains[3].faults_total = STATS_NA;
	strcpy(report->domains[3].backend, "direct");
	report->unit_count = 1;
	report->units = calloc(1, sizeof(*report->units));
	fill_unit(&report->units[0]);
	fill_kernel(&report->kernel);
	report->replay_count = 2;
	report->replays = calloc(2, sizeof(*report->replays));
	report->replays[0] = (struct stats_replay){.port = 0,
						   .file = "/tmp/a \"b\"#1.pcap",
						   .packets = value(),
						   .bytes = value(),
						   .loops = value(),
						   .elapsed_ns = value(),
						   .requested_pps = STATS_NA,
						   .achieved_pps = value()};
	report->replays[1] = (struct stats_replay){.port = 7,
						   .file = "b.pcap",
						   .packets = value(),
						   .bytes = value(),
						   .loops = value(),
						   .elapsed_ns = value(),
						   .requested_pps = value(),
						   .achieved_pps = value(),
						   .has_lateness = true,
						   .lateness_ns = hist()};
	report->domains[0].usage.maps = value();
	report->domains[0].usage.unmaps = value();
	report->domains[0].usage.syncs = value();
	fill_pmu(&report->pmu);
	report->has_iova = true;
	report->iova.free_bytes = value();
	report->iova.largest_free_bytes = value();
	report->iova.free_ranges = value();
	report->iova.fragmentation_ppm = (uint32_t)value();
	return report;
}
