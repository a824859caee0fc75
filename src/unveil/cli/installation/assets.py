"""`unveil assets`: the files of research models, which users bring."""

from __future__ import annotations

from contextlib import nullcontext

import typer

from unveil.cli.options import AssetsOption, FamilyArgument, ForceOption, JsonOption, OneFamilyArgument
from unveil.cli.printing import download_progress, say, say_json
from unveil.errors import UnveilError


def list_assets(family: FamilyArgument = None, *, assets: AssetsOption = None, as_json: JsonOption = False) -> None:
    """List every file: its licence, where it comes from, and where it was found."""
    from unveil.assets.store import describe
    from unveil.models.registry import RESEARCH, research_family

    entries = [
        entry for name in ([family] if family else RESEARCH) for entry in describe(research_family(name).files, assets)
    ]
    if as_json:
        say_json({"files": entries})
        return
    for entry in entries:
        say(f"{entry['model']}: {entry['name']}: {entry['what']}{'' if entry['required'] else ' (optional)'}")
        say(f"    {entry['path'] or 'not found'}")
        say(f"    {entry['publisher']}; {entry['licence']}")
        say(f"    {entry['page']}{' (registration needed)' if entry['registration'] else ''}")


def check_assets(family: FamilyArgument = None, *, assets: AssetsOption = None, as_json: JsonOption = False) -> None:
    """Open every file and say whether it is there, complete, and the right one."""
    from unveil.models.check import check_files, families_present

    checks = [
        check for name in ([family] if family else families_present(assets)) for check in check_files(name, assets)
    ]
    if as_json:
        say_json({"files": [check.to_json() for check in checks]})
    else:
        for check in checks:
            optional = "" if check.required else " (optional)"
            say(f"{check.status:8}{check.model}: {check.name}{optional}: {check.detail}")
    if any(check.status == "wrong" or (check.required and check.status == "missing") for check in checks):
        raise typer.Exit(2)


def convert_assets(
    family: OneFamilyArgument,
    *,
    assets: AssetsOption = None,
    force: ForceOption = False,
) -> None:
    """Convert a model's files to the form that unveil reads, beside the published ones.

    The networks of DECA and 3DDFA_V2 become ONNX files, for use without torch. This needs torch once.

    MGCNet becomes mgcnet.safetensors and mgcnet_bfm09.npz, the only files that unveil reads. This
    needs TensorFlow once.
    """
    from unveil.models.registry import RESEARCH

    if family not in RESEARCH:
        raise UnveilError(f"there is nothing to convert for {family!r}; choose from {', '.join(RESEARCH)}")
    for path in RESEARCH[family].convert(assets, force=force):
        say(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


def get_assets(
    family: OneFamilyArgument,
    *,
    assets: AssetsOption = None,
) -> None:
    """Download the free files; for the others, say where to get them and under which licence."""
    from unveil.assets.fetch import download
    from unveil.assets.store import download_folder, find
    from unveil.models.registry import research_family
    from unveil.storage.outputs import alone_in

    files, folder = research_family(family).files, download_folder(family, assets)
    absent = [file for file in files if find(file, assets) is None]
    free = [file for file in absent if file.url]
    with alone_in(folder, "assets get") if free else nullcontext():
        for file in free:
            with download_progress(file.name) as progress:
                path = download(file, folder, progress)
            say(f"{path}: {file.what}; {file.licence}")
    yours = [file for file in absent if not file.url]
    if yours:
        say(f"these are yours to get; put them in {folder}:")
    for file in yours:
        optional = "" if file.required else " (optional)"
        say(f"    {file.name}{optional}, {file.what}: {file.how_to_get}; {file.licence}")
    if not absent:
        say(f"{family}: every file is there")
