/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of the capture reader: every format, and every way in which a file can be wrong. */
#include "unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay_file.h"

#define RECORD_MAX (256 * 1024)

/* A pcap file in memory. */
struct image {
	uint8_t *data;
	size_t size;
	bool is_swapped;
};

static void put(struct image *image, const void *data, size_t size)
{
	image->data = realloc(image->data, image->size + size);
	assert_non_null(image->data);
	memcpy(image->data + image->size, data, size);
	image->size += size;
}

static void put32(struct image *image, uint32_t value)
{
	if (image->is_swapped)
		value = __builtin_bswap32(value);
	put(image, &value, sizeof(value));
}

static void put16(struct image *image, uint16_t value)
{
	if (image->is_swapped)
		value = __builtin_bswap16(value);
	put(image, &value, sizeof(value));
}

static struct image pcap_begin_as(bool is_swapped, uint32_t magic, uint32_t snaplen,
				  uint32_t link_type)
{
	struct image image = {.is_swapped = is_swapped};

	put32(&image, magic);
	put16(&image, 2);
	put16(&image, 4);
	put32(&image, 0);
	put32(&image, 0);
	put32(&image, snaplen);
	put32(&image, link_type);
	return image;
}

static struct image pcap_begin(uint32_t magic, uint32_t snaplen, uint32_t link_type)
{
	return pcap_begin_as(false, magic, snaplen, link_type);
}

static void pcap_add(struct image *image, uint32_t seconds, uint32_t fraction, uint32_t size)
{
	uint8_t *data = malloc(size + 1);

	assert_non_null(data);
	for (uint32_t i = 0; i < size; i++)
		data[i] = (uint8_t)(i * 7 + size);
	put32(image, seconds);
	put32(image, fraction);
	put32(image, size);
	put32(image, size);
	put(image, data, size);
	free(data);
}

static int open_image(const struct image *image, size_t size, struct replay_file **file,
		      struct base_error *err)
{
	FILE *stream = fmemopen(image->data, size, "rb");

	assert_non_null(stream);
	memset(err, 0, sizeof(*err));
	return replay_file_open_stream(stream, "image", file, err);
}

static void assert_record(struct replay_file *file, uint64_t time_ns, uint32_t size)
{
	struct replay_record record;
	struct base_error err = {0};

	assert_int_equal(replay_file_next(file, &record, &err), 1);
	assert_int_equal(record.time_ns, time_ns);
	assert_int_equal(record.size, size);
	assert_int_equal(record.wire_size, size);
	for (uint32_t i = 0; i < size; i++)
		assert_int_equal(record.data[i], (uint8_t)(i * 7 + size));
}

static void assert_end(struct replay_file *file)
{
	struct replay_record record;

	assert_int_equal(replay_file_next(file, &record, NULL), 0);
	replay_file_close(file);
}

static void both_byte_orders_and_both_resolutions_read_the_same(void **state)
{
	static const struct {
		uint32_t magic, fraction;
	} kinds[] = {{0xa1b2c3d4, 123456}, {0xa1b23c4d, 123456000}};

	for (unsigned int i = 0; i < 4; i++) {
		struct image image = pcap_begin_as(i & 1, kinds[i / 2].magic, 65535, 1);
		struct replay_file *file;
		struct base_error err;

		pcap_add(&image, 1000000007, kinds[i / 2].fraction, 60);
		pcap_add(&image, 3, 0, 1514);
		assert_int_equal(open_image(&image, image.size, &file, &err), 0);
		assert_int_equal(replay_file_size(file), image.size);
		assert_record(file, 1000000007123456000, 60);
		assert_record(file, 3000000000, 1514);
		assert_int_equal(replay_file_position(file), image.size);
		assert_end(file);
		free(image.data);
	}
}

static void a_record_of_zero_bytes_is_returned(void **state)
{
	struct image image = pcap_begin(0xa1b2c3d4, 65535, 1);
	struct replay_file *file;
	struct base_error err;

	pcap_add(&image, 1, 0, 0);
	pcap_add(&image, 2, 0, 60);
	assert_int_equal(open_image(&image, image.size, &file, &err), 0);
	assert_record(file, 1000000000, 0);
	assert_record(file, 2000000000, 60);
	assert_end(file);
	free(image.data);
}

static void a_record_of_256_kib_is_read_whole_and_a_longer_one_refused(void **state)
{
	for (uint32_t more = 0; more < 2; more++) {
		struct image image = pcap_begin(0xa1b2c3d4, 0, 1);
		struct replay_record record;
		struct replay_file *file;
		struct base_error err;

		pcap_add(&image, 1, 0, RECORD_MAX + more);
		assert_int_equal(open_image(&image, image.size, &file, &err), 0);
		if (more == 0) {
			assert_record(file, 1000000000, RECORD_MAX);
		} else {
			assert_int_equal(replay_file_next(file, &record, &err), -EBADMSG);
			assert_non_null(strstr(err.text, "damaged at its first packet"));
		}
		replay_file_close(file);
		free(image.data);
	}
}

static void a_record_above_the_snapshot_length_is_refused_and_not_cut(void **state)
{
	struct image image = pcap_begin(0xa1b2c3d4, 96, 1);
	struct replay_record record;
	struct replay_file *file;
	struct base_error err;

	pcap_add(&image, 1, 0, 96);
	pcap_add(&image, 2, 0, 97);
	assert_int_equal(open_image(&image, image.size, &file, &err), 0);
	assert_record(file, 1000000000, 96);
	assert_int_equal(replay_file_next(file, &record, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "damaged at packet 2"));
	assert_non_null(strstr(err.text, "snapshot length"));
	replay_file_close(file);
	free(image.data);
}

static void a_file_cut_anywhere_gives_its_whole_records_and_then_an_error(void **state)
{
	struct image image = pcap_begin(0xa1b2c3d4, 65535, 1);
	const size_t header = 24, record_size = 16 + 60;

	pcap_add(&image, 1, 0, 60);
	pcap_add(&image, 2, 0, 60);
	for (size_t size = 1; size < image.size; size++) {
		size_t whole = size < header ? 0 : (size - header) / record_size;
		bool is_boundary = size >= header && (size - header) % record_size == 0;
		struct replay_record record;
		struct replay_file *file;
		struct base_error err;
		int ret = open_image(&image, size, &file, &err);

		assert_int_equal(ret, size < header ? -EBADMSG : 0);
		if (ret < 0)
			continue;
		for (size_t i = 0; i < whole; i++)
			assert_int_equal(replay_file_next(file, &record, &err), 1);
		assert_int_equal(replay_file_next(file, &record, &err), is_boundary ? 0 : -EBADMSG);
		assert_int_equal(err.code, is_boundary ? 0 : -EBADMSG);
		replay_file_close(file);
	}
	free(image.data);
}

static void another_link_type_is_refused_by_its_name(void **state)
{
	struct image image = pcap_begin(0xa1b2c3d4, 65535, 113);
	struct replay_file *file;
	struct base_error err;

	pcap_add(&image, 1, 0, 60);
	assert_int_equal(open_image(&image, image.size, &file, &err), -ENOTSUP);
	assert_non_null(strstr(err.text, "link type 113 (Linux cooked"));
	free(image.data);
}

static void what_is_no_capture_is_refused_in_one_line(void **state)
{
	static const struct {
		const char *path;
		int code;
		const char *word;
	} cases[] = {
		{"/nonexistent/file.pcap", -ENOENT, "No such file"},
		{"/proc", -EINVAL, "not a regular file"},
		{"/dev/null", -EINVAL, "not a regular file"},
	};
	struct image text = {0};
	struct replay_file *file;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct base_error err = {0};

		assert_int_equal(replay_file_open(cases[i].path, &file, &err), cases[i].code);
		assert_non_null(strstr(err.text, cases[i].word));
		assert_null(strchr(err.text, '\n'));
	}
	struct base_error err;

	put(&text, "not a capture at all, but long enough for a header", 50);
	assert_int_equal(open_image(&text, text.size, &file, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "is not a capture"));
	free(text.data);
}

static void an_empty_file_is_refused(void **state)
{
	struct base_error err = {0};
	struct replay_file *file;
	FILE *stream = tmpfile();

	assert_non_null(stream);
	assert_int_equal(replay_file_open_stream(stream, "nothing.pcap", &file, &err), -ENODATA);
	assert_non_null(strstr(err.text, "nothing.pcap is empty"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_byte_orders_and_both_resolutions_read_the_same),
		cmocka_unit_test(a_record_of_zero_bytes_is_returned),
		cmocka_unit_test(a_record_of_256_kib_is_read_whole_and_a_longer_one_refused),
		cmocka_unit_test(a_record_above_the_snapshot_length_is_refused_and_not_cut),
		cmocka_unit_test(a_file_cut_anywhere_gives_its_whole_records_and_then_an_error),
		cmocka_unit_test(another_link_type_is_refused_by_its_name),
		cmocka_unit_test(what_is_no_capture_is_refused_in_one_line),
		cmocka_unit_test(an_empty_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
