/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads devargs with rte_kvargs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_jhash.h>
#include <rte_kvargs.h>
#include <rte_string_fns.h>

#include "dmanic_port.h"

static const char *const keys[] = {"cable", "unit", "levels", "eal-memory", "pause", "mac", NULL};

static int read_cable(const char *key __rte_unused, const char *value, void *to)
{
	struct dmanic_args *args = to;

	if (value == NULL || *value == '\0' ||
	    rte_strscpy(args->cable, value, sizeof(args->cable)) < 0)
		return -EINVAL;
	return 0;
}

static int read_number(const char *value, unsigned long min, unsigned long max, uint8_t *to)
{
	char *end;
	unsigned long number;

	if (value == NULL || *value < '0' || *value > '9')
		return -EINVAL;
	errno = 0;
	number = strtoul(value, &end, 10);
	if (errno != 0 || *end != '\0' || number < min || number > max)
		return -EINVAL;
	*to = (uint8_t)number;
	return 0;
}

static int read_unit(const char *key __rte_unused, const char *value, void *to)
{
	return read_number(value, 0, DMANIC_UNITS - 1, &((struct dmanic_args *)to)->unit);
}

static int read_levels(const char *key __rte_unused, const char *value, void *to)
{
	return read_number(value, 3, 5, &((struct dmanic_args *)to)->levels);
}

static int read_choice(const char *value, const char *yes, const char *no, bool *to)
{
	if (value == NULL || (strcmp(value, yes) != 0 && strcmp(value, no) != 0))
		return -EINVAL;
	*to = strcmp(value, yes) == 0;
	return 0;
}

static int read_eal_memory(const char *key __rte_unused, const char *value, void *to)
{
	return read_choice(value, "yes", "no", &((struct dmanic_args *)to)->is_mapping_eal);
}

static int read_pause(const char *key __rte_unused, const char *value, void *to)
{
	return read_choice(value, "on", "off", &((struct dmanic_args *)to)->is_pausing);
}

static int read_mac(const char *key __rte_unused, const char *value, void *to)
{
	struct dmanic_args *args = to;

	if (value == NULL || rte_ether_unformat_addr(value, &args->mac) != 0 ||
	    !rte_is_valid_assigned_ether_addr(&args->mac))
		return -EINVAL;
	return 0;
}

static const struct {
	const char *key;
	arg_handler_t read;
	const char *allowed;
} readers[] = {
	{"cable", read_cable, "the name of another net_dmanic"},
	{"unit", read_unit, "a number from 0 to 15"},
	{"levels", read_levels, "3, 4 or 5"},
	{"eal-memory", read_eal_memory, "yes or no"},
	{"pause", read_pause, "on or off"},
	{"mac", read_mac, "a unicast address like 02:00:00:00:00:01"},
};

int dmanic_args_parse(const char *name, const char *text, struct dmanic_args *args)
{
	uint32_t hash = rte_jhash(name, strlen(name), 0);
	struct rte_kvargs *list;
	int ret = 0;

	memset(args, 0, sizeof(*args));
	args->is_mapping_eal = true;
	/* Locally administered, the same in each run. */
	args->mac.addr_bytes[0] = 0x02;
	args->mac.addr_bytes[1] = 'd';
	memcpy(&args->mac.addr_bytes[2], &hash, sizeof(hash));
	if (text == NULL || *text == '\0')
		return 0;
	list = rte_kvargs_parse(text, keys);
	if (list == NULL) {
		DMANIC_LOG(ERR,
			   "%s: cannot read devargs '%s': keys are cable, unit, levels, "
			   "eal-memory, pause and mac",
			   name, text);
		return -EINVAL;
	}
	for (unsigned int i = 0; i < RTE_DIM(readers) && ret == 0; i++) {
		if (rte_kvargs_count(list, readers[i].key) > 1 ||
		    rte_kvargs_process(list, readers[i].key, readers[i].read, args) != 0) {
			DMANIC_LOG(ERR, "%s: devarg '%s' is to be given once, as %s", name,
				   readers[i].key, readers[i].allowed);
			ret = -EINVAL;
		}
	}
	rte_kvargs_free(list);
	if (ret == 0 && strcmp(args->cable, name) == 0)
		args->cable[0] = '\0';
	return ret;
}
