"""The directory as a workbook: its columns, a template, reading it, checking it, writing it."""
