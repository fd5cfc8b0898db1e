"""The command line where no script is installed: ``python -m multibeta.cli``."""

import sys

from multibeta.cli import main

sys.exit(main())
