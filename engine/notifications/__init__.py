"""Notifications: who must be told what, and over which channel.

Nothing here is part of a step. A sweep reads what has happened since it last looked, writes one
line a person and thing, and hands what goes outside to the queue. What goes outside names nobody.
"""
