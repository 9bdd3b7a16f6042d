"""A plugin for pytest that tells whoever has started it how each test ends.

What it says, a line each, leaves by file descriptor 4. Answers come in by
descriptor 3.
"""
import faulthandler
import os

import pytest

TEST_LIMIT = 60  # seconds; the longest tests take 10

answers = os.fdopen(3, "r")
said = os.fdopen(4, "w")
stderr = os.dup(2)  # pytest is about to capture the other


def say(*words):
    print(*words, file=said, flush=True)


def ask(what):
    say(what)
    answer = answers.readline().strip()
    if answer != "ok":
        raise RuntimeError("%s: %s" % (what, answer or "nobody answers"))


def name(nodeid):
    """A test's name, wherever its package is installed."""
    path, rest = nodeid.split("::", 1)
    return os.path.basename(path)[: -len(".py")] + "." + rest.replace("::", ".")


def pytest_addoption(parser):
    parser.addoption("--part", help="k/n: every n-th test from the k-th on, counted from 0")
    parser.addoption("--only", help="the name of the only test to run")
    parser.addoption("--without", help="names of tests to leave out, with commas between them")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    if config.getoption("--only"):
        items[:] = [item for item in items if name(item.nodeid) == config.getoption("--only")]
    if config.getoption("--without"):
        left_out = config.getoption("--without").split(",")
        items[:] = [item for item in items if name(item.nodeid) not in left_out]
    if config.getoption("--part"):
        k, n = map(int, config.getoption("--part").split("/"))
        items[:] = items[k::n]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol():
    # Not by an exception: a test that hangs may hang again when it clears away.
    faulthandler.dump_traceback_later(TEST_LIMIT, exit=True, file=stderr)
    yield
    faulthandler.cancel_dump_traceback_later()


def pytest_runtest_logstart(nodeid):
    say("test", name(nodeid))


def pytest_runtest_logreport(report):
    if report.skipped:
        _, _, reason = report.longrepr
        say("skipped", reason[len("Skipped: ") :])
    elif report.failed:
        say("failed")
    elif report.when == "call":
        say("passed")


def pytest_unconfigure():
    say("end")  # threads of a failed test may keep the process alive
