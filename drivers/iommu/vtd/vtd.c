/* SPDX-License-Identifier: BSD-3-Clause */
/* The VT-d backend: units, domains, devices, and what an invalidation does. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vtd_unit.h"
#include "vtd_walk.h"

#define DEFAULT_LEVELS	  4
#define DEFAULT_HOST_BITS 52
#define MSI_WINDOW	  UINT64_C(0xfee00000) /* writes there are interrupts, never translated */
#define MSI_WINDOW_SIZE	  UINT64_C(0x100000)

/* --- invalidation --------------------------------------------------------------------------- */

enum { BY_PAGE, BY_DOMAIN, GLOBAL };

static void count_up(struct vtd_unit *unit, unsigned int kind)
{
	__atomic_fetch_add(&unit->invalidations[kind], 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&unit->generation, 1, __ATOMIC_SEQ_CST);
}

/* leaves_only is the IH bit of an IOTLB invalidation: no table has gone (6.5.2.3). */
void vtd_invalidate_range(struct vtd_unit *unit, uint16_t domain_id, uint64_t first, uint64_t last,
			  bool leaves_only)
{
	count_up(unit, BY_PAGE);
	vtd_iotlb_invalidate_range(&unit->iotlb, domain_id, first, last);
	if (!leaves_only)
		vtd_psc_invalidate_range(&unit->psc, domain_id, first, last);
}

void vtd_invalidate_domain(struct vtd_unit *unit, uint16_t domain_id)
{
	count_up(unit, BY_DOMAIN);
	vtd_iotlb_invalidate_domain(&unit->iotlb, domain_id);
	vtd_psc_invalidate_domain(&unit->psc, domain_id);
}

void vtd_invalidate_all(struct vtd_unit *unit)
{
	count_up(unit, GLOBAL);
	vtd_iotlb_invalidate_all(&unit->iotlb);
	vtd_psc_invalidate_all(&unit->psc);
}

static int vtd_sync(struct iommu_domain *domain, const struct iommu_gather *gather)
{
	struct vtd_domain *vtd = domain->priv;

	if ((gather->last - gather->start) >> VTD_PAGE_SHIFT < VTD_SYNC_PAGES_MAX)
		vtd_invalidate_range(vtd->unit, vtd->id, gather->start, gather->last,
				     gather->freelist == NULL);
	else
		vtd_invalidate_domain(vtd->unit, vtd->id);
	vtd->stats.syncs++;
	return 0;
}

/* --- units ---------------------------------------------------------------------------------- */

/* Reserved bits of second-stage entries, as QEMU's intel_iommu_internal.h has them (9.8). */
static void set_reserved(struct vtd_unit *unit, uint64_t address_reserved)
{
	uint64_t common = address_reserved | (UINT64_C(1) << 62);

	for (unsigned int level = 1; level <= VTD_LEVELS_MAX; level++) {
		/* Bit 11 is SNP, which needs ECAP.SC; PS has no meaning above level 3. */
		uint64_t reserved = common | 0x800 | (level > VTD_LEAF_LEVELS ? VTD_PTE_PS : 0);
		uint64_t offset = (UINT64_C(1) << vtd_level_shift(level)) - 1;

		unit->reserved[level][0] = reserved;
		unit->reserved[level][1] = reserved | (offset & ~UINT64_C(0xfff));
	}
}

static void set_limits(struct iommu_limits *limits)
{
	limits->page_sizes = UINT64_C(1) << 12 | UINT64_C(1) << 21 | UINT64_C(1) << 30;
	limits->addr_bits = VTD_ADDRESS_BITS;
	limits->is_protected = true;
	limits->hole_count = 1;
	limits->hole[0].iova = MSI_WINDOW;
	limits->hole[0].size = MSI_WINDOW_SIZE;
}

static int check_config(const struct vtd_config *config, struct base_error *err)
{
	struct base_error why = {0};

	if (config->levels < VTD_LEVELS_MIN || config->levels > VTD_LEVELS_MAX)
		return base_error_set(err, -EINVAL, "VT-d unit: levels=%u is not 3, 4 or 5",
				      config->levels);
	if (config->host_addr_bits < 32 || config->host_addr_bits > 52)
		return base_error_set(err, -EINVAL, "VT-d unit: host_addr_bits=%u is not 32 to 52",
				      config->host_addr_bits);
	if (iotlb_geometry_check(&config->geometry, &why) != 0)
		return base_error_set(err, why.code, "VT-d unit: IOTLB %s: %s",
				      config->geometry.name, why.text);
	return 0;
}

static int init_caches(struct vtd_unit *unit, const struct vtd_config *config,
		       uint64_t address_reserved)
{
	void *root;
	int ret = vtd_pages_get(&unit->pages, 1, &root);

	if (ret != 0)
		return ret;
	unit->root = root;
	ret = vtd_contexts_init(&unit->contexts, (uintptr_t)root, address_reserved);
	if (ret != 0)
		return ret;
	ret = vtd_psc_init(&unit->psc, config->geometry.walk_entries, &unit->generation);
	if (ret != 0)
		goto free_contexts;
	ret = vtd_iotlb_init(&unit->iotlb, &config->geometry, &unit->generation);
	if (ret != 0)
		goto free_psc;
	return 0;

free_psc:
	vtd_psc_fini(&unit->psc);
free_contexts:
	vtd_contexts_fini(&unit->contexts);
	return ret;
}

static int create(struct iommu_unit *unit, const struct vtd_config *config, struct base_error *err)
{
	uint64_t address_reserved =
		VTD_PTE_ADDRESS & ~((UINT64_C(1) << config->host_addr_bits) - 1);
	struct vtd_unit *vtd;
	void *memory;
	int ret;

	if (posix_memalign(&memory, 64, sizeof(*vtd)) != 0)
		return base_error_set(err, -ENOMEM, "VT-d unit %u: out of memory", unit->id);
	vtd = memory;
	memset(vtd, 0, sizeof(*vtd));
	rte_spinlock_init(&vtd->lock);
	vtd->default_levels = config->levels;
	vtd->clock = UINT64_C(1) << 32; /* so that the first thread's claim is no handover */
	vtd->domain_ids[0] = 1;		/* 0 is reserved where caching mode is reported (9.3) */
	set_reserved(vtd, address_reserved);
	ret = vtd_memory_init(&vtd->memory, unit->qsbr);
	if (ret != 0)
		goto free_unit;
	vtd_pages_init(&vtd->pages, &vtd->memory);
	/* In root and context entries all address bits above the host's width are reserved. */
	ret = init_caches(vtd, config, ~((UINT64_C(1) << config->host_addr_bits) - 1));
	if (ret != 0)
		goto free_memory;
	set_limits(&unit->limits);
	unit->priv = vtd;
	return 0;

free_memory:
	vtd_pages_fini(&vtd->pages);
	vtd_memory_fini(&vtd->memory);
free_unit:
	free(vtd);
	return base_error_set(err, ret, "VT-d unit %u: %s", unit->id, strerror(-ret));
}

static int vtd_unit_create(struct iommu_unit *unit, const void *config, struct base_error *err)
{
	struct vtd_config used = {0};
	int ret;

	if (config != NULL)
		used = *(const struct vtd_config *)config;
	if (used.geometry.entries == 0)
		used.geometry = iotlb_geometry_default();
	if (used.levels == 0)
		used.levels = DEFAULT_LEVELS;
	if (used.host_addr_bits == 0)
		used.host_addr_bits = DEFAULT_HOST_BITS;
	ret = check_config(&used, err);
	return ret != 0 ? ret : create(unit, &used, err);
}

static void vtd_unit_destroy(struct iommu_unit *unit)
{
	struct vtd_unit *vtd = unit->priv;

	vtd_iotlb_fini(&vtd->iotlb);
	vtd_psc_fini(&vtd->psc);
	vtd_contexts_fini(&vtd->contexts);
	vtd_pages_fini(&vtd->pages);
	vtd_memory_fini(&vtd->memory);
	free(vtd);
}

static int vtd_memory_add_op(struct iommu_unit *unit, uint64_t pa, void *vaddr, size_t size)
{
	struct vtd_unit *vtd = unit->priv;

	return vtd_memory_add(&vtd->memory, pa, vaddr, size);
}

static int vtd_memory_remove_op(struct iommu_unit *unit, uint64_t pa, size_t size)
{
	struct vtd_unit *vtd = unit->priv;
	int ret = vtd_memory_remove(&vtd->memory, pa, size);

	if (ret != 0)
		return ret;
	vtd_invalidate_all(vtd);
	vtd_memory_settle(&vtd->memory);
	return 0;
}

/* --- domains -------------------------------------------------------------------------------- */

static int domain_id_get(struct vtd_unit *unit, uint16_t *id)
{
	int ret = -ENOSPC;

	rte_spinlock_lock(&unit->lock);
	for (unsigned int i = 0; i < RTE_DIM(unit->domain_ids) && ret != 0; i++) {
		if (unit->domain_ids[i] == UINT64_MAX)
			continue;
		*id = (uint16_t)(i * 64 + (unsigned int)__builtin_ctzll(~unit->domain_ids[i]));
		unit->domain_ids[i] |= UINT64_C(1) << *id % 64;
		ret = 0;
	}
	rte_spinlock_unlock(&unit->lock);
	return ret;
}

static void domain_id_put(struct vtd_unit *unit, uint16_t id)
{
	rte_spinlock_lock(&unit->lock);
	unit->domain_ids[id / 64] &= ~(UINT64_C(1) << id % 64);
	rte_spinlock_unlock(&unit->lock);
}

static int vtd_domain_create(struct iommu_domain *domain, const struct iommu_domain_config *config,
			     struct base_error *err)
{
	struct vtd_unit *unit = domain->unit->priv;
	uint8_t levels =
		config != NULL && config->levels != 0 ? config->levels : unit->default_levels;
	struct vtd_domain *vtd;
	int ret = -ENOMEM;

	if (levels < VTD_LEVELS_MIN || levels > VTD_LEVELS_MAX)
		return base_error_set(err, -EINVAL, "VT-d domain: levels=%u is not 3, 4 or 5",
				      levels);
	vtd = calloc(1, sizeof(*vtd));
	if (vtd == NULL)
		goto fail;
	vtd->unit = unit;
	ret = domain_id_get(unit, &vtd->id);
	if (ret != 0)
		goto free_domain;
	ret = vtd_tables_init(&vtd->tables, &unit->pages, levels, &domain->usage);
	if (ret != 0)
		goto put_id;
	domain->levels = levels;
	domain->addr_bits = (uint8_t)vtd_level_shift(levels + 1u);
	domain->priv = vtd;
	return 0;

put_id:
	domain_id_put(unit, vtd->id);
free_domain:
	free(vtd);
fail:
	return base_error_set(err, ret, "VT-d domain: %s", strerror(-ret));
}

static void vtd_domain_destroy(struct iommu_domain *domain)
{
	struct vtd_domain *vtd = domain->priv;
	struct vtd_unit *unit = vtd->unit;

	vtd_invalidate_domain(unit, vtd->id);
	vtd_tables_fini(&vtd->tables);
	domain_id_put(unit, vtd->id);
	free(vtd);
}

static int vtd_attach(struct iommu_device *device, struct base_error *err)
{
	struct vtd_domain *vtd = device->domain->priv;
	const struct vtd_context context = {
		.table_pa = (uintptr_t)vtd->tables.top,
		.domain_id = vtd->id,
		.type = VTD_TT_SECOND_STAGE,
		.levels = vtd->tables.levels,
	};
	int ret;

	rte_spinlock_lock(&vtd->unit->lock);
	ret = vtd_context_write(vtd->unit->root, &vtd->unit->pages, device->source_id, &context);
	rte_spinlock_unlock(&vtd->unit->lock);
	if (ret != 0)
		return base_error_set(err, ret, "no page for the context table of %s",
				      device->name);
	vtd_contexts_invalidate(&vtd->unit->contexts, device->source_id);
	return 0;
}

static void vtd_detach(struct iommu_device *device)
{
	struct vtd_domain *vtd = device->domain->priv;

	rte_spinlock_lock(&vtd->unit->lock);
	vtd_context_clear(vtd->unit->root, device->source_id);
	rte_spinlock_unlock(&vtd->unit->lock);
	vtd_contexts_invalidate(&vtd->unit->contexts, device->source_id);
}

/* --- mappings ------------------------------------------------------------------------------- */

static int vtd_map(struct iommu_domain *domain, const struct iommu_mapping *mapping)
{
	struct vtd_domain *vtd = domain->priv;
	const struct vtd_memory *memory = &vtd->unit->memory;
	struct vtd_memory_cursor *cursor = &vtd->memory;
	uint64_t offset = (uintptr_t)mapping->vaddr - (uintptr_t)cursor->range.vaddr;
	bool is_stale;
	int ret;

	/* Memory is named by address here, not by pa, so the cursor is filled the other way round.
	 */
	if (cursor->generation != __atomic_load_n(&memory->generation, __ATOMIC_ACQUIRE) ||
	    offset >= cursor->range.size || cursor->range.size - offset < mapping->size) {
		if (vtd_memory_seek_vaddr(memory, cursor, mapping->vaddr, mapping->size) != 0)
			return -EFAULT;
		offset = (uintptr_t)mapping->vaddr - (uintptr_t)cursor->range.vaddr;
	}
	ret = vtd_tables_map(&vtd->tables, mapping, cursor->range.pa + offset, &is_stale);
	if (ret != 0)
		return ret;
	vtd->stats.maps++;
	vtd->stats.mapped_bytes += mapping->size;
	/* Where a walk cache still leads to a table before, whose sync is still to come. */
	if (is_stale) {
		vtd->stats.map_flushes++;
		vtd_invalidate_range(vtd->unit, vtd->id, mapping->iova,
				     mapping->iova + (mapping->size - 1), false);
	}
	return 0;
}

static void vtd_unmap(struct iommu_domain *domain, const struct iommu_mapping *mapping,
		      struct iommu_gather *gather)
{
	struct vtd_domain *vtd = domain->priv;

	vtd->stats.unmaps++;
	vtd->stats.unmapped_bytes += mapping->size;
	vtd_tables_unmap(&vtd->tables, mapping->iova, mapping->size, gather);
}

static void vtd_free_tables(struct iommu_domain *domain, void *freelist)
{
	struct vtd_domain *vtd = domain->priv;

	vtd_tables_free(&vtd->tables, freelist);
}

const struct iommu_ops vtd_ops = {
	.name = "vtd",
	.unit_create = vtd_unit_create,
	.unit_destroy = vtd_unit_destroy,
	.memory_add = vtd_memory_add_op,
	.memory_remove = vtd_memory_remove_op,
	.domain_create = vtd_domain_create,
	.domain_destroy = vtd_domain_destroy,
	.attach = vtd_attach,
	.detach = vtd_detach,
	.map = vtd_map,
	.unmap = vtd_unmap,
	.sync = vtd_sync,
	.free_tables = vtd_free_tables,
	.iova_to_phys = vtd_iova_to_phys,
	.walk = vtd_walk,
	.for_each_leaf = vtd_for_each_leaf,
	.translator_create = vtd_translator_create,
	.translator_destroy = vtd_translator_destroy,
};

/* --- beyond the ops ------------------------------------------------------------------------- */

void vtd_unit_stats(const struct iommu_unit *unit, struct vtd_stats *stats)
{
	struct vtd_unit *vtd = unit->priv;

	memset(stats, 0, sizeof(*stats));
	for (unsigned int i = 0; i < VTD_IOTLB_STRIPES; i++) {
		struct vtd_iotlb_stripe *stripe = &vtd->iotlb.stripe[i];

		rte_spinlock_lock(&stripe->lock);
		stats->fills += stripe->order;
		stats->evictions += stripe->evictions;
		stats->dropped_fills += stripe->dropped;
		rte_spinlock_unlock(&stripe->lock);
	}
	stats->invalidations_page = __atomic_load_n(&vtd->invalidations[BY_PAGE], __ATOMIC_RELAXED);
	stats->invalidations_domain =
		__atomic_load_n(&vtd->invalidations[BY_DOMAIN], __ATOMIC_RELAXED);
	stats->invalidations_global =
		__atomic_load_n(&vtd->invalidations[GLOBAL], __ATOMIC_RELAXED);
	rte_spinlock_lock(&vtd->pages.lock);
	stats->table_pages = vtd->pages.used_count;
	rte_spinlock_unlock(&vtd->pages.lock);
}

void vtd_domain_stats(struct iommu_domain *domain, struct vtd_domain_stats *stats)
{
	const struct vtd_domain *vtd = domain->priv;

	rte_spinlock_lock(&domain->lock);
	*stats = vtd->stats;
	rte_spinlock_unlock(&domain->lock);
}

const struct iotlb_geometry *vtd_unit_geometry(const struct iommu_unit *unit)
{
	const struct vtd_unit *vtd = unit->priv;

	return &vtd->iotlb.geometry;
}

void vtd_unit_set_root(struct iommu_unit *unit, uint64_t root_pa)
{
	struct vtd_unit *vtd = unit->priv;

	__atomic_store_n(&vtd->contexts.root_pa, root_pa, __ATOMIC_RELAXED);
	vtd_unit_invalidate(unit);
}

uint64_t vtd_unit_root(const struct iommu_unit *unit)
{
	const struct vtd_unit *vtd = unit->priv;

	return vtd->contexts.root_pa;
}

void vtd_unit_invalidate(struct iommu_unit *unit)
{
	struct vtd_unit *vtd = unit->priv;

	vtd_contexts_invalidate_all(&vtd->contexts);
	vtd_invalidate_all(vtd);
}
