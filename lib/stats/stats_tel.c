/* SPDX-License-Identifier: BSD-3-Clause */
/* Parts of a snapshot as dictionaries of DPDK's telemetry. */
#include "stats_tel.h"

#include <inttypes.h>
#include <stdio.h>

#include <rte_version.h>

struct rte_tel_data *stats_tel_create(void)
{
	struct rte_tel_data *dict = rte_tel_data_alloc();

	if (dict != NULL)
		rte_tel_data_start_dict(dict);
	return dict;
}

/* Hands `value` over, also when it does not fit. */
void stats_tel_add(struct rte_tel_data *dict, const char *name, struct rte_tel_data *value)
{
	if (value != NULL && rte_tel_data_add_dict_container(dict, name, value, 0) != 0)
		rte_tel_data_free(value);
}

void stats_tel_add_u64(struct rte_tel_data *dict, const char *name, uint64_t value)
{
	if (value == STATS_NA)
		return;
#if RTE_VERSION >= RTE_VERSION_NUM(23, 3, 0, 0)
	rte_tel_data_add_dict_uint(dict, name, value);
#else
	rte_tel_data_add_dict_u64(dict, name, value);
#endif
}

static void dict_add_iova(struct rte_tel_data *dict, uint64_t iova)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, iova);
	rte_tel_data_add_dict_string(dict, "iova", text);
}

static void dict_add_hist(struct rte_tel_data *dict, const char *name,
			  const struct stats_hist *hist)
{
	struct rte_tel_data *inner = stats_tel_create();

	if (inner == NULL)
		return;
	stats_tel_add_u64(inner, "count", hist->count);
	stats_tel_add_u64(inner, "mean", hist->mean);
	stats_tel_add_u64(inner, "p50", hist->p50);
	stats_tel_add_u64(inner, "p99", hist->p99);
	stats_tel_add_u64(inner, "max", hist->max);
	stats_tel_add(dict, name, inner);
}

static struct rte_tel_data *tel_devices(const struct stats_domain *domain)
{
	struct rte_tel_data *array = rte_tel_data_alloc();

	if (array == NULL)
		return NULL;
	rte_tel_data_start_array(array, RTE_TEL_STRING_VAL);
	for (unsigned int i = 0; i < domain->device_count; i++)
		rte_tel_data_add_array_string(array, domain->devices[i]);
	return array;
}

static struct rte_tel_data *tel_page_sizes(const struct iommu_domain_usage *usage)
{
	struct rte_tel_data *dict = stats_tel_create();

	if (dict == NULL)
		return NULL;
	stats_tel_add_u64(dict, "4096", usage->leaves_4k);
	stats_tel_add_u64(dict, "2097152", usage->leaves_2m);
	stats_tel_add_u64(dict, "1073741824", usage->leaves_1g);
	return dict;
}

static struct rte_tel_data *tel_reasons(const struct stats_domain *domain)
{
	struct rte_tel_data *dict = stats_tel_create();
	char name[8];

	for (unsigned int reason = 0; dict != NULL && reason < 256; reason++) {
		if (domain->faults_by_reason[reason] == 0)
			continue;
		snprintf(name, sizeof(name), "%u", reason);
		stats_tel_add_u64(dict, name, domain->faults_by_reason[reason]);
	}
	return dict;
}

void stats_tel_add_domain(struct rte_tel_data *dict, const struct stats_domain *domain)
{
	const struct iommu_domain_usage *usage = &domain->usage;

	stats_tel_add_u64(dict, "id", domain->id);
	rte_tel_data_add_dict_string(dict, "backend", domain->backend);
	rte_tel_data_add_dict_string(dict, "protection",
				     stats_protection_name(domain->is_protected));
	stats_tel_add(dict, "devices", tel_devices(domain));
	stats_tel_add_u64(dict, "mappings", usage->mappings);
	stats_tel_add_u64(dict, "mapped_bytes", usage->mapped_bytes);
	stats_tel_add(dict, "page_sizes", tel_page_sizes(usage));
	stats_tel_add_u64(dict, "entries_used", usage->entries_used);
	stats_tel_add_u64(dict, "entries_limit",
			  usage->entries_limit == 0 ? STATS_NA : usage->entries_limit);
	stats_tel_add_u64(dict, "maps", usage->maps);
	stats_tel_add_u64(dict, "unmaps", usage->unmaps);
	stats_tel_add_u64(dict, "invalidations", usage->syncs);
	rte_tel_data_add_dict_string(dict, "faults_source",
				     iommu_fault_source_name(domain->faults_source));
	stats_tel_add_u64(dict, "faults_total", domain->faults_total);
	stats_tel_add(dict, "faults_by_reason", tel_reasons(domain));
}

void stats_tel_add_space(struct rte_tel_data *dict, const struct dma_space_usage *usage)
{
	stats_tel_add_u64(dict, "free_bytes", usage->free_bytes);
	stats_tel_add_u64(dict, "largest_free_bytes", usage->largest_free_bytes);
	stats_tel_add_u64(dict, "free_ranges", usage->free_ranges);
	stats_tel_add_u64(dict, "fragmentation_ppm", usage->fragmentation_ppm);
}

static struct rte_tel_data *tel_curve(const uint32_t *curve_ppm)
{
	struct rte_tel_data *curve = stats_tel_create();
	char name[24];

	for (unsigned int i = 0; curve != NULL && i < STATS_CURVE_POINTS; i++) {
		snprintf(name, sizeof(name), "%" PRIu64, STATS_CURVE_ENTRIES(i));
		stats_tel_add_u64(curve, name, curve_ppm[i]);
	}
	return curve;
}

static struct rte_tel_data *tel_model(const struct stats_model *model)
{
	struct rte_tel_data *dict = stats_tel_create();

	if (dict == NULL)
		return NULL;
	rte_tel_data_add_dict_string(dict, "unit", model->unit);
	rte_tel_data_add_dict_string(dict, "mode", model->mode);
	rte_tel_data_add_dict_string(dict, "source", stats_source_name(STATS_SOURCE_MODEL));
	rte_tel_data_add_dict_string(dict, "profile", model->profile);
	stats_tel_add_u64(dict, "accesses", model->accesses);
	stats_tel_add_u64(dict, "ring_accesses", model->ring_accesses);
	stats_tel_add_u64(dict, "rings_known", model->has_ring);
	stats_tel_add_u64(dict, "working_set", model->working_set);
	stats_tel_add_u64(dict, "entries_needed", model->entries_needed);
	stats_tel_add_u64(dict, "predicted_misses", model->predicted_misses);
	stats_tel_add_u64(dict, "share_ppm", model->share_ppm);
	stats_tel_add(dict, "shared_curve_ppm", tel_curve(model->shared_ppm));
	stats_tel_add_u64(dict, "beyond", model->beyond);
	return dict;
}

static void dict_add_iotlb(struct rte_tel_data *dict, const struct stats_iotlb *iotlb)
{
	struct rte_tel_data *inner = stats_tel_create();

	if (inner == NULL)
		return;
	rte_tel_data_add_dict_string(inner, "source", stats_source_name(iotlb->source));
	stats_tel_add_u64(inner, "lookups", iotlb->lookups);
	stats_tel_add_u64(inner, "hits", iotlb->hits);
	stats_tel_add_u64(inner, "misses", iotlb->misses);
	stats_tel_add_u64(inner, "walk_reads", iotlb->walk_reads);
	stats_tel_add_u64(inner, "faults", iotlb->faults);
	if (iotlb->model.is_tracked) {
		stats_tel_add_u64(inner, "pages_touched", iotlb->model.pages_touched);
		stats_tel_add(inner, "miss_ratio_curve_ppm", tel_curve(iotlb->model.alone_ppm));
		stats_tel_add(inner, "model", tel_model(&iotlb->model));
	}
	stats_tel_add(dict, "iotlb", inner);
}

void stats_tel_add_unit(struct rte_tel_data *dict, const struct stats_unit *unit)
{
	rte_tel_data_add_dict_string(dict, "name", unit->name);
	rte_tel_data_add_dict_string(dict, "backend", unit->backend);
	rte_tel_data_add_dict_string(dict, "source", stats_source_name(STATS_SOURCE_MODEL));
	rte_tel_data_add_dict_string(dict, "mode", unit->mode);
	rte_tel_data_add_dict_string(dict, "profile", unit->profile);
	stats_tel_add_u64(dict, "entries", unit->entries);
	rte_tel_data_add_dict_string(dict, "method", unit->method);
	stats_tel_add_u64(dict, "lanes", unit->lanes);
	stats_tel_add_u64(dict, "accesses", unit->accesses);
	stats_tel_add_u64(dict, "pages_touched", unit->pages_touched);
	stats_tel_add_u64(dict, "working_set", unit->working_set);
	stats_tel_add_u64(dict, "entries_needed", unit->entries_needed);
	stats_tel_add_u64(dict, "predicted_misses", unit->predicted_misses);
	stats_tel_add(dict, "curve_ppm", tel_curve(unit->curve_ppm));
}

void stats_tel_add_curves(struct rte_tel_data *dict, const struct stats_model *model)
{
	if (!model->is_tracked)
		return;
	rte_tel_data_add_dict_string(dict, "source", stats_source_name(STATS_SOURCE_MODEL));
	rte_tel_data_add_dict_string(dict, "unit", model->unit);
	stats_tel_add(dict, "alone_ppm", tel_curve(model->alone_ppm));
	stats_tel_add(dict, "shared_ppm", tel_curve(model->shared_ppm));
}

static void dict_add_dma(struct rte_tel_data *dict, const struct stats_dma *dma)
{
	struct rte_tel_data *inner = stats_tel_create();

	if (inner == NULL)
		return;
	rte_tel_data_add_dict_string(inner, "policy", dma_policy_name(dma->policy));
	stats_tel_add_u64(inner, "batch", dma->batch);
	stats_tel_add_u64(inner, "timeout_us", dma->timeout_us);
	if (dma->iova != NULL)
		rte_tel_data_add_dict_string(inner, "iova", dma->iova);
	stats_tel_add_u64(inner, "maps", dma->maps);
	stats_tel_add_u64(inner, "unmaps", dma->unmaps);
	stats_tel_add_u64(inner, "mapped_bytes", dma->mapped_bytes);
	stats_tel_add_u64(inner, "unmapped_bytes", dma->unmapped_bytes);
	stats_tel_add_u64(inner, "invalidations", dma->invalidations);
	stats_tel_add_u64(inner, "waiting", dma->waiting);
	stats_tel_add_u64(inner, "lost", dma->lost);
	dict_add_hist(inner, "map_ns", &dma->map_ns);
	dict_add_hist(inner, "unmap_ns", &dma->unmap_ns);
	dict_add_hist(inner, "sync_ns", &dma->sync_ns);
	dict_add_hist(inner, "window_ns", &dma->window_ns);
	stats_tel_add(dict, "dma", inner);
}

void stats_tel_add_queue(struct rte_tel_data *dict, const struct stats_queue *queue)
{
	stats_tel_add_u64(dict, "queue", queue->queue);
	stats_tel_add_u64(dict, "packets", queue->packets);
	stats_tel_add_u64(dict, "bytes", queue->bytes);
	stats_tel_add_u64(dict, "drops", queue->drops);
	dict_add_iotlb(dict, &queue->iotlb);
	if (queue->has_dma)
		dict_add_dma(dict, &queue->dma);
}

void stats_tel_add_fault(struct rte_tel_data *dict, const char *name, uint32_t domain,
			 const struct iommu_fault *fault)
{
	const char *access = stats_access_name(fault->access);
	struct rte_tel_data *inner = stats_tel_create();

	if (inner == NULL)
		return;
	stats_tel_add_u64(inner, "domain", domain);
	rte_tel_data_add_dict_string(inner, "device", fault->device);
	if (fault->queue != IOMMU_QUEUE_UNKNOWN) {
		stats_tel_add_u64(inner, "queue", fault->queue);
		rte_tel_data_add_dict_string(inner, "direction", fault->is_rx ? "rx" : "tx");
	}
	dict_add_iova(inner, fault->iova);
	if (access != NULL)
		rte_tel_data_add_dict_string(inner, "access", access);
	stats_tel_add_u64(inner, "reason", fault->reason);
	rte_tel_data_add_dict_string(inner, "text", iommu_fault_words(fault));
	stats_tel_add(dict, name, inner);
}

void stats_tel_add_map(struct rte_tel_data *dict, unsigned int number,
		       const struct iommu_mapping *mapping)
{
	struct rte_tel_data *inner = stats_tel_create();
	char name[16];

	if (inner == NULL)
		return;
	dict_add_iova(inner, mapping->iova);
	stats_tel_add_u64(inner, "size", mapping->size);
	stats_tel_add_u64(inner, "page_size", mapping->page_size);
	rte_tel_data_add_dict_string(inner, "prot",
				     mapping->prot == (IOMMU_READ | IOMMU_WRITE) ? "rw"
				     : mapping->prot == IOMMU_READ		 ? "r"
										 : "w");
	snprintf(name, sizeof(name), "%u", number);
	stats_tel_add(dict, name, inner);
}
