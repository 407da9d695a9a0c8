"""A program that writes its second argument into the file that its first one names."""

import sys
from pathlib import Path

target = Path(sys.argv[1])
whole = target.with_suffix(".part")
whole.write_text(sys.argv[2])
whole.rename(target)
