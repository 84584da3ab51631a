"""No image holds what has no business in it."""

import re

import pytest

from tests.image.docker import Docker


@pytest.mark.parametrize("target", ["cpu", "large"])
def test_it_holds_nothing_that_it_should_not(docker: Docker, request: pytest.FixtureRequest, target: str) -> None:
    image = request.getfixturevalue(target)
    names = set(docker("run", "--rm", "--user", "0", "--entrypoint", "find", image, "/", "-xdev").stdout.splitlines())
    for pattern in (
        *(
            r"/\.git(/|$)",
            r"\.dockerignore$",
            r"/opt/offline-ocr/tests",
            r"/node_modules(/|$)",
            r"/opt/offline-ocr/web/(?!dist(/|$))",
            r"/root/\.cache",
            r"/\.cache/pip",
            r"/site-packages/pip/",
        ),
        *(
            r"/bin/(gcc|cc|g\+\+|make|pip|pip3|node|npm)$",
            r"/var/lib/apt/lists/.",
            r"/var/cache/apt/.",
            r"/run/secrets",
            r"conftest\.py$",
        ),
        *(r"/tests?/test_[^/]*\.py$", r"\.whl$", r"/offline-ocr/\.env"),
    ):
        assert not [name for name in names if re.search(pattern, name)], pattern
    assert not docker(
        "run", "--rm", "--user", "0", "--entrypoint", "find", image, "/", "-xdev", "-type", "f", "-perm", "/6000"
    ).stdout
