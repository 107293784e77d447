"""People of a tenant, brought in as people come in: by an invitation that they accept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.serve.conftest import PASSWORD

if TYPE_CHECKING:
    import httpx

    from tests.serve.conftest import Site


def problem(response: httpx.Response) -> str:
    """The end of the problem's type, after checking that it has the one shape."""
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == response.status_code
    assert body["title"]
    assert body["detail"]
    prefix, _, slug = body["type"].rpartition(":")
    assert prefix == "urn:tillstream:problem"
    return slug


async def invite(site: Site, owner: str, email: str, role: str = "viewer") -> dict[str, Any]:
    """What the owner with that token is answered."""
    async with site.client(owner) as client:
        response = await client.post("/api/invitations", json={"email": email, "role": role})
    assert response.status_code == 201, response.text
    return response.json()


def token_of(invitation: dict[str, Any]) -> str:
    prefix, _, token = invitation["link"].partition("/invite#token=")
    assert prefix == "http://127.0.0.1:8080"
    return token


async def accept(
    site: Site, token: str, password: str = PASSWORD, name: str = ""
) -> httpx.Response:
    body = {"token": token, "password": password, "name": name}
    async with site.client() as client:
        return await client.post("/api/invitations/accept", json=body)


async def join(site: Site, owner: str, email: str, role: str = "viewer") -> dict[str, Any]:
    """Somebody invited, who accepted; the answer to that."""
    response = await accept(site, token_of(await invite(site, owner, email, role)))
    assert response.status_code == 200, response.text
    return response.json()


async def audit(site: Site, owner: str) -> list[dict[str, Any]]:
    """The whole audit log of the owner's tenant, the latest first."""
    await site.app.state.context.afterwards.settle()
    async with site.client(owner) as client:
        response = await client.get("/api/audit", params={"limit": 200})
    assert response.status_code == 200, response.text
    return response.json()["events"]


async def call(site: Site, token: str, method: str, path: str, body: Any = None) -> httpx.Response:
    async with site.client(token) as client:
        return await client.request(method, path, json=body)
