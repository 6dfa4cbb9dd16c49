"""How the first templates of official papers were drawn: ``python -m engine.documents.drawing``.

Templates are ordinary .docx files and may just as well be made in a word processor. Nothing of the
engine uses this at run time.
"""
