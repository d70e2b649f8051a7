/* SPDX-License-Identifier: BSD-3-Clause */
/* The part of a snapshot that hardware counters of IOMMUs tell. */
#include "stats_pmu.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>

#include "stats.h"
#include "stats_table.h"
#include "stats_tel.h"

#define PAGE_UNITS 16

static bool is_of_port(const struct stats_pmu_unit *unit, int port)
{
	for (unsigned int i = 0; port >= 0 && i < unit->port_count; i++) {
		if (unit->ports[i] == port)
			return true;
	}
	return port < 0;
}

/* The next unit of a port, from the number *next on; NULL: no other. */
static const struct stats_pmu_unit *next_unit(const struct stats_pmu *pmu, int port,
					      unsigned int *next)
{
	while (*next < pmu->unit_count) {
		const struct stats_pmu_unit *unit = &pmu->units[(*next)++];

		if (is_of_port(unit, port))
			return unit;
	}
	return NULL;
}

static bool has_units(const struct stats_pmu *pmu, int port)
{
	unsigned int next = 0;

	return next_unit(pmu, port, &next) != NULL;
}

/* "" where nothing is missing. */
static const char *reason_of(const struct stats_pmu *pmu, int port)
{
	if (port < 0)
		return pmu->reason;
	for (unsigned int i = 0; i < pmu->reason_count; i++) {
		if (pmu->reasons[i].port == port)
			return pmu->reasons[i].text;
	}
	return "";
}

static const char *scope_of(const struct stats_pmu_unit *unit)
{
	return unit->device[0] == '\0' ? "unit" : "requester";
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *json_unit(const struct stats_pmu_unit *unit)
{
	json_t *ports = json_array(), *events = json_object();

	for (unsigned int i = 0; i < unit->port_count; i++)
		json_array_append_new(ports, json_integer(unit->ports[i]));
	for (unsigned int i = 0; i < unit->event_count; i++)
		json_object_set_new(events, unit->events[i].name,
				    stats_json_u64(unit->events[i].count));
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "pmu",
			 unit->pmu, "family", unit->family, "source",
			 stats_source_name(STATS_SOURCE_HW), "scope", scope_of(unit), "device",
			 unit->device[0] == '\0' ? json_null() : json_string(unit->device), "ports",
			 ports, "lookups", stats_json_u64(unit->lookups), "hits",
			 stats_json_u64(unit->hits), "misses", stats_json_u64(unit->misses),
			 "events", events, "is_scaled", unit->is_scaled);
}

json_t *stats_json_pmu(const struct stats_pmu *pmu, int port)
{
	const struct stats_pmu_unit *unit;
	json_t *units = json_array(), *reason = json_null();
	unsigned int next = 0;

	while ((unit = next_unit(pmu, port, &next)) != NULL)
		json_array_append_new(units, json_unit(unit));
	if (reason_of(pmu, port)[0] != '\0')
		reason = json_string(reason_of(pmu, port));
	return json_pack("{s:b, s:o, s:o}", "available", json_array_size(units) != 0, "reason",
			 reason, "units", units);
}

/* --- tables ----------------------------------------------------------------------------------- */

static void add_ports(struct stats_table *table, const struct stats_pmu_unit *unit)
{
	char text[8 * STATS_PMU_PORTS_MAX] = "";
	size_t used = 0;

	for (unsigned int i = 0; i < unit->port_count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u",
					 i == 0 ? "" : ",", unit->ports[i]);
	stats_table_add(table, "%s", text);
}

static void add_unit(struct stats_table *table, const struct stats_pmu_unit *unit)
{
	stats_table_add(table, "%s", unit->pmu);
	stats_table_add(table, "%s", unit->family);
	stats_table_add(table, "%s", stats_source_name(STATS_SOURCE_HW));
	stats_table_add(table, "%s", scope_of(unit));
	stats_table_add(table, "%s", unit->device[0] == '\0' ? "n/a" : unit->device);
	add_ports(table, unit);
	stats_table_add_u64(table, unit->lookups);
	stats_table_add_u64(table, unit->hits);
	stats_table_add_u64(table, unit->misses);
	stats_table_add(table, "%s", unit->is_scaled ? "scaled" : "all");
}

static void add_events(struct stats_table *table, const struct stats_pmu_unit *unit)
{
	for (unsigned int i = 0; i < unit->event_count; i++) {
		stats_table_add(table, "%s", unit->pmu);
		stats_table_add(table, "%s", scope_of(unit));
		stats_table_add(table, "%s", unit->device[0] == '\0' ? "n/a" : unit->device);
		stats_table_add(table, "%s", unit->events[i].name);
		stats_table_add_u64(table, unit->events[i].count);
	}
}

void stats_text_pmu(const struct stats_pmu *pmu, int port, FILE *file)
{
	static const char *const titles[] = {"pmu",    "family",  "source",  "scope",
					     "device", "ports",	  "lookups", "hits",
					     "misses", "counted", NULL};
	static const char *const event_titles[] = {"pmu",   "scope", "device",
						   "event", "count", NULL};
	struct stats_table *table, *events;
	const struct stats_pmu_unit *unit;
	unsigned int next = 0;

	if (!has_units(pmu, port)) {
		fprintf(file, "Hardware counters of the IOMMU: n/a (%s)\n", reason_of(pmu, port));
		return;
	}
	table = stats_table_create(titles);
	events = stats_table_create(event_titles);
	while ((unit = next_unit(pmu, port, &next)) != NULL) {
		add_unit(table, unit);
		add_events(events, unit);
	}
	fprintf(file, "Hardware counters of the IOMMU, since the port was attached\n");
	stats_table_finish(table, file);
	stats_table_finish(events, file);
	if (reason_of(pmu, port)[0] != '\0')
		fprintf(file, "  not all is counted: %s\n", reason_of(pmu, port));
}

static void print_figure(const char *name, uint64_t value, FILE *file)
{
	if (value == STATS_NA)
		fprintf(file, ", %s n/a", name);
	else
		fprintf(file, ", %s %" PRIu64, name, value);
}

void stats_text_pmu_summary(const struct stats_pmu *pmu, int port, FILE *file)
{
	const struct stats_pmu_unit *unit;
	unsigned int next = 0;

	if (!has_units(pmu, port))
		stats_text_pmu(pmu, port, file);
	while ((unit = next_unit(pmu, port, &next)) != NULL) {
		fprintf(file, "Hardware counters of the IOMMU (hw): %s, %s %s", unit->pmu,
			scope_of(unit), unit->device[0] == '\0' ? "as a whole" : unit->device);
		print_figure("lookups", unit->lookups, file);
		print_figure("hits", unit->hits, file);
		print_figure("misses", unit->misses, file);
		fprintf(file, "%s\n", unit->is_scaled ? " (scaled)" : "");
	}
}

/* --- telemetry -------------------------------------------------------------------------------- */

static void add_text(struct rte_tel_data *dict, const char *name, const char *text)
{
	char cut[RTE_TEL_MAX_STRING_LEN];

	/* a longer one would not be taken at all */
	snprintf(cut, sizeof(cut), "%.*s", (int)sizeof(cut) - 1, text);
	rte_tel_data_add_dict_string(dict, name, cut);
}

static void tel_unit(struct rte_tel_data *dict, const struct stats_pmu_unit *unit)
{
	struct rte_tel_data *events = stats_tel_create();

	add_text(dict, "pmu", unit->pmu);
	add_text(dict, "family", unit->family);
	add_text(dict, "source", stats_source_name(STATS_SOURCE_HW));
	add_text(dict, "scope", scope_of(unit));
	if (unit->device[0] != '\0')
		add_text(dict, "device", unit->device);
	stats_tel_add_u64(dict, "lookups", unit->lookups);
	stats_tel_add_u64(dict, "hits", unit->hits);
	stats_tel_add_u64(dict, "misses", unit->misses);
	stats_tel_add_u64(dict, "is_scaled", unit->is_scaled);
	for (unsigned int i = 0; events != NULL && i < unit->event_count; i++)
		stats_tel_add_u64(events, unit->events[i].name, unit->events[i].count);
	stats_tel_add(dict, "events", events);
}

int stats_tel_add_pmu(struct rte_tel_data *dict, const struct stats_pmu *pmu, uint64_t from)
{
	struct rte_tel_data *units = stats_tel_create();
	char name[24];

	if (units == NULL)
		return -ENOMEM;
	stats_tel_add_u64(dict, "available", pmu->unit_count != 0);
	if (pmu->reason[0] != '\0')
		add_text(dict, "reason", pmu->reason);
	for (uint64_t i = from; i < pmu->unit_count && i - from < PAGE_UNITS; i++) {
		struct rte_tel_data *inner = stats_tel_create();

		if (inner == NULL)
			break;
		tel_unit(inner, &pmu->units[i]);
		snprintf(name, sizeof(name), "%" PRIu64, i);
		stats_tel_add(units, name, inner);
	}
	stats_tel_add(dict, "units", units);
	if (from < pmu->unit_count && pmu->unit_count - from > PAGE_UNITS)
		stats_tel_add_u64(dict, "next", from + PAGE_UNITS);
	return 0;
}
