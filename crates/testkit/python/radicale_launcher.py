"""Starts Radicale on a free port of 127.0.0.1 for a test.

Usage: radicale_launcher.py FOLDER PORT. FOLDER holds `users` (htpasswd, plain) and the collections.
Prints `port N` when it listens, and ends when its standard input closes, so that it never outlives
the test that started it.
"""

import os
import sys
import threading

import radicale.config
import radicale.log
import radicale.server

folder, port = sys.argv[1], sys.argv[2]


def end_with_parent():
    sys.stdin.buffer.read()
    os._exit(0)


threading.Thread(target=end_with_parent, daemon=True).start()

bind = radicale.server.ParallelHTTPServer.server_activate


def activate(self):
    bind(self)
    print("port", self.server_address[1], flush=True)


radicale.server.ParallelHTTPServer.server_activate = activate

# Port 0, a free one, is not in its range; it is in ours.
radicale.config.port_int = int

configuration = radicale.config.load()
configuration.update(
    {
        "server": {"hosts": "127.0.0.1:" + port, "max_connections": "64"},
        "auth": {
            "type": "htpasswd",
            "htpasswd_filename": os.path.join(folder, "users"),
            "htpasswd_encryption": "plain",
            "delay": "0",
        },
        "storage": {
            "filesystem_folder": os.path.join(folder, "collections"),
            # Data here lives for seconds: a lost write after a power cut does not matter.
            "_filesystem_fsync": "False",
        },
        "logging": {"level": "warning"},
        "web": {"type": "none"},
    },
    "test",
    privileged=True,
)
radicale.log.setup()
radicale.log.set_level("warning", False)
radicale.server.serve(configuration)
