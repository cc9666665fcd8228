#!/usr/bin/env python3
"""Writes unicode_table.inc: runs of code points of one class, from the Unicode data that comes with Python.

    python3 local_engine/tokenizer/generate_unicode_table.py > local_engine/tokenizer/unicode_table.inc
"""
import unicodedata

# Order of enum class CharClass in unicode.hpp.
CLASSES = ["Other", "Upper", "Lower", "Title", "Modifier", "OtherLetter", "Mark", "Number", "Punctuation", "Symbol"]
LETTERS = {"Lu": "Upper", "Ll": "Lower", "Lt": "Title", "Lm": "Modifier", "Lo": "OtherLetter"}
GROUPS = {"M": "Mark", "N": "Number", "P": "Punctuation", "S": "Symbol"}


def class_of(code_point):
    category = unicodedata.category(chr(code_point))
    return CLASSES.index(LETTERS.get(category) or GROUPS.get(category[0]) or "Other")


def main():
    runs = []
    for code_point in range(0x110000):
        kind = class_of(code_point)
        if not runs or runs[-1][1] != kind:
            runs.append((code_point, kind))
    print(f"// Unicode {unicodedata.unidata_version}: first code point of a run * 16 + class. Made by generate_unicode_table.py.")
    numbers = [f"0x{start * 16 + kind:X}," for start, kind in runs]
    line = ""
    for number in numbers:
        if len(line) + len(number) + 1 > 118:
            print(line)
            line = ""
        line += (" " if line else "") + number
    print(line)


main()
