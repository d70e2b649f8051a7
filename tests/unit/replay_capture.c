/* SPDX-License-Identifier: BSD-3-Clause */
/* Builds frames and writes them with the project's own writer. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "replay_capture.h"
#include "replay_writer.h"

#define HEADERS \
	(sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_udp_hdr))

uint32_t capture_frame_build(const struct capture_frame *frame, uint32_t number, uint8_t *bytes)
{
	struct rte_ether_hdr ether = {.ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4)};
	struct rte_ipv4_hdr ip = {.version_ihl = RTE_IPV4_VHL_DEF,
				  .next_proto_id = IPPROTO_UDP,
				  .src_addr = rte_cpu_to_be_32(frame->hosts[0]),
				  .dst_addr = rte_cpu_to_be_32(frame->hosts[1])};
	struct rte_udp_hdr udp = {.src_port = rte_cpu_to_be_16(frame->ports[0]),
				  .dst_port = rte_cpu_to_be_16(frame->ports[1])};

	for (uint32_t i = 0; i < frame->size; i++)
		bytes[i] = (uint8_t)(number + i * 13);
	if (frame->hosts[0] == 0 || frame->size < HEADERS)
		return frame->size;
	if (frame->is_fragment)
		ip.fragment_offset = RTE_BE16(100);
	memcpy(bytes, &ether, sizeof(ether));
	memcpy(bytes + sizeof(ether), &ip, sizeof(ip));
	if (!frame->is_fragment)
		memcpy(bytes + sizeof(ether) + sizeof(ip), &udp, sizeof(udp));
	return frame->size;
}

char *capture_write(const struct capture_frame *frames, size_t count)
{
	char *path = strdup("/tmp/ioplane-test-XXXXXX");
	struct replay_writer *writer;
	static uint8_t bytes[256 * 1024];
	int file;

	assert_non_null(path);
	file = mkstemp(path);
	assert_true(file >= 0);
	close(file);
	assert_int_equal(replay_writer_open(path, &writer, NULL), 0);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(
			replay_writer_add(writer, i * 1000, bytes,
					  capture_frame_build(&frames[i], (uint32_t)i, bytes)),
			0);
	assert_int_equal(replay_writer_close(writer, NULL), 0);
	return path;
}

struct replay_store *capture_load(const struct capture_frame *frames, size_t count,
				  struct replay_store_config config)
{
	char *path = capture_write(frames, count);
	struct base_error err = {0};
	struct replay_store *store;

	config.path = path;
	if (replay_store_create(&config, &store, &err) != 0)
		fail_msg("%s", err.text);
	unlink(path);
	free(path);
	return store;
}
