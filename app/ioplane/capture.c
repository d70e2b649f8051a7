/* SPDX-License-Identifier: BSD-3-Clause */
/* Copies what ports receive into rings, and writes the rings' frames by time in a thread. */
#include "capture.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "port.h"
#include "replay_ring.h"
#include "replay_writer.h"
#include "spec.h"
#include "stream.h"

#define RING_SIZE      ((size_t)4 << 20)
#define FRAME_OVERHEAD 32 /* Ethernet header, tags and FCS above the MTU */
#define IDLE_US	       200

struct capture {
	struct port *port;
	char file[PATH_MAX];
	struct replay_writer *writer;
	struct replay_ring *rings[PORT_QUEUES_MAX]; /* of the streams, while forwarding */
	unsigned int ring_count;
	uint64_t full; /* polls put off for the writer, in the runs before */
	uint64_t lost;
	uint64_t unwritten; /* frames that the file did not take */
};

static struct {
	struct capture *of_port[RTE_MAX_ETHPORTS];
	pthread_t thread;
	bool is_running; /* main lcore */
	bool is_ending;	 /* atomic: main: write, thread: read */
	/* a pair of clocks at the start */
	uint64_t start_ns;
	uint64_t start_tsc;
	double ns_per_cycle;
} captures;

/* --- the thread ----------------------------------------------------------------------------- */

static uint64_t to_wall_ns(uint64_t tsc)
{
	return captures.start_ns +
	       (uint64_t)((double)(tsc - captures.start_tsc) * captures.ns_per_cycle);
}

/* Writes what may be written now; returns how many frames. */
static uint64_t drain(struct capture *capture)
{
	struct replay_ring *ring;
	uint64_t n = 0;

	while ((ring = replay_ring_oldest(capture->rings, capture->ring_count)) != NULL) {
		const struct replay_ring_frame *frame = replay_ring_peek(ring);

		if (replay_writer_add(capture->writer, to_wall_ns(frame->time), frame->data,
				      frame->size) < 0)
			capture->unwritten++;
		replay_ring_pop(ring, frame);
		n++;
	}
	return n;
}

static uint64_t drain_all(void)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < RTE_DIM(captures.of_port); i++)
		if (captures.of_port[i] != NULL)
			n += drain(captures.of_port[i]);
	return n;
}

static void *write_captures(void *arg __rte_unused)
{
	/* When ending, the rings are closed: one more round after that finds all there is. */
	while (!__atomic_load_n(&captures.is_ending, __ATOMIC_ACQUIRE))
		if (drain_all() == 0)
			usleep(IDLE_US);
	drain_all();
	return NULL;
}

/* --- the lcores ------------------------------------------------------------------------------ */

uint16_t capture_receive(struct stream *stream, struct rte_mbuf **packets)
{
	struct replay_ring *ring = stream->capture;
	uint64_t now = rte_rdtsc();
	uint16_t n = 0;

	if (likely(replay_ring_has_room(ring)))
		n = rte_eth_rx_burst(stream->rx_id, stream->rx_queue, packets, stream->burst);
	if (n > 0)
		replay_ring_put(ring, now, packets, n);
	replay_ring_advance(ring, now);
	return n;
}

/* --- start and stop -------------------------------------------------------------------------- */

static struct capture *capture_of(const struct port *port)
{
	return port == NULL ? NULL : captures.of_port[port->id];
}

static int add_ring(struct capture *capture, struct stream *stream, struct base_error *err)
{
	uint16_t mtu = RTE_ETHER_MTU;
	int ret;

	rte_eth_dev_get_mtu(capture->port->id, &mtu);
	ret = replay_ring_create(RING_SIZE, stream->burst, (uint32_t)mtu + FRAME_OVERHEAD,
				 &stream->capture);
	if (ret < 0)
		return base_error_set(err, ret, "no memory to capture port %u queue %u",
				      capture->port->id, stream->rx_queue);
	capture->rings[capture->ring_count++] = stream->capture;
	return 0;
}

static void start_clocks(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	captures.start_tsc = rte_rdtsc();
	captures.start_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	captures.ns_per_cycle = 1e9 / (double)rte_get_tsc_hz();
}

static void free_rings(void)
{
	for (unsigned int i = 0; i < RTE_DIM(captures.of_port); i++) {
		struct capture *capture = captures.of_port[i];

		if (capture == NULL)
			continue;
		for (unsigned int r = 0; r < capture->ring_count; r++) {
			capture->full += capture->rings[r]->full;
			capture->lost += capture->rings[r]->lost;
			replay_ring_destroy(capture->rings[r]);
		}
		capture->ring_count = 0;
	}
	for (struct stream *stream = stream_next(NULL); stream != NULL;
	     stream = stream_next(stream))
		stream->capture = NULL;
}

int capture_start(struct base_error *err)
{
	bool is_needed = false;
	int ret = 0;

	for (struct stream *stream = stream_next(NULL); stream != NULL && ret == 0;
	     stream = stream_next(stream)) {
		struct capture *capture = capture_of(stream->rx_port);

		if (capture == NULL)
			continue;
		ret = add_ring(capture, stream, err);
		is_needed = true;
	}
	if (!is_needed || ret < 0)
		goto free_rings;
	start_clocks();
	captures.is_ending = false;
	ret = pthread_create(&captures.thread, NULL, write_captures, NULL);
	if (ret != 0) {
		ret = base_error_set(err, -ret, "cannot start the thread that writes captures: %s",
				     strerror(ret));
		goto free_rings;
	}
	pthread_setname_np(captures.thread, "capture");
	captures.is_running = true;
	return 0;

free_rings:
	free_rings();
	return ret;
}

int capture_stop(struct base_error *err)
{
	int ret = 0;

	if (!captures.is_running)
		return 0;
	for (struct stream *stream = stream_next(NULL); stream != NULL;
	     stream = stream_next(stream))
		if (stream->capture != NULL)
			replay_ring_advance(stream->capture, UINT64_MAX);
	__atomic_store_n(&captures.is_ending, true, __ATOMIC_RELEASE);
	pthread_join(captures.thread, NULL);
	captures.is_running = false;
	free_rings();
	for (unsigned int i = 0; i < RTE_DIM(captures.of_port); i++) {
		struct capture *capture = captures.of_port[i];
		int failed = capture == NULL ? 0 : replay_writer_flush(capture->writer);

		if (failed < 0)
			ret = base_error_set(
				err, failed, "cannot write capture %s after %ju packets: %s",
				capture->file, (uintmax_t)replay_writer_packets(capture->writer),
				strerror(-failed));
	}
	return ret;
}

/* --- setting --------------------------------------------------------------------------------- */

int capture_drop(struct port *port, struct base_error *err)
{
	struct capture *capture = captures.of_port[port->id];
	int ret;

	if (capture == NULL)
		return 0;
	captures.of_port[port->id] = NULL;
	ret = replay_writer_close(capture->writer, err);
	free(capture);
	return ret;
}

static int open_capture(const struct spec *spec, struct port *port, struct base_error *err)
{
	struct capture *capture = calloc(1, sizeof(*capture));
	int ret;

	if (capture == NULL)
		return base_error_set(err, -ENOMEM, "no memory for a capture");
	capture->port = port;
	strcpy(capture->file, spec->file);
	ret = replay_writer_open(spec->file, &capture->writer, err);
	if (ret < 0) {
		free(capture);
		return ret;
	}
	ret = capture_drop(port, err);
	captures.of_port[port->id] = capture;
	return ret;
}

int capture_set(const char *text, struct base_error *err)
{
	struct spec spec;
	struct port *port;
	int ret = spec_parse_capture(text, &spec, err);

	if (ret < 0)
		return ret;
	if (captures.is_running || forward_is_running())
		return base_error_set(err, -EBUSY, "capture %s: stop forwarding first", text);
	port = port_find(spec.port);
	if (port == NULL)
		return base_error_set(err, -ENODEV, "capture %s: there is no port %u", text,
				      spec.port);
	if (port->state == PORT_CLOSED)
		return base_error_set(err, -ENODEV, "capture %s: port %u is closed: port detach %u",
				      text, port->id, port->id);
	return spec.is_off ? capture_drop(port, err) : open_capture(&spec, port, err);
}

void capture_print(FILE *file)
{
	for (unsigned int i = 0; i < RTE_DIM(captures.of_port); i++) {
		const struct capture *capture = captures.of_port[i];

		if (capture == NULL)
			continue;
		fprintf(file, "capture port %u: %ju packets, %ju bytes in %s\n", i,
			(uintmax_t)replay_writer_packets(capture->writer),
			(uintmax_t)replay_writer_bytes(capture->writer), capture->file);
		if (capture->full > 0)
			fprintf(file,
				"capture port %u: the writer fell behind: receiving waited for it "
				"%ju times\n",
				i, (uintmax_t)capture->full);
		if (capture->lost + capture->unwritten > 0)
			fprintf(file, "capture port %u: %ju packets are not in the file\n", i,
				(uintmax_t)(capture->lost + capture->unwritten));
	}
}
