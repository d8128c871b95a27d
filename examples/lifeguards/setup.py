"""Compiles the words of each language (locale/*/LC_MESSAGES/django.po) before the package is made."""

from setuptools import setup
from setuptools.command.build_py import build_py


class Build(build_py):
    """`build_py`, once the catalogues are compiled."""

    def run(self) -> None:
        self.run_command("compile_catalog")
        super().run()


setup(cmdclass={"build_py": Build})
