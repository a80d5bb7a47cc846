"""Starts Xandikos, with several users and Basic over plain HTTP, on 127.0.0.1 for a test.

Its own command insists on TLS for Basic; on the loopback of a test that is only in the way.
Usage: xandikos_launcher.py FOLDER PORT. FOLDER holds `users` (htpasswd, {SHA}) and the data. Prints
`port N` when it listens, and ends when its standard input closes.
"""

import asyncio
import os
import sys
import threading

from aiohttp import web
from xandikos.htpasswd import HtpasswdFile
from xandikos.multi_user import MultiUserFilesystemBackend, MultiUserXandikosApp
from xandikos.web import WELLKNOWN_DAV_PATHS, RedirectDavHandler, basic_auth_middleware

folder, port = sys.argv[1], int(sys.argv[2])


def end_with_parent():
    sys.stdin.buffer.read()
    os._exit(0)


async def main():
    data = os.path.join(folder, "data")
    os.makedirs(data, exist_ok=True)
    backend = MultiUserFilesystemBackend(data, create_defaults=True)
    dav = MultiUserXandikosApp(backend, current_user_principal="/%(REMOTE_USER)s/")
    # As the command does it: credentials are asked for everywhere, the redirect included.
    app = web.Application(
        middlewares=[basic_auth_middleware(HtpasswdFile(os.path.join(folder, "users")))],
        client_max_size=64 * 1024 * 1024,
    )
    for path in WELLKNOWN_DAV_PATHS:
        app.router.add_route("*", path, RedirectDavHandler("/").__call__)

    async def handle(request):
        return await dav.aiohttp_handler(request, "/")

    app.router.add_route("*", "/{path_info:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    print("port", site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


threading.Thread(target=end_with_parent, daemon=True).start()
asyncio.run(main())
