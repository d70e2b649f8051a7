/* SPDX-License-Identifier: BSD-3-Clause */
/* The fault log: all are counted, the last 256 are kept, each says who, where and why. */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "fake_iommu.h"
#include "iommu_ops.h"

static struct iommu_unit *unit;
static struct iommu_domain *domain;
static struct iommu_device *device;
static struct iommu_translator *translator;

static int setup(void **state)
{
	fake_reset();
	fake_attach(&unit, &domain, &device);
	assert_int_equal(iommu_translator_create(device, true, 5, &translator), 0);
	return 0;
}

static int teardown(void **state)
{
	iommu_translator_destroy(translator);
	fake_detach(unit, domain, device);
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void a_fault_says_who_where_and_why(void **state)
{
	uint64_t before = now_ns();
	struct iommu_fault fault;

	assert_int_equal(iommu_faults(domain, &fault, 1), 0);
	iommu_report_fault(translator, 0x1234, IOMMU_WRITE, 5);
	assert_int_equal(iommu_faults(domain, &fault, 1), 1);
	assert_string_equal(fault.device, "dev0");
	assert_int_equal(fault.source_id, 0x100);
	assert_int_equal(fault.queue, 5);
	assert_true(fault.is_rx);
	assert_int_equal(fault.iova, 0x1234);
	assert_int_equal(fault.access, IOMMU_WRITE);
	assert_int_equal(fault.reason, 5);
	assert_in_range(fault.time_ns, before, now_ns());
}

static void the_last_256_are_kept_and_all_are_counted(void **state)
{
	static struct iommu_fault fault[IOMMU_FAULT_LOG + 1];

	for (uint64_t i = 0; i < 1000; i++)
		iommu_report_fault(translator, i, IOMMU_READ, i % 4 == 0 ? 4 : 6);
	assert_int_equal(iommu_faults_total(domain), 1000);
	assert_int_equal(iommu_faults_of_reason(domain, 4), 250);
	assert_int_equal(iommu_faults_of_reason(domain, 6), 750);
	assert_int_equal(iommu_faults_of_reason(domain, 5), 0);
	assert_int_equal(iommu_faults(domain, fault, IOMMU_FAULT_LOG + 1), IOMMU_FAULT_LOG);
	for (unsigned int i = 0; i < IOMMU_FAULT_LOG; i++)
		assert_int_equal(fault[i].iova, 1000 - IOMMU_FAULT_LOG + i);
	/* Fewer asked for: the last ones. */
	assert_int_equal(iommu_faults(domain, fault, 10), 10);
	assert_int_equal(fault[0].iova, 990);
	assert_int_equal(fault[9].iova, 999);
}

static void a_cleared_log_is_empty(void **state)
{
	struct iommu_fault fault[2];

	iommu_report_fault(translator, 1, IOMMU_READ, 6);
	iommu_faults_clear(domain);
	assert_int_equal(iommu_faults_total(domain), 0);
	assert_int_equal(iommu_faults_of_reason(domain, 6), 0);
	assert_int_equal(iommu_faults(domain, fault, 2), 0);
	iommu_report_fault(translator, 2, IOMMU_READ, 6);
	assert_int_equal(iommu_faults(domain, fault, 2), 1);
	assert_int_equal(fault[0].iova, 2);
}

static void faults_of_one_domain_are_not_those_of_another(void **state)
{
	struct iommu_domain *other;

	assert_int_equal(iommu_domain_create(unit, NULL, &other, NULL), 0);
	iommu_report_fault(translator, 1, IOMMU_READ, 6);
	assert_int_equal(iommu_faults_total(domain), 1);
	assert_int_equal(iommu_faults_total(other), 0);
	assert_int_equal(iommu_domain_destroy(other), 0);
}

/* A unit without translators: its devices are real. */
static void a_real_device_s_fault_has_no_queue_and_keeps_its_words(void **state)
{
	struct iommu_ops ops = fake_ops;
	struct iommu_unit *real;
	struct iommu_domain *its;
	struct iommu_device *nic;
	struct iommu_fault fault[2];

	ops.translator_create = NULL;
	assert_int_equal(iommu_unit_create(&ops, 0, NULL, &real, NULL), 0);
	assert_int_equal(iommu_domain_create(real, NULL, &its, NULL), 0);
	assert_int_equal(iommu_attach(its, "0000:02:00.0", 0x200, &nic, NULL), 0);
	assert_int_equal(iommu_report_device_fault("0000:02:00.0", 0x1000, IOMMU_READ, 6, ""), 0);
	assert_int_equal(iommu_report_device_fault("0000:02:00.0", 0, 0, IOMMU_REASON_OTHER,
						   "C_BAD_STE (0x04)"),
			 0);
	assert_int_equal(iommu_faults(its, fault, 2), 2);
	assert_string_equal(fault[0].device, "0000:02:00.0");
	assert_int_equal(fault[0].source_id, 0x200);
	assert_int_equal(fault[0].queue, IOMMU_QUEUE_UNKNOWN);
	assert_int_equal(fault[0].access, IOMMU_READ);
	assert_string_equal(iommu_fault_words(&fault[0]), "PTE Read access is not set");
	assert_int_equal(fault[1].access, 0);
	assert_string_equal(iommu_fault_words(&fault[1]), "C_BAD_STE (0x04)");
	assert_int_equal(iommu_faults_of_reason(its, IOMMU_REASON_OTHER), 1);
	assert_int_equal(iommu_faults_total(domain), 0);
	assert_int_equal(iommu_report_device_fault("0000:03:00.0", 0x1000, IOMMU_READ, 6, ""),
			 -ENODEV);
	assert_int_equal(iommu_faults_total(its), 2);
	fake_detach(real, its, nic);
}

static void faults_of_real_devices_are_unseen_until_somebody_watches(void **state)
{
	struct iommu_ops ops = fake_ops;
	struct iommu_unit *real;
	struct iommu_domain *its;

	ops.translator_create = NULL;
	assert_int_equal(iommu_unit_create(&ops, 0, NULL, &real, NULL), 0);
	assert_int_equal(iommu_domain_create(real, NULL, &its, NULL), 0);
	assert_int_equal(iommu_faults_source(its), IOMMU_FAULTS_UNSEEN);
	iommu_faults_watch(true);
	assert_int_equal(iommu_faults_source(its), IOMMU_FAULTS_LOG);
	assert_int_equal(iommu_faults_source(domain), IOMMU_FAULTS_EXACT);
	iommu_faults_watch(false);
	assert_int_equal(iommu_domain_destroy(its), 0);
	assert_int_equal(iommu_unit_destroy(real), 0);
}

static void reasons_are_worded_as_linux_words_them(void **state)
{
	assert_string_equal(iommu_fault_text(1), "Present bit in root entry is clear");
	assert_string_equal(iommu_fault_text(2), "Present bit in context entry is clear");
	assert_string_equal(iommu_fault_text(4), "Access beyond MGAW");
	assert_string_equal(iommu_fault_text(5), "PTE Write access is not set");
	assert_string_equal(iommu_fault_text(6), "PTE Read access is not set");
	assert_string_equal(iommu_fault_text(0xc), "non-zero reserved fields in PTE");
	assert_string_equal(iommu_fault_text(0xd),
			    "PCE for translation request specifies blocking");
	assert_string_equal(iommu_fault_text(IOMMU_REASON_NO_MEMORY), "no memory at this address");
	assert_string_equal(iommu_fault_text(0x7f), "Unknown");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_fault_says_who_where_and_why),
		TEST(the_last_256_are_kept_and_all_are_counted),
		TEST(a_cleared_log_is_empty),
		TEST(faults_of_one_domain_are_not_those_of_another),
		TEST(a_real_device_s_fault_has_no_queue_and_keeps_its_words),
		TEST(faults_of_real_devices_are_unseen_until_somebody_watches),
		TEST(reasons_are_worded_as_linux_words_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
