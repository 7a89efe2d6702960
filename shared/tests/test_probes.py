"""A process that answers nothing else answers probes: alive, ready, and why not."""

from __future__ import annotations

import asyncio
import signal
import socket

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient, ConnectError

from shared.settings import Settings
from shared.web.probes import no_complaint, probes, serve_probes


async def stuck() -> dict[str, str]:
    return {"measures": "nothing has gone on for 121 s"}


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [("/livez", 503, "stuck"), ("/readyz", 200, "ok"), ("/metrics", 200, None)],
)
async def test_each_probe_asks_for_its_own(path: str, status: int, said: str | None) -> None:
    app = FastAPI()
    app.include_router(probes(ready=no_complaint, alive=stuck))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://here") as probe:
        answer = await probe.get(path)
        assert answer.status_code == status
        if said is not None:
            assert answer.json()["status"] == said
        if status != 200:
            assert answer.json()["missing"] == await stuck()


async def test_probes_are_served_beside_other_work_and_leave_its_signals_alone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as chosen:
        port = chosen.getsockname()[1]
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, told.set)
    before = signal.getsignal(signal.SIGTERM)
    serving = asyncio.create_task(
        serve_probes(Settings(host="127.0.0.1", port=port), no_complaint, stuck)
    )
    try:
        async with AsyncClient(base_url=f"http://127.0.0.1:{port}") as probe, asyncio.timeout(20):
            while True:
                try:
                    answer = await probe.get("/readyz")
                except ConnectError:
                    await asyncio.sleep(0.05)
                else:
                    break
        assert answer.json() == {"status": "ok"}
        assert signal.getsignal(signal.SIGTERM) is before
        signal.raise_signal(signal.SIGUSR1)
        async with asyncio.timeout(5):
            await told.wait()
    finally:
        loop.remove_signal_handler(signal.SIGUSR1)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
