"""A small image on disk: two environments, a web page, Debian packages as dpkg records them, weights with a lock."""

from collections.abc import Mapping
from pathlib import Path

from server import lock
from server.lock import LockedFile, LockedWeights

COMMIT = "0123456789abcdef0123456789abcdef01234567"
STATUS = """Package: zlib1g
Status: install ok installed
Priority: optional
Section: libs
Source: zlib
Architecture: amd64
Multi-Arch: same
Version: 1:1.2.13.dfsg-1
Depends: libc6 (>= 2.14)
Description: compression library - runtime
 zlib is a library implementing the deflate compression method found
 in gzip and PKZIP.
 .
 Version: 9 is no field, because this line belongs to the description.
Homepage: http://zlib.net/

Package: base-files
Essential: yes
Status: install ok installed
Architecture: amd64
Version: 12.4+deb12u11
Conffiles:
 /etc/issue 28d0a64dfdb0c9ee5bf4d0d4e7e9a7f3
Description: Debian base system miscellaneous files

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1.0

Package: on-hold
Status: hold ok installed
Architecture: all
Version: 2.0-1
"""
ZLIB_COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: zlib

Files: *
Copyright: 1995-2022, Jean-loup Gailly and Mark Adler
License: Zlib

Files: contrib/dotzlib/*
License: BSL-1.0

Files: debian/*
License: Zlib

License: Zlib
 This software is provided 'as-is', without any express or implied
 warranty.
"""
PACKAGES = """[{"name": "@scope/part", "version": "1.2.3", "licence": "(MPL-2.0 OR Apache-2.0)"},
 {"name": "preact", "version": "11.2.0", "licence": "MIT"}]"""
METADATA = "Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{fields}\nThe description.\nLicense: not a field\n"


class Tree:
    """The image's file system: `root`, and in it the folders `code` and `models`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.code = root / "opt/offline-ocr"
        self.models = root / "opt/models"
        self.write("var/lib/dpkg/status", STATUS)
        self.write("usr/share/doc/zlib1g/copyright", ZLIB_COPYRIGHT)
        self.write("usr/share/doc/base-files/copyright", "This is free text.\nLicense: any\n")
        self.write("usr/share/common-licenses/Apache-2.0", "Apache License, Version 2.0")
        self.python(".venv", "idna", "3.20", "License-Expression: BSD-3-Clause\n", {"licenses/LICENSE.md": "BSD"})
        self.write("opt/offline-ocr/web/dist/packages.json", PACKAGES)

    def write(self, name: str, text: str) -> Path:
        """A file below the root."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def python(
        self,
        environment: str,
        name: str,
        version: str,
        fields: str = "",
        texts: Mapping[str, str] | None = None,
        **files: str,
    ) -> None:
        """Install a package, `fields` in its METADATA: `texts` into its dist-info, `files` below a folder of its name."""
        site = f"opt/offline-ocr/{environment}/lib/python3.11/site-packages"
        info = f"{name.replace('-', '_')}-{version}.dist-info"
        contents = {f"{info}/METADATA": METADATA.format(name=name, version=version, fields=fields)}
        contents |= {f"{info}/{path}": text for path, text in (texts or {}).items()}
        contents |= {f"{name}/{path}": text for path, text in files.items()}
        for path, text in contents.items():
            self.write(f"{site}/{path}", text)
        record = [
            f"{path},sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,{len(text)}\n"
            for path, text in contents.items()
        ]
        self.write(f"{site}/{info}/RECORD", "".join(record) + f"../../../bin/{name},,\n{info}/RECORD,,\n")

    def weights(self, **names: Mapping[str, str]) -> None:
        """Put weights there, the contents of their files by name, and lock them."""
        locks = {}
        for name, files in names.items():
            paths = {file: self.write(f"opt/models/hub/{name}/{file}", text) for file, text in files.items()}
            locked = {file: LockedFile(path.stat().st_size, lock.sha256(path)) for file, path in paths.items()}
            locks[name] = LockedWeights(f"hub/{name}", "huggingface", f"owner/{name}", COMMIT, locked)
        self.models.mkdir(parents=True, exist_ok=True)
        lock.write(self.models / lock.FILE_NAME, locks)

    @property
    def arguments(self) -> list[str]:
        """What both programs are called with."""
        return ["--root", str(self.root), "--code", str(self.code), "--models", str(self.models)]
