/* SPDX-License-Identifier: BSD-3-Clause */
/* Policies as text: "deferred,batch=128,timeout-us=10000,iova=fresh". */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dma_private.h"

static const char *const names[] = {
	[DMA_STATIC] = "static",
	[DMA_STRICT] = "strict",
	[DMA_DEFERRED] = "deferred",
};

const char *dma_policy_name(enum dma_policy policy)
{
	return (unsigned int)policy < RTE_DIM(names) ? names[policy] : "unknown";
}

/* The value of "key=value" when text is that. */
static const char *value_of(const char *text, const char *key)
{
	size_t length = strlen(key);

	return strncmp(text, key, length) == 0 && text[length] == '=' ? text + length + 1 : NULL;
}

static int set_number(const char *key, const char *text, uint32_t min, uint32_t max,
		      uint32_t *number, struct base_error *err)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	/* strtoull() takes signs and spaces, which a count must not have */
	if (text[0] < '0' || text[0] > '9' || errno != 0 || *end != '\0' || value < min ||
	    value > max)
		return base_error_set(err, -EINVAL, "%s=%s: give a number from %u to %u", key, text,
				      min, max);
	*number = (uint32_t)value;
	return 0;
}

static int set_iova(const char *text, struct dma_policy_config *config, struct base_error *err)
{
	config->is_fresh = strcmp(text, "fresh") == 0;
	if (config->is_fresh || strcmp(text, "fixed") == 0)
		return 0;
	return base_error_set(err, -EINVAL, "iova=%s: give fixed or fresh", text);
}

static int set_option(const char *text, struct dma_policy_config *config, struct base_error *err)
{
	bool is_deferred = config->policy == DMA_DEFERRED;
	const char *value;

	if (config->policy != DMA_STATIC && (value = value_of(text, "iova")) != NULL)
		return set_iova(value, config, err);
	if (is_deferred && (value = value_of(text, "batch")) != NULL)
		return set_number("batch", value, 1, DMA_BATCH_MAX, &config->batch, err);
	if (is_deferred && (value = value_of(text, "timeout-us")) != NULL)
		return set_number("timeout-us", value, 0, UINT32_MAX, &config->timeout_us, err);
	return base_error_set(
		err, -EINVAL,
		"%s is no option of %s: strict takes iova=fixed|fresh, deferred that, "
		"batch=N and timeout-us=N",
		text[0] == '\0' ? "nothing" : text, names[config->policy]);
}

static int set_policy(const char *text, struct dma_policy_config *config, struct base_error *err)
{
	for (unsigned int i = 0; i < RTE_DIM(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			config->policy = (enum dma_policy)i;
			return 0;
		}
	}
	return base_error_set(err, -EINVAL,
			      "%s: there is no such policy: give static, strict or "
			      "deferred",
			      text);
}

int dma_policy_parse(const char *text, struct dma_policy_config *out, struct base_error *err)
{
	struct dma_policy_config config = {
		.batch = DMA_BATCH_DEFAULT,
		.timeout_us = DMA_TIMEOUT_US_DEFAULT,
		.is_fresh = true,
	};
	char *copy = strdup(text), *rest = copy;
	int ret;

	if (copy == NULL)
		return base_error_set(err, -ENOMEM, "out of memory");
	ret = set_policy(strsep(&rest, ","), &config, err);
	while (ret == 0 && rest != NULL)
		ret = set_option(strsep(&rest, ","), &config, err);
	if (ret == 0)
		*out = config;
	free(copy);
	return ret;
}

const char *dma_policy_print(const struct dma_policy_config *config,
			     char text[DMA_POLICY_TEXT_SIZE])
{
	const char *name = dma_policy_name(config->policy);
	const char *iova = config->is_fresh ? "fresh" : "fixed";

	if (config->policy == DMA_DEFERRED)
		snprintf(text, DMA_POLICY_TEXT_SIZE, "%s,batch=%u,timeout-us=%u,iova=%s", name,
			 config->batch, config->timeout_us, iova);
	else if (config->policy == DMA_STRICT)
		snprintf(text, DMA_POLICY_TEXT_SIZE, "%s,iova=%s", name, iova);
	else
		snprintf(text, DMA_POLICY_TEXT_SIZE, "%s", name);
	return text;
}
