"""`unveil serve`: the page and the API for photographs, on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from unveil.cli.options import AssetsOption, ModelOption
from unveil.cli.printing import say


def serve(
    *,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to listen at. Any but this machine's needs --token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="Port; 0 takes any that is free.")] = 8000,
    token: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            envvar="UNVEIL_TOKEN",
            show_envvar=False,
            show_default=False,
            help="Secret that clients must send. Environment variable: UNVEIL_TOKEN.",
        ),
    ] = "",
    model: ModelOption = "openhead",
    assets: AssetsOption = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=64, help="Processes; one for every two cores if left out.")
    ] = None,
    megabytes: Annotated[int, typer.Option(metavar="N", min=1, max=512, help="Largest upload, in megabytes.")] = 24,
    megapixels: Annotated[
        int, typer.Option(metavar="N", min=1, max=120, help="Largest photograph, in megapixels.")
    ] = 40,
    faces: Annotated[
        int, typer.Option(metavar="N", min=1, max=100, help="At most this many faces of a photograph.")
    ] = 12,
    seconds: Annotated[int, typer.Option(metavar="N", min=1, help="Longest work on a photograph, in seconds.")] = 60,
    keep: Annotated[int, typer.Option(metavar="MINUTES", min=1, help="Minutes after which results are deleted.")] = 30,
) -> None:
    """Serve a page and an API that turn photographs into heads, on this machine."""
    from unveil.processes import core_count
    from unveil.web.opening import open_page
    from unveil.web.serving.limits import Limits
    from unveil.web.serving.run import Settings, is_everywhere, run_server

    def ready(address: str) -> None:
        say(f"unveil serves at {address} (Ctrl-C ends it)")
        if is_everywhere(host):
            say("On other machines, put this machine's name or address in place of localhost.")
        open_page(address)

    limits = Limits(megabytes, megapixels, faces, seconds, keep_minutes=keep)
    workers = workers or max(1, core_count() // 2)
    run_server(Settings(host, port, token, model, assets, workers, limits), ready)
