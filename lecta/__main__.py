"""`python -m lecta` is the command line."""

from lecta.cli import main

main()
