"""The account's people: invited, joining, changing roles, leaving; and what is written down of it.

Real: the database, the hashing, the mail server. Doubled: only the clock.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.serve.company import accept, audit, call, invite, join, problem, token_of
from tests.serve.conftest import PASSWORD, open_site, settings_for
from tests.serve.letters import mailroom
from tillstream.foundation.mail_server import MailServer
from tillstream.shops import invitations, mail

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.conftest import Database
    from tests.serve.conftest import Site


# -- invitations -----------------------------------------------------------------------------------


async def test_somebody_new_joins_by_the_link_with_a_password_of_their_own(site: Site) -> None:
    ada = await site.register()
    invitation = await invite(site, ada["token"], "Bob@Example.com", "analyst")
    assert invitation["email"] == "bob@example.com"
    assert invitation["sent"] is False
    token = token_of(invitation)
    offer = await call(site, "", "POST", "/api/invitations/lookup", {"token": token})
    assert offer.json() == {
        "tenant": "Ada",
        "email": "bob@example.com",
        "role": "analyst",
        "has_account": False,
    }
    weak = await accept(site, token, "password123")
    assert problem(weak) == "weak-password"
    joined = await accept(site, token, name="Bob")
    assert joined.status_code == 200
    assert joined.json()["tenant"] == ada["tenant"]
    assert joined.json()["user"]["role"] == "analyst"
    assert joined.json()["user"]["name"] == "Bob"
    assert joined.json()["tenants"] == [{**ada["tenant"], "role": "analyst"}]
    assert "tillstream_refresh" in joined.cookies
    people = (await call(site, ada["token"], "GET", "/api/members")).json()["members"]
    assert [(one["email"], one["role"]) for one in people] == [
        ("ada@example.com", "owner"),
        ("bob@example.com", "analyst"),
    ]


async def test_an_invitation_works_once(site: Site) -> None:
    ada = await site.register()
    token = token_of(await invite(site, ada["token"], "bob@example.com"))
    assert (await accept(site, token)).status_code == 200
    again = await accept(site, token)
    assert again.status_code == 404
    assert problem(again) == "link-invalid"
    assert (await call(site, ada["token"], "GET", "/api/invitations")).json() == {"invitations": []}


async def test_of_many_who_accept_at_once_one_joins(site: Site) -> None:
    ada = await site.register()
    token = token_of(await invite(site, ada["token"], "bob@example.com"))
    answers = await asyncio.gather(*(accept(site, token, f"{PASSWORD} {n}") for n in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 404, 404, 404]


async def test_an_invitation_ends_by_time_by_withdrawal_and_by_another(site: Site) -> None:
    ada = await site.register()
    first = await invite(site, ada["token"], "bob@example.com")
    second = await invite(site, ada["token"], "bob@example.com", "owner")
    assert (await accept(site, token_of(first))).status_code == 404
    listed = (await call(site, ada["token"], "GET", "/api/invitations")).json()["invitations"]
    assert [one["id"] for one in listed] == [second["id"]]
    assert "link" not in listed[0]
    gone = await call(site, ada["token"], "DELETE", f"/api/invitations/{second['id']}")
    assert gone.status_code == 204
    assert (await accept(site, token_of(second))).status_code == 404
    third = await invite(site, ada["token"], "bob@example.com")
    site.clock.forward(days=7)
    assert (await accept(site, token_of(third))).status_code == 404


async def test_made_up_invitations_lead_nowhere(site: Site) -> None:
    await site.register()
    for token in ("", "x", "1.x", "1." + "A" * 43, "9" * 30 + "." + "A" * 43):
        for path, body in (("lookup", {}), ("accept", {"password": PASSWORD})):
            sent = {"token": token, **body}
            answer = await call(site, "", "POST", f"/api/invitations/{path}", sent)
            assert answer.status_code == 404, token
            assert problem(answer) == "link-invalid"


async def test_an_invitation_of_one_tenant_is_none_of_another(site: Site) -> None:
    ada = await site.register()
    eve = await site.register("eve@example.com")
    token = token_of(await invite(site, ada["token"], "bob@example.com"))
    swapped = f"{eve['tenant']['id']}.{token.partition('.')[2]}"
    assert (await accept(site, swapped)).status_code == 404
    listed = (await call(site, ada["token"], "GET", "/api/invitations")).json()["invitations"]
    path = f"/api/invitations/{listed[0]['id']}"
    assert (await call(site, eve["token"], "DELETE", path)).status_code == 404


async def test_somebody_with_an_account_joins_with_its_password_only(site: Site) -> None:
    ada = await site.register()
    bob = await site.register("bob@example.com")
    token = token_of(await invite(site, ada["token"], "bob@example.com", "owner"))
    offer = await call(site, "", "POST", "/api/invitations/lookup", {"token": token})
    assert offer.json()["has_account"] is True
    wrong = await accept(site, token, "another password altogether")
    assert wrong.status_code == 401
    assert problem(wrong) == "credentials-wrong"
    assert (await audit(site, bob["token"]))[0]["action"] == "session.refused"
    joined = await accept(site, token)
    assert joined.status_code == 200
    assert joined.json()["user"]["id"] == bob["user"]["id"]
    assert [one["id"] for one in joined.json()["tenants"]] == [
        ada["tenant"]["id"],
        bob["tenant"]["id"],
    ]


async def test_an_invitation_is_no_second_door_to_guess_at(site: Site) -> None:
    eve = await site.register("eve@example.com")
    await site.register("bob@example.com")
    answers: list[httpx.Response] = []
    token = ""
    for number in range(13):
        # A fresh link each time, which she is given as the owner who invites.
        token = token_of(await invite(site, eve["token"], "bob@example.com"))
        answers.append(await accept(site, token, f"a guess that is number {number}"))
    assert [answer.status_code for answer in answers] == [401] * 11 + [429] * 2
    assert problem(answers[-1]) == "too-many-requests"
    site.clock.forward(minutes=5)
    assert (await accept(site, token)).status_code == 200
    assert await site.login("bob@example.com")


async def test_an_account_writes_to_so_many_strangers_a_day(site: Site) -> None:
    ada = await site.register()
    for number in range(invitations.MOST_A_DAY):
        await invite(site, ada["token"], f"{number}@example.com")
    body = {"email": "one@example.com", "role": "viewer"}
    refused = await call(site, ada["token"], "POST", "/api/invitations", body)
    assert refused.status_code == 409
    assert problem(refused) == "too-many-invitations"
    site.clock.forward(days=1, seconds=1)
    token = await site.login()
    assert (await call(site, token, "POST", "/api/invitations", body)).status_code == 201


async def test_a_member_is_not_invited_again(site: Site) -> None:
    ada = await site.register()
    for email in ("ada@example.com", "ADA@example.com "):
        body = {"email": email, "role": "viewer"}
        answer = await call(site, ada["token"], "POST", "/api/invitations", body)
        assert answer.status_code == 409
        assert problem(answer) == "member-already"


async def test_people_and_keys_are_for_owners(site: Site) -> None:
    ada = await site.register()
    for role in ("analyst", "viewer"):
        member = (await join(site, ada["token"], f"{role}@example.com", role))["token"]
        calls: list[tuple[str, str, Any]] = [
            ("GET", "/api/invitations", None),
            ("POST", "/api/invitations", {"email": "x@example.com", "role": "viewer"}),
            ("DELETE", "/api/invitations/1", None),
            ("PATCH", f"/api/members/{ada['user']['id']}", {"role": "viewer"}),
            ("DELETE", f"/api/members/{ada['user']['id']}", None),
            ("PATCH", "/api/tenant", {"name": "Mine"}),
            ("GET", "/api/keys", None),
            ("POST", "/api/keys", {"name": "k", "scopes": ["live"], "expires_in_days": 1}),
            ("DELETE", "/api/keys/1", None),
            ("GET", "/api/audit", None),
        ]
        for method, path, body in calls:
            answer = await call(site, member, method, path, body)
            assert answer.status_code == 403, (role, method, path)
            assert problem(answer) == "forbidden"
        assert (await call(site, member, "GET", "/api/members")).status_code == 200
        assert (await call(site, member, "GET", "/api/tenant")).status_code == 200


# -- roles -----------------------------------------------------------------------------------------


async def test_a_changed_role_counts_from_the_next_call_on(site: Site) -> None:
    ada = await site.register()
    bob = await join(site, ada["token"], "bob@example.com", "owner")
    assert (await call(site, bob["token"], "GET", "/api/audit")).status_code == 200
    path = f"/api/members/{bob['user']['id']}"
    changed = await call(site, ada["token"], "PATCH", path, {"role": "viewer"})
    assert changed.json()["role"] == "viewer"
    # The access token from before still says owner.
    assert (await call(site, bob["token"], "GET", "/api/audit")).status_code == 403
    assert (await call(site, bob["token"], "GET", "/api/auth/me")).json()["user"][
        "role"
    ] == "viewer"


async def test_who_is_no_owner_any_more_loses_the_keys_and_invitations_they_gave(
    site: Site,
) -> None:
    ada = await site.register()
    bob = await join(site, ada["token"], "bob@example.com", "owner")
    wish = {"name": "Bob's", "scopes": ["analytics"], "expires_in_days": 30}
    key = (await call(site, bob["token"], "POST", "/api/keys", wish)).json()["key"]
    back_door = token_of(await invite(site, bob["token"], "bob2@example.com", "owner"))
    kept = (await call(site, ada["token"], "POST", "/api/keys", {**wish, "name": "Ada's"})).json()
    assert (await call(site, key, "GET", "/api/analytics/stats")).status_code == 200
    path = f"/api/members/{bob['user']['id']}"
    await call(site, ada["token"], "PATCH", path, {"role": "analyst"})
    assert (await call(site, key, "GET", "/api/analytics/stats")).status_code == 401
    assert (await accept(site, back_door)).status_code == 404
    assert (await call(site, kept["key"], "GET", "/api/analytics/stats")).status_code == 200


async def test_a_removed_member_is_out_at_once_and_has_no_account_any_more(site: Site) -> None:
    ada = await site.register()
    async with site.client() as browser:
        invitation = await invite(site, ada["token"], "bob@example.com", "owner")
        body = {"token": token_of(invitation), "password": PASSWORD}
        bob = (await browser.post("/api/invitations/accept", json=body)).json()
        path = f"/api/members/{bob['user']['id']}"
        assert (await call(site, ada["token"], "DELETE", path)).status_code == 204
        assert (await call(site, bob["token"], "GET", "/api/auth/me")).status_code == 401
        assert (await browser.post("/api/auth/refresh")).status_code == 401
        credentials = {"email": "bob@example.com", "password": PASSWORD}
        assert (await browser.post("/api/auth/login", json=credentials)).status_code == 401
    assert (await call(site, ada["token"], "DELETE", path)).status_code == 404
    # The address is free for an account of its own.
    await site.register("bob@example.com")


async def test_who_belongs_elsewhere_keeps_their_account_when_removed(site: Site) -> None:
    ada = await site.register()
    await site.register("bob@example.com")
    bob = await join(site, ada["token"], "bob@example.com")
    path = f"/api/members/{bob['user']['id']}"
    assert (await call(site, ada["token"], "DELETE", path)).status_code == 204
    token = await site.login("bob@example.com")
    me = (await call(site, token, "GET", "/api/auth/me")).json()
    assert [one["role"] for one in me["tenants"]] == ["owner"]


async def test_a_member_may_leave(site: Site) -> None:
    ada = await site.register()
    bob = await join(site, ada["token"], "bob@example.com")
    path = f"/api/members/{bob['user']['id']}"
    assert (await call(site, bob["token"], "DELETE", path)).status_code == 204
    assert (await call(site, bob["token"], "GET", "/api/auth/me")).status_code == 401
    assert (await audit(site, ada["token"]))[0]["action"] == "member.left"


async def test_the_last_owner_stays_one(site: Site) -> None:
    ada = await site.register()
    await join(site, ada["token"], "bob@example.com", "analyst")
    path = f"/api/members/{ada['user']['id']}"
    for answer in (
        await call(site, ada["token"], "PATCH", path, {"role": "viewer"}),
        await call(site, ada["token"], "DELETE", path),
    ):
        assert answer.status_code == 409
        assert problem(answer) == "last-owner"
    same = await call(site, ada["token"], "PATCH", path, {"role": "owner"})
    assert same.status_code == 200


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_owners_who_all_step_down_at_once_leave_one(site: Site, method: str) -> None:
    ada = await site.register()
    owners = [ada] + [
        await join(site, ada["token"], f"{name}@example.com", "owner") for name in ("bob", "cyd")
    ]
    body = {"role": "viewer"} if method == "PATCH" else None
    answers = await asyncio.gather(
        *(
            call(site, one["token"], method, f"/api/members/{one['user']['id']}", body)
            for one in owners
        )
    )
    good = 200 if method == "PATCH" else 204
    assert sorted(answer.status_code for answer in answers) == [good, good, 409]
    with site.owner() as connection:
        left = connection.execute("SELECT count(*) FROM shops.memberships WHERE role = 'owner'")
        assert left.fetchone() == (1,)


async def test_the_people_of_other_tenants_are_unknown(site: Site) -> None:
    ada = await site.register()
    eve = await site.register("eve@example.com")
    path = f"/api/members/{ada['user']['id']}"
    assert (await call(site, eve["token"], "DELETE", path)).status_code == 404
    assert (await call(site, eve["token"], "PATCH", path, {"role": "owner"})).status_code == 404
    for odd in ("0", "x", "9" * 19, "9" * 30, "-1"):
        assert (await call(site, eve["token"], "DELETE", f"/api/members/{odd}")).status_code == 404


# -- the account -----------------------------------------------------------------------------------


async def test_the_accounts_own_settings(site: Site) -> None:
    ada = await site.register()
    before = (await call(site, ada["token"], "GET", "/api/tenant")).json()
    assert before == {
        "id": ada["tenant"]["id"],
        "name": "Ada",
        "retention_days": None,
        "erase_after_days": None,
    }
    change = {"name": " Ada's Teas ", "retention_days": 7}
    changed = (await call(site, ada["token"], "PATCH", "/api/tenant", change)).json()
    assert changed == {**before, "name": "Ada's Teas", "retention_days": 7}
    kept = (await call(site, ada["token"], "PATCH", "/api/tenant", {"name": None})).json()
    assert kept == changed
    reset = (
        await call(site, ada["token"], "PATCH", "/api/tenant", {"retention_days": None})
    ).json()
    assert reset == {**changed, "retention_days": None}
    for wrong in ({"name": ""}, {"name": "a\nb"}, {"retention_days": 0}, {"erase_after_days": -1}):
        answer = await call(site, ada["token"], "PATCH", "/api/tenant", wrong)
        assert answer.status_code == 422


# -- the audit log ---------------------------------------------------------------------------------


async def test_what_changes_access_is_written_down(site: Site) -> None:
    ada = await site.register()
    invitation = await invite(site, ada["token"], "bob@example.com")
    bob = (await accept(site, token_of(invitation))).json()
    path = f"/api/members/{bob['user']['id']}"
    await call(site, ada["token"], "PATCH", path, {"role": "analyst"})
    await call(site, ada["token"], "DELETE", path)
    lines = await audit(site, ada["token"])
    assert [(line["actor"], line["action"], line["subject"]) for line in lines] == [
        ("ada@example.com", "member.removed", "bob@example.com"),
        ("ada@example.com", "member.role_changed", "bob@example.com"),
        ("bob@example.com", "session.signed_in", None),
        ("bob@example.com", "member.joined", "bob@example.com"),
        ("ada@example.com", "member.invited", "bob@example.com"),
        ("ada@example.com", "account.registered", None),
    ]
    assert {line["address"] for line in lines} == {"127.0.0.1"}
    assert invitation["link"].partition("=")[2] not in str(lines)


async def test_the_log_is_read_page_by_page(site: Site) -> None:
    ada = await site.register()
    for number in range(5):
        await call(site, ada["token"], "PATCH", "/api/tenant", {"name": f"Shop {number}"})
    seen: list[str] = []
    cursor: str | None = None
    while True:
        query = f"/api/audit?limit=2{'' if cursor is None else '&cursor=' + cursor}"
        page = (await call(site, ada["token"], "GET", query)).json()
        assert len(page["events"]) <= 2
        seen += [event["id"] for event in page["events"]]
        cursor = page["next"]
        if cursor is None:
            break
        # What is added meanwhile moves nothing.
        await call(site, ada["token"], "PATCH", "/api/tenant", {"retention_days": 9})
    assert len(seen) == len(set(seen)) == 6
    assert seen == sorted(seen, key=int, reverse=True)
    for odd in ("x", "WyJ4Il0", "W10"):
        answer = await call(site, ada["token"], "GET", f"/api/audit?cursor={odd}")
        assert answer.status_code == 422


async def test_a_tenants_log_is_its_own(site: Site) -> None:
    ada = await site.register()
    eve = await site.register("eve@example.com")
    await invite(site, ada["token"], "bob@example.com")
    assert [line["action"] for line in await audit(site, eve["token"])] == ["account.registered"]


# -- letters ---------------------------------------------------------------------------------------


def mailing(folder: Path, url: str, host: str = "https://till.example.com") -> Any:
    server = MailServer.parse(url, "Tillstream <till@example.com>")
    return settings_for(folder, mail_server=server, host=host)


async def test_an_invitation_is_sent_by_mail(database: Database, tmp_path: Path) -> None:
    async with (
        mailroom() as room,
        open_site(database, mailing(tmp_path, room.url)) as site,
    ):
        ada = await site.register()
        await call(site, ada["token"], "PATCH", "/api/tenant", {"name": "Ada’s Tees & Co"})
        invitation = await invite(site, ada["token"], "bob@example.com")
        recipients, letter = room.taken[0]
        assert invitation["sent"] is True
        assert recipients == ["bob@example.com"]
        assert letter["From"] == "Tillstream <till@example.com>"
        assert letter["To"] == "bob@example.com"
        assert letter["Subject"] == "You are invited to Ada’s Tees & Co"
        assert invitation["link"].startswith("https://till.example.com/invite#token=")
        assert invitation["link"] in letter.get_content()
        assert (await accept(site, room.token())).status_code == 200


@pytest.mark.parametrize("trouble", ["refuses", "closed", "silent"])
async def test_a_failing_mail_server_loses_no_invitation(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    monkeypatch.setattr(mail, "_TIMEOUT_SECONDS", 0.3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        async with mailroom() as room:
            room.refuses = trouble == "refuses"
            port = {"refuses": room.port, "closed": 9, "silent": silent.getsockname()[1]}[trouble]
            settings = mailing(tmp_path, f"smtp://127.0.0.1:{port}", "http://127.0.0.1:8080")
            async with open_site(database, settings) as site:
                ada = await site.register()
                invitation = await invite(site, ada["token"], "bob@example.com")
                assert invitation["sent"] is False
                assert (await accept(site, token_of(invitation))).status_code == 200


SMUGGLED = [
    "bob@example.com\r\nBcc: eve@example.com",
    "bob@example.com\nBcc:eve@example.com",
    "bob@example.com\x00",
    "bob@example.com, eve@example.com",
    "<bob@example.com> eve@example.com",
    '"bob\n"@example.com',
]


async def test_no_header_and_no_recipient_is_smuggled_in(
    database: Database, tmp_path: Path
) -> None:
    async with (
        mailroom() as room,
        open_site(database, mailing(tmp_path, room.url)) as site,
    ):
        ada = await site.register()
        for address in SMUGGLED:
            body = {"email": address, "role": "viewer"}
            answer = await call(site, ada["token"], "POST", "/api/invitations", body)
            assert answer.status_code == 422, address
        assert room.taken == []


async def test_odd_addresses_get_one_letter_or_none(database: Database, tmp_path: Path) -> None:
    async with (
        mailroom() as room,
        open_site(database, mailing(tmp_path, room.url)) as site,
    ):
        ada = await site.register()
        for address in ("b,c@example.com", "jürgen@exämple.com", "a;b@x", "(a)@b.example"):
            room.taken.clear()
            invitation = await invite(site, ada["token"], address)
            assert len(room.taken) == int(invitation["sent"])
            for recipients, letter in room.taken:
                assert len(recipients) == 1
                assert letter["Bcc"] is None


def test_a_subject_of_several_lines_becomes_one() -> None:
    letter = mail.invitation_letter(
        "bob@example.com",
        tenant="Ada\r\nBcc: eve@example.com",
        inviter="ada@example.com",
        role="viewer",
        link="https://till.example.com/invite#token=x",
    )
    server = MailServer.parse("smtp://127.0.0.1", "till@example.com")
    message = mail.compose(letter, server.sender)
    assert message["Subject"] == "You are invited to Ada Bcc: eve@example.com"
    assert message["Bcc"] is None
    assert message.get_content_type() == "text/plain"


async def test_tls_is_insisted_on_and_its_certificate_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, context = certified(tmp_path)
    letter = mail.reset_letter("bob@example.com", "https://till.example.com/reset#token=x")
    async with mailroom(context) as room, mailroom() as plain:
        box = mail.Postbox(MailServer.parse(f"{room.url}?tls=starttls", "till@example.com"))
        assert await box.send(letter) is False
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert await box.send(letter) is True
        assert room.encrypted == [True]
        # A server that offers none, or somebody in between who hides it, gets nothing.
        stripped = mail.Postbox(MailServer.parse(f"{plain.url}?tls=starttls", "till@example.com"))
        assert await stripped.send(letter) is False
        assert plain.taken == []


def certified(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that signs itself, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    file, key_file = folder / "server.pem", folder / "server.key"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key_file)
    return file, context


@pytest.mark.parametrize(
    ("url", "sender", "protection"),
    [
        ("smtp://127.0.0.1:2525", "till@example.com", "none"),
        ("smtp://[::1]:2525", "till@example.com", "none"),
        ("smtp://localhost?tls=starttls", "till@example.com", "starttls"),
        ("smtp://mail.example.com", "Till <till@example.com>", "starttls"),
        ("smtp://u:p%40s@mail.example.com:2587", "till@example.com", "starttls"),
        ("smtps://u:p@mail.example.com", "till@example.com", "tls"),
        ("smtp://relay?tls=none", "till@example.com", "none"),
    ],
)
def test_mail_servers_are_read(url: str, sender: str, protection: str) -> None:
    assert MailServer.parse(url, sender).protection == protection


@pytest.mark.parametrize(
    ("url", "sender"),
    [
        ("http://mail.example.com", "till@example.com"),
        ("smtp://", "till@example.com"),
        ("smtp://mail:99999", "till@example.com"),
        ("smtp://secret@mail", "till@example.com"),
        ("smtp://u:secret@mail?tls=none", "till@example.com"),
        ("smtp://u:secret@mail?tls=perhaps", "till@example.com"),
        ("smtp://u:secret@mail/path", "till@example.com"),
        ("smtp://127.0.0.1", ""),
        ("smtp://127.0.0.1", "Till"),
        ("smtp://127.0.0.1", "till@example.com\nBcc: x@example.com"),
    ],
)
def test_other_mail_servers_are_refused_without_quoting_a_password(url: str, sender: str) -> None:
    with pytest.raises(ValueError, match="TILLSTREAM_") as caught:
        MailServer.parse(url, sender)
    assert "secret" not in str(caught.value)
