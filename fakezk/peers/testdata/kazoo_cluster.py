"""Lets kazoo's own tests use a server that somebody else runs.

A plugin for pytest: it puts a cluster of its own in the place of kazoo's, and
asks for its only member to be stopped and started.
"""
import os
import pathlib

import pytest
from kazoo.testing import harness

from outcomes import ask

# What one server that stands alone cannot serve.
NEEDS = {
    "test_update_host_list": "needs a second member",
    "TestReadOnlyMode": "needs members that have lost their quorum",
    "TestReconfig": "needs a quorum",
}


class Member:
    """What kazoo's tests use of a ManagedZooKeeper."""

    address = "%s:%s" % (os.environ["ZK_HOST"], os.environ["ZK_PORT"])
    secure_address = os.environ["ZK_TLS_ADDRESS"]
    running = True  # when a test begins

    def stop(self):
        ask("stop")

    def run(self):
        ask("start")


class Cluster(list):
    """What kazoo's tests use of a ZookeeperCluster."""

    def terminate(self):
        """Is called after every class; the member serves the next one, too."""

    def get_ssl_client_configuration(self):
        folder = pathlib.Path(os.environ["ZK_TLS_DIR"])
        return {file.stem: file.read_bytes() for file in folder.iterdir()}


cluster = Cluster([Member()])
harness.get_global_cluster = lambda: cluster


def pytest_collection_modifyitems(items):
    for item in items:
        for name, reason in NEEDS.items():
            if name in item.nodeid:
                item.add_marker(pytest.mark.skip(reason=reason))
