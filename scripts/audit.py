"""Look up the locked dependencies in the public lists of known vulnerabilities.

Ends with 1 if one of them has any. Where a list cannot be asked, as without a network, it says so and
goes on: whether the code is in order must not depend on somebody else's server being up.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCKED = ROOT / "requirements" / "dev.txt"  # holds what runs, and the tools
PINNED = re.compile(r"^([A-Za-z0-9._-]+==\S+(?: ; .+?)?)(?: \\)?$", re.MULTILINE)
PATIENCE = 120  # seconds for each list

FOUND = (
    1  # how `uv audit` ends if it found something; 0 is nothing, any other that it could not look
)


def main() -> int:
    """Audit both kinds of packages; the exit status."""
    found = audit_python()
    for lock in npm_locks():
        found |= audit_npm(lock.parent)
    return int(found)


def audit_python() -> bool:
    """Whether a Python package that is locked has a known vulnerability."""
    pins = PINNED.findall(LOCKED.read_text())
    with tempfile.TemporaryDirectory() as folder:
        # A project of nothing but the pins, for uv audits projects.
        lines = ",\n".join(f"  {json.dumps(pin)}" for pin in pins)
        head = '[project]\nname = "audited"\nversion = "0"\nrequires-python = ">=3.11"'
        project = f"{head}\ndependencies = [\n{lines}\n]\n"
        Path(folder, "pyproject.toml").write_text(project)
        command = [ROOT / ".venv/bin/uv", "audit", "--preview-features", "audit-command"]
        outcome = run([*command, *sys.argv[1:]], Path(folder), UV_HTTP_RETRIES="0")
    if outcome.returncode == FOUND:
        print(outcome.stdout.strip())
        return True
    if outcome.returncode != 0:
        reason = next(
            (line for line in outcome.stderr.splitlines() if "error" in line), "no answer"
        )
        print(f"Python: not looked up, the list could not be asked ({reason.strip()}).")
        return False
    print(f"Python: none of the {len(pins)} packages has a known vulnerability.")
    return False


def npm_locks() -> list[Path]:
    """The lock files of npm in this folder, without those of packages."""
    places = [ROOT / "web", *(ROOT / "tests").rglob("package-lock.json")]
    folders = {place if place.is_dir() else place.parent for place in places}
    return sorted(
        folder / "package-lock.json"
        for folder in folders
        if "node_modules" not in folder.parts and (folder / "package-lock.json").exists()
    )


def audit_npm(folder: Path) -> bool:
    """Whether an npm package that is locked in ``folder`` has a serious known vulnerability."""
    node = run([ROOT / "scripts/node.sh"], ROOT).stdout.strip()
    path = f"{node}{os.pathsep}{os.environ['PATH']}"
    command = [f"{node}/npm", "audit", "--json", "--package-lock-only", "--fetch-retries=0"]
    outcome = run(command, folder, PATH=path)
    name = folder.relative_to(ROOT)
    try:
        report: dict[str, Any] = json.loads(outcome.stdout)
    except ValueError:
        report = {}
    if "auditReportVersion" not in report:
        reason = report.get("message") or "no answer"
        print(f"{name}: not looked up, the list could not be asked ({str(reason)[:80]}).")
        return False
    counts = report["metadata"]["vulnerabilities"]
    serious = counts["high"] + counts["critical"]
    print(
        f"{name}: {serious} serious and {counts['total'] - serious} lesser known vulnerabilities."
    )
    if serious:
        print("\n".join(f"  {found}" for found in sorted(report["vulnerabilities"])))
    return bool(serious)


def run(command: list[Any], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program, and wait for it for a while."""
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 2, "", "error: it took too long")


if __name__ == "__main__":
    sys.exit(main())
