"""The command line. `dripline --help` must be quick: commands import what they need inside."""


def main() -> None:
    """Run the command line; a failure is a sentence on standard error and a status other than 0."""
    import gc

    # What is imported is no garbage: looking for it every 700 objects is a fifth of a start.
    gc.set_threshold(10_000)
    from dripline.cli.app import app
    from dripline.cli.failures import told

    with told():
        app()
