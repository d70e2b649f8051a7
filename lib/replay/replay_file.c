/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads captures with libpcap, and finds what libpcap would hand on silently. */
#include "replay_file.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define RECORD_HEADER_SIZE 16 /* pcap file format, packet record */

struct replay_file {
	pcap_t *pcap;
	char *name;
	uint64_t size;
	uint64_t records; /* read so far */
	bool is_pcap;	  /* the classic format, not pcapng or a relative */
};

static bool is_classic_magic(uint32_t magic)
{
	static const uint32_t known[] = {0xa1b2c3d4, 0xa1b23c4d};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (magic == known[i] || magic == __builtin_bswap32(known[i]))
			return true;
	return false;
}

static int measure(struct replay_file *file, FILE *stream, struct base_error *err)
{
	uint32_t magic = 0;

	if (fseeko(stream, 0, SEEK_END) != 0)
		return base_error_set(err, -errno, "capture %s cannot be read: %s", file->name,
				      strerror(errno));
	file->size = (uint64_t)ftello(stream);
	rewind(stream);
	if (file->size == 0)
		return base_error_set(err, -ENODATA,
				      "capture %s is empty: give a pcap or pcapng file with "
				      "packets",
				      file->name);
	if (fread(&magic, sizeof(magic), 1, stream) == 1)
		file->is_pcap = is_classic_magic(magic);
	rewind(stream);
	return 0;
}

static int check_link_type(const struct replay_file *file, struct base_error *err)
{
	int type = pcap_datalink(file->pcap);
	const char *what = pcap_datalink_val_to_description(type);

	if (type == DLT_EN10MB)
		return 0;
	return base_error_set(err, -ENOTSUP,
			      "capture %s has link type %d (%s), not Ethernet: capture on one "
			      "Ethernet interface, or give its frames an Ethernet header first",
			      file->name, type, what == NULL ? "unknown" : what);
}

int replay_file_open_stream(FILE *stream, const char *name, struct replay_file **out,
			    struct base_error *err)
{
	char text[PCAP_ERRBUF_SIZE] = "";
	struct replay_file *file = calloc(1, sizeof(*file));
	int ret = -ENOMEM;

	if (file == NULL || (file->name = strdup(name)) == NULL) {
		base_error_set(err, ret, "no memory to open capture %s", name);
		goto close_stream;
	}
	ret = measure(file, stream, err);
	if (ret < 0)
		goto close_stream;
	file->pcap =
		pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, text);
	if (file->pcap == NULL) {
		ret = base_error_set(err, -EBADMSG,
				     "%s is not a capture that can be read (%s): give a pcap or "
				     "pcapng file",
				     name, text);
		goto close_stream;
	}
	ret = check_link_type(file, err);
	if (ret < 0) {
		replay_file_close(file);
		return ret;
	}
	*out = file;
	return 0;

close_stream:
	fclose(stream);
	if (file != NULL)
		free(file->name);
	free(file);
	return ret;
}

int replay_file_open(const char *path, struct replay_file **out, struct base_error *err)
{
	FILE *stream = fopen(path, "rbe");
	struct stat status;
	int ret;

	if (stream == NULL) {
		ret = -errno;
		return base_error_set(err, ret, "cannot open capture %s: %s%s", path,
				      strerror(-ret), ret == -ENOENT ? "; check the path" : "");
	}
	if (fstat(fileno(stream), &status) != 0 || !S_ISREG(status.st_mode)) {
		fclose(stream);
		return base_error_set(err, -EINVAL,
				      "%s is not a regular file: captures are read twice, so save "
				      "it to a file first",
				      path);
	}
	return replay_file_open_stream(stream, path, out, err);
}

static int refuse_record(const struct replay_file *file, const char *why, struct base_error *err)
{
	if (file->records == 0)
		return base_error_set(err, -EBADMSG,
				      "capture %s is damaged at its first packet: %s; get the file "
				      "again",
				      file->name, why);
	return base_error_set(err, -EBADMSG,
			      "capture %s is damaged at packet %ju: %s; keep the good ones with "
			      "tcpdump -r FILE -c %ju -w NEW, or get the file again",
			      file->name, (uintmax_t)file->records + 1, why,
			      (uintmax_t)file->records);
}

/*
 * libpcap cuts a record that is longer than the snapshot length in the file's header and does not
 * say so (sf-pcap.c). It does not for pcapng: there it refuses.
 */
static bool is_cut(struct replay_file *file, off_t before, uint32_t size)
{
	off_t after = ftello(pcap_file(file->pcap));

	return file->is_pcap && after - before > (off_t)(RECORD_HEADER_SIZE + size);
}

static uint64_t time_of(const struct replay_file *file, const struct pcap_pkthdr *header)
{
	/* libpcap reads the format's unsigned seconds as signed: wrong from 2038 on */
	uint64_t seconds =
		file->is_pcap ? (uint32_t)header->ts.tv_sec : (uint64_t)header->ts.tv_sec;

	/* with nanosecond precision tv_usec holds nanoseconds (pcap_fopen_offline(3)) */
	return seconds * 1000000000 + (uint64_t)header->ts.tv_usec;
}

int replay_file_next(struct replay_file *file, struct replay_record *record, struct base_error *err)
{
	off_t before = ftello(pcap_file(file->pcap));
	struct pcap_pkthdr *header;
	const u_char *data;

	switch (pcap_next_ex(file->pcap, &header, &data)) {
	case 1:
		break;
	case PCAP_ERROR_BREAK:
		return 0;
	default:
		return refuse_record(file, pcap_geterr(file->pcap), err);
	}
	if (is_cut(file, before, header->caplen))
		return refuse_record(
			file, "it is longer than the snapshot length in the file's header", err);
	file->records++;
	*record = (struct replay_record){
		.data = data,
		.size = header->caplen,
		.wire_size = header->len,
		.time_ns = time_of(file, header),
	};
	return 1;
}

uint64_t replay_file_position(struct replay_file *file)
{
	off_t position = ftello(pcap_file(file->pcap));

	return position < 0 ? 0 : (uint64_t)position;
}

uint64_t replay_file_size(const struct replay_file *file)
{
	return file->size;
}

void replay_file_close(struct replay_file *file)
{
	if (file == NULL)
		return;
	if (file->pcap != NULL)
		pcap_close(file->pcap);
	free(file->name);
	free(file);
}
