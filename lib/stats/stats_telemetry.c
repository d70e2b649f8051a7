/* SPDX-License-Identifier: BSD-3-Clause */
/* The snapshot behind DPDK's telemetry socket: /iommu/... */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <rte_common.h>
#include <rte_telemetry.h>

#include "stats.h"
#include "stats_tel.h"

/*
 * 22.11's telemetry: an answer is cut at 16 KiB, a dictionary at 256 entries, a string at 128
 * bytes; there are no floats and no lists of dictionaries. Hence lists are dictionaries
 * of numbered ones, and long lists come in pages whose last entry, "next", asks for the next page.
 */
#define PAGE_MAPS    64
#define PAGE_FAULTS  32
#define PAGE_DOMAINS 8

static struct stats_provider provider;
static bool is_started;

/* --- parameters ----------------------------------------------------------------------------------
 */

/* Reads the next of "a,b,c", decimal or 0x; -EINVAL. *cursor is NULL after the last one. */
static int param_u64(const char **cursor, uint64_t *value)
{
	char *end;

	if (*cursor == NULL || **cursor < '0' || **cursor > '9')
		return -EINVAL;
	errno = 0;
	*value = strtoull(*cursor, &end, 0);
	if (errno != 0 || (*end != '\0' && *end != ','))
		return -EINVAL;
	*cursor = *end == ',' ? end + 1 : NULL;
	return 0;
}

/* "rx," or "tx," */
static int param_direction(const char **cursor, bool *is_rx)
{
	if (*cursor == NULL || (strncmp(*cursor, "rx,", 3) != 0 && strncmp(*cursor, "tx,", 3) != 0))
		return -EINVAL;
	*is_rx = **cursor == 'r';
	*cursor += 3;
	return 0;
}

/* --- commands ------------------------------------------------------------------------------------
 */

static int tel_domains(const struct stats_report *report, const char *params,
		       struct rte_tel_data *data)
{
	uint64_t from = 0;
	char name[16];

	if (params != NULL && param_u64(&params, &from) != 0)
		return -EINVAL;
	for (uint64_t i = from; i < report->domain_count; i++) {
		struct rte_tel_data *inner;

		if (i - from == PAGE_DOMAINS) {
			stats_tel_add_u64(data, "next", i);
			break;
		}
		inner = stats_tel_create();
		if (inner == NULL)
			return -ENOMEM;
		stats_tel_add_domain(inner, &report->domains[i]);
		snprintf(name, sizeof(name), "%u", report->domains[i].id);
		stats_tel_add(data, name, inner);
	}
	return 0;
}

static struct iommu_domain *domain_find(uint64_t id)
{
	struct iommu_domain *domain = NULL;

	while ((domain = iommu_domain_next(domain)) != NULL) {
		if (iommu_domain_id(domain) == id)
			break;
	}
	return domain;
}

static int tel_maps(uint64_t id, uint64_t from, struct rte_tel_data *data)
{
	struct iommu_mapping maps[PAGE_MAPS + 1];
	struct iommu_domain *domain = domain_find(id);
	struct rte_tel_data *inner = stats_tel_create();
	unsigned int count;

	if (domain == NULL || inner == NULL) {
		rte_tel_data_free(inner);
		return inner == NULL ? -ENOMEM : -ENODEV;
	}
	count = iommu_mappings(domain, from, maps, PAGE_MAPS + 1);
	for (unsigned int i = 0; i < count && i < PAGE_MAPS; i++)
		stats_tel_add_map(inner, i, &maps[i]);
	stats_tel_add(data, "maps", inner);
	if (count > PAGE_MAPS)
		stats_tel_add_u64(data, "next", maps[PAGE_MAPS].iova);
	return 0;
}

static int tel_domain(const struct stats_report *report, const char *params,
		      struct rte_tel_data *data)
{
	uint64_t id = 0, from = 0;

	if (param_u64(&params, &id) != 0 || (params != NULL && param_u64(&params, &from) != 0))
		return -EINVAL;
	for (unsigned int i = 0; i < report->domain_count; i++) {
		if (report->domains[i].id != id)
			continue;
		stats_tel_add_domain(data, &report->domains[i]);
		return tel_maps(id, from, data);
	}
	return -ENODEV;
}

struct fault_ref {
	uint32_t domain;
	const struct iommu_fault *fault;
};

static int newest_first(const void *a, const void *b)
{
	const struct fault_ref *x = a, *y = b;

	if (x->fault->time_ns != y->fault->time_ns)
		return x->fault->time_ns < y->fault->time_ns ? 1 : -1;
	return x->fault < y->fault ? 1 : x->fault > y->fault ? -1 : 0;
}

/* What the kernel's log leaves out: the total is a lower bound where real devices are. */
static void add_fault_log(struct rte_tel_data *data, const struct stats_kernel *kernel)
{
	if (!kernel->has_log)
		return;
	stats_tel_add_u64(data, "lines_left_out", kernel->lines_left_out);
	stats_tel_add_u64(data, "records_lost", kernel->records_lost);
	stats_tel_add_u64(data, "overflows", kernel->overflows);
	stats_tel_add_u64(data, "unattributed", kernel->unattributed);
}

static int tel_faults(const struct stats_report *report, const char *params,
		      struct rte_tel_data *data)
{
	uint64_t from = 0, total = 0, kept = 0;
	struct rte_tel_data *inner;
	struct fault_ref *refs;
	char name[24];

	if (params != NULL && param_u64(&params, &from) != 0)
		return -EINVAL;
	for (unsigned int i = 0; i < report->domain_count; i++) {
		if (report->domains[i].faults_total != STATS_NA)
			total += report->domains[i].faults_total;
		kept += report->domains[i].fault_count;
	}
	refs = calloc(kept + 1, sizeof(*refs));
	inner = stats_tel_create();
	if (refs == NULL || inner == NULL) {
		free(refs);
		rte_tel_data_free(inner);
		return -ENOMEM;
	}
	kept = 0;
	for (unsigned int i = 0; i < report->domain_count; i++) {
		const struct stats_domain *domain = &report->domains[i];

		for (unsigned int f = 0; f < domain->fault_count; f++)
			refs[kept++] = (struct fault_ref){domain->id, &domain->faults[f]};
	}
	qsort(refs, kept, sizeof(*refs), newest_first);
	for (uint64_t i = from; i < kept && i - from < PAGE_FAULTS; i++) {
		snprintf(name, sizeof(name), "%" PRIu64, i);
		stats_tel_add_fault(inner, name, refs[i].domain, refs[i].fault);
	}
	stats_tel_add_u64(data, "total", total);
	stats_tel_add_u64(data, "kept", kept);
	add_fault_log(data, &report->kernel);
	stats_tel_add(data, "faults", inner);
	if (from < kept && kept - from > PAGE_FAULTS)
		stats_tel_add_u64(data, "next", from + PAGE_FAULTS);
	free(refs);
	return 0;
}

/* The queue that "port,rx|tx,queue" names. */
static int find_queue(const struct stats_report *report, const char *params,
		      const struct stats_queue **out)
{
	const struct stats_queue *queues;
	const struct stats_port *port;
	uint64_t id, queue;
	unsigned int count;
	bool is_rx;

	if (param_u64(&params, &id) != 0 || id > UINT16_MAX ||
	    param_direction(&params, &is_rx) != 0 || param_u64(&params, &queue) != 0)
		return -EINVAL;
	port = stats_report_port(report, (uint16_t)id);
	if (port == NULL)
		return -ENODEV;
	queues = is_rx ? port->rx_queues : port->tx_queues;
	count = is_rx ? port->rx_queue_count : port->tx_queue_count;
	for (unsigned int i = 0; i < count; i++) {
		if (queues[i].queue != queue)
			continue;
		*out = &queues[i];
		return 0;
	}
	return -ENODEV;
}

static int tel_queue(const struct stats_report *report, const char *params,
		     struct rte_tel_data *data)
{
	const struct stats_queue *queue;
	int ret = find_queue(report, params, &queue);

	if (ret == 0)
		stats_tel_add_queue(data, queue);
	return ret;
}

static int tel_curve(const struct stats_report *report, const char *params,
		     struct rte_tel_data *data)
{
	const struct stats_queue *queue;
	int ret = find_queue(report, params, &queue);

	if (ret == 0)
		stats_tel_add_curves(data, &queue->iotlb.model);
	return ret;
}

static int tel_units(const struct stats_report *report, const char *params __rte_unused,
		     struct rte_tel_data *data)
{
	for (unsigned int i = 0; i < report->unit_count; i++) {
		struct rte_tel_data *inner = stats_tel_create();

		if (inner == NULL)
			return -ENOMEM;
		stats_tel_add_unit(inner, &report->units[i]);
		stats_tel_add(data, report->units[i].name, inner);
	}
	return 0;
}

static int tel_counters(const struct stats_report *report, const char *params,
			struct rte_tel_data *data)
{
	uint64_t from = 0;

	if (params != NULL && param_u64(&params, &from) != 0)
		return -EINVAL;
	return stats_tel_add_pmu(data, &report->pmu, from);
}

static int tel_iova(const struct stats_report *report, const char *params __rte_unused,
		    struct rte_tel_data *data)
{
	if (report->has_iova)
		stats_tel_add_space(data, &report->iova);
	return 0;
}

/* --- registration
 * ---------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	int (*answer)(const struct stats_report *report, const char *params,
		      struct rte_tel_data *data);
	const char *help;
} commands[] = {
	{"/iommu/domains", tel_domains,
	 "Domains by id, 8 a page. Parameters: none, or the \"next\" of the page before"},
	{"/iommu/domain", tel_domain,
	 "A domain and its mappings, 64 a page. Parameters: domain id[,IOVA to begin at: \"next\" "
	 "of the page before]"},
	{"/iommu/faults", tel_faults,
	 "The last faults of all domains, newest first, 32 a page. Parameters: none, or the "
	 "\"next\" of the page before"},
	{"/iommu/queue", tel_queue,
	 "Packets, IOTLB and mapping figures of a queue. Parameters: port,rx|tx,queue"},
	{"/iommu/curve", tel_curve,
	 "Miss ratio of a queue by entries of the IOTLB, in millionths: a model. Parameters: "
	 "port,rx|tx,queue"},
	{"/iommu/iova", tel_iova, "What is free of the IOVA plan, in bytes. No parameters"},
	{"/iommu/units", tel_units,
	 "What all queues behind an IOMMU unit ask of its IOTLB together: a model. No parameters"},
	{"/iommu/counters", tel_counters,
	 "Hardware counters of IOMMUs, or why there are none, 16 units a page. Parameters: none, "
	 "or the \"next\" of the page before"},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* Telemetry's thread. A snapshot is taken and freed under the lock; nothing is kept. */
static int answer(const char *cmd, const char *params, struct rte_tel_data *data)
{
	struct stats_report *report = NULL;
	int ret = -ENODEV;

	rte_tel_data_start_dict(data);
	if (params != NULL && *params == '\0')
		params = NULL;
	stats_lock();
	if (is_started)
		ret = provider.collect(provider.arg, &report);
	for (size_t i = 0; ret == 0 && i < COMMANDS; i++) {
		if (strcmp(commands[i].name, cmd) != 0)
			continue;
		ret = commands[i].answer(report, params, data);
		break;
	}
	stats_report_destroy(report);
	stats_unlock();
	return ret;
}

int stats_telemetry_start(const struct stats_provider *with)
{
	static bool is_registered;
	int ret;

	for (size_t i = 0; !is_registered && i < COMMANDS; i++) {
		ret = rte_telemetry_register_cmd(commands[i].name, answer, commands[i].help);
		if (ret != 0 && ret != -EEXIST)
			return ret;
	}
	is_registered = true;
	stats_lock();
	provider = *with;
	is_started = true;
	stats_unlock();
	return 0;
}

void stats_telemetry_stop(void)
{
	stats_lock();
	is_started = false;
	stats_unlock();
}
