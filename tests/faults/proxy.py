"""A TCP proxy between the platform and one server: what goes through can be cut, held or delayed.

Cut: every connection is reset, and so is every new one. Held: connections stand and new ones are
taken, but no byte arrives, in either direction; healed, what was held arrives, as it does from a
network that lost packets for a while. Delayed: each byte arrives so much later.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import Self

from sellers.processes import HOST

CHUNK = 64 * 1024
CHUNKS_MAX = 256


class Proxy:
    """Listens on a port of this machine, in a thread of its own."""

    def __init__(self, port: int) -> None:
        """`port` is the server's, on this machine too."""
        self._target = port
        self.port = 0
        self.connections = 0
        self._delay_s = 0.0
        self._is_cut = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._listening.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def cut(self) -> None:
        self._do(self._cut)

    def hold(self) -> None:
        self._do(self._flowing.clear)

    def delay(self, seconds: float) -> None:
        self._delay_s = seconds

    def heal(self) -> None:
        self._delay_s, self._is_cut = 0.0, False
        self._do(self._flowing.set)

    def _do(self, what: object) -> None:
        done = threading.Event()

        def now() -> None:
            what()  # type: ignore[operator]
            done.set()

        self._loop.call_soon_threadsafe(now)
        done.wait()

    def _cut(self) -> None:
        self._is_cut = True
        for writer in list(self._writers):
            writer.transport.abort()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, HOST, 0))
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        try:
            self._loop.run_forever()
        finally:
            server.close()
            self._cut()
            pending = asyncio.all_tasks(self._loop)
            for task in pending:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
            self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        try:
            await self._flowing.wait()
            far_reader, far_writer = await asyncio.open_connection(HOST, self._target)
        except OSError:
            writer.transport.abort()
            return
        self.connections += 1
        both = {writer, far_writer}
        self._writers |= both
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, far_writer))
                group.create_task(self._pump(far_reader, writer))
        except* OSError:
            pass  # Either end let go: so does the other.
        finally:
            self._writers -= both
            for each in both:
                each.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        late: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(CHUNKS_MAX)

        async def deliver() -> None:
            while True:
                due, chunk = await late.get()
                await asyncio.sleep(max(0.0, due - self._loop.time()))
                await self._flowing.wait()
                if not chunk:
                    with suppress(NotImplementedError):
                        writer.write_eof()
                    return
                writer.write(chunk)
                await writer.drain()

        async with asyncio.TaskGroup() as group:
            group.create_task(deliver())
            while True:
                chunk = await reader.read(CHUNK)
                await late.put((self._loop.time() + self._delay_s, chunk))
                if not chunk:
                    return
