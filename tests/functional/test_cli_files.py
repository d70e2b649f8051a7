# SPDX-License-Identifier: BSD-3-Clause
"""Files of commands: what a bad line does, and what a path or a last line may look like."""
import pytest

SHOWN = "Number of forwarding ports set to {}"


def write(path, *lines, end="\n"):
    path.write_text("\n".join(lines) + end)
    return path


def run_file(ioplane, path, *args, status=0):
    return ioplane.run("--cmdline-file", path, *args, status=status, stats=False)


def long_path(folder, length=200):
    """A file name in new folders whose whole path has `length` characters."""
    while length - len(str(folder)) - 1 > 60:
        folder = folder / ("d" * 40)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ("f" * (length - len(str(folder)) - 1))
    assert len(str(path)) == length
    return path


@pytest.mark.parametrize("line, reason", [
    ("fly", 'there is no command "fly"; see help all'),
    ("set nbport", 'usage: set nbcore|nbport N'),
    ("set nbport 2 3", "usage: set nbcore|nbport N"),
    ("set burst 0", "burst 0: give a number from 1 to 512"),
    ("set burst 99999999999999999999", "usage: set burst N"),
    ("set fwd sideways", "there is no forwarding mode sideways"),
    ("port stop 7", "there is no port 7; see show port summary all"),
    ("port start seven", '"seven" is not a port: give a number or all'),
    ("set txpkts 64,x", "give lengths in bytes such as 64,128"),
    ("set portlist 0,0", "give each port once"),
    ("mac_addr add 0 12:34", "12:34 is not a MAC address"),
    ("load", "usage: load"),
    ("load /nowhere/at/all", None),
    ("set burst 8 # eight", "'#' begins a comment at the start of a line only"),
    ("stop", "forwarding is not running"),
    ("set burst 8" + " " * 1100 + ".", "the line is longer than a command can be"),
])
def test_a_bad_line_is_told_with_file_and_line_and_ends_the_run(ioplane, tmp_path, line, reason):
    script = write(tmp_path / "script", "# a comment", "set nbport 1", line, "set nbport 2")
    result = run_file(ioplane, script, status=1)
    told = result.stderr.splitlines()
    assert len(told) == 1, result.stderr
    if reason is None:
        assert told[0] == "/nowhere/at/all: cannot read the script: No such file or directory"
    else:
        assert told[0].startswith(f"{script}:3: ") and reason in told[0]
    assert SHOWN.format(1) in result.stdout
    assert SHOWN.format(2) not in result.stdout


def test_keep_going_runs_what_follows_a_bad_line_and_still_exits_1(ioplane, tmp_path):
    script = write(tmp_path / "script", "fly", "set nbport 1", "set burst 0", "set nbport 2")
    result = run_file(ioplane, script, "--keep-going", status=1)
    assert [line.split(": ")[0] for line in result.stderr.splitlines()] == [
        f"{script}:1", f"{script}:3"]
    assert SHOWN.format(1) in result.stdout and SHOWN.format(2) in result.stdout


def test_keep_going_exits_0_when_no_line_is_bad(ioplane, tmp_path):
    run_file(ioplane, write(tmp_path / "script", "set nbport 1"), "--keep-going")


def test_quit_ends_a_file_of_commands(ioplane, tmp_path):
    result = run_file(ioplane, write(tmp_path / "script", "set nbport 1", "quit", "fly"))
    assert SHOWN.format(1) in result.stdout


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n\n", "  \t"])
def test_the_last_line_counts_however_it_ends(ioplane, tmp_path, end):
    good = write(tmp_path / "good", "set nbport 1", "set nbport 2", end=end)
    assert SHOWN.format(2) in run_file(ioplane, good).stdout
    bad = write(tmp_path / "bad", "set nbport 1", "fly", end=end)
    assert run_file(ioplane, bad, status=1).stderr.startswith(f"{bad}:2: ")


def test_an_empty_file_and_one_of_comments_do_nothing(ioplane, tmp_path):
    empty, comments = tmp_path / "empty", tmp_path / "comments"
    empty.write_bytes(b"")
    write(comments, "# fly", "   # fly", "\t#fly", "", "   ")
    for path in (empty, comments):
        result = run_file(ioplane, path)
        assert result.stderr == ""
        assert "packet forwarding" not in result.stdout


def test_a_line_with_a_zero_byte_is_refused(ioplane, tmp_path):
    script = tmp_path / "script"
    script.write_bytes(b"set nbport 1\nset nbport 2\0 fly\n")
    result = run_file(ioplane, script, status=1)
    assert result.stderr == f"{script}:2: the line holds a zero byte\n"
    assert SHOWN.format(2) not in result.stdout


def test_what_stands_behind_a_carriage_return_is_not_lost(ioplane, tmp_path):
    script = tmp_path / "script"
    script.write_bytes(b"set nbport 1\nset nbport 2\r fly\n")
    result = run_file(ioplane, script, status=1)
    assert result.stderr == f"{script}:2: the line holds the control character 0x0d\n"
    assert SHOWN.format(2) not in result.stdout


def test_each_line_has_its_own_reason(ioplane, tmp_path):
    script = tmp_path / "script"
    script.write_bytes(b"fly\n\0\nswim\n")
    told = run_file(ioplane, script, "--keep-going", status=1).stderr.splitlines()
    assert [line.split(": ", 1)[1] for line in told] == [
        'there is no command "fly"; see help all', "the line holds a zero byte",
        'there is no command "swim"; see help all']


def test_a_file_loads_another_and_goes_on_after_it(ioplane, tmp_path):
    inner = write(tmp_path / "inner", "set nbport 1")
    outer = write(tmp_path / "outer", f"load {inner}", "set nbport 2")
    out = run_file(ioplane, outer).stdout
    assert out.index(SHOWN.format(1)) < out.index(SHOWN.format(2))


def test_a_bad_line_in_a_loaded_file_is_told_once_and_ends_both(ioplane, tmp_path):
    inner = write(tmp_path / "inner", "set nbport 1", "fly", "set nbport 3")
    outer = write(tmp_path / "outer", f"load {inner}", "set nbport 2")
    result = run_file(ioplane, outer, status=1)
    assert [line.split(": ")[0] for line in result.stderr.splitlines()] == [f"{inner}:2"]
    assert SHOWN.format(1) in result.stdout
    assert SHOWN.format(2) not in result.stdout and SHOWN.format(3) not in result.stdout


def test_a_file_that_loads_itself_is_refused_before_it_runs_out(ioplane, tmp_path):
    script = tmp_path / "script"
    write(script, f"load {script}")
    result = run_file(ioplane, script, status=1)
    assert result.stderr == f"{script}: scripts that load scripts go 8 deep at most\n"


@pytest.mark.parametrize("name", ["a#b", "#", "with space", "ein.ünïcode", "a,b=c"])
def test_a_path_may_hold_anything(ioplane, tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    inner = write(folder / "inner#1.cmd", "set nbport 1")
    outer = write(folder / "outer#1.cmd", f"load {inner}", "set nbport 2")
    out = run_file(ioplane, outer).stdout
    assert SHOWN.format(1) in out and SHOWN.format(2) in out
    bad = write(folder / "bad", "fly")
    assert run_file(ioplane, bad, status=1).stderr.startswith(f"{bad}:1: ")


def test_a_path_of_200_characters_is_read_and_named_whole(ioplane, tmp_path):
    path = write(long_path(tmp_path), "set nbport 1", "fly")
    result = run_file(ioplane, path, status=1)
    assert result.stderr.startswith(f"{path}:2: ")
    outer = write(tmp_path / "outer", f"load {path}")
    result = run_file(ioplane, outer, status=1)
    assert SHOWN.format(1) in result.stdout
    assert result.stderr.startswith(f"{path}:2: ")


@pytest.mark.parametrize("make", [
    lambda path: None,
    lambda path: path.mkdir(),
    lambda path: path.symlink_to(path),
], ids=["missing", "a folder", "a loop of links"])
def test_a_file_of_commands_that_cannot_be_read_is_one_line(ioplane, tmp_path, make):
    path = tmp_path / "script"
    make(path)
    result = run_file(ioplane, path, status=1)
    (told,) = result.stderr.splitlines()
    assert told.startswith(f"{path}: cannot read the script: ")


def test_replay_and_capture_take_paths_with_hash_marks_and_200_characters(
        ioplane, tmp_path, make_capture):
    capture = make_capture("--packets", "50", "--flows", "2")
    for number, path in enumerate((tmp_path / "c#1.pcap", long_path(tmp_path))):
        path.write_bytes(capture.read_bytes())
        copy = long_path(tmp_path / f"out#{number}", 200)
        ioplane.run(commands=["set fwd rxonly", f"set replay 0,file={path}",
                              f"set capture 1,file={copy}", "start", "stop"])
        assert copy.exists()
    ioplane.run(commands=[f"set replay 0,file={tmp_path / 'c#2.pcap'}"], status=1)
