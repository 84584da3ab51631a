"""What routes ask for: the running services, the caller, the request's id."""

from typing import Annotated, cast

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer

from server.auth import Caller
from server.services import Services

# They only describe the schemes in the OpenAPI document; `Authenticator` does the checking.
_BEARER = HTTPBearer(auto_error=False, scheme_name="token")
_API_KEY = APIKeyHeader(name="X-API-Key", auto_error=False, scheme_name="api_key")
BearerDep = Annotated[object, Security(_BEARER)]
ApiKeyDep = Annotated[object, Security(_API_KEY)]


def services(request: Request) -> Services:
    """The parts of this server."""
    return cast("Services", request.app.state.services)


async def authenticate(request: Request, _: BearerDep, __: ApiKeyDep) -> Caller:
    """The caller. Raises Unauthorized or RateLimited."""
    return services(request).authenticator.check(request)


def request_id(request: Request) -> str:
    """The id under which this request stands in the log."""
    return cast("str", request.state.request_id)


ServicesDep = Annotated[Services, Depends(services)]
CallerDep = Annotated[Caller, Depends(authenticate)]
RequestIdDep = Annotated[str, Depends(request_id)]
