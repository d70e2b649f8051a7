/* SPDX-License-Identifier: BSD-3-Clause */
/* Parses the specs of replays and captures key by key. */
#include "spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_config.h>

struct key {
	const char *name;
	int (*set)(const char *value, struct spec *spec, struct base_error *err);
	bool has_value;
	bool is_for_capture; /* replay has them all */
};

static int number(const char *text, uint64_t max, uint64_t *value)
{
	char *end;

	/* strtoull() takes signs and spaces, which a count must not have */
	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return errno != 0 || *end != '\0' || *value > max ? -EINVAL : 0;
}

static int set_file(const char *value, struct spec *spec, struct base_error *err)
{
	if (value[0] == '\0' || strlen(value) >= sizeof(spec->file))
		return base_error_set(err, -EINVAL, "file= needs a file name of at most %zu bytes",
				      sizeof(spec->file) - 1);
	strcpy(spec->file, value);
	return 0;
}

static int set_loop(const char *value, struct spec *spec, struct base_error *err)
{
	if (number(value, UINT32_MAX, &spec->loops) == 0)
		return 0;
	return base_error_set(err, -EINVAL, "loop=%s is no count: give 1 or more, 0 for ever",
			      value);
}

static int set_topspeed(const char *value __rte_unused, struct spec *spec __rte_unused,
			struct base_error *err __rte_unused)
{
	return 0;
}

static int set_off(const char *value __rte_unused, struct spec *spec,
		   struct base_error *err __rte_unused)
{
	spec->is_off = true;
	return 0;
}

static int refuse_pace(const char *value __rte_unused, struct spec *spec __rte_unused,
		       struct base_error *err)
{
	return base_error_set(err, -EINVAL,
			      "replay has no pace yet: leave pps, mbps and multiplier out, it runs "
			      "at topspeed");
}

static int refuse_end(const char *value __rte_unused, struct spec *spec __rte_unused,
		      struct base_error *err)
{
	return base_error_set(err, -EINVAL,
			      "replay cannot end early yet: leave limit and duration out, and take "
			      "the packets you want with tcpdump -r FILE -c N -w NEW");
}

static const struct key keys[] = {
	{"file", set_file, .has_value = true, .is_for_capture = true},
	{"off", set_off, .is_for_capture = true},
	{"loop", set_loop, .has_value = true},
	{"topspeed", .set = set_topspeed},
	{"pps", refuse_pace, .has_value = true},
	{"mbps", refuse_pace, .has_value = true},
	{"multiplier", refuse_pace, .has_value = true},
	{"limit", refuse_end, .has_value = true},
	{"duration", refuse_end, .has_value = true},
};

static int set_key(char *word, bool is_capture, struct spec *spec, struct base_error *err)
{
	char *value = strchr(word, '=');

	if (value != NULL)
		*value++ = '\0';
	for (size_t i = 0; i < RTE_DIM(keys); i++) {
		if (strcmp(keys[i].name, word) != 0 || (is_capture && !keys[i].is_for_capture))
			continue;
		if (keys[i].has_value != (value != NULL))
			return base_error_set(err, -EINVAL, "%s takes %s value", word,
					      keys[i].has_value ? "a" : "no");
		return keys[i].set(value, spec, err);
	}
	return base_error_set(err, -EINVAL, "there is no key \"%s\" (a comma ends a file name)",
			      word);
}

static int parse(const char *text, bool is_capture, struct spec *spec, struct base_error *err)
{
	char *copy = strdup(text);
	char *rest = copy;
	uint64_t port = 0;
	char *word;
	int ret = 0;

	if (copy == NULL)
		return base_error_set(err, -ENOMEM, "no memory");
	memset(spec, 0, sizeof(*spec));
	spec->loops = 1;
	word = strsep(&rest, ",");
	if (number(word, RTE_MAX_ETHPORTS - 1, &port) != 0)
		ret = base_error_set(err, -EINVAL, "\"%s\" is no port: give %s", word,
				     is_capture ? "PORT,file=F" : "PORT,file=F[,loop=N]");
	spec->port = (uint16_t)port;
	while (ret == 0 && (word = strsep(&rest, ",")) != NULL)
		ret = set_key(word, is_capture, spec, err);
	free(copy);
	if (ret == 0 && spec->is_off == (spec->file[0] != '\0'))
		ret = base_error_set(err, -EINVAL, "give file=F, or off");
	return ret;
}

static int parse_and_name(const char *what, const char *text, bool is_capture, struct spec *spec,
			  struct base_error *err)
{
	struct base_error reason = {0};
	int ret = parse(text, is_capture, spec, &reason);

	if (ret < 0)
		base_error_set(err, ret, "%s %s: %s", what, text, reason.text);
	return ret;
}

int spec_parse_replay(const char *text, struct spec *spec, struct base_error *err)
{
	return parse_and_name("replay", text, false, spec, err);
}

int spec_parse_capture(const char *text, struct spec *spec, struct base_error *err)
{
	return parse_and_name("capture", text, true, spec, err);
}
