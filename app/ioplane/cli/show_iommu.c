/* SPDX-License-Identifier: BSD-3-Clause */
/* show iommu (groups|domains|maps|faults|limits|counters) [P|all]. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#include "cli_commands.h"
#include "port.h"
#include "report.h"
#include "show.h"
#include "stats_table.h"

#define MAPS_PAGE 64

/*
 * Which domains a command is about: those that its ports are in. "all" is all of the process,
 * also those whose port is gone.
 */
struct choice {
	bool is_all;
	bool is_good; /* false: the command has failed */
	unsigned int count;
	uint32_t ids[RTE_MAX_ETHPORTS];
};

static bool is_chosen(const struct choice *choice, uint32_t id)
{
	for (unsigned int i = 0; i < choice->count; i++) {
		if (choice->ids[i] == id)
			return true;
	}
	return choice->is_all;
}

static void choose(const struct cli_args *args, bool has_word, struct choice *choice)
{
	const char *word = has_word ? args->word[3].text : "all";
	const struct port *port = NULL;

	*choice = (struct choice){.is_all = strcmp(word, "all") == 0, .is_good = true};
	while ((port = cli_port_next(word, port)) != NULL) {
		if (port->device != NULL)
			choice->ids[choice->count++] =
				iommu_domain_id(iommu_device_domain(port->device));
		else if (!choice->is_all)
			cli_fail("port %u has no IOMMU domain", port->id);
	}
	choice->is_good = choice->is_all || choice->count != 0;
}

static void finish(struct stats_table *table)
{
	stats_table_print(table, stdout);
	stats_table_destroy(table);
}

/* --- domains and faults: parts of a snapshot
 * ------------------------------------------------------- */

/* Leaves only the chosen domains in a snapshot. */
static struct stats_report *choose_report(const struct choice *choice)
{
	struct stats_report *report = choice->is_good ? show_report() : NULL;
	unsigned int kept = 0;

	for (unsigned int i = 0; report != NULL && i < report->domain_count; i++) {
		struct stats_domain domain = report->domains[i];

		if (!is_chosen(choice, domain.id))
			continue;
		report->domains[i] = report->domains[kept];
		report->domains[kept++] = domain;
	}
	return report;
}

static unsigned int chosen_count(const struct choice *choice, const struct stats_report *report)
{
	unsigned int count = 0;

	while (count < report->domain_count && is_chosen(choice, report->domains[count].id))
		count++;
	return count;
}

static void show_part(const struct choice *choice,
		      json_t *(*make)(const struct stats_domain *domain),
		      void (*print)(const struct stats_report *report, FILE *file))
{
	struct stats_report *report = choose_report(choice);
	struct stats_report part;

	if (report == NULL)
		return;
	part = *report;
	part.domain_count = chosen_count(choice, report);
	if (show_is_json()) {
		json_t *array = json_array();

		for (unsigned int i = 0; i < part.domain_count; i++)
			json_array_append_new(array, make(&part.domains[i]));
		report_print_json(array);
	} else {
		print(&part, stdout);
	}
	stats_report_destroy(report);
}

static json_t *json_domain(const struct stats_domain *domain)
{
	json_t *json = stats_json_domain(domain);

	json_object_del(json, "faults"); /* show iommu faults has them */
	return json;
}

static json_t *json_faults(const struct stats_domain *domain)
{
	json_t *json = stats_json_domain(domain);
	json_t *faults = json_incref(json_object_get(json, "faults"));
	json_t *reasons = json_incref(json_object_get(json, "faults_by_reason"));

	json_decref(json);
	return json_pack("{s:I, s:s, s:o, s:o, s:o}", "id", (json_int_t)domain->id, "faults_source",
			 iommu_fault_source_name(domain->faults_source), "faults_total",
			 stats_json_u64(domain->faults_total), "faults_by_reason", reasons,
			 "faults", faults);
}

static void show_domains(const struct cli_args *args, bool has_word)
{
	struct choice choice;

	choose(args, has_word, &choice);
	show_part(&choice, json_domain, stats_text_domains);
}

static void show_faults(const struct cli_args *args, bool has_word)
{
	struct choice choice;

	choose(args, has_word, &choice);
	show_part(&choice, json_faults, stats_text_faults);
}

/* --- maps: the ledger
 * ------------------------------------------------------------------------------ */

static const char *prot_name(uint32_t prot)
{
	static const char *const names[] = {"-", "r", "w", "rw"};

	return names[prot & (IOMMU_READ | IOMMU_WRITE)];
}

/* Calls each for the mappings of the chosen domains, in the order of domains and IOVAs. */
static void each_map(const struct choice *choice,
		     void (*each)(uint32_t domain, const struct iommu_mapping *mapping, void *arg),
		     void *arg)
{
	struct iommu_mapping maps[MAPS_PAGE];
	struct iommu_domain *domain = NULL;

	stats_lock();
	while ((domain = iommu_domain_next(domain)) != NULL) {
		unsigned int count = MAPS_PAGE;
		uint64_t from = 0;

		while (is_chosen(choice, iommu_domain_id(domain)) && count == MAPS_PAGE) {
			count = iommu_mappings(domain, from, maps, MAPS_PAGE);
			for (unsigned int i = 0; i < count; i++)
				each(iommu_domain_id(domain), &maps[i], arg);
			if (count != 0)
				from = maps[count - 1].iova + maps[count - 1].size;
		}
	}
	stats_unlock();
}

static void add_map(uint32_t domain, const struct iommu_mapping *mapping, void *arg)
{
	stats_table_add(arg, "%u", domain);
	stats_table_add(arg, "0x%" PRIx64, mapping->iova);
	stats_table_add(arg, "0x%" PRIx64, mapping->iova + mapping->size - 1);
	stats_table_add_u64(arg, mapping->size);
	stats_table_add_u64(arg, mapping->page_size);
	stats_table_add(arg, "%s", prot_name(mapping->prot));
	stats_table_add(arg, "0x%" PRIxPTR, (uintptr_t)mapping->vaddr);
}

static void add_json_map(uint32_t domain, const struct iommu_mapping *mapping, void *arg)
{
	json_array_append_new(
		arg, json_pack("{s:I, s:o, s:o, s:o, s:s, s:o}", "domain", (json_int_t)domain,
			       "iova", stats_json_iova(mapping->iova), "size",
			       stats_json_u64(mapping->size), "page_size",
			       stats_json_u64(mapping->page_size), "prot", prot_name(mapping->prot),
			       "vaddr", stats_json_iova((uintptr_t)mapping->vaddr)));
}

static void show_maps(const struct cli_args *args, bool has_word)
{
	static const char *const titles[] = {"domain", "iova", "last",	"bytes",
					     "page",   "prot", "vaddr", NULL};
	struct stats_table *table;
	struct choice choice;
	json_t *array;

	choose(args, has_word, &choice);
	if (!choice.is_good)
		return;
	if (show_is_json()) {
		array = json_array();
		each_map(&choice, add_json_map, array);
		report_print_json(array);
		return;
	}
	table = stats_table_create(titles);
	each_map(&choice, add_map, table);
	finish(table);
}

/* --- limits
 * ------------------------------------------------------------------------------------------ */

/* "4K,2M,1G" */
static void sizes_text(uint64_t page_sizes, char *text, size_t size)
{
	static const char units[] = " KMGTPE";
	size_t used = 0;

	text[0] = '\0';
	for (unsigned int bit = 0; bit < 64 && used < size; bit++) {
		if ((page_sizes >> bit) & 1)
			used += (size_t)snprintf(text + used, size - used, "%s%u%c",
						 used == 0 ? "" : ",", 1u << (bit % 10),
						 units[bit / 10]);
	}
}

static void holes_text(const struct iommu_limits *limits, char *text, size_t size)
{
	size_t used = 0;

	snprintf(text, size, "-");
	for (unsigned int i = 0; i < limits->hole_count && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s0x%" PRIx64 "-0x%" PRIx64,
					 used == 0 ? "" : ",", limits->hole[i].iova,
					 limits->hole[i].iova + limits->hole[i].size - 1);
}

static json_t *json_holes(const struct iommu_limits *limits)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < limits->hole_count; i++)
		json_array_append_new(array,
				      json_pack("{s:o, s:o}", "iova",
						stats_json_iova(limits->hole[i].iova), "size",
						stats_json_u64(limits->hole[i].size)));
	return array;
}

static void add_limits(struct stats_table *table, json_t *array, struct iommu_domain *domain)
{
	const struct iommu_limits *limits = iommu_unit_limits(iommu_domain_unit(domain));
	struct iommu_domain_usage usage;
	char sizes[128], holes[1024];
	uint64_t limit;

	iommu_domain_usage(domain, &usage);
	limit = usage.entries_limit == 0 ? STATS_NA : usage.entries_limit;
	sizes_text(limits->page_sizes, sizes, sizeof(sizes));
	holes_text(limits, holes, sizeof(holes));
	stats_table_add(table, "%u", iommu_domain_id(domain));
	stats_table_add(table, "%s", iommu_unit_backend(iommu_domain_unit(domain)));
	stats_table_add(table, "%s", stats_protection_name(limits->is_protected));
	stats_table_add(table, "%s", limits->write_implies_read ? "no" : "yes");
	stats_table_add(table, "%s", limits->unmap_syncs ? "no" : "yes");
	stats_table_add(table, "%u", iommu_domain_addr_bits(domain));
	stats_table_add(table, "%s", sizes);
	stats_table_add_u64(table, usage.entries_used);
	stats_table_add_u64(table, limit);
	stats_table_add(table, "%s", holes);
	json_array_append_new(
		array,
		json_pack("{s:I, s:s, s:b, s:b, s:b, s:i, s:s, s:o, s:o, s:o}", "domain",
			  (json_int_t)iommu_domain_id(domain), "backend",
			  iommu_unit_backend(iommu_domain_unit(domain)), "is_protected",
			  limits->is_protected, "write_implies_read", limits->write_implies_read,
			  "unmap_syncs", limits->unmap_syncs, "addr_bits",
			  iommu_domain_addr_bits(domain), "page_sizes", sizes, "entries_used",
			  stats_json_u64(usage.entries_used), "entries_limit",
			  stats_json_u64(limit), "holes", json_holes(limits)));
}

static void show_limits(const struct cli_args *args, bool has_word)
{
	static const char *const titles[] = {
		"domain",     "backend", "protection",	  "write-only", "gathers", "addr-bits",
		"page-sizes", "entries", "entries-limit", "holes",	NULL};
	struct iommu_domain *domain = NULL;
	struct stats_table *table;
	struct choice choice;
	json_t *array;

	choose(args, has_word, &choice);
	if (!choice.is_good)
		return;
	table = stats_table_create(titles);
	array = json_array();
	stats_lock();
	while ((domain = iommu_domain_next(domain)) != NULL) {
		if (is_chosen(&choice, iommu_domain_id(domain)))
			add_limits(table, array, domain);
	}
	stats_unlock();
	if (show_is_json())
		report_print_json(json_incref(array));
	else
		stats_table_print(table, stdout);
	stats_table_destroy(table);
	json_decref(array);
}

/* --- commands
 * ---------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*show)(const struct cli_args *args, bool has_word);
} parts[] = {
	{"groups", show_groups}, {"domains", show_domains}, {"maps", show_maps},
	{"faults", show_faults}, {"limits", show_limits},   {"counters", show_counters},
};

static void show(const struct cli_args *args, bool has_word)
{
	for (size_t i = 0; i < RTE_DIM(parts); i++) {
		if (strcmp(parts[i].name, args->word[2].text) == 0)
			parts[i].show(args, has_word);
	}
}

static void run_all(const struct cli_args *args)
{
	show(args, false);
}

static void run_some(const struct cli_args *args)
{
	show(args, true);
}

const struct cli_command cli_show_iommu[] = {
	{"display", "show iommu groups|domains|maps|faults|limits|counters",
	 "groups, domains, every mapping, the last faults, limits, or hardware counters",
	 .run = run_all},
	{"display", "show iommu groups|domains|maps|faults|limits|counters <port|all>",
	 "the same for the domain of a port", .run = run_some},
	{0},
};
