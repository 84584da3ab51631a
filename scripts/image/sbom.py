"""Print the image's bill of materials: one CycloneDX 1.6 JSON, checked against its schema.

    python -m scripts.image.sbom --root / --code /opt/offline-ocr --models /opt/models > sbom.cdx.json

Equal contents give equal bytes: the time is SOURCE_DATE_EPOCH (seconds since 1970, 0 where it is not set), the serial
number comes from the contents. Exit code 0, or 1 with the reason. It needs requirements/image.txt, and runs from the
repository's root.
"""

import os
import sys
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License, LicenseAcknowledgement
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from scripts.image import components
from scripts.image.components import Components, FoundWeights
from scripts.image.debian_packages import DebianPackage
from scripts.image.npm_packages import NpmPackage
from scripts.image.python_packages import PythonPackage
from server import build
from server.catalog import CatalogError
from server.lock import LockError

_ROOT = Path(__file__).parents[2]
_FACTORY = LicenseFactory()
_STATED = LicenseAcknowledgement.DECLARED


class InvalidBomError(Exception):
    """What was made is no CycloneDX; the message is the validator's."""


def main() -> int:
    """Print it."""
    given = components.arguments("scripts.image.sbom", __doc__).parse_args()
    try:
        made = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH") or 0), UTC)
        text = written(components.find(given.root, given.code, given.models), made)
    except (OSError, ValueError, LockError, CatalogError, InvalidBomError) as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    sys.stdout.write(text)
    return 0


def written(found: Components, made: datetime) -> str:
    """The document. Raises InvalidBomError."""
    bom = Bom(serial_number=UUID(int=0))
    bom.metadata.timestamp = made
    bom.metadata.component = _offline_ocr()
    bom.components.update(_python(package) for package in found.python)
    bom.components.update(_npm(package) for package in found.npm)
    bom.components.update(_debian(package) for package in found.debian)
    bom.components.update(_weights(weights) for weights in found.weights)
    bom.register_dependency(bom.metadata.component, bom.components)
    bom.serial_number = uuid5(NAMESPACE_URL, _json(bom))
    text = _json(bom)
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise InvalidBomError(str(error))
    return text


def _json(bom: Bom) -> str:
    return make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=1) + "\n"


def _offline_ocr() -> Component:
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return Component(
        type=ComponentType.APPLICATION,
        name=project["name"],
        version=build.version(),
        bom_ref=project["name"],
        licenses=_licences([project["license"]]),
    )


def _python(package: PythonPackage) -> Component:
    purl = PackageURL("pypi", None, package.name, package.version)
    return Component(
        type=ComponentType.LIBRARY,
        name=package.name,
        version=package.version,
        purl=purl,
        bom_ref=str(purl),
        licenses=_licences(package.licences),
        properties=[Property(name="offline-ocr:environment", value=name) for name in package.environments],
    )


def _npm(package: NpmPackage) -> Component:
    scope, _, name = package.name.rpartition("/")
    purl = PackageURL("npm", scope or None, name, package.version)
    return Component(
        type=ComponentType.LIBRARY,
        name=package.name,
        version=package.version,
        purl=purl,
        bom_ref=str(purl),
        licenses=_licences([package.licence]),
    )


def _debian(package: DebianPackage) -> Component:
    purl = PackageURL("deb", "debian", package.name, package.version, {"arch": package.architecture})
    return Component(
        type=ComponentType.LIBRARY,
        name=package.name,
        version=package.version,
        purl=purl,
        bom_ref=str(purl),
        licenses=_named(package.licences),  # Debian's short names are not SPDX's
    )


def _weights(weights: FoundWeights) -> Component:
    locked, reference = weights.locked, f"weights:{weights.name}"
    origin = {"folder": locked.folder, "source": locked.source, "repository": locked.repository}
    return Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        name=weights.name,
        version=locked.commit,
        bom_ref=reference,
        licenses=_licences([weights.licence] if weights.licence else []),
        properties=[Property(name=f"offline-ocr:{key}", value=value) for key, value in origin.items()],
        components=[
            Component(
                type=ComponentType.FILE,
                name=name,
                bom_ref=f"{reference}/{name}",
                hashes=[HashType(alg=HashAlgorithm.SHA_256, content=file.sha256)],
            )
            for name, file in locked.files.items()
        ],
    )


def _licences(stated: Sequence[str]) -> list[License]:
    """As SPDX's identifier or expression where it is one; an expression must stand alone."""
    if len(stated) == 1:
        return [_FACTORY.make_from_string(stated[0], license_acknowledgement=_STATED)]
    return _named(stated)


def _named(stated: Sequence[str]) -> list[License]:
    return [_FACTORY.make_with_name(name, acknowledgement=_STATED) for name in stated]


if __name__ == "__main__":
    sys.exit(main())
