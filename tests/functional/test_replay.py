# SPDX-License-Identifier: BSD-3-Clause
"""Replays captures from one port to the other and looks at every frame that arrives."""
import os
import signal
import struct
import threading
import time

import pytest

import captures

ENTIRE = ("--max-pkt-len=9018",)  # room for the largest frames of the shared captures


def replay(ioplane, path, *args, spec="", out="out.pcap", **options):
    """Replays a file from port 0 and returns the result and the frames that port 1 received."""
    written = ioplane.folder / out
    result = ioplane.run(f"--replay=0,file={path}{spec}", f"--capture=1,file={written}", *args,
                         **options)
    return result, captures.read_frames(written)


def polled_by(result, stream):
    """How many lcores have a stream that begins with these words, as the start says."""
    lcores, count = 0, False
    for line in result.stdout.splitlines():
        if line.startswith("Logical Core"):
            lcores, count = lcores + count, False
        count |= line.strip().startswith(stream)
    return lcores + count


def assert_counts(result, frames):
    """Ports, queues and the replay agree with the frames, and nothing was lost."""
    size = sum(map(len, frames))
    sender, receiver = result.port(0), result.port(1)
    assert sender["stats"]["tx_packets"] == receiver["stats"]["rx_packets"] == len(frames)
    assert sender["stats"]["tx_bytes"] == receiver["stats"]["rx_bytes"] == size
    assert receiver["stats"]["rx_missed"] == 0
    for queues, port in (("tx_queues", sender), ("rx_queues", receiver)):
        assert sum(queue["packets"] for queue in port[queues]) == len(frames)
        assert sum(queue["bytes"] for queue in port[queues]) == size
    (said,) = result.stats["replay"]
    assert (said["packets"], said["bytes"]) == (len(frames), size)
    assert said["requested_pps"] is None and said["elapsed_ns"] > 0 and said["achieved_pps"] > 0


def test_every_frame_arrives_in_order(ioplane, ethernet_capture):
    sent = captures.read_frames(ethernet_capture)
    result, received = replay(ioplane, ethernet_capture, *ENTIRE)
    captures.assert_same_frames(sent, received)
    assert_counts(result, sent)


def test_four_queues_keep_the_order_of_each_flow(ioplane, ethernet_capture):
    """Four lcores: the receive queues are on two of them, so that the capture merges their times."""
    sent = captures.read_frames(ethernet_capture)
    result, received = replay(ioplane, ethernet_capture, *ENTIRE, "--rxq=4", "--txq=4",
                              "--nb-cores=4", forwarding=4)
    assert polled_by(result, "RX P=1") == 2
    captures.assert_same_frames_per_flow(sent, received)
    assert_counts(result, sent)


def test_two_lcores_send_into_one_receive_queue(ioplane, ethernet_capture):
    sent = captures.read_frames(ethernet_capture)
    result, received = replay(ioplane, ethernet_capture, *ENTIRE, "--rxq=1", "--txq=2",
                              "--nb-cores=3", forwarding=3)
    assert polled_by(result, "TX P=0") == 2
    captures.assert_same_frames_per_flow(sent, received)
    assert_counts(result, sent)


def test_several_queues_all_send(ioplane, make_capture):
    path = make_capture("--packets", "2000", "--flows", "200")
    result, _ = replay(ioplane, path, "--rxq=4", "--txq=4", "--nb-cores=2", forwarding=2)
    assert all(queue["packets"] > 0 for queue in result.port(0)["tx_queues"])


@pytest.mark.parametrize("loops", [1, 2, 7])
def test_loops_multiply_exactly(ioplane, make_capture, loops):
    path = make_capture("--packets", "1000", "--flows", "50")
    sent = captures.read_frames(path) * loops
    result, received = replay(ioplane, path, spec=f",loop={loops},topspeed")
    captures.assert_same_frames(sent, received)
    assert_counts(result, sent)
    assert result.stats["replay"][0]["loops"] == loops


def test_a_capture_is_pcapng_by_its_name(ioplane, make_capture):
    path = make_capture("--packets", "1000", "--flows", "50")
    _, received = replay(ioplane, path, out="out.pcapng")
    captures.assert_same_frames(captures.read_frames(path), received)
    assert (ioplane.folder / "out.pcapng").read_bytes()[:4] == b"\x0a\x0d\x0d\x0a"


def test_frames_above_the_path_count_as_errors_and_are_not_cut(ioplane, shared_capture):
    path = shared_capture("ipv6-tls-large-frames.pcap")
    sent = captures.read_frames(path)
    fitting = [frame for frame in sent if len(frame) <= 1500 + 14 + 8]
    result, received = replay(ioplane, path)
    captures.assert_same_frames(fitting, received)
    assert result.port(0)["stats"]["tx_errors"] == len(sent) - len(fitting) > 0
    assert f"{len(sent) - len(fitting)} of {len(sent)} packets" in result.stderr


def test_replay_waits_for_a_slow_writer(ioplane, make_capture):
    """The capture goes to a pipe that nobody reads for a second: the writer falls behind."""
    path = make_capture("--packets", "1000", "--flows", "50")
    loops = 60
    fifo = ioplane.folder / "pipe.pcap"
    copy = ioplane.folder / "copy.pcap"
    os.mkfifo(fifo)

    def read_late():
        with open(fifo, "rb") as pipe, open(copy, "wb") as out:
            time.sleep(1)
            while data := pipe.read(65536):
                out.write(data)

    reader = threading.Thread(target=read_late)
    reader.start()
    sent = captures.read_frames(path) * loops
    assert sum(map(len, sent)) > 10 << 20, "the rings must not hold it all"
    result = ioplane.run(f"--replay=0,file={path},loop={loops}", f"--capture=1,file={fifo}")
    reader.join(30)
    captures.assert_same_frames(sent, captures.read_frames(copy))
    assert_counts(result, sent)
    assert "the writer fell behind" in result.text


def test_a_capture_that_breaks_on_the_way_fails_the_run(ioplane, make_capture):
    """The reader of the pipe goes away, as a disk fills up."""
    path = make_capture("--packets", "1000", "--flows", "50")
    fifo = ioplane.folder / "pipe.pcap"
    os.mkfifo(fifo)

    def read_a_little():
        with open(fifo, "rb", buffering=0) as pipe:
            pipe.read(1000)

    reader = threading.Thread(target=read_a_little)
    reader.start()
    result = ioplane.run(f"--replay=0,file={path},loop=60", f"--capture=1,file={fifo}",
                         status=None)
    reader.join(30)
    assert_refused(result, "cannot write capture", "Broken pipe")
    assert "packets are not in the file" in result.text
    assert result.stats["replay"][0]["packets"] == 60 * 1000


@pytest.mark.slow
def test_a_replay_into_a_receiver_that_nobody_polls_says_so(ioplane, make_capture):
    path = make_capture("--packets", "2000", "--flows", "50")
    with ioplane.start(f"--replay=0,file={path},loop=10", "--portlist=0") as running:
        running.wait_for("does the other end receive")
        running.signal(signal.SIGINT)
        result = running.finish()
    assert result.status == 0, running.said()


def test_a_capture_holds_what_was_received_before_the_engine_changed_it(ioplane, make_capture):
    path = make_capture("--packets", "1000", "--flows", "50")
    vdevs = ("net_dmanic0", "net_dmanic1,cable=net_dmanic0",
             "net_dmanic2", "net_dmanic3,cable=net_dmanic2")
    outs = {port: ioplane.folder / f"port{port}.pcap" for port in (1, 3)}
    ioplane.run(*[f"--capture={port},file={out}" for port, out in outs.items()],
                "--port-topology=chained", "--forward-mode=rxonly", f"--replay=0,file={path}",
                vdevs=vdevs, commands=["set port 1 fwd macswap"])
    sent = captures.read_frames(path)
    captures.assert_same_frames(sent, captures.read_frames(outs[1]))
    captures.assert_same_frames([frame[6:12] + frame[:6] + frame[12:] for frame in sent],
                                captures.read_frames(outs[3]))


def test_both_ends_replay_at_once(ioplane, make_capture):
    paths = [make_capture("--packets", "2000", "--flows", "50", "--seed", seed) for seed in "12"]
    outs = [ioplane.folder / f"port{port}.pcap" for port in (0, 1)]
    ioplane.run(*[f"--replay={port},file={path},loop=5" for port, path in enumerate(paths)],
                *[f"--capture={port},file={out}" for port, out in enumerate(outs)],
                "--nb-cores=2", forwarding=2)
    for sender, receiver in ((0, 1), (1, 0)):
        captures.assert_same_frames(captures.read_frames(paths[sender]) * 5,
                                    captures.read_frames(outs[receiver]))


def test_ports_that_make_packets_up_do_not_keep_the_program_from_ending(ioplane, make_capture):
    path = make_capture("--packets", "1000", "--flows", "50")
    result = ioplane.run(f"--replay=0,file={path},loop=100", vdevs=("net_null0", "net_null1"))
    assert result.stats["replay"][0]["packets"] == 100 * 1000
    assert result.port(0)["tx_queues"][0]["packets"] == 100 * 1000


def test_a_port_that_passes_packets_on_without_a_copy_is_refused(ioplane, make_capture):
    path = make_capture("--packets", "1000", "--flows", "50")
    result = ioplane.run(f"--replay=0,file={path}", vdevs=("net_ring0",), status=None)
    assert_refused(result, "net_ring", "without a copy")


def reasons(result):
    """The lines with which the program says why it ends."""
    return [line for line in result.stderr.splitlines() if line.startswith("ioplane: ")]


def assert_refused(result, *words):
    """Exit status 1 and one line that says why."""
    assert result.status == 1, result.text
    (line,) = reasons(result)
    for word in words:
        assert word in line, line


PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
RECORD = struct.pack("<IIII", 1, 2, 60, 60) + bytes(60)
DAMAGED = {
    "missing": (None, "No such file"),
    "empty": (b"", "is empty"),
    "no-packets": (PCAP_HEADER, "holds no packets"),
    "no-capture": (b"this is not a capture, only text\n" * 3, "is not a capture"),
    "cut-header": (PCAP_HEADER[:20], "is not a capture"),
    "cut-record-header": (PCAP_HEADER + RECORD + RECORD[:9], "damaged at packet 2"),
    "cut-record": (PCAP_HEADER + RECORD + RECORD[:40], "damaged at packet 2"),
    "huge-record": (PCAP_HEADER + RECORD + struct.pack("<IIII", 1, 2, 1 << 30, 60),
                    "damaged at packet 2"),
    "above-snaplen": (PCAP_HEADER[:16] + struct.pack("<II", 40, 1) + RECORD, "snapshot length"),
    "no-bytes": (PCAP_HEADER + struct.pack("<IIII", 1, 2, 0, 60), "none of the 1 packets"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_cannot_be_replayed_is_told_in_one_line(ioplane, tmp_path, name):
    content, word = DAMAGED[name]
    path = tmp_path / f"{name}.pcap"
    if content is not None:
        path.write_bytes(content)
    result = ioplane.run(f"--replay=0,file={path}", status=None)
    assert_refused(result, path.name, word)


def test_another_link_type_is_told_in_one_line(ioplane, shared_capture):
    path = shared_capture("linux-cooked-web.pcap")
    result = ioplane.run(f"--replay=0,file={path}", status=None)
    assert_refused(result, path.name, "link type 113")


def test_a_folder_is_no_capture(ioplane, tmp_path):
    result = ioplane.run(f"--replay=0,file={tmp_path}", status=None)
    assert_refused(result, "not a regular file")


@pytest.mark.parametrize("out", ["/nonexistent/out.pcap", "/proc", "/dev/full"])
def test_a_capture_that_cannot_be_written_is_told_at_the_start(ioplane, make_capture, out):
    path = make_capture("--packets", "1000", "--flows", "50")
    result = ioplane.run(f"--replay=0,file={path}", f"--capture=1,file={out}", status=None)
    assert_refused(result, "cannot write capture", out)


@pytest.mark.parametrize("spec, word", [
    ("0", "give file=F"),
    ("x,file=a.pcap", "is no port"),
    ("0,file=a.pcap,loop=-1", "loop=-1"),
    ("0,file=a.pcap,loop=2x", "loop=2x"),
    ("0,file=a.pcap,speed=9", "speed"),
    ("0,file=a.pcap,pps=100", "topspeed"),
    ("0,file=a.pcap,multiplier=1", "topspeed"),
    ("0,file=a.pcap,limit=5", "limit"),
])
def test_a_wrong_spec_is_a_usage_error(ioplane, spec, word):
    result = ioplane.run(f"--replay={spec}", status=2)
    (line,) = reasons(result)
    assert word in line


def test_commands_set_and_show_a_replay(ioplane, make_capture, tmp_path):
    """In a path of more than 200 characters, with '#', and no newline at the end of the script."""
    source = make_capture("--packets", "1000", "--flows", "50")
    folder = tmp_path / ("a" * 100) / ("b#1 c" * 25)
    folder.mkdir(parents=True)
    path, out = folder / "in.pcap", folder / "out.pcap"
    path.write_bytes(source.read_bytes())
    script = tmp_path / "script"
    script.write_text(f"# a comment\nset fwd rxonly\nset replay 0,file={path},loop=3\n"
                      f"set capture 1,file={out}\nstart\nshow replay all\nshow replay 0")
    result = ioplane.run("--cmdline-file", script)
    captures.assert_same_frames(captures.read_frames(source) * 3, captures.read_frames(out))
    assert str(path) in result.stdout


def test_a_replay_for_ever_ends_with_quit(ioplane, make_capture):
    path = make_capture("--packets", "1000", "--flows", "50")
    with ioplane.start(f"--replay=0,file={path},loop=0", "-i") as running:
        running.send("start")
        time.sleep(1)
        running.send("show replay all")
        running.send("stop")
        running.send("quit")
        result = running.finish()
    assert result.status == 0, running.said()


@pytest.mark.slow
def test_forwarding_that_waits_for_traffic_says_nothing_of_replays(ioplane):
    with ioplane.start() as running:
        running.wait_for("forwards packets")
        time.sleep(11)
        running.signal(signal.SIGINT)
        result = running.finish()
    assert result.status == 0 and "replay:" not in result.stderr, running.said()
