"""Whether S3 works, for where there is no shell to try it from."""

from fastapi import APIRouter

from server.routes import problems
from server.routes.dependencies import ServicesDep
from server.s3_check import diagnose
from server.service_schemas import S3CheckReply

router = APIRouter(prefix="/test", tags=["service"])


@router.post("/s3-upload", responses=problems(503))
def check_s3(services: ServicesDep) -> S3CheckReply:
    """Write, read back, fetch by its link and delete a probe object; says which step failed, and what to do."""
    return diagnose(services.s3)
