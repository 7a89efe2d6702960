"""`sellers up`: the whole platform on one machine, in the foreground. Composition only.

Everything it starts lives under one data directory and ends with it: on Ctrl-C in order, and on
our own `kill -9` because the kernel tells the children (sellers/processes.py).
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sellers.children import Node, Worker
from sellers.console import UpConsole
from sellers.data_dir import DataDir, DataDirError, EngineChoice, Process
from sellers.demo.size import SIZE_MAX
from sellers.engines import ApacheKafka, KafkaEngine, NoidaKafka, SecantusMongo, kafka_jars
from sellers.opening import Opening
from sellers.processes import HOST, EngineError
from sellers.signals import Signals, StopAskedError
from sellers.supervisor import CrashedTooOftenError, StartFailedError, Supervisor
from shared.settings import SettingsError, load

if TYPE_CHECKING:
    from pathlib import Path

PORT = 8080
OK, FAILED = 0, 1


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for; None where nothing was said."""

    data_dir: Path
    port: int | None = None
    log_port: int | None = None
    store_port: int | None = None
    engine: EngineChoice | None = None
    demo: bool | None = None
    size: int | None = None
    sign_in: bool | None = None


class UnusableError(Exception):
    """What was asked for cannot be done here, in one sentence."""


def up(options: Options) -> int:
    """Start everything, stay until asked to stop, stop everything; return the exit code."""
    console = UpConsole()
    data_dir = DataDir(options.data_dir)
    try:
        options = _checked(options)
        with data_dir.held(), Signals() as signals:
            return Machine(options, data_dir, signals, console).run()
    except (SettingsError, DataDirError, UnusableError, EngineError) as error:
        console.rest()
        console.line(f"sellers up: {error}", "bold red")
        return FAILED


def _checked(options: Options) -> Options:
    """Return the options, with what the environment asks for.

    Raises:
        UnusableError: that is not for one machine.
        SettingsError: the node and the worker would refuse it, once everything else runs.

    """
    settings = load(engine="embedded", host=HOST)
    if settings.oidc_issuer:
        raise UnusableError("on one machine it signs people in itself: --sign-in, and no issuer")
    if settings.access == "required" and options.sign_in is None:
        return replace(options, sign_in=True)
    return options


class Machine:
    """One data directory's servers, node and worker."""

    def __init__(
        self, options: Options, data_dir: DataDir, signals: Signals, console: UpConsole
    ) -> None:
        self._options = options
        self._data_dir = data_dir
        self._signals = signals
        self._console = console
        self._began = time.monotonic()

    def run(self) -> int:
        self._prepare()
        self._log, self._store = self._servers()
        self._node = Node(self._data_dir, self._log, self._store, port=self._own_port())
        worker = Worker(self._data_dir, self._log, self._store, port=None)
        supervisor = Supervisor(
            (self._log, self._store),
            (self._node, worker),
            self._signals,
            self._console,
            self._remember,
        )
        try:
            return self._serve(supervisor)
        except StopAskedError:
            return OK
        except (CrashedTooOftenError, StartFailedError) as error:
            self._console.rest()
            self._console.line(f"sellers up: {error}", "bold red")
            return FAILED
        finally:
            supervisor.stop()
            self._console.rest()
            self._console.line("stopped")

    def _serve(self, supervisor: Supervisor) -> int:
        supervisor.start()
        servers = {server.name: server.address for server in supervisor.servers}
        opening = Opening(
            self._data_dir,
            self._node.address,
            servers,
            self._console,
            self._signals.wake,
            began=self._began,
        )
        opening.start()
        try:
            supervisor.watch(until=lambda: opening.failure is not None)
        finally:
            opening.cancel()
        self._console.rest()
        self._console.line(f"sellers up: {opening.failure}", "bold red")
        return FAILED

    def _prepare(self) -> None:
        """Settle what this directory is for, and wait for what a killed `up` left behind."""
        remembered, options = self._data_dir.remembered, self._options
        if options.size is not None and not 1 <= options.size <= SIZE_MAX:
            raise UnusableError(f"a demo company has 1 to {SIZE_MAX} sellers, not {options.size}")
        if any(child.runs() for child in remembered.children.values()):
            self._console.waiting("waiting for the processes of an `up` that was killed")
            self._data_dir.end_left_over()
            self._console.rest()
        if remembered.engine is None:
            remembered.engine = options.engine or "embedded"
            remembered.wants_demo = options.demo is not False
        elif options.engine not in (None, remembered.engine):
            raise UnusableError(
                f"the data in {self._data_dir.path} was written with --engine "
                f"{remembered.engine}; give another --data-dir for --engine {options.engine}"
            )
        if options.demo is not None:
            remembered.wants_demo = options.demo
        if options.sign_in is not None:
            remembered.signs_in = options.sign_in
        if remembered.signs_in and remembered.engine != "embedded":
            raise UnusableError("--sign-in is for the embedded engine, which is for one machine")
        if options.size is not None and remembered.demo is None:
            remembered.size = options.size
        self._data_dir.shorten_logs()

    def _servers(self) -> tuple[KafkaEngine, SecantusMongo]:
        remembered, options, path = self._data_dir.remembered, self._options, self._data_dir.path
        log_port = usable("--kafka-port", options.log_port, remembered.log_port)
        store_port = usable("--mongo-port", options.store_port, remembered.store_port)
        logs = self._data_dir.logs
        log: KafkaEngine
        if remembered.engine == "kafka":
            self._console.waiting("fetching Apache Kafka, where it is not here yet")
            kafka_jars()
            log = ApacheKafka(path / "apache-kafka", port=log_port, log_file=logs / "kafka.log")
        else:
            log = NoidaKafka(path / "kafka", port=log_port, log_file=logs / "kafka.log")
        return log, SecantusMongo(path / "mongo", port=store_port, log_file=logs / "mongo.log")

    def _own_port(self) -> int | None:
        asked, before = self._options.port, self._data_dir.remembered.port
        if asked == 0:
            return before if before is not None and is_free(before) else None
        port = asked or before or PORT
        if not is_free(port):
            raise UnusableError(f"port {port} is taken by another program; choose one with --port")
        return port

    def _remember(self, children: dict[str, Process]) -> None:
        remembered = self._data_dir.remembered
        remembered.children = children
        if self._node.port:
            remembered.port, remembered.url = self._node.port, self._node.address
        remembered.log_port = self._log.port or None
        remembered.store_port = self._store.port or None
        self._data_dir.remember()


def usable(option: str, asked: int | None, before: int | None) -> int | None:
    """Return the port asked for, or that of the last time if it is free; None: any free one."""
    if asked:
        if not is_free(asked):
            raise UnusableError(f"port {asked} of {option} is taken by another program")
        return asked
    return before if before is not None and is_free(before) else None


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: connections of the last run that still linger are nobody's.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
