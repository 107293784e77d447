"""No secret is ever where it does not belong: planted ones are looked for everywhere.

Every kind of secret gets a value that can be recognised. Then the whole program is driven, errors
included, against a Shopify that answers with what it was sent: a careless log line would show it. Last,
everything that anybody could read is searched: logs, standard output, answers of the API, the command
line's, the arguments of every process of the machine, the environment of PostgreSQL's, its statements
while they run, and all tables as text.

A secret may be told to whom it belongs in the one answer that hands it over (``HANDED_OVER``); nothing
else is exempt. See installation.py for the other rules of this folder.
"""

from __future__ import annotations

import base64
import contextlib
import hmac
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import httpx
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tests.story.installation import descendants, free_port
from tests.story.post import order
from tillstream.foundation.embedded.server import find_running
from tillstream.foundation.migrate import login_url
from tillstream.shopify.signing import sign_webhook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SHOP, BY_SECRET = "by-oauth.myshopify.com", "by-secret.myshopify.com"
EMAIL = "owner@secrecy.example"

PLANTED: Final = {
    "JWT_SECRET": "planted-jwt-secret-7f3a9c1e5b8d2046",
    "TILLSTREAM_KEY": "5ec2e7" + "c0ffee" * 8 + "0badf00d5e",
    "TILLSTREAM_OLD_KEYS": "01dce7" + "facade" * 8 + "0badf00d5e",
    "default secret": "planted-default-app-secret-now",
    "default secret of before": "planted-default-app-secret-before",
    "named secret": "planted-named-app-secret-first",
    "second named secret": "planted-named-app-secret-second",
    "store secret": "planted-store-secret-first",
    "second store secret": "planted-store-secret-second",
    "store secret of the command line": "planted-store-secret-cli",
    "Admin token that was entered": "shpat_planted_entered_token",
    "access token": "shpat_planted_access_token",
    "refresh token": "shprt_planted_refresh_token",
    "password": "planted password, a long one",
    "new password": "planted password, the next one",
    "wrong password": "planted password, a wrong one",
    "password of the command line": "planted password, told to a command",
    "mail password": "planted-mail-password",
    "outside database password": "planted-database-password",
    "secret in a bad body": "planted-secret-in-a-bad-body",
    "key that is none": "planted-key-that-is-none",
    "value in a refused statement": "planted-value-in-a-refused-row",
}

_SIGNING_IN: Final = ("POST /api/auth/register", "POST /api/auth/login", "POST /api/auth/refresh")
HANDED_OVER: Final = {
    "API key": ("POST /api/keys",),
    "SQL password": ("POST /api/sql-logins",),
    "invitation": ("POST /api/invitations",),
    "transfer code": ("POST /api/stores/0/transfers",),
    "signed token": _SIGNING_IN,
    # The test's own statement, while it runs.
    "value in a refused statement": ("statements",),
    "refresh cookie": tuple(f"cookie of {place}" for place in _SIGNING_IN),
}
"""Where a secret that the program makes is told, once."""


@dataclass
class Evidence:
    """What anybody could have read: each text with the place where it was found."""

    texts: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    secrets: dict[str, str] = field(default_factory=lambda: dict(PLANTED))

    def add(self, place: str, text: str) -> None:
        """Take note of a text."""
        self.texts.append((place, text))

    def leaks(self) -> list[tuple[str, str, str]]:
        """Which secret was found where, and what stood around it."""
        return list(self._search())

    def _search(self) -> Iterator[tuple[str, str, str]]:
        forms = [(name, form) for name, secret in self.secrets.items() for form in forms_of(secret)]
        for place, text in self.texts:
            low = text.lower()
            for name, form in forms:
                at = low.find(form)
                if at >= 0 and place not in HANDED_OVER.get(name.rstrip(" 0123456789"), ()):
                    yield name, place, text[max(0, at - 80) : at + 30]


def forms_of(secret: str) -> set[str]:
    """A secret as it may be written: as it is, in hexadecimal, in base64, and in an address."""
    raw = secret.encode()
    # Without the ends, which depend on what stands before and after.
    coded = base64.b64encode(raw).decode().rstrip("=")[:-1]
    forms = {secret, raw.hex(), coded, urllib.parse.quote(secret), urllib.parse.quote_plus(secret)}
    return {form.lower() for form in forms}


# -- a Shopify that repeats what it was told -------------------------------------------------------


GRANT: Final = {
    "access_token": PLANTED["access token"],
    "refresh_token": PLANTED["refresh token"],
    "expires_in": 3600,
    "refresh_token_expires_in": 7_776_000,
    "scope": "read_orders,read_customers,read_products,read_checkouts",
}


class Echo(BaseHTTPRequestHandler):
    """Grants tokens to whoever brings a code, refuses everything else, and repeats every secret it heard."""

    asked: list[str] = []  # noqa: RUF012 - of the one server

    def do_POST(self) -> None:
        """Answer a code with tokens, a refresh token with the next ones."""
        body = self.rfile.read(int(self.headers.get("content-length", "0"))).decode()
        self.asked.append(self.path)
        told = f"{body} {self.headers.get('x-shopify-access-token')}"
        if self.path.endswith("/admin/oauth/access_token") and "planted-code" in body:
            self._answer(200, GRANT)
        elif self.path.endswith("/admin/oauth/access_token"):
            self._answer(400, {"error": "invalid_request", "error_description": told})
        else:
            self._answer(500, {"errors": [{"message": told}]})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status, "Refused" if status != 200 else "OK")
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as it is named there
        """Say nothing."""


class Shopify:
    """The server of it, until it is closed; then nobody answers at its address."""

    def __init__(self) -> None:
        """Listen on a free port."""
        Echo.asked.clear()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._closed = False
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Answer no more."""
        if not self._closed:
            self._closed = True
            self._server.shutdown()
            self._server.server_close()


# -- the program -----------------------------------------------------------------------------------


class Program:
    """``tillstream up`` with planted settings, and everything that it says."""

    def __init__(self, folder: Path, shopify: str, evidence: Evidence) -> None:
        """Nothing runs before ``start``."""
        self.folder, self.evidence = folder, evidence
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.out, self.err = folder / "stdout", folder / "stderr"
        mail = urllib.parse.quote(PLANTED["mail password"])
        self.environment = {
            "PATH": os.environ["PATH"],
            "PORT": str(self.port),
            "TILLSTREAM_DATA": str(folder / "data"),
            "TILLSTREAM_LOG": "debug",
            "TILLSTREAM_SHOPIFY_ADDRESS": shopify,
            "TILLSTREAM_SMTP_URL": f"smtp://me:{mail}@127.0.0.1:{free_port()}?tls=none",
            "TILLSTREAM_MAIL_FROM": "tillstream@secrecy.example",
            "SHOPIFY_API_KEY": "client-id",
            "SHOPIFY_API_SECRET": f"{PLANTED['default secret']},{PLANTED['default secret of before']}",
            **{name: value for name, value in PLANTED.items() if name.isupper()},
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pids(self) -> list[int]:
        """Of everything that runs for it."""
        return [] if self._process is None else [self._process.pid, *descendants(self._process.pid)]

    def start(self) -> None:
        """Return when it says that it is ready."""
        with self.out.open("ab") as out, self.err.open("ab") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tillstream.command.main", "up"],
                env=self.environment, stdout=out, stderr=err, start_new_session=True,
            )  # fmt: skip
        started = self._process
        wait_for(
            lambda: b"ready" in self.out.read_bytes() or started.poll() is not None,
            self.err.read_text,
        )
        assert started.poll() is None, self.err.read_text()[-4000:]

    def stop(self) -> None:
        """As Ctrl-C does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(40)
            self._process = None

    def command(
        self, *arguments: str, told: str = "", status: int | None = 0, **environment: str
    ) -> str:
        """What a command prints, which is evidence; it is told secrets by its standard input."""
        done = subprocess.run(
            [sys.executable, "-m", "tillstream.command.main", *arguments],
            env={**self.environment, **environment},
            input=told, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        self.evidence.add(f"tillstream {' '.join(arguments)}", done.stdout + done.stderr)
        assert status in {None, done.returncode}, done.stderr
        return done.stdout

    def client(self) -> httpx.Client:
        """A client whose every answer is evidence."""
        return httpx.Client(base_url=self.url, timeout=30, event_hooks={"response": [self._note]})

    def _note(self, response: httpx.Response) -> None:
        response.read()
        path = "/".join("0" if part.isdecimal() else part for part in response.url.path.split("/"))
        place = f"{response.request.method} {path}"
        headers = [(n, v) for n, v in response.headers.multi_items() if n != "set-cookie"]
        self.evidence.add(place, f"{headers} {response.text}")
        for cookie in response.headers.get_list("set-cookie"):
            self.evidence.add(f"cookie of {place}", cookie)


class Watcher:
    """Looks all the time at what any user of the machine could see, and at the statements that run."""

    def __init__(self, url: str) -> None:
        """``url`` is of the database's owner."""
        self._url = url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.arguments: set[str] = set()
        self.statements: set[str] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)

    def _watch(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._stop.wait(0.02):
                for process in Path("/proc").glob("[0-9]*/cmdline"):
                    with contextlib.suppress(OSError):
                        self.arguments.add(
                            process.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                        )
                rows = connection.execute("SELECT query FROM pg_stat_activity").fetchall()
                self.statements.update(row[0] for row in rows if row[0])


def wait_for(done: Callable[[], bool], said: Callable[[], str] = str, seconds: float = 60) -> None:
    """Look until it is so."""
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, said()[-4000:]
        time.sleep(0.05)  # between two looks


# -- what is done with it --------------------------------------------------------------------------


def sign_in(program: Program, client: httpx.Client) -> None:
    """An account: made, guessed at, entered, left; its password changed and forgotten."""
    owner = {"email": EMAIL, "password": PLANTED["password"]}
    tokens = [client.post("/api/auth/register", json=owner).json()["token"]]
    client.post("/api/auth/login", json={**owner, "password": PLANTED["wrong password"]})
    client.post("/api/auth/login", json={**owner, "email": "nobody@secrecy.example"})
    client.post("/api/auth/login", json={"email": EMAIL, "password": [PLANTED["wrong password"]]})
    client.post("/api/auth/register", json={**owner, "name": "a\0b", "email": "b@secrecy.example"})
    client.post("/api/auth/register", json=owner)
    tokens.append(client.post("/api/auth/login", json=owner).json()["token"])
    tokens.append(client.post("/api/auth/refresh").json()["token"])
    client.headers["authorization"] = f"Bearer {tokens[-1]}"
    change = {"current": PLANTED["password"], "new": PLANTED["new password"]}
    assert client.post("/api/auth/password", json=change).status_code == 204
    client.post("/api/auth/password", json={**change, "current": PLANTED["wrong password"]})
    client.post("/api/auth/password/forgot", json={"email": EMAIL})
    client.post(
        "/api/auth/password/reset", json={"token": "x", "password": PLANTED["new password"]}
    )
    for number, token in enumerate(tokens):
        program.evidence.secrets[f"signed token {number}"] = token
    for number, cookie in enumerate(one.value or "" for one in client.cookies.jar):
        program.evidence.secrets[f"refresh cookie {number}"] = cookie
    assert any(name.startswith("refresh cookie") for name in program.evidence.secrets)


def connect_by_secret(program: Program, client: httpx.Client) -> None:
    """A store with an entered secret and token, both replaced, and bodies that are refused."""
    made = client.post(
        "/api/stores",
        json={
            "domain": BY_SECRET,
            "api_secret": PLANTED["store secret"],
            "access_token": PLANTED["Admin token that was entered"],
            "currency": "USD",
            "timezone": "UTC",
        },
    )
    assert made.status_code == 201, made.text
    store = made.json()["id"]
    answer = client.patch(
        f"/api/stores/{store}", json={"api_secret": PLANTED["second store secret"]}
    )
    assert answer.status_code == 200, answer.text
    bad = PLANTED["secret in a bad body"]
    for body in (
        {"domain": BY_SECRET, "api_secret": [bad]},
        {"domain": f"{bad}.example", "api_secret": bad},
        {"domain": BY_SECRET, "api_secret": bad},
        {"domain": "c.myshopify.com", "api_secret": bad, "currency": "nothing"},
        {"domain": "c.myshopify.com", "api_secret": bad, "timezone": 5, bad: bad},
        {"domain": "c.myshopify.com", "api_secret": bad, "name": "a\0b"},
        {"domain": "c.myshopify.com", "api_secret": bad, "name": "n" * 300},
    ):
        assert client.post("/api/stores", json=body).status_code >= 400
    raw = f'{{"domain": "{BY_SECRET}", "api_secret": "{bad}"'.encode()
    client.post("/api/stores", content=raw, headers={"content-type": "application/json"})
    client.post("/api/stores", content=raw, headers={"content-type": "text/plain"})


def hand_out(program: Program, client: httpx.Client) -> None:
    """Keys, SQL logins, invitations: each tells its secret once, and lists do not."""
    key = client.post(
        "/api/keys", json={"name": "Till", "scopes": ["analytics"], "expires_in_days": 1}
    ).json()
    program.evidence.secrets["API key"] = key["key"].rpartition("_")[2]
    login = client.post("/api/sql-logins", json={"name": "Metabase"})
    assert login.status_code == 201, login.text
    program.evidence.secrets["SQL password"] = login.json()["password"]
    stores = client.get("/api/stores").json()["stores"]
    moved = client.post(f"/api/stores/{stores[0]['id']}/transfers")
    assert moved.status_code == 201, moved.text
    program.evidence.secrets["transfer code"] = moved.json()["code"]
    invited = client.post(
        "/api/invitations", json={"email": "c@secrecy.example", "role": "viewer"}
    ).json()
    program.evidence.secrets["invitation"] = invited["link"].partition("#token=")[2]
    with program.client() as machine:
        machine.headers["authorization"] = f"Bearer {key['key']}"
        assert machine.get("/api/analytics/stats").status_code == 200
        machine.post("/api/stores", json={"domain": "d.myshopify.com"})
        machine.headers["authorization"] = f"Bearer ts_1_{PLANTED['key that is none']}"
        assert machine.get("/api/analytics/stats").status_code == 401


def deliver(client: httpx.Client) -> None:
    """Genuine deliveries of every signer, forged ones, and signed ones that make no sense."""
    good = json.dumps(order(1, "1.00")).encode()
    for path, secret, body in (
        ("/api/webhook", "default secret", good),
        ("/api/webhook", "default secret of before", good),
        ("/api/webhook/outlet", "named secret", good),
        ("/api/webhook/outlet", "second named secret", good),
        ("/api/webhook", "second store secret", good),
        ("/api/webhook", "store secret", good),
        ("/api/webhook", "secret in a bad body", good),
        ("/api/webhook", "default secret", b"{"),
        ("/api/webhook", "default secret", b'{"id": 1e400, "line_items": 5}'),
        ("/api/webhook", "default secret", json.dumps(order(2, "1.00", name="n\0" * 9)).encode()),
        ("/api/webhook", "default secret", json.dumps(order(2**70, "1.00")).encode()),
    ):
        client.post(
            path,
            content=body,
            headers={
                "x-shopify-topic": "orders/create",
                "x-shopify-shop-domain": BY_SECRET,
                "x-shopify-webhook-id": f"{secret} {body[:9]!r}".replace("'", ""),
                "x-shopify-api-version": "2026-10",
                "x-shopify-hmac-sha256": sign_webhook(PLANTED[secret].encode(), body),
            },
        )


def connect_by_oauth(client: httpx.Client, shop: str, code: str) -> httpx.Response:
    """The journey to Shopify and back, as a browser makes it."""
    gone = client.get("/api/auth/shopify", params={"shop": shop})
    assert gone.status_code == 302, gone.text
    state = urllib.parse.parse_qs(urllib.parse.urlsplit(gone.headers["location"]).query)["state"][0]
    told = {"code": code, "shop": shop, "state": state, "timestamp": str(int(time.time()))}
    message = "&".join(f"{name}={told[name]}" for name in sorted(told))
    signed = hmac.digest(PLANTED["default secret"].encode(), message.encode(), "sha256").hex()
    return client.get("/api/auth/callback", params={**told, "hmac": signed})


def run_commands(program: Program) -> None:
    """Everything that a person can ask on the command line, right and wrong."""
    store = ("store", "add", "--account", EMAIL, "--domain")
    program.command(
        "account", "add", "d@secrecy.example", "--password-stdin", "--json",
        told=PLANTED["password of the command line"],
    )  # fmt: skip
    secret = PLANTED["store secret of the command line"]
    key, jwt = PLANTED["TILLSTREAM_KEY"], PLANTED["JWT_SECRET"]
    outside = f"postgresql://me:{PLANTED['outside database password']}@127.0.0.1:{free_port()}/none"
    program.command(*store, "e.myshopify.com", "--api-secret", "-", "--json", told=secret)
    tries: list[tuple[Sequence[str], str, dict[str, str]]] = [
        ((*store, "e.myshopify.com", "--api-secret", "-"), secret, {}),
        (("app", "secret", "add", "outlet"), f"{secret} with spaces", {}),
        (("app", "list", "--json"), "", {}),
        (("keys", "status", "--json"), "", {}),
        (("journal", "parked", "--json"), "", {}),
        (("doctor", "--json"), "", {}),
        (("verify", "--json"), "", {}),
        (("doctor",), "", {"DATABASE_URL": outside}),
        (("migrate",), "", {"DATABASE_URL": outside}),
        (("app", "list"), "", {"DATABASE_URL": outside.replace("://", ":")}),
        (("app", "list"), "", {"TILLSTREAM_KEY": key[:-1]}),
        (("app", "list"), "", {"TILLSTREAM_OLD_KEYS": f"{key},x"}),
        (("app", "list"), "", {"JWT_SECRET": jwt[:20]}),
    ]

    def attempt(one: tuple[Sequence[str], str, dict[str, str]]) -> None:
        arguments, told, environment = one
        program.command(*arguments, told=told, status=None, **environment)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(attempt, tries))


def refuse_statements(url: str) -> None:
    """What PostgreSQL itself writes of a refusal: a row that breaks a rule, a value that is no number."""
    with psycopg.connect(url, autocommit=True) as connection:
        value = PLANTED["value in a refused statement"]
        for statement in (
            sql.SQL("UPDATE shops.users SET email = upper(email) || {}").format(sql.Literal(value)),
            sql.SQL("SELECT {}::int").format(sql.Literal(value)),
            sql.SQL("SELECT {} FROM nothing_at_all").format(sql.Literal(value)),
        ):
            with contextlib.suppress(psycopg.Error):
                connection.execute(statement)
        with contextlib.suppress(psycopg.Error):
            connection.execute("UPDATE shops.users SET name = repeat(%s, 99)", (value,))
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE usename LIKE 'tillstream_%%' AND pid <> pg_backend_pid()"
        )


def ask_everything(client: httpx.Client) -> None:
    """Every GET of the API that needs no more than a store."""
    document = client.get("/api/openapi.json").json()
    for path in sorted(document["paths"]):
        if "get" in document["paths"][path] and path != "/api/live":
            client.get(path.replace("{id}", "1").replace("{app}", "outlet"))
    for path in ("/metrics", "/readyz", "/healthz"):
        client.get(path)
        client.get(path, headers={"authorization": ""})


def text_of_tables(url: str) -> Iterator[tuple[str, str]]:
    """Every table of ours as text, as a dump would have it, and what PostgreSQL keeps of its logins."""
    with psycopg.connect(url, autocommit=True) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables "
            "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        assert len(tables) > 20
        for schema, table in [*tables, ("pg_catalog", "pg_authid"), ("pg_catalog", "pg_proc")]:
            copy = sql.SQL("COPY (SELECT * FROM {}) TO STDOUT").format(
                sql.Identifier(schema, table)
            )
            with connection.cursor().copy(copy) as rows:
                yield (
                    f"{schema}.{table}",
                    b"".join(bytes(part) for part in rows).decode("utf-8", "replace"),
                )


def login_passwords(program: Program, url: str) -> dict[str, str]:
    """The passwords with which the program's own processes reach its database."""
    key = bytes.fromhex(PLANTED["TILLSTREAM_KEY"])
    found = {"database owner's password": str(conninfo_to_dict(url)["password"])}
    for role in ("api", "worker"):
        found[f"password of the {role}'s login"] = str(
            conninfo_to_dict(login_url(url, role, key))["password"]
        )
    return found


# -- and what is looked for ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """All that can be read after everything was done."""
    found = Evidence()
    shopify = Shopify()
    program = Program(tmp_path_factory.mktemp("secrecy"), shopify.url, found)
    try:
        program.start()
        url = find_running(program.folder / "data" / "postgres")
        assert url is not None
        found.secrets |= login_passwords(program, url)
        with Watcher(url) as watcher, program.client() as client:
            program.command(
                "app", "add", "outlet", "--client-id", "c", "--secret-stdin", "--json",
                told=PLANTED["named secret"],
            )  # fmt: skip
            program.command(
                "app", "secret", "add", "outlet", "--json", told=PLANTED["second named secret"]
            )
            sign_in(program, client)
            connect_by_secret(program, client)
            hand_out(program, client)
            done = connect_by_oauth(client, SHOP, "planted-code")
            assert "connected=1" in done.headers["location"], done.headers
            assert (
                "refused=exchange"
                in connect_by_oauth(client, "other.myshopify.com", "no").headers["location"]
            )
            wait_for(lambda: any("graphql" in path for path in Echo.asked), program.err.read_text)
            shopify.close()
            assert (
                "refused=exchange"
                in connect_by_oauth(client, "other.myshopify.com", "no").headers["location"]
            )
            deliver(client)
            ask_everything(client)
            run_commands(program)
            refuse_statements(url)
            deliver(client)
            ask_everything(client)
            program.command("keys", "rotate", "--json")
            for place, text in text_of_tables(url):
                found.add(f"table {place}", text)
            for pid in program.pids:
                process = Path(f"/proc/{pid}")
                found.add("arguments", (process / "cmdline").read_text())
                if b"postgres" in (process / "cmdline").read_bytes().split(b"\0")[0]:
                    found.add("PostgreSQL's environment", (process / "environ").read_text())
        found.add("the machine's process list", "\n".join(sorted(watcher.arguments)))
        found.add("statements", "\n".join(sorted(watcher.statements)))
    finally:
        program.stop()
        shopify.close()
    for log in (program.out, program.err, program.folder / "data" / "postgres" / "postgres.log"):
        found.add(log.name, log.read_text(errors="replace"))
    return found


def test_no_secret_is_anywhere_but_where_it_is_handed_over(evidence: Evidence) -> None:
    assert evidence.leaks() == []


def test_the_search_would_find_them(evidence: Evidence) -> None:
    """A search that finds nothing proves something only if it looked, and can find."""
    places = {place for place, _ in evidence.texts}
    for place in ("stderr", "stdout", "postgres.log", "GET /metrics", "GET /readyz", "GET /api/openapi.json",
                  "table shops.stores", "table shops.app_secrets", "table journal.frames", "table pg_catalog.pg_authid",
                  "PostgreSQL's environment", "statements", "POST /api/keys", "tillstream doctor --json"):  # fmt: skip
        assert place in places, place
    for name, told in HANDED_OVER.items():
        if not told[0].startswith(("POST", "cookie")):
            continue
        secrets = [v for n, v in evidence.secrets.items() if n.rstrip(" 0123456789") == name]
        assert any(
            secret in text for place, text in evidence.texts if place in told for secret in secrets
        ), name
    planted = Evidence(
        [("somewhere", f"x {base64.b64encode(PLANTED['refresh token'].encode()).decode()} x")]
    )
    assert [leak[:2] for leak in planted.leaks()] == [("refresh token", "somewhere")]
    whole = dict(evidence.texts)
    assert "Failing row" not in whole["postgres.log"]
    assert len(evidence.secrets) >= len(PLANTED) + 8
