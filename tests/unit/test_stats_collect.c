/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of taking and clearing a snapshot, with a fake backend. */
#include <errno.h>
#include <string.h>

#include "fake_iommu.h"
#include "stats.h"
#include "unit.h"

static struct iommu_unit *unit;
static struct iommu_domain *domain;
static struct iommu_device *device;

static void set_up(bool is_protected)
{
	fake_reset();
	fake.limits.is_protected = is_protected;
	fake_attach(&unit, &domain, &device);
}

static void tear_down(void)
{
	fake_detach(unit, domain, device);
}

static struct iommu_translator *translator(bool is_rx, uint16_t queue, uint64_t lookups)
{
	struct iommu_translator *made;

	assert_int_equal(iommu_translator_create(device, is_rx, queue, &made), 0);
	made->counters = (struct iommu_counters){lookups, lookups - 2, 2, 7, 1};
	return made;
}

static void a_queue_shows_its_own_counters(void **state)
{
	struct iommu_translator *rx, *tx;
	struct stats_iotlb iotlb;

	set_up(true);
	rx = translator(true, 3, 100);
	tx = translator(false, 3, 200);
	stats_collect_iotlb("dev0", true, 3, &iotlb);
	assert_int_equal(iotlb.source, STATS_SOURCE_EXACT);
	assert_int_equal(iotlb.lookups, 100);
	assert_int_equal(iotlb.hits, 98);
	assert_int_equal(iotlb.misses, 2);
	assert_int_equal(iotlb.walk_reads, 7);
	assert_int_equal(iotlb.faults, 1);
	assert_false(iotlb.model.is_tracked);
	stats_collect_iotlb("dev0", false, 3, &iotlb);
	assert_int_equal(iotlb.lookups, 200);
	iommu_translator_destroy(rx);
	iommu_translator_destroy(tx);
	tear_down();
}

static void expect_none(const char *name, uint16_t queue)
{
	struct stats_iotlb iotlb;

	stats_collect_iotlb(name, true, queue, &iotlb);
	assert_int_equal(iotlb.source, STATS_SOURCE_NONE);
	assert_int_equal(iotlb.lookups, STATS_NA);
	assert_int_equal(iotlb.faults, STATS_NA);
}

static void what_nobody_counts_does_not_apply(void **state)
{
	struct iommu_translator *rx;

	set_up(true);
	rx = translator(true, 0, 100);
	expect_none("dev0", 1);
	expect_none("nobody", 0);
	iommu_translator_destroy(rx);
	tear_down();

	set_up(false); /* a unit that does not translate has no IOTLB */
	rx = translator(true, 0, 100);
	expect_none("dev0", 0);
	iommu_translator_destroy(rx);
	tear_down();
}

static void clearing_writes_no_counter_and_counts_from_there(void **state)
{
	struct iommu_translator *rx;
	struct stats_iotlb iotlb;

	set_up(true);
	rx = translator(true, 0, 100);
	assert_int_equal(stats_clear_iommu("dev0"), 0);
	assert_int_equal(rx->counters.lookups, 100);
	stats_collect_iotlb("dev0", true, 0, &iotlb);
	assert_int_equal(iotlb.source, STATS_SOURCE_EXACT);
	assert_int_equal(iotlb.lookups, 0);
	assert_int_equal(iotlb.walk_reads, 0);
	rx->counters.lookups += 5;
	stats_collect_iotlb("dev0", true, 0, &iotlb);
	assert_int_equal(iotlb.lookups, 5);
	assert_int_equal(stats_clear_iommu("dev0"), 0);
	stats_collect_iotlb("dev0", true, 0, &iotlb);
	assert_int_equal(iotlb.lookups, 0);
	iommu_translator_destroy(rx);
	tear_down();
}

static void a_queue_set_up_again_counts_from_0(void **state)
{
	struct iommu_translator *rx;
	struct stats_iotlb iotlb;

	set_up(true);
	rx = translator(true, 0, 100);
	assert_int_equal(stats_clear_iommu("dev0"), 0);
	iommu_translator_destroy(rx);
	/* More than what was cleared: a comparison of the figures alone would take it off. */
	rx = translator(true, 0, 150);
	stats_collect_iotlb("dev0", true, 0, &iotlb);
	assert_int_equal(iotlb.lookups, 150);
	iommu_translator_destroy(rx);
	tear_down();
}

static void clearing_also_clears_the_faults(void **state)
{
	struct stats_report report = {0};
	struct iommu_translator *rx;

	set_up(true);
	rx = translator(true, 2, 10);
	iommu_report_fault(rx, 0x5000, IOMMU_WRITE, 5);
	assert_int_equal(stats_collect_domains(&report), 0);
	assert_int_equal(report.domain_count, 1);
	assert_int_equal(report.domains[0].faults_total, 1);
	assert_int_equal(report.domains[0].faults_by_reason[5], 1);
	assert_int_equal(report.domains[0].fault_count, 1);
	assert_int_equal(report.domains[0].faults[0].iova, 0x5000);
	assert_int_equal(report.domains[0].faults[0].queue, 2);
	assert_string_equal(report.domains[0].devices[0], "dev0");
	assert_int_equal(report.domains[0].device_count, 1);
	free(report.domains[0].devices);
	free(report.domains[0].faults);
	free(report.domains);

	assert_int_equal(stats_clear_iommu("dev0"), 0);
	memset(&report, 0, sizeof(report));
	assert_int_equal(stats_collect_domains(&report), 0);
	assert_int_equal(report.domains[0].faults_total, 0);
	assert_int_equal(report.domains[0].fault_count, 0);
	free(report.domains[0].devices);
	free(report.domains[0].faults);
	free(report.domains);
	iommu_translator_destroy(rx);
	tear_down();
}

static void clearing_an_unknown_device_is_refused(void **state)
{
	assert_int_equal(stats_clear_iommu("nobody"), -ENODEV);
}

static void an_empty_histogram_has_no_quantiles(void **state)
{
	static struct dma_ledger ledger = {.policy = DMA_STRICT, .maps = 3};
	struct stats_dma dma;

	base_hist_add(&ledger.map_ns, 10);
	base_hist_add(&ledger.map_ns, 20);
	stats_collect_dma(&ledger, NULL, &dma);
	assert_int_equal(dma.policy, DMA_STRICT);
	assert_int_equal(dma.maps, 3);
	assert_int_equal(dma.map_ns.count, 2);
	assert_int_equal(dma.map_ns.mean, 15);
	assert_int_equal(dma.map_ns.p50, 10);
	assert_int_equal(dma.map_ns.max, 20);
	assert_int_equal(dma.unmap_ns.count, 0);
	assert_int_equal(dma.unmap_ns.p99, STATS_NA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_queue_shows_its_own_counters),
		cmocka_unit_test(what_nobody_counts_does_not_apply),
		cmocka_unit_test(clearing_writes_no_counter_and_counts_from_there),
		cmocka_unit_test(a_queue_set_up_again_counts_from_0),
		cmocka_unit_test(clearing_also_clears_the_faults),
		cmocka_unit_test(clearing_an_unknown_device_is_refused),
		cmocka_unit_test(an_empty_histogram_has_no_quantiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
