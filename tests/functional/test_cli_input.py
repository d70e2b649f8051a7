# SPDX-License-Identifier: BSD-3-Clause
"""Commands typed on a terminal or written into a pipe."""
import fcntl
import os
import pty
import re
import signal
import subprocess
import termios
import time

import pytest

ESCAPE = "\x1b"


def feed(ioplane, text, *args, status=0):
    """Runs -i with `text` on a pipe that then ends."""
    with ioplane.start("-i", *args, stats=False) as running:
        running.process.stdin.write(text.encode())
        result = running.finish()
    assert result.status == status, running.said()
    return result


def test_commands_through_a_pipe_show_no_prompt_and_no_escapes(ioplane):
    result = feed(ioplane, "set nbport 1\nset fwd rxonly\nstart\nstop\nquit\n")
    assert "Set rxonly packet forwarding mode" in result.stdout
    assert "ioplane>" not in result.text
    assert ESCAPE not in result.text


def test_the_end_of_a_pipe_is_quit(ioplane):
    feed(ioplane, "")
    result = feed(ioplane, "set fwd rxonly\nstart\n")
    assert "Accumulated forward statistics" in result.stdout, "what ran is stopped and told"
    assert "Number of forwarding ports set to 1" in feed(ioplane, "set nbport 1").stdout


def test_a_bad_line_in_a_pipe_is_told_with_its_number_and_exits_1(ioplane):
    result = feed(ioplane, "set nbport 1\nfly\nset nbport 2\n", status=1)
    assert result.stderr.startswith('stdin:2: there is no command "fly"')
    assert "set to 2" not in result.stdout
    result = feed(ioplane, "fly\nset nbport 2\n", "--keep-going", status=1)
    assert "set to 2" in result.stdout


def test_a_command_file_comes_before_the_pipe(ioplane, tmp_path):
    script = tmp_path / "script"
    script.write_text("set nbport 1\n")
    out = feed(ioplane, "set nbport 2\n", "--cmdline-file", script).stdout
    assert out.index("set to 1") < out.index("set to 2")


@pytest.mark.parametrize("first", ["quit", "fly"])
def test_the_pipe_is_not_read_once_a_command_file_has_ended_the_run(ioplane, tmp_path, first):
    script = tmp_path / "script"
    script.write_text(f"{first}\n")
    result = feed(ioplane, "set nbport 2\n", "--cmdline-file", script,
                  status=0 if first == "quit" else 1)
    assert "set to 2" not in result.stdout


class Terminal:
    """The program on a terminal of its own."""

    def __init__(self, command, folder):
        self.master, slave = pty.openpty()
        fcntl.fcntl(self.master, fcntl.F_SETFL, os.O_NONBLOCK)
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.said = ""
        self.process = subprocess.Popen([str(word) for word in command], stdin=slave, stdout=slave,
                                        stderr=slave, cwd=folder)

    def __enter__(self):
        self.wait_for("ioplane> ")
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.slave)
        os.close(self.master)

    def read(self):
        try:
            self.said += os.read(self.master, 65536).decode(errors="replace")
        except BlockingIOError:
            time.sleep(0.01)

    def wait_for(self, text, timeout=20):
        """Waits for `text` and forgets what was said up to it."""
        deadline = time.monotonic() + timeout
        while text not in self.said:
            self.read()
            assert time.monotonic() < deadline, f"no {text!r} in {self.said!r}"
        before, self.said = self.said.split(text, 1)
        return before

    def type(self, text):
        os.write(self.master, text.encode())

    def end(self, timeout=20):
        deadline = time.monotonic() + timeout
        while self.process.poll() is None:
            self.read()
            assert time.monotonic() < deadline, f"still runs: {self.said!r}"
        self.read()
        return self.process.returncode


@pytest.fixture
def terminal(ioplane, tmp_path):
    with Terminal(ioplane.command("-i", stats=False), tmp_path) as opened:
        yield opened


def test_an_unknown_command_on_a_terminal_is_told_and_nothing_ends(terminal):
    terminal.type("fly\n")
    terminal.wait_for('there is no command "fly"; see help all')
    terminal.wait_for("ioplane> ")
    terminal.type("set nbport 1\n")
    terminal.wait_for("Number of forwarding ports set to 1")
    terminal.type("quit\n")
    assert terminal.end() == 0


def test_a_failed_command_on_a_terminal_does_not_fail_the_run(terminal):
    terminal.type("port stop 7\n")
    terminal.wait_for("there is no port 7")
    terminal.type("load /nowhere\n")
    terminal.wait_for("/nowhere: cannot read the script")
    terminal.type("\x04")
    assert terminal.end() == 0


def test_tab_completes_a_command(terminal):
    terminal.type("set nbpo\t")
    terminal.wait_for("set nbport")
    terminal.type(" 1\n")
    terminal.wait_for("Number of forwarding ports set to 1")
    # what cannot be completed stays as it was typed
    terminal.type("fl\t\n")
    terminal.wait_for('there is no command "fl"')


def test_the_arrow_up_brings_the_last_command_back(terminal):
    terminal.type("set nbport 1\n")
    terminal.wait_for("set to 1")
    terminal.wait_for("ioplane> ")
    terminal.type("set nbport 2\n")
    terminal.wait_for("set to 2")
    terminal.wait_for("ioplane> ")
    terminal.type(ESCAPE + "[A" + ESCAPE + "[A\n")
    terminal.wait_for("set to 1")


@pytest.mark.parametrize("how", ["\x04", "quit\n", signal.SIGTERM, signal.SIGINT],
                         ids=["ctrl-d", "quit", "SIGTERM", "SIGINT"])
def test_every_way_to_leave_restores_the_terminal(terminal, how):
    raw = termios.tcgetattr(terminal.slave)
    assert not raw[3] & termios.ECHO, "the program reads characters itself"
    if isinstance(how, str):
        terminal.type(how)
    else:
        terminal.process.send_signal(how)
    assert terminal.end() == 0
    assert termios.tcgetattr(terminal.slave) == terminal.before


def test_a_line_can_be_mended_before_it_is_sent(terminal):
    terminal.type("set nbport 9\x7f1\n")
    terminal.wait_for("Number of forwarding ports set to 1")


def test_help_names_every_section_and_each_command_once(ioplane):
    out = feed(ioplane, "help\n").stdout
    sections = re.findall(r"^    help (\w+)", out, re.M)
    assert sections[-1] == "all" and len(sections) > 3
    parts = [set(re.findall(r"^  (\S.*)$", feed(ioplane, f"help {name}\n").stdout, re.M))
             for name in sections]
    *parts, everything = parts
    start_up = set.intersection(*parts)
    commands = [command for part in parts for command in part - start_up]
    assert len(commands) == len(set(commands))
    assert set(commands) == everything - start_up
    for command in ("start", "stop", "quit", "load <rest>"):
        assert command in commands
