"""Asking a real server, in this process: connections kept, TLS, time, and one host's share of us."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Thread
from urllib.parse import quote

import pytest
from world.certificates import certificate
from world.pictures import jpeg
from world.processes import PATIENCE_S, until
from world.web import Site, web

from stages.download.fetch.asking import Asker
from stages.download.fetch.opt_out import OptOut
from stages.download.fetch.outcomes import NotFetched
from stages.download.fetch.settings import FetchSettings
from stages.download.fetch.targets import url_key


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with web(tmp_path_factory.mktemp("web")) as started:
        yield started


IN_TIME_S = 2 * PATIENCE_S  # a socket's own limit, which is real, is never met


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def asker(opted: OptOut | None = None, clock: Callable[[], float] | None = None, **settings: object) -> Asker:
    values = {"contact": "me@example.org", "timeout_s": IN_TIME_S, "allow": ("127.0.0.2",), **settings}
    return Asker(FetchSettings.model_validate(values), opted or OptOut(), clock or Clock())


def refusal(asking: Asker, url: str) -> str:
    with pytest.raises(NotFetched) as refused:
        asking.ask(url)
    return refused.value.status


def refusal_when_late(asking: Asker, clock: Clock, url: str, under_way: Callable[[], object]) -> str:
    """How it ends when its time is over as soon as it is under way."""
    with ThreadPoolExecutor(1) as aside:
        refused = aside.submit(refusal, asking, url)
        until(under_way)
        clock.now += IN_TIME_S + 1
        return refused.result(PATIENCE_S)


def test_a_connection_serves_many_requests_and_may_end_between_them(site: Site) -> None:
    asking = asker()
    for number in range(3):
        assert asking.ask(site.url(f"good/{number}.jpg")) == jpeg(number)
    ((_, kept),) = asking._connections._idle
    kept._connection._network_stream._socket.shutdown(socket.SHUT_RDWR)  # as a server does that had enough of us
    assert asking.ask(site.url("good/3.jpg")) == jpeg(3)
    assert site.asked("good/3.jpg") == 1


def test_a_kept_connection_that_ends_as_it_is_used_again_is_no_failure_of_the_host() -> None:
    with socket.create_server(("127.0.0.2", 0)) as server:

        def serve() -> None:
            for requests in (2, 1):  # of the first connection's second request nothing comes
                connection, _ = server.accept()
                with connection:
                    for _ in range(requests - 1):
                        connection.recv(4096)
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na")
                    connection.recv(4096)
                    if requests == 1:
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb")

        Thread(target=serve, daemon=True).start()
        asking, url = asker(), f"http://127.0.0.2:{server.getsockname()[1]}/a"
        assert [asking.ask(url), asking.ask(url)] == [b"a", b"b"]


ONE = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"


@pytest.mark.parametrize("left", [ONE + b"x", ONE, b"xyz", ONE[:12]], ids=["an answer", "its head", "bytes", "a start"])
def test_what_a_server_sends_behind_an_answer_is_nobodys_image(left: bytes) -> None:
    def serve(connection: socket.socket) -> None:
        with connection, suppress(ConnectionResetError):  # it is closed with bytes unread
            connection.recv(4096)
            connection.sendall(ONE + b"a" + left)
            while connection.recv(4096):
                connection.sendall(ONE + b"a")

    def accept(server: socket.socket) -> None:
        for _ in range(3):
            Thread(target=serve, args=server.accept()[:1], daemon=True).start()

    with socket.create_server(("127.0.0.2", 0)) as server:
        Thread(target=accept, args=(server,), daemon=True).start()
        asking, url = asker(), f"http://127.0.0.2:{server.getsockname()[1]}/"
        assert [asking.ask(f"{url}{number}") for number in range(3)] == [b"a"] * 3


def test_an_answer_cut_short_on_a_kept_connection_is_not_asked_for_twice(site: Site) -> None:
    asking = asker()
    asking.ask(site.url("good/4.jpg"))
    assert refusal(asking, site.url("cut/4.jpg")) == "cut_short"
    assert site.asked("cut/4.jpg") == 1


def test_a_broken_answer_on_a_kept_connection_is_not_asked_for_twice(site: Site) -> None:
    asking = asker()
    asking.ask(site.url("good/5.jpg"))
    assert refusal(asking, site.url("wide-header/5.jpg")) == "bad_answer"
    assert site.asked("wide-header/5.jpg") == 1


def test_tls_is_believed_only_where_the_certificate_is_trusted(
    tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted = certificate(tmp_path / "site.pem", "127.0.0.2")
    with web(tmp_path, certificate=trusted) as safe:
        assert refusal(asker(), safe.url("good/1.jpg")) == "tls"
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        asking = asker(clock=(clock := Clock()))
        assert asking.ask(safe.url("good/1.jpg")) == asking.ask(safe.url("good/1.jpg"))
        assert asking.ask(safe.url(f"to/1?{site.url('good/1.jpg')}")) == jpeg(1)
        drips = safe.url("drip-body/1.jpg")
        assert refusal_when_late(asking, clock, drips, lambda: safe.asked("drip-body/1.jpg")) == "timeout"
    assert refusal(asker(), site.url("good/1.jpg").replace("http", "https")) == "tls"


def test_a_server_that_takes_the_connection_and_never_shakes_hands_is_left_in_time() -> None:
    with socket.create_server(("127.0.0.2", 0)) as silent:
        taken: list[socket.socket] = []

        def hello() -> bytes:
            taken.append(silent.accept()[0])
            return taken[0].recv(1)

        url = f"https://127.0.0.2:{silent.getsockname()[1]}/a"
        assert refusal_when_late(asker(clock=(clock := Clock())), clock, url, hello) == "timeout"


def test_a_port_where_nobody_listens_is_no_connection() -> None:
    with socket.create_server(("127.0.0.2", 0)) as soon_gone:
        port = soon_gone.getsockname()[1]
    assert refusal(asker(), f"http://127.0.0.2:{port}/a") == "no_connection"


def test_time_is_for_all_redirects_together(site: Site) -> None:
    url = site.url("hang/1.jpg")
    for _ in range(3):
        url = site.url(f"to/1?{quote(url)}")
    asking = asker(clock=lambda: 0.3 * IN_TIME_S * len(site.log()))  # each request takes so long
    with ThreadPoolExecutor(1) as aside:
        assert aside.submit(refusal, asking, url).result(PATIENCE_S) == "timeout"


def test_waiting_for_ones_turn_is_not_the_images_time(site: Site) -> None:
    asking = asker(per_host=1, clock=lambda: 0.4 * IN_TIME_S * len(site.log()))
    with ThreadPoolExecutor(5) as threads:
        answers = list(threads.map(asking.ask, [site.url(f"slow/{number}.jpg") for number in range(10, 15)]))
    assert answers == [jpeg(number) for number in range(10, 15)]  # twice the time in all, one after the other
    assert max(one.at_once for one in site.log() if one.path.startswith("/slow/1")) == 1


def test_two_hosts_that_lead_to_each_other_do_not_wait_for_one_another_for_ever(tmp_path: Path, site: Site) -> None:
    with web(tmp_path, host="127.0.0.3") as other:
        asking = asker(per_host=1, allow=("127.0.0.0/8",))
        urls = [
            one.url(f"to/{number}?{two.url(f'slow/{number}.jpg')}")
            for number in range(3)
            for one, two in ((site, other), (other, site))
        ]
        with ThreadPoolExecutor(6) as threads:
            assert len(list(threads.map(asking.ask, urls))) == 6


def test_a_redirect_to_what_stands_on_the_opt_out_list_is_not_followed(site: Site) -> None:
    asking = asker(OptOut(frozenset({site.url("good/77.jpg")})))
    assert refusal(asking, site.url(f"to/77?{site.url('good/77.jpg')}")) == "opted_out"
    assert site.asked("good/77.jpg") == 0


@pytest.mark.parametrize(
    "spelling", ["good/(78).jpg", "good/%2878%29.jpg", "%67ood/%2878).jpg", "good/x/../(%378).jpg#a"]
)
def test_a_redirect_to_another_spelling_of_what_stands_on_the_opt_out_list_is_not_followed(
    site: Site, spelling: str
) -> None:
    before = len(site.log())
    asking = asker(OptOut(frozenset({url_key(site.url("good/%28%37%38).jpg"))})))
    assert refusal(asking, site.url(f"to/78?{quote(site.url(spelling))}")) == "opted_out"
    assert len(site.log()) == before + 1


def test_a_site_that_leads_to_its_own_spelling_of_a_url_is_followed(site: Site) -> None:
    """One URL to the opt-out list, two requests to the site."""
    assert asker().ask(site.url("respelled/p%288.jpg")) == jpeg(8)
    assert [one.path for one in site.log()][-2:] == ["/respelled/p%288.jpg", "/respelled/p(8.jpg"]


def test_a_url_is_asked_for_in_normal_form(site: Site) -> None:
    assert asker().ask(site.url("x/%2e./%67ood/%7e%2f(%28/100%/caf\u00e9 e\u0301-6.jpg?a=[%5b+%2b#b")) == jpeg(6)
    assert site.log()[-1].path == "/good/~%2F(%28/100%25/caf%C3%A9%20e%CC%81-6.jpg?a=%5B%5B+%2B"


def test_no_proxy_is_asked_whatever_the_environment_says(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    assert asker().ask(site.url("good/5.jpg")) == jpeg(5)


def test_an_answer_of_endless_headers_is_bad(site: Site) -> None:
    """Each line is short; it is their number that does not end."""
    with socket.create_server(("127.0.0.2", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                try:
                    connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 1_000_000)
                except OSError:
                    return

        Thread(target=answer, daemon=True).start()
        assert refusal(asker(), f"http://127.0.0.2:{server.getsockname()[1]}/a") == "bad_answer"
