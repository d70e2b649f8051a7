# SPDX-License-Identifier: BSD-3-Clause
"""Runs ioplane in a machine as a user does, and gives back what it said and captured."""
import json
import shlex
import shutil

import captures

# A capture for two programs at once: the smallest ring (virtio's for transmission, 256) holds it
# while its reader is not scheduled.
FITS_A_RING = ("--packets", "240", "--flows", "40")
# A frame on Ethernet has at least 60 bytes before its check sequence.
SHORTEST = 60


class Ioplane:
    """ioplane on the first two NICs of a guest, or on others."""

    def __init__(self, guest):
        self.guest = guest

    def command(self, *args, nics=None, lcores="0,1", eal=(), commands=None):
        """The command line; `commands` is a list of command lines, put into a file."""
        words = ["ioplane", "-l", lcores]
        for nic in self.guest.nics[:2] if nics is None else nics:
            words += ["-a", nic]
        words += [*eal, "--", *args, "--stats-json", "stats.json"]
        script = ""
        if commands is not None:
            lines = "".join(f"{line}\n" for line in commands)
            script = f"printf %s {shlex.quote(lines)} >commands\n"
            words += ["--cmdline-file", "commands"]
        return script + "exec " + " ".join(shlex.quote(str(word)) for word in words)

    def start(self, *args, timeout=60, **options):
        """Starts it and returns the Job; use it in a `with` statement."""
        return self.guest.start(self.command(*args, **options), timeout)

    def run(self, *args, status=0, timeout=60, **options):
        """Runs it to its end; fails unless the exit status is `status` (None: any).

        The result has the report (stats) and the job's folder, which holds what it wrote.
        """
        with self.start(*args, timeout=timeout, **options) as job:
            result = job.finish()
        if status is not None:
            assert result.status == status, (
                f"exit status {result.status}, expected {status}\n{job.said()}")
        result.folder, report = job.folder, job.folder / "stats.json"
        result.stats = json.loads(report.read_text()) if report.exists() else None
        return result

    def put(self, path):
        """Shares a file of the host; gives its name in the guest."""
        shutil.copy(path, self.guest.share / path.name)
        return f"/share/{path.name}"

    def replay(self, path, *args, **options):
        """Replays a file from the first port; the result, and what the second received."""
        result = self.run("--replay", f"0,file={self.put(path)},topspeed",
                          "--capture", "1,file=received.pcap", *args, **options)
        return result, captures.read_frames(result.folder / "received.pcap")


def port(result, number):
    """One port in the report on exit."""
    return next(port for port in result.stats["ports"] if port["id"] == number)


def as_sent(sent, received):
    """Cuts the zeros off that Ethernet adds to a frame too short for it.

    Which frame was padded is told by order: within a flow that is the order they were sent in.
    """
    short = {frame.ljust(SHORTEST, b"\0"): frame for frame in sent if len(frame) < SHORTEST}
    return [short.get(frame, frame) for frame in received]
