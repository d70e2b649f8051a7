/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of the capture writer: what it writes reads back the same. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay_file.h"
#include "replay_writer.h"

#define FRAMES 1000

struct frame {
	uint64_t time_ns;
	uint32_t size;
	uint8_t data[2000];
};

static void fill(struct frame *frame, uint64_t *seed)
{
	frame->time_ns = unit_random(seed) % (UINT64_C(4000000000) * 1000000000);
	frame->size = (uint32_t)(unit_random(seed) % sizeof(frame->data)) + 1;
	for (uint32_t i = 0; i < frame->size; i++)
		frame->data[i] = (uint8_t)unit_random(seed);
}

static void assert_reads_back(const char *name)
{
	char folder[] = "/tmp/ioplane-test-XXXXXX";
	struct replay_writer *writer;
	struct replay_record record;
	struct base_error err = {0};
	struct replay_file *file;
	struct frame frame;
	uint64_t seed = 1;
	char path[128];

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(replay_writer_open(path, &writer, &err), 0);
	for (unsigned int i = 0; i < FRAMES; i++) {
		fill(&frame, &seed);
		assert_int_equal(replay_writer_add(writer, frame.time_ns, frame.data, frame.size),
				 0);
	}
	assert_int_equal(replay_writer_packets(writer), FRAMES);
	assert_int_equal(replay_writer_close(writer, &err), 0);

	seed = 1;
	assert_int_equal(replay_file_open(path, &file, &err), 0);
	for (unsigned int i = 0; i < FRAMES; i++) {
		fill(&frame, &seed);
		assert_int_equal(replay_file_next(file, &record, &err), 1);
		assert_int_equal(record.time_ns, frame.time_ns);
		assert_int_equal(record.size, frame.size);
		assert_int_equal(record.wire_size, frame.size);
		assert_memory_equal(record.data, frame.data, frame.size);
	}
	assert_int_equal(replay_file_next(file, &record, &err), 0);
	replay_file_close(file);
	unlink(path);
	rmdir(folder);
}

static void pcap_reads_back_to_the_nanosecond(void **state)
{
	assert_reads_back("out.pcap");
}

static void pcapng_reads_back_to_the_nanosecond(void **state)
{
	assert_reads_back("out.pcapng");
}

static void a_name_that_only_holds_pcapng_is_written_as_pcap(void **state)
{
	char folder[] = "/tmp/ioplane-test-XXXXXX";
	struct replay_writer *writer;
	uint32_t magic = 0;
	char path[128];
	FILE *file;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a.pcapng.cap", folder);
	assert_int_equal(replay_writer_open(path, &writer, NULL), 0);
	assert_int_equal(replay_writer_close(writer, NULL), 0);
	file = fopen(path, "rb");
	assert_non_null(file);
	assert_int_equal(fread(&magic, sizeof(magic), 1, file), 1);
	assert_int_equal(magic, 0xa1b23c4d);
	fclose(file);
	unlink(path);
	rmdir(folder);
}

static void a_file_that_cannot_be_written_is_told_at_once(void **state)
{
	static const struct {
		const char *path;
		int code;
	} cases[] = {
		{"/nonexistent/out.pcap", -ENOENT},
		{"/proc", -EISDIR},
		{"/dev/full", -ENOSPC},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct replay_writer *writer = NULL;
		struct base_error err = {0};

		assert_int_equal(replay_writer_open(cases[i].path, &writer, &err), cases[i].code);
		assert_non_null(strstr(err.text, cases[i].path));
		assert_non_null(strstr(err.text, strerror(-cases[i].code)));
		assert_null(writer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pcap_reads_back_to_the_nanosecond),
		cmocka_unit_test(pcapng_reads_back_to_the_nanosecond),
		cmocka_unit_test(a_name_that_only_holds_pcapng_is_written_as_pcap),
		cmocka_unit_test(a_file_that_cannot_be_written_is_told_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
