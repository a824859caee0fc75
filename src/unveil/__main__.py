"""`python -m unveil` is the command `unveil`."""

import sys

from unveil.cli import main

if __name__ == "__main__":
    sys.exit(main())
