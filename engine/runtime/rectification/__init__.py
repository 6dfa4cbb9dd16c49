"""The rectification ledger (整改台账), written in the transaction of the step that says something.

Whether a person may say something of an item is asked in ``engine.rectification``, not here.
"""
