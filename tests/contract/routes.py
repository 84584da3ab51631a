"""Every address of the server, from its own OpenAPI document and from what that leaves out."""

from dataclasses import dataclass

import httpx2


@dataclass(frozen=True)
class Route:
    """A method and a path whose parameters are filled in; `named` when it had some."""

    method: str
    path: str
    named: bool = False


HIDDEN = [
    Route("GET", path)
    for path in (
        "/docs",
        "/redoc",
        "/openapi.json",
        "/docs/assets/swagger-ui-bundle.js",
        "/docs/assets/swagger-ui.css",
        "/docs/assets/redoc.standalone.js",
        "/docs/assets/favicon.png",
    )
]

PAGE_FILES = [Route("GET", f"/web/{name}") for name in ("icon.svg", "licences.txt")]
"""Of the web page, open to anyone."""


def routes(client: httpx2.Client, filling: str = "x") -> list[Route]:
    """All operations of the OpenAPI document."""
    found = []
    for template, operations in client.get("/openapi.json").json()["paths"].items():
        for method, operation in operations.items():
            path = template
            for parameter in operation.get("parameters", []):
                path = path.replace(f"{{{parameter['name']}}}", filling)
            assert "{" not in path
            found.append(Route(method.upper(), path, path != template))
    return found
