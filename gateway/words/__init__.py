"""What the gateway says to people, in the language they asked for.

The code says everything in English, in sentences that stand where they are raised. The files `*.json` beside this one
give each sentence in the other languages, under the English one with numbered slots for what was put into it:

    "The file has {1} columns; give a target for each.": {"ru": "...{1}...", "pl": "...{1}..."}

`said` looks the finished English text up there, so nothing that raises an error knows of languages. An entry without
translations is the same in all of them: a line to type, a table of a file. tests/words holds the files to the code:
each sentence of the code is in them. Why it is done so: docs/decisions/0028-the-readers-language.md.
"""

from gateway.words.asked import asked_language, readers_language
from gateway.words.sentences import Sentences, said

__all__ = ["Sentences", "asked_language", "readers_language", "said"]
