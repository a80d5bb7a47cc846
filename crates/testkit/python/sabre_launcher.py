"""Starts sabre/dav under PHP's own web server on 127.0.0.1 for a test.

Usage: sabre_launcher.py FOLDER PORT. FOLDER holds `users` (name:password) and the database. Prints `port N`
when it listens, and ends when its standard input closes. PHP dies with this process, however that ends.
"""

import ctypes
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time

folder, port = sys.argv[1], int(sys.argv[2])
script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "php", "sabre.php")
PR_SET_PDEATHSIG = 1

TABLES = """
CREATE TABLE calendarobjects (id integer primary key asc, calendardata blob, uri text, calendarid integer,
    lastmodified integer, etag text, size integer, componenttype text, firstoccurence integer,
    lastoccurence integer);
CREATE TABLE calendars (id integer primary key asc, principaluri text, displayname text, uri text, ctag integer,
    description text, calendarorder integer, calendarcolor text, timezone text, components text, transparent bool);
CREATE TABLE principals (id integer primary key asc, uri text unique, email text, displayname text, vcardurl text);
CREATE TABLE groupmembers (id integer primary key asc, principal_id integer, member_id integer);
"""


def prepare():
    path = os.path.join(folder, "dav.sqlite")
    if os.path.exists(path):
        return
    with sqlite3.connect(path) as database:
        database.executescript(TABLES)
        for line in open(os.path.join(folder, "users"), encoding="utf-8"):
            name = line.split(":")[0]
            database.execute(
                "INSERT INTO principals (uri, email, displayname) VALUES (?, ?, ?)",
                ("principals/" + name, name + "@example.org", name),
            )


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(at):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", at)) == 0


def serve():
    """One attempt; a port that is just being given up may need a few."""
    at = port or free_port()
    php = subprocess.Popen(
        ["php", "-S", f"127.0.0.1:{at}", script],
        env={**os.environ, "SABRE_FOLDER": folder},
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        preexec_fn=die_with_parent,
    )
    while php.poll() is None:
        if listens(at):
            time.sleep(0.02)
            if php.poll() is None:
                print("port", at, flush=True)
                return php
        time.sleep(0.01)
    return None


def main():
    prepare()
    for _ in range(100):
        php = serve()
        if php is not None:
            break
        time.sleep(0.05)
    else:
        sys.exit("PHP does not start")
    threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
    sys.exit(php.wait())


main()
