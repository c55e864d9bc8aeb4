"""Writes a finding down as a scenario that plays."""

from __future__ import annotations

from pathlib import Path

import yaml

from ratelord_sim.fuzz.hunt import Finding


def write_finding(finding: Finding, seed: int, folder: Path) -> Path:
    """The file of a finding in a folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"fuzz-{seed}-{finding.number}.yaml"
    path.write_text(text_of(finding, seed, path), encoding="utf-8")
    return path


def text_of(finding: Finding, seed: int, path: Path) -> str:
    """A finding as a file, which tells where it comes from and how to play it."""
    tree = yaml.safe_dump(finding.tree, sort_keys=False, default_flow_style=None, width=100)
    return (
        f"# {' '.join(finding.said.split())}\n"
        f"# Found with: ratelord-sim fuzz --seed {seed} --first {finding.number} --count 1\n"
        f"# Play it with: ratelord-sim run {path}\n{tree}"
    )
