"""Tracked links while the database is gone, while the disk is full, and when they are killed."""

import http.client
import resource
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from dripline.engagement.tokens import Mark, Seal
from dripline.ids import new_id
from outside.evidence import count, of_postgres, of_sqlite
from outside.program import Program, Programs
from outside.standin import StandIn
from postgres import PostgresServer

KEY = "a key that several processes share"
CLICKS = "SELECT count(*) FROM clicks"
PERSON = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15"


def follow(process: Program, times: int = 1) -> None:
    """Follow links of messages, each of its own; all of them lead on."""
    at = urlsplit(process.address)
    connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=5)
    try:
        for _ in range(times):
            mark = Mark("link", new_id(), new_id(), label="Read", url="https://example.com/")
            path = "/r/" + Seal(KEY.encode()).sign(mark)
            connection.request("GET", path, headers={"User-Agent": PERSON})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 302
            assert answer.getheader("location") == "https://example.com/"
    finally:
        connection.close()


@pytest.mark.slow
def test_links_lead_on_while_the_database_is_gone(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    """A web process on its own drains what it has spooled, as soon as it can."""
    url = postgres_server.create_database("web")
    ask = of_postgres(postgres_server, "web")
    with Programs(tmp_path, database_url=url, secret_key=KEY, log_level="error") as programs:
        assert programs.ask("db", "upgrade").returncode == 0
        web = programs.start("web", log_level="info").ready()
        follow(web, 3)
        web.wait_for(lambda: count(ask, CLICKS) == 3)
        postgres_server.kill()
        follow(web, 40)
        web.kill()
        again = programs.start("web", name="again", log_level="info")
        postgres_server.start()
        again = again if not again.ended() else programs.start("web", log_level="info")
        follow(again.ready(60), 7)
        again.wait_for(lambda: count(ask, CLICKS) == 50, 60)
        assert again.stop()[0] == 0
    assert list((tmp_path / "web-spool").iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(
    not hasattr(resource, "prlimit"), reason="a full disk is made with prlimit: run it on Linux"
)
def test_links_lead_on_while_the_disk_is_full(telegram: StandIn, tmp_path: Path) -> None:
    file = tmp_path / "dripline.db"
    ask = of_sqlite(file)
    with Programs(
        tmp_path,
        database_url=f"sqlite:///{file}",
        telegram_api_base=telegram.url,
        secret_key=KEY,
    ) as programs:
        run = programs.start("run").ready()
        _, hard = resource.prlimit(run.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(run.pid, resource.RLIMIT_FSIZE, (0, hard))
        follow(run, 5)
        resource.prlimit(run.pid, resource.RLIMIT_FSIZE, (hard, hard))
        follow(run, 2)
        run.wait_for(lambda: count(ask, CLICKS) == 2)
        assert run.stop()[0] == 0
