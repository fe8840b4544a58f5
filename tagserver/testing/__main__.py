"""`python -m tagserver.testing FOLDER`: print a plugin's examples into its README."""

from __future__ import annotations

import sys
from pathlib import Path

from tagserver.testing.examples import with_examples


def main(words: list[str]) -> int:
    """0 when it is done, 2 when it cannot be."""
    if len(words) != 1:
        print("write python -m tagserver.testing FOLDER: the folder of a plugin, with README.md and examples/")
        return 2
    folder = Path(words[0])
    try:
        text = with_examples(folder)
        (folder / "README.md").write_text(text, "utf-8")
    except (OSError, ValueError) as error:
        print(f"{folder}: {error}")
        return 2
    print(f"{folder / 'README.md'}: printed {len(list((folder / 'examples').glob('*.yaml')))} files of examples")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
