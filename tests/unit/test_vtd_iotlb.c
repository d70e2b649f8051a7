/* SPDX-License-Identifier: BSD-3-Clause */
/* The unit's IOTLB against a naive model of lists: every hit, miss and eviction, one thread. */
#include <stdbool.h>
#include <string.h>

#include "vtd_env.h"

#define RW	 (IOMMU_READ | IOMMU_WRITE)
#define DOMAINS	 2
#define BURST	 32
#define BURSTS	 6000
#define KEYS_MAX 1024

static const unsigned int shifts[] = {12, 21, 30};
static const uint64_t bases[] = {UINT64_C(0x10000000), UINT64_C(0x100000000),
				 UINT64_C(0x4000000000)};
static const uint64_t pages[] = {700, 90, 6};

/* --- the model ------------------------------------------------------------------------------ */

struct key {
	unsigned int domain;
	unsigned int shift;
	uint64_t page;
};

/* One list for each set, the entry to evict last: a page is moved to its head, or put there. */
struct model {
	struct iotlb_geometry geometry;
	struct key list[KEYS_MAX][KEYS_MAX]; /* [set][place] */
	unsigned int length[KEYS_MAX];
	uint64_t hits;
	uint64_t misses;
	uint64_t evictions;
};

static struct model model;

static void model_reset(const struct iotlb_geometry *geometry)
{
	memset(&model, 0, sizeof(model));
	model.geometry = *geometry;
}

static void put_at_head(struct key *list, unsigned int place, struct key key)
{
	memmove(list + 1, list, place * sizeof(*list));
	list[0] = key;
}

static void model_lookup(struct key key)
{
	unsigned int set = key.page % (model.geometry.entries / model.geometry.ways);
	struct key *list = model.list[set];
	unsigned int *length = &model.length[set];

	for (unsigned int i = 0; i < *length; i++) {
		if (memcmp(&list[i], &key, sizeof(key)) == 0) {
			model.hits++;
			if (model.geometry.replacement == IOTLB_LRU)
				put_at_head(list, i, key);
			return;
		}
	}
	model.misses++;
	if (*length == model.geometry.ways) {
		unsigned int evicted = model.geometry.replacement == IOTLB_FLUSH ? *length : 1;

		model.evictions += evicted;
		*length -= evicted;
	}
	put_at_head(list, *length, key);
	(*length)++;
}

/* Takes out the pages of a domain that overlap [first, last]. */
static void model_invalidate(unsigned int domain, uint64_t first, uint64_t last)
{
	for (unsigned int set = 0; set < KEYS_MAX; set++) {
		unsigned int kept = 0;

		for (unsigned int i = 0; i < model.length[set]; i++) {
			struct key key = model.list[set][i];
			uint64_t start = key.page << key.shift;
			uint64_t end = start + (UINT64_C(1) << key.shift) - 1;

			if (key.domain != domain || end < first || start > last)
				model.list[set][kept++] = key;
		}
		model.length[set] = kept;
	}
}

/* --- the unit ------------------------------------------------------------------------------- */

struct pair {
	struct vtd_env env;
	struct iommu_domain *domain[DOMAINS];
	struct iommu_device *device;
	struct iommu_translator *translator[DOMAINS];
};

static struct pair pair;

static void map_page(unsigned int domain, unsigned int size, uint64_t page)
{
	uint64_t bytes = UINT64_C(1) << shifts[size];
	uint8_t *vaddr = pair.env.memory + page * bytes % pair.env.memory_size;

	assert_int_equal(
		iommu_map(pair.domain[domain], bases[size] + page * bytes, vaddr, bytes, bytes, RW),
		0);
}

static void pair_open(const struct iotlb_geometry *geometry)
{
	const struct vtd_config config = {.geometry = *geometry};
	const struct iommu_domain_config domain = {0};

	vtd_env_open(&pair.env, &config, 0, UINT64_C(2) << 30);
	pair.domain[0] = pair.env.domain;
	pair.translator[0] = pair.env.translator;
	assert_int_equal(iommu_domain_create(pair.env.unit, &domain, &pair.domain[1], NULL), 0);
	assert_int_equal(iommu_attach(pair.domain[1], "second", 0x0042, &pair.device, NULL), 0);
	assert_int_equal(iommu_translator_create(pair.device, false, 3, &pair.translator[1]), 0);
	for (unsigned int i = 0; i < DOMAINS; i++) {
		for (unsigned int size = 0; size < 3; size++) {
			for (uint64_t page = 0; page < pages[size]; page++)
				map_page(i, size, page);
		}
	}
}

static void pair_close(void)
{
	iommu_translator_destroy(pair.translator[1]);
	assert_int_equal(iommu_detach(pair.device), 0);
	assert_int_equal(iommu_domain_destroy(pair.domain[1]), 0);
	vtd_env_close(&pair.env);
}

static void remap(unsigned int domain, unsigned int size, uint64_t page)
{
	uint64_t bytes = UINT64_C(1) << shifts[size], iova = bases[size] + page * bytes;
	struct iommu_gather gather = {0};

	assert_int_equal(iommu_unmap(pair.domain[domain], iova, bytes, &gather), 0);
	assert_int_equal(iommu_sync(pair.domain[domain], &gather), 0);
	map_page(domain, size, page);
	/* A sync that spans more than 2 MiB invalidates the whole domain (vtd_unit.h). */
	if (shifts[size] > 21)
		model_invalidate(domain, 0, UINT64_MAX);
	else
		model_invalidate(domain, iova, iova + bytes - 1);
}

/* --- both ----------------------------------------------------------------------------------- */

static void random_access(struct iommu_access *access, unsigned int domain, uint64_t *random)
{
	unsigned int size = unit_random(random) % 8;
	uint64_t page, bytes;

	size = size < 5 ? 0 : size - 5;
	bytes = UINT64_C(1) << shifts[size];
	/* Low pages more often than high ones, so that there is something to keep. */
	page = unit_random(random) % (1 + unit_random(random) % pages[size]);
	access->iova = bases[size] + page * bytes + unit_random(random) % bytes;
	access->len = 1 + (uint32_t)(unit_random(random) % 5000);
	access->prot = IOMMU_READ;
	if (access->iova + access->len > bases[size] + pages[size] * bytes)
		access->len = (uint32_t)(bases[size] + pages[size] * bytes - access->iova);
	for (uint64_t i = access->iova >> shifts[size];
	     i <= (access->iova + access->len - 1) >> shifts[size]; i++) {
		struct key key;

		memset(&key, 0, sizeof(key));
		key.domain = domain;
		key.shift = shifts[size];
		key.page = i;
		model_lookup(key);
	}
}

static void compare(void)
{
	uint64_t hits = 0, misses = 0, lookups = 0;
	struct vtd_stats stats;

	for (unsigned int i = 0; i < DOMAINS; i++) {
		hits += pair.translator[i]->counters.hits;
		misses += pair.translator[i]->counters.misses;
		lookups += pair.translator[i]->counters.lookups;
	}
	vtd_unit_stats(pair.env.unit, &stats);
	assert_int_equal(lookups, model.hits + model.misses);
	assert_int_equal(hits, model.hits);
	assert_int_equal(misses, model.misses);
	assert_int_equal(stats.evictions, model.evictions);
	assert_int_equal(stats.fills, model.misses);
	assert_int_equal(stats.dropped_fills, 0);
}

static void run(const struct iotlb_geometry *geometry, unsigned int bursts)
{
	struct iommu_access accesses[BURST];
	struct iommu_span spans[BURST * 3];
	uint64_t random = geometry->entries;

	pair_open(geometry);
	model_reset(geometry);
	for (unsigned int i = 0; i < bursts; i++) {
		unsigned int domain = unit_random(&random) % DOMAINS;
		uint16_t n = 1 + unit_random(&random) % BURST;

		if (unit_random(&random) % 8 == 0) {
			unsigned int size = unit_random(&random) % 64 == 0 ? 2 : i % 2;

			remap(domain, size, unit_random(&random) % (pages[size] / 3));
		}
		for (unsigned int j = 0; j < n; j++)
			random_access(&accesses[j], domain, &random);
		iommu_burst_begin(pair.translator[domain]);
		assert_int_equal(iommu_translate_burst(pair.translator[domain], accesses, n, spans,
						       BURST * 3),
				 n);
		iommu_burst_end(pair.translator[domain]);
		for (unsigned int j = 0; j < n; j++)
			assert_int_not_equal(accesses[j].span_count, 0);
		compare();
	}
	/* The comparison saw both. */
	assert_true(model.hits > 500);
	assert_true(model.misses > 1000);
	pair_close();
}

static void lru_equals_the_list_model(void **state)
{
	static const struct iotlb_geometry geometries[] = {
		{"128x8", 128, 8, IOTLB_LRU, 64},   {"64x64", 64, 64, IOTLB_LRU, 64},
		{"16x1", 16, 1, IOTLB_LRU, 4},	    {"48x3", 48, 3, IOTLB_LRU, 0},
		{"1024x4", 1024, 4, IOTLB_LRU, 64}, {"512x512", 512, 512, IOTLB_LRU, 64},
		{"1x1", 1, 1, IOTLB_LRU, 1},
	};

	for (unsigned int i = 0; i < sizeof(geometries) / sizeof(geometries[0]); i++)
		run(&geometries[i], BURSTS);
}

static void fifo_equals_the_list_model(void **state)
{
	static const struct iotlb_geometry geometries[] = {
		{"128x8", 128, 8, IOTLB_FIFO, 64},
		{"64x64", 64, 64, IOTLB_FIFO, 64},
	};

	for (unsigned int i = 0; i < 2; i++)
		run(&geometries[i], BURSTS);
}

static void a_full_qemu_iotlb_is_emptied_at_once(void **state)
{
	static const struct iotlb_geometry qemu = {"qemu", 1024, 1024, IOTLB_FLUSH, 0};
	static const struct iotlb_geometry small = {"small", 24, 24, IOTLB_FLUSH, 0};

	run(&qemu, BURSTS);
	run(&small, BURSTS);
	assert_true(model.evictions > 1000);
}

/* Which entry goes is chance; that one goes only when the set is full is not. */
static void random_replacement_evicts_only_from_full_sets(void **state)
{
	static const struct iotlb_geometry geometry = {"random", 32, 32, IOTLB_RANDOM, 64};
	struct vtd_stats stats;
	struct vtd_env env;
	const struct iommu_counters *counters;
	uint64_t random = 1;
	const struct vtd_config config = {.geometry = geometry};

	vtd_env_open(&env, &config, 0, 64 * ENV_PAGE);
	assert_int_equal(iommu_map(env.domain, 0, env.memory, 64 * ENV_PAGE, ENV_PAGE, RW), 0);
	for (unsigned int i = 0; i < 100000; i++)
		assert_non_null(vtd_env_read(&env, unit_random(&random) % 64 * ENV_PAGE));
	counters = &env.translator->counters;
	vtd_unit_stats(env.unit, &stats);
	assert_int_equal(stats.fills, counters->misses);
	assert_int_equal(stats.evictions, counters->misses - 32);
	/* Uniform accesses to twice what it holds hit every second time, whatever goes. */
	assert_in_range(counters->hits, 48000, 52000);
	vtd_env_close(&env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lru_equals_the_list_model),
		cmocka_unit_test(fifo_equals_the_list_model),
		cmocka_unit_test(a_full_qemu_iotlb_is_emptied_at_once),
		cmocka_unit_test(random_replacement_evicts_only_from_full_sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
