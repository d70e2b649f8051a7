# SPDX-License-Identifier: BSD-3-Clause
"""A client of DPDK's telemetry socket."""
import glob
import json
import socket
import time


class Telemetry:
    """Talks to the process of this pid; waits until its socket is there."""

    def __init__(self, pid, timeout=20):
        deadline = time.monotonic() + timeout
        self.socket = None
        while self.socket is None:
            assert time.monotonic() < deadline, f"no telemetry socket of process {pid}"
            self.socket = self.find(pid)
            if self.socket is None:
                time.sleep(0.05)

    @staticmethod
    def find(pid):
        # Programs with --in-memory share a folder: the greeting says whose socket it is.
        for path in glob.glob("/var/run/dpdk/*/dpdk_telemetry.v2*"):
            candidate = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            candidate.settimeout(10)
            try:
                candidate.connect(path)
                if json.loads(candidate.recv(1024))["pid"] == pid:
                    return candidate
            except (OSError, ValueError):
                pass
            candidate.close()
        return None

    def ask(self, command):
        """What it answers to a command: a dict, a list, or None for an error."""
        self.socket.send(command.encode())
        return json.loads(self.socket.recv(65536))[command.split(",")[0]]

    def pages(self, command, key):
        """The entries below `key` of all pages, in order."""
        entries, more = [], ""
        while True:
            page = self.ask(command + more)
            entries += page[key].values()
            if "next" not in page:
                return entries
            more = f",{page['next']}"

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
