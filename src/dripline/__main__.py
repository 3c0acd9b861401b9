"""`python -m dripline`."""

from dripline.cli import main

main()
