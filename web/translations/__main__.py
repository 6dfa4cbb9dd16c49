"""``python -m web.translations`` compiles the texts; ``… update`` first adds new messages."""

import sys

from web.translations import compile_texts, update

if "update" in sys.argv:
    for message in update():
        print(message)
compile_texts()
