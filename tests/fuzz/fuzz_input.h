/* SPDX-License-Identifier: BSD-3-Clause */
/* Takes numbers from the front of a fuzz input; zeros after its end. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fuzz_input {
	const uint8_t *data;
	size_t size;
};

static inline void fuzz_take(struct fuzz_input *input, void *out, size_t size)
{
	size_t n = size < input->size ? size : input->size;

	memset(out, 0, size);
	memcpy(out, input->data, n);
	input->data += n;
	input->size -= n;
}

static inline uint8_t fuzz_take8(struct fuzz_input *input)
{
	uint8_t value;

	fuzz_take(input, &value, sizeof(value));
	return value;
}

static inline uint16_t fuzz_take16(struct fuzz_input *input)
{
	uint16_t value;

	fuzz_take(input, &value, sizeof(value));
	return value;
}

static inline uint64_t fuzz_take64(struct fuzz_input *input)
{
	uint64_t value;

	fuzz_take(input, &value, sizeof(value));
	return value;
}

/** A promise that the target checks; the crash names it. */
static inline void fuzz_require(int is_kept, const char *promise)
{
	if (is_kept)
		return;
	fprintf(stderr, "broken: %s\n", promise);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
