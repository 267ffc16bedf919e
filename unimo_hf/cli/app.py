# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""`unimo`: the commands put together, and the one place where a user's mistake becomes one line, not a traceback."""

from typing import Annotated, Any

import typer

from .. import __version__
from .data import data_app
from .demo import demo
from .evaluate import evaluate_app
from .image_to_video_and_motion import image_to_video_and_motion
from .info import info
from .libraries import own_remarks, quiet_libraries
from .reporting import describe_error, is_users_error, say
from .streams import prepare_streams
from .train import train_app
from .video_to_motion import video_to_motion


class OneLineErrors(typer.core.TyperGroup):
    """Ends a command that failed by something the user can mend with one line, an interrupted one with code 130."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command, and turn the errors of a user into exit codes unless `--traceback` was given."""
        try:
            with own_remarks():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            say("Interrupted.")
            raise typer.Exit(130) from None
        except Exception as error:
            if ctx.params.get("traceback") or not is_users_error(error):
                raise
            say(describe_error(error), "Error:")
            raise typer.Exit(1) from None


app = typer.Typer(
    name="unimo",
    cls=OneLineErrors,
    help="Video to 3D human motion, and a picture to video and motion, with one autoregressive model.",
    epilog="Example:  unimo v2m clip.mp4 -o motions",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"unimo_hf {__version__}")
        raise typer.Exit()


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
    traceback: Annotated[bool, typer.Option("--traceback", help="Show where an error came from.")] = False,
) -> None:
    """Read the options that stand before the name of a command."""


app.command("demo", epilog="Example:  unimo demo")(demo)
app.command("v2m", epilog="Example:  unimo v2m clip.mp4 'more/*.mov' -o motions")(video_to_motion)
app.command("i2vm", epilog="Example:  unimo i2vm person.png -o videos --seed 7")(image_to_video_and_motion)
app.command("info", epilog="Example:  unimo info videos motions/*.npz")(info)
app.add_typer(data_app, name="data")
app.add_typer(train_app, name="train")
app.add_typer(evaluate_app, name="evaluate")


def main() -> None:
    """Entry point of the command `unimo`."""
    prepare_streams()
    quiet_libraries()
    app(prog_name="unimo")
