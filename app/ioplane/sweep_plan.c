/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads what a sweep is to run: a [sweep] section of lists and of keys that are fixed. */
#include "sweep.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cfgfile.h>
#include <rte_common.h>
#include <rte_log.h>

#define SECTION "sweep"

static bool is_number(const char *text, unsigned long min, unsigned long max, unsigned long step)
{
	char *end;
	unsigned long number;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	number = strtoul(text, &end, 10);
	return errno == 0 && *end == '\0' && number >= min && number <= max && number % step == 0;
}

static bool is_decimal(const char *text, double min, double max, double *value)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	*value = strtod(text, &end);
	return *end == '\0' && *value >= min && *value <= max;
}

/* --- axes ----------------------------------------------------------------------------------- */

static bool is_page_size(const char *text)
{
	return strcmp(text, "4k") == 0 || strcmp(text, "2m") == 0 || strcmp(text, "1g") == 0;
}

static bool is_queues(const char *text)
{
	return is_number(text, 1, 32, 1);
}

static bool is_ring(const char *text)
{
	return is_number(text, 64, 4096, 32);
}

/* What follows a comma is the option's to check. */
static bool is_policy(const char *text)
{
	static const char *const names[] = {"static", "strict", "deferred"};
	size_t length = strcspn(text, ",");

	for (unsigned int i = 0; i < RTE_DIM(names); i++)
		if (strlen(names[i]) == length && strncmp(text, names[i], length) == 0)
			return true;
	return false;
}

static bool is_packet_size(const char *text)
{
	return is_number(text, 60, 9614, 1);
}

static bool is_loss(const char *text)
{
	double percent;

	return is_decimal(text, 0, 50, &percent);
}

static const struct {
	const char *key, *column;
	const char *initial;
	bool (*is_valid)(const char *text);
	const char *what;
} axes[SWEEP_AXES] = {
	[SWEEP_PAGE_SIZE] = {"page-size", "page_size", "2m", is_page_size, "4k, 2m or 1g"},
	[SWEEP_QUEUES] = {"queues", "queues", "1", is_queues, "numbers from 1 to 32"},
	[SWEEP_RING] = {"ring", "ring", "1024", is_ring, "multiples of 32 from 64 to 4096"},
	[SWEEP_POLICY] = {"policy", "policy", "static", is_policy, "static, strict or deferred"},
	[SWEEP_PACKET_SIZE] = {"packet-size", "packet_size", "64", is_packet_size,
			       "bytes from 60 to 9614"},
	[SWEEP_LOSS] = {"loss", "loss", "0", is_loss, "percentages from 0 to 50"},
};

const char *sweep_axis_key(enum sweep_axis axis)
{
	return axes[axis].key;
}

const char *sweep_axis_column(enum sweep_axis axis)
{
	return axes[axis].column;
}

static int read_list(const char *path, struct sweep_plan *plan, enum sweep_axis axis,
		     const char *text, struct base_error *err)
{
	char copy[CFG_VALUE_LEN], *rest = copy, *word;
	unsigned int count = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	while ((word = strsep(&rest, " \t")) != NULL) {
		if (*word == '\0')
			continue;
		if (count == SWEEP_VALUES_MAX)
			return base_error_set(err, -EINVAL, "%s: %s: at most %d values", path,
					      axes[axis].key, SWEEP_VALUES_MAX);
		if (strlen(word) >= SWEEP_TEXT_SIZE || !axes[axis].is_valid(word))
			return base_error_set(err, -EINVAL,
					      "%s: %s = %s: give %s, with blanks between them",
					      path, axes[axis].key, word, axes[axis].what);
		for (unsigned int i = 0; i < count; i++)
			if (strcmp(plan->values[axis][i], word) == 0)
				return base_error_set(err, -EINVAL, "%s: %s: %s is there twice",
						      path, axes[axis].key, word);
		strcpy(plan->values[axis][count++], word);
	}
	if (count == 0)
		return base_error_set(err, -EINVAL, "%s: %s: give %s", path, axes[axis].key,
				      axes[axis].what);
	plan->counts[axis] = count;
	plan->is_given[axis] = true;
	return 0;
}

/* --- fixed keys ----------------------------------------------------------------------------- */

enum fixed_kind {
	FIXED_TEXT,
	FIXED_PATH, /* beside the file */
	FIXED_SECONDS,
	FIXED_NUMBER,
	FIXED_CHOICE, /* bool: the second of two words */
};

static const struct fixed {
	const char *key;
	enum fixed_kind kind;
	size_t offset;
	uint32_t min, max;
	const char *first, *second;
} fixed_keys[] = {
#define FIXED(key, kind, field) key, kind, offsetof(struct sweep_plan, field)
	{FIXED("title", FIXED_TEXT, title), 1, sizeof(((struct sweep_plan *)0)->title) - 1, 0, 0},
	{FIXED("tracker", FIXED_TEXT, tracker), 1, SWEEP_TEXT_SIZE - 1, 0, 0},
	{FIXED("iotlb", FIXED_PATH, iotlb), 0, 0, 0, 0},
	{FIXED("duration", FIXED_SECONDS, duration_s), 0, 3600, 0, 0},
	{FIXED("warm-up", FIXED_SECONDS, warm_up_s), 0, 3600, 0, 0},
	{FIXED("buffer", FIXED_NUMBER, buffer_size), 256, 16384, 0, 0},
	{FIXED("cache", FIXED_NUMBER, cache), 0, 512, 0, 0},
	{FIXED("flows", FIXED_NUMBER, flows), 1, 65536, 0, 0},
	{FIXED("lcores", FIXED_NUMBER, lcores), 1, 64, 0, 0},
	{FIXED("hold", FIXED_NUMBER, hold), 1, 65536, 0, 0},
	{FIXED("min-packets", FIXED_NUMBER, min_packets), 1, 1u << 30, 0, 0},
	{FIXED("headers", FIXED_NUMBER, headers), 0, 128, 0, 0},
	{FIXED("pools", FIXED_CHOICE, has_queue_pools), 0, 0, "port", "queue"},
	{FIXED("side", FIXED_CHOICE, side), 0, 0, "rx", "tx"},
#undef FIXED
};

/* A path in the file is meant from the file's folder. */
static int read_path(const char *path, const struct fixed *fixed, const char *text, char *to,
		     struct base_error *err)
{
	const char *slash = strrchr(path, '/');
	int folder = text[0] == '/' || slash == NULL ? 0 : (int)(slash - path) + 1;

	if (snprintf(to, SWEEP_PATH_SIZE, "%.*s%s", folder, path, text) >= SWEEP_PATH_SIZE)
		return base_error_set(err, -EINVAL, "%s: %s: the path is too long", path,
				      fixed->key);
	if (access(to, R_OK) != 0)
		return base_error_set(err, -errno, "%s: %s = %s: %s cannot be read: %s", path,
				      fixed->key, text, to, strerror(errno));
	return 0;
}

static int read_choice(const char *path, const struct fixed *fixed, const char *text, void *to,
		       struct base_error *err)
{
	bool is_second = strcmp(text, fixed->second) == 0;

	if (!is_second && strcmp(text, fixed->first) != 0)
		return base_error_set(err, -EINVAL, "%s: %s = %s: give %s or %s", path, fixed->key,
				      text, fixed->first, fixed->second);
	if (strcmp(fixed->key, "side") == 0)
		*(enum sweep_side *)to = is_second ? SWEEP_TX : SWEEP_RX;
	else
		*(bool *)to = is_second;
	return 0;
}

static int read_fixed(const char *path, struct sweep_plan *plan, const struct fixed *fixed,
		      const char *text, struct base_error *err)
{
	void *to = RTE_PTR_ADD(plan, fixed->offset);
	double seconds;

	switch (fixed->kind) {
	case FIXED_TEXT:
		if (strlen(text) < fixed->min || strlen(text) > fixed->max)
			return base_error_set(err, -EINVAL, "%s: %s: give %u to %u characters",
					      path, fixed->key, fixed->min, fixed->max);
		strcpy(to, text);
		return 0;
	case FIXED_PATH:
		return read_path(path, fixed, text, to, err);
	case FIXED_SECONDS:
		if (!is_decimal(text, 0.001, fixed->max, &seconds))
			return base_error_set(err, -EINVAL,
					      "%s: %s = %s: give seconds from 0.001 to %u", path,
					      fixed->key, text, fixed->max);
		*(double *)to = seconds;
		return 0;
	case FIXED_NUMBER:
		if (!is_number(text, fixed->min, fixed->max, 1))
			return base_error_set(err, -EINVAL,
					      "%s: %s = %s: give a number from %u to %u", path,
					      fixed->key, text, fixed->min, fixed->max);
		*(uint32_t *)to = (uint32_t)strtoul(text, NULL, 10);
		return 0;
	case FIXED_CHOICE:
		break;
	}
	return read_choice(path, fixed, text, to, err);
}

/* --- the file ------------------------------------------------------------------------------- */

static int no_key(const char *path, const char *key, struct base_error *err)
{
	char known[512] = "";
	size_t length = 0;

	for (unsigned int i = 0; i < SWEEP_AXES; i++)
		length += (size_t)snprintf(known + length, sizeof(known) - length, "%s, ",
					   axes[i].key);
	for (unsigned int i = 0; i < RTE_DIM(fixed_keys); i++)
		length += (size_t)snprintf(known + length, sizeof(known) - length, "%s%s",
					   i > 0 ? ", " : "", fixed_keys[i].key);
	return base_error_set(err, -EINVAL, "%s: there is no key %s: keys are %s", path, key,
			      known);
}

static int apply(const char *path, struct sweep_plan *plan, const struct rte_cfgfile_entry *entry,
		 uint64_t *seen, struct base_error *err)
{
	for (unsigned int i = 0; i < SWEEP_AXES + RTE_DIM(fixed_keys); i++) {
		bool is_axis = i < SWEEP_AXES;
		const char *key = is_axis ? axes[i].key : fixed_keys[i - SWEEP_AXES].key;

		if (strcmp(entry->name, key) != 0)
			continue;
		if (*seen & (1ull << i))
			return base_error_set(err, -EINVAL, "%s: %s is there twice", path, key);
		*seen |= 1ull << i;
		if (is_axis)
			return read_list(path, plan, (enum sweep_axis)i, entry->value, err);
		return read_fixed(path, plan, &fixed_keys[i - SWEEP_AXES], entry->value, err);
	}
	return no_key(path, entry->name, err);
}

static int read_section(const char *path, struct rte_cfgfile *file, struct sweep_plan *plan,
			struct base_error *err)
{
	int count = rte_cfgfile_section_num_entries(file, SECTION), ret = 0;
	struct rte_cfgfile_entry *entries;
	uint64_t seen = 0;

	if (count <= 0)
		return base_error_set(err, -EINVAL, "%s: there is no [" SECTION "] with keys in it",
				      path);
	if (rte_cfgfile_num_sections(file, "", 0) > 1)
		return base_error_set(err, -EINVAL, "%s: only [" SECTION "] may be there", path);
	entries = calloc((size_t)count, sizeof(*entries));
	if (entries == NULL)
		return base_error_set(err, -ENOMEM, "%s: out of memory", path);
	rte_cfgfile_section_entries(file, SECTION, entries, count);
	for (int i = 0; i < count && ret == 0; i++)
		ret = apply(path, plan, &entries[i], &seen, err);
	free(entries);
	return ret;
}

/* A frame must hold more than what a MiB is not counted in. */
static int check_headers(const char *path, const struct sweep_plan *plan, struct base_error *err)
{
	for (unsigned int i = 0; i < plan->counts[SWEEP_PACKET_SIZE]; i++)
		if (strtoul(plan->values[SWEEP_PACKET_SIZE][i], NULL, 10) <= plan->headers)
			return base_error_set(
				err, -EINVAL, "%s: headers = %u: a packet-size of %s has no more",
				path, plan->headers, plan->values[SWEEP_PACKET_SIZE][i]);
	return 0;
}

static void set_defaults(const char *path, struct sweep_plan *plan)
{
	const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path;
	size_t length = strlen(base);

	memset(plan, 0, sizeof(*plan));
	if (length > 4 && strcmp(base + length - 4, ".cfg") == 0)
		length -= 4;
	snprintf(plan->name, sizeof(plan->name), "%.*s", (int)length, base);
	for (unsigned int i = 0; i < SWEEP_AXES; i++) {
		strcpy(plan->values[i][0], axes[i].initial);
		plan->counts[i] = 1;
	}
	strcpy(plan->tracker, "off");
	plan->duration_s = 1;
	plan->warm_up_s = 0.1;
	plan->buffer_size = 2176;
	plan->cache = 250;
	plan->flows = 384;
	plan->lcores = 1;
	plan->hold = 512;
}

int sweep_plan_load(const char *path, struct sweep_plan *plan, struct base_error *err)
{
	struct rte_cfgfile_parameters parameters = {.comment_character = '#'};
	struct rte_cfgfile *file;
	int ret;

	set_defaults(path, plan);
	/* rte_cfgfile_load() does not say why. */
	if (access(path, R_OK) != 0) {
		ret = -errno;
		return base_error_set(err, ret, "cannot read %s: %s", path, strerror(-ret));
	}
	rte_log_set_level_pattern("lib.cfgfile", RTE_LOG_EMERG);
	file = rte_cfgfile_load_with_params(path, CFG_FLAG_EMPTY_VALUES, &parameters);
	if (file == NULL)
		return base_error_set(err, -EINVAL,
				      "%s is not a list of key = value lines below [" SECTION "]",
				      path);
	ret = read_section(path, file, plan, err);
	rte_cfgfile_close(file);
	if (ret == 0)
		ret = check_headers(path, plan, err);
	if (ret == 0 && sweep_plan_points(plan) > SWEEP_POINTS_MAX)
		ret = base_error_set(err, -EINVAL, "%s: %u points, and at most %d can be run", path,
				     sweep_plan_points(plan), SWEEP_POINTS_MAX);
	return ret;
}

/* --- points --------------------------------------------------------------------------------- */

unsigned int sweep_plan_points(const struct sweep_plan *plan)
{
	unsigned int points = 1;

	for (unsigned int i = 0; i < SWEEP_AXES; i++)
		points *= plan->counts[i];
	return points;
}

struct sweep_point sweep_plan_point(const struct sweep_plan *plan, unsigned int n)
{
	struct sweep_point point;

	for (unsigned int i = SWEEP_AXES; i-- > 0; n /= plan->counts[i])
		point.value[i] = n % plan->counts[i];
	return point;
}

const char *sweep_plan_value(const struct sweep_plan *plan, const struct sweep_point *point,
			     enum sweep_axis axis)
{
	return plan->values[axis][point->value[axis]];
}

void sweep_point_text(const struct sweep_plan *plan, const struct sweep_point *point, char *text,
		      size_t size)
{
	const char *queues = sweep_plan_value(plan, point, SWEEP_QUEUES);
	int length = snprintf(text, size, "%s pages, %s queue%s, rings of %s, %s, %s B",
			      sweep_plan_value(plan, point, SWEEP_PAGE_SIZE), queues,
			      strcmp(queues, "1") == 0 ? "" : "s",
			      sweep_plan_value(plan, point, SWEEP_RING),
			      sweep_plan_value(plan, point, SWEEP_POLICY),
			      sweep_plan_value(plan, point, SWEEP_PACKET_SIZE));

	if (plan->is_given[SWEEP_LOSS])
		snprintf(text + length, size - (size_t)length, ", %s %% loss",
			 sweep_plan_value(plan, point, SWEEP_LOSS));
}
