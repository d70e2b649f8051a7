/* SPDX-License-Identifier: BSD-3-Clause */
/* Which ports and lcores forward, and whom they send to. */
#include "forward.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_lcore.h>

#include "options.h"
#include "options_table.h"

static struct forward_config config;

static struct {
	struct rte_ether_addr address;
	bool is_set;
} peers[RTE_MAX_ETHPORTS];

const struct forward_config *forward_config(void)
{
	return &config;
}

/* "0,2-3" into numbers in the order given; a number twice is an error. */
static int parse_list(const char *list, uint16_t *numbers, unsigned int max)
{
	char copy[1024], *rest = copy, *token;
	unsigned int count = 0;

	if (strlen(list) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, list);
	while ((token = strsep(&rest, ",")) != NULL) {
		char *dash = strchr(token, '-');
		uint64_t first, last;

		if (dash != NULL)
			*dash = '\0';
		if (option_number(token, 0, UINT16_MAX, &first) != 0)
			return -EINVAL;
		last = first;
		if (dash != NULL && option_number(dash + 1, first, UINT16_MAX, &last) != 0)
			return -EINVAL;
		for (uint64_t n = first; n <= last; n++) {
			for (unsigned int i = 0; i < count; i++)
				if (numbers[i] == n)
					return -EINVAL;
			if (count == max)
				return -EINVAL;
			numbers[count++] = (uint16_t)n;
		}
	}
	return (int)count;
}

int forward_set_ports(const char *list, struct base_error *err)
{
	uint16_t ids[RTE_MAX_ETHPORTS];
	int count = parse_list(list, ids, RTE_DIM(ids));

	if (count <= 0)
		return base_error_set(err, -EINVAL,
				      "port list \"%s\": give each port once, such as 0,2-3", list);
	for (int i = 0; i < count; i++)
		if (port_find(ids[i]) == NULL)
			return base_error_set(err, -ENODEV, "port list \"%s\": there is no port %u",
					      list, ids[i]);
	memcpy(config.ports, ids, sizeof(ids[0]) * (size_t)count);
	config.port_count = (uint16_t)count;
	options_edit()->nb_ports = 0;
	return 0;
}

int forward_set_lcores(const char *list, struct base_error *err)
{
	uint16_t ids[RTE_MAX_LCORE];
	int count = parse_list(list, ids, RTE_DIM(ids));

	if (count <= 0)
		return base_error_set(err, -EINVAL,
				      "core list \"%s\": give each lcore once, such as 1,3-4",
				      list);
	for (int i = 0; i < count; i++) {
		if (ids[i] == rte_get_main_lcore())
			return base_error_set(err, -EINVAL,
					      "core list \"%s\": lcore %u runs the commands and "
					      "does not forward",
					      list, ids[i]);
		if (!rte_lcore_is_enabled(ids[i]))
			return base_error_set(err, -EINVAL,
					      "core list \"%s\": lcore %u is not among those that "
					      "EAL's -l gives",
					      list, ids[i]);
	}
	memcpy(config.lcores, ids, sizeof(ids[0]) * (size_t)count);
	config.lcore_count = (uint16_t)count;
	options_edit()->nb_cores = (uint16_t)count;
	return 0;
}

static void mask_to_list(uint64_t mask, char *list, size_t size)
{
	size_t length = 0;

	list[0] = '\0';
	for (unsigned int bit = 0; bit < 64; bit++)
		if (mask & (1ull << bit))
			length += (size_t)snprintf(list + length, size - length, "%s%u",
						   length > 0 ? "," : "", bit);
}

int forward_set_port_mask(uint64_t mask, struct base_error *err)
{
	char list[256];

	mask_to_list(mask, list, sizeof(list));
	return forward_set_ports(list, err);
}

int forward_set_lcore_mask(uint64_t mask, struct base_error *err)
{
	char list[256];

	mask_to_list(mask, list, sizeof(list));
	return forward_set_lcores(list, err);
}

unsigned int forward_ports(struct port **ports, unsigned int max)
{
	unsigned int count = 0;
	uint16_t limit = options_get()->nb_ports;

	if (limit > 0)
		max = RTE_MIN(max, limit);
	if (config.port_count == 0) {
		for (struct port *p = NULL; (p = port_next(p)) != NULL && count < max;)
			ports[count++] = p;
		return count;
	}
	for (unsigned int i = 0; i < config.port_count && count < max; i++) {
		struct port *port = port_find(config.ports[i]);

		/* one that was detached since it was chosen */
		if (port != NULL)
			ports[count++] = port;
	}
	return count;
}

int forward_lcores(unsigned int *lcores, unsigned int *count, struct base_error *err)
{
	unsigned int wanted = options_get()->nb_cores, found = 0, id;

	if (config.lcore_count > 0) {
		for (; found < config.lcore_count && found < wanted; found++)
			lcores[found] = config.lcores[found];
	} else {
		RTE_LCORE_FOREACH_WORKER(id)
			if (found < wanted)
				lcores[found++] = id;
	}
	if (found < wanted)
		return base_error_set(
			err, -EINVAL,
			"forwarding on %u lcores needs as many beside the main one, "
			"and there are %u: give EAL more with -l, or lower --nb-cores",
			wanted, found);
	*count = found;
	return 0;
}

void forward_peer_address(uint16_t port_id, struct rte_ether_addr *address)
{
	if (peers[port_id].is_set) {
		*address = peers[port_id].address;
		return;
	}
	*address =
		(struct rte_ether_addr){.addr_bytes = {RTE_ETHER_LOCAL_ADMIN_ADDR, 0, 0, 0,
						       (uint8_t)(port_id >> 8), (uint8_t)port_id}};
}

int forward_set_peer_address(uint16_t port_id, const char *text, struct base_error *err)
{
	struct rte_ether_addr address;

	if (port_id >= RTE_MAX_ETHPORTS)
		return base_error_set(err, -EINVAL, "eth-peer: there is no port %u", port_id);
	if (rte_ether_unformat_addr(text, &address) != 0)
		return base_error_set(err, -EINVAL, "eth-peer %s: give a MAC address", text);
	peers[port_id].address = address;
	peers[port_id].is_set = true;
	return 0;
}
