#!/usr/bin/env python3
"""Builds the Debian package that `package.metadata.deb` of Cargo.toml describes, as cargo-deb does, with dpkg-deb alone.

Usage: deb.py BINARY FOLDER. Prints the path of the package.
"""

import glob
import gzip
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap


def said_by(*words, folder="."):
    return subprocess.run(words, check=True, cwd=folder, stdout=subprocess.PIPE, text=True).stdout


def package():
    return json.loads(said_by("cargo", "metadata", "--no-deps", "--format-version", "1", "--locked"))["packages"][0]


def depends(binary):
    """The C library that the binary needs, by the newest symbol it asks for; a static one needs none."""
    if "(NEEDED)" not in said_by("readelf", "-d", binary):
        return []
    asked = said_by("readelf", "--version-info", binary)
    versions = [(int(major), int(minor)) for major, minor in re.findall(r"GLIBC_(\d+)\.(\d+)", asked)]
    if "GLIBC_ABI_DT_RELR" in asked:
        versions.append((2, 36))
    major, minor = max(versions)
    return [f"libc6 (>= {major}.{minor})"]


def install(source, target, mode):
    target.parent.mkdir(parents=True, exist_ok=True)
    if "usr/share/man/" in str(target):
        target = target.with_name(target.name + ".gz")
        with open(target, "wb") as out, gzip.GzipFile("", "wb", 9, out, mtime=0) as packed:
            packed.write(pathlib.Path(source).read_bytes())
    else:
        shutil.copyfile(source, target)
    target.chmod(int(mode, 8))


def fill(root, crate, deb, binary):
    for pattern, place, mode in deb["assets"]:
        sources = [binary] if pattern == "target/release/tcpx" else sorted(glob.glob(pattern))
        assert sources, f"{pattern} is not there"
        for source in sources:
            target = root / place
            install(source, target / os.path.basename(source) if place.endswith("/") else target, mode)
    licence = pathlib.Path(deb["license-file"][0]).read_text()
    lines = "".join(f" {line}\n" if line.strip() else " .\n" for line in licence.splitlines())
    text = (
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"
        f"Upstream-Name: {crate['name']}\n\n"
        f"Files: *\nCopyright: {deb['copyright']}\nLicense: {crate['license']}\n{lines}"
    )
    (root / "usr/share/doc" / crate["name"] / "copyright").write_text(text)


def control(root, crate, deb, binary, architecture):
    files = sorted(path for path in root.rglob("*") if path.is_file())
    sums = said_by("md5sum", *[str(path.relative_to(root)) for path in files], folder=root)
    (root / "DEBIAN").mkdir()
    (root / "DEBIAN/md5sums").write_text(sums)
    needed = depends(binary) if deb["depends"] == "$auto" else [deb["depends"]]
    about = textwrap.wrap(deb["extended-description"], 78, initial_indent=" ", subsequent_indent=" ")
    fields = {
        "Package": crate["name"],
        "Version": crate["version"] + "-1",
        "Architecture": architecture,
        "Section": deb["section"],
        "Priority": deb["priority"],
        "Maintainer": deb["maintainer"],
        "Installed-Size": str(sum(path.stat().st_size for path in files) // 1024 + 1),
        "Depends": ", ".join(needed),
        "Description": "\n".join([crate["description"], *about]),
    }
    text = "".join(f"{name}: {value}\n" for name, value in fields.items() if value)
    (root / "DEBIAN/control").write_text(text)


def main():
    binary, folder = (os.path.abspath(word) for word in sys.argv[1:])
    os.chdir(pathlib.Path(__file__).resolve().parent.parent)
    crate = package()
    deb = crate["metadata"]["deb"]
    architecture = said_by("dpkg", "--print-architecture").strip()
    path = f"{folder}/{crate['name']}_{crate['version']}-1_{architecture}.deb"
    os.umask(0o022)
    with tempfile.TemporaryDirectory() as root:
        root = pathlib.Path(root)
        root.chmod(0o755)
        fill(root, crate, deb, binary)
        control(root, crate, deb, binary, architecture)
        subprocess.run(
            ["dpkg-deb", "--build", "--root-owner-group", "-Zxz", str(root), path], check=True, stdout=subprocess.DEVNULL
        )
    print(path)


main()
