"""Build step of the wheel: the checkout's files beside the packages go into it as `tally/shipped`."""

from pathlib import Path
from shutil import copyfile

from setuptools import setup
from setuptools.command.build_py import build_py

# As in the checkout, where tally/core/paths.py finds them, too. No folder: node_modules may be in there.
SHIPPED = ("database/migrations/*.sql", "supabase/*", "supabase/local/*")


class BuildWithFiles(build_py):
    """Copies these files, unless Tally is installed for editing, which leaves them where they are."""

    def run(self) -> None:
        """Build the packages."""
        super().run()
        if self.editable_mode:
            return
        for file in self.shipped_files():
            target = Path(self.build_lib, "tally", "shipped", file)
            target.parent.mkdir(parents=True, exist_ok=True)
            copyfile(file, target)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Every file that the build makes."""
        shipped = [str(Path(self.build_lib, "tally", "shipped", file)) for file in self.shipped_files()]
        return [*super().get_outputs(include_bytecode), *shipped]

    def shipped_files(self) -> list[Path]:
        """The files, by their paths in the checkout."""
        return [file for pattern in SHIPPED for file in sorted(Path().glob(pattern)) if file.is_file()]


setup(cmdclass={"build_py": BuildWithFiles})
