/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of /iommu/... over DPDK's telemetry socket: nothing is cut, pages join up. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <jansson.h>
#include <rte_eal.h>

#include "fake_iommu.h"
#include "stats.h"
#include "stats_sample.h"
#include "unit.h"

#define MAPPINGS 200
#define FAULTS	 300

static int client = -1;
static struct iommu_unit *unit;
static struct iommu_domain *domain;
static struct iommu_device *device;
static struct iommu_translator *translator;

/* The sample's ports with the domains that there are. */
static int collect(void *arg, struct stats_report **out)
{
	struct stats_report *report = stats_sample_create();

	for (unsigned int i = 0; i < report->domain_count; i++) {
		free(report->domains[i].devices);
		free(report->domains[i].faults);
	}
	free(report->domains);
	report->domains = NULL;
	report->domain_count = 0;
	assert_int_equal(stats_collect_domains(report), 0);
	*out = report;
	return 0;
}

/* The answer to a command, below its name; null for an error. The caller owns it. */
static json_t *ask(const char *command)
{
	static char answer[32768];
	json_t *json, *inner;
	ssize_t length;

	assert_true(write(client, command, strlen(command)) > 0);
	length = read(client, answer, sizeof(answer) - 1);
	assert_true(length > 0);
	answer[length] = '\0';
	json = json_loads(answer, 0, NULL);
	if (json == NULL)
		fail_msg("%s: no JSON: %s", command, answer);
	inner = json_incref(json_object_iter_value(json_object_iter(json)));
	json_decref(json);
	return inner;
}

static json_int_t number(const json_t *json, const char *key)
{
	const json_t *value = json_object_get(json, key);

	if (!json_is_integer(value))
		fail_msg("%s is missing", key);
	return json_integer_value(value);
}

static const char *text(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

static void a_domain_s_mappings_come_in_pages_and_all_of_them(void **state)
{
	uint64_t next_iova = 0x1000000;
	unsigned int count = 0, pages = 0;
	char command[64];
	json_int_t from = 0;

	for (bool is_last = false; !is_last; pages++) {
		json_t *json, *maps, *map;
		const char *key;

		snprintf(command, sizeof(command), "/iommu/domain,%u,%" JSON_INTEGER_FORMAT,
			 iommu_domain_id(domain), from);
		json = ask(command);
		maps = json_object_get(json, "maps");
		assert_int_equal(number(json, "mappings"), MAPPINGS);
		json_object_foreach(maps, key, map) {
			assert_int_equal(strtoull(text(map, "iova"), NULL, 16), next_iova);
			assert_int_equal(number(map, "size"), 4096);
			assert_string_equal(text(map, "prot"), count % 2 == 0 ? "r" : "rw");
			next_iova += 8192;
			count++;
		}
		is_last = json_object_get(json, "next") == NULL;
		if (!is_last)
			from = number(json, "next");
		json_decref(json);
	}
	assert_int_equal(count, MAPPINGS);
	assert_int_equal(pages, 4);
}

static void faults_come_newest_first_in_pages_and_all_that_are_kept(void **state)
{
	uint64_t expected = FAULTS - 1;
	unsigned int count = 0;
	char command[64];
	json_int_t from = 0;

	for (bool is_last = false; !is_last;) {
		json_t *json, *faults, *fault;
		const char *key;

		snprintf(command, sizeof(command), "/iommu/faults,%" JSON_INTEGER_FORMAT, from);
		json = ask(from == 0 ? "/iommu/faults" : command);
		faults = json_object_get(json, "faults");
		assert_int_equal(number(json, "total"), FAULTS);
		assert_int_equal(number(json, "kept"), IOMMU_FAULT_LOG);
		json_object_foreach(faults, key, fault) {
			assert_int_equal(strtoull(key, NULL, 10), count);
			assert_int_equal(strtoull(text(fault, "iova"), NULL, 16), expected << 12);
			assert_int_equal(number(fault, "domain"), iommu_domain_id(domain));
			assert_string_equal(text(fault, "access"), "write");
			assert_string_equal(text(fault, "direction"), "rx");
			assert_string_equal(text(fault, "text"), iommu_fault_text(5));
			expected--;
			count++;
		}
		is_last = json_object_get(json, "next") == NULL;
		if (!is_last)
			from = number(json, "next");
		json_decref(json);
	}
	assert_int_equal(count, IOMMU_FAULT_LOG);
}

static void a_fault_without_queue_and_direction_leaves_them_out(void **state)
{
	json_t *json, *fault;

	assert_int_equal(iommu_report_device_fault("dev0", 0x5000, 0, IOMMU_REASON_OTHER, "words"),
			 0);
	json = ask("/iommu/faults");
	fault = json_object_get(json_object_get(json, "faults"), "0");
	assert_string_equal(text(fault, "device"), "dev0");
	assert_null(json_object_get(fault, "queue"));
	assert_null(json_object_get(fault, "direction"));
	assert_null(json_object_get(fault, "access"));
	assert_string_equal(text(fault, "iova"), "0x5000");
	assert_string_equal(text(fault, "text"), "words");
	/* what the kernel's log left out, as the sample has it */
	assert_int_equal(number(json, "lines_left_out"), 51);
	assert_int_equal(number(json, "unattributed"), 4);
	json_decref(json);
}

static void all_domains_are_listed_by_their_id(void **state)
{
	json_t *json = ask("/iommu/domains"), *one;
	char id[16];

	snprintf(id, sizeof(id), "%u", iommu_domain_id(domain));
	assert_int_equal(json_object_size(json), 1);
	one = json_object_get(json, id);
	assert_string_equal(text(one, "backend"), fake_ops.name);
	assert_string_equal(text(one, "protection"), "iommu");
	assert_int_equal(number(one, "mappings"), MAPPINGS);
	assert_int_equal(number(one, "mapped_bytes"), MAPPINGS * 4096);
	assert_string_equal(text(one, "faults_source"), "exact");
	assert_int_equal(number(one, "faults_total"), FAULTS);
	assert_int_equal(number(json_object_get(one, "faults_by_reason"), "5"), FAULTS);
	assert_string_equal(json_string_value(json_array_get(json_object_get(one, "devices"), 0)),
			    "dev0");
	json_decref(json);
}

static void domains_come_in_pages_and_all_of_them(void **state)
{
	struct iommu_domain *more[19];
	unsigned int count = 0, pages = 0;
	char command[64] = "/iommu/domains";

	for (unsigned int i = 0; i < 19; i++)
		assert_int_equal(iommu_domain_create(unit, NULL, &more[i], NULL), 0);
	for (bool is_last = false; !is_last; pages++) {
		json_t *json = ask(command), *one;
		const char *key;

		json_object_foreach(json, key, one) {
			if (strcmp(key, "next") == 0)
				continue;
			assert_int_equal(number(one, "id"), strtoull(key, NULL, 10));
			count++;
		}
		is_last = json_object_get(json, "next") == NULL;
		if (!is_last)
			snprintf(command, sizeof(command), "/iommu/domains,%" JSON_INTEGER_FORMAT,
				 number(json, "next"));
		json_decref(json);
	}
	assert_int_equal(count, 20);
	assert_int_equal(pages, 3);
	for (unsigned int i = 0; i < 19; i++)
		assert_int_equal(iommu_domain_destroy(more[i]), 0);
}

static void a_queue_says_what_the_report_says(void **state)
{
	json_t *json = ask("/iommu/queue,0,rx,0"), *want, *got;
	struct stats_report *report = stats_sample_create();
	const struct stats_queue *queue = &report->ports[0].rx_queues[0];

	got = json_object_get(json, "iotlb");
	want = stats_json_iotlb(&queue->iotlb);
	json_object_del(want, "miss_ratio_curve"); /* null: absent */
	json_object_del(want, "pages_touched");
	json_object_del(want, "model");
	assert_true(json_equal(got, want));
	json_decref(want);
	got = json_object_get(json, "dma");
	want = stats_json_dma(queue);
	assert_true(json_equal(got, want));
	json_decref(want);
	assert_int_equal(number(json, "packets"), queue->packets);
	assert_int_equal(number(json, "drops"), queue->drops);
	json_decref(json);
	stats_report_destroy(report);
}

/* A curve of the report's JSON against millionths. */
static void expect_curve(const json_t *curve_ppm, const json_t *want)
{
	char entries[24];

	assert_int_equal(json_object_size(curve_ppm), STATS_CURVE_POINTS);
	assert_int_equal(json_array_size(want), STATS_CURVE_POINTS);
	for (size_t i = 0; i < STATS_CURVE_POINTS; i++) {
		const json_t *point = json_array_get(want, i);
		double ratio = json_real_value(json_array_get(point, 1));

		snprintf(entries, sizeof(entries), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(json_array_get(point, 0)));
		assert_int_equal(number(curve_ppm, entries), (json_int_t)(ratio * 1e6 + 0.5));
	}
}

/* All integers and words of `want` are in `got`. */
static void expect_figures(const json_t *got, const json_t *want)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)want, key, value) {
		if (json_is_integer(value))
			assert_int_equal(number(got, key), json_integer_value(value));
		else if (json_is_string(value))
			assert_string_equal(text(got, key), json_string_value(value));
		else if (json_is_boolean(value))
			assert_int_equal(number(got, key), json_is_true(value));
	}
}

static void ratios_are_millionths(void **state)
{
	struct stats_report *report = stats_sample_create();
	json_t *json = ask("/iommu/queue,0,rx,1"), *curves = ask("/iommu/curve,0,rx,1");
	json_t *want = stats_json_iotlb(&report->ports[0].rx_queues[1].iotlb);
	json_t *got = json_object_get(json, "iotlb");
	json_t *alone = json_object_get(want, "miss_ratio_curve");
	json_t *model = json_object_get(want, "model");
	json_t *shared = json_object_get(model, "shared_curve");

	expect_figures(got, want);
	expect_figures(json_object_get(got, "model"), model);
	expect_curve(json_object_get(got, "miss_ratio_curve_ppm"), alone);
	expect_curve(json_object_get(json_object_get(got, "model"), "shared_curve_ppm"), shared);
	expect_curve(json_object_get(curves, "alone_ppm"), alone);
	expect_curve(json_object_get(curves, "shared_ppm"), shared);
	assert_int_equal(number(json_object_get(curves, "alone_ppm"), "4096"), 1);
	assert_string_equal(text(curves, "source"), "model");
	json_decref(want);
	json_decref(curves);
	json_decref(json);
	stats_report_destroy(report);
}

static void a_unit_says_what_the_report_says(void **state)
{
	struct stats_report *report = stats_sample_create();
	json_t *json = ask("/iommu/units"), *want = stats_json_unit(&report->units[0]);
	json_t *got = json_object_get(json, "vtd0");

	assert_int_equal(json_object_size(json), 1);
	expect_figures(got, want);
	expect_curve(json_object_get(got, "curve_ppm"), json_object_get(want, "curve"));
	json_decref(want);
	json_decref(json);
	stats_report_destroy(report);
}

static void counters_say_what_the_report_says(void **state)
{
	struct stats_report *report = stats_sample_create();
	json_t *json = ask("/iommu/counters"), *units = json_object_get(json, "units");
	json_t *first, *events;

	assert_int_equal(number(json, "available"), 1);
	assert_null(json_object_get(json, "reason"));
	assert_int_equal(json_object_size(units), 2);
	first = json_object_get(units, "0");
	assert_string_equal(text(first, "pmu"), "dmar0");
	assert_string_equal(text(first, "source"), "hw");
	assert_string_equal(text(first, "device"), "0000:18:00.1");
	assert_int_equal(number(first, "misses"), report->pmu.units[0].misses);
	/* one of its events never ran */
	events = json_object_get(first, "events");
	assert_int_equal(json_object_size(events), 1);
	assert_int_equal(number(events, "iotlb_lookup"), report->pmu.units[0].events[1].count);
	assert_null(json_object_get(json_object_get(units, "1"), "device"));
	assert_int_equal(number(json_object_get(units, "1"), "is_scaled"), 1);
	json_decref(json);
	json = ask("/iommu/counters,1");
	assert_null(json_object_get(json_object_get(json, "units"), "0"));
	assert_non_null(json_object_get(json_object_get(json, "units"), "1"));
	json_decref(json);
	stats_report_destroy(report);
}

static void the_plan_says_what_the_report_says(void **state)
{
	struct stats_report *report = stats_sample_create();
	json_t *json = ask("/iommu/iova"), *want = stats_json_iova_plan(report);

	assert_true(json_equal(json, want));
	json_decref(want);
	json_decref(json);
	stats_report_destroy(report);
}

static void a_queue_without_a_model_has_no_curve(void **state)
{
	json_t *json = ask("/iommu/curve,7,rx,0");

	assert_int_equal(json_object_size(json), 0);
	json_decref(json);
}

static void what_does_not_apply_is_absent(void **state)
{
	json_t *json = ask("/iommu/queue,7,rx,0");

	assert_null(json_object_get(json, "packets"));
	assert_null(json_object_get(json, "dma"));
	assert_string_equal(text(json_object_get(json, "iotlb"), "source"), "n/a");
	assert_int_equal(json_object_size(json_object_get(json, "iotlb")), 1);
	json_decref(json);
}

static void wrong_parameters_answer_null(void **state)
{
	static const char *const commands[] = {
		"/iommu/queue",
		"/iommu/queue,0",
		"/iommu/queue,0,up,0",
		"/iommu/queue,0,rx",
		"/iommu/queue,9,rx,0",
		"/iommu/queue,0,rx,9",
		"/iommu/queue,65536,rx,0",
		"/iommu/queue,-1,rx,0",
		"/iommu/queue,0,rx,0x",
		"/iommu/domain",
		"/iommu/domain,x",
		"/iommu/domain,999",
		"/iommu/domains,-1",
		"/iommu/faults,one",
		"/iommu/faults,1x",
	};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		json_t *json = ask(commands[i]);

		if (!json_is_null(json))
			fail_msg("%s was answered", commands[i]);
		json_decref(json);
	}
}

static void after_the_stop_nothing_is_answered(void **state)
{
	const struct stats_provider provider = {.collect = collect};
	json_t *json;

	stats_telemetry_stop();
	json = ask("/iommu/domains");
	assert_true(json_is_null(json));
	json_decref(json);
	assert_int_equal(stats_telemetry_start(&provider), 0);
	json = ask("/iommu/domains");
	assert_true(json_is_object(json));
	json_decref(json);
}

static int set_up_domain(void)
{
	static char memory[4096] __attribute__((aligned(4096)));

	fake_reset();
	if (iommu_unit_create(&fake_ops, 0, NULL, &unit, NULL) != 0 ||
	    iommu_domain_create(unit, NULL, &domain, NULL) != 0 ||
	    iommu_attach(domain, "dev0", 0x100, &device, NULL) != 0 ||
	    iommu_translator_create(device, true, 0, &translator) != 0)
		return -1;
	for (uint64_t i = 0; i < MAPPINGS; i++) {
		uint32_t prot = i % 2 == 0 ? IOMMU_READ : IOMMU_READ | IOMMU_WRITE;

		if (iommu_map(domain, 0x1000000 + i * 8192, memory, 4096, 4096, prot) != 0)
			return -1;
	}
	for (uint64_t i = 0; i < FAULTS; i++)
		iommu_report_fault(translator, i << 12, IOMMU_WRITE, 5);
	return 0;
}

static int set_up(void **state)
{
	const struct stats_provider provider = {.collect = collect};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char greeting[256], prefix[64];
	char *args[] = {"test", "--no-huge",	 "-m",	 "32",		"--no-pci", "-l",
			"0",	"--file-prefix", prefix, "--log-level", "error",    NULL};

	snprintf(prefix, sizeof(prefix), "ioplane-test-%d", (int)getpid());
	if (rte_eal_init((int)(sizeof(args) / sizeof(args[0])) - 1, args) < 0 ||
	    set_up_domain() != 0 || stats_telemetry_start(&provider) != 0)
		return -1;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/dpdk_telemetry.v2",
		 rte_eal_get_runtime_dir());
	client = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	if (connect(client, (struct sockaddr *)&address, sizeof(address)) != 0)
		return -1;
	return read(client, greeting, sizeof(greeting)) > 0 ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *place)
{
	return remove(path);
}

/* EAL leaves its files there. */
static int remove_runtime_dir(const char *path)
{
	return nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static int tear_down(void **state)
{
	char path[256];

	snprintf(path, sizeof(path), "%s", rte_eal_get_runtime_dir());
	close(client);
	stats_telemetry_stop();
	iommu_translator_destroy(translator);
	iommu_detach(device);
	iommu_domain_destroy(domain);
	iommu_unit_destroy(unit);
	if (rte_eal_cleanup() != 0)
		return -1;
	return remove_runtime_dir(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_domain_s_mappings_come_in_pages_and_all_of_them),
		cmocka_unit_test(faults_come_newest_first_in_pages_and_all_that_are_kept),
		cmocka_unit_test(all_domains_are_listed_by_their_id),
		cmocka_unit_test(domains_come_in_pages_and_all_of_them),
		cmocka_unit_test(a_queue_says_what_the_report_says),
		cmocka_unit_test(ratios_are_millionths),
		cmocka_unit_test(a_unit_says_what_the_report_says),
		cmocka_unit_test(counters_say_what_the_report_says),
		cmocka_unit_test(the_plan_says_what_the_report_says),
		cmocka_unit_test(a_queue_without_a_model_has_no_curve),
		cmocka_unit_test(what_does_not_apply_is_absent),
		cmocka_unit_test(wrong_parameters_answer_null),
		cmocka_unit_test(after_the_stop_nothing_is_answered),
		cmocka_unit_test(a_fault_without_queue_and_direction_leaves_them_out),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
