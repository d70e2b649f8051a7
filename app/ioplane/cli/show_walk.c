/* SPDX-License-Identifier: BSD-3-Clause */
/* show iommu walk PORT IOVA: every table level, and what comes out. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <jansson.h>

#include "cli_commands.h"
#include "port.h"
#include "report.h"
#include "show.h"
#include "stats_table.h"

static const char *prot_name(uint32_t prot)
{
	static const char *const names[] = {"none", "read", "write", "read and write"};

	return names[prot & (IOMMU_READ | IOMMU_WRITE)];
}

static void print_steps(const struct iommu_walk *walk)
{
	static const char *const titles[] = {"table",	  "index",	"entry-at",
					     "entry-low", "entry-high", NULL};
	struct stats_table *table;

	if (walk->step_count == 0)
		return;
	table = stats_table_create(titles);
	for (unsigned int i = 0; i < walk->step_count; i++) {
		stats_table_add(table, "%s", walk->step[i].name);
		stats_table_add(table, "%u", walk->step[i].index);
		stats_table_add(table, "0x%" PRIx64, walk->step[i].entry_pa);
		stats_table_add(table, "0x%016" PRIx64, walk->step[i].entry[0]);
		stats_table_add(table, "0x%016" PRIx64, walk->step[i].entry[1]);
	}
	stats_table_print(table, stdout);
	stats_table_destroy(table);
}

static void print_walk(const struct port *port, uint64_t iova, const struct iommu_walk *walk)
{
	printf("Walk of 0x%" PRIx64 " for port %u (%s, domain %u), from the %s\n", iova, port->id,
	       port->name, iommu_domain_id(iommu_device_domain(port->device)), walk->source);
	print_steps(walk);
	if (walk->reason != 0) {
		printf("  faults: reason %u, %s\n", walk->reason, iommu_fault_text(walk->reason));
		return;
	}
	printf("  physical address: 0x%" PRIx64 "\n", walk->pa);
	printf("  page size: %" PRIu64 " bytes\n", walk->page_size);
	printf("  permissions: %s\n", prot_name(walk->prot));
}

static json_t *json_steps(const struct iommu_walk *walk)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < walk->step_count; i++)
		json_array_append_new(array,
				      json_pack("{s:s, s:i, s:o, s:[o, o]}", "table",
						walk->step[i].name, "index", walk->step[i].index,
						"entry_at", stats_json_iova(walk->step[i].entry_pa),
						"entry", stats_json_iova(walk->step[i].entry[0]),
						stats_json_iova(walk->step[i].entry[1])));
	return array;
}

static json_t *json_walk(const struct port *port, uint64_t iova, const struct iommu_walk *walk)
{
	bool is_mapped = walk->reason == 0;

	return json_pack("{s:i, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "port", port->id,
			 "device", port->name, "iova", stats_json_iova(iova), "source",
			 walk->source, "steps", json_steps(walk), "pa",
			 is_mapped ? stats_json_iova(walk->pa) : json_null(), "page_size",
			 is_mapped ? stats_json_u64(walk->page_size) : json_null(), "permissions",
			 is_mapped ? json_string(prot_name(walk->prot)) : json_null(), "reason",
			 is_mapped ? json_null() : json_integer(walk->reason), "text",
			 is_mapped ? json_null() : json_string(iommu_fault_text(walk->reason)));
}

static void run_walk(const struct cli_args *args)
{
	struct port *port = cli_port(args->word[3].number);
	uint64_t iova = args->word[4].number;
	struct iommu_walk walk;
	int ret;

	if (port == NULL)
		return;
	if (port->device == NULL) {
		cli_fail("port %u has no IOMMU domain", port->id);
		return;
	}
	ret = iommu_walk(port->device, iova, &walk);
	if (ret != 0)
		cli_fail("port %u: cannot walk its tables: %s", port->id, strerror(-ret));
	else if (show_is_json())
		report_print_json(json_walk(port, iova, &walk));
	else
		print_walk(port, iova, &walk);
}

const struct cli_command cli_show_walk[] = {
	{"display", "show iommu walk PORT IOVA",
	 "the tables' entries on the way to an address, its page size and permissions, or why it "
	 "faults",
	 .run = run_walk},
	{0},
};
