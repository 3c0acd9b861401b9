"""`dripline content`: the folder's way in and out."""

import typer

app = typer.Typer(
    help="Check a content folder, see what it would change, push, pull.", no_args_is_help=True
)
