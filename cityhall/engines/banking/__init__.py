"""Banks' files: statements read, payments written, references made and checked. See docs/bank-files.md.

Nothing here loads lxml before it is called: who imports this package pays for it when a file comes.
"""

from cityhall.engines.banking.camt import read_statement
from cityhall.engines.banking.message import BankFile, BankFileError, Entry, Line, Statement

__all__ = ["BankFile", "BankFileError", "Entry", "Line", "Statement", "read_statement"]
