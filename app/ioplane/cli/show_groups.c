/* SPDX-License-Identifier: BSD-3-Clause */
/* show iommu groups [P|all]: what the IOMMUs can tell apart, the machine's and ours. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#include "cli_commands.h"
#include "host_pci.h"
#include "port.h"
#include "report.h"
#include "show.h"
#include "stats_table.h"

/* One line: a device with its group and its port; what there is none of is NULL. */
struct row {
	const struct host_group *group;
	const struct host_pci_device *device;
	const struct port *port;
};

/* What a command fills. */
struct answer {
	struct stats_table *devices, *reserved;
	unsigned int reserved_count;
	json_t *json;
};

/* --- a row
 * ------------------------------------------------------------------------------------------ */

static const struct iommu_domain *domain_of(const struct port *port)
{
	return port == NULL || port->device == NULL ? NULL : iommu_device_domain(port->device);
}

static const char *backend_of(const struct port *port)
{
	const struct iommu_domain *domain = domain_of(port);

	return domain == NULL ? NULL : iommu_unit_backend(iommu_domain_unit(domain));
}

/* What stands before a port's device; before others, only that nothing can. */
static const char *protection_of(const struct row *row)
{
	const struct iommu_domain *domain = domain_of(row->port);

	if (domain != NULL)
		return stats_protection_name(
			iommu_unit_limits(iommu_domain_unit(domain))->is_protected);
	return row->group != NULL && row->group->is_noiommu ? stats_protection_name(false) : NULL;
}

/* A software unit tells its devices apart by source id: each is a group of its own. */
static const char *group_name(const struct row *row, char *text, size_t size)
{
	uint16_t source_id;

	if (row->group != NULL) {
		snprintf(text, size, "%d", row->group->number);
		return text;
	}
	if (row->device != NULL || domain_of(row->port) == NULL)
		return NULL;
	source_id = iommu_device_source_id(row->port->device);
	snprintf(text, size, "%s:%02x:%02x.%x", backend_of(row->port), source_id >> 8,
		 (source_id >> 3) & 0x1f, source_id & 7);
	return text;
}

/* "yes", or what keeps VFIO from lending the group. */
static const char *viable_text(const struct host_group *group, char *text, size_t size)
{
	const struct host_pci_device *blocker = host_group_blocker(group);

	if (blocker == NULL)
		return "yes";
	snprintf(text, size, "no: %s is bound to %s", blocker->address, blocker->driver);
	return text;
}

static const char *type_of(const struct host_group *group)
{
	if (group == NULL)
		return NULL;
	return group->is_noiommu ? "no-IOMMU" : group->type[0] == '\0' ? NULL : group->type;
}

static void add_word(struct stats_table *table, const char *word)
{
	stats_table_add(table, "%s", word == NULL ? "n/a" : word);
}

static void add_number(struct stats_table *table, bool is_there, uint64_t number)
{
	stats_table_add_u64(table, is_there ? number : STATS_NA);
}

static void add_text(struct stats_table *table, const struct row *row)
{
	const struct host_pci_device *device = row->device;
	char text[128];

	add_word(table, group_name(row, text, sizeof(text)));
	add_word(table, type_of(row->group));
	add_word(table, device != NULL ? device->address : row->port->name);
	if (device != NULL) {
		stats_table_add(table, "%04x:%04x", device->vendor, device->device);
		stats_table_add(table, "0x%06x", device->class_code);
		stats_table_add(table, "%s", device->driver[0] == '\0' ? "-" : device->driver);
	} else {
		for (unsigned int i = 0; i < 3; i++)
			add_word(table, NULL);
	}
	add_number(table, device != NULL && device->node >= 0,
		   device == NULL ? 0 : (uint64_t)device->node);
	add_number(table, row->port != NULL, row->port == NULL ? 0 : row->port->id);
	add_word(table, backend_of(row->port));
	add_number(table, domain_of(row->port) != NULL,
		   domain_of(row->port) == NULL ? 0 : iommu_domain_id(domain_of(row->port)));
	add_word(table, protection_of(row));
	add_word(table, row->group == NULL ? NULL : viable_text(row->group, text, sizeof(text)));
}

static json_t *json_word(const char *word)
{
	return word == NULL ? json_null() : json_string(word);
}

static json_t *json_number(bool is_there, uint64_t number)
{
	return is_there ? json_integer((json_int_t)number) : json_null();
}

static json_t *json_hex(const struct host_pci_device *device, unsigned int digits, uint32_t value)
{
	char text[16];

	snprintf(text, sizeof(text), "0x%0*x", (int)digits, value);
	return json_word(device == NULL ? NULL : text);
}

static json_t *json_reserved(const struct host_group *group)
{
	json_t *array;

	if (group == NULL)
		return json_null();
	array = json_array();
	for (unsigned int i = 0; i < group->reserved_count; i++)
		json_array_append_new(array,
				      json_pack("{s:o, s:o, s:s}", "start",
						stats_json_iova(group->reserved[i].start), "last",
						stats_json_iova(group->reserved[i].last), "type",
						group->reserved[i].type));
	return array;
}

static void add_json_device(json_t *json, const struct host_pci_device *device)
{
	json_object_set_new(json, "vendor", json_hex(device, 4, device ? device->vendor : 0));
	json_object_set_new(json, "device_id", json_hex(device, 4, device ? device->device : 0));
	json_object_set_new(json, "class", json_hex(device, 6, device ? device->class_code : 0));
	json_object_set_new(
		json, "driver",
		json_word(device == NULL || device->driver[0] == '\0' ? NULL : device->driver));
	json_object_set_new(json, "numa",
			    json_number(device != NULL && device->node >= 0,
					device == NULL ? 0 : (uint64_t)device->node));
}

static json_t *json_row(const struct row *row)
{
	const struct iommu_domain *domain = domain_of(row->port);
	char text[128], reason[128];
	const char *why =
		row->group == NULL ? NULL : viable_text(row->group, reason, sizeof(reason));
	json_t *json = json_object();

	json_object_set_new(json, "port",
			    json_number(row->port != NULL, row->port == NULL ? 0 : row->port->id));
	json_object_set_new(
		json, "device",
		json_string(row->device != NULL ? row->device->address : row->port->name));
	json_object_set_new(json, "backend", json_word(backend_of(row->port)));
	json_object_set_new(json, "group", json_word(group_name(row, text, sizeof(text))));
	json_object_set_new(
		json, "domain",
		json_number(domain != NULL, domain == NULL ? 0 : iommu_domain_id(domain)));
	json_object_set_new(json, "protection", json_word(protection_of(row)));
	json_object_set_new(json, "type", json_word(type_of(row->group)));
	json_object_set_new(json, "viable", json_word(why));
	add_json_device(json, row->device);
	json_object_set_new(json, "reserved", json_reserved(row->group));
	return json;
}

/* --- all rows
 * ------------------------------------------------------------------------------------------ */

static void add_row(const struct answer *answer, const struct row *row)
{
	add_text(answer->devices, row);
	json_array_append_new(answer->json, json_row(row));
}

static const struct port *port_of(const struct host_pci_device *device)
{
	const struct port *port = NULL;

	while ((port = port_next(port)) != NULL)
		if (strcmp(port->name, device->address) == 0)
			return port;
	return NULL;
}

static void add_group(struct answer *answer, const struct host_group *group)
{
	for (unsigned int i = 0; i < group->device_count; i++)
		add_row(answer, &(struct row){.group = group,
					      .device = &group->device[i],
					      .port = port_of(&group->device[i])});
	answer->reserved_count += group->reserved_count;
	for (unsigned int i = 0; i < group->reserved_count; i++) {
		stats_table_add(answer->reserved, "%d", group->number);
		stats_table_add(answer->reserved, "0x%" PRIx64, group->reserved[i].start);
		stats_table_add(answer->reserved, "0x%" PRIx64, group->reserved[i].last);
		stats_table_add(answer->reserved, "%s", group->reserved[i].type);
	}
}

/* One of the group's devices is the port's; NULL: all groups are shown. */
static bool has_port(const struct host_group *group, const struct port *port)
{
	for (unsigned int i = 0; port != NULL && i < group->device_count; i++)
		if (strcmp(port->name, group->device[i].address) == 0)
			return true;
	return port == NULL;
}

/* Returns how many groups the kernel tells of, shown or not. */
static unsigned int add_groups(struct answer *answer, const struct port *port)
{
	static struct host_group group; /* too large for a stack; main lcore only */
	unsigned int count = 0;
	int *numbers;

	if (host_group_list("", &numbers, &count) != 0)
		return 0;
	for (unsigned int i = 0; i < count; i++)
		if (host_group_read("", numbers[i], &group) == 0 && has_port(&group, port))
			add_group(answer, &group);
	free(numbers);
	return count;
}

/* Ports that stand in no group of the kernel's: those of software, and those without an IOMMU. */
static void add_ports(const struct answer *answer, const char *word)
{
	const struct port *port = NULL;
	struct host_pci_device device;

	while ((port = cli_port_next(word, port)) != NULL) {
		bool is_pci = host_pci_read("", port->name, &device) == 0;

		if (!is_pci || device.group < 0)
			add_row(answer,
				&(struct row){.device = is_pci ? &device : NULL, .port = port});
	}
}

static void print(const struct answer *answer, bool has_no_groups)
{
	if (show_is_json()) {
		report_print_json(json_incref(answer->json));
		return;
	}
	if (json_array_size(answer->json) != 0)
		stats_table_print(answer->devices, stdout);
	if (answer->reserved_count != 0) {
		printf("\nReserved addresses\n");
		stats_table_print(answer->reserved, stdout);
	}
	if (has_no_groups)
		printf("\nThe kernel has no IOMMU groups: this machine has no IOMMU, or it is off "
		       "(in the firmware, or for want of intel_iommu=on)\n");
}

void show_groups(const struct cli_args *args, bool has_word)
{
	static const char *const titles[] = {"group",	   "type",   "device", "id",	  "class",
					     "driver",	   "numa",   "port",   "backend", "domain",
					     "protection", "viable", NULL};
	static const char *const reserved[] = {"group", "start", "last", "type", NULL};
	const char *word = has_word ? args->word[3].text : "all";
	const struct port *port = NULL;
	struct answer answer;
	unsigned int count;

	if (strcmp(word, "all") != 0 && (port = cli_port_next(word, NULL)) == NULL)
		return;
	answer = (struct answer){.devices = stats_table_create(titles),
				 .reserved = stats_table_create(reserved),
				 .json = json_array()};
	count = add_groups(&answer, port);
	add_ports(&answer, word);
	print(&answer, count == 0 && port == NULL);
	stats_table_destroy(answer.devices);
	stats_table_destroy(answer.reserved);
	json_decref(answer.json);
}
