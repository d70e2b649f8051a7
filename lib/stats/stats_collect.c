/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads domains, translators and ledgers into a snapshot. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "stats.h"

/* What a translator's counters held when they were cleared: only its lcore may write them. */
struct baseline {
	LIST_ENTRY(baseline) link;
	char device[STATS_NAME_SIZE];
	uint16_t queue;
	bool is_rx;
	uint64_t serial; /* of the translator */
	struct iommu_counters counters;
};

static LIST_HEAD(, baseline) baselines = LIST_HEAD_INITIALIZER(baselines);

static void copy_name(char *to, const char *from)
{
	snprintf(to, STATS_NAME_SIZE, "%s", from);
}

void stats_collect_hist(const struct base_hist *hist, struct stats_hist *out)
{
	/* A copy first, so that the figures are of one moment: p99 never below p50. */
	struct base_hist copy = {.count = 0};

	base_hist_merge(&copy, hist);
	*out = (struct stats_hist){copy.count, STATS_NA, STATS_NA, STATS_NA, STATS_NA};
	if (copy.count == 0)
		return;
	out->mean = base_hist_mean(&copy);
	out->p50 = base_hist_quantile(&copy, 500000);
	out->p99 = base_hist_quantile(&copy, 990000);
	out->max = copy.max;
}

static uint64_t read_u64(const uint64_t *field)
{
	return __atomic_load_n(field, __ATOMIC_RELAXED);
}

static void counters_read(const struct iommu_translator *translator, struct iommu_counters *out)
{
	const struct iommu_counters *from = &translator->counters;

	out->lookups = read_u64(&from->lookups);
	out->hits = read_u64(&from->hits);
	out->misses = read_u64(&from->misses);
	out->walk_reads = read_u64(&from->walk_reads);
	out->faults = read_u64(&from->faults);
}

static struct baseline *baseline_find(const char *device, const struct iommu_translator *translator)
{
	struct baseline *base;

	LIST_FOREACH(base, &baselines, link) {
		if (base->queue == translator->queue && base->is_rx == translator->is_rx &&
		    strcmp(base->device, device) == 0)
			return base;
	}
	return NULL;
}

static void iotlb_add(const char *device, const struct iommu_translator *translator,
		      struct stats_iotlb *out)
{
	static const struct iommu_counters zero;
	const struct baseline *base = baseline_find(device, translator);
	const struct iommu_counters *from;
	struct iommu_counters now;

	counters_read(translator, &now);
	/* A queue that was set up again counts from 0: what the old one held is not taken off. */
	from = base != NULL && base->serial == translator->serial ? &base->counters : &zero;
	out->lookups += now.lookups - from->lookups;
	out->hits += now.hits - from->hits;
	out->misses += now.misses - from->misses;
	out->walk_reads += now.walk_reads - from->walk_reads;
	out->faults += now.faults - from->faults;
}

void stats_collect_iotlb(const char *device, bool is_rx, uint16_t queue, struct stats_iotlb *out)
{
	const struct iommu_device *found = iommu_device_find(device);
	const struct iommu_translator *translator = NULL;

	*out = (struct stats_iotlb){
		.lookups = STATS_NA,
		.hits = STATS_NA,
		.misses = STATS_NA,
		.walk_reads = STATS_NA,
		.faults = STATS_NA,
	};
	if (found == NULL ||
	    !iommu_unit_limits(iommu_domain_unit(iommu_device_domain(found)))->is_protected)
		return;
	while ((translator = iommu_translator_next(found, translator)) != NULL) {
		if (translator->is_rx != is_rx || translator->queue != queue)
			continue;
		if (out->source == STATS_SOURCE_NONE)
			*out = (struct stats_iotlb){.source = STATS_SOURCE_EXACT};
		iotlb_add(device, translator, out);
	}
}

static int domain_read_devices(struct iommu_domain *domain, struct stats_domain *out)
{
	const struct iommu_device *device = NULL;
	unsigned int count = 0;

	while ((device = iommu_device_next(domain, device)) != NULL)
		count++;
	if (count == 0)
		return 0;
	out->devices = calloc(count, sizeof(out->devices[0]));
	if (out->devices == NULL)
		return -ENOMEM;
	while ((device = iommu_device_next(domain, device)) != NULL)
		copy_name(out->devices[out->device_count++], iommu_device_name(device));
	return 0;
}

static int domain_read(struct iommu_domain *domain, struct stats_domain *out)
{
	out->id = iommu_domain_id(domain);
	copy_name(out->backend, iommu_unit_backend(iommu_domain_unit(domain)));
	out->is_protected = iommu_unit_limits(iommu_domain_unit(domain))->is_protected;
	iommu_domain_usage(domain, &out->usage);
	out->faults_source = iommu_faults_source(domain);
	out->faults_total =
		out->faults_source == IOMMU_FAULTS_UNSEEN ? STATS_NA : iommu_faults_total(domain);
	for (unsigned int reason = 0; reason < 256; reason++)
		out->faults_by_reason[reason] = iommu_faults_of_reason(domain, (uint8_t)reason);
	out->faults = calloc(IOMMU_FAULT_LOG, sizeof(out->faults[0]));
	if (out->faults == NULL)
		return -ENOMEM;
	out->fault_count = iommu_faults(domain, out->faults, IOMMU_FAULT_LOG);
	return domain_read_devices(domain, out);
}

int stats_collect_domains(struct stats_report *report)
{
	struct iommu_domain *domain = NULL;
	unsigned int count = 0;
	int ret;

	while ((domain = iommu_domain_next(domain)) != NULL)
		count++;
	if (count == 0)
		return 0;
	report->domains = calloc(count, sizeof(report->domains[0]));
	if (report->domains == NULL)
		return -ENOMEM;
	while ((domain = iommu_domain_next(domain)) != NULL) {
		ret = domain_read(domain, &report->domains[report->domain_count++]);
		if (ret != 0)
			return ret;
	}
	return 0;
}

static int baseline_take(const struct iommu_device *device,
			 const struct iommu_translator *translator)
{
	struct baseline *base = baseline_find(iommu_device_name(device), translator);

	if (base == NULL) {
		base = calloc(1, sizeof(*base));
		if (base == NULL)
			return -ENOMEM;
		copy_name(base->device, iommu_device_name(device));
		base->queue = translator->queue;
		base->is_rx = translator->is_rx;
		LIST_INSERT_HEAD(&baselines, base, link);
	}
	base->serial = translator->serial;
	counters_read(translator, &base->counters);
	return 0;
}

static int device_clear(const struct iommu_device *device)
{
	const struct iommu_translator *translator = NULL;
	int ret;

	while ((translator = iommu_translator_next(device, translator)) != NULL) {
		ret = baseline_take(device, translator);
		if (ret != 0)
			return ret;
	}
	return 0;
}

int stats_clear_device(const char *device)
{
	const struct iommu_device *found = iommu_device_find(device);

	return found == NULL ? -ENODEV : device_clear(found);
}

int stats_clear_iommu(const char *device)
{
	const struct iommu_device *found = iommu_device_find(device);
	const struct iommu_device *other = NULL;
	struct iommu_domain *domain;
	int ret;

	if (found == NULL)
		return -ENODEV;
	domain = iommu_device_domain(found);
	while ((other = iommu_device_next(domain, other)) != NULL) {
		ret = device_clear(other);
		if (ret != 0)
			return ret;
	}
	iommu_faults_clear(domain);
	return 0;
}
