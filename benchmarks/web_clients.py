"""The web application among clients that behave badly: slow readers, clients that vanish, connections on
which nothing is asked. Other clients must not notice, and nothing may stay behind.

    python benchmarks/web_clients.py
    python benchmarks/web_clients.py --pictures 1000 --seconds 3 --results FILE   # to try it

A made-up library (see large_library.py) is served by `captionret serve` in a process of its own, and asked
for different texts at 20 requests a second, alone and beside each kind of client.
"""

import asyncio
import os
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from large_library import made
from results import markdown_table, parser, write_section
from web import at_a_rate, memory, processor, serving

from captionret.library.index.writing import write_index

SLOW, VANISHING, IDLE = 30, 10, 1000  # clients at once
PIECE, PAUSE = 2000, 0.2  # bytes that a slow reader takes, and seconds until the next
START = 8.0  # seconds in which they come, one after the other
MOST_GROWTH = 50  # MB
WAIT = 15  # seconds after which connections on which nothing is asked have been closed (see web/serving.py)


def request(library: str) -> bytes:
    """That asks for the longest answer there is."""
    return (
        f"GET /api/libraries/{library}/search?limit=500&q=a HTTP/1.1\r\n"
        "Host: 127.0.0.1\r\nAccept-Encoding: identity\r\n\r\n"
    ).encode()


async def slow_reader(host: str, port: int, library: str) -> None:
    """Asks and takes the answer piece by piece, again and again."""
    while True:
        reader, writer = await asyncio.open_connection(host, port, limit=PIECE)
        try:
            writer.write(request(library))
            while await reader.read(PIECE):
                await asyncio.sleep(PAUSE)
        finally:
            writer.close()


async def vanishing(host: str, port: int, library: str) -> None:
    """Asks, and is gone before the answer, again and again."""
    while True:
        _, writer = await asyncio.open_connection(host, port)
        writer.write(request(library))
        await asyncio.sleep(0.1)
        writer.transport.abort()
        await asyncio.sleep(0.4)


async def idle(host: str, port: int, _: str) -> None:
    """Connects, and asks for nothing; again when it is sent away."""
    while True:
        reader, writer = await asyncio.open_connection(host, port)
        try:
            await reader.read(1)
        finally:
            writer.close()


KINDS = {
    "slow readers": (slow_reader, SLOW),
    "vanishing clients": (vanishing, VANISHING),
    "idle connections": (idle, IDLE),
}


async def stubborn(kind: str, host: str, port: int, library: str, wait: float) -> None:
    """One client of a kind, which comes after some seconds, and again whatever happens to it."""
    await asyncio.sleep(wait)
    while True:
        with suppress(OSError):
            await KINDS[kind][0](host, port, library)
        await asyncio.sleep(0.5)


@asynccontextmanager
async def beside(kind: str, address: str, library: str) -> AsyncIterator[None]:
    """That many clients of a kind."""
    parts = urlsplit(address)
    assert parts.hostname is not None and parts.port is not None
    count = KINDS[kind][1]
    waits = [START * number / count for number in range(count)]
    clients = [
        asyncio.create_task(stubborn(kind, parts.hostname, parts.port, library, wait)) for wait in waits
    ]
    await asyncio.sleep(START)
    try:
        yield
    finally:
        for one in clients:
            one.cancel()
        await asyncio.gather(*clients, return_exceptions=True)


async def answered(kind: str, address: str, library: str, seconds: float) -> list[float]:
    """Others' answers meanwhile, in seconds each. kind: of KINDS, or "nobody" """
    if kind not in KINDS:
        return await at_a_rate(address, library, seconds)
    async with beside(kind, address, library):
        return await at_a_rate(address, library, seconds)


def connections(process: int) -> int:
    """How many files and connections a process holds open; 0 where the system does not say."""
    folder = Path(f"/proc/{process}/fd")
    return len(os.listdir(folder)) if folder.is_dir() else 0


def measured(folder: Path, count: int, seconds: float) -> tuple[list[list[object]], float, int]:
    """A row for each kind of client, the memory that the server has more in the end (MB), and how many
    connections have stayed."""
    library = made(folder, count)
    assert write_index(library._catalogue), "the index was not written"
    library.close()
    rows: list[list[object]] = []
    with serving(library.path) as (address, process):
        name = library.path.name
        asyncio.run(at_a_rate(address, name, 2))
        held, files = memory(process), connections(process)
        for kind in ("nobody", *KINDS):
            used = processor(process)
            times = sorted(asyncio.run(answered(kind, address, name, seconds)))
            used = processor(process) - used
            p95 = times[int(0.95 * (len(times) - 1))]
            clients = KINDS[kind][1] if kind in KINDS else 0
            rows.append([kind, clients, 1000 * statistics.median(times), 1000 * p95, used, memory(process)])
            print(rows[-1], flush=True)
        asyncio.run(asyncio.sleep(WAIT))
        return rows, memory(process) - held, max(0, connections(process) - files)


def report(rows: list[list[object]], seconds: float, growth: float, stayed: int, count: int) -> str:
    """The section's text."""
    columns = ["beside", "clients", "median, ms", "p95, ms", "processor, s", "memory, MB"]
    lines = [[*row[:2], *(round(float(str(one)), 1) for one in row[2:])] for row in rows]
    return (
        f"Others ask 20 texts a second of {count:,} pictures, for {seconds:g} s beside each kind of client. "
        f"Slow readers take {PIECE:,} bytes of an answer of 500 pictures, then wait {PAUSE:g} s; vanishing "
        "ones are gone a tenth of a second after they asked for that; on idle connections nothing is asked, "
        "and they come again when they are sent away. Clients and server share the cores.\n\n"
        f"{markdown_table(columns, lines)}\n\n"
        f"Afterwards the server holds {growth:.0f} MB more than before (aimed at: {MOST_GROWTH}), and "
        f"{stayed} connections more."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and write the section of RESULTS.md."""
    options = parser(__doc__)
    options.add_argument("--pictures", type=int, default=10_000)
    options.add_argument("--seconds", type=float, default=20.0, help="beside each kind of client")
    given = options.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        rows, growth, stayed = measured(Path(name), given.pictures, given.seconds)
    text = report(rows, given.seconds, growth, stayed, given.pictures)
    write_section(
        given.results, "The web application among bad clients", text, "python benchmarks/web_clients.py"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
