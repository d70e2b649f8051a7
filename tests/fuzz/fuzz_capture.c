/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzzes the capture reader: what it hands out lies in memory, and what it refuses has a reason. */
#include <stdio.h>
#include <string.h>

#include "fuzz_input.h"
#include "replay_file.h"

#define RECORD_MAX (256 * 1024)

static void require_reason(int ret, const struct base_error *err)
{
	fuzz_require(ret < 0 && err->code == ret, "a refusal has its code");
	fuzz_require(err->text[0] != '\0' && strchr(err->text, '\n') == NULL, "one line says why");
}

/* Reads every byte of every record, for the sanitizers to see; nothing drops the sum. */
static void read_all(struct replay_file *file)
{
	struct base_error err = {0};
	struct replay_record record;
	uint64_t bytes = 0;
	uint32_t sum = 0;
	int ret;

	while ((ret = replay_file_next(file, &record, &err)) == 1) {
		fuzz_require(record.size <= RECORD_MAX, "a record has at most 256 KiB");
		for (uint32_t i = 0; i < record.size; i++)
			sum += record.data[i];
		bytes += record.size;
		fuzz_require(bytes <= replay_file_size(file), "records lie in the file");
		fuzz_require(replay_file_position(file) <= replay_file_size(file),
			     "so does the reader");
	}
	if (ret < 0)
		require_reason(ret, &err);
	__asm__ volatile("" : : "r"(sum));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct base_error err = {0};
	struct replay_file *file;
	FILE *stream;
	int ret;

	if (size == 0)
		return 0;
	stream = fmemopen((void *)(uintptr_t)data, size, "rb");
	fuzz_require(stream != NULL, "a stream can be opened");
	ret = replay_file_open_stream(stream, "input", &file, &err);
	if (ret < 0) {
		require_reason(ret, &err);
		return 0;
	}
	read_all(file);
	replay_file_close(file);
	return 0;
}
