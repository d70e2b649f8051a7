/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes pcap with libpcap, and the three pcapng blocks that libpcap cannot write. */
#include "replay_writer.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay_pcapng.h"

#define SNAPLEN (256 * 1024)

struct replay_writer {
	char *path;
	FILE *stream;
	pcap_t *pcap;	       /* NULL: pcapng */
	pcap_dumper_t *dumper; /* owns stream */
	uint64_t packets;
	uint64_t bytes;
	int error; /* the first -errno */
};

static bool is_pcapng_name(const char *path)
{
	const char *end = strrchr(path, '.');

	return end != NULL && strcmp(end, ".pcapng") == 0;
}

static int begin_pcap(struct replay_writer *writer)
{
	writer->pcap = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, SNAPLEN,
							    PCAP_TSTAMP_PRECISION_NANO);
	if (writer->pcap == NULL)
		return -ENOMEM;
	writer->dumper = pcap_dump_fopen(writer->pcap, writer->stream);
	if (writer->dumper == NULL) {
		pcap_close(writer->pcap);
		return -EIO;
	}
	return 0;
}

int replay_writer_open(const char *path, struct replay_writer **out, struct base_error *err)
{
	struct replay_writer *writer = calloc(1, sizeof(*writer));
	int ret = -ENOMEM;

	if (writer == NULL || (writer->path = strdup(path)) == NULL)
		goto free_writer;
	writer->stream = fopen(path, "wbe");
	if (writer->stream == NULL) {
		ret = -errno;
		goto free_writer;
	}
	ret = is_pcapng_name(path) ? replay_pcapng_begin(writer->stream) : begin_pcap(writer);
	/* A full disk shows here and not after the run. */
	if (ret == 0 && fflush(writer->stream) != 0)
		ret = -errno;
	if (ret < 0) {
		writer->error = ret;
		replay_writer_close(writer, err);
		return ret;
	}
	*out = writer;
	return 0;

free_writer:
	if (writer != NULL)
		free(writer->path);
	free(writer);
	return base_error_set(err, ret,
			      "cannot write capture %s: %s; give a file in a folder that can be "
			      "written",
			      path, strerror(-ret));
}

int replay_writer_add(struct replay_writer *writer, uint64_t time_ns, const void *data,
		      uint32_t size)
{
	if (writer->error != 0)
		return writer->error;
	if (writer->pcap == NULL) {
		writer->error = replay_pcapng_add(writer->stream, time_ns, data, size);
	} else {
		/* libpcap writes tv_usec as it stands: nanoseconds here (pcap_open_dead(3)). */
		struct pcap_pkthdr header = {
			.ts = {.tv_sec = (time_t)(time_ns / 1000000000),
			       .tv_usec = (suseconds_t)(time_ns % 1000000000)},
			.caplen = size,
			.len = size,
		};

		pcap_dump((u_char *)writer->dumper, &header, data);
		writer->error = ferror(writer->stream) ? (errno != 0 ? -errno : -EIO) : 0;
	}
	if (writer->error == 0) {
		writer->packets++;
		writer->bytes += size;
	}
	return writer->error;
}

int replay_writer_flush(struct replay_writer *writer)
{
	if (writer->error == 0 && fflush(writer->stream) != 0)
		writer->error = -errno;
	return writer->error;
}

uint64_t replay_writer_packets(const struct replay_writer *writer)
{
	return writer->packets;
}

uint64_t replay_writer_bytes(const struct replay_writer *writer)
{
	return writer->bytes;
}

int replay_writer_close(struct replay_writer *writer, struct base_error *err)
{
	int ret = replay_writer_flush(writer);

	if (ret < 0)
		base_error_set(err, ret, "cannot write capture %s after %ju packets: %s",
			       writer->path, (uintmax_t)writer->packets, strerror(-ret));
	if (writer->dumper != NULL) {
		pcap_dump_close(writer->dumper);
		pcap_close(writer->pcap);
	} else {
		fclose(writer->stream);
	}
	free(writer->path);
	free(writer);
	return ret;
}
